/* What the wrapper uses of Arduino's core for the ESP32, declared only: enough to compile against. */
#pragma once
#include <stdint.h>

struct HardwareSerial {
  void setRxBufferSize(unsigned long bytes);
  void begin(unsigned long baud);
  int available();
  int read();
  unsigned long write(const uint8_t *bytes, unsigned long count);
};
extern HardwareSerial Serial;
struct EspClass {
  uint64_t getEfuseMac();
  void restart();
};
extern EspClass ESP;
uint32_t esp_random();
unsigned long micros();
void yield();
