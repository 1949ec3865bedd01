uint16_t wuxing_features(const uint8_t *plan, void *work, const int16_t *signal, uint16_t count,
                         uint8_t *inputs) {
  return (uint16_t)features(plan, (uint8_t *)work, (const uint8_t *)signal, 0, count, inputs, 0);
}

void wuxing_stream_init(wuxing_stream *stream, const int32_t *cut, int16_t *signal) {
  COPY_FROM_FLASH(stream->words, cut, sizeof stream->words);
  stream->signal = signal;
  stream->found = 0;
  clear_stream((uint8_t *)stream->words);
}

uint16_t wuxing_stream_put(wuxing_stream *stream, const int16_t *sample) {
  uint8_t *state = (uint8_t *)stream->words;
  uint8_t *signal = (uint8_t *)stream->signal;
  if (stream->found > 0) next_stream(state, signal);
  const int32_t bytes = load_i32(state + STREAM_CHANNELS) * 2;
  memcpy(signal + load_i32(state + STREAM_FILL) * bytes, sample, (size_t)bytes);
  stream->found = (uint16_t)follow_stream(state, signal);
  return stream->found;
}
