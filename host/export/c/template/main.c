/* Names the stored samples (samples.h), then learns them once if the network can; no line is wrong where all end with "ok". */
#include <inttypes.h>
#include <stdio.h>

#include "@name@.h"
#include "samples.h"

static uint32_t memory[@NAME@_LEARN_WORDS];
static wuxing net;

#ifdef @NAME@_CHANNELS
static uint32_t work[@NAME@_WORK_WORDS];

/* Whether a stored window has the features that the host computed. */
static int same_features(int i) {
  uint8_t inputs[@NAME@_INPUTS];
  if (wuxing_features(@name@_plan, work, samples[i].signal, samples[i].count, inputs) != sizeof inputs) return 0;
  for (size_t k = 0; k < sizeof inputs; k++)
    if (inputs[k] != samples[i].inputs[k]) return 0;
  return 1;
}
#else
#define same_features(i) 1
#endif

int main(void) {
  const int fault = wuxing_init(&net, &@name@_model, memory, sizeof memory);
  if (fault != WUXING_OK) {
    printf("the network cannot run: error %d\n", fault);
    return 1;
  }
  int wrong = 0;
  for (int i = 0; i < SAMPLES; i++) {
    const int named = wuxing_predict(&net, samples[i].inputs);
    const int same = named == samples[i].host && same_features(i);
    printf("sample %d: %s, output %d (of %d) %s\n", i, @name@_labels[named],
           wuxing_output(&net, named), 1 << @NAME@_SIGNAL_BITS, same ? "ok" : "not as the host");
    if (!same) wrong++;
  }
  for (int i = 0; i < SAMPLES; i++) wuxing_learn(&net, samples[i].inputs, samples[i].label);
  size_t bytes = 0;
  const uint8_t *state = (const uint8_t *)wuxing_state(&net, &bytes);
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < bytes; i++) hash = (hash ^ state[i]) * 16777619u;
  if (bytes > 0)
    printf("learnt %d samples: state %08" PRIx32 " %s\n", SAMPLES, hash, hash == LEARNT_HASH ? "ok" : "not as the host");
  return wrong > 0 || hash != LEARNT_HASH;
}
