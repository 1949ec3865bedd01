#include "uart.h"

#include "line.h"
#include "registers.h"

/* 125 MHz / (16 · 1.5 MHz) = 5.2083: 4.2.7.1. */
enum { IBRD = 5, FBRD = 13 };

static ring incoming;
static uint32_t lost;

void uart_start(void) {
  IO_BANK0_GPIO0_CTRL = GPIO_CTRL_FUNCSEL_UART;
  IO_BANK0_GPIO1_CTRL = GPIO_CTRL_FUNCSEL_UART;
  UART0_IBRD = IBRD;
  UART0_FBRD = FBRD;
  UART0_LCR_H = UART_LCR_H_WLEN_8 | UART_LCR_H_FEN;
  UART0_CR = UART_CR_UARTEN | UART_CR_TXE | UART_CR_RXE;
  UART0_IMSC = UART_INT_RX | UART_INT_RT;
  M0PLUS_NVIC_ISER = 1u << IRQ_UART0;
}

void uart_interrupt(void) {
  while ((UART0_FR & UART_FR_RXFE) == 0) {
    uint8_t byte = (uint8_t)UART0_DR;
    if (ring_room(&incoming) > 0) ring_put(&incoming, &byte, 1);
    else lost++;
  }
}

bool uart_has_bytes(void) { return ring_count(&incoming) > 0; }

uint32_t uart_read(uint8_t *bytes, uint32_t most) { return ring_take(&incoming, bytes, most); }

uint32_t uart_write(const uint8_t *bytes, uint32_t count) {
  uint32_t sent = 0;
  while (sent < count && (UART0_FR & UART_FR_TXFF) == 0) UART0_DR = bytes[sent++];
  return sent;
}

uint32_t uart_lost(void) { return lost; }
