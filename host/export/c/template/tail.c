/* The settles of the part's kind of neurons. */
static void settle_forward_of(wuxing *m, const wuxing_part *part) {
#if WUXING_RINGS & 1
  if (part->kind == 1) settle_forward_two(m, part, 0, 0, part->neurons);
#endif
#if WUXING_RINGS & 2
  if (part->kind == 2) settle_forward(m, part, 0, 0, part->neurons);
#endif
#if WUXING_RINGS & 4
  if (part->kind == 4) settle_forward_fine(m, part, 0, 0, part->neurons);
#endif
}

static void settle_backward_of(wuxing *m, const wuxing_part *part) {
#if WUXING_RINGS & 1
  if (part->kind == 1) settle_backward_two(m, part, 0, part->neurons);
#endif
#if WUXING_RINGS & 2
  if (part->kind == 2) settle_backward(m, part, 0, part->neurons);
#endif
#if WUXING_RINGS & 4
  if (part->kind == 4) settle_backward_fine(m, part, 0, part->neurons);
#endif
}

/* Layers with shared kernels; wuxing_init refuses them where there are none. */
static void sum_kernels_of(wuxing *m, const wuxing_part *part, const uint8_t *inputs) {
#if WUXING_RINGS & 8
  sum_kernels(m, part, inputs);
#else
  (void)m, (void)part, (void)inputs;
#endif
}

static void learn_kernels_of(wuxing *m, const wuxing_part *part) {
#if WUXING_RINGS & 8
  learn_shared(m, part, 0, 0, (int32_t)part->links);
#else
  (void)m, (void)part;
#endif
}

/* The numbers of a model, wherever they lie. */
static const wuxing_model *model_in(const wuxing_model *model, wuxing_model *copy) {
#ifdef __AVR__
  COPY_FROM_FLASH(copy, model, sizeof *copy);
  return copy;
#else
  (void)copy;
  return model;
#endif
}

size_t wuxing_size(const wuxing_model *model, bool learns) {
  wuxing_model copy;
  model = model_in(model, &copy);
  return (size_t)(learns ? model->learn_bytes : model->predict_bytes);
}

int wuxing_init(wuxing *net, const wuxing_model *model, void *memory, size_t bytes) {
#ifdef __AVR__
  model = model_in(model, &net->model_copy);
#endif
  net->model = model;
  net->memory = (uint8_t *)memory;
  net->brief = false;
  net->sample_random = 0;
  if (model->format != WUXING_FORMAT) return WUXING_ERROR_MODEL;
  if (bytes < model->predict_bytes) return WUXING_ERROR_MEMORY;
#ifndef __AVR__
  if (((uintptr_t)memory & 3u) != 0) return WUXING_ERROR_MEMORY;
#endif
  net->learns = model->learn_bytes != 0 && bytes >= model->learn_bytes;
  net->quantised = 0;
  net->coefficients = NULL;
  memset(memory, 0, (size_t)(net->learns ? model->learn_bytes : model->predict_bytes));
  for (int32_t i = 0; i < model->parts; i++) {
    const wuxing_part *part = part_at(net, i);
    if ((part->kind & (WUXING_RINGS)) == 0) return WUXING_ERROR_RINGS;
    if ((part->flags & PART_FLAG_SHARED) != 0 && ((WUXING_RINGS) & 8) == 0) return WUXING_ERROR_RINGS;
    if (part->quantised != 0 && ((WUXING_RINGS) & 16) == 0) return WUXING_ERROR_RINGS;
    if (net->learns)
      COPY_FROM_FLASH(net->memory + part->learnt, part->coefficients, (size_t)part->links * 2u);
  }
  return WUXING_OK;
}

int wuxing_predict(wuxing *net, const uint8_t *inputs) { return (int)predict_direct(net, inputs); }

int wuxing_learn(wuxing *net, const uint8_t *inputs, int label) {
  if (!net->learns) return WUXING_ERROR_FIXED;
  if (label < 0 || label >= (int)net->model->classes) return WUXING_ERROR_LABEL;
  uint8_t *samples = net->memory + net->model->state_at;
  const int32_t sample = load_i32(samples);
  const int best = (int)learn_direct(net, inputs, label, sample);
  store_i32(samples, (int32_t)((uint32_t)sample + 1u));
  return best;
}

int wuxing_output(wuxing *net, int class_number) {
  if (class_number < 0 || class_number >= (int)net->model->classes) return 0;
  const wuxing_part *part = part_at(net, (int32_t)net->model->parts - 1);
  return (int)load_i16(net->memory + part->bus_out + 2 * class_number);
}

int wuxing_lead(wuxing *net) {
  int32_t most = -32768, next = -32768;
  for (int i = 0; i < (int)net->model->classes; i++) {
    const int32_t output = (int32_t)wuxing_output(net, i);
    if (output > most) {
      next = most;
      most = output;
    } else if (output > next) {
      next = output;
    }
  }
  const int32_t lead = most - next;
  return (int)(lead > INT16_MAX ? INT16_MAX : lead);
}

void *wuxing_state(wuxing *net, size_t *bytes) {
  *bytes = net->learns ? (size_t)net->model->state_bytes : 0;
  return net->learns ? net->memory + net->model->state_at : NULL;
}
