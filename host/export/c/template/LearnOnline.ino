// Goes on learning from a stream of samples whose class is known (a button, say, tells it). As it is,
// the stored samples (samples.h) are the stream: `learn` is what your program calls.
#include <@name@.h>

#include "samples.h"

// The coefficients are here too, since they change.
static uint32_t memory[@NAME@_LEARN_WORDS];
static wuxing net;
static uint8_t inputs[@NAME@_INPUTS];

// What it named before it learnt.
static int learn(int label) { return wuxing_learn(&net, inputs, label); }

void setup() {
  Serial.begin(115200);
  const int fault = wuxing_init(&net, &@name@_model, memory, sizeof memory);
  if (fault != WUXING_OK) {
    Serial.print(F("the network cannot run: error "));
    Serial.println(fault);
    for (;;) {}
  }
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < SAMPLES; i++) {
      int label;
#ifdef __AVR__
      memcpy_P(inputs, samples[i].inputs, sizeof inputs);
      label = (int)pgm_read_word(&samples[i].label);
#else
      memcpy(inputs, samples[i].inputs, sizeof inputs);
      label = samples[i].label;
#endif
      const int named = learn(label);
      Serial.print(F("sample "));
      Serial.print(i);
      Serial.print(F(" is "));
      Serial.print(@name@_labels[label]);
      Serial.print(F(", named "));
      Serial.println(@name@_labels[named]);
    }
  // What it has learnt, as one number, to compare with another machine's.
  size_t bytes = 0;
  const uint8_t *state = (const uint8_t *)wuxing_state(&net, &bytes);
  uint32_t hash = 2166136261UL;
  for (size_t i = 0; i < bytes; i++) hash = (hash ^ state[i]) * 16777619UL;
  Serial.print(F("learnt "));
  Serial.println(hash, HEX);
}

void loop() {}
