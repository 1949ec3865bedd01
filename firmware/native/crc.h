/* Checksums: CRC-16/CCITT of Jacdac frames, CRC-32 (as in Ethernet) of what is kept in flash. */
#ifndef WUXING_CRC_H
#define WUXING_CRC_H

#include <stdint.h>

uint16_t crc16(const uint8_t *bytes, uint32_t count);
/* Goes on from `crc`; 0 to begin. */
uint32_t crc32(uint32_t crc, const uint8_t *bytes, uint32_t count);

#endif
