/*
 * The board as Jacdac devices on a serial line: the JD-USB stream, frames, announcements, the control
 * service. Two devices, as on a DeviceScript board: the board's own and, under an id that follows from
 * it, the one that serves the network.
 */
#ifndef WUXING_JACDAC_H
#define WUXING_JACDAC_H

#include <stdint.h>

void jacdac_start(void);
/* Takes the bytes that have come, carries out the commands in them, announces when it is time. */
void jacdac_poll(void);
/* A report of the wuxing service. */
void jacdac_report(int32_t command, const uint8_t *payload, uint32_t length);
/* A line of log text. */
void jacdac_log(const char *text);

#endif
