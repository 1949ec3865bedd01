/* USB device: a serial port (see usb.c). */
#ifndef WUXING_USB_H
#define WUXING_USB_H

#include <stdbool.h>
#include <stdint.h>

/* @param serial the board's serial number, 16 characters */
void usb_start(const char *serial);
/* Has a program on the host opened the port (DTR)? */
bool usb_is_open(void);
bool usb_has_bytes(void);
uint32_t usb_read(uint8_t *bytes, uint32_t most);
/* @returns how many were taken */
uint32_t usb_write(const uint8_t *bytes, uint32_t count);

#endif
