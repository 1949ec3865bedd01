/*
 * The native program on a board of the Arduino kind with some 300 kB of RAM, such as an ESP32-C3: `Serial`
 * is the line to the host. Compiled by the project's tests against stand-ins for Arduino's headers; not
 * run on a board yet. It keeps no checkpoints (store_bytes is 0).
 *
 * To build: `npm run firmware:native -- arduino` fills this folder with the rest of the sources; open it
 * in the Arduino IDE or run `arduino-cli compile --fqbn esp32:esp32:esp32c3 .`
 */
#include <Arduino.h>

extern "C" {
#include "board.h"
#include "jacdac.h"
#include "service.h"
}

/* What an ESP32-C3 has to spare beside Arduino's own; MODEL1 whole would need more than it has. */
enum { ARENA_BYTES = 128 * 1024 };

extern "C" {
uint8_t arena[ARENA_BYTES] __attribute__((aligned(4)));
const int32_t arena_bytes = ARENA_BYTES;
const char board_description[] = "Wuxing on ESP32-C3, native";
/* Of no board in the lists of the host, which then says "unknown". */
const uint32_t board_product = 0x3b17c0de;
const uint32_t store_bytes = 0;

uint32_t board_memory(void) { return ARENA_BYTES; }
void board_id(uint8_t id[8]) {
  uint64_t mac = ESP.getEfuseMac();
  for (int i = 0; i < 8; i++) id[i] = i < 6 ? (uint8_t)(mac >> (8 * i)) : 0x57;
}
uint32_t board_random(void) { return esp_random(); }
uint32_t board_micros(void) { return micros(); }
void board_reset(void) {
  ESP.restart();
  for (;;) continue;
}
void board_poll(void) { yield(); }

uint32_t line_read(uint8_t *bytes, uint32_t most) {
  uint32_t count = 0;
  while (count < most && Serial.available() > 0) bytes[count++] = (uint8_t)Serial.read();
  return count;
}
bool line_write(const uint8_t *bytes, uint32_t count) { return Serial.write(bytes, count) == count; }
uint32_t line_lost(void) { return 0; }

const uint8_t *store_at(uint32_t) { return arena; }
void store_erase(uint32_t) {}
void store_program(uint32_t, const uint8_t *) {}
}

void setup() {
  Serial.setRxBufferSize(4096);
  Serial.begin(1500000);
  jacdac_start();
  service_start();
}

void loop() { jacdac_poll(); }
