/*
 * Second-stage boot (RP2040 datasheet 2.8.1.3.1). The boot ROM copies the flash's first 256 bytes to
 * SRAM, checks their CRC and jumps there. This sets up execution from flash by the read command 03h,
 * which every serial flash knows and which leaves no mode behind, so that flash.c can talk to the chip
 * at any time. It is slower than four-bit reading; what is hot runs from RAM.
 */
#include "registers.h"

extern const uint32_t vectors[];

__attribute__((section(".boot2"), naked, noreturn)) void boot2(void) {
  __asm__ volatile(
      "ldr r3, =0x18000000\n"  /* SSI */
      "movs r1, #0\n"
      "str r1, [r3, #0x08]\n"  /* SSIENR: off while it is set up */
      "movs r1, #4\n"
      "str r1, [r3, #0x14]\n"  /* BAUDR: 125 MHz / 4, below the 50 MHz that 03h allows */
      "ldr r1, =0x001f0300\n"  /* CTRLR0: DFS_32 = 32 bits, TMOD = EEPROM read, standard SPI */
      "str r1, [r3, #0x00]\n"
      "movs r1, #0\n"
      "str r1, [r3, #0x04]\n"  /* CTRLR1: one frame */
      "ldr r1, =0x03000218\n"  /* SPI_CTRLR0: XIP_CMD = 03h, INST_L = 8 bits, ADDR_L = 24 bits */
      "ldr r2, =0x180000f4\n"
      "str r1, [r2]\n"
      "movs r1, #1\n"
      "str r1, [r3, #0x08]\n"  /* SSIENR: on */
      "ldr r0, =0x10000100\n"  /* the vector table follows */
      "ldr r1, =0xe000ed08\n"  /* VTOR */
      "str r0, [r1]\n"
      "ldmia r0!, {r1, r2}\n"
      "msr msp, r1\n"
      "bx r2\n"
      ".pool\n");
}
