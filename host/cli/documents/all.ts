/** Which documents each command prints with `--json`, and which lines before the last. */
import { z } from "zod"
import { documentName } from "../terminal/document-name"
import * as boards from "./boards"
import * as cost from "./cost"
import * as demos from "./demos"
import * as exchange from "./exchange"
import * as learning from "./learning"
import { errorPart } from "./parts"

export interface Variant {
  schema: z.ZodObject
  /** Where a command has several: when it is this one. */
  when?: string
}

export interface CommandDocuments {
  documents: Variant[]
  /** Of commands that run until Ctrl-C: documents of one line each, before the last one. */
  lines?: Variant[]
}

const only = (schema: z.ZodObject): CommandDocuments => ({ documents: [{ schema }] })

/** By the words of the command. */
export const DOCUMENTS: Record<string, CommandDocuments> = {
  demo: only(learning.demo),
  "demo adapt": only(demos.adapt),
  "demo memory": only(demos.memory),
  "demo oscillator": only(demos.oscillator),
  "demo alone": only(demos.alone),
  "demo class": only(demos.classOfBoards),
  "demo fleet": only(demos.fleet),
  "demo gesture": only(demos.gesture),
  doctor: only(boards.doctor),
  train: only(learning.train),
  eval: {
    documents: [
      { schema: learning.evaluation },
      { schema: learning.evaluationOfNir, when: "with `--nir`" },
    ],
  },
  predict: only(learning.predict),
  record: only(learning.record),
  watch: only(learning.watch),
  inspect: only(learning.inspect),
  reproduce: only(cost.reproduce),
  bench: {
    documents: [
      { schema: cost.bench },
      { schema: cost.scaling, when: "with `--scaling`" },
      { schema: cost.fleets, when: "with `--fleet`" },
      { schema: cost.shares, when: "with `--fleet --share`" },
      { schema: cost.links, when: "with `--link`" },
    ],
  },
  profile: {
    documents: [
      { schema: cost.profile },
      { schema: cost.profileMemory, when: "with `--memory`" },
      { schema: cost.profileNative, when: "with `--board pico-native`" },
      { schema: cost.profileSensor, when: "of a model that reads a signal" },
    ],
  },
  export: {
    documents: [
      { schema: exchange.exportGraph },
      { schema: exchange.exportSpiking, when: "with `--spiking`" },
      { schema: exchange.exportC, when: "with `--format c`" },
      { schema: exchange.exportCOfNir, when: "with `--format c --nir`" },
      { schema: exchange.exportModule, when: "with `--format devicescript`" },
    ],
  },
  new: only(exchange.project),
  partition: {
    documents: [{ schema: cost.plan }, { schema: cost.corePlan, when: "on cores of a chip" }],
  },
  import: {
    documents: [
      { schema: exchange.importExport, when: "of an export" },
      { schema: exchange.importGraph, when: "of another graph" },
    ],
  },
  build: only(boards.build),
  boards: {
    documents: [
      { schema: boards.boards },
      { schema: boards.boardsBehindAgents, when: "with `--on`, of agents" },
      { schema: boards.boardsEnd, when: "at the end of `--watch`" },
    ],
    lines: [{ schema: boards.boardsSeen, when: "with `--watch`, of each port" }],
  },
  flash: {
    documents: [{ schema: boards.flash }, { schema: boards.flashPlan, when: "with `--dry-run`" }],
  },
  deploy: only(boards.deploy),
  bridge: {
    documents: [{ schema: boards.bridge }],
    lines: [{ schema: boards.bridgeReady, when: "once the ports are there" }],
  },
  agent: {
    documents: [{ schema: boards.agent }],
    lines: [
      { schema: boards.agentReady, when: "once it offers boards" },
      { schema: boards.agentBoard, when: "when somebody opens a board" },
      { schema: boards.agentBroker, when: "when the broker goes or comes" },
    ],
  },
  broker: {
    documents: [{ schema: boards.broker }],
    lines: [{ schema: boards.brokerReady, when: "once it listens" }],
  },
  panel: {
    documents: [
      { schema: learning.panel },
      { schema: learning.wiringPrinted, when: "with `--wiring`" },
      { schema: learning.wiringFile, when: "with `--wiring FILE`" },
    ],
  },
  dashboard: {
    documents: [{ schema: learning.dashboard }],
    lines: [{ schema: learning.dashboardReady, when: "once the page is served" }],
  },
  completion: only(exchange.completion),
  man: only(exchange.man),
  help: only(exchange.help),
  version: only(exchange.version),
}

/** Nothing but an error. */
export const ERROR_DOCUMENT = z.strictObject({
  schema: z.literal(documentName(["error"])).describe("which document this is"),
  error: errorPart.describe("what went wrong"),
})

/** A document or line as it is printed: its name before it; after a document an error, where there is one. */
export function printed(command: string, { schema }: Variant, isLine: boolean): z.ZodObject {
  const name = z.literal(documentName(command.split(" "))).describe("which document this is")
  const error = errorPart.describe("beside the result: what went wrong").optional()
  return z.strictObject({ schema: name, ...schema.shape, ...(isLine ? {} : { error }) })
}

/** All of a command's, the lines first. */
export function printedBy(command: string): { schema: z.ZodObject; when?: string }[] {
  const { documents, lines = [] } = DOCUMENTS[command]
  const as = (isLine: boolean) => (variant: Variant) => ({
    ...variant,
    schema: printed(command, variant, isLine),
  })
  return [...lines.map(as(true)), ...documents.map(as(false))]
}
