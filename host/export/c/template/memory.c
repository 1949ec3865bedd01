/* All of the C library that is used; a program without one has these of its own. */
void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *at, int value, size_t bytes);

/* The core shifts negative numbers arithmetically and reads memory from the low byte on. */
typedef char wuxing_shifts_arithmetically[((-3) >> 1) == -2 ? 1 : -1];

/* One memory holds numbers of all sizes, so these may alias each other. */
#if defined(__GNUC__) || defined(__clang__)
#define ALIASED __attribute__((may_alias))
#else
#define ALIASED
#endif
#if defined(__GNUC__)
#define OUTLINED __attribute__((noinline))
#define INLINE static inline __attribute__((unused))
#else
#define OUTLINED
#define INLINE static inline
#endif
typedef uint16_t ALIASED aliased_u16;
typedef int16_t ALIASED aliased_i16;
typedef int32_t ALIASED aliased_i32;
typedef uint32_t ALIASED aliased_u32;

INLINE int32_t load_u8(const uint8_t *at) { return *at; }
INLINE int32_t load_i16(const uint8_t *at) { return *(const aliased_i16 *)(const void *)at; }
INLINE int32_t load_i32(const uint8_t *at) { return *(const aliased_i32 *)(const void *)at; }
INLINE void store_u8(uint8_t *at, int32_t v) { *at = (uint8_t)v; }
INLINE void store_i16(uint8_t *at, int32_t v) { *(aliased_i16 *)(void *)at = (int16_t)v; }
INLINE void store_i32(uint8_t *at, int32_t v) { *(aliased_i32 *)(void *)at = v; }

#ifdef __AVR__
INLINE int32_t flash_u8(const uint8_t *at) { return pgm_read_byte(at); }
INLINE int32_t flash_u16(const uint8_t *at) { return pgm_read_word(at); }
INLINE int32_t flash_i16(const uint8_t *at) { return (int16_t)pgm_read_word(at); }
INLINE int32_t flash_i32(const uint8_t *at) { return (int32_t)pgm_read_dword(at); }
#define COPY_FROM_FLASH memcpy_P
#else
INLINE int32_t flash_u8(const uint8_t *at) { return *at; }
INLINE int32_t flash_u16(const uint8_t *at) { return *(const aliased_u16 *)(const void *)at; }
INLINE int32_t flash_i16(const uint8_t *at) { return load_i16(at); }
INLINE int32_t flash_i32(const uint8_t *at) { return load_i32(at); }
#define COPY_FROM_FLASH memcpy
#endif

INLINE int32_t shift_left(int32_t a, int32_t bits) { return (int32_t)((uint32_t)a << bits); }
INLINE int32_t shift_right(int32_t a, int32_t bits) { return (int32_t)((uint32_t)a >> bits); }
INLINE int32_t multiply(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }
INLINE int32_t least_of(int32_t a, int32_t b) { return a < b ? a : b; }
INLINE int32_t greatest_of(int32_t a, int32_t b) { return a > b ? a : b; }
