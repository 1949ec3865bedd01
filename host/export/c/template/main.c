/* Names the stored samples (samples.h), then learns them once; no line is wrong where all end with "ok". */
#include <inttypes.h>
#include <stdio.h>

#include "@name@.h"
#include "samples.h"

static uint32_t memory[@NAME@_LEARN_WORDS];
static wuxing net;

int main(void) {
  const int fault = wuxing_init(&net, &@name@_model, memory, sizeof memory);
  if (fault != WUXING_OK) {
    printf("the network cannot run: error %d\n", fault);
    return 1;
  }
  int wrong = 0;
  for (int i = 0; i < SAMPLES; i++) {
    const int named = wuxing_predict(&net, samples[i].inputs);
    printf("sample %d: %s, output %d (of %d) %s\n", i, @name@_labels[named],
           wuxing_output(&net, named), 1 << @NAME@_SIGNAL_BITS, named == samples[i].host ? "ok" : "not as the host");
    if (named != samples[i].host) wrong++;
  }
  for (int i = 0; i < SAMPLES; i++) wuxing_learn(&net, samples[i].inputs, samples[i].label);
  size_t bytes = 0;
  const uint8_t *state = (const uint8_t *)wuxing_state(&net, &bytes);
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < bytes; i++) hash = (hash ^ state[i]) * 16777619u;
  printf("learnt %d samples: state %08" PRIx32 " %s\n", SAMPLES, hash, hash == LEARNT_HASH ? "ok" : "not as the host");
  return wrong > 0 || hash != LEARNT_HASH;
}
