
static const uint8_t *plan_of(const spiking_model *model) {
  return (const uint8_t *)model->plan;
}

static size_t learnt_bytes(const spiking_model *model) {
  return (size_t)load_i32(plan_of(model) + SPIKE_PLAN_LEARNT_BYTES);
}

size_t spiking_size(const spiking_model *model, bool learns) {
  return learns ? model->learn_bytes : model->predict_bytes;
}

int spiking_init(spiking *net, const spiking_model *model, void *memory, size_t bytes) {
  net->model = NULL;
  net->learns = false;
  if (model->format != SPIKING_FORMAT || load_u16(plan_of(model)) != SPIKING_FORMAT)
    return SPIKING_ERROR_MODEL;
  if (((uintptr_t)memory & 3u) != 0 || bytes < model->predict_bytes) return SPIKING_ERROR_MEMORY;
  net->model = model;
  net->memory = (uint8_t *)memory;
  net->learns = model->learn_bytes > 0 && bytes >= model->learn_bytes;
  memset(memory, 0, net->learns ? model->learn_bytes : model->predict_bytes);
  if (net->learns) begin_spike_learning(plan_of(model), net->memory);
  return SPIKING_OK;
}

int spiking_predict(spiking *net, const uint8_t *inputs) {
  return (int)classify_spikes(plan_of(net->model), net->memory, net->learns, inputs, 0);
}

int spiking_learn(spiking *net, const uint8_t *inputs, int label) {
  if (!net->learns) return SPIKING_ERROR_FIXED;
  if (label < 0 || label >= net->model->classes) return SPIKING_ERROR_LABEL;
  return (int)learn_spikes(plan_of(net->model), net->memory, inputs, 0, label);
}

int spiking_output(spiking *net, int class_number) {
  if (class_number < 0 || class_number >= net->model->classes) return 0;
  return (int)spikes_of(plan_of(net->model), net->memory, class_number);
}

void *spiking_state(spiking *net, size_t *bytes) {
  *bytes = net->learns ? learnt_bytes(net->model) : 0;
  return net->learns ? net->memory + net->model->learn_bytes - *bytes : NULL;
}
