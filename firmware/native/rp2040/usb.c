/*
 * USB device controller (RP2040 datasheet 4.1) as a serial port: Communications Device Class, Abstract
 * Control Model (USB CDC 1.2, PSTN 1.2). Endpoint 1 IN would carry notifications, of which there are
 * none; 2 OUT and 2 IN carry the bytes, one buffer each.
 */
#include "usb.h"

#include "line.h"
#include "registers.h"
#include "string.h"

enum {
  PACKET = 64,

  /* Byte offsets in the controller's memory: 4.1.3. */
  DPRAM_SETUP = 0x00,
  DPRAM_EP_CTRL = 0x08, /* endpoint 1 on: IN, OUT */
  DPRAM_BUF_CTRL = 0x80, /* endpoint 0 on: IN, OUT */
  DPRAM_EP0_BUFFER = 0x100,
  DPRAM_EP1_IN = 0x180,
  DPRAM_EP2_IN = 0x1c0,
  DPRAM_EP2_OUT = 0x200,

  TYPE_BULK = 2,
  TYPE_INTERRUPT = 3,

  /* USB 2.0 chapter 9 */
  GET_STATUS = 0,
  CLEAR_FEATURE = 1,
  SET_FEATURE = 3,
  SET_ADDRESS = 5,
  GET_DESCRIPTOR = 6,
  GET_CONFIGURATION = 8,
  SET_CONFIGURATION = 9,
  GET_INTERFACE = 10,
  SET_INTERFACE = 11,
  DEVICE = 1,
  CONFIGURATION = 2,
  STRING = 3,
  INTERFACE = 4,
  ENDPOINT = 5,
  INTERFACE_ASSOCIATION = 11,
  CS_INTERFACE = 0x24,
  /* PSTN 1.2, 6.3 */
  SET_LINE_CODING = 0x20,
  GET_LINE_CODING = 0x21,
  SET_CONTROL_LINE_STATE = 0x22,
  SEND_BREAK = 0x23,
  LINE_STATE_DTR = 1,
};

#define LOW_HIGH(value) (uint8_t)(value), (uint8_t)((value) >> 8)

/* Raspberry Pi's vendor id with the product id of its own serial port programs for the Pico. */
static const uint8_t device_descriptor[18] = {
    sizeof device_descriptor, DEVICE, LOW_HIGH(0x0200),
    0xef, 2, 1, /* functions are told by interface association */
    PACKET, LOW_HIGH(0x2e8a), LOW_HIGH(0x000a), LOW_HIGH(0x0100), 1, 2, 3, 1,
};

enum { CONFIGURATION_BYTES = 9 + 8 + 9 + 5 + 5 + 4 + 5 + 7 + 9 + 7 + 7 };
static const uint8_t configuration_descriptor[CONFIGURATION_BYTES] = {
    9, CONFIGURATION, LOW_HIGH(CONFIGURATION_BYTES), 2, 1, 0, 0x80, 100 / 2, /* bus powered, 100 mA */
    8, INTERFACE_ASSOCIATION, 0, 2, 2, 2, 0, 0,
    9, INTERFACE, 0, 0, 1, 2, 2, 0, 0, /* communications, abstract control model */
    5, CS_INTERFACE, 0, LOW_HIGH(0x0120),
    5, CS_INTERFACE, 1, 0, 1, /* call management: none */
    4, CS_INTERFACE, 2, 2, /* line coding and state */
    5, CS_INTERFACE, 6, 0, 1, /* interfaces 0 and 1 belong together */
    7, ENDPOINT, 0x81, TYPE_INTERRUPT, LOW_HIGH(8), 16,
    9, INTERFACE, 1, 0, 2, 10, 0, 0, 0, /* data */
    7, ENDPOINT, 0x02, TYPE_BULK, LOW_HIGH(PACKET), 0,
    7, ENDPOINT, 0x82, TYPE_BULK, LOW_HIGH(PACKET), 0,
};

static const char *strings[4] = {0, "Wuxing", "Wuxing Pico", ""};

static ring incoming, outgoing;
static volatile bool configured, opened;
/* Endpoint 2: a packet is on its way; the OUT buffer is the controller's. */
static volatile bool in_busy, out_armed, last_in_was_full;
static bool data1_in, data1_out;

/* Control transfers: what is still to be sent, and whether data or an address are awaited. */
static uint8_t control_data[PACKET];
static const uint8_t *control_next;
static uint32_t control_left;
static bool control_is_in, control_data1, control_ends_short;
static uint32_t new_address;
static uint8_t line_coding[7] = {LOW_HIGH(0xe360), LOW_HIGH(0x0016), 0, 0, 8}; /* 1,500,000 baud */
static uint8_t awaited_request;

static volatile uint32_t *buffer_control(uint32_t endpoint, bool out) {
  return &REGISTER(USB_DPRAM + DPRAM_BUF_CTRL + 8 * endpoint + (out ? 4 : 0));
}

/*
 * Hands a buffer to the controller. AVAILABLE comes last and a little later: 4.1.2.7.1 (the controller
 * runs on another clock).
 */
static void hand_over(uint32_t endpoint, bool out, uint32_t bits) {
  volatile uint32_t *control = buffer_control(endpoint, out);
  *control = bits;
  __asm__ volatile("nop\nnop\nnop\nnop\nnop\nnop\nnop\nnop\nnop\nnop\nnop\nnop" ::: "memory");
  *control = bits | BUF_CTRL_AVAILABLE;
}

static void to_dpram(uint32_t offset, const uint8_t *bytes, uint32_t count) {
  uint32_t words[PACKET / 4];
  memcpy(words, bytes, count);
  for (uint32_t i = 0; i < (count + 3) / 4; i++) REGISTER(USB_DPRAM + offset + 4 * i) = words[i];
}

static void from_dpram(uint32_t offset, uint8_t *bytes, uint32_t count) {
  uint32_t words[PACKET / 4];
  for (uint32_t i = 0; i < (count + 3) / 4; i++) words[i] = REGISTER(USB_DPRAM + offset + 4 * i);
  memcpy(bytes, words, count);
}

/* ---- bulk data ---------------------------------------------------------------------------------- */

static void send_bulk(void) {
  if (in_busy || !configured) return;
  uint8_t packet[PACKET];
  uint32_t count = ring_take(&outgoing, packet, PACKET);
  /* A host goes on reading after a full packet until a short one comes. */
  if (count == 0 && !last_in_was_full) return;
  to_dpram(DPRAM_EP2_IN, packet, count);
  in_busy = true;
  last_in_was_full = count == PACKET;
  hand_over(2, false, count | BUF_CTRL_FULL | (data1_in ? BUF_CTRL_DATA1_PID : 0));
  data1_in = !data1_in;
}

static void arm_bulk(void) {
  if (out_armed || !configured || ring_room(&incoming) < PACKET) return;
  out_armed = true;
  hand_over(2, true, PACKET | (data1_out ? BUF_CTRL_DATA1_PID : 0));
  data1_out = !data1_out;
}

static void bulk_received(void) {
  uint8_t packet[PACKET];
  uint32_t count = *buffer_control(2, true) & BUF_CTRL_LEN_MASK;
  if (count > PACKET) count = PACKET;
  from_dpram(DPRAM_EP2_OUT, packet, count);
  ring_put(&incoming, packet, count);
  out_armed = false;
  arm_bulk();
}

/* ---- control ------------------------------------------------------------------------------------ */

static void send_control(void) {
  uint32_t count = control_left < PACKET ? control_left : PACKET;
  if (count > 0) to_dpram(DPRAM_EP0_BUFFER, control_next, count);
  control_next += count;
  control_left -= count;
  if (count < PACKET) control_ends_short = false;
  hand_over(0, false, count | BUF_CTRL_FULL | (control_data1 ? BUF_CTRL_DATA1_PID : 0));
  control_data1 = !control_data1;
}

/* Answers with data; the host's empty packet ends the transfer. */
static void reply(const uint8_t *bytes, uint32_t count, uint32_t wanted) {
  control_is_in = true;
  control_data1 = true;
  control_next = bytes;
  control_left = count < wanted ? count : wanted;
  /* Less than was asked for, in whole packets: an empty one says that there is no more. */
  control_ends_short = control_left < wanted && control_left % PACKET == 0;
  send_control();
}

static void acknowledge(void) {
  control_is_in = false;
  control_left = 0;
  control_data1 = true;
  control_ends_short = false;
  send_control();
}

static void await_data(uint8_t request, uint32_t count) {
  awaited_request = request;
  hand_over(0, true, (count < PACKET ? count : PACKET) | BUF_CTRL_DATA1_PID);
}

static void stall(void) {
  USB_EP_STALL_ARM = 3;
  *buffer_control(0, false) = BUF_CTRL_STALL;
  *buffer_control(0, true) = BUF_CTRL_STALL;
}

static bool give_descriptor(uint32_t value, uint32_t wanted) {
  uint32_t index = value & 0xff;
  if (value >> 8 == DEVICE) reply(device_descriptor, sizeof device_descriptor, wanted);
  else if (value >> 8 == CONFIGURATION && index == 0)
    reply(configuration_descriptor, sizeof configuration_descriptor, wanted);
  else if (value >> 8 == STRING && index < 4) {
    uint32_t count = 2;
    if (index == 0) {
      control_data[2] = 0x09; /* English */
      control_data[3] = 0x04;
      count = 4;
    } else
      for (const char *c = strings[index]; *c != 0 && count < PACKET; c++) {
        control_data[count++] = (uint8_t)*c;
        control_data[count++] = 0;
      }
    control_data[0] = (uint8_t)count;
    control_data[1] = STRING;
    reply(control_data, count, wanted);
  } else return false;
  return true;
}

static void configure(void) {
  REGISTER(USB_DPRAM + DPRAM_EP_CTRL) =
      EP_CTRL_ENABLE | EP_CTRL_INTERRUPT_PER_BUFF | (TYPE_INTERRUPT << EP_CTRL_TYPE_LSB) | DPRAM_EP1_IN;
  REGISTER(USB_DPRAM + DPRAM_EP_CTRL + 8) =
      EP_CTRL_ENABLE | EP_CTRL_INTERRUPT_PER_BUFF | (TYPE_BULK << EP_CTRL_TYPE_LSB) | DPRAM_EP2_IN;
  REGISTER(USB_DPRAM + DPRAM_EP_CTRL + 12) =
      EP_CTRL_ENABLE | EP_CTRL_INTERRUPT_PER_BUFF | (TYPE_BULK << EP_CTRL_TYPE_LSB) | DPRAM_EP2_OUT;
  data1_in = data1_out = false;
  in_busy = out_armed = last_in_was_full = false;
  configured = true;
  arm_bulk();
}

static void forget(void) {
  configured = false;
  opened = false;
  new_address = 0;
  awaited_request = 0;
  incoming.start = incoming.end;
  outgoing.start = outgoing.end;
  USB_ADDR_ENDP = 0;
}

static void setup(void) {
  uint8_t packet[8];
  from_dpram(DPRAM_SETUP, packet, sizeof packet);
  bool is_in = (packet[0] & 0x80) != 0;
  bool is_class = (packet[0] & 0x60) == 0x20;
  uint32_t value = packet[2] | ((uint32_t)packet[3] << 8);
  uint32_t length = packet[6] | ((uint32_t)packet[7] << 8);
  awaited_request = 0;
  if (is_class) {
    switch (packet[1]) {
      case SET_LINE_CODING: return await_data(SET_LINE_CODING, length);
      case GET_LINE_CODING: return reply(line_coding, sizeof line_coding, length);
      case SET_CONTROL_LINE_STATE:
        opened = (value & LINE_STATE_DTR) != 0;
        return acknowledge();
      case SEND_BREAK: return acknowledge();
      default: return stall();
    }
  }
  if ((packet[0] & 0x60) != 0) return stall();
  control_data[0] = 0;
  control_data[1] = 0;
  switch (packet[1]) {
    case SET_ADDRESS:
      new_address = value & 0x7f; /* takes effect when the acknowledgement is out: 9.4.6 */
      return acknowledge();
    case GET_DESCRIPTOR:
      if (!is_in || !give_descriptor(value, length)) stall();
      return;
    case SET_CONFIGURATION:
      if (value > 1) return stall();
      if (value == 1) configure();
      else configured = false;
      return acknowledge();
    case GET_CONFIGURATION:
      control_data[0] = configured;
      return reply(control_data, 1, length);
    case GET_STATUS: return reply(control_data, 2, length);
    case GET_INTERFACE: return reply(control_data, 1, length);
    case SET_INTERFACE:
    case SET_FEATURE: return acknowledge();
    case CLEAR_FEATURE:
      /* ENDPOINT_HALT: the endpoint goes on with DATA0. */
      if ((packet[0] & 0x1f) == 2 && packet[4] == 0x82) data1_in = false;
      if ((packet[0] & 0x1f) == 2 && packet[4] == 0x02 && !out_armed) data1_out = false;
      return acknowledge();
    default: return stall();
  }
}

static void control_sent(void) {
  if (new_address != 0) {
    USB_ADDR_ENDP = new_address;
    new_address = 0;
  }
  if (!control_is_in) return;
  if (control_left > 0 || control_ends_short) send_control();
  else {
    control_is_in = false;
    hand_over(0, true, BUF_CTRL_DATA1_PID); /* the host's acknowledgement: empty, DATA1 */
  }
}

static void control_received(void) {
  if (awaited_request != SET_LINE_CODING) return;
  awaited_request = 0;
  if ((*buffer_control(0, true) & BUF_CTRL_LEN_MASK) >= sizeof line_coding)
    from_dpram(DPRAM_EP0_BUFFER, line_coding, sizeof line_coding);
  acknowledge();
}

void usb_interrupt(void) {
  uint32_t pending = USB_INTS;
  if ((pending & INT_BUS_RESET) != 0) {
    USB_SIE_STATUS = SIE_STATUS_BUS_RESET;
    forget();
  }
  if ((pending & INT_BUFF_STATUS) != 0) {
    uint32_t done = USB_BUFF_STATUS;
    USB_BUFF_STATUS = done;
    if ((done & 1) != 0) control_sent();
    if ((done & 2) != 0) control_received();
    if ((done & (1 << 4)) != 0) {
      in_busy = false;
      send_bulk();
    }
    if ((done & (1 << 5)) != 0) bulk_received();
  }
  if ((pending & INT_SETUP_REQ) != 0) {
    USB_SIE_STATUS = SIE_STATUS_SETUP_REC;
    setup();
  }
}

/* ---- for the rest of the program ---------------------------------------------------------------- */

bool usb_is_open(void) { return configured && opened; }

bool usb_has_bytes(void) { return ring_count(&incoming) > 0; }

uint32_t usb_read(uint8_t *bytes, uint32_t most) {
  uint32_t count = ring_take(&incoming, bytes, most);
  if (count > 0 && !out_armed) {
    uint32_t before = interrupts_off();
    arm_bulk();
    interrupts_restore(before);
  }
  return count;
}

uint32_t usb_write(const uint8_t *bytes, uint32_t count) {
  if (!usb_is_open()) return 0;
  uint32_t room = ring_room(&outgoing);
  if (count > room) count = room;
  ring_put(&outgoing, bytes, count);
  uint32_t before = interrupts_off();
  send_bulk();
  interrupts_restore(before);
  return count;
}

void usb_start(const char *serial) {
  strings[3] = serial;
  for (uint32_t i = 0; i < 0x1000; i += 4) REGISTER(USB_DPRAM + i) = 0;
  USB_USB_MUXING = USB_MUXING_TO_PHY | USB_MUXING_SOFTCON;
  USB_USB_PWR = USB_PWR_VBUS_DETECT | USB_PWR_VBUS_DETECT_OVERRIDE_EN;
  USB_MAIN_CTRL = MAIN_CTRL_CONTROLLER_EN;
  USB_SIE_CTRL = SIE_CTRL_EP0_INT_1BUF;
  USB_INTE = INT_BUFF_STATUS | INT_BUS_RESET | INT_SETUP_REQ;
  M0PLUS_NVIC_ISER = 1u << IRQ_USBCTRL;
  USB_SIE_CTRL = SIE_CTRL_EP0_INT_1BUF | SIE_CTRL_PULLUP_EN;
}
