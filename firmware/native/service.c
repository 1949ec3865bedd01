#include "service.h"

#include "board.h"
#include "bytes.h"
#include "checkpoint.h"
#include "jacdac.h"
#include "samples.h"
#include "wuxing-core.h"

enum { EMPTY = 0, LOADING = 1, READY = 2 };

static int32_t state;
static uint32_t boot;
static uint32_t handled, refused;

/* The shard being loaded. */
static int32_t bytes, received;
static int32_t expected_checksum, expected_layout, sum;

static int32_t header_i32(int32_t at) { return (int32_t)get32(arena + at); }

void answer(int32_t command, uint32_t tag, int32_t status) {
  uint8_t reply[3];
  put16(reply, tag);
  reply[2] = (uint8_t)status;
  if (status != Status_Ok) refused++;
  jacdac_report(command, reply, sizeof reply);
}

void mismatch(int32_t status, int32_t command, int32_t number, int32_t compared, int32_t got,
              int32_t expected) {
  uint8_t report[FaultField_Length];
  report[FaultField_Status] = (uint8_t)status;
  report[FaultField_Command] = (uint8_t)command;
  put32(report + FaultField_Number, (uint32_t)number);
  put32(report + FaultField_Got, (uint32_t)got);
  put32(report + FaultField_Expected, (uint32_t)expected);
  report[FaultField_Compared] = (uint8_t)compared;
  refused++;
  jacdac_report(Command_Fault, report, sizeof report);
}

void fault(int32_t status, int32_t command, int32_t number) {
  mismatch(status, command, number, Compared_Nothing, 0, 0);
}

/* Answers with an error; a payload too short for a tag gets tag 0. */
static void refuse(int32_t command, const uint8_t *p, int32_t length, int32_t status) {
  answer(command, length >= 2 ? get16(p) : 0, status);
}

/*
 * The core reads each number in one access, which needs its address aligned: true if all addresses in
 * the descriptors of the loaded shard, which must have passed isSound, are.
 */
static bool is_aligned(void) {
  static const uint8_t words[] = {Part_Sum, Part_BackOut, Part_BackIn, Part_List,
                                  Part_Delta, Part_InhibitionDelta, Part_LinkPid, Part_ElementPid};
  static const uint8_t halves[] = {Part_Start, Part_Coefficient, Part_State, Part_BusIn, Part_BusOut,
                                   Part_Lambda, Part_Noise, Part_Inhibition, Part_Rest, Part_RestBack,
                                   Part_Displacement, Part_SourceIds, Part_NeuronIds};
  if ((header_i32(Header_InputTable) & 1) != 0 || (header_i32(Header_Scratch) & 3) != 0) return false;
  int32_t parts = (int32_t)get16(arena + Header_Parts);
  for (int32_t i = 0; i < parts; i++) {
    int32_t part = partAt(i);
    for (uint32_t k = 0; k < sizeof words; k++)
      if ((header_i32(part + words[k]) & 3) != 0) return false;
    for (uint32_t k = 0; k < sizeof halves; k++)
      if ((header_i32(part + halves[k]) & 1) != 0) return false;
  }
  return true;
}

/* Ok if the memory holds a shard of `image` bytes that this board can run. */
static int32_t judge(int32_t image, int32_t layout) {
  if (get16(arena + Header_Magic) != MAGIC) return Status_BadShard;
  if (get16(arena + Header_Version) != LAYOUT_VERSION) return Status_BadVersion;
  if (header_i32(Header_Image) != image) return Status_BadShard;
  if (header_i32(Header_LayoutHash) != layout) return Status_BadShard;
  if (header_i32(Header_Size) > arena_bytes) return Status_TooLarge;
  if (!isSound(arena, arena_bytes) || !is_aligned()) return Status_BadShard;
  int32_t parts = (int32_t)get16(arena + Header_Parts);
  for (int32_t i = 0; i < parts; i++) {
    int32_t at = 0;
    while (at >= 0) {
      board_poll();
      at = checkLinks(arena, partAt(i), at);
    }
    if (at == -2) return Status_BadShard;
  }
  return hasRoom(arena, arena_bytes) ? Status_Ok : Status_TooLarge;
}

/* tag u16, protocol u16, bytes u32, checksum u32, layout hash u32 */
static void begin(const uint8_t *p, int32_t length) {
  if (length != 16) return refuse(Command_Begin, p, length, Status_BadLength);
  if (get16(p + 2) != PROTOCOL_VERSION) return refuse(Command_Begin, p, length, Status_BadVersion);
  uint32_t size = get32(p + 4);
  if (size > (uint32_t)arena_bytes) return refuse(Command_Begin, p, length, Status_TooLarge);
  if (size < Header_Length + Part_Length || (size & 1) != 0)
    return refuse(Command_Begin, p, length, Status_BadValue);
  state = LOADING;
  bytes = (int32_t)size;
  expected_checksum = (int32_t)get32(p + 8);
  expected_layout = (int32_t)get32(p + 12);
  received = 0;
  sum = 0;
  memset(arena, 0, (uint32_t)arena_bytes);
  answer(Command_Begin, get16(p), Status_Ok);
}

/* offset u32, bytes. A slice that was had before is ignored; one after a gap is refused. */
static void slice(const uint8_t *p, int32_t length) {
  if (length < 6 || (length & 1) != 0)
    return fault(Status_BadLength, Command_Slice, 0);
  uint32_t offset = get32(p);
  if (state != LOADING) return fault(Status_NoShard, Command_Slice, (int32_t)offset);
  uint32_t count = (uint32_t)length - 4;
  if (offset > (uint32_t)received || offset + count > (uint32_t)bytes)
    return mismatch(Status_OutOfRange, Command_Slice, (int32_t)offset, Compared_Offset,
                    (int32_t)offset, received);
  if (offset < (uint32_t)received) return;
  memcpy(arena + offset, p + 4, count);
  sum = checksum(arena, (int32_t)offset, (int32_t)(offset + count), sum);
  received = (int32_t)(offset + count);
}

/* tag u16: reply with received u32, checksum u32 */
static void commit(const uint8_t *p, int32_t length) {
  if (length != 2) return refuse(Command_Commit, p, length, Status_BadLength);
  int32_t status = Status_Ok;
  if (state != LOADING) status = Status_NoShard;
  else if (received != bytes) status = Status_BadChecksum;
  else {
    status = sum == expected_checksum ? judge(bytes, expected_layout) : Status_BadChecksum;
    state = EMPTY;
    if (status == Status_Ok) {
      resetSamples(arena, 0);
      state = READY;
    }
  }
  if (status != Status_Ok) refused++;
  uint8_t reply[11];
  put16(reply, get16(p));
  reply[2] = (uint8_t)status;
  put32(reply + 3, (uint32_t)received);
  put32(reply + 7, (uint32_t)sum);
  jacdac_report(Command_Commit, reply, sizeof reply);
}

/* tag u16: reply of StatusField, TimesField */
static void tell_status(const uint8_t *p, int32_t length) {
  if (length != 2) return refuse(Command_Status, p, length, Status_BadLength);
  uint8_t reply[MAX_PAYLOAD] = {0};
  uint32_t told = state == READY ? (uint32_t)tell_times(reply + StatusField_Length) : 0;
  put16(reply + StatusField_Tag, get16(p));
  reply[StatusField_State] = (uint8_t)state;
  put16(reply + StatusField_Protocol, PROTOCOL_VERSION);
  put16(reply + StatusField_Layout, LAYOUT_VERSION);
  if (state == READY) {
    put32(reply + StatusField_LayoutHash, get32(arena + Header_LayoutHash));
    put32(reply + StatusField_ShardBytes, get32(arena + Header_Size));
    put32(reply + StatusField_Updates, (uint32_t)updates);
  }
  put32(reply + StatusField_HeapBytes, board_memory());
  put32(reply + StatusField_Handled, handled);
  put32(reply + StatusField_Refused, refused);
  put32(reply + StatusField_Dropped, line_lost());
  put32(reply + StatusField_Boot, boot);
  put32(reply + StatusField_ArenaBytes, (uint32_t)arena_bytes);
  jacdac_report(Command_Status, reply, StatusField_Length + told);
}

/* tag u16, offset u32, length u16: reply with offset u32, bytes */
static void read(const uint8_t *p, int32_t length) {
  if (length != 8) return refuse(Command_Read, p, length, Status_BadLength);
  if (state != READY) return refuse(Command_Read, p, length, Status_NoShard);
  uint32_t offset = get32(p + 2);
  uint32_t count = get16(p + 6);
  uint32_t size = get32(arena + Header_Size);
  if (count > MAX_PAYLOAD - 7 || offset > size || count > size - offset)
    return refuse(Command_Read, p, length, Status_OutOfRange);
  uint8_t reply[MAX_PAYLOAD];
  put16(reply, get16(p));
  reply[2] = Status_Ok;
  put32(reply + 3, offset);
  memcpy(reply + 7, arena + offset, count);
  jacdac_report(Command_Read, reply, 7 + count);
}

/* tag u16, setting u8, value i32 */
static void set(const uint8_t *p, int32_t length) {
  if (length != 7) return refuse(Command_Set, p, length, Status_BadLength);
  if (state != READY) return refuse(Command_Set, p, length, Status_NoShard);
  int32_t value = (int32_t)get32(p + 3);
  if (p[2] == Setting_LearnShift && isSoundLearnShift(arena, value))
    put16(arena + Header_LearnShift, (uint32_t)value);
  else if (p[2] == Setting_Margin && value >= 0 && value <= 32767)
    put16(arena + Header_Margin, (uint32_t)value);
  else if (p[2] == Setting_ElementShift && isSoundElementShift(value))
    put16(arena + Header_ElementShift, (uint32_t)value);
  else return refuse(Command_Set, p, length, Status_BadValue);
  answer(Command_Set, get16(p), Status_Ok);
}

static void answer_saved(uint32_t tag, uint32_t generation) {
  uint8_t reply[7];
  put16(reply, tag);
  reply[2] = Status_Ok;
  put32(reply + 3, generation);
  jacdac_report(Command_Save, reply, sizeof reply);
}

/* tag u16, samples u32, run u32, right u32: reply with generation u32 */
static void save(const uint8_t *p, int32_t length) {
  /* A tag comes again after 65,536 others. */
  static uint32_t last_tag, last_samples, last_generation;
  if (length != 14) return refuse(Command_Save, p, length, Status_BadLength);
  if (state != READY) return refuse(Command_Save, p, length, Status_NoShard);
  /* The answer was lost, and the host asks again. */
  if (last_generation != 0 && get16(p) == last_tag && get32(p + 2) == last_samples)
    return answer_saved(last_tag, last_generation);
  uint32_t generation = 0;
  int32_t status = checkpoint_save(get32(p + 2), get32(p + 6), get32(p + 10), &generation);
  if (status != Status_Ok) return refuse(Command_Save, p, length, status);
  last_tag = get16(p);
  last_samples = get32(p + 2);
  last_generation = generation;
  answer_saved(last_tag, generation);
}

/* tag u16, before u8: reply of SavedField */
static void tell_saved(const uint8_t *p, int32_t length) {
  if (length != 3) return refuse(Command_Saved, p, length, Status_BadLength);
  if (p[2] > 1) return refuse(Command_Saved, p, length, Status_BadValue);
  checkpoint found, newest;
  if (!checkpoint_find(&newest)) return refuse(Command_Saved, p, length, Status_NoShard);
  found = newest;
  if (p[2] == 1 && !checkpoint_before(&newest, &found))
    return refuse(Command_Saved, p, length, Status_NoShard);
  uint8_t reply[SavedField_Length] = {0};
  put16(reply + SavedField_Tag, get16(p));
  put32(reply + SavedField_Generation, found.generation);
  put32(reply + SavedField_Samples, found.samples);
  put32(reply + SavedField_Updates, found.updates);
  put32(reply + SavedField_LayoutHash, found.layout_hash);
  put32(reply + SavedField_Run, found.run);
  put32(reply + SavedField_Right, found.right);
  jacdac_report(Command_Saved, reply, sizeof reply);
}

/* tag u16, generation u32. The loaded shard gets back what it had learnt then. */
static void restore(const uint8_t *p, int32_t length) {
  if (length != 6) return refuse(Command_Restore, p, length, Status_BadLength);
  if (state != READY) return refuse(Command_Restore, p, length, Status_NoShard);
  checkpoint found;
  bool have = checkpoint_find(&found);
  if (have && found.generation != get32(p + 2)) have = checkpoint_before(&found, &found);
  if (!have || found.generation != get32(p + 2))
    return refuse(Command_Restore, p, length, Status_OutOfRange);
  if (found.layout_hash != get32(arena + Header_LayoutHash))
    return refuse(Command_Restore, p, length, Status_WrongShard);
  checkpoint_load(&found);
  state = EMPTY;
  int32_t status = judge(header_i32(Header_Image), (int32_t)found.layout_hash);
  if (status != Status_Ok) return refuse(Command_Restore, p, length, status);
  resetSamples(arena, 0);
  state = READY;
  answer(Command_Restore, get16(p), Status_Ok);
}

void service_command(int32_t command, const uint8_t *p, int32_t length) {
  handled++;
  switch (command) {
    case Command_Begin: return begin(p, length);
    case Command_Slice: return slice(p, length);
    case Command_Commit: return commit(p, length);
    case Command_Status: return tell_status(p, length);
    case Command_Read: return read(p, length);
    case Command_Set: return set(p, length);
    case Command_Save: return save(p, length);
    case Command_Saved: return tell_saved(p, length);
    case Command_Restore: return restore(p, length);
    case Command_Image:
    case Command_Signals:
    case Command_Sums:
    case Command_Back: break;
    default: return fault(Status_UnknownCommand, command & 0xff, command);
  }
  if (state != READY) return fault(Status_NoShard, command, 0);
  samples(command, p, length);
}

/* What was kept before the last reset is there again. */
void service_start(void) {
  boot = board_random() & 0x7fffffff;
  checkpoint newest;
  if (!checkpoint_find(&newest)) return;
  checkpoint_load(&newest);
  if (judge(header_i32(Header_Image), (int32_t)newest.layout_hash) == Status_Ok) {
    resetSamples(arena, (int32_t)newest.updates);
    state = READY;
  } else memset(arena, 0, (uint32_t)arena_bytes);
}
