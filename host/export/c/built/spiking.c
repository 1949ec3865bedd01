/* See spiking.h. Generated from src/spiking by `npm run library:c`. Do not edit. MIT licence. */
#include "spiking.h"

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

INLINE int32_t load_u16(const uint8_t *at) { return *(const aliased_u16 *)(const void *)at; }
INLINE void store_u16(uint8_t *at, int32_t v) { *(aliased_u16 *)(void *)at = (uint16_t)v; }

#define SPIKE_PLAN_STAGES INT32_C(8)
#define SPIKE_PLAN_STATE_BYTES INT32_C(24)
#define SPIKE_PLAN_LEARNT_BYTES INT32_C(28)
#define SPIKE_PLAN_STEPS INT32_C(2)
#define NO_STAGE INT32_C(65535)
#define STAGE_NEURONS INT32_C(0)
#define STAGE_STATE_CONSTANT INT32_C(40)
#define STAGE_BIAS INT32_C(16)
#define STAGE_FIRST_BRANCH INT32_C(4)
#define STAGE_BRANCHES INT32_C(6)
#define SPIKE_PLAN_INPUTS INT32_C(4)
#define BRANCH_SOURCE INT32_C(0)
#define BRANCH_WEIGHT INT32_C(12)
#define SPIKE_PLAN_LENGTH INT32_C(40)
#define STAGE_LENGTH INT32_C(56)
#define SPIKE_PLAN_BRANCHES INT32_C(32)
#define BRANCH_LENGTH INT32_C(20)
#define BRANCH_DENSE INT32_C(2)
#define BRANCH_START INT32_C(4)
#define BRANCH_PLACE INT32_C(8)
#define STAGE_STATE_SUM INT32_C(44)
#define STAGE_FLAGS INT32_C(2)
#define STAGE_FLAG_INPUTS INT32_C(4)
#define STAGE_STATE_FIRED INT32_C(52)
#define BRANCH_STATE_WEIGHT INT32_C(16)
#define STAGE_STATE_V INT32_C(32)
#define STAGE_STATE_COUNT INT32_C(48)
#define STAGE_THRESHOLD INT32_C(8)
#define STAGE_RESET INT32_C(12)
#define STAGE_FLAG_SYNAPTIC INT32_C(2)
#define STAGE_STATE_CURRENT INT32_C(36)
#define STAGE_FADE INT32_C(28)
#define STAGE_REST INT32_C(20)
#define STAGE_FLAG_LEAKY INT32_C(1)
#define STAGE_LEAK INT32_C(24)
#define MOST INT32_C(134217727)
#define SPIKE_PLAN_CLASSES INT32_C(6)
#define SPIKE_PLAN_STATE_SAMPLES INT32_C(36)
#define SPIKE_PLAN_MARGIN INT32_C(12)
#define SPIKE_PLAN_SEED INT32_C(16)
#define SPIKE_PLAN_LEARN_SHIFT INT32_C(10)
#define SPIKE_PLAN_WEIGHT_MAX INT32_C(14)

static int32_t stage_at(int32_t index);
static int32_t branch_at(const uint8_t *plan, int32_t index);
static void add_column(const uint8_t *plan, uint8_t *state, int32_t branch, int32_t source, const uint8_t *from, int32_t weights, int32_t sums, int32_t neurons, int32_t x);
static void take_input(const uint8_t *plan, uint8_t *state, int32_t index, const uint8_t *input, int32_t input_at);
static void gather_spikes(const uint8_t *plan, uint8_t *state, int32_t index, bool learnt);
static int32_t within(int32_t v);
static int32_t part_of(int32_t v, int32_t share);
static void move_neurons(const uint8_t *plan, uint8_t *state, int32_t index);
static int32_t spikes_of(const uint8_t *plan, const uint8_t *state, int32_t label);
static int32_t most_spikes(const uint8_t *plan, const uint8_t *state, int32_t but);
static int32_t classify_spikes(const uint8_t *plan, uint8_t *state, bool learns, const uint8_t *input, int32_t input_at);
static int32_t hash32(int32_t seed, int32_t index);
static int32_t link_to(const uint8_t *plan, int32_t branch, int32_t source, int32_t neuron, int32_t neurons);
static void teach_link(const uint8_t *plan, uint8_t *state, int32_t at, int32_t change);
static void teach_neuron(const uint8_t *plan, uint8_t *state, int32_t neuron, int32_t error, int32_t random);
static int32_t learn_spikes(const uint8_t *plan, uint8_t *state, const uint8_t *input, int32_t input_at, int32_t label);
static int32_t weights_of(const uint8_t *plan, int32_t stage, int32_t branch);
static void begin_spike_learning(const uint8_t *plan, uint8_t *state);

static int32_t stage_at(int32_t index) {
  return SPIKE_PLAN_LENGTH + index * STAGE_LENGTH;
}

static int32_t branch_at(const uint8_t *plan, int32_t index) {
  return flash_i32(plan + SPIKE_PLAN_BRANCHES) + index * BRANCH_LENGTH;
}

/* Adds a source's weights times x to the sums of the neurons they lead to. */
static void add_column(const uint8_t *plan, uint8_t *state, int32_t branch, int32_t source, const uint8_t *from, int32_t weights, int32_t sums, int32_t neurons, int32_t x) {
  if (flash_u16(plan + (branch + BRANCH_DENSE)) != 0) {
    int32_t w = weights + source * (neurons + neurons);
    for (int32_t n = 0; n < shift_left(neurons, 2); n += 4) {
      store_i32(state + (sums + n), load_i32(state + (sums + n)) + x * load_i16(from + w));
      w += 2;
    }
    return;
  }
  const int32_t start = flash_i32(plan + (branch + BRANCH_START)) + (shift_left(source, 2));
  const int32_t place = flash_i32(plan + (branch + BRANCH_PLACE));
  const int32_t end = flash_i32(plan + (start + 4));
  for (int32_t i = flash_i32(plan + start); i < end; i++) {
    const int32_t to = sums + (shift_left(flash_u16(plan + (place + i + i)), 2));
    const int32_t added = x * load_i16(from + (weights + i + i));
    store_i32(state + to, load_i32(state + to) + added);
  }
}

/* What the inputs give a stage at each step, with its bias. */
static void take_input(const uint8_t *plan, uint8_t *state, int32_t index, const uint8_t *input, int32_t input_at) {
  const int32_t stage = stage_at(index);
  const int32_t neurons = flash_u16(plan + (stage + STAGE_NEURONS));
  const int32_t sums = flash_i32(plan + (stage + STAGE_STATE_CONSTANT));
  const int32_t bias = flash_i32(plan + (stage + STAGE_BIAS));
  for (int32_t n = 0; n < shift_left(neurons, 2); n += 4) {
    store_i32(state + (sums + n), flash_i32(plan + (bias + n)));
  }
  const int32_t first = flash_u16(plan + (stage + STAGE_FIRST_BRANCH));
  const int32_t end = first + flash_u16(plan + (stage + STAGE_BRANCHES));
  const int32_t inputs = flash_u16(plan + SPIKE_PLAN_INPUTS);
  for (int32_t b = first; b < end; b++) {
    const int32_t branch = branch_at(plan, b);
    if (flash_u16(plan + (branch + BRANCH_SOURCE)) == NO_STAGE) {
      const int32_t weights = flash_i32(plan + (branch + BRANCH_WEIGHT));
      for (int32_t i = 0; i < inputs; i++) {
        const int32_t x = load_u8(input + (input_at + i));
        if (x > 0) {
          add_column(plan, state, branch, i, plan, weights, sums, neurons, x);
        }
      }
    }
  }
}

/* The sum of a step: what the inputs give, and the spikes of earlier stages. */
static void gather_spikes(const uint8_t *plan, uint8_t *state, int32_t index, bool learnt) {
  const int32_t stage = stage_at(index);
  const int32_t neurons = flash_u16(plan + (stage + STAGE_NEURONS));
  const int32_t sums = flash_i32(plan + (stage + STAGE_STATE_SUM));
  memcpy(state + sums, state + flash_i32(plan + (stage + STAGE_STATE_CONSTANT)), (size_t)(shift_left(neurons, 2)));
  const int32_t unit = (flash_u16(plan + (stage + STAGE_FLAGS)) & STAGE_FLAG_INPUTS) != 0 ? 255 : 1;
  const int32_t first = flash_u16(plan + (stage + STAGE_FIRST_BRANCH));
  const int32_t end = first + flash_u16(plan + (stage + STAGE_BRANCHES));
  for (int32_t b = first; b < end; b++) {
    const int32_t branch = branch_at(plan, b);
    const int32_t source = flash_u16(plan + (branch + BRANCH_SOURCE));
    if (source != NO_STAGE) {
      const int32_t fired = flash_i32(plan + (stage_at(source) + STAGE_STATE_FIRED));
      const int32_t sources = flash_u16(plan + (stage_at(source) + STAGE_NEURONS));
      const int32_t weights = flash_i32(plan + (branch + (learnt ? BRANCH_STATE_WEIGHT : BRANCH_WEIGHT)));
      for (int32_t i = 0; i < sources; i++) {
        if (load_u8(state + (fired + i)) != 0) {
          if (learnt) {
            add_column(plan, state, branch, i, state, weights, sums, neurons, unit);
          } else {
            add_column(plan, state, branch, i, plan, weights, sums, neurons, unit);
          }
        }
      }
    }
  }
}

static int32_t within(int32_t v) {
  return least_of(MOST, greatest_of(-MOST, v));
}

/* The part `share` (Q16) of v, rounded down; |v| ≤ MOST. */
static int32_t part_of(int32_t v, int32_t share) {
  return (((v >> 12) * share) >> 4) + (((v & 4095) * share) >> 16);
}

/* One step of a stage's neurons. */
static void move_neurons(const uint8_t *plan, uint8_t *state, int32_t index) {
  const int32_t stage = stage_at(index);
  const int32_t neurons = flash_u16(plan + (stage + STAGE_NEURONS));
  const int32_t flags = flash_u16(plan + (stage + STAGE_FLAGS));
  const int32_t sums = flash_i32(plan + (stage + STAGE_STATE_SUM));
  const int32_t states = flash_i32(plan + (stage + STAGE_STATE_V));
  const int32_t counts = flash_i32(plan + (stage + STAGE_STATE_COUNT));
  const int32_t fired = flash_i32(plan + (stage + STAGE_STATE_FIRED));
  const int32_t thresholds = flash_i32(plan + (stage + STAGE_THRESHOLD));
  const int32_t resets = flash_i32(plan + (stage + STAGE_RESET));
  for (int32_t n = 0; n < neurons; n++) {
    const int32_t at = shift_left(n, 2);
    int32_t x = load_i32(state + (sums + at));
    if ((flags & STAGE_FLAG_SYNAPTIC) != 0) {
      const int32_t current = flash_i32(plan + (stage + STAGE_STATE_CURRENT)) + at;
      const int32_t before = load_i32(state + current);
      const int32_t fade = flash_u16(plan + (flash_i32(plan + (stage + STAGE_FADE)) + n + n));
      x = within(before - part_of(before, fade) + x);
      store_i32(state + current, x);
      x += flash_i32(plan + (flash_i32(plan + (stage + STAGE_REST)) + at));
    }
    int32_t v = load_i32(state + (states + at));
    if ((flags & STAGE_FLAG_LEAKY) != 0) {
      v -= part_of(v, flash_u16(plan + (flash_i32(plan + (stage + STAGE_LEAK)) + n + n)));
    }
    v = within(v + x);
    int32_t spike = 0;
    if (v > flash_i32(plan + (thresholds + at))) {
      v = flash_i32(plan + (resets + at));
      spike = 1;
      store_u16(state + (counts + n + n), load_u16(state + (counts + n + n)) + 1);
    }
    store_i32(state + (states + at), v);
    store_u8(state + (fired + n), spike);
  }
}

/* Spikes of a class in the last sample. */
static int32_t spikes_of(const uint8_t *plan, const uint8_t *state, int32_t label) {
  const int32_t last = stage_at(flash_u16(plan + SPIKE_PLAN_STAGES) - 1);
  return load_u16(state + (flash_i32(plan + (last + STAGE_STATE_COUNT)) + label + label));
}

/* The class with the most spikes, but for one. */
static int32_t most_spikes(const uint8_t *plan, const uint8_t *state, int32_t but) {
  const int32_t classes = flash_u16(plan + SPIKE_PLAN_CLASSES);
  int32_t best = but == 0 ? 1 : 0;
  for (int32_t i = best + 1; i < classes; i++) {
    if (i != but && spikes_of(plan, state, i) > spikes_of(plan, state, best)) {
      best = i;
    }
  }
  return best;
}

/*
 * Runs the graph on a sample.
 *
 * @param plan as spike-plan.ts describes it, sound
 * @param state `SpikePlan.StateBytes` of it; without the weights that learn at its end if they do not
 * @param learns are the last stage's weights those in `state`?
 * @param input a byte an input, from `inputAt` on: constant currents of 0…1 at each step
 * @returns the class with the most spikes; of equals the first
 */
static int32_t classify_spikes(const uint8_t *plan, uint8_t *state, bool learns, const uint8_t *input, int32_t input_at) {
  const int32_t stages = flash_u16(plan + SPIKE_PLAN_STAGES);
  memset(state + 0, 0, (size_t)(flash_i32(plan + SPIKE_PLAN_STATE_BYTES) - flash_i32(plan + SPIKE_PLAN_LEARNT_BYTES)));
  for (int32_t s = 0; s < stages; s++) {
    take_input(plan, state, s, input, input_at);
  }
  const int32_t steps = flash_u16(plan + SPIKE_PLAN_STEPS);
  for (int32_t step = 0; step < steps; step++) {
    for (int32_t s = 0; s < stages; s++) {
      gather_spikes(plan, state, s, learns && s + 1 == stages);
      move_neurons(plan, state, s);
    }
  }
  return most_spikes(plan, state, NO_STAGE);
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

/* The number of the link from a source to a neuron among its branch's; −1: there is none. */
static int32_t link_to(const uint8_t *plan, int32_t branch, int32_t source, int32_t neuron, int32_t neurons) {
  if (flash_u16(plan + (branch + BRANCH_DENSE)) != 0) {
    return source * neurons + neuron;
  }
  const int32_t start = flash_i32(plan + (branch + BRANCH_START)) + (shift_left(source, 2));
  const int32_t place = flash_i32(plan + (branch + BRANCH_PLACE));
  const int32_t end = flash_i32(plan + (start + 4));
  for (int32_t i = flash_i32(plan + start); i < end; i++) {
    if (flash_u16(plan + (place + i + i)) == neuron) {
      return i;
    }
  }
  return -1;
}

static void teach_link(const uint8_t *plan, uint8_t *state, int32_t at, int32_t change) {
  const int32_t most = flash_u16(plan + SPIKE_PLAN_WEIGHT_MAX);
  const int32_t weight = load_i16(state + at) + change;
  store_i16(state + at, least_of(most, greatest_of(-most, weight)));
}

/* Changes all links to a neuron of the last stage. */
static void teach_neuron(const uint8_t *plan, uint8_t *state, int32_t neuron, int32_t error, int32_t random) {
  const int32_t last = stage_at(flash_u16(plan + SPIKE_PLAN_STAGES) - 1);
  const int32_t neurons = flash_u16(plan + (last + STAGE_NEURONS));
  const int32_t shift = flash_u16(plan + SPIKE_PLAN_LEARN_SHIFT);
  const int32_t mask = (shift_left(1, shift)) - 1;
  /* A change of the threshold's size is one spike more for each spike. */
  const int32_t threshold = flash_i32(plan + (flash_i32(plan + (last + STAGE_THRESHOLD)) + (shift_left(neuron, 2))));
  const int32_t rate = error * least_of(4095, greatest_of(1, threshold >> 3));
  const int32_t first = flash_u16(plan + (last + STAGE_FIRST_BRANCH));
  const int32_t end = first + flash_u16(plan + (last + STAGE_BRANCHES));
  for (int32_t b = first; b < end; b++) {
    const int32_t branch = branch_at(plan, b);
    const int32_t source = stage_at(flash_u16(plan + (branch + BRANCH_SOURCE)));
    const int32_t sources = flash_u16(plan + (source + STAGE_NEURONS));
    const int32_t counts = flash_i32(plan + (source + STAGE_STATE_COUNT));
    const int32_t weights = flash_i32(plan + (branch + BRANCH_STATE_WEIGHT));
    for (int32_t i = 0; i < sources; i++) {
      const int32_t spikes = load_u16(state + (counts + i + i));
      if (spikes > 0) {
        const int32_t link = link_to(plan, branch, i, neuron, neurons);
        if (link >= 0) {
          /* |rate| ≤ 30 · 4095, spikes ≤ 1024: below 2^27. */
          const int32_t noise = hash32(random ^ b, link) & mask;
          const int32_t change = (rate * spikes + noise) >> shift;
          teach_link(plan, state, weights + link + link, change);
        }
      }
    }
  }
}

/*
 * Runs the graph on a sample and teaches the links of its last stage: where the label's spikes do not lead
 * its best rival's by the margin, the label's links grow by what passed through them, times what is
 * missing, and the rival's shrink. Local: spikes forward, an error back, and each link by its own.
 *
 * @param state with the weights that learn (beginSpikeLearning)
 * @param label 0…classes − 1
 * @returns the class named before it learnt
 */
static int32_t learn_spikes(const uint8_t *plan, uint8_t *state, const uint8_t *input, int32_t input_at, int32_t label) {
  const int32_t samples = flash_i32(plan + SPIKE_PLAN_STATE_SAMPLES);
  const int32_t sample = load_i32(state + samples);
  store_i32(state + samples, sample + 1);
  const int32_t named = classify_spikes(plan, state, true, input, input_at);
  const int32_t margin = flash_u16(plan + SPIKE_PLAN_MARGIN);
  const int32_t rival = most_spikes(plan, state, label);
  const int32_t lead = spikes_of(plan, state, label) - spikes_of(plan, state, rival);
  const int32_t error = least_of(margin + margin, margin - lead);
  if (error <= 0) {
    return named;
  }
  /* Rounding is random by the sample's number. */
  const int32_t random = hash32(flash_i32(plan + SPIKE_PLAN_SEED), sample);
  teach_neuron(plan, state, label, error, random);
  teach_neuron(plan, state, rival, -error, random);
  return named;
}

/* How many weights a branch to `stage` has. */
static int32_t weights_of(const uint8_t *plan, int32_t stage, int32_t branch) {
  const int32_t sources = flash_u16(plan + (stage_at(flash_u16(plan + (branch + BRANCH_SOURCE))) + STAGE_NEURONS));
  if (flash_u16(plan + (branch + BRANCH_DENSE)) != 0) {
    return sources * flash_u16(plan + (stage + STAGE_NEURONS));
  }
  return flash_i32(plan + (flash_i32(plan + (branch + BRANCH_START)) + (shift_left(sources, 2))));
}

/* Copies the last stage's weights to where they can learn. A plan with `LearntBytes` of 0 has no such place. */
static void begin_spike_learning(const uint8_t *plan, uint8_t *state) {
  store_i32(state + (flash_i32(plan + SPIKE_PLAN_STATE_SAMPLES)), 0);
  const int32_t last = stage_at(flash_u16(plan + SPIKE_PLAN_STAGES) - 1);
  const int32_t first = flash_u16(plan + (last + STAGE_FIRST_BRANCH));
  const int32_t end = first + flash_u16(plan + (last + STAGE_BRANCHES));
  for (int32_t b = first; b < end; b++) {
    const int32_t branch = branch_at(plan, b);
    const int32_t bytes = shift_left(weights_of(plan, last, branch), 1);
    const int32_t from = flash_i32(plan + (branch + BRANCH_WEIGHT));
    memcpy(state + (flash_i32(plan + (branch + BRANCH_STATE_WEIGHT))), plan + from, (size_t)(bytes));
  }
}


static const uint8_t *plan_of(const spiking_model *model) {
  return (const uint8_t *)model->plan;
}

static size_t learnt_bytes(const spiking_model *model) {
  return (size_t)load_i32(plan_of(model) + SPIKE_PLAN_LEARNT_BYTES);
}

size_t spiking_size(const spiking_model *model, bool learns) {
  return learns ? model->learn_bytes : model->predict_bytes;
}

int spiking_init(spiking *net, const spiking_model *model, void *memory, size_t bytes) {
  net->model = NULL;
  net->learns = false;
  if (model->format != SPIKING_FORMAT || load_u16(plan_of(model)) != SPIKING_FORMAT)
    return SPIKING_ERROR_MODEL;
  if (((uintptr_t)memory & 3u) != 0 || bytes < model->predict_bytes) return SPIKING_ERROR_MEMORY;
  net->model = model;
  net->memory = (uint8_t *)memory;
  net->learns = model->learn_bytes > 0 && bytes >= model->learn_bytes;
  memset(memory, 0, net->learns ? model->learn_bytes : model->predict_bytes);
  if (net->learns) begin_spike_learning(plan_of(model), net->memory);
  return SPIKING_OK;
}

int spiking_predict(spiking *net, const uint8_t *inputs) {
  return (int)classify_spikes(plan_of(net->model), net->memory, net->learns, inputs, 0);
}

int spiking_learn(spiking *net, const uint8_t *inputs, int label) {
  if (!net->learns) return SPIKING_ERROR_FIXED;
  if (label < 0 || label >= net->model->classes) return SPIKING_ERROR_LABEL;
  return (int)learn_spikes(plan_of(net->model), net->memory, inputs, 0, label);
}

int spiking_output(spiking *net, int class_number) {
  if (class_number < 0 || class_number >= net->model->classes) return 0;
  return (int)spikes_of(plan_of(net->model), net->memory, class_number);
}

void *spiking_state(spiking *net, size_t *bytes) {
  *bytes = net->learns ? learnt_bytes(net->model) : 0;
  return net->learns ? net->memory + net->model->learn_bytes - *bytes : NULL;
}
