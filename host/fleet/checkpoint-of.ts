import { ELEMENTS_ARRAY, type Model } from "../models/model-file"
import { HostNetwork } from "../network/host-network"
import type { Checkpoint } from "../session/reports"

/** All that a model has learnt, for boards to begin from. */
export function checkpointOf(model: Model): Checkpoint {
  return {
    samples: 0,
    coefficients: model.coefficients,
    elements: model.arrays?.[ELEMENTS_ARRAY] ?? new HostNetwork(model.network).elements(),
  }
}
