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
#define INLINE static inline __attribute__((unused))
#else
#define OUTLINED
#define INLINE static inline
#endif
typedef uint16_t ALIASED aliased_u16;
typedef int16_t ALIASED aliased_i16;
typedef int32_t ALIASED aliased_i32;
typedef uint32_t ALIASED aliased_u32;

INLINE int32_t load_u8(const uint8_t *at) { return *at; }
INLINE int32_t load_i16(const uint8_t *at) { return *(const aliased_i16 *)(const void *)at; }
INLINE int32_t load_i32(const uint8_t *at) { return *(const aliased_i32 *)(const void *)at; }
INLINE void store_u8(uint8_t *at, int32_t v) { *at = (uint8_t)v; }
INLINE void store_i16(uint8_t *at, int32_t v) { *(aliased_i16 *)(void *)at = (int16_t)v; }
INLINE void store_i32(uint8_t *at, int32_t v) { *(aliased_i32 *)(void *)at = v; }

#ifdef __AVR__
INLINE int32_t flash_u8(const uint8_t *at) { return pgm_read_byte(at); }
INLINE int32_t flash_u16(const uint8_t *at) { return pgm_read_word(at); }
INLINE int32_t flash_i16(const uint8_t *at) { return (int16_t)pgm_read_word(at); }
INLINE int32_t flash_i32(const uint8_t *at) { return (int32_t)pgm_read_dword(at); }
#define COPY_FROM_FLASH memcpy_P
#else
INLINE int32_t flash_u8(const uint8_t *at) { return *at; }
INLINE int32_t flash_u16(const uint8_t *at) { return *(const aliased_u16 *)(const void *)at; }
INLINE int32_t flash_i16(const uint8_t *at) { return load_i16(at); }
INLINE int32_t flash_i32(const uint8_t *at) { return load_i32(at); }
#define COPY_FROM_FLASH memcpy
#endif

INLINE int32_t shift_left(int32_t a, int32_t bits) { return (int32_t)((uint32_t)a << bits); }
INLINE int32_t shift_right(int32_t a, int32_t bits) { return (int32_t)((uint32_t)a >> bits); }
INLINE int32_t multiply(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }
INLINE int32_t least_of(int32_t a, int32_t b) { return a < b ? a : b; }
INLINE int32_t greatest_of(int32_t a, int32_t b) { return a > b ? a : b; }

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

#define FIXED_POINT INT32_C(4096)
#define FINER INT32_C(4)
#define STORED INT32_C(2)
#define PART_FLAG_OUTPUT INT32_C(2)
#define PART_FLAG_INPUT INT32_C(1)
#define KERNEL_ACROSS INT32_C(0)
#define KERNEL_WIDTH INT32_C(4)
#define KERNEL_HEIGHT INT32_C(6)
#define KERNEL_STRIDE INT32_C(8)
#define KERNEL_COLUMNS INT32_C(10)
#define KERNEL_ROWS INT32_C(12)
#define KERNEL_SIGNALS INT32_C(14)
#define KERNEL_SYNAPSES INT32_C(16)
#define NOISE_BITS INT32_C(16)
#define SOURCE_SALT INT32_C(40503)
#define KERNEL_COEFFICIENT_MAX INT32_C(18)
#define PART_FLAG_SHARED INT32_C(256)
#define PART_FLAG_DENSE INT32_C(4)
#define RULE_SQUARES INT32_C(512)
#define RULE_FINE INT32_C(64)

#if defined(__ARM_ARCH_6M__) && defined(__GNUC__) && !(WUXING_RINGS & 16)
/*
 * The loops in which most of the time goes, for a Cortex-M0 or M0+: eight of its registers calculate, and
 * compilers find no order of these loops that makes do with them. The same numbers as the C below. They read
 * coefficients of 16 bits.
 */
#define BY_HAND 1

typedef struct {
  const uint8_t *in, *end, *table, *start, *target;
  const uint8_t *coefficient;
  uint8_t *sum;
  int32_t salt, mask, shift, max;
  const uint8_t *first;
} m0_inputs;

#define UNUSED __attribute__((unused))

#define M0_ENTER                                                                                   \
  ".syntax unified\n push {r4-r7, lr}\n mov r4, r8\n mov r5, r9\n mov r6, r10\n mov r7, r11\n"       \
  " push {r4-r7}\n"
#define M0_LEAVE                                                                                   \
  " pop {r4-r7}\n mov r8, r4\n mov r9, r5\n mov r10, r6\n mov r11, r7\n pop {r4-r7, pc}\n"

/*
 * At 5: the input at r6 is zero; goes to 1 with the next that is not, in r6, or to 9 if there is none.
 * Eight at a time where they begin at a whole word. Needs r4, r5, r7, and in the stack's first place the
 * inputs' m0_inputs.
 */
#define M0_NEXT_INPUT                                                                              \
  "5: ldr r5, [sp]\n ldr r5, [r5, #4]\n"                                                           \
  "6: adds r6, #1\n cmp r6, r5\n beq 9f\n lsls r7, r6, #30\n beq 7f\n"                             \
  " ldrb r7, [r6]\n cmp r7, #0\n beq 6b\n b 1b\n"                                                  \
  "7: subs r5, #7\n"                                                                               \
  "8: cmp r6, r5\n bhs 10f\n ldmia r6!, {r4, r7}\n orrs r4, r4, r7\n beq 8b\n subs r6, #8\n"        \
  "10: adds r5, #7\n"                                                                              \
  "14: cmp r6, r5\n beq 9f\n ldrb r7, [r6]\n cmp r7, #0\n bne 1b\n adds r6, #1\n b 14b\n"

/*
 * sum[target] += signal · coefficient for all links of all inputs; `start` less twice the inputs' address.
 * r0 c, r1 counts links, r2 t, r3 sum, r4 signal, r5-r7 free; r8 in, r9 end, r10 table, r11 target,
 * r12 next, lr start.
 */
__attribute__((naked, noinline)) static void m0_sum_inputs(const m0_inputs *all UNUSED) {
  __asm__ volatile(
      M0_ENTER
      " push {r0}\n"
      " ldmia r0!, {r1-r5}\n"
      " mov r8, r1\n mov r9, r2\n mov r10, r3\n mov lr, r4\n mov r11, r5\n"
      " ldr r3, [r0, #4]\n"
      " mov r6, r8\n"
      " cmp r6, r9\n"
      " beq 9f\n"
      " ldrb r7, [r6]\n"
      " cmp r7, #0\n"
      " beq 5f\n"
      /* A run of inputs that are not zero begins at r6. */
      "1: lsls r5, r6, #1\n"
      " add r5, lr\n"
      " mov r12, r5\n"
      " ldrh r7, [r5]\n"
      " mov r2, r11\n"
      " adds r2, r2, r7\n"
      " ldr r0, [sp]\n"
      " ldr r0, [r0, #20]\n"
      " lsls r7, r7, #1\n"
      " adds r0, r0, r7\n"
      " ldrb r7, [r6]\n"
      /* An input, of the value r7. */
      "2: adds r6, #1\n"
      " mov r8, r6\n"
      " lsls r7, r7, #1\n"
      " mov r6, r10\n"
      " ldrsh r4, [r6, r7]\n"
      " mov r6, r12\n"
      " adds r6, #2\n"
      " mov r12, r6\n"
      " ldrh r7, [r6]\n"
      " add r7, r11\n"
      " subs r1, r2, r7\n" /* as many links, negative */
      " beq 4f\n"
      " lsls r1, r1, #1\n"
      " subs r0, r0, r1\n"
      "3: ldrsh r5, [r0, r1]\n"
      " ldrb r6, [r2]\n"
      " muls r5, r4, r5\n"
      " lsls r6, r6, #2\n"
      " ldr r7, [r3, r6]\n"
      " adds r2, #1\n"
      " adds r7, r7, r5\n"
      " str r7, [r3, r6]\n"
      " adds r1, #2\n"
      " bmi 3b\n"
      "4: mov r6, r8\n"
      " cmp r6, r9\n"
      " beq 9f\n"
      " ldrb r7, [r6]\n"
      " cmp r7, #0\n"
      " bne 2b\n"
      M0_NEXT_INPUT
      "9: pop {r0}\n"
      M0_LEAVE);
}

/*
 * The links of all inputs learn: w = packed[target] = lambda * 2^16 + noise;
 * c += (signal * lambda + ((w + salt) & mask)) >> shift, not past max.
 * r0 end of the input's c, r1 counts its links, r2 packed, r3 signal, r4-r6 free, r7 t; r8 in, r9 salt,
 * r10 mask, r11 shift, r12 max, lr 2 * max.
 */
__attribute__((naked, noinline)) static void m0_learn_inputs(const m0_inputs *all UNUSED) {
  __asm__ volatile(
      M0_ENTER
      " push {r0}\n"
      " mov r7, r0\n"
      " ldr r2, [r7, #24]\n"
      " ldr r4, [r7, #32]\n mov r10, r4\n"
      " ldr r4, [r7, #36]\n mov r11, r4\n"
      " ldr r4, [r7, #40]\n mov r12, r4\n"
      " lsls r4, r4, #1\n mov lr, r4\n"
      " ldr r6, [r7, #0]\n"
      " ldr r5, [r7, #4]\n"
      " cmp r6, r5\n"
      " beq 9f\n"
      " ldrb r4, [r6]\n"
      " cmp r4, #0\n"
      " beq 5f\n"
      /* A run of inputs that are not zero begins at r6. */
      "1: ldr r7, [sp]\n"
      " ldr r5, [r7, #44]\n"
      " subs r5, r6, r5\n"
      " ldr r4, [r7, #28]\n"
      " muls r4, r5, r4\n"
      " mov r9, r4\n"
      " lsls r5, r6, #1\n"
      " ldr r4, [r7, #12]\n"
      " ldrh r4, [r4, r5]\n"
      " ldr r0, [r7, #20]\n"
      " lsls r5, r4, #1\n"
      " adds r0, r0, r5\n"
      " ldr r7, [r7, #16]\n"
      " adds r7, r7, r4\n"
      " ldrb r4, [r6]\n"
      /* An input at r6, of the value r4. */
      "2: ldr r5, [sp]\n"
      " ldr r1, [r5, #8]\n"
      " lsls r4, r4, #1\n"
      " ldrsh r3, [r1, r4]\n"
      " adds r6, #1\n"
      " mov r8, r6\n"
      " lsls r6, r6, #1\n"
      " ldr r4, [r5, #12]\n"
      " ldrh r4, [r4, r6]\n"
      " ldr r6, [r5, #16]\n"
      " adds r4, r4, r6\n"
      " subs r1, r7, r4\n" /* as many links, negative */
      " beq 4f\n"
      " lsls r1, r1, #1\n"
      " subs r0, r0, r1\n"
      "3: ldrb r6, [r7]\n"
      " adds r7, #1\n"
      " lsls r6, r6, #2\n"
      " ldr r4, [r2, r6]\n"
      " asrs r6, r4, #16\n"
      " beq 11f\n"
      " muls r6, r3, r6\n"
      " add r4, r9\n"
      " mov r5, r10\n"
      " ands r4, r5\n"
      " adds r6, r6, r4\n"
      " mov r5, r11\n"
      " asrs r6, r5\n"
      " beq 11f\n"
      " ldrsh r5, [r0, r1]\n"
      " adds r6, r6, r5\n"
      " mov r4, r12\n"
      " adds r4, r4, r6\n"
      " cmp r4, lr\n"
      " bhi 12f\n"
      "13: strh r6, [r0, r1]\n"
      "11: adds r1, #2\n"
      " bmi 3b\n"
      " ldr r5, [sp]\n"
      "4: ldr r4, [r5, #28]\n"
      " add r9, r4\n"
      " mov r6, r8\n"
      " ldr r5, [r5, #4]\n"
      " cmp r6, r5\n"
      " beq 9f\n"
      " ldrb r4, [r6]\n"
      " cmp r4, #0\n"
      " bne 2b\n"
      " b 5f\n"
      /* Past a clamp: the lower one where the sum with max is negative. */
      "12: mov r6, r12\n"
      " cmp r4, #0\n"
      " bge 13b\n"
      " rsbs r6, r6, #0\n"
      " b 13b\n"
      M0_NEXT_INPUT
      "9: pop {r0}\n"
      M0_LEAVE);
}

/*
 * A row of dense links learns, back[source] += c * lambda for each c as it was:
 * c += (signal * lambda + (noise & mask)) >> shift, not past max.
 */
typedef struct {
  const uint8_t *last; /* of the signals */
  uint8_t *end;        /* of the coefficients */
  uint8_t *back;
  int32_t bytes, lambda, noise, mask, shift, max; /* bytes of the row, negative */
} m0_row;

/*
 * r0 end of c, r1 of the bus, r2 back, r3 counts links, r4 lambda, r5-r7 free; r8 noise, r9 mask,
 * r10 shift, r11 max, r12 2 * max, lr SOURCE_SALT.
 */
__attribute__((naked, noinline)) static void m0_learn_row(const m0_row *row UNUSED) {
  __asm__ volatile(
      M0_ENTER
      " ldr r1, =40503\n mov lr, r1\n"
      " ldmia r0!, {r1-r7}\n"
      " mov r8, r6\n mov r9, r7\n"
      " ldmia r0!, {r6, r7}\n"
      " mov r10, r6\n mov r11, r7\n"
      " lsls r7, r7, #1\n mov r12, r7\n"
      " mov r0, r2\n mov r2, r3\n mov r3, r4\n mov r4, r5\n"
      "1: ldrsh r5, [r1, r3]\n"
      " muls r5, r4, r5\n"
      " mov r6, r8\n"
      " mov r7, r9\n"
      " ands r7, r6\n"
      " add r6, lr\n"
      " mov r8, r6\n"
      " adds r5, r5, r7\n"
      " mov r7, r10\n"
      " asrs r5, r7\n"
      " ldrsh r6, [r0, r3]\n"
      " adds r5, r5, r6\n"
      " muls r6, r4, r6\n"
      " ldr r7, [r2]\n"
      " adds r7, r7, r6\n"
      " stmia r2!, {r7}\n"
      " mov r6, r11\n"
      " adds r6, r6, r5\n"
      " cmp r6, r12\n"
      " bhi 2f\n"
      "3: strh r5, [r0, r3]\n"
      " adds r3, #2\n"
      " bmi 1b\n"
      M0_LEAVE
      "2: mov r5, r11\n"
      " cmp r6, #0\n"
      " bge 3b\n"
      " rsbs r5, r5, #0\n"
      " b 3b\n"
      " .ltorg\n");
}

/* Sum of the products of as many signals and coefficients, a multiple of four and not none. */
__attribute__((naked, noinline)) static int32_t m0_dot(const uint8_t *bus UNUSED,
                                                       const uint8_t *last UNUSED,
                                                       const uint8_t *c UNUSED) {
  __asm__ volatile(
      ".syntax unified\n"
      " push {r4-r7, lr}\n"
      " mov r12, r1\n"
      " movs r1, #0\n"
      "1: ldmia r0!, {r3, r4}\n"
      " ldmia r2!, {r5, r6}\n"
      " sxth r7, r3\n"
      " mov lr, r7\n"
      " sxth r7, r5\n"
      " asrs r3, r3, #16\n"
      " asrs r5, r5, #16\n"
      " muls r3, r5, r3\n"
      " adds r1, r1, r3\n"
      " mov r3, lr\n"
      " muls r3, r7, r3\n"
      " adds r1, r1, r3\n"
      " sxth r3, r4\n"
      " sxth r5, r6\n"
      " muls r3, r5, r3\n"
      " adds r1, r1, r3\n"
      " asrs r4, r4, #16\n"
      " asrs r6, r6, #16\n"
      " muls r4, r6, r4\n"
      " adds r1, r1, r4\n"
      " cmp r0, r12\n"
      " bne 1b\n"
      " mov r0, r1\n"
      " pop {r4-r7, pc}\n");
}

static void by_hand_of(wuxing *m, const wuxing_part *part, const uint8_t *inputs, m0_inputs *all) {
  all->in = all->first = inputs;
  all->end = inputs + m->model->width;
  all->table = (const uint8_t *)m->model->input_table;
  all->start = (const uint8_t *)((uintptr_t)part->start - 2 * (uintptr_t)inputs);
  all->target = part->target;
  all->coefficient = coefficients_of(m, part);
  all->sum = m->memory + part->sum;
}

/* Does it for a network with one signal an input; false otherwise. */
static bool sum_by_hand(wuxing *m, const wuxing_part *part, const uint8_t *inputs) {
  if (m->model->input_signals != 1) return false;
  m0_inputs all;
  by_hand_of(m, part, inputs, &all);
  m0_sum_inputs(&all);
  return true;
}

/* The same for rates that noise can round. */
static bool learn_by_hand(wuxing *m, const wuxing_part *part, const uint8_t *inputs) {
  const int32_t shift = m->model->learn_shift + part->finer;
  if (m->model->input_signals != 1 || shift > 16) return false;
  m0_inputs all;
  by_hand_of(m, part, inputs, &all);
  all.salt = 40503;
  all.shift = shift;
  all.mask = (int32_t)(((uint32_t)1 << all.shift) - 1u);
  all.max = m->model->coefficient_max;
  m0_learn_inputs(&all);
  return true;
}

static bool row_by_hand(wuxing *m, uint8_t *c, uint8_t *bus, uint8_t *last, uint8_t *back, int32_t w,
                        int32_t mask, int32_t shift, int32_t max) {
  (void)m;
  if (bus == last) return true;
  const int32_t bytes = (int32_t)(last - bus);
  const m0_row row = {last, c + bytes, back, -bytes, w >> 16, w & 0xffff, mask, shift, max};
  m0_learn_row(&row);
  return true;
}

static int32_t dot_fours(wuxing *m, uint8_t *bus, uint8_t *last, const uint8_t *c) {
  (void)m;
  return bus == last ? 0 : m0_dot(bus, last, c);
}
#else
#define sum_by_hand(m, part, inputs) false
#define learn_by_hand(m, part, inputs) false
#define row_by_hand(m, c, bus, last, back, w, mask, shift, max) false
#endif

/* 2^15 · 2^(-i/32) */
static const uint16_t powers[32] WUXING_FLASH = {32768, 32066, 31379, 30707, 30049, 29405, 28775, 28159, 27556, 26966, 26388, 25823, 25270, 24729, 24199, 23681, 23174, 22678, 22192, 21717, 21252, 20797, 20351, 19915, 19488, 19071, 18662, 18262, 17871, 17488, 17113, 16746};

static void settle_forward_of(wuxing *m, const wuxing_part *part);
static void settle_backward_of(wuxing *m, const wuxing_part *part);
static void sum_kernels_of(wuxing *m, const wuxing_part *part, const uint8_t *inputs);
static void learn_kernels_of(wuxing *m, const wuxing_part *part);
#if WUXING_RINGS & 1
OUTLINED static int32_t bits_within(int32_t span);
#endif
#if WUXING_RINGS & 1
OUTLINED static void settle_forward_two(wuxing *m, const wuxing_part *part, int32_t slot, int32_t from, int32_t to);
#endif
#if WUXING_RINGS & 3
OUTLINED static void settle_backward(wuxing *m, const wuxing_part *part, int32_t from, int32_t to);
#endif
#if WUXING_RINGS & 1
OUTLINED static void settle_backward_two(wuxing *m, const wuxing_part *part, int32_t from, int32_t to);
#endif
#if WUXING_RINGS & 2
OUTLINED static void settle_forward(wuxing *m, const wuxing_part *part, int32_t slot, int32_t from, int32_t to);
#endif
#if WUXING_RINGS & 4
OUTLINED static void settle_forward_fine(wuxing *m, const wuxing_part *part, int32_t slot, int32_t from, int32_t to);
#endif
#if WUXING_RINGS & 4
OUTLINED static void settle_backward_fine(wuxing *m, const wuxing_part *part, int32_t from, int32_t to);
#endif
static void clear_sums(wuxing *m, const wuxing_part *part);
#if WUXING_RINGS & 8
OUTLINED static void sum_shared(wuxing *m, const wuxing_part *part, int32_t slot, int32_t from, int32_t to);
#endif
#if WUXING_RINGS & 8
OUTLINED static void sum_kernels(wuxing *m, const wuxing_part *part, const uint8_t *inputs);
#endif
#if WUXING_RINGS & 8
OUTLINED static int32_t products_of(wuxing *m, const wuxing_part *part, int32_t slot, int32_t link);
#endif
#if WUXING_RINGS & 8
static inline int32_t mix16(int32_t x);
#endif
#if WUXING_RINGS & 8
OUTLINED static int32_t shared_noise(wuxing *m, const wuxing_part *part, int32_t random, int32_t link);
#endif
#if WUXING_RINGS & 8
OUTLINED static void change_shared(wuxing *m, const wuxing_part *part, int32_t link, int32_t change);
#endif
#if WUXING_RINGS & 8
OUTLINED static void learn_shared(wuxing *m, const wuxing_part *part, int32_t slot, int32_t from, int32_t to);
#endif
#ifndef BY_HAND
static int32_t dot_fours(wuxing *m, uint8_t *bus, uint8_t *last, const uint8_t *c);
#endif
static int32_t dot(wuxing *m, uint8_t *bus, uint8_t *last, const uint8_t *c);
OUTLINED static void sum_all(wuxing *m, const wuxing_part *part);
static inline const uint8_t *add_links(wuxing *m, uint8_t *sum, const uint8_t *t, const uint8_t *c, const uint8_t *end, int32_t signal);
OUTLINED static void sum_inputs(wuxing *m, const wuxing_part *part, const uint8_t *inputs);
OUTLINED static void sum_signals(wuxing *m, const wuxing_part *part);
static int32_t best_output(wuxing *m, const wuxing_part *part, int32_t slot, int32_t except);
static int32_t readout(wuxing *m, const wuxing_part *part, int32_t slot);
static int32_t forward_direct(wuxing *m, const uint8_t *inputs);
static int32_t predict_direct(wuxing *m, const uint8_t *inputs);
static int32_t hash32(int32_t seed, int32_t index);
static int32_t sample_random(int32_t seed, int32_t sample);
static inline int32_t signal_bits(wuxing *m);
static bool target_error(wuxing *m, const wuxing_part *part, int32_t slot, int32_t label);
static bool softmax_error(wuxing *m, const wuxing_part *part, int32_t slot, int32_t label);
static bool margin_error(wuxing *m, const wuxing_part *part, int32_t slot, int32_t label);
OUTLINED static bool output_error(wuxing *m, const wuxing_part *part, int32_t slot, int32_t label);
OUTLINED static void draw(wuxing *m, const wuxing_part *part, bool packs);
static void pack_noise(wuxing *m, const wuxing_part *part);
static inline int32_t spread_of(int32_t shift);
static inline void learn_link(wuxing *m, uint8_t *c, int32_t signal, int32_t w, int32_t salt, int32_t mask, int32_t spread, int32_t shift, int32_t max);
static inline uint8_t *learn_links(wuxing *m, uint8_t *packed, const uint8_t *t, uint8_t *c, const uint8_t *end, int32_t signal, int32_t salt, int32_t mask, int32_t spread, int32_t shift, int32_t max);
OUTLINED static void learn_inputs(wuxing *m, const wuxing_part *part, const uint8_t *inputs);
static void learn_row(wuxing *m, uint8_t *c, uint8_t *bus, uint8_t *last, uint8_t *back, int32_t w, int32_t mask, int32_t spread, int32_t shift, int32_t max);
OUTLINED static void learn_signals(wuxing *m, const wuxing_part *part);
static int32_t learn_direct(wuxing *m, const uint8_t *inputs, int32_t label, int32_t sample);

#if WUXING_RINGS & 1
/* Bits a distance 0…span surely has: the largest b with 2^b − 1 ≤ span. */
OUTLINED static int32_t bits_within(int32_t span) {
  int32_t bits = 13;
  while (shift_left(1, bits) > span + 1) {
    bits = bits - 1;
  }
  return bits;
}
#endif

#if WUXING_RINGS & 1
/* As settleForward (settle.ts). Where `Header.Brief` is set, `Part.State` stays as it is. */
OUTLINED static void settle_forward_two(wuxing *m, const wuxing_part *part, int32_t slot, int32_t from, int32_t to) {
  const int32_t steps = (int32_t)m->model->steps;
  const int32_t reciprocal = (int32_t)m->model->reciprocal;
  const int32_t signal_shift = (int32_t)m->model->signal_shift;
  const int32_t net_shift = (int32_t)m->model->net_shift;
  const int32_t net_min = (int32_t)m->model->net_min;
  const int32_t net_max = (int32_t)m->model->net_max;
  const int32_t min = (int32_t)m->model->element_min;
  const int32_t max = (int32_t)m->model->element_max;
  const int32_t bits = bits_within(max - min);
  const bool brief = (int32_t)m->brief != 0;
  const bool two_inputs = (int32_t)part->inputs > 1;
  const bool two_outputs = (int32_t)part->outputs > 1;
  const int32_t inputs = (int32_t)part->inputs;
  const int32_t outputs = (int32_t)part->outputs;
  const int32_t one = FIXED_POINT;
  const int32_t rest = steps * FIXED_POINT;
  const int32_t whole = brief ? steps - 1 : steps;
  uint8_t *sum = fixed(m->memory + part->sum) + (shift_left(from * inputs, 2));
  uint8_t *state = fixed(m->memory + part->state) + from * 10;
  uint8_t *out = fixed(m->memory + part->bus_out) + (shift_left(slot * (int32_t)part->bus_out_width + (int32_t)part->bus_out_first + from * outputs, 1));
  for (int32_t neuron = from; neuron < to; neuron++) {
    int32_t u0 = load_i32(sum) >> net_shift;
    sum = sum + 4;
    if (u0 < net_min) {
      u0 = net_min;
    }
    if (u0 > net_max) {
      u0 = net_max;
    }
    int32_t u1 = 0;
    if (two_inputs) {
      u1 = load_i32(sum) >> net_shift;
      sum = sum + 4;
      if (u1 < net_min) {
        u1 = net_min;
      }
      if (u1 > net_max) {
        u1 = net_max;
      }
    }
    /* First step: f = u, and only the predictors of 0 and 1 leave the fixed point 1. */
    const int32_t q0 = one + ((3 * u0) >> 2);
    const int32_t q1 = one + ((3 * u1) >> 2);
    int32_t e0 = one + ((3 * (u0 + u0 + one - q0)) >> 3);
    int32_t e1 = one + ((3 * (u1 + u1 + q0 - q1)) >> 3);
    int32_t e2 = one + ((3 * (q1 - ((one + q0) >> 1))) >> 3);
    int32_t e3 = one + ((3 * (one - ((one + q1) >> 1))) >> 3);
    int32_t e4 = one;
    int32_t s1 = 0;
    int32_t s2 = 0;
    int32_t left = whole;
    while (true) {
      /* Without a bit at or above `bits` (a negative number has them all), none is near a clamp. */
      if (((e0 - min) | (e1 - min) | (e2 - min) | (e3 - min) | (e4 - min)) >> bits != 0) {
        if (e0 < min) {
          e0 = min;
        }
        if (e0 > max) {
          e0 = max;
        }
        if (e1 < min) {
          e1 = min;
        }
        if (e1 > max) {
          e1 = max;
        }
        if (e2 < min) {
          e2 = min;
        }
        if (e2 > max) {
          e2 = max;
        }
        if (e3 < min) {
          e3 = min;
        }
        if (e3 > max) {
          e3 = max;
        }
        if (e4 < min) {
          e4 = min;
        }
        if (e4 > max) {
          e4 = max;
        }
      }
      s1 += e1;
      s2 += e2;
      left = left - 1;
      if (left == 0) {
        break;
      }
      /* The bounds are settle.ts's. */
      const int32_t f0 = e4 - ((e0 * (one + e3)) >> 13) + u0;
      const int32_t f1 = e0 - ((e1 * (one + e4)) >> 13) + u1;
      const int32_t f2 = e1 - ((e2 * (one + e0)) >> 13);
      const int32_t f3 = e2 - ((e3 * (one + e1)) >> 13);
      const int32_t f4 = e3 - ((e4 * (one + e2)) >> 13);
      const int32_t p0 = e0 + ((3 * f0) >> 2);
      const int32_t p1 = e1 + ((3 * f1) >> 2);
      const int32_t p2 = e2 + ((3 * f2) >> 2);
      const int32_t p3 = e3 + ((3 * f3) >> 2);
      const int32_t p4 = e4 + ((3 * f4) >> 2);
      e0 += (3 * (f0 + p4 - ((p0 * (one + p3)) >> 13) + u0)) >> 3;
      e1 += (3 * (f1 + p0 - ((p1 * (one + p4)) >> 13) + u1)) >> 3;
      e2 += (3 * (f2 + p1 - ((p2 * (one + p0)) >> 13))) >> 3;
      e3 += (3 * (f3 + p2 - ((p3 * (one + p1)) >> 13))) >> 3;
      e4 += (3 * (f4 + p3 - ((p4 * (one + p2)) >> 13))) >> 3;
    }
    if (brief) {
      /* Last step: E1, and E2 where it gives a signal. */
      const int32_t f0 = e4 - ((e0 * (one + e3)) >> 13) + u0;
      const int32_t f1 = e0 - ((e1 * (one + e4)) >> 13) + u1;
      const int32_t f4 = e3 - ((e4 * (one + e2)) >> 13);
      const int32_t p0 = e0 + ((3 * f0) >> 2);
      const int32_t p1 = e1 + ((3 * f1) >> 2);
      const int32_t p4 = e4 + ((3 * f4) >> 2);
      if (two_outputs) {
        const int32_t f2 = e1 - ((e2 * (one + e0)) >> 13);
        const int32_t p2 = e2 + ((3 * f2) >> 2);
        e2 += (3 * (f2 + p1 - ((p2 * (one + p0)) >> 13))) >> 3;
        if (e2 < min) {
          e2 = min;
        }
        if (e2 > max) {
          e2 = max;
        }
        s2 += e2;
      }
      e1 += (3 * (f1 + p0 - ((p1 * (one + p4)) >> 13) + u1)) >> 3;
      if (e1 < min) {
        e1 = min;
      }
      if (e1 > max) {
        e1 = max;
      }
      s1 += e1;
    } else {
      store_i16(state, e0);
      store_i16(state + 2, e1);
      store_i16(state + 4, e2);
      store_i16(state + 6, e3);
      store_i16(state + 8, e4);
      state = state + 10;
    }
    store_i16(out, ((s1 - rest) * reciprocal) >> signal_shift);
    out = out + 2;
    if (two_outputs) {
      store_i16(out, ((s2 - rest) * reciprocal) >> signal_shift);
      out = out + 2;
    }
  }
}
#endif

#if WUXING_RINGS & 3
/*
 * Backward settle of the part's neurons from…to−1: the operating-point backward signal. It is the
 * transpose of the forward Jacobian at the neuron's own end state X, started at zero:
 *
 *     dλ[i]/dt = K1·λ[i+1] − (K2 + K3·X[i−2])·λ[i] − K3·X[i+2]·λ[i+2] + in[i]
 *
 * `in` are the sums of C·λ at this layer's signals (`Part.BackIn`), shifted to Q12 (finer by `Part.Finer`) and
 * clamped. The system is linear, so a finer λ takes the same bits and saturates earlier. An element that ended on a clamp keeps λ = 0; a synapse whose net input was clamped gets
 * λ = 0. The time-mean (as in the forward settle) goes to `Part.Lambda`, clamped.
 */
OUTLINED static void settle_backward(wuxing *m, const wuxing_part *part, int32_t from, int32_t to) {
  const int32_t steps = (int32_t)m->model->steps;
  const int32_t reciprocal = (int32_t)m->model->reciprocal;
  const int32_t net_shift = (int32_t)m->model->net_shift;
  const int32_t net_min = (int32_t)m->model->net_min;
  const int32_t net_max = (int32_t)m->model->net_max;
  const int32_t min = (int32_t)m->model->element_min;
  const int32_t max = (int32_t)m->model->element_max;
  const int32_t limit = (int32_t)m->model->lambda_max;
  const int32_t back_shift = (int32_t)part->back_shift;
  const int32_t inputs = (int32_t)part->inputs;
  const int32_t input_step = (int32_t)part->input_step;
  const int32_t input_end = inputs * input_step;
  const int32_t output_first = (int32_t)part->output_first;
  const int32_t outputs = (int32_t)part->outputs;
  const int32_t output_step = (int32_t)part->output_step;
  const int32_t output_end = output_first + outputs * output_step;
  uint8_t *sum = fixed(m->memory + part->sum) + (shift_left(from * inputs, 2));
  uint8_t *state = fixed(m->memory + part->state) + from * 10;
  uint8_t *lambda = fixed(m->memory + part->lambda) + (shift_left(from * inputs, 1));
  uint8_t *back = fixed(m->memory + part->back_in) + (shift_left((int32_t)part->bus_out_first + from * outputs, 2));
  for (int32_t neuron = from; neuron < to; neuron++) {
    int32_t i0 = 0;
    int32_t i1 = 0;
    int32_t i2 = 0;
    int32_t i3 = 0;
    int32_t i4 = 0;
    bool driven = false;
    for (int32_t e = output_first; e < output_end; e += output_step) {
      int32_t v = load_i32(back) >> back_shift;
      back = back + 4;
      if (v < -limit) {
        v = -limit;
      }
      if (v > limit) {
        v = limit;
      }
      if (v != 0) {
        driven = true;
      }
      if (e == 0) {
        i0 = v;
      } else if (e == 1) {
        i1 = v;
      } else if (e == 2) {
        i2 = v;
      } else if (e == 3) {
        i3 = v;
      } else {
        i4 = v;
      }
    }
    if (driven) {
      const int32_t x0 = load_i16(state);
      const int32_t x1 = load_i16(state + 2);
      const int32_t x2 = load_i16(state + 4);
      const int32_t x3 = load_i16(state + 6);
      const int32_t x4 = load_i16(state + 8);
      const bool free0 = x0 > min && x0 < max;
      const bool free1 = x1 > min && x1 < max;
      const bool free2 = x2 > min && x2 < max;
      const bool free3 = x3 > min && x3 < max;
      const bool free4 = x4 > min && x4 < max;
      const bool clamped = !(free0 && free1 && free2 && free3 && free4);
      /* The factors of λ[i] on itself, 1 + X[i−2] in Q12 (2·(K2 + K3·X)). */
      const int32_t a0 = FIXED_POINT + x3;
      const int32_t a1 = FIXED_POINT + x4;
      const int32_t a2 = FIXED_POINT + x0;
      const int32_t a3 = FIXED_POINT + x1;
      const int32_t a4 = FIXED_POINT + x2;
      int32_t l0 = 0;
      int32_t l1 = 0;
      int32_t l2 = 0;
      int32_t l3 = 0;
      int32_t l4 = 0;
      int32_t s0 = 0;
      int32_t s1 = 0;
      int32_t s2 = 0;
      int32_t s3 = 0;
      int32_t s4 = 0;
      for (int32_t step = 0; step < steps; step++) {
        /* |λ| ≤ limit ≤ 2·4096 and 0 < X ≤ 3·4096 give |f| ≤ 10·4096, |p| ≤ 9.5·4096, and */
        /* p·(1+X) + X·p ≤ 9.5·7·2^24 = 1.12e9 < 2^31. */
        int32_t f0 = l1 - ((l0 * a0 + x2 * l2) >> 13) + i0;
        int32_t f1 = l2 - ((l1 * a1 + x3 * l3) >> 13) + i1;
        int32_t f2 = l3 - ((l2 * a2 + x4 * l4) >> 13) + i2;
        int32_t f3 = l4 - ((l3 * a3 + x0 * l0) >> 13) + i3;
        int32_t f4 = l0 - ((l4 * a4 + x1 * l1) >> 13) + i4;
        if (clamped) {
          /* λ stays 0 where the element cannot move; l is 0 already, so f = 0 keeps p at 0. */
          if (!free0) {
            f0 = 0;
          }
          if (!free1) {
            f1 = 0;
          }
          if (!free2) {
            f2 = 0;
          }
          if (!free3) {
            f3 = 0;
          }
          if (!free4) {
            f4 = 0;
          }
        }
        const int32_t p0 = l0 + ((3 * f0) >> 2);
        const int32_t p1 = l1 + ((3 * f1) >> 2);
        const int32_t p2 = l2 + ((3 * f2) >> 2);
        const int32_t p3 = l3 + ((3 * f3) >> 2);
        const int32_t p4 = l4 + ((3 * f4) >> 2);
        l0 += (3 * (f0 + p1 - ((p0 * a0 + x2 * p2) >> 13) + i0)) >> 3;
        l1 += (3 * (f1 + p2 - ((p1 * a1 + x3 * p3) >> 13) + i1)) >> 3;
        l2 += (3 * (f2 + p3 - ((p2 * a2 + x4 * p4) >> 13) + i2)) >> 3;
        l3 += (3 * (f3 + p4 - ((p3 * a3 + x0 * p0) >> 13) + i3)) >> 3;
        l4 += (3 * (f4 + p0 - ((p4 * a4 + x1 * p1) >> 13) + i4)) >> 3;
        if (clamped) {
          if (!free0) {
            l0 = 0;
          }
          if (!free1) {
            l1 = 0;
          }
          if (!free2) {
            l2 = 0;
          }
          if (!free3) {
            l3 = 0;
          }
          if (!free4) {
            l4 = 0;
          }
        }
        if (l0 < -limit) {
          l0 = -limit;
        }
        if (l0 > limit) {
          l0 = limit;
        }
        if (l1 < -limit) {
          l1 = -limit;
        }
        if (l1 > limit) {
          l1 = limit;
        }
        if (l2 < -limit) {
          l2 = -limit;
        }
        if (l2 > limit) {
          l2 = limit;
        }
        if (l3 < -limit) {
          l3 = -limit;
        }
        if (l3 > limit) {
          l3 = limit;
        }
        if (l4 < -limit) {
          l4 = -limit;
        }
        if (l4 > limit) {
          l4 = limit;
        }
        s0 += l0;
        s1 += l1;
        s2 += l2;
        s3 += l3;
        s4 += l4;
      }
      for (int32_t e = 0; e < input_end; e += input_step) {
        int32_t s = s4;
        if (e == 0) {
          s = s0;
        } else if (e == 1) {
          s = s1;
        } else if (e == 2) {
          s = s2;
        } else if (e == 3) {
          s = s3;
        }
        const int32_t u = load_i32(sum) >> net_shift;
        /* |s| ≤ steps · 2·4096: |s · reciprocal| ≤ 2^29. */
        if (u <= net_min || u >= net_max) {
          s = 0;
        } else {
          s = (s * reciprocal) >> 16;
        }
        /* The floor and a reciprocal rounded up can take the mean one step past the clamp. */
        if (s < -limit) {
          s = -limit;
        }
        if (s > limit) {
          s = limit;
        }
        store_i16(lambda, s);
        sum = sum + 4;
        lambda = lambda + 2;
      }
    } else {
      memset(lambda, 0, (size_t)(shift_left(inputs, 1)));
      sum = sum + (shift_left(inputs, 2));
      lambda = lambda + (shift_left(inputs, 1));
    }
    state = state + 10;
  }
}
#endif

#if WUXING_RINGS & 1
/* As settleBackward (settle.ts). */
OUTLINED static void settle_backward_two(wuxing *m, const wuxing_part *part, int32_t from, int32_t to) {
  const int32_t steps = (int32_t)m->model->steps;
  const int32_t reciprocal = (int32_t)m->model->reciprocal;
  const int32_t net_shift = (int32_t)m->model->net_shift;
  const int32_t net_min = (int32_t)m->model->net_min;
  const int32_t net_max = (int32_t)m->model->net_max;
  const int32_t limit = (int32_t)m->model->lambda_max;
  const int32_t back_shift = (int32_t)part->back_shift;
  const int32_t least = -limit;
  const int32_t bits = bits_within(limit + limit);
  const int32_t above = (int32_t)m->model->element_min + 1;
  const int32_t state_bits = bits_within((int32_t)m->model->element_max - 1 - above);
  const int32_t inputs = (int32_t)part->inputs;
  const int32_t outputs = (int32_t)part->outputs;
  const bool two_inputs = inputs > 1;
  const bool two_outputs = outputs > 1;
  const int32_t one = FIXED_POINT;
  uint8_t *sum = fixed(m->memory + part->sum) + (shift_left(from * inputs, 2));
  uint8_t *state = fixed(m->memory + part->state) + from * 10;
  uint8_t *lambda = fixed(m->memory + part->lambda) + (shift_left(from * inputs, 1));
  uint8_t *back = fixed(m->memory + part->back_in) + (shift_left((int32_t)part->bus_out_first + from * outputs, 2));
  for (int32_t neuron = from; neuron < to; neuron++) {
    int32_t i1 = load_i32(back) >> back_shift;
    back = back + 4;
    if (i1 < least) {
      i1 = least;
    }
    if (i1 > limit) {
      i1 = limit;
    }
    int32_t i2 = 0;
    if (two_outputs) {
      i2 = load_i32(back) >> back_shift;
      back = back + 4;
      if (i2 < least) {
        i2 = least;
      }
      if (i2 > limit) {
        i2 = limit;
      }
    }
    int32_t s0 = 0;
    int32_t s1 = 0;
    bool own = true;
    if (i1 != 0 || i2 != 0) {
      const int32_t x0 = load_i16(state);
      const int32_t x1 = load_i16(state + 2);
      const int32_t x2 = load_i16(state + 4);
      const int32_t x3 = load_i16(state + 6);
      const int32_t x4 = load_i16(state + 8);
      if (((x0 - above) | (x1 - above) | (x2 - above) | (x3 - above) | (x4 - above)) >> state_bits != 0) {
        /* An element may have ended on a clamp: rare, and the general way knows what then. */
        settle_backward(m, part, neuron, neuron + 1);
        own = false;
      } else {
        const int32_t a0 = one + x3;
        const int32_t a1 = one + x4;
        const int32_t a2 = one + x0;
        const int32_t a3 = one + x1;
        const int32_t a4 = one + x2;
        /* First step: f = in, and only the predictors of 1 and 2 leave zero. */
        const int32_t q1 = (3 * i1) >> 2;
        const int32_t q2 = (3 * i2) >> 2;
        int32_t l0 = (3 * (q1 - ((x2 * q2) >> 13))) >> 3;
        int32_t l1 = (3 * (i1 + q2 - ((q1 * a1) >> 13) + i1)) >> 3;
        int32_t l2 = (3 * (i2 - ((q2 * a2) >> 13) + i2)) >> 3;
        int32_t l3 = 0;
        int32_t l4 = (-3 * ((x1 * q1) >> 13)) >> 3;
        int32_t left = steps - 1;
        while (true) {
          if (((l0 + limit) | (l1 + limit) | (l2 + limit) | (l3 + limit) | (l4 + limit)) >> bits != 0) {
            if (l0 < least) {
              l0 = least;
            }
            if (l0 > limit) {
              l0 = limit;
            }
            if (l1 < least) {
              l1 = least;
            }
            if (l1 > limit) {
              l1 = limit;
            }
            if (l2 < least) {
              l2 = least;
            }
            if (l2 > limit) {
              l2 = limit;
            }
            if (l3 < least) {
              l3 = least;
            }
            if (l3 > limit) {
              l3 = limit;
            }
            if (l4 < least) {
              l4 = least;
            }
            if (l4 > limit) {
              l4 = limit;
            }
          }
          s0 += l0;
          s1 += l1;
          left = left - 1;
          if (left == 0) {
            break;
          }
          const int32_t f0 = l1 - ((l0 * a0 + x2 * l2) >> 13);
          const int32_t f1 = l2 - ((l1 * a1 + x3 * l3) >> 13) + i1;
          const int32_t f2 = l3 - ((l2 * a2 + x4 * l4) >> 13) + i2;
          const int32_t f3 = l4 - ((l3 * a3 + x0 * l0) >> 13);
          const int32_t f4 = l0 - ((l4 * a4 + x1 * l1) >> 13);
          const int32_t p0 = l0 + ((3 * f0) >> 2);
          const int32_t p1 = l1 + ((3 * f1) >> 2);
          const int32_t p2 = l2 + ((3 * f2) >> 2);
          const int32_t p3 = l3 + ((3 * f3) >> 2);
          const int32_t p4 = l4 + ((3 * f4) >> 2);
          l0 += (3 * (f0 + p1 - ((p0 * a0 + x2 * p2) >> 13))) >> 3;
          l1 += (3 * (f1 + p2 - ((p1 * a1 + x3 * p3) >> 13) + i1)) >> 3;
          l2 += (3 * (f2 + p3 - ((p2 * a2 + x4 * p4) >> 13) + i2)) >> 3;
          l3 += (3 * (f3 + p4 - ((p3 * a3 + x0 * p0) >> 13))) >> 3;
          l4 += (3 * (f4 + p0 - ((p4 * a4 + x1 * p1) >> 13))) >> 3;
        }
        /* Last step: λ0, and λ1 where it has a synapse. */
        const int32_t f0 = l1 - ((l0 * a0 + x2 * l2) >> 13);
        const int32_t f1 = l2 - ((l1 * a1 + x3 * l3) >> 13) + i1;
        const int32_t f2 = l3 - ((l2 * a2 + x4 * l4) >> 13) + i2;
        const int32_t p0 = l0 + ((3 * f0) >> 2);
        const int32_t p1 = l1 + ((3 * f1) >> 2);
        const int32_t p2 = l2 + ((3 * f2) >> 2);
        if (two_inputs) {
          const int32_t f3 = l4 - ((l3 * a3 + x0 * l0) >> 13);
          const int32_t p3 = l3 + ((3 * f3) >> 2);
          l1 += (3 * (f1 + p2 - ((p1 * a1 + x3 * p3) >> 13) + i1)) >> 3;
          if (l1 < least) {
            l1 = least;
          }
          if (l1 > limit) {
            l1 = limit;
          }
          s1 += l1;
        }
        l0 += (3 * (f0 + p1 - ((p0 * a0 + x2 * p2) >> 13))) >> 3;
        if (l0 < least) {
          l0 = least;
        }
        if (l0 > limit) {
          l0 = limit;
        }
        s0 += l0;
      }
    }
    if (own) {
      int32_t u = load_i32(sum) >> net_shift;
      if (u <= net_min || u >= net_max) {
        s0 = 0;
      } else {
        s0 = (s0 * reciprocal) >> 16;
      }
      if (s0 < least) {
        s0 = least;
      }
      if (s0 > limit) {
        s0 = limit;
      }
      store_i16(lambda, s0);
      if (two_inputs) {
        u = load_i32(sum + 4) >> net_shift;
        if (u <= net_min || u >= net_max) {
          s1 = 0;
        } else {
          s1 = (s1 * reciprocal) >> 16;
        }
        if (s1 < least) {
          s1 = least;
        }
        if (s1 > limit) {
          s1 = limit;
        }
        store_i16(lambda + 2, s1);
      }
    }
    sum = sum + (shift_left(inputs, 2));
    lambda = lambda + (shift_left(inputs, 1));
    state = state + 10;
  }
}
#endif

#if WUXING_RINGS & 2
/*
 * Forward settle of the part's neurons from…to−1 (paper 000 eq. 4.1, paper 001 eq. 2.3):
 *
 *     dE[i]/dt = K1·E[i−1] − K2·E[i] − K3·E[i]·E[i−2] + u[i]
 *
 * Each starts at its fixed point, gets the clamped net input for all steps, leaves its end state in
 * `Part.State` and its signals on the outgoing bus: the time-mean of the displacement D = E − B
 * (eq. 4.2), the sum of D after each of the steps 1…n times round(65536/n), shifted right (floor)
 * to the signal format.
 *
 * @param slot slot of the outgoing bus
 */
OUTLINED static void settle_forward(wuxing *m, const wuxing_part *part, int32_t slot, int32_t from, int32_t to) {
  const int32_t steps = (int32_t)m->model->steps;
  const int32_t reciprocal = (int32_t)m->model->reciprocal;
  const int32_t signal_shift = (int32_t)m->model->signal_shift;
  const int32_t net_shift = (int32_t)m->model->net_shift;
  const int32_t net_min = (int32_t)m->model->net_min;
  const int32_t net_max = (int32_t)m->model->net_max;
  const int32_t min = (int32_t)m->model->element_min;
  const int32_t max = (int32_t)m->model->element_max;
  const int32_t inputs = (int32_t)part->inputs;
  /* At most three synapses then. */
  const bool apart = (int32_t)part->input_step > 1;
  const int32_t output_first = (int32_t)part->output_first;
  const int32_t outputs = (int32_t)part->outputs;
  const int32_t output_step = (int32_t)part->output_step;
  const int32_t output_end = output_first + outputs * output_step;
  const int32_t rest = steps * FIXED_POINT;
  uint8_t *sum = fixed(m->memory + part->sum) + (shift_left(from * inputs, 2));
  uint8_t *state = fixed(m->memory + part->state) + from * 10;
  uint8_t *out = fixed(m->memory + part->bus_out) + (shift_left(slot * (int32_t)part->bus_out_width + (int32_t)part->bus_out_first + from * outputs, 1));
  for (int32_t neuron = from; neuron < to; neuron++) {
    int32_t u0 = load_i32(sum) >> net_shift;
    if (u0 < net_min) {
      u0 = net_min;
    }
    if (u0 > net_max) {
      u0 = net_max;
    }
    int32_t u1 = 0;
    int32_t u2 = 0;
    int32_t u3 = 0;
    int32_t u4 = 0;
    if (inputs > 1) {
      u1 = load_i32(sum + 4) >> net_shift;
      if (u1 < net_min) {
        u1 = net_min;
      }
      if (u1 > net_max) {
        u1 = net_max;
      }
    }
    if (inputs > 2) {
      u2 = load_i32(sum + 8) >> net_shift;
      if (u2 < net_min) {
        u2 = net_min;
      }
      if (u2 > net_max) {
        u2 = net_max;
      }
    }
    if (apart) {
      u4 = u2;
      u2 = u1;
      u1 = 0;
    }
    if (inputs > 3) {
      u3 = load_i32(sum + 12) >> net_shift;
      if (u3 < net_min) {
        u3 = net_min;
      }
      if (u3 > net_max) {
        u3 = net_max;
      }
    }
    if (inputs > 4) {
      u4 = load_i32(sum + 16) >> net_shift;
      if (u4 < net_min) {
        u4 = net_min;
      }
      if (u4 > net_max) {
        u4 = net_max;
      }
    }
    sum = sum + (shift_left(inputs, 2));
    int32_t e0 = FIXED_POINT;
    int32_t e1 = FIXED_POINT;
    int32_t e2 = FIXED_POINT;
    int32_t e3 = FIXED_POINT;
    int32_t e4 = FIXED_POINT;
    int32_t s0 = 0;
    int32_t s1 = 0;
    int32_t s2 = 0;
    int32_t s3 = 0;
    int32_t s4 = 0;
    for (int32_t step = 0; step < steps; step++) {
      /* Bounds in units of 1 (4096), for 0 < E <= 3 and |u| <= 4: E(1+E')/2 <= 6, so */
      /* -10 <= f <= 7, the predictor -7.5 <= p <= 8.25 and |p(1+p')| <= 76.4, which in Q24 is */
      /* 1.28e9 < 2^31. */
      const int32_t f0 = e4 - ((e0 * (FIXED_POINT + e3)) >> 13) + u0;
      const int32_t f1 = e0 - ((e1 * (FIXED_POINT + e4)) >> 13) + u1;
      const int32_t f2 = e1 - ((e2 * (FIXED_POINT + e0)) >> 13) + u2;
      const int32_t f3 = e2 - ((e3 * (FIXED_POINT + e1)) >> 13) + u3;
      const int32_t f4 = e3 - ((e4 * (FIXED_POINT + e2)) >> 13) + u4;
      const int32_t p0 = e0 + ((3 * f0) >> 2);
      const int32_t p1 = e1 + ((3 * f1) >> 2);
      const int32_t p2 = e2 + ((3 * f2) >> 2);
      const int32_t p3 = e3 + ((3 * f3) >> 2);
      const int32_t p4 = e4 + ((3 * f4) >> 2);
      e0 += (3 * (f0 + p4 - ((p0 * (FIXED_POINT + p3)) >> 13) + u0)) >> 3;
      e1 += (3 * (f1 + p0 - ((p1 * (FIXED_POINT + p4)) >> 13) + u1)) >> 3;
      e2 += (3 * (f2 + p1 - ((p2 * (FIXED_POINT + p0)) >> 13) + u2)) >> 3;
      e3 += (3 * (f3 + p2 - ((p3 * (FIXED_POINT + p1)) >> 13) + u3)) >> 3;
      e4 += (3 * (f4 + p3 - ((p4 * (FIXED_POINT + p2)) >> 13) + u4)) >> 3;
      if (e0 < min) {
        e0 = min;
      }
      if (e0 > max) {
        e0 = max;
      }
      if (e1 < min) {
        e1 = min;
      }
      if (e1 > max) {
        e1 = max;
      }
      if (e2 < min) {
        e2 = min;
      }
      if (e2 > max) {
        e2 = max;
      }
      if (e3 < min) {
        e3 = min;
      }
      if (e3 > max) {
        e3 = max;
      }
      if (e4 < min) {
        e4 = min;
      }
      if (e4 > max) {
        e4 = max;
      }
      if (output_first < 3) {
        s0 += e0;
        s1 += e1;
        s2 += e2;
      }
      s3 += e3;
      s4 += e4;
    }
    store_i16(state, e0);
    store_i16(state + 2, e1);
    store_i16(state + 4, e2);
    store_i16(state + 6, e3);
    store_i16(state + 8, e4);
    state = state + 10;
    /* |sum of D| ≤ steps · 3·4096 and reciprocal ≤ 65536/steps: |product| ≤ 3·2^28 < 2^31. */
    for (int32_t e = output_first; e < output_end; e += output_step) {
      int32_t s = s4;
      if (e == 0) {
        s = s0;
      } else if (e == 1) {
        s = s1;
      } else if (e == 2) {
        s = s2;
      } else if (e == 3) {
        s = s3;
      }
      store_i16(out, ((s - rest) * reciprocal) >> signal_shift);
      out = out + 2;
    }
  }
}
#endif

#if WUXING_RINGS & 4
/*
 * As `settleForward` (settle.ts). Net inputs, and displacements while they settle, are Q16; `Part.State`
 * gets the displacements at the end, Q14; the bus their time-means in the signal format, rounded to
 * the nearest.
 *
 * @param slot slot of the outgoing bus
 */
OUTLINED static void settle_forward_fine(wuxing *m, const wuxing_part *part, int32_t slot, int32_t from, int32_t to) {
  const int32_t steps = (int32_t)m->model->steps;
  const int32_t reciprocal = (int32_t)m->model->reciprocal;
  const int32_t signal_shift = (int32_t)m->model->signal_shift;
  const int32_t rounding = shift_left(1, (signal_shift - 1));
  const int32_t net_shift = (int32_t)m->model->net_shift;
  const int32_t net_min = shift_left((int32_t)m->model->net_min, FINER);
  const int32_t net_max = shift_left((int32_t)m->model->net_max, FINER);
  const int32_t min = shift_left((int32_t)m->model->element_min - FIXED_POINT, FINER);
  const int32_t max = shift_left((int32_t)m->model->element_max - FIXED_POINT, FINER);
  const int32_t inputs = (int32_t)part->inputs;
  const int32_t output_first = (int32_t)part->output_first;
  const int32_t outputs = (int32_t)part->outputs;
  uint8_t *sum = fixed(m->memory + part->sum) + (shift_left(from * inputs, 2));
  uint8_t *state = fixed(m->memory + part->state) + from * 10;
  uint8_t *out = fixed(m->memory + part->bus_out) + (shift_left(slot * (int32_t)part->bus_out_width + (int32_t)part->bus_out_first + from * outputs, 1));
  for (int32_t neuron = from; neuron < to; neuron++) {
    int32_t u0 = load_i32(sum) >> net_shift;
    if (u0 < net_min) {
      u0 = net_min;
    }
    if (u0 > net_max) {
      u0 = net_max;
    }
    int32_t u1 = 0;
    int32_t u2 = 0;
    int32_t u3 = 0;
    int32_t u4 = 0;
    if (inputs > 1) {
      u1 = load_i32(sum + 4) >> net_shift;
      if (u1 < net_min) {
        u1 = net_min;
      }
      if (u1 > net_max) {
        u1 = net_max;
      }
    }
    if (inputs > 2) {
      u2 = load_i32(sum + 8) >> net_shift;
      if (u2 < net_min) {
        u2 = net_min;
      }
      if (u2 > net_max) {
        u2 = net_max;
      }
    }
    if (inputs > 3) {
      u3 = load_i32(sum + 12) >> net_shift;
      if (u3 < net_min) {
        u3 = net_min;
      }
      if (u3 > net_max) {
        u3 = net_max;
      }
    }
    if (inputs > 4) {
      u4 = load_i32(sum + 16) >> net_shift;
      if (u4 < net_min) {
        u4 = net_min;
      }
      if (u4 > net_max) {
        u4 = net_max;
      }
    }
    sum = sum + (shift_left(inputs, 2));
    int32_t d0 = 0;
    int32_t d1 = 0;
    int32_t d2 = 0;
    int32_t d3 = 0;
    int32_t d4 = 0;
    int32_t s0 = 0;
    int32_t s1 = 0;
    int32_t s2 = 0;
    int32_t s3 = 0;
    int32_t s4 = 0;
    /* Without input a neuron stays where it is, at the fixed point: as many do whose pixels are blank. */
    int32_t left = steps;
    if ((u0 | u1 | u2 | u3 | u4) == 0) {
      left = 0;
    }
    while (left > 0) {
      left = left - 1;
      /* Bounds in units of 1 (65536), for −1 < D <= 1.875 and |u| <= 2: with E = 1 + D, */
      /* f = E' − E(1 + E'')/2 + u lies in −8…5 and E + ¾f in −3…5.6, so the predictor is */
      /* −4 <= p <= 4.6. Its products, of factors in Q13, are below 21.4 in Q26: 1.44e9 < 2^31. */
      const int32_t f0 = d4 - d0 - ((d3 + (((d0 >> 3) * (d3 >> 3)) >> 10)) >> 1) + u0;
      const int32_t f1 = d0 - d1 - ((d4 + (((d1 >> 3) * (d4 >> 3)) >> 10)) >> 1) + u1;
      const int32_t f2 = d1 - d2 - ((d0 + (((d2 >> 3) * (d0 >> 3)) >> 10)) >> 1) + u2;
      const int32_t f3 = d2 - d3 - ((d1 + (((d3 >> 3) * (d1 >> 3)) >> 10)) >> 1) + u3;
      const int32_t f4 = d3 - d4 - ((d2 + (((d4 >> 3) * (d2 >> 3)) >> 10)) >> 1) + u4;
      const int32_t p0 = d0 + ((3 * f0) >> 2);
      const int32_t p1 = d1 + ((3 * f1) >> 2);
      const int32_t p2 = d2 + ((3 * f2) >> 2);
      const int32_t p3 = d3 + ((3 * f3) >> 2);
      const int32_t p4 = d4 + ((3 * f4) >> 2);
      d0 += (3 * (f0 + p4 - p0 - ((p3 + (((p0 >> 3) * (p3 >> 3)) >> 10)) >> 1) + u0)) >> 3;
      d1 += (3 * (f1 + p0 - p1 - ((p4 + (((p1 >> 3) * (p4 >> 3)) >> 10)) >> 1) + u1)) >> 3;
      d2 += (3 * (f2 + p1 - p2 - ((p0 + (((p2 >> 3) * (p0 >> 3)) >> 10)) >> 1) + u2)) >> 3;
      d3 += (3 * (f3 + p2 - p3 - ((p1 + (((p3 >> 3) * (p1 >> 3)) >> 10)) >> 1) + u3)) >> 3;
      d4 += (3 * (f4 + p3 - p4 - ((p2 + (((p4 >> 3) * (p2 >> 3)) >> 10)) >> 1) + u4)) >> 3;
      if (d0 < min) {
        d0 = min;
      }
      if (d0 > max) {
        d0 = max;
      }
      if (d1 < min) {
        d1 = min;
      }
      if (d1 > max) {
        d1 = max;
      }
      if (d2 < min) {
        d2 = min;
      }
      if (d2 > max) {
        d2 = max;
      }
      if (d3 < min) {
        d3 = min;
      }
      if (d3 > max) {
        d3 = max;
      }
      if (d4 < min) {
        d4 = min;
      }
      if (d4 > max) {
        d4 = max;
      }
      s0 += d0;
      s1 += d1;
      s2 += d2;
      s3 += d3;
      s4 += d4;
    }
    store_i16(state, d0 >> STORED);
    store_i16(state + 2, d1 >> STORED);
    store_i16(state + 4, d2 >> STORED);
    store_i16(state + 6, d3 >> STORED);
    store_i16(state + 8, d4 >> STORED);
    state = state + 10;
    /* In Q14 |sum| <= steps · 1.875·2^14; steps · reciprocal <= 65544, and the rounding at most 2^23: */
    /* the product is below 2.03e9 < 2^31. */
    for (int32_t e = output_first; e < output_first + outputs; e++) {
      int32_t s = s4;
      if (e == 0) {
        s = s0;
      } else if (e == 1) {
        s = s1;
      } else if (e == 2) {
        s = s2;
      } else if (e == 3) {
        s = s3;
      }
      store_i16(out, ((s >> STORED) * reciprocal + rounding) >> signal_shift);
      out = out + 2;
    }
  }
}
#endif

#if WUXING_RINGS & 4
/*
 * As `settleBackward` (settle.ts): the linear system at the neuron's end state X = 1 + D,
 *
 *     dλ[i]/dt = λ[i+1] − λ[i] − ½·(λ[i+2] + D[i−2]·λ[i] + D[i+2]·λ[i+2]) + in[i]
 *
 * λ is Q16 while it settles and Q14 in `Part.Lambda`. `in` are the error at the outputs (Q25), for
 * other layers sums of C·λ (Q27).
 */
OUTLINED static void settle_backward_fine(wuxing *m, const wuxing_part *part, int32_t from, int32_t to) {
  const int32_t steps = (int32_t)m->model->steps;
  const int32_t reciprocal = (int32_t)m->model->reciprocal;
  const int32_t net_shift = (int32_t)m->model->net_shift;
  const int32_t net_min = shift_left((int32_t)m->model->net_min, FINER);
  const int32_t net_max = shift_left((int32_t)m->model->net_max, FINER);
  const int32_t min = shift_left((int32_t)m->model->element_min - FIXED_POINT, STORED);
  const int32_t max = shift_left((int32_t)m->model->element_max - FIXED_POINT, STORED);
  const int32_t limit = shift_left((int32_t)m->model->lambda_max, FINER);
  const int32_t stored = limit >> STORED;
  const int32_t inputs = (int32_t)part->inputs;
  const int32_t output_first = (int32_t)part->output_first;
  const int32_t outputs = (int32_t)part->outputs;
  const int32_t back_shift = ((int32_t)part->flags & PART_FLAG_OUTPUT) != 0 ? 9 : 11;
  uint8_t *sum = fixed(m->memory + part->sum) + (shift_left(from * inputs, 2));
  uint8_t *state = fixed(m->memory + part->state) + from * 10;
  uint8_t *lambda = fixed(m->memory + part->lambda) + (shift_left(from * inputs, 1));
  uint8_t *back = fixed(m->memory + part->back_in) + (shift_left((int32_t)part->bus_out_first + from * outputs, 2));
  for (int32_t neuron = from; neuron < to; neuron++) {
    int32_t i0 = 0;
    int32_t i1 = 0;
    int32_t i2 = 0;
    int32_t i3 = 0;
    int32_t i4 = 0;
    bool driven = false;
    for (int32_t e = output_first; e < output_first + outputs; e++) {
      int32_t v = load_i32(back) >> back_shift;
      back = back + 4;
      if (v < -limit) {
        v = -limit;
      }
      if (v > limit) {
        v = limit;
      }
      if (v != 0) {
        driven = true;
      }
      if (e == 0) {
        i0 = v;
      } else if (e == 1) {
        i1 = v;
      } else if (e == 2) {
        i2 = v;
      } else if (e == 3) {
        i3 = v;
      } else {
        i4 = v;
      }
    }
    if (driven) {
      int32_t x0 = load_i16(state);
      int32_t x1 = load_i16(state + 2);
      int32_t x2 = load_i16(state + 4);
      int32_t x3 = load_i16(state + 6);
      int32_t x4 = load_i16(state + 8);
      const bool free0 = x0 > min && x0 < max;
      const bool free1 = x1 > min && x1 < max;
      const bool free2 = x2 > min && x2 < max;
      const bool free3 = x3 > min && x3 < max;
      const bool free4 = x4 > min && x4 < max;
      const bool clamped = !(free0 && free1 && free2 && free3 && free4);
      /* Factors in Q12. */
      x0 = x0 >> 2;
      x1 = x1 >> 2;
      x2 = x2 >> 2;
      x3 = x3 >> 2;
      x4 = x4 >> 2;
      int32_t l0 = 0;
      int32_t l1 = 0;
      int32_t l2 = 0;
      int32_t l3 = 0;
      int32_t l4 = 0;
      int32_t s0 = 0;
      int32_t s1 = 0;
      int32_t s2 = 0;
      int32_t s3 = 0;
      int32_t s4 = 0;
      for (int32_t step = 0; step < steps; step++) {
        /* |λ|, |in| <= limit <= 1.5 (in units of 65536) and −1 < D <= 1.875 give |f| <= 5.4·1.5 and */
        /* |p| <= 5.05·1.5; two products with |D|, in Q26, are below 28.5: 1.91e9 < 2^31. */
        int32_t f0 = l1 - l0 - ((l2 + ((x3 * (l0 >> 2) + x2 * (l2 >> 2)) >> 10)) >> 1) + i0;
        int32_t f1 = l2 - l1 - ((l3 + ((x4 * (l1 >> 2) + x3 * (l3 >> 2)) >> 10)) >> 1) + i1;
        int32_t f2 = l3 - l2 - ((l4 + ((x0 * (l2 >> 2) + x4 * (l4 >> 2)) >> 10)) >> 1) + i2;
        int32_t f3 = l4 - l3 - ((l0 + ((x1 * (l3 >> 2) + x0 * (l0 >> 2)) >> 10)) >> 1) + i3;
        int32_t f4 = l0 - l4 - ((l1 + ((x2 * (l4 >> 2) + x1 * (l1 >> 2)) >> 10)) >> 1) + i4;
        if (clamped) {
          /* λ stays 0 where the element cannot move; l is 0 already, so f = 0 keeps p at 0. */
          if (!free0) {
            f0 = 0;
          }
          if (!free1) {
            f1 = 0;
          }
          if (!free2) {
            f2 = 0;
          }
          if (!free3) {
            f3 = 0;
          }
          if (!free4) {
            f4 = 0;
          }
        }
        const int32_t p0 = l0 + ((3 * f0) >> 2);
        const int32_t p1 = l1 + ((3 * f1) >> 2);
        const int32_t p2 = l2 + ((3 * f2) >> 2);
        const int32_t p3 = l3 + ((3 * f3) >> 2);
        const int32_t p4 = l4 + ((3 * f4) >> 2);
        l0 += (3 * (f0 + p1 - p0 - ((p2 + ((x3 * (p0 >> 2) + x2 * (p2 >> 2)) >> 10)) >> 1) + i0)) >> 3;
        l1 += (3 * (f1 + p2 - p1 - ((p3 + ((x4 * (p1 >> 2) + x3 * (p3 >> 2)) >> 10)) >> 1) + i1)) >> 3;
        l2 += (3 * (f2 + p3 - p2 - ((p4 + ((x0 * (p2 >> 2) + x4 * (p4 >> 2)) >> 10)) >> 1) + i2)) >> 3;
        l3 += (3 * (f3 + p4 - p3 - ((p0 + ((x1 * (p3 >> 2) + x0 * (p0 >> 2)) >> 10)) >> 1) + i3)) >> 3;
        l4 += (3 * (f4 + p0 - p4 - ((p1 + ((x2 * (p4 >> 2) + x1 * (p1 >> 2)) >> 10)) >> 1) + i4)) >> 3;
        if (clamped) {
          if (!free0) {
            l0 = 0;
          }
          if (!free1) {
            l1 = 0;
          }
          if (!free2) {
            l2 = 0;
          }
          if (!free3) {
            l3 = 0;
          }
          if (!free4) {
            l4 = 0;
          }
        }
        if (l0 < -limit) {
          l0 = -limit;
        }
        if (l0 > limit) {
          l0 = limit;
        }
        if (l1 < -limit) {
          l1 = -limit;
        }
        if (l1 > limit) {
          l1 = limit;
        }
        if (l2 < -limit) {
          l2 = -limit;
        }
        if (l2 > limit) {
          l2 = limit;
        }
        if (l3 < -limit) {
          l3 = -limit;
        }
        if (l3 > limit) {
          l3 = limit;
        }
        if (l4 < -limit) {
          l4 = -limit;
        }
        if (l4 > limit) {
          l4 = limit;
        }
        s0 += l0;
        s1 += l1;
        s2 += l2;
        s3 += l3;
        s4 += l4;
      }
      for (int32_t e = 0; e < inputs; e++) {
        int32_t s = s4;
        if (e == 0) {
          s = s0;
        } else if (e == 1) {
          s = s1;
        } else if (e == 2) {
          s = s2;
        } else if (e == 3) {
          s = s3;
        }
        const int32_t u = load_i32(sum) >> net_shift;
        /* In Q14 |s| <= steps · 1.5·2^14, so the product is below 1.62e9. */
        if (u <= net_min || u >= net_max) {
          s = 0;
        } else {
          s = ((s >> STORED) * reciprocal + 32768) >> 16;
        }
        /* The rounding can take the mean one step past the clamp. */
        if (s < -stored) {
          s = -stored;
        }
        if (s > stored) {
          s = stored;
        }
        store_i16(lambda, s);
        sum = sum + 4;
        lambda = lambda + 2;
      }
    } else {
      memset(lambda, 0, (size_t)(shift_left(inputs, 1)));
      sum = sum + (shift_left(inputs, 2));
      lambda = lambda + (shift_left(inputs, 1));
    }
    state = state + 10;
  }
}
#endif

static void clear_sums(wuxing *m, const wuxing_part *part) {
  const int32_t synapses = (int32_t)part->neurons * (int32_t)part->inputs;
  memset(fixed(m->memory + part->sum), 0, (size_t)(shift_left(synapses, 2)));
}

#if WUXING_RINGS & 8
/*
 * Adds C·S of the sources from…to−1 to the sums of the synapses of every window they are in (paper 001
 * eq. 3.1). The sums must have been cleared.
 */
OUTLINED static void sum_shared(wuxing *m, const wuxing_part *part, int32_t slot, int32_t from, int32_t to) {
  const uint8_t *const kernel = (const uint8_t *)part->start;
  const int32_t across = flash_u16(kernel + KERNEL_ACROSS);
  const int32_t width = flash_u16(kernel + KERNEL_WIDTH);
  const int32_t height = flash_u16(kernel + KERNEL_HEIGHT);
  const int32_t stride = flash_u16(kernel + KERNEL_STRIDE);
  const int32_t columns = flash_u16(kernel + KERNEL_COLUMNS);
  const int32_t rows = flash_u16(kernel + KERNEL_ROWS);
  const int32_t signals = flash_u16(kernel + KERNEL_SIGNALS);
  const int32_t synapses = flash_u16(kernel + KERNEL_SYNAPSES);
  const uint8_t *const coefficient = coefficients_of(m, part);
  uint8_t *const sums = fixed(m->memory + part->sum);
  uint8_t *const bus = signals_at(m, part, slot);
  for (int32_t source = from; source < to; source++) {
    const int32_t signal = load_i16(bus + source + source);
    if (signal != 0) {
      const int32_t place = source / signals;
      const int32_t own = source - place * signals;
      const int32_t y = place / across;
      const int32_t x = place - y * across;
      /* The windows from the first that still reaches the place to the last that begins before it. */
      const int32_t left = greatest_of(0, x - width + stride) / stride;
      const int32_t right = least_of(columns - 1, x / stride);
      const int32_t bottom = least_of(rows - 1, y / stride);
      int32_t row = greatest_of(0, y - height + stride) / stride;
      while (row <= bottom) {
        for (int32_t column = left; column <= right; column++) {
          /* Of a window's sources the how-manieth: below 2^16, as links are. */
          const int32_t rank = ((y - row * stride) * width + x - column * stride) * signals + own;
          const uint8_t *c = coefficient + (shift_left(rank * synapses, 1));
          uint8_t *sum = sums + (shift_left((row * columns + column) * synapses, 2));
          uint8_t *const end = sum + (shift_left(synapses, 2));
          while (sum < end) {
            store_i32(sum, load_i32(sum) + signal * coefficient_at(m, c));
            sum = sum + 4;
            c = c + 2;
          }
        }
        row = row + 1;
      }
    }
  }
}
#endif

#if WUXING_RINGS & 8
/* The sums C·S of shared kernels. Where they read inputs, their signals are laid out first: they learn from them too. */
OUTLINED static void sum_kernels(wuxing *m, const wuxing_part *part, const uint8_t *inputs) {
  clear_sums(m, part);
  const int32_t sources = (int32_t)part->sources;
  if (((int32_t)part->flags & PART_FLAG_INPUT) != 0) {
    const uint8_t *const table = (const uint8_t *)m->model->input_table;
    const int32_t width = (int32_t)m->model->width;
    const int32_t signals = shift_left((int32_t)m->model->input_signals, 1);
    uint8_t *bus = fixed(m->memory + part->bus_in);
    for (int32_t input = 0; input < width; input++) {
      const uint8_t *const row = table + inputs[input] * signals;
      for (int32_t k = 0; k < signals; k += 2) {
        store_i16(bus, flash_i16(row + k));
        bus = bus + 2;
      }
    }
  }
  sum_shared(m, part, 0, 0, sources);
}
#endif

#if WUXING_RINGS & 8
/*
 * Of one coefficient: sends the backward signals of all places on, BackOut[source] += C·λ.
 *
 * @returns Σ S·λ over the places, below 2^29
 */
OUTLINED static int32_t products_of(wuxing *m, const wuxing_part *part, int32_t slot, int32_t link) {
  const uint8_t *const kernel = (const uint8_t *)part->start;
  const int32_t across = flash_u16(kernel + KERNEL_ACROSS);
  const int32_t stride = flash_u16(kernel + KERNEL_STRIDE);
  const int32_t columns = flash_u16(kernel + KERNEL_COLUMNS);
  const int32_t rows = flash_u16(kernel + KERNEL_ROWS);
  const int32_t signals = flash_u16(kernel + KERNEL_SIGNALS);
  const int32_t synapses = flash_u16(kernel + KERNEL_SYNAPSES);
  /* Pixels want no backward sum. */
  const bool sends = ((int32_t)part->flags & PART_FLAG_INPUT) == 0;
  uint8_t *const back_out = fixed(m->memory + part->back_out);
  uint8_t *const bus = signals_at(m, part, slot);
  const int32_t c = load_i16(fixed(m->memory + part->learnt) + link + link);
  const int32_t rank = link / synapses;
  /* A row of a window is one range of signals. */
  const int32_t line = flash_u16(kernel + KERNEL_WIDTH) * signals;
  const int32_t down = rank / line;
  const int32_t first = down * across * signals + rank - down * line;
  uint8_t *lambda = fixed(m->memory + part->lambda) + (shift_left(link - rank * synapses, 1));
  int32_t total = 0;
  for (int32_t row = 0; row < rows; row++) {
    int32_t source = first + row * stride * across * signals;
    for (int32_t column = 0; column < columns; column++) {
      const int32_t l = load_i16(lambda);
      lambda = lambda + synapses + synapses;
      if (l != 0) {
        total += load_i16(bus + source + source) * l;
        if (sends) {
          uint8_t *const b = back_out + (shift_left(source, 2));
          store_i32(b, load_i32(b) + c * l);
        }
      }
      source = source + stride * signals;
    }
  }
  return total;
}
#endif

#if WUXING_RINGS & 8
/* One step of a 16-bit mix (multiply, xor-shift, twice); x in 0 … 65535. */
static inline int32_t mix16(int32_t x) {
  /* 65535 · 27655 + 13849 < 2^31, and 65535 · 31821 + 12345 < 2^31. */
  int32_t y = (x * 27655 + 13849) & 0xffff;
  y = y ^ (y >> 7);
  y = (y * 31821 + 12345) & 0xffff;
  return y ^ (y >> 9);
}
#endif

#if WUXING_RINGS & 8
/* What rounds a change of coefficient `link`, 16 bits: a function of the seed, the sample (or batch) and the coefficient. */
OUTLINED static int32_t shared_noise(wuxing *m, const wuxing_part *part, int32_t random, int32_t link) {
  (void)m;
  const int32_t synapses = flash_u16((const uint8_t *)part->start + KERNEL_SYNAPSES);
  const int32_t rank = link / synapses;
  const int32_t synapse = (int32_t)part->first_synapse + link - rank * synapses;
  /* Two numbers below 2^16 and a product below 2^31; of rank · SOURCE_SALT the last 16 bits count. */
  const int32_t own = mix16(random ^ (((synapse & 0xffff) * 32749) & 0xffff));
  return (own + (multiply(rank, SOURCE_SALT) & 0xffff)) & 0xffff;
}
#endif

#if WUXING_RINGS & 8
/* Puts a coefficient where a change takes it, within the kernels' clamp. */
OUTLINED static void change_shared(wuxing *m, const wuxing_part *part, int32_t link, int32_t change) {
  const int32_t max = flash_u16((const uint8_t *)part->start + KERNEL_COEFFICIENT_MAX);
  uint8_t *const at = fixed(m->memory + part->learnt) + link + link;
  /* A change is below 2^30, a coefficient below 2^15. */
  store_i16(at, least_of(max, greatest_of(-max, load_i16(at) + change)));
}
#endif

#if WUXING_RINGS & 8
/* The coefficients from…to−1: sends backward signals on and learns, as learnSparse (links.ts). */
OUTLINED static void learn_shared(wuxing *m, const wuxing_part *part, int32_t slot, int32_t from, int32_t to) {
  const int32_t shift = (int32_t)m->model->learn_shift + (int32_t)part->finer;
  const int32_t random = (int32_t)m->sample_random;
  for (int32_t link = from; link < to; link++) {
    const int32_t total = products_of(m, part, slot, link);
    if (total != 0) {
      int32_t noise = shared_noise(m, part, random, link);
      /* At most 2^16 · 2^4. */
      if (shift > NOISE_BITS) {
        noise = shift_left(noise, (shift - NOISE_BITS));
      }
      change_shared(m, part, link, (total + (noise & ((shift_left(1, shift)) - 1))) >> shift);
    }
  }
}
#endif

#ifndef BY_HAND
/* The same of a multiple of four, which begin at whole words: two numbers at a time. */
static int32_t dot_fours(wuxing *m, uint8_t *bus, uint8_t *last, const uint8_t *c) {
  int32_t v = 0;
  while (bus < last) {
    const int32_t s = load_i32(bus);
    const int32_t k = coefficients_at(m, c);
    v += (low_half(s)) * (low_half(k));
    v += (s >> 16) * (k >> 16);
    const int32_t r = load_i32(bus + 4);
    const int32_t l = coefficients_at(m, c + 4);
    v += (low_half(r)) * (low_half(l));
    v += (r >> 16) * (l >> 16);
    bus = bus + 8;
    c = c + 8;
  }
  return v;
}
#endif

/* Sum of the products of the signals bus … last with the coefficients from `c` on. */
static int32_t dot(wuxing *m, uint8_t *bus, uint8_t *last, const uint8_t *c) {
  int32_t v = 0;
  while (bus < last) {
    v += load_i16(bus) * coefficient_at(m, c);
    bus = bus + 2;
    c = c + 2;
  }
  return v;
}

/* Dense links, which read all of a bus. */
OUTLINED static void sum_all(wuxing *m, const wuxing_part *part) {
  uint8_t *const bus = fixed(m->memory + part->bus_in);
  uint8_t *const last = bus + (shift_left((int32_t)part->sources, 1));
  uint8_t *sum = fixed(m->memory + part->sum);
  const int32_t synapses = (int32_t)part->neurons * (int32_t)part->inputs;
  uint8_t *const end = sum + (shift_left(synapses, 2));
  const uint8_t *c = coefficients_of(m, part);
  const bool fours = ((int32_t)part->sources & 3) == 0 && is_word(c);
  while (sum < end) {
    store_i32(sum, fours ? dot_fours(m, bus, last, c) : dot(m, bus, last, c));
    c = c + ((int32_t)(last - bus));
    sum = sum + 4;
  }
}

/* Adds the links t … end−1 of one source (t ≤ end) to their sums; returns the address of the next coefficient. */
static inline const uint8_t *add_links(wuxing *m, uint8_t *sum, const uint8_t *t, const uint8_t *c, const uint8_t *end, int32_t signal) {
  while (t < end) {
    uint8_t *const a = sum + (shift_left(flash_u8(t), 2));
    store_i32(a, load_i32(a) + signal * coefficient_at(m, c));
    t = t + 1;
    c = c + 2;
  }
  return c;
}

/* Sparse links that read inputs: the sums C·S (paper 001 eq. 3.1). A zero costs nothing. */
OUTLINED static void sum_inputs(wuxing *m, const wuxing_part *part, const uint8_t *inputs) {
  clear_sums(m, part);
  if (sum_by_hand(m, part, inputs)) {
    return;
  }
  const uint8_t *const table = (const uint8_t *)m->model->input_table;
  const int32_t width = (int32_t)m->model->width;
  const int32_t signals = shift_left((int32_t)m->model->input_signals, 1);
  const uint8_t *const start = (const uint8_t *)part->start;
  const uint8_t *const target = (const uint8_t *)part->target;
  const uint8_t *const coefficient = coefficients_of(m, part);
  uint8_t *const sum = fixed(m->memory + part->sum);
  int32_t input = next_input(inputs, 0, width);
  while (input < width) {
    const uint8_t *const row = table + inputs[input] * signals;
    const uint8_t *next = start + input * signals;
    const int32_t link = flash_u16(next);
    const uint8_t *t = target + link;
    const uint8_t *c = coefficient + link + link;
    for (int32_t k = 0; k < signals; k += 2) {
      next = next + 2;
      const uint8_t *const end = target + flash_u16(next);
      c = add_links(m, sum, t, c, end, flash_i16(row + k));
      t = end;
    }
    input = next_input(inputs, input + 1, width);
  }
}

/* Sparse links that read a bus. */
OUTLINED static void sum_signals(wuxing *m, const wuxing_part *part) {
  clear_sums(m, part);
  uint8_t *bus = fixed(m->memory + part->bus_in);
  uint8_t *const last = bus + (shift_left((int32_t)part->sources, 1));
  const uint8_t *next = (const uint8_t *)part->start;
  const uint8_t *const target = (const uint8_t *)part->target;
  const uint8_t *t = target;
  const uint8_t *c = coefficients_of(m, part);
  uint8_t *const sum = fixed(m->memory + part->sum);
  while (bus < last) {
    next = next + 2;
    const uint8_t *const end = target + flash_u16(next);
    c = add_links(m, sum, t, c, end, load_i16(bus));
    t = end;
    bus = bus + 2;
  }
}

static int32_t best_output(wuxing *m, const wuxing_part *part, int32_t slot, int32_t except) {
  const int32_t width = (int32_t)part->bus_out_width;
  uint8_t *const bus = fixed(m->memory + part->bus_out) + (shift_left(slot * width, 1));
  int32_t best = -1;
  int32_t most = -32769;
  for (int32_t i = 0; i < width; i++) {
    const int32_t v = load_i16(bus + i + i);
    if (i != except && v > most) {
      most = v;
      best = i;
    }
  }
  return best;
}

/* Index of the largest output in a slot; the lowest of equals. */
static int32_t readout(wuxing *m, const wuxing_part *part, int32_t slot) {
  return best_output(m, part, slot, -1);
}

static int32_t forward_direct(wuxing *m, const uint8_t *inputs) {
  const int32_t parts = (int32_t)m->model->parts;
  for (int32_t i = 0; i < parts; i++) {
    const wuxing_part *part = part_at(m, i);
    const int32_t flags = (int32_t)part->flags;
    if ((flags & PART_FLAG_SHARED) != 0) {
      sum_kernels_of(m, part, inputs);
    } else if ((flags & PART_FLAG_DENSE) != 0) {
      sum_all(m, part);
    } else if ((flags & PART_FLAG_INPUT) != 0) {
      sum_inputs(m, part, inputs);
    } else {
      sum_signals(m, part);
    }
    settle_forward_of(m, part);
  }
  return readout(m, part_at(m, parts - 1), 0);
}

/*
 * Runs the network.
 *
 * @param inputs `Header.Width` bytes
 * @returns the class of the largest output, the lowest of equals
 */
static int32_t predict_direct(wuxing *m, const uint8_t *inputs) {
  m->brief = (uint8_t)(1);
  const int32_t best = forward_direct(m, inputs);
  m->brief = (uint8_t)(0);
  return best;
}

/*
 * 32-bit hash of two numbers (the finaliser of MurmurHash3, public domain).
 *
 * @returns an integer in −2^31 … 2^31−1
 */
static int32_t hash32(int32_t seed, int32_t index) {
  int32_t h = seed ^ multiply(index, -1640531527);
  h = h ^ (shift_right(h, 16));
  h = multiply(h, -2048144789);
  h = h ^ (shift_right(h, 13));
  h = multiply(h, -1028477387);
  return h ^ (shift_right(h, 16));
}

/* Random state of one sample, 0 … 65535, from which every synapse derives its own. */
static int32_t sample_random(int32_t seed, int32_t sample) {
  return (shift_right(hash32(seed ^ 0x5eed, sample), 16)) & 0xffff;
}

/* Fraction bits of signals. */
static inline int32_t signal_bits(wuxing *m) {
  const int32_t state = ((int32_t)m->model->rule & RULE_FINE) != 0 ? 14 : 12;
  return state + 16 - (int32_t)m->model->signal_shift;
}

/*
 * The papers' error (paper 000 eq. 5.2, 5.3): a − O on the label, b − O on others; on failure only, but under
 * Rule.Squares, where every sample draws the outputs to their targets (least squares).
 */
static bool target_error(wuxing *m, const wuxing_part *part, int32_t slot, int32_t label) {
  const bool always = ((int32_t)m->model->rule & RULE_SQUARES) != 0;
  if (!always && best_output(m, part, slot, -1) == label) {
    return false;
  }
  const int32_t width = (int32_t)part->bus_out_width;
  uint8_t *const bus = fixed(m->memory + part->bus_out) + (shift_left(slot * width, 1));
  uint8_t *const back = fixed(m->memory + part->back_in);
  const int32_t low = (int32_t)m->model->target_low;
  /* From the signal format to Q25; |target − O| < 2^3. */
  const int32_t shift = 25 - signal_bits(m);
  for (int32_t i = 0; i < width; i++) {
    const int32_t error = i == label ? (int32_t)m->model->target_high : low;
    store_i32(back + (shift_left(i, 2)), shift_left(error - load_i16(bus + i + i), shift));
  }
  return true;
}

/*
 * Softmax error: target − p with p = 2^(gain·O) / Σ 2^(gain·O), by a table of 32 powers. Nothing to
 * learn where p of the label is 63/64 or more.
 */
static bool softmax_error(wuxing *m, const wuxing_part *part, int32_t slot, int32_t label) {
  const int32_t gain = (int32_t)m->model->softmax_gain;
  /* The gain has 4 fraction bits; the exponent is to have 5. */
  const int32_t shift = signal_bits(m) - 1;
  const int32_t width = (int32_t)part->bus_out_width;
  uint8_t *const bus = fixed(m->memory + part->bus_out) + (shift_left(slot * width, 1));
  uint8_t *const back = fixed(m->memory + part->back_in);
  const int32_t best = load_i16(bus + (shift_left(best_output(m, part, slot, -1), 1)));
  int32_t sum = 0;
  for (int32_t i = 0; i < width; i++) {
    /* |O| < 2^14, so the difference is below 2^15, and a gain below 2^16 keeps the product in 31 bits; */
    /* finer signals are below 2^15 and the gain is below 2^15 then. Signals that another board sends */
    /* may be anything: a product past 2^31 is negative. */
    const int32_t x = ((best - load_i16(bus + i + i)) * gain) >> shift;
    int32_t w = 0;
    if (x >= 0 && x < 512) {
      w = flash_u16((const uint8_t *)powers + (shift_left(x & 31, 1))) >> (x >> 5);
    }
    /* The weights wait where the error is to go. At most 65,535 outputs of 2^15. */
    store_i32(back + (shift_left(i, 2)), w);
    sum += w;
  }
  if (load_i32(back + (shift_left(label, 2))) >= sum - (sum >> 6)) {
    memset(back, 0, (size_t)(shift_left(width, 2)));
    return false;
  }
  for (int32_t i = 0; i < width; i++) {
    int32_t error = -(shift_left(load_i32(back + (shift_left(i, 2))), 12)) / sum;
    if (i == label) {
      error += 4096;
    }
    store_i32(back + (shift_left(i, 2)), shift_left(error, 13));
  }
  return true;
}

/*
 * Error by margin (after papers 5.2, 5.3): if the label's output does not lead the best
 * other by the margin, +1 on it and −1 on that other; otherwise there is nothing to learn.
 */
static bool margin_error(wuxing *m, const wuxing_part *part, int32_t slot, int32_t label) {
  const int32_t other = best_output(m, part, slot, label);
  if (other < 0) {
    return false;
  }
  uint8_t *const bus = fixed(m->memory + part->bus_out) + (shift_left(slot * (int32_t)part->bus_out_width, 1));
  const int32_t lead = load_i16(bus + label + label) - load_i16(bus + other + other);
  if (lead >= (int32_t)m->model->margin) {
    return false;
  }
  uint8_t *const back = fixed(m->memory + part->back_in);
  store_i32(back + (shift_left(label, 2)), shift_left(1, 25));
  store_i32(back + (shift_left(other, 2)), -(shift_left(1, 25)));
  return true;
}

/*
 * The error at the outputs, as backward signals (Q25 in `Part.BackIn`): to the papers' targets if the
 * network has any, else by softmax if it has a gain for it, else by margin.
 *
 * @param label class the outputs should have named
 * @returns true if there is something to learn
 */
OUTLINED static bool output_error(wuxing *m, const wuxing_part *part, int32_t slot, int32_t label) {
  bool learns = false;
  if ((int32_t)m->model->target_high != (int32_t)m->model->target_low) {
    learns = target_error(m, part, slot, label);
  } else if ((int32_t)m->model->softmax_gain != 0) {
    learns = softmax_error(m, part, slot, label);
  } else {
    learns = margin_error(m, part, slot, label);
  }
  const int32_t shift = (int32_t)m->model->error_shift;
  if (learns && shift != 0) {
    uint8_t *const back = fixed(m->memory + part->back_in);
    uint8_t *const end = back + (shift_left((int32_t)part->bus_out_width, 2));
    for (uint8_t *at = back; at < end; at += 4) {
      store_i32(at, load_i32(at) >> shift);
    }
  }
  return learns;
}

OUTLINED static void draw(wuxing *m, const wuxing_part *part, bool packs) {
  const int32_t inputs = (int32_t)part->inputs;
  const int32_t neurons = (int32_t)part->neurons;
  const int32_t random = (int32_t)m->sample_random;
  const int32_t first = (int32_t)part->first_synapse;
  uint8_t *lambda = fixed(m->memory + part->lambda);
  uint8_t *sum = fixed(m->memory + part->sum);
  for (int32_t neuron = 0; neuron < neurons; neuron++) {
    int32_t synapse = neuron;
    synapse = first + synapse * inputs;
    uint8_t *const end = lambda + inputs + inputs;
    while (lambda < end) {
      const int32_t l = load_i16(lambda);
      int32_t y = 0;
      if (l != 0) {
        /* mix16 (random.ts) in place: a call costs a board more than all of this. */
        /* Two numbers below 2^16 and a product below 2^31 (65535 · 32749); synapse < 2^19. */
        y = random ^ (((synapse & 0xffff) * 32749) & 0xffff);
        y = (y * 27655 + 13849) & 0xffff;
        y = y ^ (y >> 7);
        y = (y * 31821 + 12345) & 0xffff;
        y = y ^ (y >> 9);
        if (!packs) {
        }
      }
      if (packs) {
        store_i32(sum, (shift_left(l, 16)) | y);
      }
      synapse = synapse + 1;
      lambda = lambda + 2;
      sum = sum + 4;
    }
  }
}

/*
 * The same, for learnRuns: λ and its noise together in the place of the synapse's sum (i32:
 * λ · 2^16 + noise), which the sample in hand needs no more. Zero where λ is.
 */
static void pack_noise(wuxing *m, const wuxing_part *part) {
  draw(m, part, true);
}

/* Bits of a rate below those that noise can round: zeros take their place (link-rules.ts). */
static inline int32_t spread_of(int32_t shift) {
  return shift > NOISE_BITS ? shift - NOISE_BITS : 0;
}

/*
 * One link's coefficient at `c` follows its signal and `w`, λ · 2^16 + noise. As in links.ts: |S·λ| ≤ 2^28
 * (finer: < 2^30), the noise below 2^16 (finer: 2^20).
 */
static inline void learn_link(wuxing *m, uint8_t *c, int32_t signal, int32_t w, int32_t salt, int32_t mask, int32_t spread, int32_t shift, int32_t max) {
  (void)m;
  const int32_t change = (signal * (w >> 16) + (shift_left((w + salt) & mask, spread))) >> shift;
  if (change == 0) {
    return;
  }
  int32_t v = load_i16(c) + change;
  if (v > max) {
    v = max;
  }
  if (v < -max) {
    v = -max;
  }
  store_i16(c, v);
}

/* The links t … end−1 of one input learn; returns the address of the next coefficient. */
static inline uint8_t *learn_links(wuxing *m, uint8_t *packed, const uint8_t *t, uint8_t *c, const uint8_t *end, int32_t signal, int32_t salt, int32_t mask, int32_t spread, int32_t shift, int32_t max) {
  while (t < end) {
    const int32_t w = load_i32(packed + (shift_left(flash_u8(t), 2)));
    if (w != 0) {
      learn_link(m, c, signal, w, salt, mask, spread, shift, max);
    }
    t = t + 1;
    c = c + 2;
  }
  return c;
}

/*
 * Links that read inputs learn (method 2, paper 001 eq. 3.3–3.5 in the integer form):
 * ΔC = (S·λ + noise) >> LearnShift, C clamped. λ and noise must have been packed (packNoise).
 */
OUTLINED static void learn_inputs(wuxing *m, const wuxing_part *part, const uint8_t *inputs) {
  if (learn_by_hand(m, part, inputs)) {
    return;
  }
  const uint8_t *const table = (const uint8_t *)m->model->input_table;
  const int32_t width = (int32_t)m->model->width;
  const int32_t signals = shift_left((int32_t)m->model->input_signals, 1);
  const uint8_t *const start = (const uint8_t *)part->start;
  const uint8_t *const target = (const uint8_t *)part->target;
  uint8_t *const coefficient = fixed(m->memory + part->learnt);
  uint8_t *const packed = fixed(m->memory + part->sum);
  const int32_t shift = (int32_t)m->model->learn_shift + (int32_t)part->finer;
  const int32_t spread = spread_of(shift);
  const int32_t mask = (shift_left(1, (shift - spread))) - 1;
  const int32_t max = (int32_t)m->model->coefficient_max;
  int32_t input = next_input(inputs, 0, width);
  while (input < width) {
    const uint8_t *const row = table + inputs[input] * signals;
    const uint8_t *next = start + input * signals;
    const int32_t link = flash_u16(next);
    const uint8_t *t = target + link;
    uint8_t *c = coefficient + link + link;
    /* The noise of source i is (noise + i · SOURCE_SALT) mod 2^16, as in links.ts. */
    int32_t salt = multiply((input * signals) >> 1, SOURCE_SALT) & 0xffff;
    for (int32_t k = 0; k < signals; k += 2) {
      next = next + 2;
      const uint8_t *const end = target + flash_u16(next);
      c = learn_links(m, packed, t, c, end, flash_i16(row + k), salt, mask, spread, shift, max);
      t = end;
      salt = (salt + SOURCE_SALT) & 0xffff;
    }
    input = next_input(inputs, input + 1, width);
  }
}

/* The dense links of a synapse learn, from the coefficient at `c` on; `w` is λ · 2^16 + noise. */
static void learn_row(wuxing *m, uint8_t *c, uint8_t *bus, uint8_t *last, uint8_t *back, int32_t w, int32_t mask, int32_t spread, int32_t shift, int32_t max) {
  (void)m;
  const int32_t l = w >> 16;
  int32_t noise = w & 0xffff;
  while (bus < last) {
    /* As learnLink. 65,535 + 50,000 sources · SOURCE_SALT < 2^31. */
    const int32_t change = (load_i16(bus) * l + (shift_left(noise & mask, spread))) >> shift;
    noise = noise + SOURCE_SALT;
    int32_t v = load_i16(c);
    store_i32(back, load_i32(back) + v * l);
    v += change;
    if (v > max) {
      v = max;
    }
    if (v < -max) {
      v = -max;
    }
    store_i16(c, v);
    bus = bus + 2;
    back = back + 4;
    c = c + 2;
  }
}

/*
 * Links that read a bus learn as learnInputs, and send the backward signal on:
 * BackOut[source] += C·λ for the coefficient as it was.
 */
OUTLINED static void learn_signals(wuxing *m, const wuxing_part *part) {
  uint8_t *const bus = fixed(m->memory + part->bus_in);
  uint8_t *const last = bus + (shift_left((int32_t)part->sources, 1));
  uint8_t *const packed = fixed(m->memory + part->sum);
  const int32_t shift = (int32_t)m->model->learn_shift + (int32_t)part->finer;
  const int32_t spread = spread_of(shift);
  const int32_t mask = (shift_left(1, (shift - spread))) - 1;
  const int32_t max = (int32_t)m->model->coefficient_max;
  uint8_t *c = fixed(m->memory + part->learnt);
  if (((int32_t)part->flags & PART_FLAG_DENSE) != 0) {
    const int32_t synapses = (int32_t)part->neurons * (int32_t)part->inputs;
    uint8_t *const end = packed + (shift_left(synapses, 2));
    const int32_t row = shift_left((int32_t)part->sources, 1);
    for (uint8_t *sum = packed; sum < end; sum += 4) {
      const int32_t w = load_i32(sum);
      if (w != 0) {
        uint8_t *const back = fixed(m->memory + part->back_out);
        if (spread != 0 || !row_by_hand(m, c, bus, last, back, w, mask, shift, max)) {
          learn_row(m, c, bus, last, back, w, mask, spread, shift, max);
        }
      }
      c = c + row;
    }
    return;
  }
  const uint8_t *const target = (const uint8_t *)part->target;
  const uint8_t *next = (const uint8_t *)part->start;
  const uint8_t *t = target;
  uint8_t *back = fixed(m->memory + part->back_out);
  int32_t salt = 0;
  for (uint8_t *at = bus; at < last; at += 2) {
    next = next + 2;
    const uint8_t *const end = target + flash_u16(next);
    const int32_t signal = load_i16(at);
    int32_t sum = load_i32(back);
    while (t < end) {
      const int32_t w = load_i32(packed + (shift_left(flash_u8(t), 2)));
      t = t + 1;
      if (w != 0) {
        sum += load_i16(c) * (w >> 16);
        learn_link(m, c, signal, w, salt, mask, spread, shift, max);
      }
      c = c + 2;
    }
    store_i32(back, sum);
    back = back + 4;
    salt = (salt + SOURCE_SALT) & 0xffff;
  }
}

/*
 * One learning step.
 *
 * @param label class the outputs should name
 * @param sample number of the sample: with the seed it decides the rounding
 * @returns the class named before learning
 */
static int32_t learn_direct(wuxing *m, const uint8_t *inputs, int32_t label, int32_t sample) {
  const int32_t best = forward_direct(m, inputs);
  const int32_t parts = (int32_t)m->model->parts;
  m->sample_random = (uint16_t)(sample_random((int32_t)m->model->seed, sample));
  /* The layer before has the same memory for its backward sums. */
  for (int32_t i = 0; i < parts; i++) {
    const wuxing_part *part = part_at(m, i);
    memset(fixed(m->memory + part->back_in), 0, (size_t)(shift_left((int32_t)part->bus_out_width, 2)));
  }
  if (output_error(m, part_at(m, parts - 1), 0, label)) {
    for (int32_t i = parts - 1; i >= 0; i--) {
      const wuxing_part *part = part_at(m, i);
      const int32_t flags = (int32_t)part->flags;
      settle_backward_of(m, part);
      if ((flags & PART_FLAG_SHARED) != 0) {
        learn_kernels_of(m, part);
      } else {
        pack_noise(m, part);
        if ((flags & PART_FLAG_INPUT) != 0) {
          learn_inputs(m, part, inputs);
        } else {
          learn_signals(m, part);
        }
      }
    }
  }
  return best;
}

/* The settles of the part's kind of neurons. */
static void settle_forward_of(wuxing *m, const wuxing_part *part) {
#if WUXING_RINGS & 1
  if (part->kind == 1) settle_forward_two(m, part, 0, 0, part->neurons);
#endif
#if WUXING_RINGS & 2
  if (part->kind == 2) settle_forward(m, part, 0, 0, part->neurons);
#endif
#if WUXING_RINGS & 4
  if (part->kind == 4) settle_forward_fine(m, part, 0, 0, part->neurons);
#endif
}

static void settle_backward_of(wuxing *m, const wuxing_part *part) {
#if WUXING_RINGS & 1
  if (part->kind == 1) settle_backward_two(m, part, 0, part->neurons);
#endif
#if WUXING_RINGS & 2
  if (part->kind == 2) settle_backward(m, part, 0, part->neurons);
#endif
#if WUXING_RINGS & 4
  if (part->kind == 4) settle_backward_fine(m, part, 0, part->neurons);
#endif
}

/* Layers with shared kernels; wuxing_init refuses them where there are none. */
static void sum_kernels_of(wuxing *m, const wuxing_part *part, const uint8_t *inputs) {
#if WUXING_RINGS & 8
  sum_kernels(m, part, inputs);
#else
  (void)m, (void)part, (void)inputs;
#endif
}

static void learn_kernels_of(wuxing *m, const wuxing_part *part) {
#if WUXING_RINGS & 8
  learn_shared(m, part, 0, 0, (int32_t)part->links);
#else
  (void)m, (void)part;
#endif
}

/* The numbers of a model, wherever they lie. */
static const wuxing_model *model_in(const wuxing_model *model, wuxing_model *copy) {
#ifdef __AVR__
  COPY_FROM_FLASH(copy, model, sizeof *copy);
  return copy;
#else
  (void)copy;
  return model;
#endif
}

size_t wuxing_size(const wuxing_model *model, bool learns) {
  wuxing_model copy;
  model = model_in(model, &copy);
  return (size_t)(learns ? model->learn_bytes : model->predict_bytes);
}

int wuxing_init(wuxing *net, const wuxing_model *model, void *memory, size_t bytes) {
#ifdef __AVR__
  model = model_in(model, &net->model_copy);
#endif
  net->model = model;
  net->memory = (uint8_t *)memory;
  net->brief = false;
  net->sample_random = 0;
  if (model->format != WUXING_FORMAT) return WUXING_ERROR_MODEL;
  if (bytes < model->predict_bytes) return WUXING_ERROR_MEMORY;
#ifndef __AVR__
  if (((uintptr_t)memory & 3u) != 0) return WUXING_ERROR_MEMORY;
#endif
  net->learns = model->learn_bytes != 0 && bytes >= model->learn_bytes;
  net->quantised = 0;
  net->coefficients = NULL;
  memset(memory, 0, (size_t)(net->learns ? model->learn_bytes : model->predict_bytes));
  for (int32_t i = 0; i < model->parts; i++) {
    const wuxing_part *part = part_at(net, i);
    if ((part->kind & (WUXING_RINGS)) == 0) return WUXING_ERROR_RINGS;
    if ((part->flags & PART_FLAG_SHARED) != 0 && ((WUXING_RINGS) & 8) == 0) return WUXING_ERROR_RINGS;
    if (part->quantised != 0 && ((WUXING_RINGS) & 16) == 0) return WUXING_ERROR_RINGS;
    if (net->learns)
      COPY_FROM_FLASH(net->memory + part->learnt, part->coefficients, (size_t)part->links * 2u);
  }
  return WUXING_OK;
}

int wuxing_predict(wuxing *net, const uint8_t *inputs) { return (int)predict_direct(net, inputs); }

int wuxing_learn(wuxing *net, const uint8_t *inputs, int label) {
  if (!net->learns) return WUXING_ERROR_FIXED;
  if (label < 0 || label >= (int)net->model->classes) return WUXING_ERROR_LABEL;
  uint8_t *samples = net->memory + net->model->state_at;
  const int32_t sample = load_i32(samples);
  const int best = (int)learn_direct(net, inputs, label, sample);
  store_i32(samples, (int32_t)((uint32_t)sample + 1u));
  return best;
}

int wuxing_output(wuxing *net, int class_number) {
  if (class_number < 0 || class_number >= (int)net->model->classes) return 0;
  const wuxing_part *part = part_at(net, (int32_t)net->model->parts - 1);
  return (int)load_i16(net->memory + part->bus_out + 2 * class_number);
}

int wuxing_lead(wuxing *net) {
  int32_t most = -32768, next = -32768;
  for (int i = 0; i < (int)net->model->classes; i++) {
    const int32_t output = (int32_t)wuxing_output(net, i);
    if (output > most) {
      next = most;
      most = output;
    } else if (output > next) {
      next = output;
    }
  }
  const int32_t lead = most - next;
  return (int)(lead > INT16_MAX ? INT16_MAX : lead);
}

void *wuxing_state(wuxing *net, size_t *bytes) {
  *bytes = net->learns ? (size_t)net->model->state_bytes : 0;
  return net->learns ? net->memory + net->model->state_at : NULL;
}
