/* A ring of bytes with one writer and one reader, either of which may be an interrupt. */
#ifndef WUXING_LINE_H
#define WUXING_LINE_H

#include <stdint.h>

enum { RING_BYTES = 2048 };

typedef struct {
  uint8_t bytes[RING_BYTES];
  /* Both only grow; where they are in the ring is what is left of them by its size. */
  volatile uint32_t start, end;
} ring;

uint32_t ring_count(const ring *r);
uint32_t ring_room(const ring *r);
void ring_put(ring *r, const uint8_t *bytes, uint32_t count);
uint32_t ring_take(ring *r, uint8_t *bytes, uint32_t most);

#endif
