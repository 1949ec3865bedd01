/* UART0 on GPIO 0 (TX) and 1 (RX), 1,500,000 baud, 8 bits, no parity. */
#ifndef WUXING_UART_H
#define WUXING_UART_H

#include <stdbool.h>
#include <stdint.h>

void uart_start(void);
bool uart_has_bytes(void);
uint32_t uart_read(uint8_t *bytes, uint32_t most);
/* @returns how many went out: as many as the transmitter had room for */
uint32_t uart_write(const uint8_t *bytes, uint32_t count);
/* Bytes lost because the ring was full. */
uint32_t uart_lost(void);

#endif
