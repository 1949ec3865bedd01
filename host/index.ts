/**
 * The library: Wuxing neural networks on the host and on boards, in the same bits.
 *
 * Numbers are in fixed point: Qn has n bits behind the point, so 4096 is 1 in Q12. Images are a byte
 * a pixel, row by row, 0 for background. Everything a user can do wrong, and everything a board or a
 * file can be at fault for, is a {@link WuxingError}.
 *
 * @packageDocumentation
 */

export { type ErrorKind, EXIT_STATUS, WuxingError } from "./base/errors"
export { type Dataset, imageAt, type Mnist, readMnist } from "./data/mnist"
export { picturePixels, scalingFor } from "./data/picture"
export type { Scaling } from "./data/scale"
export { type CLibraryOptions, cLibrary } from "./export/c/c-library"
export type { StoredSample } from "./export/c/export-c"
export type { CLayout } from "./export/c/options"
export { Fleet, Network, type OpenFleetOptions, partition } from "./library/library"
export { loadModel, type Model, saveModel, type TrainingRecord } from "./models/model-file"
export { runnerOf } from "./models/run-model"
export { trainedModel } from "./models/trained"
export { sharesOf } from "./network/confidence"
export { HostNetwork } from "./network/host-network"
export type { Layer, Quantised, Window } from "./network/network"
export type { Slice } from "./network/slices"
export type { Goal, Plan, PlannedBoard, Shortfall } from "./partition/plan"
export {
  causalDistance,
  drivers,
  type Influence,
  type ParameterName,
  type RingParameters,
  rankParameters,
} from "./ring/causal"
export type { BoardReport, Lesson } from "./session/reports"
export { LESSON_SAMPLES } from "./session/watch"
export { type Samples, type TrainSamplesOptions, train } from "./training/train-samples"
export type { EpochFigures } from "./training/training"
