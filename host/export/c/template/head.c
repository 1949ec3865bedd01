/*
 * Wuxing, see wuxing.h. Generated from the core (src/core) by `npm run library:c`: the numbers are those of
 * every other machine that runs it, to the bit. Do not edit. MIT licence.
 */
#include "wuxing.h"

#if defined(__GNUC__) && !defined(__clang__) && defined(__ARM_ARCH_6M__)
/* What these remember between turns of a loop is more than eight registers hold. */
#pragma GCC optimize("no-tree-pre", "no-tree-scev-cprop")
#endif

@memory@
/* An address of which the compiler is not told how it came about, so that it keeps it in a register. */
static inline uint8_t *fixed(uint8_t *at) {
#if defined(__GNUC__)
  __asm__("" : "+r"(at));
#endif
  return at;
}

/* AVR reads byte by byte, from anywhere. */
static inline bool is_word(const uint8_t *at) {
#ifdef __AVR__
  (void)at;
  return true;
#else
  return ((uintptr_t)at & 3u) == 0;
#endif
}

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

/* The part's coefficients, in memory or in flash. Of four bits they are counted as if each had two bytes. */
static inline const uint8_t *coefficients_of(wuxing *m, const wuxing_part *part) {
#if WUXING_RINGS & 16
  m->quantised = part->quantised;
  m->coefficients = (const uint8_t *)part->coefficients;
#endif
  return m->learns ? m->memory + part->learnt : (const uint8_t *)part->coefficients;
}

#if WUXING_RINGS & 16
/* A coefficient of four bits: the lower or the higher half of a byte, times a power of two. */
static inline int32_t quantised_at(const wuxing *m, size_t link) {
  const int32_t two = flash_u8(m->coefficients + (link >> 1));
  const int32_t one = (link & 1u) != 0 ? two >> 4 : two & 15;
  return shift_left((one ^ 8) - 8, m->quantised);
}
#endif

/* Two at once, the lower in the lower half. */
static inline int32_t coefficients_at(const wuxing *m, const uint8_t *at) {
#if WUXING_RINGS & 16
  if (m->quantised != 0) {
    const size_t link = (size_t)(at - m->coefficients) >> 1;
    return (quantised_at(m, link) & 0xffff) | shift_left(quantised_at(m, link + 1u), 16);
  }
#endif
#ifdef __AVR__
  if (!m->learns) return (int32_t)pgm_read_dword(at);
#endif
  (void)m;
  return load_i32(at);
}

static inline int32_t coefficient_at(const wuxing *m, const uint8_t *at) {
#if WUXING_RINGS & 16
  if (m->quantised != 0) return quantised_at(m, (size_t)(at - m->coefficients) >> 1);
#endif
#ifdef __AVR__
  if (!m->learns) return flash_i16(at);
#endif
  (void)m;
  return load_i16(at);
}

#if WUXING_RINGS & 8
/* What a layer with shared kernels reads: inputs have been laid out there. */
static inline uint8_t *signals_at(wuxing *m, const wuxing_part *part, int32_t slot) {
  (void)slot;
  return fixed(m->memory + part->bus_in);
}
#endif

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
