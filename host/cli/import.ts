/** `wuxing import`: a network from a NIR file. */
import type { Command } from "commander"
import { grouped } from "../base/numbers"
import type { Context, Outcome, Run } from "./command"
import { FORCE, MODEL, outputFile } from "./options/output-file"
import { pathOption } from "./options/usage"

interface ImportOptions {
  changed?: boolean
  force?: boolean
}

export function addImport(program: Command, run: Run): void {
  program
    .command("import")
    .description("read a NIR file: an export, or a chain of weights and neurons to learn from")
    .argument("<nir>", "NIR file to read", pathOption("<nir>"))
    .argument("<out>", "model file to write", pathOption("<out>"))
    .option("--changed", "take an export also if its links' weights were changed since")
    .option(...FORCE)
    .action((nir: string, out: string, options: ImportOptions) =>
      run((given: ImportOptions, context) => importModel(nir, out, given, context))(options),
    )
}

async function importModel(
  nir: string,
  out: string,
  { changed, force }: ImportOptions,
  { output, endsAtOnce }: Context,
): Promise<Outcome> {
  endsAtOnce?.()
  outputFile(out, MODEL, force)
  const { importNir } = await import("../nir/import")
  const { saveModel } = await import("../models/model-file")
  const { linkRatios } = await import("../network/link-ratio")

  const imported = await importNir(nir, changed)
  const { network, training } = imported.model
  const { links } = linkRatios(network).pooled
  if (imported.from === "export" && !imported.unchanged)
    output.status(
      `its weights were changed since the export${imported.rounded > 0 ? `, ${grouped(imported.rounded)} of them rounded to multiples of 1/8192` : ""}; the record of its training is left out`,
    )
  if (imported.from === "graph") {
    const { largestConstant, timed } = imported
    if (largestConstant > 0)
      output.status(
        `its biases and v_leak, up to ${largestConstant.toPrecision(3)}, are left out: rings sum signals only`,
      )
    if (timed) output.status("its time constants are left out: all rings have one time scale")
    if (imported.spiking)
      output.status("its spikes became signals: rates far above the threshold, in proportion")
    const { weights, vanished } = imported
    if (vanished > 0)
      output.status(
        `${vanished === weights ? "all" : grouped(vanished)} of its ${grouped(weights)} weights round to coefficients of 0, as coefficients are multiples of 1/8192: scale the weights up; which output is largest does not depend on it`,
      )
  }
  saveModel(out, imported.model, force ?? false)

  output.field(
    "read as",
    imported.from === "export" ? "an export of this tool" : "initial coefficients",
  )
  output.field("network", network.name)
  output.field("layers", [network.width, ...network.layers.map(l => l.neurons)].join("-"))
  output.field("links", grouped(links))
  output.field("training", training ? `${grouped(training.epochs)} epochs` : "none")
  output.field("written", out)
  return {
    document: {
      ...{ nir, out, from: imported.from, network: network.name, links },
      ...(imported.from === "export"
        ? { unchanged: imported.unchanged, rounded: imported.rounded }
        : {
            largestConstant: imported.largestConstant,
            spiking: imported.spiking,
            weights: imported.weights,
            vanished: imported.vanished,
          }),
      signalBits: network.signalBits,
      training,
    },
  }
}
