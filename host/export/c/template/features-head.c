/*
 * Features and streams, see wuxing_features.h. Generated from src/signals by `npm run library:c`. Do not
 * edit. MIT licence.
 */
#include "wuxing_features.h"

@memory@

/* Kinds of features that no model of the program has. */
#if !(WUXING_FEATURES & 5)
#define trace_features(plan, work, signal, from, count, out, out_at) ((void)0)
#endif
#if !(WUXING_FEATURES & 2)
#define band_features(plan, work, signal, from, count, out, out_at) ((void)0)
#endif
#if !(WUXING_FEATURES & 4)
#define reservoir_features(plan, work, signal, from, count, out, out_at) ((void)0)
#endif
