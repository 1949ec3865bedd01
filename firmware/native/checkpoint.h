/*
 * Checkpoints: the shard with all it has learnt, in flash, so that a reset or a power cut loses nothing
 * older. Two slots; a new checkpoint takes the place of the older one, and counts only once its header,
 * which is written last, is there and right.
 */
#ifndef WUXING_CHECKPOINT_H
#define WUXING_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
  uint32_t slot;
  uint32_t generation;
  /* Bytes kept: the image, or all that is in use where the rule of learning has a memory. */
  uint32_t bytes;
  uint32_t samples;
  uint32_t updates;
  uint32_t layout_hash;
  /* The host's own: which training it is, how many samples of its epoch were right. */
  uint32_t run;
  uint32_t right;
} checkpoint;

/* The newest sound one; false if there is none. */
bool checkpoint_find(checkpoint *newest);
/* The sound one that the newest has not replaced; false if there is none. */
bool checkpoint_before(const checkpoint *newest, checkpoint *before);
/* Copies what it kept into the arena; the rest of that becomes zeros. */
void checkpoint_load(const checkpoint *from);
/* Keeps the loaded shard. @returns a Status; the slot is read back before it is Ok. */
int32_t checkpoint_save(uint32_t samples, uint32_t run, uint32_t right, uint32_t *generation);

#endif
