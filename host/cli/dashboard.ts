/** `wuxing dashboard`: boards that name what people draw, and learn while people look on. */
import type { Command } from "commander"
import { grouped } from "../base/numbers"
import { sha256 } from "../base/sha256"
import type { Fleet } from "../fleet/fleet"
import type { Model } from "../models/model-file"
import type { Context, Outcome, Run } from "./command"
import { addServerOptions } from "./options/dashboard-option"
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
  const { checkImages, dataOf } = await import("../training/training")
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

  const watchers = {
    dashboard: port ?? (true as const),
    host,
    token,
    classes: data.classes,
    record: data.record,
    training: model.training,
    // A network that knows its digits is there to be asked first.
    paused: !options.fresh,
    announce: (urls: string[]) => {
      output.line({ event: "ready", url: urls[0], urls })
      for (const url of urls) output.print(url)
    },
  }
  const fleet = await openPatientFleet(
    { location: on, network, goal: "learning", start: checkpointOf(model), watchers },
    context,
  )
  let learnt = 0
  try {
    await printBoards(fleet, output)
    output.status("Ctrl-C ends it")
    const lesson = (i: number) => {
      const at = order[i % count]
      const image = images.subarray(at * network.width, (at + 1) * network.width)
      return { image, label: labels[at] }
    }
    const { done } = await fleet.learn(lesson, Number.MAX_SAFE_INTEGER, {
      stopped: () => signal.aborted,
    })
    learnt = done
  } finally {
    await fleet.close()
  }
  output.field("images learnt", grouped(learnt))
  output.field("taught by hand", grouped(fleet.taught.length))
  if (out !== undefined) {
    await keep(out, model, fleet)
    output.field("kept in", out)
  }
  return {
    document: {
      event: "end",
      network: network.name,
      learnt,
      taught: fleet.taught.length,
      coefficientsHash: sha256(fleet.learnt.coefficients),
      recoveries: fleet.recoveries,
      out,
    },
  }
}

/** With what was learnt, and without the record of a training that these are no longer the bits of. */
async function keep(path: string, model: Model, { learnt }: Fleet): Promise<void> {
  const { ELEMENTS_ARRAY, saveModel } = await import("../models/model-file")
  const { coefficients, elements } = learnt
  saveModel(path, {
    ...{ network: model.network, coefficients, training: null },
    ...(elements.length > 0 ? { arrays: { [ELEMENTS_ARRAY]: elements } } : {}),
  })
}
