/* Names the stored samples on an ESP32, and learns each if the network can. */
#include <stdio.h>

#include "@name@.h"
#include "samples.h"

static uint32_t memory[@NAME@_LEARN_WORDS];
static wuxing net;

void app_main(void) {
  const int fault = wuxing_init(&net, &@name@_model, memory, sizeof memory);
  if (fault != WUXING_OK) {
    printf("the network cannot run: error %d\n", fault);
    return;
  }
  for (int i = 0; i < SAMPLES; i++) {
    int named = wuxing_learn(&net, samples[i].inputs, samples[i].label);
    /* A network that cannot learn. */
    if (named < 0) named = wuxing_predict(&net, samples[i].inputs);
    printf("sample %d: %s\n", i, @name@_labels[named]);
  }
}
