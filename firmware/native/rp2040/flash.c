/*
 * The flash chip: its unique id, erasing and programming (commands as in the Winbond W25Q16JV datasheet,
 * which other makers follow). While it is spoken to nothing can be read or run from it, so all of this
 * is in RAM and interrupts are off.
 */
#include "flash.h"

#include "../board.h"
#include "registers.h"
#include "string.h"

enum {
  CMD_PAGE_PROGRAM = 0x02,
  CMD_READ_STATUS = 0x05,
  CMD_WRITE_ENABLE = 0x06,
  CMD_SECTOR_ERASE = 0x20,
  CMD_READ_UNIQUE_ID = 0x4b,
  STATUS_BUSY = 1,
};

void watchdog_feed(void);

RAM_CODE static void select_chip(uint32_t level) {
  IO_QSPI_GPIO_QSPI_SS_CTRL = level << GPIO_CTRL_OUTOVER_LSB;
  /* Read back, so that it has happened before the next byte goes out. */
  (void)IO_QSPI_GPIO_QSPI_SS_CTRL;
}

/* Sends and receives `count` bytes; `out` NULL: zeros, `in` NULL: forgotten. */
RAM_CODE static void transfer(const uint8_t *out, uint8_t *in, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    while ((SSI_SR & SSI_SR_TFNF) == 0) continue;
    SSI_DR0 = out ? out[i] : 0;
    while ((SSI_SR & SSI_SR_RFNE) == 0) continue;
    uint8_t byte = (uint8_t)SSI_DR0;
    if (in) in[i] = byte;
  }
}

/* One command: its bytes, then data out, then data in. */
RAM_CODE static void command(const uint8_t *head, uint32_t head_bytes, const uint8_t *out, uint8_t *in,
                             uint32_t bytes) {
  select_chip(GPIO_CTRL_OUTOVER_LOW);
  transfer(head, 0, head_bytes);
  if (bytes > 0) transfer(out, in, bytes);
  while ((SSI_SR & SSI_SR_BUSY) != 0) continue;
  select_chip(GPIO_CTRL_OUTOVER_HIGH);
}

/* Serial transfers of bytes instead of reads by address. */
RAM_CODE static void leave_xip(void) {
  SSI_SSIENR = 0;
  SSI_BAUDR = 4;
  SSI_CTRLR0 = 7u << SSI_CTRLR0_DFS_32_LSB; /* 8 bits, both ways */
  SSI_SER = 1;
  SSI_SSIENR = 1;
  select_chip(GPIO_CTRL_OUTOVER_HIGH);
}

/* As boot2.c, and nothing old in the cache. */
RAM_CODE static void enter_xip(void) {
  SSI_SSIENR = 0;
  SSI_CTRLR0 = (31u << SSI_CTRLR0_DFS_32_LSB) | SSI_CTRLR0_TMOD_EEPROM_READ;
  SSI_CTRLR1 = 0;
  SSI_SPI_CTRLR0 = (3u << SSI_SPI_CTRLR0_XIP_CMD_LSB) | SSI_SPI_CTRLR0_INST_L_8B |
                   (6u << SSI_SPI_CTRLR0_ADDR_L_LSB);
  SSI_SSIENR = 1;
  select_chip(GPIO_CTRL_OUTOVER_NORMAL);
  XIP_FLUSH = 1;
  (void)XIP_FLUSH; /* waits until it is done: 2.6.3.6 */
}

RAM_CODE void flash_unique_id(uint8_t id[8]) {
  uint8_t head[5] = {CMD_READ_UNIQUE_ID};
  uint32_t before = interrupts_off();
  leave_xip();
  command(head, sizeof head, 0, id, 8);
  enter_xip();
  interrupts_restore(before);
}

RAM_CODE static void change(uint8_t what, uint32_t address, const uint8_t *page, uint32_t bytes) {
  uint8_t enable = CMD_WRITE_ENABLE, ask = CMD_READ_STATUS, status = STATUS_BUSY;
  uint8_t head[4];
  head[0] = what;
  head[1] = (uint8_t)(address >> 16);
  head[2] = (uint8_t)(address >> 8);
  head[3] = (uint8_t)address;
  uint32_t before = interrupts_off();
  leave_xip();
  command(&enable, 1, 0, 0, 0);
  command(head, sizeof head, page, 0, bytes);
  while ((status & STATUS_BUSY) != 0) command(&ask, 1, 0, &status, 1);
  enter_xip();
  interrupts_restore(before);
  watchdog_feed();
}

/* The store is the flash's second megabyte: the program is far smaller than the first. */
enum { STORE_OFFSET = 1 << 20 };
const uint32_t store_bytes = 1 << 20;

const uint8_t *store_at(uint32_t offset) {
  return (const uint8_t *)(uintptr_t)(XIP_BASE + STORE_OFFSET + offset);
}

void store_erase(uint32_t offset) { change(CMD_SECTOR_ERASE, STORE_OFFSET + offset, 0, 0); }

void store_program(uint32_t offset, const uint8_t page[STORE_PAGE]) {
  change(CMD_PAGE_PROGRAM, STORE_OFFSET + offset, page, STORE_PAGE);
}
