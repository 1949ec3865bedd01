/* From the vector table to main: memory, clocks (RP2040 datasheet 2.15 to 2.18), watchdog. */
#include <stdbool.h>
#include <stdint.h>

#include "../board.h"
#include "registers.h"
#include "string.h"

extern uint32_t stack_top[], data_load[], data_start[], data_end[], bss_start[], bss_end[];

int main(void);
void timer_interrupt(void);
void usb_interrupt(void);
void uart_interrupt(void);
void reset_handler(void);
static void fault_handler(void);

/* Armv6-M: initial stack, 15 exceptions, 26 interrupts. */
__attribute__((section(".vectors"), used)) const uintptr_t vectors[16 + 26] = {
    [0] = (uintptr_t)stack_top,
    [1] = (uintptr_t)reset_handler,
    [2 ... 15] = (uintptr_t)fault_handler,
    [16 + IRQ_TIMER_0] = (uintptr_t)timer_interrupt,
    [16 + IRQ_TIMER_0 + 1 ... 16 + IRQ_USBCTRL - 1] = (uintptr_t)fault_handler,
    [16 + IRQ_USBCTRL] = (uintptr_t)usb_interrupt,
    [16 + IRQ_USBCTRL + 1 ... 16 + IRQ_UART0 - 1] = (uintptr_t)fault_handler,
    [16 + IRQ_UART0] = (uintptr_t)uart_interrupt,
    [16 + IRQ_UART0 + 1 ... 16 + 25] = (uintptr_t)fault_handler,
};

/* Long enough for the longest stretch without board_poll (erasing a sector: 0.4 s at worst). */
enum { WATCHDOG_MICROS = 1000000 };

void watchdog_feed(void) {
  /* Erratum RP2040-E1: it counts down twice a microsecond. */
  WATCHDOG_LOAD = 2 * WATCHDOG_MICROS;
}

void board_reset(void) {
  REGISTER(WATCHDOG_CTRL) = WATCHDOG_CTRL_TRIGGER;
  for (;;) continue;
}

/* A defect: the checkpoint and the host bring back what was there before. */
static void fault_handler(void) { board_reset(); }

static void unreset(uint32_t blocks) {
  ATOMIC_CLEAR(RESETS_RESET, blocks);
  while ((RESETS_RESET_DONE & blocks) != blocks) continue;
}

/* fbdiv · 12 MHz / (div1 · div2) */
static void start_pll(uint32_t base, uint32_t fbdiv, uint32_t div1, uint32_t div2) {
  uint32_t prim = (div1 << PLL_PRIM_POSTDIV1_LSB) | (div2 << PLL_PRIM_POSTDIV2_LSB);
  REGISTER(base + PLL_CS) = 1; /* REFDIV */
  REGISTER(base + PLL_FBDIV_INT) = fbdiv;
  ATOMIC_CLEAR(base + PLL_PWR, PLL_PWR_PD | PLL_PWR_VCOPD);
  while ((REGISTER(base + PLL_CS) & PLL_CS_LOCK) == 0) continue;
  REGISTER(base + PLL_PRIM) = prim;
  ATOMIC_CLEAR(base + PLL_PWR, PLL_PWR_POSTDIVPD);
}

static void start_clocks(void) {
  XOSC_CTRL = XOSC_CTRL_FREQ_RANGE_1_15MHZ;
  XOSC_STARTUP = 6 * 47; /* six times the 1 ms of 2.16.3, as slow crystals need */
  XOSC_CTRL = XOSC_CTRL_ENABLE | XOSC_CTRL_FREQ_RANGE_1_15MHZ;
  while ((XOSC_STATUS & XOSC_STATUS_STABLE) == 0) continue;

  /* After a watchdog's reset clk_sys may still run from a PLL that is about to stop. */
  CLK_SYS_CTRL = CLK_SYS_CTRL_SRC_CLK_REF;
  while ((CLK_SYS_SELECTED & 1) == 0) continue;
  CLK_REF_CTRL = CLK_REF_CTRL_SRC_XOSC_CLKSRC;
  while ((CLK_REF_SELECTED & (1u << CLK_REF_CTRL_SRC_XOSC_CLKSRC)) == 0) continue;

  ATOMIC_SET(RESETS_RESET, RESET_PLL_SYS | RESET_PLL_USB);
  unreset(RESET_PLL_SYS | RESET_PLL_USB);
  start_pll(PLL_SYS_BASE, 125, 6, 2); /* 125 MHz */
  start_pll(PLL_USB_BASE, 100, 5, 5); /* 48 MHz */

  CLK_SYS_CTRL = CLK_SYS_CTRL_SRC_CLKSRC_CLK_SYS_AUX; /* AUXSRC 0: PLL_SYS */
  while ((CLK_SYS_SELECTED & (1u << CLK_SYS_CTRL_SRC_CLKSRC_CLK_SYS_AUX)) == 0) continue;
  CLK_PERI_CTRL = CLK_CTRL_ENABLE; /* AUXSRC 0: clk_sys */
  CLK_USB_CTRL = CLK_CTRL_ENABLE;  /* AUXSRC 0: PLL_USB */
  /* clk_ref is 12 MHz: a tick each microsecond, for the timer and the watchdog. */
  WATCHDOG_TICK = WATCHDOG_TICK_ENABLE | 12;
}

static void start_watchdog(void) {
  ATOMIC_CLEAR(WATCHDOG_CTRL, WATCHDOG_CTRL_ENABLE);
  PSM_WDSEL = PSM_WDSEL_ALL_BUT_OSCILLATORS;
  watchdog_feed();
  ATOMIC_SET(WATCHDOG_CTRL, WATCHDOG_CTRL_ENABLE);
}

void reset_handler(void) {
  /* Word by word and not by memcpy, which is among what is copied. */
  for (uint32_t *to = data_start, *from = data_load; to < data_end;)
    *(volatile uint32_t *)to++ = *from++;
  for (uint32_t *at = bss_start; at < bss_end;) *(volatile uint32_t *)at++ = 0;
  start_clocks();
  unreset(RESET_IO_BANK0 | RESET_PADS_BANK0 | RESET_TIMER | RESET_UART0);
  ATOMIC_SET(RESETS_RESET, RESET_USBCTRL);
  unreset(RESET_USBCTRL);
  start_watchdog();
  main();
  board_reset();
}
