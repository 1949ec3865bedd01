/* The four functions of the C library used here, so that none is needed (rp2040/string.c). */
#ifndef WUXING_STRING_H
#define WUXING_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memset(void *at, int value, size_t count);
int memcmp(const void *a, const void *b, size_t count);
size_t strlen(const char *text);

#endif
