/** Ways in for programs that use the library: short forms of what the tool's commands do. */

import { WuxingError } from "../base/errors"
import { refuseUnknown } from "../base/options"
import { checkpointOf } from "../fleet/checkpoint-of"
import { MOST_BOARDS, parseLocation } from "../hardware/location"
import type { Model } from "../models/model-file"
import { presetOf } from "../models/model-source"
import type { Network as NetworkDescription } from "../network/network"
import { presetNames } from "../network/presets"
import { sizedNetwork } from "../network/sized-network"
import { parseBoards } from "../partition/board-spec"
import { type Goal, type Plan, planNetwork } from "../partition/plan"
import type { BoardReport, Lesson } from "../session/reports"
import type { LESSON_SAMPLES } from "../session/watch"
import { openFleet } from "./open-fleet"

/**
 * What a network is: its layers, how they are linked, number formats, clamps, seed. It holds no
 * coefficients: they follow from the seed, or are learnt.
 */
export type Network = NetworkDescription

/** Ways to a network. */
export const Network = {
  /** Names of the presets, from the papers' networks to the smallest. */
  presets: presetNames as readonly string[],
  /**
   * The preset of that name.
   *
   * @param name one of {@link Network.presets}
   * @param seed draws the links, the coefficients and the rounding while learning
   * @throws WuxingError "preset-unknown" (kind "usage")
   */
  preset(name: string, seed = 1): Network {
    return presetOf(name, seed)
  },
  /**
   * An adder network of a size of one's own, in the form of the preset pico-16.
   *
   * @param size inputs, hidden neurons of each layer, outputs: "64-16-3"
   * @param seed as of {@link Network.preset}
   * @throws WuxingError "network-size" (kind "usage")
   */
  sized(size: string, seed = 1): Network {
    return sizedNetwork(size, seed)
  },
}

/**
 * Plans which board computes which neurons, with no board attached. Times are predictions.
 *
 * @param boards profiles and how many of each: "pico:4,esp32-c3:2"
 * @param goal naming images, many under way at once, or learning, one after the other
 * @returns a plan; `feasible` says whether it fits
 * @throws WuxingError "boards-spec" or "board-unknown" (kind "usage")
 */
export function partition(network: Network, boards: string, goal: Goal = "naming"): Plan {
  return planNetwork(network, parseBoards(boards), goal)
}

/** Boards that hold a network together, run it and learn. Close it when done. */
export interface Fleet {
  /** How many boards. */
  readonly count: number
  /** Times boards had to be started or loaded again. */
  readonly recoveries: number
  /** What each board got. */
  boards(): Promise<BoardReport[]>
  /**
   * Classifies images, several of which are under way at once.
   *
   * @param images gives the i-th image
   * @param count how many
   * @param onSample how many so far, the class of the last, and its outputs (Q signalBits)
   * @returns a class for each image
   * @throws WuxingError of kind "board" when boards stop and cannot be brought back
   */
  classify(
    images: (i: number) => Uint8Array,
    count: number,
    onSample?: (done: number, classified: number, outputs: Int16Array) => void,
  ): Promise<Int32Array>
  /**
   * Learns lessons in order, each once, with the bits {@link HostNetwork} would end with.
   *
   * @param lessons gives the i-th lesson
   * @param count how many
   * @returns how many were learnt, and how many were classified correctly before
   * @throws WuxingError as `classify`
   */
  learn(
    lessons: (i: number) => Lesson,
    count: number,
  ): Promise<{
    /** Learnt. */
    done: number
    /** Classified correctly before they were learnt. */
    right: number
  }>
  /**
   * Classifies one image.
   *
   * @returns its class, and the outputs (Q signalBits)
   * @throws WuxingError as `classify`
   */
  ask(image: Uint8Array): Promise<{
    /** Its class. */
    classified: number
    /** Q signalBits. */
    outputs: Int16Array
  }>
  /**
   * Learns one lesson. The first is rounded as sample {@link LESSON_SAMPLES}, each further one as the
   * next, so that lessons move nothing of a run's own numbers.
   *
   * @throws WuxingError as `classify`
   */
  teach(lesson: Lesson): Promise<void>
  /** What the boards have learnt: int16 little-endian, Q13, in the network's order. */
  coefficients(): Promise<Uint8Array>
  /** Ends virtual boards, closes ports. */
  close(): Promise<void>
}

/** Options of `Fleet.open`. */
export interface OpenFleetOptions {
  /** What the shares are planned for; default: learning. */
  goal?: Goal
  /** Ends the boards when it is aborted. */
  signal?: AbortSignal
  /** Messages for users: what is being done, and every recovery. */
  status?: (text: string) => void
}

const OPEN_OPTIONS: readonly (keyof OpenFleetOptions)[] = ["goal", "signal", "status"]

/** The way to a fleet. */
export const Fleet = {
  /**
   * Starts or opens boards, puts the program on them, and gives each its share of the network.
   *
   * @param what they are to hold: a model with what it has learnt, or a network, whose coefficients
   *   are drawn by its seed
   * @param location "sim:2" for virtual boards, "emu:2" for emulated Picos, "serial:/dev/ttyACM0,…"
   * @throws WuxingError of kind "usage" ("option-unknown" for an option there is not), "board",
   *   "firmware" or "capacity"; nothing is left running
   */
  async open(
    what: Network | Model,
    location: string,
    options: OpenFleetOptions = {},
  ): Promise<Fleet> {
    refuseUnknown("Fleet.open", options, OPEN_OPTIONS)
    const { network, start } =
      "network" in what
        ? { network: what.network, start: checkpointOf(what) }
        : { network: what, start: undefined }
    const { goal = "learning", signal, status } = options
    const parsed = parseLocation(location, MOST_BOARDS)
    if (!parsed) throw noLocation(location)
    return await openFleet({ location: parsed, network, start, goal, signal, status })
  },
}

function noLocation(location: string): WuxingError {
  return new WuxingError({
    code: "usage",
    kind: "usage",
    message: `invalid board location "${location}"`,
    cause: "it is misspelt, or names too many boards",
    help: `sim:N or emu:N with N from 1 to ${MOST_BOARDS}, serial:PORT,PORT,… or serial`,
  })
}
