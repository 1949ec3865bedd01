/*
 * The line to the host: USB, or the UART on GPIO 0 and 1, whichever was heard last. What comes in waits in
 * a ring until the service has time for it; over USB a full ring makes the host wait.
 */
#include "line.h"

#include "../board.h"
#include "registers.h"
#include "string.h"
#include "uart.h"
#include "usb.h"

/* Somebody who listens takes a byte far sooner. */
enum { WRITE_MICROS = 500000 };

static bool uses_uart;
static uint32_t lost;

uint32_t ring_count(const ring *r) { return r->end - r->start; }
uint32_t ring_room(const ring *r) { return RING_BYTES - ring_count(r); }

void ring_put(ring *r, const uint8_t *bytes, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) r->bytes[(r->end + i) % RING_BYTES] = bytes[i];
  /* Last, since the other side may look at any time. */
  __asm__ volatile("" ::: "memory");
  r->end += count;
}

uint32_t ring_take(ring *r, uint8_t *bytes, uint32_t most) {
  uint32_t count = ring_count(r);
  if (count > most) count = most;
  for (uint32_t i = 0; i < count; i++) bytes[i] = r->bytes[(r->start + i) % RING_BYTES];
  __asm__ volatile("" ::: "memory");
  r->start += count;
  return count;
}

uint32_t line_read(uint8_t *bytes, uint32_t most) {
  uint32_t count = usb_read(bytes, most);
  if (count > 0) uses_uart = false;
  else if ((count = uart_read(bytes, most)) > 0) uses_uart = true;
  return count;
}

bool line_write(const uint8_t *bytes, uint32_t count) {
  uint32_t since = board_micros();
  while (count > 0) {
    uint32_t taken = uses_uart ? uart_write(bytes, count) : usb_write(bytes, count);
    if (taken > 0) since = board_micros();
    else if (board_micros() - since > WRITE_MICROS || (!uses_uart && !usb_is_open())) {
      lost++;
      return false;
    }
    bytes += taken;
    count -= taken;
    if (count > 0) board_poll();
  }
  return true;
}

uint32_t line_lost(void) { return lost + uart_lost(); }
