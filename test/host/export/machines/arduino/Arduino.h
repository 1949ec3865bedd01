// Of Arduino's core what the examples use, on this machine: how they are on a board that is no AVR.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define F(text) (text)
enum { DEC = 10, HEX = 16 };

struct Printed {
  void begin(long) {}
  void print(const char *text) { fputs(text, stdout); }
  void print(long number) { printf("%ld", number); }
  void print(int number) { printf("%d", number); }
  void println(const char *text) { print(text), print("\n"); }
  void println(int number) { print(number), print("\n"); }
  void println(uint32_t number, int base) { printf(base == HEX ? "%lX\n" : "%lu\n", (unsigned long)number); }
};
static Printed Serial;

void setup();
void loop();
int main() {
  setup();
  loop();
  return 0;
}
