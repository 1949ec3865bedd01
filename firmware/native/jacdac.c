/*
 * JD-USB framing (Jacdac specification, "USB bridge") and Jacdac frames:
 *
 *     crc u16 | size u8 | flags u8 | device id, 8 bytes | packets, `size` bytes
 *     packet: size u8 | service index u8 | command u16 | payload | padding to 4
 */
#include "jacdac.h"

#include "board.h"
#include "bytes.h"
#include "crc.h"
#include "service.h"
#include "version.h"
#include "wuxing-core.h"

enum {
  QUOTE = 0xfe,
  LITERAL_QUOTE = 0xf8,
  RESERVED = 0xf9,
  SERIAL_GAP = 0xfa,
  FRAME_GAP = 0xfb,
  FRAME_START = 0xfc,
  FRAME_END = 0xfd,
};

enum {
  FRAME_HEADER = 12,
  PACKET_HEADER = 4,
  FRAME_MOST = FRAME_HEADER + PACKET_HEADER + MAX_PAYLOAD,
  /* Every byte may be quoted, and the frame has a start and an end. */
  STREAM_MOST = 2 * FRAME_MOST + 4,

  FLAG_COMMAND = 1,
  FLAG_ACK_REQUESTED = 2,
  FLAG_IDENTIFIER_IS_SERVICE_CLASS = 4,

  INDEX_CONTROL = 0,
  INDEX_SERVED = 1,
  INDEX_CRC_ACK = 0x3f,

  CONTROL_SERVICES = 0x00,
  CONTROL_RESET = 0x82,
  GET_REGISTER = 0x1000,
  REGISTER_DESCRIPTION = 0x180,
  REGISTER_PRODUCT_IDENTIFIER = 0x181,
  REGISTER_FIRMWARE_VERSION = 0x185,
  REGISTER_UPTIME = 0x186,

  ANNOUNCE_SUPPORTS_ACK = 0x100,
  ANNOUNCE_MICROS = 500000,

  BRIDGE_DISABLE_PACKETS = 0x80,
  BRIDGE_ENABLE_PACKETS = 0x81,
  BRIDGE_DISABLE_LOG = 0x82,
  BRIDGE_ENABLE_LOG = 0x83,
  INDEX_BROADCAST = 0x3d,
};

static const uint32_t BRIDGE_CLASS = 0x18f61a4a;
static const uint32_t BROADCAST_MARK = 0xaaaaaaaa;

typedef struct {
  uint8_t id[8];
  uint32_t service_class;
} device;

/* The board's own, and the one that serves. */
static device board, served;
static uint32_t restart_counter;
static uint32_t announced_at;
/* Nothing is sent until the other side asks for it. */
static bool forwards, logs;
/* A frame was dropped on its way out and the other side has not been told. */
static bool gap;

static uint8_t frame[FRAME_MOST];
static uint32_t frame_size;
static bool in_frame, after_magic;

static void send(const device *from, uint32_t flags, uint32_t index, uint32_t command,
                 const uint8_t *payload, uint32_t length) {
  static uint8_t out[FRAME_MOST], stream[STREAM_MOST];
  if (!forwards) return;
  uint32_t size = (PACKET_HEADER + length + 3) & ~3u;
  memset(out, 0, FRAME_HEADER + size);
  out[2] = (uint8_t)size;
  out[3] = (uint8_t)flags;
  memcpy(out + 4, from->id, 8);
  out[12] = (uint8_t)length;
  out[13] = (uint8_t)index;
  put16(out + 14, command);
  if (length > 0) memcpy(out + 16, payload, length);
  put16(out, crc16(out + 2, FRAME_HEADER + size - 2));

  uint32_t at = 0;
  if (gap) {
    stream[at++] = QUOTE;
    stream[at++] = FRAME_GAP;
  }
  stream[at++] = QUOTE;
  stream[at++] = FRAME_START;
  for (uint32_t i = 0; i < FRAME_HEADER + size; i++) {
    if (at + 4 > STREAM_MOST) return;
    stream[at++] = out[i];
    if (out[i] == QUOTE) stream[at++] = LITERAL_QUOTE;
  }
  stream[at++] = QUOTE;
  stream[at++] = FRAME_END;
  gap = !line_write(stream, at);
}

void jacdac_report(int32_t command, const uint8_t *payload, uint32_t length) {
  send(&served, 0, INDEX_SERVED, (uint32_t)command, payload, length);
}

void jacdac_log(const char *text) {
  if (!logs) return;
  line_write((const uint8_t *)text, (uint32_t)strlen(text));
  line_write((const uint8_t *)"\n", 1);
}

static void announce(const device *who) {
  uint8_t payload[8];
  put16(payload, restart_counter | ANNOUNCE_SUPPORTS_ACK);
  put16(payload + 2, 0);
  put32(payload + 4, who->service_class);
  send(who, 0, INDEX_CONTROL, CONTROL_SERVICES, payload, sizeof payload);
}

static void control(const device *who, uint32_t command) {
  uint8_t number[8];
  const char *text = NULL;
  switch (command) {
    case CONTROL_SERVICES:
      announce(who);
      return;
    case CONTROL_RESET:
      board_reset();
    case GET_REGISTER | REGISTER_DESCRIPTION:
      text = board_description;
      break;
    case GET_REGISTER | REGISTER_PRODUCT_IDENTIFIER:
      put32(number, board_product);
      send(who, 0, INDEX_CONTROL, command, number, 4);
      return;
    case GET_REGISTER | REGISTER_FIRMWARE_VERSION:
      text = WUXING_VERSION;
      break;
    case GET_REGISTER | REGISTER_UPTIME:
      put32(number, board_micros());
      put32(number + 4, 0);
      send(who, 0, INDEX_CONTROL, command, number, sizeof number);
      return;
    default:
      return;
  }
  send(who, 0, INDEX_CONTROL, command, (const uint8_t *)text, (uint32_t)strlen(text));
}

static void announce_all(void) {
  announce(&board);
  announce(&served);
}

/* A command to the line itself rather than to a device. */
static void bridge(uint32_t command) {
  device all = {.service_class = 0};
  put32(all.id, BRIDGE_CLASS);
  put32(all.id + 4, BROADCAST_MARK);
  bool fresh = command == BRIDGE_ENABLE_PACKETS && !forwards;
  if (command == BRIDGE_ENABLE_PACKETS) forwards = true;
  else if (command == BRIDGE_ENABLE_LOG) logs = true;
  else if (command == BRIDGE_DISABLE_LOG) logs = false;
  else if (command != BRIDGE_DISABLE_PACKETS) return;
  send(&all, FLAG_IDENTIFIER_IS_SERVICE_CLASS, INDEX_BROADCAST, command, NULL, 0);
  if (command == BRIDGE_DISABLE_PACKETS) forwards = false;
  /* Whoever begins to listen need not wait. */
  if (fresh) announce_all();
}

static void received(const device *who, uint32_t index, uint32_t command, const uint8_t *payload,
                     uint32_t length) {
  if (index == INDEX_CONTROL) control(who, command);
  else if (index == INDEX_SERVED && who == &served && command < GET_REGISTER)
    service_command((int32_t)command, payload, (int32_t)length);
}

/* A frame has come: sound, for us, a command? */
static void frame_ended(uint32_t bytes) {
  if (bytes < FRAME_HEADER + PACKET_HEADER) return;
  uint32_t end = FRAME_HEADER + frame[2];
  if (end < FRAME_HEADER + PACKET_HEADER || end > bytes) return;
  if (crc16(frame + 2, end - 2) != get16(frame)) return;
  if ((frame[3] & FLAG_COMMAND) == 0) return;
  const device *who = NULL;
  bool to_bridge = false;
  if ((frame[3] & FLAG_IDENTIFIER_IS_SERVICE_CLASS) != 0) {
    uint32_t wanted = get32(frame + 4);
    to_bridge = wanted == BRIDGE_CLASS;
    if (!to_bridge) {
      /* A broadcast to all who serve a class; everybody has the control service, class 0. */
      if (wanted == 0 && frame[13] == INDEX_CONTROL && get16(frame + 14) == CONTROL_SERVICES) announce_all();
      return;
    }
  } else if (memcmp(frame + 4, board.id, 8) == 0) who = &board;
  else if (memcmp(frame + 4, served.id, 8) == 0) who = &served;
  else return;
  if (who != NULL && (frame[3] & FLAG_ACK_REQUESTED) != 0)
    send(who, 0, INDEX_CRC_ACK, get16(frame), NULL, 0);
  for (uint32_t at = FRAME_HEADER; at + PACKET_HEADER <= end;) {
    uint32_t length = frame[at];
    if (at + PACKET_HEADER + length > end) return;
    uint32_t command = get16(frame + at + 2);
    if (to_bridge) bridge(command);
    else received(who, frame[at + 1] & 0x3f, command, frame + at + PACKET_HEADER, length);
    at += (PACKET_HEADER + length + 3) & ~3u;
  }
}

/* The stream, byte by byte. What is no frame is text to us, and nobody here reads it. */
static void take(uint8_t byte) {
  if (after_magic) {
    /* Two in a row: the first stands for nothing, the second may begin a sequence. */
    if (byte == QUOTE) {
      in_frame = false;
      return;
    }
    after_magic = false;
    if (byte == FRAME_START) {
      in_frame = true;
      frame_size = 0;
      return;
    }
    if (byte == FRAME_END) {
      bool complete = in_frame;
      in_frame = false;
      if (complete) frame_ended(frame_size);
      return;
    }
    if (byte == RESERVED || byte == SERIAL_GAP || byte == FRAME_GAP) return;
    if (byte != LITERAL_QUOTE) {
      in_frame = false;
      return;
    }
    byte = QUOTE;
  } else if (byte == QUOTE) {
    after_magic = true;
    return;
  }
  if (!in_frame) return;
  if (frame_size == FRAME_MOST) in_frame = false;
  else frame[frame_size++] = byte;
}

void jacdac_start(void) {
  board_id(board.id);
  board.service_class = NATIVE_CLASS;
  /* The id under which a DeviceScript program serves: its board's, XOR a constant. */
  static const uint8_t salt[8] = {0xf8, 0x53, 0x1b, 0x75, 0xa7, 0x49, 0x22, 0xdb};
  for (int i = 0; i < 8; i++) served.id[i] = board.id[i] ^ salt[i];
  served.service_class = SERVICE_CLASS;
  restart_counter = 1;
  announced_at = board_micros();
}

void jacdac_poll(void) {
  uint8_t bytes[64];
  uint32_t count;
  while ((count = line_read(bytes, sizeof bytes)) > 0) {
    for (uint32_t i = 0; i < count; i++) take(bytes[i]);
    board_poll();
  }
  if (board_micros() - announced_at >= ANNOUNCE_MICROS) {
    announced_at += ANNOUNCE_MICROS;
    announce_all();
    if (restart_counter < 15) restart_counter++;
  }
}
