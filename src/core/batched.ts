/**
 * How learning treats a coefficient: false, each sample changes it at once (boards, one sample at a
 * time); true, changes are gathered in `Part.Delta` and applied together after a batch (the host's
 * mini-batch engine, which compiles the core a second time with this set).
 */
export const BATCHED = false
