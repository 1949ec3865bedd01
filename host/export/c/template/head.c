/*
 * Wuxing, see wuxing.h. Generated from the core (src/core) by `npm run library:c`: the numbers are those of
 * every other machine that runs it, to the bit. Do not edit. MIT licence.
 */
#include "wuxing.h"

#if defined(__GNUC__) && !defined(__clang__) && defined(__ARM_ARCH_6M__)
/* What these remember between turns of a loop is more than eight registers hold. */
#pragma GCC optimize("no-tree-pre", "no-tree-scev-cprop")
#endif

/* All of the C library that is used; a program without one has these of its own. */
void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *at, int value, size_t bytes);

/* The core shifts negative numbers arithmetically and reads memory from the low byte on. */
typedef char wuxing_shifts_arithmetically[((-3) >> 1) == -2 ? 1 : -1];

/* One memory holds numbers of all sizes, so these may alias each other. */
#if defined(__GNUC__) || defined(__clang__)
#define ALIASED __attribute__((may_alias))
#else
#define ALIASED
#endif
#if defined(__GNUC__)
#define OUTLINED __attribute__((noinline))
#else
#define OUTLINED
#endif
typedef uint16_t ALIASED aliased_u16;
typedef int16_t ALIASED aliased_i16;
typedef int32_t ALIASED aliased_i32;
typedef uint32_t ALIASED aliased_u32;

static inline int32_t load_i16(const uint8_t *at) { return *(const aliased_i16 *)(const void *)at; }
static inline int32_t load_i32(const uint8_t *at) { return *(const aliased_i32 *)(const void *)at; }
static inline void store_i16(uint8_t *at, int32_t v) { *(aliased_i16 *)(void *)at = (int16_t)v; }
static inline void store_i32(uint8_t *at, int32_t v) { *(aliased_i32 *)(void *)at = v; }

#ifdef __AVR__
static inline int32_t flash_u8(const uint8_t *at) { return pgm_read_byte(at); }
static inline int32_t flash_u16(const uint8_t *at) { return pgm_read_word(at); }
static inline int32_t flash_i16(const uint8_t *at) { return (int16_t)pgm_read_word(at); }
#define COPY_FROM_FLASH memcpy_P
#else
static inline int32_t flash_u8(const uint8_t *at) { return *at; }
static inline int32_t flash_u16(const uint8_t *at) { return *(const aliased_u16 *)(const void *)at; }
static inline int32_t flash_i16(const uint8_t *at) { return load_i16(at); }
#define COPY_FROM_FLASH memcpy
#endif

/* An address of which the compiler is not told how it came about, so that it keeps it in a register. */
static inline uint8_t *fixed(uint8_t *at) {
#if defined(__GNUC__)
  __asm__("" : "+r"(at));
#endif
  return at;
}

static inline bool is_word(const uint8_t *at) { return ((uintptr_t)at & 3u) == 0; }

static inline int32_t shift_left(int32_t a, int32_t bits) { return (int32_t)((uint32_t)a << bits); }
static inline int32_t shift_right(int32_t a, int32_t bits) { return (int32_t)((uint32_t)a >> bits); }
static inline int32_t multiply(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }

/* The lower of two numbers of 16 bits. */
static inline int32_t low_half(int32_t two) { return (int16_t)two; }

/* The part of that number. */
static const wuxing_part *part_at(wuxing *m, int32_t index) {
#ifdef __AVR__
  COPY_FROM_FLASH(&m->part_copy, m->model->part + index, sizeof m->part_copy);
  return &m->part_copy;
#else
  return m->model->part + index;
#endif
}

/* The part's coefficients, in memory or in flash. */
static inline const uint8_t *coefficients_of(const wuxing *m, const wuxing_part *part) {
  return m->learns ? m->memory + part->learnt : (const uint8_t *)part->coefficients;
}

/* Two at once, the lower in the lower half. */
static inline int32_t coefficients_at(const wuxing *m, const uint8_t *at) {
#ifdef __AVR__
  if (!m->learns) return (int32_t)pgm_read_dword(at);
#endif
  (void)m;
  return load_i32(at);
}

static inline int32_t coefficient_at(const wuxing *m, const uint8_t *at) {
#ifdef __AVR__
  if (!m->learns) return flash_i16(at);
#endif
  (void)m;
  return load_i16(at);
}

/* The first input from `at` on that is not zero; `width` if there is none. */
static inline int32_t next_input(const uint8_t *inputs, int32_t at, int32_t width) {
  for (; at < width; at++) {
    if (inputs[at] != 0) return at;
#ifndef __AVR__
    /* Four at a time, where they begin at a whole word. */
    if (((uintptr_t)(inputs + at) & 3u) == 3u)
      while (at < width - 4 && *(const aliased_u32 *)(const void *)(inputs + at + 1) == 0) at += 4;
#endif
  }
  return width;
}
