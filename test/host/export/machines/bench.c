/*
 * Runs the exported library on a network and samples that are compiled in: what it named of each, and a
 * hash of what it learnt, are in memory afterwards; programs for machines that can print do so.
 *
 * Made by bench.ts beside it: samples.h has SAMPLES, INPUTS, and for each sample inputs and a label (-1:
 * it is named only).
 */
#include "model.h"
#include "samples.h"

#ifdef PREDICT_ONLY
#define WORDS MODEL_PREDICT_WORDS
#else
#define WORDS MODEL_LEARN_WORDS
#endif

static uint32_t memory[WORDS];
static wuxing net;
/* Kept for whoever looks from outside. */
int32_t named[SAMPLES];
uint32_t learnt_hash;
extern const int sample_count;
const int sample_count = SAMPLES;

void begin_sample(void);
void end_sample(void);
void finish(void);

#ifndef PREDICT_ONLY
static void hash_state(void) {
  size_t bytes = 0;
  const uint8_t *state = (const uint8_t *)wuxing_state(&net, &bytes);
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < bytes; i++) hash = (hash ^ state[i]) * 16777619u;
  learnt_hash = hash;
}
#endif

int run_samples(void) {
  /* As a program's memory may be that held something else before. */
  for (size_t i = 0; i < WORDS; i++) memory[i] = 0xa5a5a5a5u;
  const int fault = wuxing_init(&net, &model_model, memory, sizeof memory);
  if (fault != WUXING_OK) return fault;
  for (int i = 0; i < SAMPLES; i++) {
    begin_sample();
#ifdef PREDICT_ONLY
    named[i] = wuxing_predict(&net, samples[i].inputs);
#else
    named[i] = samples[i].label < 0 ? wuxing_predict(&net, samples[i].inputs)
                                    : wuxing_learn(&net, samples[i].inputs, samples[i].label);
#endif
    end_sample();
  }
#ifndef PREDICT_ONLY
  hash_state();
#endif
  return WUXING_OK;
}
