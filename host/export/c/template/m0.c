#if defined(__ARM_ARCH_6M__) && defined(__GNUC__) && !(WUXING_RINGS & 16)
/*
 * The loops in which most of the time goes, for a Cortex-M0 or M0+: eight of its registers calculate, and
 * compilers find no order of these loops that makes do with them. The same numbers as the C below. They read
 * coefficients of 16 bits.
 */
#define BY_HAND 1

typedef struct {
  const uint8_t *in, *end, *table, *start, *target;
  const uint8_t *coefficient;
  uint8_t *sum;
  int32_t salt, mask, shift, max;
  const uint8_t *first;
} m0_inputs;

#define UNUSED __attribute__((unused))

#define M0_ENTER                                                                                   \
  ".syntax unified\n push {r4-r7, lr}\n mov r4, r8\n mov r5, r9\n mov r6, r10\n mov r7, r11\n"       \
  " push {r4-r7}\n"
#define M0_LEAVE                                                                                   \
  " pop {r4-r7}\n mov r8, r4\n mov r9, r5\n mov r10, r6\n mov r11, r7\n pop {r4-r7, pc}\n"

/*
 * At 5: the input at r6 is zero; goes to 1 with the next that is not, in r6, or to 9 if there is none.
 * Eight at a time where they begin at a whole word. Needs r4, r5, r7, and in the stack's first place the
 * inputs' m0_inputs.
 */
#define M0_NEXT_INPUT                                                                              \
  "5: ldr r5, [sp]\n ldr r5, [r5, #4]\n"                                                           \
  "6: adds r6, #1\n cmp r6, r5\n beq 9f\n lsls r7, r6, #30\n beq 7f\n"                             \
  " ldrb r7, [r6]\n cmp r7, #0\n beq 6b\n b 1b\n"                                                  \
  "7: subs r5, #7\n"                                                                               \
  "8: cmp r6, r5\n bhs 10f\n ldmia r6!, {r4, r7}\n orrs r4, r4, r7\n beq 8b\n subs r6, #8\n"        \
  "10: adds r5, #7\n"                                                                              \
  "14: cmp r6, r5\n beq 9f\n ldrb r7, [r6]\n cmp r7, #0\n bne 1b\n adds r6, #1\n b 14b\n"

/*
 * sum[target] += signal · coefficient for all links of all inputs; `start` less twice the inputs' address.
 * r0 c, r1 counts links, r2 t, r3 sum, r4 signal, r5-r7 free; r8 in, r9 end, r10 table, r11 target,
 * r12 next, lr start.
 */
__attribute__((naked, noinline)) static void m0_sum_inputs(const m0_inputs *all UNUSED) {
  __asm__ volatile(
      M0_ENTER
      " push {r0}\n"
      " ldmia r0!, {r1-r5}\n"
      " mov r8, r1\n mov r9, r2\n mov r10, r3\n mov lr, r4\n mov r11, r5\n"
      " ldr r3, [r0, #4]\n"
      " mov r6, r8\n"
      " cmp r6, r9\n"
      " beq 9f\n"
      " ldrb r7, [r6]\n"
      " cmp r7, #0\n"
      " beq 5f\n"
      /* A run of inputs that are not zero begins at r6. */
      "1: lsls r5, r6, #1\n"
      " add r5, lr\n"
      " mov r12, r5\n"
      " ldrh r7, [r5]\n"
      " mov r2, r11\n"
      " adds r2, r2, r7\n"
      " ldr r0, [sp]\n"
      " ldr r0, [r0, #20]\n"
      " lsls r7, r7, #1\n"
      " adds r0, r0, r7\n"
      " ldrb r7, [r6]\n"
      /* An input, of the value r7. */
      "2: adds r6, #1\n"
      " mov r8, r6\n"
      " lsls r7, r7, #1\n"
      " mov r6, r10\n"
      " ldrsh r4, [r6, r7]\n"
      " mov r6, r12\n"
      " adds r6, #2\n"
      " mov r12, r6\n"
      " ldrh r7, [r6]\n"
      " add r7, r11\n"
      " subs r1, r2, r7\n" /* as many links, negative */
      " beq 4f\n"
      " lsls r1, r1, #1\n"
      " subs r0, r0, r1\n"
      "3: ldrsh r5, [r0, r1]\n"
      " ldrb r6, [r2]\n"
      " muls r5, r4, r5\n"
      " lsls r6, r6, #2\n"
      " ldr r7, [r3, r6]\n"
      " adds r2, #1\n"
      " adds r7, r7, r5\n"
      " str r7, [r3, r6]\n"
      " adds r1, #2\n"
      " bmi 3b\n"
      "4: mov r6, r8\n"
      " cmp r6, r9\n"
      " beq 9f\n"
      " ldrb r7, [r6]\n"
      " cmp r7, #0\n"
      " bne 2b\n"
      M0_NEXT_INPUT
      "9: pop {r0}\n"
      M0_LEAVE);
}

/*
 * The links of all inputs learn: w = packed[target] = lambda * 2^16 + noise;
 * c += (signal * lambda + ((w + salt) & mask)) >> shift, not past max.
 * r0 end of the input's c, r1 counts its links, r2 packed, r3 signal, r4-r6 free, r7 t; r8 in, r9 salt,
 * r10 mask, r11 shift, r12 max, lr 2 * max.
 */
__attribute__((naked, noinline)) static void m0_learn_inputs(const m0_inputs *all UNUSED) {
  __asm__ volatile(
      M0_ENTER
      " push {r0}\n"
      " mov r7, r0\n"
      " ldr r2, [r7, #24]\n"
      " ldr r4, [r7, #32]\n mov r10, r4\n"
      " ldr r4, [r7, #36]\n mov r11, r4\n"
      " ldr r4, [r7, #40]\n mov r12, r4\n"
      " lsls r4, r4, #1\n mov lr, r4\n"
      " ldr r6, [r7, #0]\n"
      " ldr r5, [r7, #4]\n"
      " cmp r6, r5\n"
      " beq 9f\n"
      " ldrb r4, [r6]\n"
      " cmp r4, #0\n"
      " beq 5f\n"
      /* A run of inputs that are not zero begins at r6. */
      "1: ldr r7, [sp]\n"
      " ldr r5, [r7, #44]\n"
      " subs r5, r6, r5\n"
      " ldr r4, [r7, #28]\n"
      " muls r4, r5, r4\n"
      " mov r9, r4\n"
      " lsls r5, r6, #1\n"
      " ldr r4, [r7, #12]\n"
      " ldrh r4, [r4, r5]\n"
      " ldr r0, [r7, #20]\n"
      " lsls r5, r4, #1\n"
      " adds r0, r0, r5\n"
      " ldr r7, [r7, #16]\n"
      " adds r7, r7, r4\n"
      " ldrb r4, [r6]\n"
      /* An input at r6, of the value r4. */
      "2: ldr r5, [sp]\n"
      " ldr r1, [r5, #8]\n"
      " lsls r4, r4, #1\n"
      " ldrsh r3, [r1, r4]\n"
      " adds r6, #1\n"
      " mov r8, r6\n"
      " lsls r6, r6, #1\n"
      " ldr r4, [r5, #12]\n"
      " ldrh r4, [r4, r6]\n"
      " ldr r6, [r5, #16]\n"
      " adds r4, r4, r6\n"
      " subs r1, r7, r4\n" /* as many links, negative */
      " beq 4f\n"
      " lsls r1, r1, #1\n"
      " subs r0, r0, r1\n"
      "3: ldrb r6, [r7]\n"
      " adds r7, #1\n"
      " lsls r6, r6, #2\n"
      " ldr r4, [r2, r6]\n"
      " asrs r6, r4, #16\n"
      " beq 11f\n"
      " muls r6, r3, r6\n"
      " add r4, r9\n"
      " mov r5, r10\n"
      " ands r4, r5\n"
      " adds r6, r6, r4\n"
      " mov r5, r11\n"
      " asrs r6, r5\n"
      " beq 11f\n"
      " ldrsh r5, [r0, r1]\n"
      " adds r6, r6, r5\n"
      " mov r4, r12\n"
      " adds r4, r4, r6\n"
      " cmp r4, lr\n"
      " bhi 12f\n"
      "13: strh r6, [r0, r1]\n"
      "11: adds r1, #2\n"
      " bmi 3b\n"
      " ldr r5, [sp]\n"
      "4: ldr r4, [r5, #28]\n"
      " add r9, r4\n"
      " mov r6, r8\n"
      " ldr r5, [r5, #4]\n"
      " cmp r6, r5\n"
      " beq 9f\n"
      " ldrb r4, [r6]\n"
      " cmp r4, #0\n"
      " bne 2b\n"
      " b 5f\n"
      /* Past a clamp: the lower one where the sum with max is negative. */
      "12: mov r6, r12\n"
      " cmp r4, #0\n"
      " bge 13b\n"
      " rsbs r6, r6, #0\n"
      " b 13b\n"
      M0_NEXT_INPUT
      "9: pop {r0}\n"
      M0_LEAVE);
}

/*
 * A row of dense links learns, back[source] += c * lambda for each c as it was:
 * c += (signal * lambda + (noise & mask)) >> shift, not past max.
 */
typedef struct {
  const uint8_t *last; /* of the signals */
  uint8_t *end;        /* of the coefficients */
  uint8_t *back;
  int32_t bytes, lambda, noise, mask, shift, max; /* bytes of the row, negative */
} m0_row;

/*
 * r0 end of c, r1 of the bus, r2 back, r3 counts links, r4 lambda, r5-r7 free; r8 noise, r9 mask,
 * r10 shift, r11 max, r12 2 * max, lr SOURCE_SALT.
 */
__attribute__((naked, noinline)) static void m0_learn_row(const m0_row *row UNUSED) {
  __asm__ volatile(
      M0_ENTER
      " ldr r1, =40503\n mov lr, r1\n"
      " ldmia r0!, {r1-r7}\n"
      " mov r8, r6\n mov r9, r7\n"
      " ldmia r0!, {r6, r7}\n"
      " mov r10, r6\n mov r11, r7\n"
      " lsls r7, r7, #1\n mov r12, r7\n"
      " mov r0, r2\n mov r2, r3\n mov r3, r4\n mov r4, r5\n"
      "1: ldrsh r5, [r1, r3]\n"
      " muls r5, r4, r5\n"
      " mov r6, r8\n"
      " mov r7, r9\n"
      " ands r7, r6\n"
      " add r6, lr\n"
      " mov r8, r6\n"
      " adds r5, r5, r7\n"
      " mov r7, r10\n"
      " asrs r5, r7\n"
      " ldrsh r6, [r0, r3]\n"
      " adds r5, r5, r6\n"
      " muls r6, r4, r6\n"
      " ldr r7, [r2]\n"
      " adds r7, r7, r6\n"
      " stmia r2!, {r7}\n"
      " mov r6, r11\n"
      " adds r6, r6, r5\n"
      " cmp r6, r12\n"
      " bhi 2f\n"
      "3: strh r5, [r0, r3]\n"
      " adds r3, #2\n"
      " bmi 1b\n"
      M0_LEAVE
      "2: mov r5, r11\n"
      " cmp r6, #0\n"
      " bge 3b\n"
      " rsbs r5, r5, #0\n"
      " b 3b\n"
      " .ltorg\n");
}

/* Sum of the products of as many signals and coefficients, a multiple of four and not none. */
__attribute__((naked, noinline)) static int32_t m0_dot(const uint8_t *bus UNUSED,
                                                       const uint8_t *last UNUSED,
                                                       const uint8_t *c UNUSED) {
  __asm__ volatile(
      ".syntax unified\n"
      " push {r4-r7, lr}\n"
      " mov r12, r1\n"
      " movs r1, #0\n"
      "1: ldmia r0!, {r3, r4}\n"
      " ldmia r2!, {r5, r6}\n"
      " sxth r7, r3\n"
      " mov lr, r7\n"
      " sxth r7, r5\n"
      " asrs r3, r3, #16\n"
      " asrs r5, r5, #16\n"
      " muls r3, r5, r3\n"
      " adds r1, r1, r3\n"
      " mov r3, lr\n"
      " muls r3, r7, r3\n"
      " adds r1, r1, r3\n"
      " sxth r3, r4\n"
      " sxth r5, r6\n"
      " muls r3, r5, r3\n"
      " adds r1, r1, r3\n"
      " asrs r4, r4, #16\n"
      " asrs r6, r6, #16\n"
      " muls r4, r6, r4\n"
      " adds r1, r1, r4\n"
      " cmp r0, r12\n"
      " bne 1b\n"
      " mov r0, r1\n"
      " pop {r4-r7, pc}\n");
}

static void by_hand_of(wuxing *m, const wuxing_part *part, const uint8_t *inputs, m0_inputs *all) {
  all->in = all->first = inputs;
  all->end = inputs + m->model->width;
  all->table = (const uint8_t *)m->model->input_table;
  all->start = (const uint8_t *)((uintptr_t)part->start - 2 * (uintptr_t)inputs);
  all->target = part->target;
  all->coefficient = coefficients_of(m, part);
  all->sum = m->memory + part->sum;
}

/* Does it for a network with one signal an input; false otherwise. */
static bool sum_by_hand(wuxing *m, const wuxing_part *part, const uint8_t *inputs) {
  if (m->model->input_signals != 1) return false;
  m0_inputs all;
  by_hand_of(m, part, inputs, &all);
  m0_sum_inputs(&all);
  return true;
}

/* The same for rates that noise can round. */
static bool learn_by_hand(wuxing *m, const wuxing_part *part, const uint8_t *inputs) {
  const int32_t shift = m->model->learn_shift + part->finer;
  if (m->model->input_signals != 1 || shift > 16) return false;
  m0_inputs all;
  by_hand_of(m, part, inputs, &all);
  all.salt = 40503;
  all.shift = shift;
  all.mask = (int32_t)(((uint32_t)1 << all.shift) - 1u);
  all.max = m->model->coefficient_max;
  m0_learn_inputs(&all);
  return true;
}

static bool row_by_hand(wuxing *m, uint8_t *c, uint8_t *bus, uint8_t *last, uint8_t *back, int32_t w,
                        int32_t mask, int32_t shift, int32_t max) {
  (void)m;
  if (bus == last) return true;
  const int32_t bytes = (int32_t)(last - bus);
  const m0_row row = {last, c + bytes, back, -bytes, w >> 16, w & 0xffff, mask, shift, max};
  m0_learn_row(&row);
  return true;
}

static int32_t dot_fours(wuxing *m, uint8_t *bus, uint8_t *last, const uint8_t *c) {
  (void)m;
  return bus == last ? 0 : m0_dot(bus, last, c);
}
#else
#define sum_by_hand(m, part, inputs) false
#define learn_by_hand(m, part, inputs) false
#define row_by_hand(m, c, bus, last, back, w, mask, shift, max) false
#endif
