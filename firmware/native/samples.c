/*
 * Forward as images and signals come in, backward as errors do. What can run, runs; what must wait for
 * another board's signals or backward sums waits. It follows firmware/samples.ts step by step.
 */
#include "samples.h"

#include "board.h"
#include "bytes.h"
#include "jacdac.h"
#include "memory.h"
#include "service.h"
#include "wuxing-core.h"

enum { NONE = -1, MOST_SIGNALS = (MAX_PAYLOAD - SignalsField_Length) / 2 };

int32_t updates;

static int32_t parts, slots;
/* The highest layer this shard computes. */
static int32_t layers;

/* Per layer: signals other boards compute; where this shard's own begin and end. */
static uint16_t remote[MOST_LAYERS + 1], own_first[MOST_LAYERS + 1], own_end[MOST_LAYERS + 1];
/* Per slot: the sample in it, the next part to run forward; per layer signals received. */
static int32_t slot_sample[MOST_SLOTS];
static uint8_t slot_next[MOST_SLOTS];
static uint16_t slot_got[MOST_SLOTS][MOST_LAYERS + 1];
/* Per layer: whether the backward sums of other boards are complete. */
static bool back_complete[MOST_LAYERS + 1];
/* Per layer: messages with backward sums of the sample in hand so far, modulo 256. */
static uint8_t back_number[MOST_LAYERS + 1];
/* Per part: samples gathered for one report, and where in the arena it is (0: it reports nothing). */
static uint8_t gathered_count[MOST_PARTS];
static int32_t gathered_at[MOST_PARTS];

/* The image being received, as its first slice announced it. */
static int32_t image_sample, image_pixel, image_label;
static bool image_learns;

/* The sample being learnt, its label, the next part to run backward. */
static int32_t learn_sample, learn_label, learn_next;

/* As TimesField has it; see firmware/times.ts. */
uint8_t times[TimesField_OfLayers + MOST_TIMED * LayerTimes_Length];
static uint32_t since;

static void time_layers(void) {
  put16(times + TimesField_Tick, 1);
  times[TimesField_Layers] = (uint8_t)least_of(layers, MOST_TIMED);
}

int32_t times_length(void) { return TimesField_OfLayers + times[TimesField_Layers] * LayerTimes_Length; }

void start_clock(void) { since = board_micros(); }

/* What went on until now was this: a field of TimesField, of a layer the first one's. */
static void lap(int32_t field, int32_t above) {
  uint32_t now = board_micros();
  uint32_t at = (uint32_t)(field + above * LayerTimes_Length);
  if (at < sizeof times) put32(times + at, get32(times + at) + now - since);
  since = now;
}

static void count_one(int32_t field) { put32(times + field, get32(times + field) + 1); }

static int32_t u16_of(int32_t part, int32_t field) { return load_u16(arena + part + field); }
static int32_t i32_of(int32_t part, int32_t field) { return load_i32(arena + part + field); }
static bool has(int32_t part, int32_t flag) { return (u16_of(part, Part_Flags) & flag) != 0; }
static bool reports(int32_t part) { return has(part, PartFlag_Report | PartFlag_Output); }
static bool takes_pixels(void) { return has(partAt(0), PartFlag_Input); }
static int32_t signals_of(int32_t part) { return u16_of(part, Part_Neurons) * u16_of(part, Part_Outputs); }

bool has_room(void) {
  int32_t bytes = load_i32(arena + Header_Size);
  int32_t count = load_u16(arena + Header_Parts);
  for (int32_t i = 0; i < count; i++)
    if (reports(partAt(i))) bytes += MAX_PAYLOAD;
  return bytes <= arena_bytes;
}

static void empty_slot(int32_t slot) {
  slot_sample[slot] = NONE;
  slot_next[slot] = (uint8_t)parts;
}

void reset_samples(void) {
  parts = load_u16(arena + Header_Parts);
  slots = load_u16(arena + Header_Slots);
  layers = u16_of(partAt(parts - 1), Part_Layer);
  time_layers();
  updates = 0;
  image_sample = NONE;
  learn_sample = NONE;
  memset(remote, 0, sizeof remote);
  memset(own_first, 0, sizeof own_first);
  memset(own_end, 0, sizeof own_end);
  memset(gathered_count, 0, sizeof gathered_count);
  int32_t space = load_i32(arena + Header_Size);
  int32_t before = 0;
  for (int32_t i = 0; i < parts; i++) {
    int32_t part = partAt(i);
    int32_t layer = u16_of(part, Part_Layer);
    int32_t first = u16_of(part, Part_BusOutFirst);
    /* One layer's parts are one range, ascending: see src/core/check.ts. */
    if (layer != before) own_first[layer] = (uint16_t)first;
    own_end[layer] = (uint16_t)(first + signals_of(part));
    before = layer;
    gathered_at[i] = 0;
    if (reports(part)) {
      gathered_at[i] = space;
      space += MAX_PAYLOAD;
    }
  }
  for (int32_t i = 0; i < parts; i++) {
    int32_t part = partAt(i);
    int32_t below = u16_of(part, Part_Layer) - 1;
    if (has(part, PartFlag_Await))
      remote[below] = (uint16_t)(u16_of(part, Part_BusInWidth) - own_end[below] + own_first[below]);
    /* Outputs that other boards compute: the error needs them all. */
    if (has(part, PartFlag_Output))
      remote[layers] = (uint16_t)(u16_of(part, Part_BusOutWidth) - own_end[layers] + own_first[layers]);
  }
  for (int32_t slot = 0; slot < slots; slot++) empty_slot(slot);
}

static void send_gathered(int32_t index) {
  const uint8_t *at = arena + gathered_at[index];
  uint32_t bytes = (uint32_t)(at[SignalsField_Count] * gathered_count[index] * 2 + SignalsField_Length);
  gathered_count[index] = 0;
  jacdac_report(Command_Signals, at, bytes);
  lap(TimesField_Reports, 0);
}

static void flush(void) {
  for (int32_t i = 0; i < parts; i++)
    if (gathered_count[i] > 0) send_gathered(i);
}

static void begin_report(uint8_t *at, int32_t part, int32_t sample, int32_t count, int32_t from) {
  put32(at + SignalsField_Sample, (uint32_t)sample);
  at[SignalsField_Layer] = (uint8_t)u16_of(part, Part_Layer);
  at[SignalsField_Count] = (uint8_t)count;
  put16(at + SignalsField_First, (uint32_t)(u16_of(part, Part_BusOutFirst) + from));
}

/* Adds the signals of a part to its report, which goes out when full or at the next flush. */
static void gather(int32_t index, int32_t slot) {
  int32_t part = partAt(index);
  int32_t count = signals_of(part);
  uint8_t *at = arena + gathered_at[index];
  const uint8_t *bus =
      arena + i32_of(part, Part_BusOut) +
      2 * (slot * u16_of(part, Part_BusOutWidth) + u16_of(part, Part_BusOutFirst));
  int32_t sample = slot_sample[slot];
  if (count > MOST_SIGNALS) {
    /* One sample does not fit one message: several, each a range of the layer. */
    for (int32_t from = 0; from < count; from += MOST_SIGNALS) {
      int32_t n = least_of(MOST_SIGNALS, count - from);
      begin_report(at, part, sample, n, from);
      memcpy(at + SignalsField_Length, bus + 2 * from, (uint32_t)(2 * n));
      gathered_count[index] = 1;
      send_gathered(index);
    }
    return;
  }
  int32_t held = gathered_count[index];
  if (held > 0 && ((int32_t)get32(at + SignalsField_Sample) + held != sample ||
                   (held + 1) * count > MOST_SIGNALS))
    send_gathered(index);
  int32_t place = gathered_count[index];
  if (place == 0) begin_report(at, part, sample, count, 0);
  memcpy(at + SignalsField_Length + 2 * place * count, bus, (uint32_t)(2 * count));
  gathered_count[index] = (uint8_t)(place + 1);
}

/*
 * Reports the backward sums of the signals other shards computed; without any, only the outcome. Own
 * signals are jumped over.
 */
static void report_back(int32_t part, int32_t sample, int32_t predicted) {
  enum { MOST = (MAX_PAYLOAD - BackField_Length) / 4 };
  uint8_t report[MAX_PAYLOAD];
  int32_t layer = u16_of(part, Part_Layer) - 1;
  int32_t width = has(part, PartFlag_Await) ? u16_of(part, Part_BusInWidth) : 0;
  int32_t first = own_first[layer];
  int32_t end = own_end[layer];
  int32_t from = first == 0 && width > 0 ? end : 0;
  for (;;) {
    int32_t stop = from < first ? first : width;
    int32_t n = least_of(MOST, stop - from);
    int32_t next = from + n;
    if (next == first) next = end;
    put32(report + BackField_Sample, (uint32_t)sample);
    report[BackField_Layer] = (uint8_t)layer;
    report[BackField_Flags] = BackFlag_Learned | (next >= width ? BackFlag_Last : 0);
    put16(report + BackField_First, (uint32_t)from);
    put16(report + BackField_Predicted, (uint32_t)predicted);
    memcpy(report + BackField_Length, arena + i32_of(part, Part_BackOut) + 4 * from, (uint32_t)(4 * n));
    jacdac_report(Command_Back, report, (uint32_t)(BackField_Length + 4 * n));
    lap(TimesField_Reports, 0);
    if (next >= width) return;
    from = next;
  }
}

/* Runs backward whatever part has all it needs; the sample is learnt when none is left. */
static void learn_back(int32_t slot, int32_t predicted) {
  int32_t sample = learn_sample;
  while (learn_next >= 0) {
    int32_t part = partAt(learn_next);
    int32_t layer = u16_of(part, Part_Layer);
    if (has(part, PartFlag_Report) && !back_complete[layer]) return;
    bool settled = false;
    for (int32_t at = 0; at >= 0; board_poll()) {
      at = backward(arena, part, slot, at);
      if (at >= PHASE && !settled) {
        settled = true;
        lap(TimesField_OfLayers + LayerTimes_Backward, layer - 1);
      }
    }
    lap(TimesField_OfLayers + LayerTimes_Learn, layer - 1);
    learn_next--;
    bool layer_done = learn_next < 0 || u16_of(partAt(learn_next), Part_Layer) != layer;
    if (learn_next < 0) {
      /* Counted before the report below: when the host has that, the sample is learnt. */
      updates++;
      count_one(TimesField_Learnt);
      learn_sample = NONE;
    }
    if (layer_done && has(part, PartFlag_Await | PartFlag_Output)) report_back(part, sample, predicted);
  }
}

/* The output is there and the label known: the error, and what follows from it. */
static void learn(int32_t part, int32_t slot) {
  int32_t predicted = readout(arena, part, slot);
  if (outputError(arena, part, slot, learn_label)) {
    learn_back(slot, predicted);
    return;
  }
  uint8_t report[BackField_Length] = {0};
  put32(report + BackField_Sample, (uint32_t)learn_sample);
  report[BackField_Layer] = (uint8_t)(layers - 1);
  report[BackField_Flags] = BackFlag_Last;
  report[BackField_Predicted] = (uint8_t)predicted;
  learn_sample = NONE;
  jacdac_report(Command_Back, report, sizeof report);
}

/* Do outputs that other boards compute still have to come? */
static bool outputs_missing(int32_t slot) { return slot_got[slot][layers] < remote[layers]; }

/* Runs forward whatever part has all it needs; with all outputs there, the error goes back. */
static void advance(int32_t slot) {
  while (slot_next[slot] < parts) {
    int32_t index = slot_next[slot];
    int32_t part = partAt(index);
    int32_t below = u16_of(part, Part_Layer) - 1;
    if (has(part, PartFlag_Await) && slot_got[slot][below] < remote[below]) return;
    for (int32_t at = 0; at >= 0; board_poll()) at = forward(arena, part, slot, at);
    lap(TimesField_OfLayers + LayerTimes_Forward, below);
    slot_next[slot] = (uint8_t)(index + 1);
    bool learns = learn_sample != NONE && learn_sample == slot_sample[slot];
    /* Of a sample that is learnt, outputs are for the other boards that have some. */
    if (has(part, PartFlag_Output) && learns && remote[layers] == 0) continue;
    if (gathered_at[index] > 0) gather(index, slot);
  }
  if (learn_sample == NONE || learn_sample != slot_sample[slot]) return;
  int32_t last = partAt(parts - 1);
  if (!has(last, PartFlag_Output)) return;
  if (remote[layers] > 0) {
    flush();
    if (outputs_missing(slot)) return;
  }
  learn(last, slot);
}

/* Command image: ImageField, runs. */
void take_image(const uint8_t *p, int32_t length) {
  if (length < ImageField_Length) return fault(Status_BadLength, Command_Image, 0);
  int32_t sample = (int32_t)get32(p + ImageField_Sample);
  int32_t flags = p[ImageField_Flags];
  bool learns = (flags & ImageFlag_Learn) != 0;
  int32_t label = p[ImageField_Label];
  if (sample < 0 || flags > 15) return fault(Status_BadValue, Command_Image, sample);
  int32_t slot = sample % slots;
  if ((flags & ImageFlag_First) != 0) {
    image_sample = NONE;
    int32_t before = (int32_t)get32(p + ImageField_Updates);
    if (learns && before != updates)
      return mismatch(Status_OutOfOrder, Command_Image, sample, Compared_Updates, before, updates);
    int32_t last = partAt(parts - 1);
    int32_t classes = u16_of(last, Part_BusOutWidth);
    if (learns && has(last, PartFlag_Output) && label >= classes)
      return mismatch(Status_BadValue, Command_Image, sample, Compared_Label, label, classes);
    image_sample = sample;
    image_pixel = 0;
    image_learns = learns;
    image_label = label;
    learn_sample = NONE;
    slot_sample[slot] = sample;
    slot_next[slot] = 0;
    memset(slot_got[slot], 0, sizeof slot_got[slot]);
    if (takes_pixels()) clearImage(arena, partAt(0));
  }
  if (image_sample != sample)
    return mismatch(Status_OutOfOrder, Command_Image, sample, Compared_Sample, sample, image_sample);
  int32_t pixel = (int32_t)get16(p + ImageField_Pixel);
  if (pixel != image_pixel)
    return mismatch(Status_OutOfOrder, Command_Image, sample, Compared_Pixel, pixel, image_pixel);
  int32_t status = Status_Ok;
  /* Every slice says the same of its sample: the first one's word was checked. */
  if (learns != image_learns || label != image_label) status = Status_BadValue;
  else if (takes_pixels()) {
    /* The core's memories are not const, but it only reads the runs. */
    image_pixel =
        activateRuns(arena, partAt(0), (uint8_t *)(uintptr_t)p, ImageField_Length, length, image_pixel);
    if (image_pixel < 0) status = Status_BadImage;
  }
  if (status != Status_Ok) {
    image_sample = NONE;
    empty_slot(slot);
    return fault(status, Command_Image, sample);
  }
  if (takes_pixels()) lap(TimesField_Images, 0);
  if ((flags & ImageFlag_Last) == 0) return;
  image_sample = NONE;
  count_one(TimesField_Samples);
  if (learns) {
    learn_sample = sample;
    learn_label = label;
    learn_next = parts - 1;
    memset(back_complete, 0, sizeof back_complete);
    memset(back_number, 0, sizeof back_number);
    beginLearning(arena, sample);
  }
  advance(slot);
  if (learns || (flags & ImageFlag_Flush) != 0) flush();
}

/* A part that reads the signals of `layer`. */
static int32_t reader_of(int32_t layer) {
  int32_t part = partAt(0);
  for (int32_t i = 0; i < parts; i++)
    if (u16_of(partAt(i), Part_Layer) == layer + 1) part = partAt(i);
  return part;
}

/* Command signals: SignalsField, then `count` i16 for each sample. */
void take_signals(const uint8_t *p, int32_t length) {
  if (length < SignalsField_Length) return fault(Status_BadLength, Command_Signals, 0);
  int32_t sample = (int32_t)get32(p + SignalsField_Sample);
  int32_t layer = p[SignalsField_Layer];
  int32_t count = p[SignalsField_Count];
  int32_t first = (int32_t)get16(p + SignalsField_First);
  int32_t bytes = 2 * count;
  int32_t values = length - SignalsField_Length;
  if (count < 1 || values < bytes || values % bytes != 0)
    return fault(Status_BadLength, Command_Signals, sample);
  if (sample < 0) return fault(Status_BadValue, Command_Signals, sample);
  if (layer < 1 || layer > layers || remote[layer] == 0)
    return mismatch(Status_WrongShard, Command_Signals, sample, Compared_Layer, layer, layers);
  /* Outputs are read by no part: the error is made of them where they are. */
  bool outputs = layer == layers;
  int32_t reader = outputs ? partAt(parts - 1) : reader_of(layer);
  int32_t width = u16_of(reader, outputs ? Part_BusOutWidth : Part_BusInWidth);
  int32_t end = first + count;
  if (end > width || (first < own_end[layer] && end > own_first[layer]))
    return mismatch(Status_OutOfRange, Command_Signals, sample, Compared_Place, first, width);
  int32_t samples = values / bytes;
  for (int32_t i = 0; i < samples; i++) {
    /* As on the other boards, where the number grows past 2^31 without wrapping. */
    int32_t slot = (int32_t)(((uint32_t)sample + (uint32_t)i) % (uint32_t)slots);
    /*
     * They come in the order of their places, own ones left out: one that comes twice must not stand
     * in for one that is lost.
     */
    int32_t next = slot_got[slot][layer];
    if (next >= own_first[layer]) next += own_end[layer] - own_first[layer];
    int32_t total = slot_got[slot][layer] + count;
    /* Signals that were had already may have been used: the learning step must find the same. */
    int32_t number = (int32_t)((uint32_t)sample + (uint32_t)i);
    if (sample > INT32_MAX - i || slot_sample[slot] != number)
      return mismatch(Status_OutOfOrder, Command_Signals, number, Compared_Sample, number,
                      slot_sample[slot]);
    if (first != next)
      return mismatch(Status_OutOfOrder, Command_Signals, number, Compared_FirstSignal, first, next);
    if (total > remote[layer])
      return mismatch(Status_OutOfOrder, Command_Signals, number, Compared_SignalCount, total,
                      remote[layer]);
    uint8_t *bus =
        arena + i32_of(reader, outputs ? Part_BusOut : Part_BusIn) + 2 * (slot * width + first);
    memcpy(bus, p + SignalsField_Length + i * bytes, (uint32_t)bytes);
    slot_got[slot][layer] = (uint16_t)total;
    /* While its image still comes in, a sample waits. */
    if (image_sample != sample + i) advance(slot);
  }
  flush();
}

/* Command back: BackField, then i32 sums, or with BackFlag.Listed each behind its signal's u16. */
void take_back(const uint8_t *p, int32_t length) {
  if (length < BackField_Length) return fault(Status_BadLength, Command_Back, 0);
  bool listed = (p[BackField_Flags] & BackFlag_Listed) != 0;
  int32_t bytes = length - BackField_Length;
  if (listed ? bytes % 6 != 0 : (bytes & 3) != 0) return fault(Status_BadLength, Command_Back, 0);
  int32_t sample = (int32_t)get32(p + BackField_Sample);
  int32_t layer = p[BackField_Layer];
  int32_t first = (int32_t)get16(p + BackField_First);
  if (sample < 0) return fault(Status_BadValue, Command_Back, sample);
  int32_t slot = sample % slots;
  if (sample != learn_sample)
    return mismatch(Status_OutOfOrder, Command_Back, sample, Compared_Sample, sample, learn_sample);
  if (slot_next[slot] < parts)
    return mismatch(Status_OutOfOrder, Command_Back, sample, Compared_NextPart, slot_next[slot], parts);
  if (outputs_missing(slot))
    return mismatch(Status_OutOfOrder, Command_Back, sample, Compared_SignalCount,
                    slot_got[slot][layers], remote[layers]);
  int32_t owner = NONE;
  for (int32_t i = 0; i < parts; i++)
    if (u16_of(partAt(i), Part_Layer) == layer) owner = partAt(i);
  if (owner == NONE || !has(owner, PartFlag_Report))
    return mismatch(Status_WrongShard, Command_Back, sample, Compared_Layer, layer, layers);
  int32_t width = u16_of(owner, Part_BusOutWidth);
  int32_t most = first + bytes / 4 - 1;
  if (listed) {
    most = 0;
    for (int32_t i = BackField_Length; i < length; i += 6)
      if ((int32_t)get16(p + i) > most) most = (int32_t)get16(p + i);
  }
  if (most >= width) return mismatch(Status_OutOfRange, Command_Back, sample, Compared_Place, most, width);
  if (back_complete[layer] || p[BackField_Number] != back_number[layer])
    return mismatch(Status_OutOfOrder, Command_Back, sample, Compared_Message, p[BackField_Number],
                    back_complete[layer] ? NONE : back_number[layer]);
  back_number[layer]++;
  uint8_t *sums = arena + i32_of(owner, Part_BackIn);
  for (int32_t i = BackField_Length; i < length; i += listed ? 6 : 4) {
    uint8_t *at = sums + 4 * (listed ? (int32_t)get16(p + i) : first++);
    put32(at, get32(at) + get32(p + i + (listed ? 2 : 0)));
  }
  if ((p[BackField_Flags] & BackFlag_Last) == 0) return;
  back_complete[layer] = true;
  learn_back(slot, 255);
}
