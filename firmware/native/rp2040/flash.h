/* The flash chip beside the RP2040 (see flash.c). */
#ifndef WUXING_FLASH_H
#define WUXING_FLASH_H

#include <stdint.h>

void flash_unique_id(uint8_t id[8]);

#endif
