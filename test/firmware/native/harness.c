/*
 * Runs the C core on a network and samples from stdin and prints what it named and a hash of its memory:
 * for x86-64 with the system's C library, for rv32imc with none (system calls as Linux on RISC-V).
 *
 *     bytes u32 | shard | then, per sample: runs u32 | label i32 (-1: only named) | number i32 | runs
 */
#include "harness.h"
#include "wuxing-core.h"

static uint8_t memory[1 << 20] __attribute__((aligned(8)));
static uint8_t runs[1 << 12];

static void say(uint32_t number) {
  char text[9];
  for (int i = 0; i < 8; i++) text[i] = "0123456789abcdef"[(number >> (28 - 4 * i)) & 15];
  text[8] = '\n';
  if (write(1, text, 9) != 9) return;
}

int main(void) {
  uint32_t bytes = 0;
  int32_t head[3];
  if (!take(&bytes, 4) || bytes > sizeof memory || !take(memory, bytes)) return 1;
  if (!isSound(memory, (int32_t)sizeof memory)) return 2;
  for (int32_t i = 0; i < memory[Header_Parts]; i++) {
    int32_t at = 0;
    while (at >= 0) at = checkLinks(memory, partAt(i), at);
    if (at != -1) return 3;
  }
  while (take(head, sizeof head)) {
    if ((uint32_t)head[0] > sizeof runs || !take(runs, (uint32_t)head[0])) return 4;
    if (head[1] < 0) say((uint32_t)predictWhole(memory, runs, 0, head[0], 0));
    else say((uint32_t)learnWhole(memory, runs, 0, head[0], 0, head[1], head[2]));
  }
  uint32_t hash = 2166136261u;
  for (uint32_t i = 0; i < bytes; i++) hash = (hash ^ memory[i]) * 16777619u;
  say(hash);
  return 0;
}
