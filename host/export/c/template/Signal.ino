// Names what a sensor shows: its samples are cut into windows, a window becomes features, and these a
// class. First the stored recordings (samples.h) are named; then `loop` names what readSensor gives.
#include <@name@.h>

#include "samples.h"

static uint32_t memory[@NAME@_PREDICT_WORDS];
static uint32_t work[@NAME@_WORK_WORDS];
static wuxing net;
static uint8_t inputs[@NAME@_INPUTS];
static int16_t window[WINDOW_SAMPLES * @NAME@_CHANNELS];
#ifdef @NAME@_STREAM_SAMPLES
static wuxing_stream stream;
#endif

// Yours: the sensor's next reading, a number a channel, each times @NAME@_UNIT, every @NAME@_INTERVAL_US
// microseconds. False where there is none yet.
static bool readSensor(int16_t *sample) {
  (void)sample;
  return false;
}

// The class of the window's first samples; unknown where the best does not lead enough.
static void name(uint16_t count) {
  if (wuxing_features(@name@_plan, work, window, count, inputs) == 0) {
    Serial.println(F("too short"));
    return;
  }
  const int named = wuxing_predict(&net, inputs);
  Serial.println(wuxing_lead(&net) < @NAME@_UNKNOWN ? "unknown" : @name@_labels[named]);
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
#ifdef __AVR__
    const uint16_t count = pgm_read_word(&samples[i].count);
    memcpy_P(window, (const void *)pgm_read_word(&samples[i].signal), count * @NAME@_CHANNELS * 2u);
#else
    const uint16_t count = samples[i].count;
    memcpy(window, samples[i].signal, count * @NAME@_CHANNELS * 2u);
#endif
    Serial.print(F("recording "));
    Serial.print(i);
    Serial.print(F(": "));
    name(count);
  }
  Serial.println(F("done"));
#ifdef @NAME@_STREAM_SAMPLES
  wuxing_stream_init(&stream, @name@_stream, window);
#endif
}

void loop() {
#ifdef @NAME@_STREAM_SAMPLES
  int16_t sample[@NAME@_CHANNELS];
  if (!readSensor(sample)) return;
  const uint16_t count = wuxing_stream_put(&stream, sample);
  if (count > 0) name(count);
#endif
}
