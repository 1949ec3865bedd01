/*
 * Access to a shard's memory, little-endian as the layout says (src/core/layout.ts), and the arithmetic of
 * the core where C's own is not defined for all values. Addresses must be aligned to the size read.
 */
#ifndef WUXING_MEMORY_H
#define WUXING_MEMORY_H

#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the layout of a shard is little-endian"
#endif
_Static_assert((-3 >> 1) == -2, "the core shifts negative numbers arithmetically");

/* One memory holds numbers of all sizes, so these may alias each other. */
typedef uint16_t __attribute__((may_alias)) aliased_u16;
typedef int16_t __attribute__((may_alias)) aliased_i16;
typedef int32_t __attribute__((may_alias)) aliased_i32;

static inline int32_t load_u8(const uint8_t *at) { return *at; }
static inline int32_t load_u16(const uint8_t *at) { return *(const aliased_u16 *)at; }
static inline int32_t load_i16(const uint8_t *at) { return *(const aliased_i16 *)at; }
static inline int32_t load_i32(const uint8_t *at) { return *(const aliased_i32 *)at; }

static inline void store_u8(uint8_t *at, int32_t value) { *at = (uint8_t)value; }
static inline void store_u16(uint8_t *at, int32_t value) { *(aliased_u16 *)at = (uint16_t)value; }
static inline void store_i16(uint8_t *at, int32_t value) { *(aliased_i16 *)at = (int16_t)value; }
static inline void store_i32(uint8_t *at, int32_t value) { *(aliased_i32 *)at = value; }

/* The same at any address, as numbers in messages lie. */
static inline int32_t peek_u8(const uint8_t *at) { return *at; }
static inline int32_t peek_u16(const uint8_t *at) { return at[0] | (at[1] << 8); }
static inline int32_t peek_i32(const uint8_t *at) {
  return (int32_t)((uint32_t)peek_u16(at) | ((uint32_t)peek_u16(at + 2) << 16));
}
static inline void poke_u8(uint8_t *at, int32_t value) { *at = (uint8_t)value; }
static inline void poke_u16(uint8_t *at, int32_t value) {
  at[0] = (uint8_t)value;
  at[1] = (uint8_t)(value >> 8);
}
static inline void poke_i32(uint8_t *at, int32_t value) {
  poke_u16(at, value);
  poke_u16(at + 2, value >> 16);
}

/* A pointer of which the compiler is not told how it came about, so that it keeps it. */
static inline uint8_t *fixed(uint8_t *at) {
  __asm__("" : "+r"(at));
  return at;
}

/* The same of a number: a sum that is worked out where it is needed, and not kept in pieces. */
static inline int32_t apart(int32_t number) {
  __asm__("" : "+r"(number));
  return number;
}

/* Adds to the number at base + at. */
static inline void add_i32(uint8_t *base, int32_t at, int32_t value) {
#if defined(__ARM_ARCH_6M__)
  /* The compiler would first work out the address, a cycle and a register more: it has eight. */
  int32_t sum;
  __asm__ volatile("ldr %0, [%1, %2]\n\tadd %0, %0, %3\n\tstr %0, [%1, %2]"
                   : "=&l"(sum)
                   : "l"(base), "l"(at), "l"(value)
                   : "memory", "cc");
#else
  store_i32(base + at, load_i32(base + at) + value);
#endif
}

static inline void fill(uint8_t *at, int32_t count, int32_t value) {
  if (count > 0) __builtin_memset(at, value, (uint32_t)count);
}

static inline void copy(uint8_t *at, const uint8_t *from, int32_t count) {
  if (count > 0) __builtin_memcpy(at, from, (uint32_t)count);
}

static inline int32_t least_of(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t greatest_of(int32_t a, int32_t b) { return a > b ? a : b; }
static inline int32_t multiply(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }
static inline int32_t shift_right(int32_t a, int32_t bits) { return (int32_t)((uint32_t)a >> bits); }
/* As the boards' Math.idiv: towards zero. */
static inline int32_t divide(int32_t a, int32_t b) { return a / b; }

#endif
