/* The Pico: what board.h asks for, and the loop of the program. */
#include <stdbool.h>
#include <stdint.h>

#include "../board.h"
#include "../jacdac.h"
#include "../service.h"
#include "flash.h"
#include "registers.h"
#include "string.h"
#include "uart.h"
#include "usb.h"
#include "wuxing-core.h"

/* All RAM but what the rest of the program needs (rp2040.ld says how much that may be); as much as a plan
 * counts on for a heap of 264 KiB (src/base/heap.ts). */
enum { ARENA_BYTES = 240 * 1024 };
uint8_t arena[ARENA_BYTES] __attribute__((aligned(4), section(".arena")));
const int32_t arena_bytes = ARENA_BYTES;
const uint32_t board_product = NATIVE_PICO_PRODUCT;
const char board_description[] = "Wuxing on Raspberry Pi Pico (RP2040), native";

extern uint8_t ram_start[], bss_end[], arena_end[];
void watchdog_feed(void);

static uint8_t id[8];

uint32_t board_memory(void) { return (uint32_t)(arena_end - ram_start); }
void board_id(uint8_t out[8]) { memcpy(out, id, sizeof id); }
uint32_t board_micros(void) { return TIMERAWL; }
void board_poll(void) { watchdog_feed(); }

/* 2.17.5: one bit of the ring oscillator's noise a read; neighbours are not independent, so many. */
uint32_t board_random(void) {
  uint32_t random = TIMERAWL;
  for (int i = 0; i < 256; i++) random = random * 1664525 + 1013904223 + (ROSC_RANDOMBIT & 1);
  return random;
}

void timer_interrupt(void) { TIMER_INTR = TIMER_INT_ALARM_0; }

/* Sleeps until bytes come, at most some milliseconds: announcements and the watchdog have their time. */
static void sleep(void) {
  enum { MOST_MICROS = 20000 };
  uint32_t before = interrupts_off();
  if (!usb_has_bytes() && !uart_has_bytes()) {
    TIMER_ALARM0 = TIMERAWL + MOST_MICROS;
    /* An interrupt that comes from here on is pending, and ends the wait. */
    __asm__ volatile("wfi");
  }
  interrupts_restore(before);
}

int main(void) {
  static char serial[17];
  flash_unique_id(id);
  for (int i = 0; i < 16; i++)
    serial[i] = "0123456789ABCDEF"[(id[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15];
  jacdac_start();
  service_start();
  uart_start();
  usb_start(serial);
  TIMER_INTE = TIMER_INT_ALARM_0;
  M0PLUS_NVIC_ISER = 1u << IRQ_TIMER_0;
  for (;;) {
    board_poll();
    jacdac_poll();
    sleep();
  }
}
