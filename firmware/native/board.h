/*
 * What the service needs of the board it runs on: everything that is about a chip is behind these
 * functions. rp2040/ has them for the Raspberry Pi Pico, arduino/ for whatever has a `Serial`.
 */
#ifndef WUXING_BOARD_H
#define WUXING_BOARD_H

#include <stdbool.h>
#include <stdint.h>

/* The shard and the reports it gathers live here; aligned to 4. */
extern uint8_t arena[];
extern const int32_t arena_bytes;

/* All memory the program holds, the arena included, bytes. */
uint32_t board_memory(void);
/* Unique to the board; the same after every start. */
void board_id(uint8_t id[8]);
/* Differs from start to start. */
uint32_t board_random(void);
/* Since the start; wraps. */
uint32_t board_micros(void);
/* What to call the board: its Jacdac description. */
extern const char board_description[];
/* Its Jacdac product identifier (src/wire/protocol.ts has those in use). */
extern const uint32_t board_product;
/* Starts the board anew, as its reset button would. */
void board_reset(void) __attribute__((noreturn));
/* Called between two chunks of work: keeps the watchdog quiet and moves waiting bytes. */
void board_poll(void);

/* Up to `most` bytes that have come; 0 when there are none. */
uint32_t line_read(uint8_t *bytes, uint32_t most);
/* Sends bytes to whoever was heard last. False if nobody takes them: they are then dropped whole. */
bool line_write(const uint8_t *bytes, uint32_t count);
/* Frames or bytes that were lost because there was no room, since the start. */
uint32_t line_lost(void);

/* The store: `store_bytes` of flash, written in pages, erased (to ones) in sectors. 0: none. */
#define STORE_PAGE 256
#define STORE_SECTOR 4096
extern const uint32_t store_bytes;
const uint8_t *store_at(uint32_t offset);
void store_erase(uint32_t offset);
void store_program(uint32_t offset, const uint8_t page[STORE_PAGE]);

#endif
