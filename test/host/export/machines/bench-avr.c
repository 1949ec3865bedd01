/* The bench on an Uno: samples lie in flash, one at a time is copied to RAM. */
#include <avr/io.h>
#include <avr/pgmspace.h>

#include "model.h"
#include "avr-samples.h"

#ifdef PREDICT_ONLY
static uint32_t memory[MODEL_PREDICT_WORDS];
#else
static uint32_t memory[MODEL_LEARN_WORDS];
#endif
static wuxing net;
static uint8_t inputs[MODEL_INPUTS];

__attribute__((noinline)) void begin_sample(void) { __asm__ volatile(""); }
__attribute__((noinline)) void end_sample(void) { __asm__ volatile(""); }

int main(void) {
  const int fault = wuxing_init(&net, &model_model, memory, sizeof memory);
  for (int i = 0; i < SAMPLES && fault == 0; i++) {
    memcpy_P(inputs, samples[i].inputs, sizeof inputs);
    begin_sample();
#ifdef PREDICT_ONLY
    wuxing_predict(&net, inputs);
#else
    const int16_t label = (int16_t)pgm_read_word(&samples[i].label);
    if (label < 0) wuxing_predict(&net, inputs);
    else wuxing_learn(&net, inputs, label);
#endif
    end_sample();
  }
  UCSR0B = 1 << TXEN0;
  while (!(UCSR0A & (1 << UDRE0))) {}
  UDR0 = '\n';
  for (;;) {}
}
