/* See spiking.h. Generated from src/spiking by `npm run library:c`. Do not edit. MIT licence. */
#include "spiking.h"

@memory@
INLINE int32_t load_u16(const uint8_t *at) { return *(const aliased_u16 *)(const void *)at; }
INLINE void store_u16(uint8_t *at, int32_t v) { *(aliased_u16 *)(void *)at = (uint16_t)v; }
