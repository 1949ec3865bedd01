/*
 * Start of the bench without a C library: on RISC-V by system calls as of Linux (qemu-user), on a
 * Cortex-M33 by semihosting (qemu-system-arm), whose SysTick counts instructions there.
 */
#include <stddef.h>
#include <stdint.h>

extern int32_t named[];
extern uint32_t learnt_hash;
extern const int sample_count;
int run_samples(void);

void *memcpy(void *to, const void *from, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) ((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
  return to;
}
void *memset(void *at, int value, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) ((volatile uint8_t *)at)[i] = (uint8_t)value;
  return at;
}

#ifdef __riscv
static long call(long number, long a, long b, long c) {
  register long a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c, a7 __asm__("a7") = number;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
  return a0;
}
static void say(const char *text) {
  size_t n = 0;
  while (text[n] != 0) n++;
  call(64, 1, (long)text, (long)n);
}
static void leave(void) { call(93, 0, 0, 0); }
__attribute__((noinline)) void begin_sample(void) { __asm__ volatile(""); }
__attribute__((noinline)) void end_sample(void) { __asm__ volatile(""); }
#else
static long call(long number, const void *what) {
  register long r0 __asm__("r0") = number;
  register const void *r1 __asm__("r1") = what;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}
static void say(const char *text) { call(4, text); }
static void leave(void) { call(24, (const void *)0x20026); }
#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
static uint32_t began;
void begin_sample(void) { began = SYST_CVR; }
static void say_number(uint32_t n);
static uint32_t ticks[1000];
static int ended;
void end_sample(void) { ticks[ended++] = (began - SYST_CVR) & 0xffffffu; }
#endif

static void say_number(uint32_t n) {
  char text[12];
  int at = 11;
  text[at] = 0;
  do text[--at] = (char)('0' + n % 10u);
  while ((n /= 10u) > 0);
  say(text + at);
}

void start(void) {
#ifndef __riscv
  SYST_RVR = 0xffffff;
  SYST_CVR = 0;
  SYST_CSR = 5;
#endif
  const int fault = run_samples();
  if (fault != 0) say("fault");
  for (int i = 0; i < sample_count; i++) {
    if (named[i] < 0) say("-");
    say_number((uint32_t)(named[i] < 0 ? -named[i] : named[i]));
    say(" ");
  }
  say_number(learnt_hash);
#ifndef __riscv
  for (int i = 0; i < ended; i++) {
    say(" ");
    say_number(ticks[i]);
  }
#endif
  say("\n");
  leave();
}

#ifdef __riscv
__attribute__((naked)) void _start(void) {
  __asm__ volatile(".option push\n.option norelax\nla gp, __global_pointer$\n.option pop\ncall start");
}
#else
extern uint8_t stack_end[];
__attribute__((section(".vectors"), used)) static const void *const vectors[2] = {stack_end, (const void *)start};
#endif
