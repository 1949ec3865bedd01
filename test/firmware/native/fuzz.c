/*
 * The native program on this machine, under sanitizers: whatever it is sent, it stays in its memory.
 * It takes cases from stdin, each a row of commands as they come from the line's decoder, or bytes as
 * they come from the line, and prints the status of each Commit. If a sanitizer ends it, the number of
 * the case is its last line on stderr.
 *
 *     case: kind u8 | count u32 | count items
 *     kind 0, item: command u16 | length u16 | payload
 *     kind 1, item: a byte
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* What the service reports is looked at on its way. */
#define jacdac_report line_report
#include "jacdac.c"
#undef jacdac_report
void jacdac_report(int32_t command, const uint8_t *payload, uint32_t length);

#include "checkpoint.h"
#include "samples.h"

static unsigned cases;

/* Both end by SIGABRT, so that the case can be said. */
const char *__asan_default_options(void) { return "handle_sigfpe=1:detect_leaks=0:abort_on_error=1"; }
const char *__ubsan_default_options(void) { return "print_stacktrace=1:abort_on_error=1"; }

enum { ARENA = 16 * 1024, STORE = 16 * STORE_SECTOR };

uint8_t arena[ARENA] __attribute__((aligned(8)));
const int32_t arena_bytes = ARENA;
const char board_description[] = "fuzz";
const uint32_t board_product = 1;
const uint32_t store_bytes = STORE;
static uint8_t store[STORE];
static uint32_t micros;

uint32_t board_memory(void) { return ARENA; }
void board_id(uint8_t id[8]) { memset(id, 7, 8); }
uint32_t board_random(void) { return 4; }
uint32_t board_micros(void) { return micros += 7; }
void board_poll(void) {}
/* A reset ends the case. */
static jmp_buf reset;
void board_reset(void) { longjmp(reset, 1); }

static const uint8_t *line;
static uint32_t line_left;
uint32_t line_read(uint8_t *bytes, uint32_t most) {
  uint32_t count = line_left < most ? line_left : most;
  memcpy(bytes, line, count);
  line += count;
  line_left -= count;
  return count;
}
bool line_write(const uint8_t *bytes, uint32_t count) {
  /* Every byte is read, as a line would. */
  static volatile uint8_t sum;
  for (uint32_t i = 0; i < count; i++) sum = (uint8_t)(sum + bytes[i]);
  return (micros & 31) != 0;
}
uint32_t line_lost(void) { return 0; }

const uint8_t *store_at(uint32_t offset) { return store + offset; }
void store_erase(uint32_t offset) { memset(store + offset, 255, STORE_SECTOR); }
void store_program(uint32_t offset, const uint8_t page[STORE_PAGE]) {
  for (uint32_t i = 0; i < STORE_PAGE; i++) store[offset + i] &= page[i];
}

void jacdac_report(int32_t command, const uint8_t *payload, uint32_t length) {
  if (command == Command_Commit) printf("%u %d\n", cases, payload[2]);
  line_report(command, payload, length);
}

static void tell(int number) {
  (void)number;
  fprintf(stderr, "\ncase %u\n", cases);
  _Exit(1);
}

static uint32_t number(uint32_t bytes) {
  uint32_t value = 0;
  for (uint32_t i = 0; i < bytes; i++) {
    int c = getchar();
    if (c == EOF) exit(0);
    value |= (uint32_t)c << (8 * i);
  }
  return value;
}

int main(void) {
  signal(SIGABRT, tell);
  memset(store, 255, sizeof store);
  jacdac_start();
  service_start();
  /* Reports are encoded only for a host that asked for them. */
  forwards = true;
  for (;; cases++) {
    static uint32_t kind, count;
    static uint8_t *bytes;
    kind = number(1);
    count = number(4);
    if (setjmp(reset) != 0) {
      free(bytes);
      line_left = 0;
      while (count > 0) {
        count--;
        number(2);
        for (uint32_t left = number(2); left > 0; left--) number(1);
      }
      continue;
    }
    /* In memory of its own and no larger, so that reading past its end is seen. */
    if (kind == 1) {
      bytes = malloc(count);
      for (uint32_t i = 0; i < count; i++) bytes[i] = (uint8_t)number(1);
      line = bytes;
      line_left = count;
      count = 0;
      while (line_left > 0) jacdac_poll();
      free(bytes);
      continue;
    }
    while (count > 0) {
      count--;
      int32_t command = (int32_t)number(2);
      uint32_t length = number(2);
      bytes = malloc(length);
      for (uint32_t k = 0; k < length; k++) bytes[k] = (uint8_t)number(1);
      service_command(command, bytes, (int32_t)length);
      free(bytes);
    }
  }
}
