/* Samples on their way through the shard (see samples.c). */
#ifndef WUXING_SAMPLES_H
#define WUXING_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

/* Learning steps applied since the shard was loaded. */
extern int32_t updates;
/* For how long this board has computed what, as it is told (TimesField), and bytes of it to tell. */
extern uint8_t times[];
int32_t times_length(void);
/* A message is taken up: what was before it counts for nothing. */
void start_clock(void);

/* Is there room behind the loaded shard, which must be sound, for the reports it gathers? */
bool has_room(void);
/* Starts afresh with a newly loaded shard, which must be sound and fit. */
void reset_samples(void);

void take_image(const uint8_t *p, int32_t length);
void take_signals(const uint8_t *p, int32_t length);
void take_back(const uint8_t *p, int32_t length);

#endif
