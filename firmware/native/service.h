/*
 * The Jacdac service `wuxing` (firmware/services/wuxing.md) over the core: the same commands, answers
 * and errors as the DeviceScript program in firmware/, whatever bytes come.
 */
#ifndef WUXING_SERVICE_H
#define WUXING_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

void service_start(void);
void service_command(int32_t command, const uint8_t *payload, int32_t length);

/* Answers a control command with its tag and a status. */
void answer(int32_t command, uint32_t tag, int32_t status);
/* Refuses a data message for its form: which one, and why. */
void fault(int32_t status, int32_t command, int32_t number);
/* Refuses a data message for a value in it: which one, why, and what was compared with what. */
void mismatch(int32_t status, int32_t command, int32_t number, int32_t compared, int32_t got,
              int32_t expected);

#endif
