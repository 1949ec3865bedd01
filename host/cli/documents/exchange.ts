/** Documents of the commands that write for other tools and programs, and that read from them. */
import { z } from "zod"
import * as p from "./parts"

const source = { model: p.model, trained: p.trained, network: p.networkName }
const out = p.text("what was written")

export const exportGraph = z.strictObject({
  ...source,
  format: z.literal("nir").describe("the format"),
  out,
  bytes: p.count("of it"),
  linearisedAbout: z.enum(["fixed points", "operating point"]).describe("the state"),
  image: z.string().nullable().describe("the input of that state; null without one"),
  nodes: p.count("of the graph"),
  edges: p.count("of the graph"),
  integrators: p.count("leaky integrators"),
  weights: p.count("that are not 0"),
  precision: z.enum(["float32", "float64"]).describe("of the weights"),
  rings: p.count("neurons of the network"),
  unstableRings: p.count("that linear theory does not let rest about this state"),
  difference: z
    .strictObject({
      images: p.count("test images compared"),
      networkAccuracy: p.share("the network classifies correctly"),
      graphAccuracy: p.share("the graph at rest classifies correctly"),
      agreement: p.share("both name the same"),
      meanDifference: p.positive("of outputs"),
      largestDifference: p.positive("of outputs"),
      meanOutput: p.positive("mean size of the network's outputs"),
    })
    .nullable()
    .describe("of graph and network; null where it was not measured"),
})

export const exportSpiking = z.strictObject({
  network: p.networkName,
  format: z.literal("nir").describe("the format"),
  out,
  bytes: p.count("of it"),
  spiking: z.literal(true).describe("of integrate-and-fire neurons"),
  neuron: z.enum(["if", "lif"]).describe("their kind"),
  steps: p.count("of an image"),
  weightBits: z.int().nullable().describe("of whole weights; null: float"),
  chip: z.string().nullable().describe("it was checked against"),
  nodes: p.count("of the graph"),
  edges: p.count("of the graph"),
  inputs: p.count("inputs"),
  outputs: p.count("outputs"),
  neurons: p.count("neurons"),
  synapses: p.count("weights that are not 0"),
  fanIn: p.count("at most"),
  fanOut: p.count("at most"),
  largestWeight: z.number().nullable().describe("in size, of whole weights"),
  vanished: p.share("of the weights that became 0 as whole numbers"),
  measured: z
    .strictObject({
      images: p.count("test images"),
      accuracy: p.share("classified correctly"),
      spikes: p.positive("of an image, mean"),
    })
    .nullable()
    .describe("on test images; null where they do not fit"),
})

const code = {
  name: p.text("of library or module"),
  out,
  files: p.texts("in it"),
}
const memory = {
  predictBytes: p.count("RAM to classify"),
  learnBytes: p.count("RAM to learn"),
  flashBytes: p.count("flash of the constants"),
  samples: p.count("samples in its test"),
}
const layout = p.text("of the library")

export const exportC = z.strictObject({
  ...source,
  format: z.literal("c").describe("the format"),
  layout,
  ...code,
  ...memory,
  learns: p.flag("whether the board has room to learn"),
  signalBytes: p.count("RAM of its signal"),
})

export const exportCOfNir = z.strictObject({
  nir: p.text("the graph's file"),
  format: z.literal("c").describe("the format"),
  layout,
  ...code,
  inputs: p.count("inputs"),
  classes: p.count("outputs"),
  steps: p.count("of an image"),
  weightBits: p.count("of whole weights"),
  vanished: p.positive("weights that became 0"),
  ...memory,
})

export const exportModule = z.strictObject({
  ...source,
  format: z.literal("devicescript").describe("the format"),
  ...code,
  heapBytes: p.count("of a board's heap"),
})

const imported = {
  nir: p.text("the file read"),
  out: p.text("the model file written"),
  network: p.networkName,
  links: p.count("of it"),
  signalBits: p.count("fraction bits of signals"),
  training: p.trainingPart.nullable().describe("null where it never learnt"),
}

export const importExport = z.strictObject({
  ...imported,
  from: z.literal("export").describe("an export of this tool"),
  unchanged: p.flag("whether its weights are those exported"),
  rounded: p.count("weights rounded to multiples of 1/8192"),
})

export const importGraph = z.strictObject({
  ...imported,
  from: z.literal("graph").describe("weights to begin from"),
  largestConstant: p.positive("largest bias or v_leak left out"),
  spiking: p.flag("whether its neurons spike"),
  weights: p.count("of it"),
  vanished: p.count("weights that became coefficients of 0"),
})

export const project = z.strictObject({
  folder: p.text("of the project"),
  template: p.text("it begins with"),
  board: p.text("board profile"),
  files: p.count("written"),
})

export const completion = z.strictObject({
  shell: z.enum(["bash", "zsh", "fish"]).describe("which"),
  script: p.text("to be sourced"),
})

export const man = z.strictObject({
  name: p.text("of the page"),
  page: p.text("in roff"),
})

export const help = z.strictObject({ help: p.text("what `help` prints") })
export const version = z.strictObject({ version: p.text("of this tool") })
