/*
 * Samples on their way through the shard (src/service/samples.ts): pauses, reports and times of these
 * boards. As firmware/samples.ts and firmware/times.ts have them for the others.
 */
#include "samples.h"

#include <stdbool.h>

#include "board.h"
#include "bytes.h"
#include "jacdac.h"
#include "memory.h"
#include "service.h"
#include "wuxing-core.h"

enum { TICK_MICROS = 1 };

static uint8_t times[TimesField_OfLayers + MOST_TIMED * LayerTimes_Length];
static uint32_t since;

int32_t tell_times(uint8_t *at) {
  int32_t timed = least_of(layers, MOST_TIMED);
  put16(times + TimesField_Tick, TICK_MICROS);
  times[TimesField_Layers] = (uint8_t)timed;
  put32(times + TimesField_Samples, (uint32_t)samplesTaken);
  put32(times + TimesField_Learnt, (uint32_t)samplesLearnt);
  int32_t bytes = TimesField_OfLayers + timed * LayerTimes_Length;
  memcpy(at, times, (uint32_t)bytes);
  return bytes;
}

/* What went on until now was this: a place in TimesField. */
static void lap(void) {
  uint32_t now = board_micros();
  uint32_t at = (uint32_t)lapAt;
  if (at < sizeof times) put32(times + at, get32(times + at) + now - since);
  since = now;
}

static void send(void) {
  uint8_t payload[MAX_PAYLOAD];
  writeReport(arena, payload);
  jacdac_report(reportCommand, payload, (uint32_t)reportBytes);
}

void samples(int32_t command, const uint8_t *message, int32_t length) {
  /* The core's memories are not const, but of a message it only reads. */
  uint8_t *p = (uint8_t *)(uintptr_t)message;
  since = board_micros();
  int32_t turn = command == Command_Image     ? takeImage(arena, p, length)
                 : command == Command_Signals ? takeSignals(arena, p, length)
                 : command == Command_Sums    ? takeSums(arena, p, length)
                                              : takeBack(arena, p, length);
  for (; turn != Turn_Done; turn = step(arena, p)) {
    if (turn == Turn_Refuse)
      return mismatch(refusedStatus, command, refusedNumber, refusedCompared, refusedGot, refusedExpected);
    /* Reports need no rest to be on their way. */
    if (turn >= Turn_Send) send();
    else board_poll();
    if (lapAt >= 0) lap();
    if (turn == Turn_SendLast) return;
  }
}
