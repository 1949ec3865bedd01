/*
 * Features and streams, see wuxing_features.h. Generated from src/signals by `npm run library:c`. Do not
 * edit. MIT licence.
 */
#include "wuxing_features.h"

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


/* Kinds of features that no model of the program has. */
#if !(WUXING_FEATURES & 5)
#define trace_features(plan, work, signal, from, count, out, out_at) ((void)0)
#endif
#if !(WUXING_FEATURES & 2)
#define band_features(plan, work, signal, from, count, out, out_at) ((void)0)
#endif
#if !(WUXING_FEATURES & 4)
#define reservoir_features(plan, work, signal, from, count, out, out_at) ((void)0)
#endif

#define PLAN_LEAST INT32_C(24)
#define PLAN_TRIM INT32_C(44)
#define PLAN_KIND INT32_C(0)
#define FEATURE_KIND_BANDS INT32_C(2)
#define FEATURE_KIND_RESERVOIR INT32_C(3)
#define PLAN_WIDTH INT32_C(6)
#define PLAN_BLOCK INT32_C(46)
#define PLAN_FRAME_BITS INT32_C(26)
#define PLAN_POINTS INT32_C(4)
#define PLAN_CHANNELS INT32_C(2)
#define PLAN_BANDS INT32_C(28)
#define PLAN_AVERAGE INT32_C(30)
#define PLAN_KERNELS INT32_C(50)
#define PLAN_WINDOW INT32_C(36)
#define PLAN_TWIDDLE INT32_C(32)
#define PLAN_MEL INT32_C(40)
#define PLAN_FLOOR INT32_C(20)
#define PLAN_SCALING INT32_C(8)
#define SCALING_SPREAD INT32_C(5)
#define SCALING_RANGE INT32_C(1)
#define PLAN_LOW INT32_C(12)
#define PLAN_HIGH INT32_C(16)
#define SCALING_PEAK INT32_C(4)
#define PLAN_LEVEL INT32_C(48)
#define DEVIATION INT32_C(40)
#define MEAN INT32_C(128)
#define FIXED_KERNELS_COUNT INT32_C(0)
#define FIXED_KERNELS_DOWN INT32_C(4)
#define FIXED_KERNELS_ACROSS INT32_C(6)
#define FIXED_KERNELS_SIZE INT32_C(2)
#define FIXED_KERNELS_LENGTH INT32_C(10)
#define KERNEL_GAIN INT32_C(13)
#define KERNEL_MIDDLE INT32_C(128)
#define FIXED_KERNELS_ABOVE INT32_C(8)
#define RESERVOIR_TRACE INT32_C(88)
#define RESERVOIR_VALUES INT32_C(80)
#define HEADER_ELEMENT_MIN INT32_C(32)
#define ELEMENT_MIN INT32_C(1229)
#define HEADER_ELEMENT_MAX INT32_C(34)
#define ELEMENT_MAX INT32_C(12288)
#define HEADER_GENERATION INT32_C(114)
#define FIXED_POINT INT32_C(4096)
#define HEADER_DECAY INT32_C(122)
#define RESERVOIR_DECAY INT32_C(62)
#define RESERVOIR_RINGS INT32_C(52)
#define HEADER_LENGTH INT32_C(160)
#define NEURON_LENGTH INT32_C(124)
#define NEURON_ELEMENT INT32_C(40)
#define PLAN_DERIVE INT32_C(10)
#define DERIVE_VALUES INT32_C(1)
#define DERIVE_DIFFERENCES INT32_C(2)
#define DERIVE_MAGNITUDE INT32_C(4)
#define SCALING_SHAPE INT32_C(3)
#define RESERVOIR_SEED INT32_C(68)
#define RESERVOIR_COLUMNS INT32_C(54)
#define RESERVOIR_RECURRENT INT32_C(56)
#define RESERVOIR_INPUT_BOUND INT32_C(64)
#define RESERVOIR_RECURRENT_BOUND INT32_C(66)
#define RESERVOIR_SIGNALS INT32_C(72)
#define RESERVOIR_LINKS INT32_C(84)
#define DONE INT32_C(0)
#define RESERVOIR_STEPS INT32_C(58)
#define NEURON_INPUT INT32_C(0)
#define NET_MIN INT32_C(-819)
#define NET_MAX INT32_C(4096)
#define RESERVOIR_PARTS INT32_C(60)
#define RESERVOIR_MEANS INT32_C(76)
#define NEURON_SUM INT32_C(60)
#define MIDDLE INT32_C(4712)
#define BYTE_SHIFT INT32_C(4)
#define STREAM_FILL INT32_C(28)
#define STREAM_LEVEL INT32_C(32)
#define STREAM_MOVING INT32_C(36)
#define STREAM_LENGTH INT32_C(4)
#define STREAM_CHANNELS INT32_C(0)
#define LAG INT32_C(4)
#define STREAM_THRESHOLD INT32_C(12)
#define LEAD INT32_C(8)
#define STREAM_LONGEST INT32_C(24)
#define STREAM_QUIET INT32_C(16)
#define STREAM_SHORTEST INT32_C(20)
#define STREAM_HOP INT32_C(8)

static int32_t kept_movements(const uint8_t *plan);
static int32_t movement(const uint8_t *plan, const uint8_t *signal, int32_t from);
static int32_t least_movement(const uint8_t *plan, uint8_t *work, const uint8_t *signal, int32_t from, int32_t count);
static int32_t movement_at(const uint8_t *plan, const uint8_t *work, const uint8_t *signal, int32_t from, int32_t at);
static int32_t quiet_start(const uint8_t *plan, const uint8_t *work, const uint8_t *signal, int32_t from, int32_t count, int32_t least);
static int32_t quiet_end(const uint8_t *plan, const uint8_t *work, const uint8_t *signal, int32_t from, int32_t count, int32_t skip, int32_t least);
#if WUXING_FEATURES & 2
static int32_t load_frame(const uint8_t *plan, uint8_t *work, const uint8_t *signal, int32_t from);
#endif
#if WUXING_FEATURES & 2
static void reverse(uint8_t *work, int32_t bits);
#endif
#if WUXING_FEATURES & 2
static int32_t excess(int32_t seen);
#endif
#if WUXING_FEATURES & 2
static int32_t transform(const uint8_t *plan, uint8_t *work);
#endif
#if WUXING_FEATURES & 2
static int32_t amplitude(int32_t re, int32_t im);
#endif
#if WUXING_FEATURES & 2
static int32_t amplitudes(const uint8_t *plan, uint8_t *work, int32_t to);
#endif
#if WUXING_FEATURES & 2
static int32_t log_of(int32_t x);
#endif
#if WUXING_FEATURES & 2
static void add_logs(const uint8_t *plan, uint8_t *work, int32_t spectrum, int32_t row, int32_t exponent);
#endif
#if WUXING_FEATURES & 2
static void to_bytes(const uint8_t *work, int32_t sums, int32_t end, int32_t mean, int32_t deviation, uint8_t *out, int32_t out_at);
#endif
#if WUXING_FEATURES & 7
static int32_t root_of(int32_t x);
#endif
#if WUXING_FEATURES & 2
static int32_t deviation_of(const uint8_t *work, int32_t sums, int32_t end, int32_t row, int32_t mean);
#endif
#if WUXING_FEATURES & 2
static void spread_bands(const uint8_t *plan, uint8_t *work, int32_t sums, int32_t least, uint8_t *out, int32_t out_at);
#endif
#if WUXING_FEATURES & 2
static void bands_to_bytes(const uint8_t *plan, uint8_t *work, int32_t sums, int32_t average, uint8_t *out, int32_t out_at);
#endif
#if WUXING_FEATURES & 2
static void lay_kernel(const uint8_t *plan, uint8_t *work, int32_t picture, int32_t kernel, int32_t to);
#endif
#if WUXING_FEATURES & 2
static int32_t first_place(int32_t places, int32_t parts, int32_t i);
#endif
#if WUXING_FEATURES & 2
static int32_t last_place(int32_t places, int32_t parts, int32_t i);
#endif
#if WUXING_FEATURES & 2
static int32_t mean_found(const uint8_t *work, int32_t first, int32_t columns, int32_t high, int32_t wide);
#endif
#if WUXING_FEATURES & 2
static void kernel_features(const uint8_t *plan, uint8_t *work, int32_t picture, int32_t room, uint8_t *out, int32_t out_at);
#endif
#if WUXING_FEATURES & 2
static void band_features(const uint8_t *plan, uint8_t *work, const uint8_t *signal, int32_t from, int32_t count, uint8_t *out, int32_t out_at);
#endif
#if WUXING_FEATURES & 5
static void resample(const uint8_t *plan, uint8_t *work, const uint8_t *signal, int32_t from, int32_t count, int32_t channel, int32_t to, int32_t bounds);
#endif
#if WUXING_FEATURES & 5
static void difference(uint8_t *work, int32_t from, int32_t to, int32_t points, int32_t bounds);
#endif
#if WUXING_FEATURES & 5
static void magnitude(uint8_t *work, int32_t from, int32_t to, int32_t points, int32_t channels, int32_t bounds);
#endif
#if WUXING_FEATURES & 5
static void column_to_bytes(const uint8_t *work, int32_t from, int32_t points, int32_t low, int32_t high, uint8_t *out, int32_t out_at, int32_t stride);
#endif
#if WUXING_FEATURES & 5
static void trace_features(const uint8_t *plan, uint8_t *work, const uint8_t *signal, int32_t from, int32_t count, uint8_t *out, int32_t out_at);
#endif
#if WUXING_FEATURES & 4
static int32_t hash32(int32_t seed, int32_t index);
#endif
#if WUXING_FEATURES & 4
static void draw_links(const uint8_t *plan, uint8_t *work);
#endif
#if WUXING_FEATURES & 4
static int32_t begin_sequence(const uint8_t *plan, uint8_t *work, const uint8_t *signal, int32_t from, int32_t count);
#endif
#if WUXING_FEATURES & 4
static void take_moment(const uint8_t *plan, uint8_t *work, const uint8_t *signal, int32_t sample);
#endif
#if WUXING_FEATURES & 4
static void settle_ring_neuron(uint8_t *work, int32_t at, int32_t steps);
#endif
#if WUXING_FEATURES & 4
static void step_rings(const uint8_t *plan, uint8_t *work);
#endif
#if WUXING_FEATURES & 4
static void end_sequence(const uint8_t *plan, const uint8_t *work, uint8_t *out, int32_t out_at);
#endif
#if WUXING_FEATURES & 4
static void reservoir_features(const uint8_t *plan, uint8_t *work, const uint8_t *signal, int32_t from, int32_t count, uint8_t *out, int32_t out_at);
#endif
static int32_t features(const uint8_t *plan, uint8_t *work, const uint8_t *signal, int32_t from, int32_t count, uint8_t *out, int32_t out_at);
static void clear_stream(uint8_t *state);
static void keep_last(uint8_t *state, uint8_t *signal, int32_t count);
static int32_t stream_samples(const uint8_t *state);
static void next_stream(uint8_t *state, uint8_t *signal);
static int32_t follow_stream(uint8_t *state, uint8_t *signal);

/* Movements, i32 each, for which working memory surely has room before anything else is in it. */
static int32_t kept_movements(const uint8_t *plan) {
  const bool bands = flash_u16(plan + PLAN_KIND) == FEATURE_KIND_BANDS;
  return bands ? shift_left(1, flash_u16(plan + PLAN_FRAME_BITS)) : flash_u16(plan + PLAN_POINTS);
}

/* How much a block of samples moves: the sum of the steps from sample to sample, over all channels. */
static int32_t movement(const uint8_t *plan, const uint8_t *signal, int32_t from) {
  const int32_t step = shift_left(flash_u16(plan + PLAN_CHANNELS), 1);
  const int32_t first = from * step;
  const int32_t end = first + flash_u16(plan + PLAN_BLOCK) * step;
  const int32_t last = from > 0 ? first - step : first;
  int32_t sum = 0;
  for (int32_t channel = 0; channel < step; channel += 2) {
    int32_t before = load_i16(signal + (last + channel));
    for (int32_t at = first + channel; at < end; at += step) {
      const int32_t value = load_i16(signal + at);
      /* Up to 2^10 samples of 8 channels, each step below 2^16: below 2^29. */
      sum = sum + (value < before ? before - value : value - before);
      before = value;
    }
  }
  return sum;
}

/*
 * Movement from which a block of samples from…from+count−1 counts: 1/2^Trim of the liveliest one's, more
 * than none.
 *
 * @param work the features' working memory; gets the first blocks' movements
 */
static int32_t least_movement(const uint8_t *plan, uint8_t *work, const uint8_t *signal, int32_t from, int32_t count) {
  const int32_t block = flash_u16(plan + PLAN_BLOCK);
  const int32_t kept = shift_left(kept_movements(plan), 2);
  int32_t most = 0;
  int32_t to = 0;
  for (int32_t at = 0; at + block <= count; at += block) {
    const int32_t moved = movement(plan, signal, from + at);
    if (to < kept) {
      store_i32(work + to, moved);
    }
    to = to + 4;
    most = greatest_of(most, moved);
  }
  return greatest_of(1, most >> flash_u16(plan + PLAN_TRIM));
}

/* Movement of the block that begins at sample from+at, as `leastMovement` kept it, else found again. */
static int32_t movement_at(const uint8_t *plan, const uint8_t *work, const uint8_t *signal, int32_t from, int32_t at) {
  const int32_t number = at / flash_u16(plan + PLAN_BLOCK);
  if (number < kept_movements(plan)) {
    return load_i32(work + (shift_left(number, 2)));
  }
  return movement(plan, signal, from + at);
}

/*
 * Samples to leave out at the beginning of samples from…from+count−1 so that the first block that moves,
 * as a 2^Trim-th of the liveliest, is the first; whole blocks, and never so many that fewer than `Least`
 * would be left.
 *
 * @param work as `leastMovement` left it
 * @param least `leastMovement` of these samples
 */
static int32_t quiet_start(const uint8_t *plan, const uint8_t *work, const uint8_t *signal, int32_t from, int32_t count, int32_t least) {
  const int32_t block = flash_u16(plan + PLAN_BLOCK);
  const int32_t most = count - flash_u16(plan + PLAN_LEAST);
  int32_t skip = 0;
  while (skip + block <= most && skip + block + block <= count && movement_at(plan, work, signal, from, skip) < least) {
    skip = skip + block;
  }
  return skip;
}

/* The same at the end, of what is left after `skip` samples; blocks are counted from the beginning. */
static int32_t quiet_end(const uint8_t *plan, const uint8_t *work, const uint8_t *signal, int32_t from, int32_t count, int32_t skip, int32_t least) {
  const int32_t block = flash_u16(plan + PLAN_BLOCK);
  int32_t end = count / block * block;
  while (end - block > skip && end - block - skip >= flash_u16(plan + PLAN_LEAST) && movement_at(plan, work, signal, from, end - block) < least) {
    end = end - block;
  }
  return end - skip < flash_u16(plan + PLAN_LEAST) ? 0 : count - end;
}

#if WUXING_FEATURES & 2
/*
 * Takes N samples of a signal, each less 31/32 of the one before it (high frequencies are raised), times
 * the plan's window, to the beginning of working memory: i32 each, which are read as N/2 complex numbers
 * re, im.
 *
 * @param from number of the first sample
 * @returns the exponent e: numbers in memory are 2^e times those of the signal; −1000: all are zero
 */
static int32_t load_frame(const uint8_t *plan, uint8_t *work, const uint8_t *signal, int32_t from) {
  const int32_t bits = flash_u16(plan + PLAN_FRAME_BITS);
  const int32_t size = shift_left(1, bits);
  const int32_t step = shift_left(flash_u16(plan + PLAN_CHANNELS), 1);
  const int32_t window = flash_i32(plan + PLAN_WINDOW);
  /* 32 times the emphasised signal: 63 · 2^15 < 2^21. */
  int32_t before = from > 0 ? load_i16(signal + ((from - 1) * step)) : load_i16(signal + (from * step));
  int32_t seen = 0;
  int32_t at = from * step;
  for (int32_t i = 0; i < size; i++) {
    const int32_t value = load_i16(signal + at);
    const int32_t rise = (shift_left(value, 5)) - (shift_left(before, 5)) + before;
    store_i32(work + (shift_left(i, 2)), rise);
    seen = seen | (rise ^ (rise >> 31));
    before = value;
    at = at + step;
  }
  if (seen == 0) {
    return -1000;
  }
  /* The largest comes to 2^14…2^15. */
  int32_t up = 0;
  while (seen < 16384) {
    seen = shift_left(seen, 1);
    up = up + 1;
  }
  while (seen >= 32768) {
    seen = seen >> 1;
    up = up - 1;
  }
  const int32_t left = greatest_of(up, 0);
  const int32_t right = left - up;
  int32_t weight = window;
  for (int32_t to = 0; to < shift_left(size, 2); to += 4) {
    const int32_t scaled = (shift_left(load_i32(work + to), left)) >> right;
    /* 2^15 · 2^15. */
    store_i32(work + to, (scaled * flash_i16(plan + weight) + 16384) >> 15);
    weight = weight + 2;
  }
  return up + 5;
}
#endif

#if WUXING_FEATURES & 2
/* Puts each of 2^bits complex numbers in the place that has its own number's bits in reverse. */
static void reverse(uint8_t *work, int32_t bits) {
  const int32_t size = shift_left(1, bits);
  int32_t j = 0;
  for (int32_t i = 1; i < size; i++) {
    int32_t bit = size >> 1;
    while ((j & bit) != 0) {
      j = j ^ bit;
      bit = bit >> 1;
    }
    j = j | bit;
    if (i < j) {
      const int32_t a = shift_left(i, 3);
      const int32_t b = shift_left(j, 3);
      /* One part after the other, here and below: a Cortex-M0+ has few registers. */
      const int32_t re = load_i32(work + a);
      store_i32(work + a, load_i32(work + b));
      store_i32(work + b, re);
      const int32_t im = load_i32(work + (a + 4));
      store_i32(work + (a + 4), load_i32(work + (b + 4)));
      store_i32(work + (b + 4), im);
    }
  }
}
#endif

#if WUXING_FEATURES & 2
/* By how many bits numbers below 2^17 are halved to be below 2^15. @param seen all of them, or-ed */
static int32_t excess(int32_t seen) {
  int32_t bits = 0;
  while (seen >> bits >= 32768) {
    bits = bits + 1;
  }
  return bits;
}
#endif

#if WUXING_FEATURES & 2
/*
 * Transforms N/2 complex numbers in place (decimation in time, radix 2).
 *
 * @returns by how many bits they were halved; the numbers are below 2^15
 */
static int32_t transform(const uint8_t *plan, uint8_t *work) {
  const int32_t bits = flash_u16(plan + PLAN_FRAME_BITS) - 1;
  const int32_t size = shift_left(8, bits);
  const int32_t twiddle = flash_i32(plan + PLAN_TWIDDLE);
  reverse(work, bits);
  int32_t halved = 0;
  int32_t down = 0;
  /* W of a stage is every so many bytes of the table. */
  int32_t stride = shift_left(4, bits);
  for (int32_t half = 8; half < size; half = shift_left(half, 1)) {
    const int32_t round = down > 0 ? shift_left(1, (down - 1)) : 0;
    int32_t seen = 0;
    int32_t w = twiddle;
    for (int32_t j = 0; j < half; j += 8) {
      const int32_t cos = flash_i16(plan + w);
      const int32_t sin = flash_i16(plan + (w + 2));
      for (int32_t a = j; a < size; a += half + half) {
        const int32_t b = a + half;
        const int32_t re = (load_i32(work + b) + round) >> down;
        const int32_t im = (load_i32(work + (b + 4)) + round) >> down;
        /* √2 · 2^15 · 2^15 < 2^31. */
        const int32_t turned_re = (re * cos - im * sin + 16384) >> 15;
        const int32_t turned_im = (re * sin + im * cos + 16384) >> 15;
        /* (1 + √2) · 2^15 < 2^17. */
        const int32_t still_re = (load_i32(work + a) + round) >> down;
        const int32_t sum_re = still_re + turned_re;
        const int32_t rest_re = still_re - turned_re;
        store_i32(work + a, sum_re);
        store_i32(work + b, rest_re);
        seen = seen | (sum_re ^ (sum_re >> 31)) | (rest_re ^ (rest_re >> 31));
        const int32_t still_im = (load_i32(work + (a + 4)) + round) >> down;
        const int32_t sum_im = still_im + turned_im;
        const int32_t rest_im = still_im - turned_im;
        store_i32(work + (a + 4), sum_im);
        store_i32(work + (b + 4), rest_im);
        seen = seen | (sum_im ^ (sum_im >> 31)) | (rest_im ^ (rest_im >> 31));
      }
      w = w + stride;
    }
    stride = stride >> 1;
    halved = halved + down;
    down = excess(seen);
  }
  if (down > 0) {
    const int32_t round = shift_left(1, (down - 1));
    for (int32_t at = 0; at < size; at += 4) {
      store_i32(work + at, (load_i32(work + at) + round) >> down);
    }
  }
  return halved + down;
}
#endif

#if WUXING_FEATURES & 2
/* |re + i·im| by 7/8 of the larger part and half of the smaller: off by less than 3.1 %, never by more. */
static int32_t amplitude(int32_t re, int32_t im) {
  const int32_t a = re < 0 ? -re : re;
  const int32_t b = im < 0 ? -im : im;
  const int32_t more = greatest_of(a, b);
  const int32_t less = least_of(a, b);
  const int32_t mixed = more - (more >> 3) + (less >> 1);
  return greatest_of(mixed, more);
}
#endif

#if WUXING_FEATURES & 2
/*
 * Amplitudes of bins 0…N/2 of the frame that `loadFrame` has taken, i32 each, from `to` on in working
 * memory, which is behind the N values of the frame. Each is below 2^17.
 *
 * @returns by how many bits they were halved
 */
static int32_t amplitudes(const uint8_t *plan, uint8_t *work, int32_t to) {
  const int32_t halved = transform(plan, work);
  const int32_t size = shift_left(4, flash_u16(plan + PLAN_FRAME_BITS));
  const int32_t twiddle = flash_i32(plan + PLAN_TWIDDLE);
  /* Bins 0 and N/2 are the sum and the difference of the even and the odd samples' sums. */
  const int32_t evens = load_i32(work + 0);
  const int32_t odds = load_i32(work + 4);
  store_i32(work + to, amplitude(evens + odds, 0));
  store_i32(work + (to + (size >> 1)), amplitude(evens - odds, 0));
  for (int32_t k = 8; k <= size >> 1; k += 8) {
    const int32_t there = size - k;
    const int32_t re = load_i32(work + k);
    const int32_t im = load_i32(work + (k + 4));
    const int32_t back_re = load_i32(work + there);
    const int32_t back_im = load_i32(work + (there + 4));
    /* Twice the transforms of the even and of the odd samples, halved: below 2^15. */
    const int32_t even_re = (re + back_re) >> 1;
    const int32_t even_im = (im - back_im) >> 1;
    const int32_t odd_re = (im + back_im) >> 1;
    const int32_t odd_im = (back_re - re) >> 1;
    /* k/8 · 4 bytes. */
    const int32_t w = twiddle + (k >> 1);
    const int32_t cos = flash_i16(plan + w);
    const int32_t sin = flash_i16(plan + (w + 2));
    const int32_t turned_re = (odd_re * cos - odd_im * sin + 16384) >> 15;
    const int32_t turned_im = (odd_re * sin + odd_im * cos + 16384) >> 15;
    const int32_t low = to + (k >> 1);
    const int32_t high = to + ((size - k) >> 1);
    store_i32(work + low, amplitude(even_re + turned_re, even_im + turned_im));
    store_i32(work + high, amplitude(even_re - turned_re, even_im - turned_im));
  }
  return halved;
}
#endif

#if WUXING_FEATURES & 2
/*
 * @param x 1…2^31−1
 * @returns its logarithm to base 2 in Q8, off by less than 1.5/256
 */
static int32_t log_of(int32_t x) {
  int32_t whole = 0;
  int32_t rest = x;
  if (rest >= 65536) {
    rest = rest >> 16;
    whole = 16;
  }
  if (rest >= 256) {
    rest = rest >> 8;
    whole = whole + 8;
  }
  if (rest >= 16) {
    rest = rest >> 4;
    whole = whole + 4;
  }
  if (rest >= 4) {
    rest = rest >> 2;
    whole = whole + 2;
  }
  if (rest >= 2) {
    whole = whole + 1;
  }
  /* The fraction f in Q12: x / 2^whole − 1. */
  const int32_t f = (whole > 12 ? x >> (whole - 12) : shift_left(x, (12 - whole))) - 4096;
  /* log2(1 + f) = f + f(1 − f)(0.4384 − 0.1680 f), off by less than 0.0013; f(1 − f) ≤ 2^22. */
  const int32_t bend = (f * (4096 - f)) >> 12;
  const int32_t q12 = f + ((bend * (1796 - ((688 * f) >> 12))) >> 12);
  return (shift_left(whole, 8)) + ((q12 + 8) >> 4);
}
#endif

#if WUXING_FEATURES & 2
/* Adds the logarithm of each band's amplitude, Q8; what is below the signal's last digit counts as 0. */
static void add_logs(const uint8_t *plan, uint8_t *work, int32_t spectrum, int32_t row, int32_t exponent) {
  const int32_t bands = flash_u16(plan + PLAN_BANDS);
  int32_t mel = flash_i32(plan + PLAN_MEL);
  for (int32_t b = 0; b < bands; b++) {
    const int32_t first = flash_u16(plan + mel);
    const int32_t bins = flash_u16(plan + (mel + 2));
    mel = mel + 4;
    int32_t sum = 0;
    /* The host sees to it that a band's weights sum to less than 2^14: 2^17 · 2^14. */
    int32_t at = spectrum + (shift_left(first, 2));
    for (int32_t i = 0; i < bins; i++) {
      sum = sum + load_i32(work + at) * flash_u8(plan + (mel + i));
      at = at + 4;
    }
    mel = mel + bins + (bins & 1);
    const int32_t log = sum > 0 ? log_of(sum) - (shift_left(exponent, 8)) : 0;
    const int32_t to = row + (shift_left(b, 2));
    if (log > 0) {
      store_i32(work + to, load_i32(work + to) + log);
    }
  }
}
#endif

#if WUXING_FEATURES & 2
/* @param deviation 16 times what becomes `DEVIATION` bytes */
static void to_bytes(const uint8_t *work, int32_t sums, int32_t end, int32_t mean, int32_t deviation, uint8_t *out, int32_t out_at) {
  int32_t to = out_at;
  for (int32_t at = sums; at < end; at += 4) {
    const int32_t value = load_i32(work + at) - mean;
    const int32_t size = value < 0 ? -value : value;
    /* 2^16 · 640 + 2^19. */
    const int32_t steps = deviation > 0 ? (size * (shift_left(DEVIATION, 4)) + (deviation >> 1)) / deviation : 0;
    store_u8(out + to, least_of(255, greatest_of(0, value < 0 ? MEAN - steps : MEAN + steps)));
    to = to + 1;
  }
}
#endif

#if WUXING_FEATURES & 7
/* Square root and logarithm in whole numbers. */
/*
 * @param x 0…2^31−1
 * @returns the whole part of its square root, exactly
 */
static int32_t root_of(int32_t x) {
  int32_t rest = x;
  int32_t root = 0;
  int32_t bit = 1073741824;
  while (bit > rest) {
    bit = bit >> 2;
  }
  while (bit > 0) {
    /* root + bit ≤ 2^31 − 1, as root² ≤ x. */
    const int32_t next = root + bit;
    root = root >> 1;
    if (rest >= next) {
      rest = rest - next;
      root = root + bit;
    }
    bit = bit >> 2;
  }
  return root;
}
#endif

#if WUXING_FEATURES & 2
/*
 * @param row bytes of a frame's sums
 * @returns 16 times the deviation of values 0…2^16 from their mean, below 2^20
 */
static int32_t deviation_of(const uint8_t *work, int32_t sums, int32_t end, int32_t row, int32_t mean) {
  int32_t most = 0;
  for (int32_t at = sums; at < end; at += 4) {
    const int32_t value = load_i32(work + at) - mean;
    most = greatest_of(most, value < 0 ? -value : value);
  }
  int32_t down = 0;
  while (most >> down >= 1024) {
    down = down + 1;
  }
  const int32_t round = down > 0 ? shift_left(1, (down - 1)) : 0;
  int32_t squares = 0;
  int32_t frames = 0;
  for (int32_t from = sums; from < end; from += row) {
    int32_t sum = 0;
    for (int32_t at = from; at < from + row; at += 4) {
      const int32_t value = (load_i32(work + at) - mean + round) >> down;
      /* 2^20 each, 2^6 of them. */
      sum = sum + value * value;
    }
    /* A row has four bytes a band; up to 2^9 frames of 2^20. */
    squares = squares + shift_left(sum, 2) / row;
    frames = frames + 1;
  }
  return shift_left(root_of(shift_left(squares / frames, 8)), down);
}
#endif

#if WUXING_FEATURES & 2
/*
 * Takes what is below `least` as that, takes from each band its share of the band's own mean, and writes
 * (value − mean) / deviation as bytes.
 *
 * @param sums where in working memory the sums of logarithms are, i32, frame by frame, at most 2^14 of
 *   them; they are written over
 * @param least less than 2^15 below the largest sum
 */
static void spread_bands(const uint8_t *plan, uint8_t *work, int32_t sums, int32_t least, uint8_t *out, int32_t out_at) {
  const int32_t frames = flash_u16(plan + PLAN_POINTS);
  const int32_t row = shift_left(flash_u16(plan + PLAN_BANDS), 2);
  const int32_t width = frames * flash_u16(plan + PLAN_BANDS);
  const int32_t end = sums + (shift_left(width, 2));
  const int32_t level = flash_u16(plan + PLAN_LEVEL);
  int32_t total = 0;
  for (int32_t b = sums; b < sums + row; b += 4) {
    int32_t sum = 0;
    for (int32_t at = b; at < end; at += row) {
      /* Up to 16 octaves in Q8, 8 of them averaged: 0…2^15. */
      const int32_t value = greatest_of(load_i32(work + at) - least, 0);
      store_i32(work + at, value);
      /* 2^9 · 2^15. */
      sum = sum + value;
    }
    /* 2^15 · 2^8. */
    const int32_t away = ((sum + (frames >> 1)) / frames * level + 128) >> 8;
    for (int32_t at = b; at < end; at += row) {
      /* 0…2^16, so that only whole numbers that are not negative are divided. */
      const int32_t value = load_i32(work + at) + 32768 - away;
      store_i32(work + at, value);
      /* 2^14 · 2^16. */
      total = total + value;
    }
  }
  const int32_t mean = (total + (width >> 1)) / width;
  to_bytes(work, sums, end, mean, deviation_of(work, sums, end, row, mean), out, out_at);
}
#endif

#if WUXING_FEATURES & 2
static void bands_to_bytes(const uint8_t *plan, uint8_t *work, int32_t sums, int32_t average, uint8_t *out, int32_t out_at) {
  const int32_t width = flash_u16(plan + PLAN_POINTS) * flash_u16(plan + PLAN_BANDS);
  int32_t low = load_i32(work + sums);
  int32_t high = low;
  for (int32_t at = sums; at < sums + (shift_left(width, 2)); at += 4) {
    low = least_of(low, load_i32(work + at));
    high = greatest_of(high, load_i32(work + at));
  }
  /* Sums of up to 8 logarithms in Q8 below 2^13: below 2^16. */
  const int32_t floor = flash_i32(plan + PLAN_FLOOR) * average;
  const int32_t scaling = flash_u16(plan + PLAN_SCALING);
  if (scaling == SCALING_SPREAD) {
    spread_bands(plan, work, sums, high - floor, out, out_at);
    return;
  }
  if (scaling == SCALING_RANGE) {
    low = flash_i32(plan + PLAN_LOW) * average;
    high = flash_i32(plan + PLAN_HIGH) * average;
  } else if (scaling == SCALING_PEAK || high - low < floor) {
    low = high - floor;
  }
  /* Silence is nothing. */
  if (high == 0) {
    low = 0;
  }
  const int32_t range = high - low;
  for (int32_t i = 0; i < width; i++) {
    const int32_t above = least_of(greatest_of(load_i32(work + (sums + (shift_left(i, 2)))) - low, 0), range);
    store_u8(out + (out_at + i), range > 0 ? (above * 255 + (range >> 1)) / range : 0);
  }
}
#endif

#if WUXING_FEATURES & 2
/* What a kernel finds at each of its places above the threshold, row by row; what lies over an edge is nothing. */
static void lay_kernel(const uint8_t *plan, uint8_t *work, int32_t picture, int32_t kernel, int32_t to) {
  const int32_t record = flash_u16(plan + PLAN_KERNELS);
  const int32_t above = flash_u16(plan + (record + FIXED_KERNELS_ABOVE));
  const int32_t size = flash_u16(plan + (record + FIXED_KERNELS_SIZE));
  const int32_t frames = flash_u16(plan + PLAN_POINTS);
  const int32_t bands = flash_u16(plan + PLAN_BANDS);
  const int32_t half = size >> 1;
  int32_t at = to;
  for (int32_t row = -half; row <= frames - size + half; row++) {
    const int32_t top = greatest_of(0, -row);
    const int32_t bottom = least_of(size, frames - row);
    for (int32_t column = -half; column <= bands - size + half; column++) {
      const int32_t left = greatest_of(0, -column);
      const int32_t right = least_of(size, bands - column);
      int32_t sum = 0;
      for (int32_t y = top; y < bottom; y++) {
        const int32_t weight = kernel + y * size;
        const int32_t value = picture + (row + y) * bands + column;
        /* 2^7 · 2^7 each, of a kernel whose norm is 64 and which has up to 2^6 values: at most 2^16. */
        for (int32_t x = left; x < right; x++) {
          sum = sum + (load_u8(work + (value + x)) - KERNEL_MIDDLE) * (flash_u8(plan + (weight + x)) - KERNEL_MIDDLE);
        }
      }
      store_i32(work + at, greatest_of(0, sum - above));
      at = at + 4;
    }
  }
}
#endif

#if WUXING_FEATURES & 2
/* First of the places that part i of `parts` has: a quarter of a part is the one before's too. */
static int32_t first_place(int32_t places, int32_t parts, int32_t i) {
  return i > 0 ? ((4 * i - 1) * places) / (4 * parts) : 0;
}
#endif

#if WUXING_FEATURES & 2
/* The place after its last one. */
static int32_t last_place(int32_t places, int32_t parts, int32_t i) {
  return least_of(places, ((4 * i + 5) * places + 4 * parts - 1) / (4 * parts));
}
#endif

#if WUXING_FEATURES & 2
/* Mean of what was found at some rows of places; at most 2^14 of less than 2^17. */
static int32_t mean_found(const uint8_t *work, int32_t first, int32_t columns, int32_t high, int32_t wide) {
  int32_t sum = 0;
  for (int32_t y = 0; y < high; y++) {
    const int32_t from = first + (shift_left(y * columns, 2));
    for (int32_t at = from; at < from + (shift_left(wide, 2)); at += 4) {
      sum = sum + load_i32(work + at);
    }
  }
  const int32_t area = high * wide;
  return (sum + (area >> 1)) / area;
}
#endif

#if WUXING_FEATURES & 2
/*
 * @param picture where in working memory the bytes of the bands are
 * @param room where in working memory an i32 is free for each place of a kernel, then one for each output
 * @param out gets a byte 1…255 a part and kernel, part by part, from `outAt` on
 */
static void kernel_features(const uint8_t *plan, uint8_t *work, int32_t picture, int32_t room, uint8_t *out, int32_t out_at) {
  const int32_t record = flash_u16(plan + PLAN_KERNELS);
  const int32_t count = flash_u16(plan + (record + FIXED_KERNELS_COUNT));
  const int32_t down = flash_u16(plan + (record + FIXED_KERNELS_DOWN));
  const int32_t across = flash_u16(plan + (record + FIXED_KERNELS_ACROSS));
  const int32_t size = flash_u16(plan + (record + FIXED_KERNELS_SIZE));
  /* Half of a kernel may lie over an edge, so that one of an even size has one place more. */
  const int32_t rows = flash_u16(plan + PLAN_POINTS) + 1 - (size & 1);
  const int32_t columns = flash_u16(plan + PLAN_BANDS) + 1 - (size & 1);
  const int32_t means = room + (shift_left(rows * columns, 2));
  int32_t kernel = record + FIXED_KERNELS_LENGTH;
  for (int32_t k = 0; k < count; k++) {
    lay_kernel(plan, work, picture, kernel, room);
    kernel = kernel + size * size;
    int32_t to = means + (shift_left(k, 2));
    for (int32_t i = 0; i < down; i++) {
      for (int32_t j = 0; j < across; j++) {
        const int32_t first = room + (shift_left(first_place(rows, down, i) * columns + first_place(columns, across, j), 2));
        const int32_t high = last_place(rows, down, i) - first_place(rows, down, i);
        const int32_t wide = last_place(columns, across, j) - first_place(columns, across, j);
        store_i32(work + to, mean_found(work, first, columns, high, wide));
        to = to + (shift_left(count, 2));
      }
    }
  }
  int32_t at = means;
  int32_t to = out_at;
  for (int32_t p = 0; p < down * across; p++) {
    int32_t sum = 0;
    /* At most 2^10 of at most 2^16. */
    for (int32_t k = 0; k < count; k++) {
      sum = sum + load_i32(work + (at + (shift_left(k, 2))));
    }
    const int32_t mean = (sum + (count >> 1)) / count;
    for (int32_t k = 0; k < count; k++) {
      /* 2^16 · 2^4. */
      const int32_t more = ((load_i32(work + at) - mean) * KERNEL_GAIN + 128) >> 8;
      store_u8(out + to, least_of(255, greatest_of(1, KERNEL_MIDDLE + more)));
      at = at + 4;
      to = to + 1;
    }
  }
}
#endif

#if WUXING_FEATURES & 2
/*
 * Takes samples from…from+count−1 of the first channel.
 *
 * @param count at least a frame
 * @param out gets a byte a frame and band, frame by frame, from `outAt` on; else as `kernelFeatures` says
 */
static void band_features(const uint8_t *plan, uint8_t *work, const uint8_t *signal, int32_t from, int32_t count, uint8_t *out, int32_t out_at) {
  const int32_t size = shift_left(1, flash_u16(plan + PLAN_FRAME_BITS));
  const int32_t bands = flash_u16(plan + PLAN_BANDS);
  const int32_t average = flash_u16(plan + PLAN_AVERAGE);
  const int32_t frames = flash_u16(plan + PLAN_POINTS) * average;
  const int32_t spectrum = shift_left(size, 2);
  /* N/2 + 1 amplitudes after the frame, then the sums of logarithms. */
  const int32_t sums = spectrum + (shift_left(size, 1)) + 4;
  const int32_t values = flash_u16(plan + PLAN_POINTS) * bands;
  memset(work + sums, 0, (size_t)(shift_left(values, 2)));
  int32_t row = sums;
  for (int32_t f = 0; f < frames; f++) {
    /* 2^16 · 2^12. */
    const int32_t start = frames > 1 ? (f * (count - size)) / (frames - 1) : 0;
    const int32_t exponent = load_frame(plan, work, signal, from + start);
    if (exponent > -1000) {
      const int32_t halved = amplitudes(plan, work, spectrum);
      add_logs(plan, work, spectrum, row, exponent - halved);
    }
    if ((f + 1) / average * average == f + 1) {
      row = row + (shift_left(bands, 2));
    }
  }
  if (flash_u16(plan + PLAN_KERNELS) == 0) {
    bands_to_bytes(plan, work, sums, average, out, out_at);
  } else {
    /* The sums are no longer needed then. */
    const int32_t picture = sums + (shift_left(values, 2));
    bands_to_bytes(plan, work, sums, average, work, picture);
    kernel_features(plan, work, picture, (picture + values + 3) & ~3, out, out_at);
  }
}
#endif

#if WUXING_FEATURES & 5
/*
 * Values of a channel at evenly spaced points, the first and the last sample among them; between two
 * samples on the line through them, rounded to the nearest.
 *
 * @param bounds gets the lowest and the highest
 */
static void resample(const uint8_t *plan, uint8_t *work, const uint8_t *signal, int32_t from, int32_t count, int32_t channel, int32_t to, int32_t bounds) {
  const int32_t gaps = flash_u16(plan + PLAN_POINTS) - 1;
  const int32_t step = shift_left(flash_u16(plan + PLAN_CHANNELS), 1);
  /* Samples from point to point: a whole number, and `more` of `parts` parts. */
  const int32_t whole = (count - 1) / gaps;
  const int32_t parts = gaps + gaps;
  const int32_t more = shift_left(count - 1 - whole * gaps, 1);
  const int32_t ahead = whole * step;
  /* |rise · rest| < 2^16 · parts, and parts < 2^10; with 2^16 · parts added it is never negative, so that */
  /* it is rounded the same way up and down. */
  const int32_t middle = (shift_left(gaps, 17)) + gaps;
  int32_t here = from * step + (shift_left(channel, 1));
  int32_t rest = 0;
  int32_t low = 32767;
  int32_t high = -32768;
  const int32_t end = to + (shift_left(gaps, 2));
  for (int32_t at = to; at <= end; at += 4) {
    int32_t value = load_i16(signal + here);
    if (rest > 0) {
      const int32_t rise = load_i16(signal + (here + step)) - value;
      value = value + (rise * rest + middle) / parts - 65536;
    }
    store_i32(work + at, value);
    if (value < low) {
      low = value;
    }
    if (value > high) {
      high = value;
    }
    here = here + ahead;
    rest = rest + more;
    if (rest >= parts) {
      rest = rest - parts;
      here = here + step;
    }
  }
  store_i32(work + bounds, low);
  store_i32(work + (bounds + 4), high);
}
#endif

#if WUXING_FEATURES & 5
/* @param bounds gets the lowest and the highest */
static void difference(uint8_t *work, int32_t from, int32_t to, int32_t points, int32_t bounds) {
  int32_t before = load_i32(work + from);
  /* The first is 0. */
  int32_t low = 0;
  int32_t high = 0;
  for (int32_t k = 0; k < shift_left(points, 2); k += 4) {
    const int32_t value = load_i32(work + (from + k));
    const int32_t change = value - before;
    store_i32(work + (to + k), change);
    if (change < low) {
      low = change;
    }
    if (change > high) {
      high = change;
    }
    before = value;
  }
  store_i32(work + bounds, low);
  store_i32(work + (bounds + 4), high);
}
#endif

#if WUXING_FEATURES & 5
/*
 * Off by less than √channels + 2, as the squares of up to four halved values fit 31 bits, of eight quartered ones.
 *
 * @param bounds gets the lowest and the highest
 */
static void magnitude(uint8_t *work, int32_t from, int32_t to, int32_t points, int32_t channels, int32_t bounds) {
  const int32_t column = shift_left(points, 2);
  const int32_t shift = channels > 3 ? 2 : 1;
  /* √3 · 2^14 · 2, or √8 · 2^13 · 4: below 2^17. */
  int32_t low = 131072;
  int32_t high = 0;
  for (int32_t k = 0; k < column; k += 4) {
    int32_t sum = 0;
    /* Each square ≤ 2^28, three of them; or 2^26, eight of them. */
    for (int32_t at = from + k; at < from + channels * column; at += column) {
      const int32_t value = load_i32(work + at) >> shift;
      sum = sum + value * value;
    }
    const int32_t value = shift_left(root_of(sum), shift);
    store_i32(work + (to + k), value);
    if (value < low) {
      low = value;
    }
    if (value > high) {
      high = value;
    }
  }
  store_i32(work + bounds, low);
  store_i32(work + (bounds + 4), high);
}
#endif

#if WUXING_FEATURES & 5
/* low…high becomes 0…255, rounded; a column without any range becomes zeros. */
static void column_to_bytes(const uint8_t *work, int32_t from, int32_t points, int32_t low, int32_t high, uint8_t *out, int32_t out_at, int32_t stride) {
  const int32_t range = high - low;
  const int32_t half = range >> 1;
  int32_t to = out_at;
  for (int32_t k = from; k < from + (shift_left(points, 2)); k += 4) {
    int32_t above = load_i32(work + k) - low;
    if (above < 0) {
      above = 0;
    }
    if (above > range) {
      above = range;
    }
    /* Both below 2^18: the product is below 2^26. */
    store_u8(out + to, above > 0 ? (above * 255 + half) / range : 0);
    to = to + stride;
  }
}
#endif

#if WUXING_FEATURES & 5
/*
 * Takes samples from…from+count−1 of a signal.
 *
 * @param count 2…65535
 * @param out gets a byte a point and channel that comes out, point by point, from `outAt` on
 */
static void trace_features(const uint8_t *plan, uint8_t *work, const uint8_t *signal, int32_t from, int32_t count, uint8_t *out, int32_t out_at) {
  const int32_t points = flash_u16(plan + PLAN_POINTS);
  const int32_t channels = flash_u16(plan + PLAN_CHANNELS);
  const int32_t derive = flash_u16(plan + PLAN_DERIVE);
  const int32_t column = shift_left(points, 2);
  const int32_t values = (derive & DERIVE_VALUES) != 0 ? channels : 0;
  const int32_t changes = (derive & DERIVE_DIFFERENCES) != 0 ? channels : 0;
  /* Of a reservoir more or fewer bytes come out than of the trace that it reads. */
  const int32_t columns = values + changes + ((derive & DERIVE_MAGNITUDE) != 0 ? 1 : 0);
  const int32_t raw = values > 0 ? 0 : columns;
  const int32_t bounds = (values > 0 ? columns : columns + channels) * column;
  for (int32_t c = 0; c < channels; c++) {
    resample(plan, work, signal, from, count, c, (raw + c) * column, bounds + (shift_left(raw + c, 3)));
  }
  if (changes > 0) {
    for (int32_t c = 0; c < channels; c++) {
      const int32_t to = values + c;
      difference(work, (raw + c) * column, to * column, points, bounds + (shift_left(to, 3)));
    }
  }
  if ((derive & DERIVE_MAGNITUDE) != 0) {
    const int32_t to = values + changes;
    magnitude(work, raw * column, to * column, points, channels, bounds + (shift_left(to, 3)));
  }
  const int32_t scaling = flash_u16(plan + PLAN_SCALING);
  int32_t first = 0;
  while (first < columns) {
    /* What is of one kind has one scale: all values, then all differences, then the magnitude. */
    int32_t last = columns;
    if (first < values) {
      last = values;
    } else if (first < values + changes) {
      last = values + changes;
    }
    int32_t least = flash_i32(plan + PLAN_FLOOR);
    if (scaling == SCALING_SHAPE) {
      for (int32_t at = bounds + (shift_left(first, 3)); at < bounds + (shift_left(last, 3)); at += 8) {
        const int32_t range = load_i32(work + (at + 4)) - load_i32(work + at);
        if (range > least) {
          least = range;
        }
      }
    }
    for (int32_t c = first; c < last; c++) {
      int32_t low = flash_i32(plan + PLAN_LOW);
      int32_t high = flash_i32(plan + PLAN_HIGH);
      if (scaling != SCALING_RANGE) {
        low = load_i32(work + (bounds + (shift_left(c, 3))));
        high = load_i32(work + (bounds + (shift_left(c, 3)) + 4));
        /* As much is added below as above, the odd one above. */
        const int32_t more = greatest_of(0, least - high + low);
        low = low - (more >> 1);
        high = high + more - (more >> 1);
      } else if (first >= values) {
        /* Differences go both ways, a magnitude only up. */
        high = greatest_of(high, -low);
        low = first < values + changes ? -high : 0;
      }
      column_to_bytes(work, c * column, points, low, high, out, out_at + c, columns);
    }
    first = last;
  }
}
#endif

#if WUXING_FEATURES & 4
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
#endif

#if WUXING_FEATURES & 4
/* Each synapse: i16 where its rings' signals begin, then i16 coefficients, Q12, of values and signals. */
static void draw_links(const uint8_t *plan, uint8_t *work) {
  const int32_t seed = flash_i32(plan + RESERVOIR_SEED);
  const int32_t synapses = shift_left(flash_u16(plan + RESERVOIR_RINGS), 1);
  const int32_t values = flash_u16(plan + RESERVOIR_COLUMNS);
  const int32_t links = values + flash_u16(plan + RESERVOIR_RECURRENT);
  const int32_t input_bound = flash_u16(plan + RESERVOIR_INPUT_BOUND);
  const int32_t recurrent_bound = flash_u16(plan + RESERVOIR_RECURRENT_BOUND);
  const int32_t signals = flash_i32(plan + RESERVOIR_SIGNALS);
  int32_t at = flash_i32(plan + RESERVOIR_LINKS);
  for (int32_t s = 0; s < synapses; s++) {
    const int32_t base = hash32(seed, s);
    /* 2^15 · 2^7. */
    const int32_t first = ((shift_right(hash32(base, 0), 17)) * synapses) >> 15;
    store_i16(work + at, signals + first + first);
    at = at + 2;
    for (int32_t i = 1; i <= links; i++) {
      const int32_t bound = i <= values ? input_bound : recurrent_bound;
      /* 2^15 · 2^14. */
      store_i16(work + at, ((hash32(base, i) >> 16) * bound) >> 15);
      at = at + 2;
    }
  }
}
#endif

#if WUXING_FEATURES & 4
/*
 * Puts all rings to rest and draws their links; of a sequence of points also finds those.
 *
 * @returns how many moments there are
 */
static int32_t begin_sequence(const uint8_t *plan, uint8_t *work, const uint8_t *signal, int32_t from, int32_t count) {
  const int32_t points = flash_u16(plan + PLAN_POINTS);
  if (points > 0) {
    trace_features(plan, work, signal, from, count, work, flash_i32(plan + RESERVOIR_TRACE));
  }
  memset(work + 0, 0, (size_t)(flash_i32(plan + RESERVOIR_VALUES)));
  store_i16(work + HEADER_ELEMENT_MIN, ELEMENT_MIN);
  store_i16(work + HEADER_ELEMENT_MAX, ELEMENT_MAX);
  store_i16(work + HEADER_GENERATION, FIXED_POINT);
  store_i16(work + HEADER_DECAY, flash_u16(plan + RESERVOIR_DECAY));
  const int32_t rings = flash_u16(plan + RESERVOIR_RINGS);
  for (int32_t r = 0; r < rings; r++) {
    const int32_t record = HEADER_LENGTH + r * NEURON_LENGTH;
    for (int32_t e = 0; e < 20; e += 4) {
      store_i32(work + (record + NEURON_ELEMENT + e), FIXED_POINT);
    }
  }
  draw_links(plan, work);
  return points > 0 ? points : count;
}
#endif

#if WUXING_FEATURES & 4
/*
 * Takes the values of the next moment, i16 in Q12 within ±1: bytes of a point, or a sample and how far
 * it is from the one before it.
 *
 * @param sample its number, where moments are samples
 */
static void take_moment(const uint8_t *plan, uint8_t *work, const uint8_t *signal, int32_t sample) {
  const int32_t done = load_i32(work + DONE);
  const int32_t columns = flash_u16(plan + RESERVOIR_COLUMNS);
  int32_t to = flash_i32(plan + RESERVOIR_VALUES);
  if (flash_u16(plan + PLAN_POINTS) > 0) {
    int32_t at = flash_i32(plan + RESERVOIR_TRACE) + done * columns;
    for (int32_t c = 0; c < columns; c++) {
      store_i16(work + to, (shift_left(load_u8(work + at), 5)) - 4080);
      at = at + 1;
      to = to + 2;
    }
    return;
  }
  const int32_t derive = flash_u16(plan + PLAN_DERIVE);
  const int32_t channels = flash_u16(plan + PLAN_CHANNELS);
  const int32_t first = sample * channels;
  if ((derive & DERIVE_VALUES) != 0) {
    for (int32_t c = 0; c < channels; c++) {
      store_i16(work + to, load_i16(signal + (shift_left(first + c, 1))) >> 3);
      to = to + 2;
    }
  }
  if ((derive & DERIVE_DIFFERENCES) != 0) {
    for (int32_t c = 0; c < channels; c++) {
      int32_t change = 0;
      if (done > 0) {
        change = load_i16(signal + (shift_left(first + c, 1))) - load_i16(signal + (shift_left(first + c - channels, 1)));
      }
      /* Eight times the size of values: from sample to sample a signal moves little. */
      store_i16(work + to, least_of(4096, greatest_of(-4096, change)));
      to = to + 2;
    }
  }
}
#endif

#if WUXING_FEATURES & 4
/*
 * The ring driven by `Input` from `Element` for some Heun steps of 3/4:
 *
 *     dE[i]/dt = K1·E[i−1] − K2·E[i] − K3·E[i]·E[i−2] + u[i]
 *
 * As `settleNeuron`; loaded in reversed order it is the backward equation, as all elements are alike.
 */
static void settle_ring_neuron(uint8_t *work, int32_t at, int32_t steps) {
  const int32_t min = load_i16(work + HEADER_ELEMENT_MIN);
  const int32_t max = load_i16(work + HEADER_ELEMENT_MAX);
  /* At most 2^12. */
  const int32_t k1 = load_i16(work + HEADER_GENERATION);
  const int32_t k2 = load_i16(work + HEADER_DECAY);
  const int32_t k3 = k1 - k2;
  /* 2·K2, Q12. */
  const int32_t decay = shift_left(k2, 1);
  const int32_t u0 = load_i32(work + (at + NEURON_INPUT));
  const int32_t u1 = load_i32(work + (at + NEURON_INPUT + 4));
  const int32_t u2 = load_i32(work + (at + NEURON_INPUT + 8));
  const int32_t u3 = load_i32(work + (at + NEURON_INPUT + 12));
  const int32_t u4 = load_i32(work + (at + NEURON_INPUT + 16));
  int32_t e0 = load_i32(work + (at + NEURON_ELEMENT));
  int32_t e1 = load_i32(work + (at + NEURON_ELEMENT + 4));
  int32_t e2 = load_i32(work + (at + NEURON_ELEMENT + 8));
  int32_t e3 = load_i32(work + (at + NEURON_ELEMENT + 12));
  int32_t e4 = load_i32(work + (at + NEURON_ELEMENT + 16));
  int32_t s0 = 0;
  int32_t s1 = 0;
  int32_t s2 = 0;
  int32_t s3 = 0;
  int32_t s4 = 0;
  for (int32_t step = 0; step < steps; step++) {
    /* Bounds in units of 1 (4096), for 0 < E ≤ 3, |u| ≤ 4, K1 ≤ 1, K3 ≤ 0.85 and K2 + K3 = K1: */
    /* E(K2 + K3·E') ≤ 3(1 + 2·0.85) = 8.1, so −12.1 ≤ f ≤ 7 and −6.1 ≤ p ≤ 8.25; */
    /* K3·p below 2^27, |p(2·K2 + 2·K3·p')| ≤ 8.25 · 14.4 = 119, which in Q24 is 1.99e9 < 2^31. */
    const int32_t f0 = ((k1 * e4) >> 12) - ((e0 * (decay + ((k3 * e3) >> 11))) >> 13) + u0;
    const int32_t f1 = ((k1 * e0) >> 12) - ((e1 * (decay + ((k3 * e4) >> 11))) >> 13) + u1;
    const int32_t f2 = ((k1 * e1) >> 12) - ((e2 * (decay + ((k3 * e0) >> 11))) >> 13) + u2;
    const int32_t f3 = ((k1 * e2) >> 12) - ((e3 * (decay + ((k3 * e1) >> 11))) >> 13) + u3;
    const int32_t f4 = ((k1 * e3) >> 12) - ((e4 * (decay + ((k3 * e2) >> 11))) >> 13) + u4;
    const int32_t p0 = e0 + ((3 * f0) >> 2);
    const int32_t p1 = e1 + ((3 * f1) >> 2);
    const int32_t p2 = e2 + ((3 * f2) >> 2);
    const int32_t p3 = e3 + ((3 * f3) >> 2);
    const int32_t p4 = e4 + ((3 * f4) >> 2);
    e0 += (3 * (f0 + ((k1 * p4) >> 12) - ((p0 * (decay + ((k3 * p3) >> 11))) >> 13) + u0)) >> 3;
    e1 += (3 * (f1 + ((k1 * p0) >> 12) - ((p1 * (decay + ((k3 * p4) >> 11))) >> 13) + u1)) >> 3;
    e2 += (3 * (f2 + ((k1 * p1) >> 12) - ((p2 * (decay + ((k3 * p0) >> 11))) >> 13) + u2)) >> 3;
    e3 += (3 * (f3 + ((k1 * p2) >> 12) - ((p3 * (decay + ((k3 * p1) >> 11))) >> 13) + u3)) >> 3;
    e4 += (3 * (f4 + ((k1 * p3) >> 12) - ((p4 * (decay + ((k3 * p2) >> 11))) >> 13) + u4)) >> 3;
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
    s0 += e0;
    s1 += e1;
    s2 += e2;
    s3 += e3;
    s4 += e4;
  }
  store_i32(work + (at + NEURON_ELEMENT), e0);
  store_i32(work + (at + NEURON_ELEMENT + 4), e1);
  store_i32(work + (at + NEURON_ELEMENT + 8), e2);
  store_i32(work + (at + NEURON_ELEMENT + 12), e3);
  store_i32(work + (at + NEURON_ELEMENT + 16), e4);
  store_i32(work + (at + NEURON_SUM), s0);
  store_i32(work + (at + NEURON_SUM + 4), s1);
  store_i32(work + (at + NEURON_SUM + 8), s2);
  store_i32(work + (at + NEURON_SUM + 12), s3);
  store_i32(work + (at + NEURON_SUM + 16), s4);
}
#endif

#if WUXING_FEATURES & 4
/* Drives all rings by the values of the moment and their signals of the one before, all at once. */
static void step_rings(const uint8_t *plan, uint8_t *work) {
  const int32_t rings = flash_u16(plan + RESERVOIR_RINGS);
  const int32_t recurrent = flash_u16(plan + RESERVOIR_RECURRENT);
  const int32_t steps = flash_u16(plan + RESERVOIR_STEPS);
  const int32_t columns = flash_u16(plan + RESERVOIR_COLUMNS);
  const int32_t signals = flash_i32(plan + RESERVOIR_SIGNALS);
  const int32_t values = flash_i32(plan + RESERVOIR_VALUES);
  const int32_t last_value = values + columns + columns;
  const int32_t last_record = HEADER_LENGTH + rings * NEURON_LENGTH;
  int32_t link = flash_i32(plan + RESERVOIR_LINKS);
  /* Elements 0 and 2 of the same ring, eight bytes apart. */
  int32_t input = HEADER_LENGTH + NEURON_INPUT;
  for (int32_t s = 0; s < shift_left(rings, 1); s++) {
    int32_t at = load_i16(work + link);
    const int32_t end = at + recurrent + recurrent;
    link = link + 2;
    /* |values| ≤ 2^12, of at most 16 columns by less than 2^14: below 2^30. |D| ≤ 2^13, of at most 16 */
    /* signals by less than 2^13: below 2^30. Together below 2^31. */
    int32_t sum = 0;
    for (int32_t value = values; value < last_value; value += 2) {
      sum = sum + load_i16(work + value) * load_i16(work + link);
      link = link + 2;
    }
    while (at < end) {
      sum = sum + load_i16(work + at) * load_i16(work + link) + load_i16(work + (at + 2)) * load_i16(work + (link + 2));
      at = at + 4;
      link = link + 4;
    }
    sum = sum >> 12;
    if (sum < NET_MIN) {
      sum = NET_MIN;
    }
    if (sum > NET_MAX) {
      sum = NET_MAX;
    }
    store_i32(work + input, sum);
    input = (s & 1) == 0 ? input + 8 : input + NEURON_LENGTH - 8;
  }
  /* Of a sequence of points the part that this moment is in. */
  const int32_t done = load_i32(work + DONE);
  const int32_t parts = flash_u16(plan + RESERVOIR_PARTS);
  int32_t mean = flash_i32(plan + RESERVOIR_MEANS);
  if (parts > 1) {
    mean = mean + (shift_left((done * parts) / flash_u16(plan + PLAN_POINTS) * rings, 3));
  }
  int32_t signal = signals;
  for (int32_t record = HEADER_LENGTH; record < last_record; record += NEURON_LENGTH) {
    settle_ring_neuron(work, record, steps);
    const int32_t e1 = load_i32(work + (record + NEURON_ELEMENT + 4));
    const int32_t e3 = load_i32(work + (record + NEURON_ELEMENT + 12));
    store_i16(work + signal, e1 - FIXED_POINT);
    store_i16(work + (signal + 2), e3 - FIXED_POINT);
    /* Up to 65,535 moments of at most 3 · 2^12: below 2^30. */
    store_i32(work + mean, load_i32(work + mean) + e1);
    store_i32(work + (mean + 4), load_i32(work + (mean + 4)) + e3);
    signal = signal + 4;
    mean = mean + 8;
  }
  /* The circle's beginning stands once more behind its end. */
  memcpy(work + signal, work + signals, (size_t)(recurrent + recurrent));
  store_i32(work + DONE, done + 1);
}
#endif

#if WUXING_FEATURES & 4
/* Mean elements over the parts of a sequence that has ended, as bytes 1…255. */
static void end_sequence(const uint8_t *plan, const uint8_t *work, uint8_t *out, int32_t out_at) {
  const int32_t done = load_i32(work + DONE);
  const int32_t parts = flash_u16(plan + RESERVOIR_PARTS);
  const int32_t each = shift_left(flash_u16(plan + RESERVOIR_RINGS), 1);
  int32_t mean = flash_i32(plan + RESERVOIR_MEANS);
  int32_t to = out_at;
  int32_t first = 0;
  for (int32_t p = 1; p <= parts; p++) {
    /* Moments t with ⌊t · parts / done⌋ = p − 1. */
    const int32_t next = (p * done + parts - 1) / parts;
    const int32_t count = next - first;
    for (int32_t i = 0; i < each; i++) {
      const int32_t element = count > 0 ? (load_i32(work + mean) + (count >> 1)) / count : MIDDLE;
      const int32_t byte = 128 + ((element - MIDDLE) >> BYTE_SHIFT);
      store_u8(out + to, least_of(255, greatest_of(1, byte)));
      mean = mean + 4;
      to = to + 1;
    }
    first = next;
  }
}
#endif

#if WUXING_FEATURES & 4
/*
 * Sequences of points: features of samples from…from+count−1 as `features` has them.
 *
 * @param out gets a byte a part, ring and signal
 */
static void reservoir_features(const uint8_t *plan, uint8_t *work, const uint8_t *signal, int32_t from, int32_t count, uint8_t *out, int32_t out_at) {
  const int32_t moments = begin_sequence(plan, work, signal, from, count);
  for (int32_t t = 0; t < moments; t++) {
    take_moment(plan, work, signal, from + t);
    step_rings(plan, work);
  }
  end_sequence(plan, work, out, out_at);
}
#endif

/*
 * @param plan as `plan.ts` describes it, sound
 * @param work working memory; the host says how much a plan takes (`workBytes`)
 * @param signal i16, channels interleaved
 * @param from number of the window's first sample
 * @param count its samples, up to 65,535
 * @param out gets the features, a byte each, from `outAt` on
 * @returns how many there are; 0, and nothing is written, if the window is shorter than the plan's least
 */
static int32_t features(const uint8_t *plan, uint8_t *work, const uint8_t *signal, int32_t from, int32_t count, uint8_t *out, int32_t out_at) {
  if (count < flash_u16(plan + PLAN_LEAST)) {
    return 0;
  }
  int32_t first = from;
  int32_t left = count;
  if (flash_u16(plan + PLAN_TRIM) > 0) {
    const int32_t least = least_movement(plan, work, signal, from, count);
    const int32_t skip = quiet_start(plan, work, signal, from, count, least);
    left = count - skip - quiet_end(plan, work, signal, from, count, skip, least);
    first = from + skip;
  }
  const int32_t kind = flash_u16(plan + PLAN_KIND);
  if (kind == FEATURE_KIND_BANDS) {
    band_features(plan, work, signal, first, left, out, out_at);
  } else if (kind == FEATURE_KIND_RESERVOIR) {
    reservoir_features(plan, work, signal, first, left, out, out_at);
  } else {
    trace_features(plan, work, signal, first, left, out, out_at);
  }
  return flash_u16(plan + PLAN_WIDTH);
}

/* Forgets all samples. */
static void clear_stream(uint8_t *state) {
  store_i32(state + STREAM_FILL, 0);
  store_i32(state + STREAM_LEVEL, 0);
  store_i32(state + STREAM_MOVING, 0);
}

static void keep_last(uint8_t *state, uint8_t *signal, int32_t count) {
  const int32_t step = shift_left(load_i32(state + STREAM_CHANNELS), 1);
  const int32_t from = (load_i32(state + STREAM_FILL) - count) * step;
  if (from > 0) {
    for (int32_t at = 0; at < count * step; at += 2) {
      store_i16(signal + at, load_i16(signal + (from + at)));
    }
  }
  store_i32(state + STREAM_FILL, count);
}

/* Samples of memory that a stream needs. */
static int32_t stream_samples(const uint8_t *state) {
  const int32_t length = load_i32(state + STREAM_LENGTH);
  return length > 0 ? length : load_i32(state + STREAM_LONGEST) + LEAD;
}

/* Makes room for what follows a window or segment that was used. */
static void next_stream(uint8_t *state, uint8_t *signal) {
  const int32_t length = load_i32(state + STREAM_LENGTH);
  if (length > 0) {
    keep_last(state, signal, length - least_of(length, load_i32(state + STREAM_HOP)));
    return;
  }
  store_i32(state + STREAM_MOVING, 0);
  store_i32(state + STREAM_LEVEL, 0);
  keep_last(state, signal, LEAD);
}

/*
 * Goes on after a sample was put at `Fill` in memory.
 *
 * @returns how many samples, from the first in memory on, are a window or a segment now; 0: none. What is
 *   there is to be used before the next sample comes, after `nextStream`
 */
static int32_t follow_stream(uint8_t *state, uint8_t *signal) {
  const int32_t fill = load_i32(state + STREAM_FILL) + 1;
  store_i32(state + STREAM_FILL, fill);
  const int32_t length = load_i32(state + STREAM_LENGTH);
  if (length > 0) {
    return fill >= length ? length : 0;
  }
  const int32_t channels = load_i32(state + STREAM_CHANNELS);
  const int32_t step = shift_left(channels, 1);
  int32_t level = load_i32(state + STREAM_LEVEL);
  if (fill > LAG) {
    int32_t change = 0;
    const int32_t end = fill * step;
    for (int32_t at = end - step; at < end; at += 2) {
      const int32_t d = load_i16(signal + at) - load_i16(signal + (at - LAG * step));
      change = change + (d < 0 ? -d : d);
    }
    /* Up to 8 channels, each step below 2^16: below 2^23 with the 16. */
    level = level + (((shift_left(change, 4)) - level) >> 2);
    store_i32(state + STREAM_LEVEL, level);
  }
  const int32_t threshold = shift_left(load_i32(state + STREAM_THRESHOLD), 4);
  const int32_t moving = load_i32(state + STREAM_MOVING);
  if (moving == 0) {
    if (level >= threshold) {
      keep_last(state, signal, least_of(fill, LEAD));
      store_i32(state + STREAM_MOVING, 1);
    } else if (fill >= stream_samples(state)) {
      keep_last(state, signal, LEAD);
    }
    return 0;
  }
  const int32_t quiet = level < threshold >> 1 ? moving : 0;
  store_i32(state + STREAM_MOVING, quiet + 1);
  const int32_t longest = load_i32(state + STREAM_LONGEST);
  if (quiet < load_i32(state + STREAM_QUIET) && fill < longest) {
    return 0;
  }
  const int32_t found = fill - quiet;
  if (found >= load_i32(state + STREAM_SHORTEST)) {
    return found;
  }
  next_stream(state, signal);
  return 0;
}

uint16_t wuxing_features(const uint8_t *plan, void *work, const int16_t *signal, uint16_t count,
                         uint8_t *inputs) {
  return (uint16_t)features(plan, (uint8_t *)work, (const uint8_t *)signal, 0, count, inputs, 0);
}

void wuxing_stream_init(wuxing_stream *stream, const int32_t *cut, int16_t *signal) {
  COPY_FROM_FLASH(stream->words, cut, sizeof stream->words);
  stream->signal = signal;
  stream->found = 0;
  clear_stream((uint8_t *)stream->words);
}

uint16_t wuxing_stream_put(wuxing_stream *stream, const int16_t *sample) {
  uint8_t *state = (uint8_t *)stream->words;
  uint8_t *signal = (uint8_t *)stream->signal;
  if (stream->found > 0) next_stream(state, signal);
  const int32_t bytes = load_i32(state + STREAM_CHANNELS) * 2;
  memcpy(signal + load_i32(state + STREAM_FILL) * bytes, sample, (size_t)bytes);
  stream->found = (uint16_t)follow_stream(state, signal);
  return stream->found;
}
