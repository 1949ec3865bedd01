/* Start of the bench where there is a C library. */
#include <stdint.h>
#include <stdio.h>

extern int32_t named[];
extern uint32_t learnt_hash;
extern const int sample_count;
int run_samples(void);
void begin_sample(void) {}
void end_sample(void) {}

int main(void) {
  const int fault = run_samples();
  if (fault != 0) return printf("fault %d\n", fault), 1;
  for (int i = 0; i < sample_count; i++) printf("%ld ", (long)named[i]);
  printf("%lu\n", (unsigned long)learnt_hash);
  return 0;
}
