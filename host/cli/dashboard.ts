/** `wuxing dashboard`: boards that name what people draw, and learn while people look on. */
import type { Command } from "commander"
import { WuxingError } from "../base/errors"
import { grouped } from "../base/numbers"
import { sha256 } from "../base/sha256"
import type { Fleet } from "../fleet/fleet"
import type { Network } from "../network/network"
import type { Checkpoint } from "../session/reports"
import type { Context, Outcome, Run } from "./command"
import { addServerOptions, openDashboard } from "./options/dashboard-option"
import { FORCE, MODEL, outputFile } from "./options/output-file"
import { addShownOptions, type ShownOptions, shownModel } from "./options/shown-network"
import { integerOption, pathOption } from "./options/usage"

const ORDER_SALT = 0x6461

interface DashboardCommandOptions extends ShownOptions {
  port?: number
  host?: string
  token?: string
  out?: string
  force?: boolean
}

export function addDashboard(program: Command, run: Run): void {
  const command = addShownOptions(
    program
      .command("dashboard")
      .description(
        "show boards on a page until Ctrl-C: draw digits, watch them learn, look inside",
      ),
  )
    .option(
      "--out <file>",
      "model file to keep what was learnt in, at the end",
      pathOption("--out"),
    )
    .option(...FORCE)
    .option("--port <n>", "port of the page", integerOption("--port", 0, 65_535))
  addServerOptions(command).action(run(dashboard))
}

async function dashboard(options: DashboardCommandOptions, context: Context): Promise<Outcome> {
  const { on, seed, port, host, token, out, force } = options
  const { output, signal } = context
  const { openPatientFleet, printBoards } = await import("./fleet-run")
  const { readTrainingData } = await import("../training/training-data")
  const { checkpointOf } = await import("../fleet/checkpoint-of")
  const { addOutput } = await import("../models/add-output")
  const { findBoards } = await import("../hardware/location")
  const { checkImages, classesOf, dataOf } = await import("../training/training")
  const { drawSamples } = await import("../data/samples")
  if (out !== undefined) outputFile(out, MODEL, force)
  output.asLines()

  const model = await shownModel(options)
  const { network } = model
  const data = await readTrainingData(options.data, network, {
    ...{ ...dataOf(model), signal: context.signal },
  })
  for (const line of data.notes ?? []) context.output.status(line)
  checkImages(network, data.name, data.train)
  const { count, images, labels } = data.train
  const order = drawSamples(count, count, seed, ORDER_SALT)

  const view = {
    dashboard: port ?? (true as const),
    ...{ host, token, record: data.record, training: model.training, until: signal },
    classes: classesOf(model) ?? data.classes,
    addsClasses: true,
    // It is there to be asked first: what it knows, or that it guesses.
    paused: true,
    announce: (urls: string[]) => {
      output.line({ event: "ready", url: urls[0], urls })
      for (const url of urls) output.print(url)
    },
  }
  // Ports that are not there are reported first.
  const boards = await findBoards(on)
  const dashboard = await openDashboard(view, network, context)
  if (!dashboard) throw new TypeError("there is no dashboard")
  const { hub } = dashboard
  // It outlives its fleets.
  const watch = { ...dashboard, close: async () => {} }
  const open = async (network: Network, start: Checkpoint) => {
    const opening = { location: on, boards, network, goal: "learning", start, watch } as const
    const fleet = await openPatientFleet(opening, context)
    await dashboard.attach(fleet)
    return fleet
  }
  let learnt = 0
  let taught = 0
  let recoveries = 0
  let shown = network
  let fleet: Fleet | undefined
  const end = async (ended: Fleet) => {
    fleet = undefined
    await ended.close()
    taught += ended.taught.length
    recoveries += ended.recoveries
  }
  /** The network has one class more, if it can; else it is as it was, and the page is told why. */
  const addClass = async (ended: Fleet, name: string) => {
    const start = ended.learnt
    const { classes } = hub
    let why: string | undefined
    try {
      const grown = addOutput(shown, start)
      hub.detach()
      await end(ended)
      hub.goOnWith(grown.network, [...classes, name], state => addOutput(shown, state).learnt)
      fleet = await open(grown.network, { ...grown.learnt, samples: start.samples })
      shown = grown.network
    } catch (error) {
      if (!(error instanceof WuxingError) || signal.aborted) throw error
      why = error.message
      if (hub.classes !== classes) {
        const first = (all: Buffer, { length }: Buffer) => all.subarray(0, length)
        hub.goOnWith(shown, classes, ({ coefficients, elements }) => ({
          coefficients: first(coefficients, start.coefficients),
          elements: first(elements, start.elements),
        }))
        fleet = await open(shown, start)
      }
    }
    hub.answerWanted(why)
  }
  try {
    fleet = await open(network, checkpointOf(model))
    await printBoards(fleet, output)
    output.status("Ctrl-C ends it")
    const lesson = (i: number) => {
      const at = order[(learnt + i) % count]
      const image = images.subarray(at * network.width, (at + 1) * network.width)
      return { image, label: labels[at] }
    }
    while (!signal.aborted) {
      const { done } = await fleet.learn(lesson, Number.MAX_SAFE_INTEGER, {
        stopped: () => signal.aborted || hub.wanted !== undefined,
      })
      learnt += done
      if (hub.wanted !== undefined && !signal.aborted) await addClass(fleet, hub.wanted)
    }
    const { learnt: state } = fleet
    await end(fleet)
    output.field("images learnt", grouped(learnt))
    output.field("taught by hand", grouped(taught))
    if (out !== undefined) {
      outputFile(out, MODEL, force).write(hub.model(state))
      output.field("kept in", out)
    }
    return {
      document: {
        event: "end",
        network: shown.name,
        learnt,
        taught,
        classes: hub.classes,
        coefficientsHash: sha256(state.coefficients),
        recoveries,
        out,
      },
    }
  } finally {
    await fleet?.close()
    await dashboard.close()
  }
}
