/* Start of a program in an RP2040's RAM, which rp2040js runs as it lies there. */
#include <stddef.h>
#include <stdint.h>

extern uint8_t bss_start[], bss_end[];
int run_samples(void);

void *memcpy(void *to, const void *from, size_t bytes) {
  uint8_t *a = to;
  const uint8_t *b = from;
  if ((((uintptr_t)a | (uintptr_t)b) & 3u) == 0)
    for (; bytes >= 4; bytes -= 4, a += 4, b += 4) *(volatile uint32_t *)a = *(const uint32_t *)b;
  while (bytes-- > 0) *(volatile uint8_t *)a++ = *b++;
  return to;
}

void *memset(void *at, int value, size_t bytes) {
  uint8_t *a = at;
  const uint32_t word = (uint8_t)value * 0x01010101u;
  if (((uintptr_t)a & 3u) == 0)
    for (; bytes >= 4; bytes -= 4, a += 4) *(volatile uint32_t *)a = word;
  while (bytes-- > 0) *(volatile uint8_t *)a++ = (uint8_t)value;
  return at;
}

__attribute__((noinline)) void begin_sample(void) { __asm__ volatile(""); }
__attribute__((noinline)) void end_sample(void) { __asm__ volatile(""); }

__attribute__((noinline)) void finish(void) {
  for (;;) __asm__ volatile("");
}

__attribute__((noinline, section(".start"))) void start(void) {
  for (uint8_t *at = bss_start; at < bss_end; at++) *(volatile uint8_t *)at = 0;
  run_samples();
  finish();
}
