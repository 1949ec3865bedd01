/* Samples on their way through the shard (see samples.c). */
#ifndef WUXING_SAMPLES_H
#define WUXING_SAMPLES_H

#include <stdint.h>

/* Carries out a message of samples: command image, signals or back. */
void samples(int32_t command, const uint8_t *p, int32_t length);
/*
 * For how long this board has computed what, since the program started, as it is told (TimesField).
 * Returns its bytes.
 */
int32_t tell_times(uint8_t *at);

#endif
