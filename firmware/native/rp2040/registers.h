/*
 * Registers of the RP2040, named as in its datasheet (Raspberry Pi Ltd, "RP2040 Datasheet"; the section
 * stands beside each block). Only what is used here.
 */
#ifndef WUXING_REGISTERS_H
#define WUXING_REGISTERS_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))
/* Each register once more with atomic access: 2.1.2. */
#define ATOMIC_SET(address, bits) (REGISTER((address) + 0x2000) = (bits))
#define ATOMIC_CLEAR(address, bits) (REGISTER((address) + 0x3000) = (bits))

/* Code that runs from RAM: what is hot, and what runs while the flash is busy. */
#define RAM_CODE __attribute__((section(".ram_code"), noinline))

/* 2.14 Resets */
#define RESETS_RESET 0x4000c000
#define RESETS_RESET_DONE REGISTER(0x4000c008)
enum {
  RESET_IO_BANK0 = 1 << 5,
  RESET_PADS_BANK0 = 1 << 8,
  RESET_PLL_SYS = 1 << 12,
  RESET_PLL_USB = 1 << 13,
  RESET_TIMER = 1 << 21,
  RESET_UART0 = 1 << 22,
  RESET_USBCTRL = 1 << 24,
};

/* 2.16 Crystal oscillator: 12 MHz on the Pico */
#define XOSC_CTRL REGISTER(0x40024000)
#define XOSC_STATUS REGISTER(0x40024004)
#define XOSC_STARTUP REGISTER(0x4002400c)
#define XOSC_CTRL_ENABLE (0xfabu << 12)
#define XOSC_CTRL_FREQ_RANGE_1_15MHZ 0xaa0u
#define XOSC_STATUS_STABLE (1u << 31)

/* 2.17 Ring oscillator */
#define ROSC_RANDOMBIT REGISTER(0x4006001c)

/* 2.18 PLL */
#define PLL_SYS_BASE 0x40028000
#define PLL_USB_BASE 0x4002c000
#define PLL_CS 0x0
#define PLL_PWR 0x4
#define PLL_FBDIV_INT 0x8
#define PLL_PRIM 0xc
#define PLL_CS_LOCK (1u << 31)
#define PLL_PWR_PD (1u << 0)
#define PLL_PWR_POSTDIVPD (1u << 3)
#define PLL_PWR_VCOPD (1u << 5)
#define PLL_PRIM_POSTDIV1_LSB 16
#define PLL_PRIM_POSTDIV2_LSB 12

/* 2.15 Clocks */
#define CLK_REF_CTRL REGISTER(0x40008030)
#define CLK_REF_SELECTED REGISTER(0x40008038)
#define CLK_SYS_CTRL REGISTER(0x4000803c)
#define CLK_SYS_SELECTED REGISTER(0x40008044)
#define CLK_PERI_CTRL REGISTER(0x40008048)
#define CLK_USB_CTRL REGISTER(0x40008054)
#define CLK_REF_CTRL_SRC_XOSC_CLKSRC 2u
#define CLK_SYS_CTRL_SRC_CLK_REF 0u
#define CLK_SYS_CTRL_SRC_CLKSRC_CLK_SYS_AUX 1u
#define CLK_CTRL_ENABLE (1u << 11)

/* 4.6 Timer, 4.7 Watchdog */
#define TIMER_ALARM0 REGISTER(0x40054010)
#define TIMERAWL REGISTER(0x40054028)
#define TIMER_INTR REGISTER(0x40054034)
#define TIMER_INTE REGISTER(0x40054038)
#define TIMER_INT_ALARM_0 (1u << 0)
#define WATCHDOG_CTRL 0x40058000
#define WATCHDOG_LOAD REGISTER(0x40058004)
#define WATCHDOG_TICK REGISTER(0x4005802c)
#define WATCHDOG_CTRL_TRIGGER (1u << 31)
#define WATCHDOG_CTRL_ENABLE (1u << 30)
#define WATCHDOG_TICK_ENABLE (1u << 9)
/* 2.13 Power-on state machine: what a watchdog resets */
#define PSM_WDSEL REGISTER(0x40010008)
#define PSM_WDSEL_ALL_BUT_OSCILLATORS 0x1fffcu

/* 2.19 GPIO */
#define IO_BANK0_GPIO0_CTRL REGISTER(0x40014004)
#define IO_BANK0_GPIO1_CTRL REGISTER(0x4001400c)
#define GPIO_CTRL_FUNCSEL_UART 2u
#define IO_QSPI_GPIO_QSPI_SS_CTRL REGISTER(0x4001800c)
#define GPIO_CTRL_OUTOVER_LSB 8
#define GPIO_CTRL_OUTOVER_NORMAL 0u
#define GPIO_CTRL_OUTOVER_LOW 2u
#define GPIO_CTRL_OUTOVER_HIGH 3u

/* 2.6.3 Flash: XIP cache */
#define XIP_BASE 0x10000000
#define XIP_NOCACHE_NOALLOC_BASE 0x13000000
#define XIP_FLUSH REGISTER(0x14000004)

/* 4.10 Synchronous serial interface to the flash */
#define SSI_CTRLR0 REGISTER(0x18000000)
#define SSI_CTRLR1 REGISTER(0x18000004)
#define SSI_SSIENR REGISTER(0x18000008)
#define SSI_SER REGISTER(0x18000010)
#define SSI_BAUDR REGISTER(0x18000014)
#define SSI_SR REGISTER(0x18000028)
#define SSI_DR0 REGISTER(0x18000060)
#define SSI_SPI_CTRLR0 REGISTER(0x180000f4)
#define SSI_SR_BUSY (1u << 0)
#define SSI_SR_TFNF (1u << 1)
#define SSI_SR_RFNE (1u << 3)
#define SSI_CTRLR0_DFS_32_LSB 16
#define SSI_CTRLR0_TMOD_EEPROM_READ (3u << 8)
#define SSI_SPI_CTRLR0_XIP_CMD_LSB 24
#define SSI_SPI_CTRLR0_INST_L_8B (2u << 8)
#define SSI_SPI_CTRLR0_ADDR_L_LSB 2

/* 4.2 UART (ARM PL011) */
#define UART0_DR REGISTER(0x40034000)
#define UART0_FR REGISTER(0x40034018)
#define UART0_IBRD REGISTER(0x40034024)
#define UART0_FBRD REGISTER(0x40034028)
#define UART0_LCR_H REGISTER(0x4003402c)
#define UART0_CR REGISTER(0x40034030)
#define UART0_IMSC REGISTER(0x40034038)
#define UART_FR_RXFE (1u << 4)
#define UART_FR_TXFF (1u << 5)
#define UART_LCR_H_FEN (1u << 4)
#define UART_LCR_H_WLEN_8 (3u << 5)
#define UART_CR_UARTEN (1u << 0)
#define UART_CR_TXE (1u << 8)
#define UART_CR_RXE (1u << 9)
#define UART_INT_RX (1u << 4)
#define UART_INT_RT (1u << 6)

/* 4.1 USB: its memory (4.1.3) and registers (4.1.4) */
#define USB_DPRAM 0x50100000
#define USB_BASE 0x50110000
#define USB_ADDR_ENDP REGISTER(USB_BASE + 0x00)
#define USB_MAIN_CTRL REGISTER(USB_BASE + 0x40)
#define USB_SIE_CTRL REGISTER(USB_BASE + 0x4c)
#define USB_SIE_STATUS REGISTER(USB_BASE + 0x50)
#define USB_BUFF_STATUS REGISTER(USB_BASE + 0x58)
#define USB_EP_STALL_ARM REGISTER(USB_BASE + 0x68)
#define USB_USB_MUXING REGISTER(USB_BASE + 0x74)
#define USB_USB_PWR REGISTER(USB_BASE + 0x78)
#define USB_INTE REGISTER(USB_BASE + 0x90)
#define USB_INTS REGISTER(USB_BASE + 0x98)
enum {
  MAIN_CTRL_CONTROLLER_EN = 1 << 0,
  SIE_CTRL_PULLUP_EN = 1 << 16,
  SIE_CTRL_EP0_INT_1BUF = 1 << 29,
  SIE_STATUS_SETUP_REC = 1 << 17,
  SIE_STATUS_BUS_RESET = 1 << 19,
  USB_MUXING_TO_PHY = 1 << 0,
  USB_MUXING_SOFTCON = 1 << 3,
  USB_PWR_VBUS_DETECT_OVERRIDE_EN = 1 << 2,
  USB_PWR_VBUS_DETECT = 1 << 3,
  INT_BUFF_STATUS = 1 << 4,
  INT_BUS_RESET = 1 << 12,
  INT_SETUP_REQ = 1 << 16,
  EP_CTRL_INTERRUPT_PER_BUFF = 1 << 29,
  EP_CTRL_TYPE_LSB = 26,
  BUF_CTRL_LEN_MASK = 0x3ff,
  BUF_CTRL_AVAILABLE = 1 << 10,
  BUF_CTRL_STALL = 1 << 11,
  BUF_CTRL_DATA1_PID = 1 << 13,
  BUF_CTRL_FULL = 1 << 15,
};
#define EP_CTRL_ENABLE (1u << 31)

/* 2.3.2 Interrupts, 2.4.8 Cortex-M0+ */
enum { IRQ_TIMER_0 = 0, IRQ_USBCTRL = 5, IRQ_UART0 = 20 };
#define M0PLUS_NVIC_ISER REGISTER(0xe000e100)
#define M0PLUS_VTOR REGISTER(0xe000ed08)

static inline uint32_t interrupts_off(void) {
  uint32_t before;
  __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(before)::"memory");
  return before;
}

static inline void interrupts_restore(uint32_t before) {
  __asm__ volatile("msr primask, %0" ::"r"(before) : "memory");
}

#endif
