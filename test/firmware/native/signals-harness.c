/*
 * Computes features from stdin and prints a hash of each window's, for x86-64 and rv32imc as harness.c:
 *
 *     plan bytes u32 | plan | then, per window: samples u32 | channels u32 | signal
 */
#include <stdint.h>

#include "wuxing-core.h"

#ifdef __riscv
static long call(long number, long a, long b, long c) {
  register long a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c, a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
  return a0;
}
static long read(int file, void *to, unsigned long count) { return call(63, file, (long)to, (long)count); }
static long write(int file, const void *from, unsigned long count) {
  return call(64, file, (long)from, (long)count);
}
void *memcpy(void *restrict to, const void *restrict from, unsigned long count) {
  for (unsigned long i = 0; i < count; i++) ((volatile char *)to)[i] = ((const char *)from)[i];
  return to;
}
void *memset(void *at, int value, unsigned long count) {
  volatile uint8_t *to = at;
  while (count-- > 0) *to++ = (uint8_t)value;
  return at;
}
int main(void);
__attribute__((naked)) void _start(void) {
  __asm__ volatile(".option push\n.option norelax\nla gp, __global_pointer$\n.option pop\n"
                   "call main\nli a7, 93\necall");
}
#else
#include <unistd.h>
#endif

static uint8_t plan[1 << 15] __attribute__((aligned(8)));
static uint8_t work[1 << 16] __attribute__((aligned(8)));
static uint8_t signal[1 << 17] __attribute__((aligned(8)));
static uint8_t out[1 << 13];

static int take(void *to, uint32_t count) {
  uint8_t *at = to;
  while (count > 0) {
    long some = read(0, at, count);
    if (some <= 0) return 0;
    at += some;
    count -= (uint32_t)some;
  }
  return 1;
}

int main(void) {
  uint32_t bytes = 0, head[2];
  if (!take(&bytes, 4) || bytes > sizeof plan || !take(plan, bytes)) return 1;
  while (take(head, sizeof head)) {
    if (head[0] * head[1] * 2 > sizeof signal || !take(signal, head[0] * head[1] * 2)) return 2;
    int32_t width = features(plan, work, signal, 0, (int32_t)head[0], out, 0);
    uint32_t hash = 2166136261u;
    for (int32_t i = 0; i < width; i++) hash = (hash ^ out[i]) * 16777619u;
    char text[9];
    for (int i = 0; i < 8; i++) text[i] = "0123456789abcdef"[(hash >> (28 - 4 * i)) & 15];
    text[8] = '\n';
    if (write(1, text, 9) != 9) return 3;
  }
  return 0;
}
