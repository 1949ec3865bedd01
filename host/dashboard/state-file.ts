/** What a network has learnt as a model file: what a page saves and loads. */
import { isDeepStrictEqual } from "node:util"
import { WuxingError } from "../base/errors"
import {
  decodeModel,
  ELEMENTS_ARRAY,
  encodeModel,
  type Model,
  sorted,
  type TrainingRecord,
} from "../models/model-file"
import { HostNetwork } from "../network/host-network"
import { faultOfCoefficients, type Network } from "../network/network"
import type { Learnt } from "../session/watch"

interface Saved {
  network: Network
  /** Samples: those learnt since. */
  learnt: Learnt & { samples?: number }
  /** Names of the outputs. */
  classes: string[]
  /** How it was taught before; its command does not make these coefficients any more. */
  training: TrainingRecord
  signal?: Model["signal"]
}

/** What there is to say of a network as drawn, that people alone have taught. */
export function untaught({ seed }: Network, settings?: TrainingRecord["settings"]): TrainingRecord {
  return {
    ...{ command: "wuxing dashboard", seed, epochs: 0, samples: 0, accuracy: {} },
    ...(settings && { settings }),
  }
}

export function savedModel({ network, learnt, classes, training, signal }: Saved): Buffer {
  const { coefficients, elements, samples = 0 } = learnt
  // Neither where it stopped nor how good it was is true any more.
  const { state: _, settings, ...before } = training
  return encodeModel({
    ...{ network, coefficients: Buffer.from(coefficients) },
    training: {
      ...before,
      command: lessonsBeside(before.command),
      samples: before.samples + samples,
      accuracy: {},
      settings: { ...settings, classes },
    },
    ...(signal && { signal }),
    ...(elements.length > 0 ? { arrays: { [ELEMENTS_ARRAY]: Buffer.from(elements) } } : {}),
  })
}

const BESIDE = " # and what was taught on a page"

function lessonsBeside(command: string): string {
  return command.endsWith(BESIDE) ? command : `${command}${BESIDE}`
}

/**
 * What a model file holds of this very network.
 *
 * @throws WuxingError as decodeModel; "model-other" (kind data) if it is another network's
 */
export function loadedModel(bytes: Buffer, network: Network): Learnt {
  const model = decodeModel(bytes, "the file")
  const { name, ...rest } = model.network
  const { name: ours, ...own } = network
  // As they are written: what may be missing is.
  const plain = (value: object) => JSON.parse(JSON.stringify(sorted(value)))
  if (!isDeepStrictEqual(plain(rest), plain(own)))
    throw new WuxingError({
      code: "model-other",
      kind: "data",
      message: `the file holds another network (${name}) than the one that is shown (${ours})`,
      cause: "its layers, links, formats or seed are others",
      help: "name it to a command of its own: --model FILE",
    })
  const { coefficients } = model
  const fault = faultOfCoefficients(network, coefficients)
  if (fault) throw cannot(fault)
  const asDrawn = new HostNetwork(network).elements()
  const elements = model.arrays?.[ELEMENTS_ARRAY] ?? asDrawn
  if (elements.length !== asDrawn.length)
    throw cannot(`it has ${elements.length / 2} values of elements, not ${asDrawn.length / 2}`)
  return { coefficients, elements }
}

function cannot(what: string): WuxingError {
  return new WuxingError({
    code: "model-invalid",
    kind: "data",
    message: `the file is whole but cannot be used: ${what}`,
    cause: "another program wrote it",
    help: "load one that this page or `wuxing train` saved",
  })
}
