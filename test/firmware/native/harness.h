/*
 * What the harnesses read and write with: the system's C library on x86-64; none on rv32imc, where
 * system calls are those of Linux.
 */
#include <stdint.h>

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
