// Names what a sensor sees. As it is, the stored samples (samples.h) take the sensor's place: put
// @inputs@ bytes of your own into `inputs`, scaled as those the network was taught with.
#include <@name@.h>

#include "samples.h"

static uint32_t memory[@NAME@_PREDICT_WORDS];
static wuxing net;
static uint8_t inputs[@NAME@_INPUTS];

static void readInputs(int sample) {
#ifdef __AVR__
  memcpy_P(inputs, samples[sample].inputs, sizeof inputs);
#else
  memcpy(inputs, samples[sample].inputs, sizeof inputs);
#endif
}

void setup() {
  Serial.begin(115200);
  const int fault = wuxing_init(&net, &@name@_model, memory, sizeof memory);
  if (fault != WUXING_OK) {
    Serial.print(F("the network cannot run: error "));
    Serial.println(fault);
    for (;;) {}
  }
  for (int i = 0; i < SAMPLES; i++) {
    readInputs(i);
    const int named = wuxing_predict(&net, inputs);
    Serial.print(F("sample "));
    Serial.print(i);
    Serial.print(F(": "));
    Serial.print(@name@_labels[named]);
    Serial.print(F(", output "));
    Serial.println(wuxing_output(&net, named));
  }
  Serial.println(F("done"));
}

void loop() {}
