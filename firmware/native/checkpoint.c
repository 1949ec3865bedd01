#include "checkpoint.h"

#include "board.h"
#include "bytes.h"
#include "crc.h"
#include "samples.h"
#include "wuxing-core.h"

/*
 * A slot: a page of header, all numbers u32, then what is kept.
 *
 *     "WXCP" | format | generation | bytes | samples | updates | layout hash | run | right |
 *     CRC-32 of what is kept | CRC-32 of the header so far
 */
enum {
  FORMAT = 2,
  AT_FORMAT = 4,
  AT_GENERATION = 8,
  AT_BYTES = 12,
  AT_SAMPLES = 16,
  AT_UPDATES = 20,
  AT_LAYOUT_HASH = 24,
  AT_RUN = 28,
  AT_RIGHT = 32,
  AT_CRC = 36,
  AT_HEADER_CRC = 40,
};
static const uint32_t HEADER_MAGIC = 0x50435857;

static uint32_t slot_bytes(void) { return (store_bytes / 2) & ~(uint32_t)(STORE_SECTOR - 1); }

/* CRC of flash, with the watchdog kept quiet. */
static uint32_t crc_of(const uint8_t *at, uint32_t count) {
  uint32_t crc = 0;
  while (count > 0) {
    uint32_t some = count < STORE_SECTOR ? count : STORE_SECTOR;
    crc = crc32(crc, at, some);
    at += some;
    count -= some;
    board_poll();
  }
  return crc;
}

static bool read_slot(uint32_t slot, checkpoint *found) {
  const uint8_t *header = store_at(slot * slot_bytes());
  if (get32(header) != HEADER_MAGIC || get32(header + AT_FORMAT) != FORMAT) return false;
  if (get32(header + AT_HEADER_CRC) != crc32(0, header, AT_HEADER_CRC)) return false;
  found->slot = slot;
  found->generation = get32(header + AT_GENERATION);
  found->bytes = get32(header + AT_BYTES);
  found->samples = get32(header + AT_SAMPLES);
  found->updates = get32(header + AT_UPDATES);
  found->layout_hash = get32(header + AT_LAYOUT_HASH);
  found->run = get32(header + AT_RUN);
  found->right = get32(header + AT_RIGHT);
  if (found->bytes > slot_bytes() - STORE_PAGE || found->bytes > (uint32_t)arena_bytes) return false;
  return crc_of(header + STORE_PAGE, found->bytes) == get32(header + AT_CRC);
}

bool checkpoint_find(checkpoint *newest) {
  if (store_bytes == 0) return false;
  checkpoint other;
  bool have = read_slot(0, newest);
  if (!read_slot(1, &other)) return have;
  /* As a difference: the counter may wrap. */
  if (!have || (int32_t)(other.generation - newest->generation) > 0) *newest = other;
  return true;
}

bool checkpoint_before(const checkpoint *newest, checkpoint *before) {
  return read_slot(1 - newest->slot, before);
}

void checkpoint_load(const checkpoint *from) {
  memset(arena, 0, (uint32_t)arena_bytes);
  memcpy(arena, store_at(from->slot * slot_bytes() + STORE_PAGE), from->bytes);
}

int32_t checkpoint_save(uint32_t samples, uint32_t run, uint32_t right, uint32_t *generation) {
  bool memory = (get16(arena + Header_Rule) & Rule_Pid) != 0;
  uint32_t bytes = get32(arena + (memory ? Header_Size : Header_Image));
  if (store_bytes == 0 || bytes > slot_bytes() - STORE_PAGE) return Status_TooLarge;
  checkpoint newest = {.slot = 1, .generation = 0};
  checkpoint_find(&newest);
  uint32_t at = (1 - newest.slot) * slot_bytes();

  /* The first sector goes first, and with it the header: half a slot is never taken for a whole one. */
  for (uint32_t done = 0; done < STORE_PAGE + bytes; done += STORE_SECTOR) {
    store_erase(at + done);
    board_poll();
  }
  uint8_t page[STORE_PAGE];
  for (uint32_t done = 0; done < bytes; done += STORE_PAGE) {
    uint32_t some = bytes - done < STORE_PAGE ? bytes - done : STORE_PAGE;
    memset(page, 0xff, sizeof page);
    memcpy(page, arena + done, some);
    store_program(at + STORE_PAGE + done, page);
    board_poll();
  }
  uint32_t crc = crc_of(arena, bytes);
  if (crc_of(store_at(at + STORE_PAGE), bytes) != crc) return Status_Internal;

  memset(page, 0xff, sizeof page);
  put32(page, HEADER_MAGIC);
  put32(page + AT_FORMAT, FORMAT);
  put32(page + AT_GENERATION, newest.generation + 1);
  put32(page + AT_BYTES, bytes);
  put32(page + AT_SAMPLES, samples);
  put32(page + AT_UPDATES, (uint32_t)updates);
  put32(page + AT_LAYOUT_HASH, get32(arena + Header_LayoutHash));
  put32(page + AT_RUN, run);
  put32(page + AT_RIGHT, right);
  put32(page + AT_CRC, crc);
  put32(page + AT_HEADER_CRC, crc32(0, page, AT_HEADER_CRC));
  store_program(at, page);
  checkpoint written;
  if (!read_slot(1 - newest.slot, &written)) return Status_Internal;
  *generation = written.generation;
  return Status_Ok;
}
