#include "string.h"

#include <stdint.h>

#include "registers.h"

typedef uint32_t __attribute__((may_alias)) word;

/* In RAM, as flash may be away (flash.c) when the compiler turns a loop or a copy into a call. */
RAM_CODE void *memcpy(void *restrict to, const void *restrict from, size_t count) {
  uint8_t *t = to;
  const uint8_t *f = from;
  if ((((uintptr_t)t | (uintptr_t)f) & 3) == 0)
    for (; count >= 4; count -= 4, t += 4, f += 4) *(word *)(void *)t = *(const word *)(const void *)f;
  while (count-- > 0) *t++ = *f++;
  return to;
}

RAM_CODE void *memset(void *at, int value, size_t count) {
  uint8_t *t = at;
  uint32_t four = (uint8_t)value * 0x01010101u;
  for (; count > 0 && ((uintptr_t)t & 3) != 0; count--) *t++ = (uint8_t)value;
  for (; count >= 32; count -= 32, t += 32) {
    word *eight = (word *)(void *)t;
    eight[0] = eight[1] = eight[2] = eight[3] = eight[4] = eight[5] = eight[6] = eight[7] = four;
  }
  for (; count >= 4; count -= 4, t += 4) *(word *)(void *)t = four;
  while (count-- > 0) *t++ = (uint8_t)value;
  return at;
}

int memcmp(const void *a, const void *b, size_t count) {
  const uint8_t *x = a, *y = b;
  for (; count > 0; count--, x++, y++)
    if (*x != *y) return *x - *y;
  return 0;
}

size_t strlen(const char *text) {
  size_t count = 0;
  while (text[count] != 0) count++;
  return count;
}
