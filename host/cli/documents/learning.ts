/** Documents of the commands that teach and ask networks. */
import { z } from "zod"
import { FAULT_KINDS, type FaultKind } from "../../faults/spec"
import * as p from "./parts"

export const demo = z.strictObject({
  network: p.networkPart,
  seed: p.seed,
  boards: z.array(p.boardPart).describe("each board's share"),
  trained: p.count("training images learnt"),
  tested: p.count("test images classified, before and after"),
  accuracyBefore: p.share("of them classified correctly before"),
  accuracyAfter: p.share("of them classified correctly after"),
  samplesPerSecond: p.positive("learnt"),
  emulated: p.emulatedPart.optional(),
  ...p.verified,
  recoveries: p.recoveries,
  taught: p.taught,
  faults: z
    .partialRecord(z.enum(Object.keys(FAULT_KINDS) as FaultKind[]), z.int().min(0))
    .describe("with `--faults`: how often each kind came")
    .optional(),
})

const plan = z
  .strictObject({
    seed: p.seed,
    batch: p.count("samples that learn together"),
    rounding: z
      .enum(["each", "once"])
      .describe("of a batch's changes: each sample's, or their sum; absent: each")
      .optional(),
    images: p.count("samples of an epoch"),
    validation: p.count("samples kept apart"),
    share: z
      .strictObject({
        replicas: p.count("copies that are averaged"),
        average: p.count("samples each learns between two averages"),
        own: p.count("with `--data-each`: samples of the board that has most").optional(),
      })
      .describe("with `--share samples`")
      .optional(),
    epochs: p.count("epochs in all"),
    learnShift: p.whole("bits a change is shifted right at first"),
    epochsPerBit: p.count("epochs after which the rate is halved"),
    smooth: z
      .strictObject({
        eighths: p.count("the largest rate, in eighths of what `learnShift` says"),
        warm: p.count("hundredths of an epoch in which it rises"),
      })
      .describe("with `--cosine`")
      .optional(),
    distortion: z
      .strictObject({
        rotate: p.count("thousandths of a radian"),
        scale: p.count("thousandths"),
        shift: p.count("hundredths of a pixel"),
        elastic: p.count("hundredths of a pixel"),
        flip: p.flag("half of them mirrored"),
      })
      .describe("with `--distort`: the most of each")
      .optional(),
    shiftImages: p.flag("whether images are moved by up to one pixel"),
    softmaxGain: p.count("gain of the softmax error, Q4 times log2 e; 0: the network's own error"),
  })
  .describe("what was to be done")

export const train = z.strictObject({
  model: p.text("the network or file as it was named").optional(),
  network: p.networkName,
  engine: z.enum(["host", "boards"]).describe("where it learnt"),
  data: p.text("what it learnt from"),
  notes: p.texts("what was noticed of the data").optional(),
  testAccuracy: p.share("of the test part classified correctly").optional(),
  heldOutAccuracy: p.share("of what was held out where the data has no test part").optional(),
  validationAccuracy: p.share("of what `--validation` kept apart").optional(),
  trainAccuracy: p.share("of the samples learnt from").optional(),
  epochs: p.positive("epochs learnt"),
  seconds: p.positive("of this run's learning"),
  samples: p.count("samples learnt in all"),
  samplesPerSecond: p.positive("learnt in this run"),
  ...p.linkFigures,
  coefficientsHash: p.hash("of the coefficients"),
  workers: p.count("threads that learnt"),
  plan,
  history: z
    .array(
      z.strictObject({
        epoch: p.count("from 1 on"),
        learnShift: p.whole("bits a change was shifted right"),
        accuracy: p.share("of its samples classified correctly before they were learnt"),
      }),
    )
    .describe("each epoch that ended"),
  command: p.text("that makes the same file again"),
  out: p.text("the file written").optional(),
  own: z
    .array(
      z.strictObject({
        name: p.text("its folder"),
        images: p.count("samples it learnt from"),
        tested: p.count("of its samples kept for test"),
        aloneOwn: p
          .share(
            "of those classified correctly by what its data alone would have taught; not after --resume",
          )
          .optional(),
        aloneAll: p.share("of the test samples of all boards by the same").optional(),
        averageOwn: p.share("of its own by what all learnt together").optional(),
      }),
    )
    .describe("with `--data-each`: each board's")
    .optional(),
  boards: z.array(p.boardPart).describe("with `--on`: each board's share").optional(),
  recoveries: p.recoveries.optional(),
  checkpoints: z
    .strictObject({
      kept: p.flag("whether boards keep what they learn in their own stores"),
      why: p.text("why not").optional(),
      from: p.count("samples that boards held from an earlier run").optional(),
    })
    .describe("with `--on`")
    .optional(),
  emulated: p.emulatedPart.optional(),
  taught: p.taught,
})

const messagesPerSample = z
  .strictObject({
    fromBoards: p.positive("from all boards"),
    toBoards: p.positive("to all boards"),
    busiestBoard: p.positive("from and to the busiest"),
  })
  .describe("with `--on`: messages for each sample")

export const evaluation = z.strictObject({
  model: p.model,
  trained: p.trained,
  network: p.networkName,
  engine: z.enum(["host", "boards"]).describe("where it was measured"),
  data: p.text("what it was measured on"),
  testAccuracy: p.share("of the test part classified correctly").optional(),
  heldOutAccuracy: p
    .share("in its place where the data has no test part: of what training held out")
    .optional(),
  trainAccuracy: p.share("in its place where there is nothing else: of all samples").optional(),
  notes: p.texts("what was noticed of the data").optional(),
  tested: p.count("samples classified"),
  right: p.count("of them correctly"),
  seconds: p.positive("of classifying alone"),
  samplesPerSecond: p.positive("classified"),
  ...p.perClass,
  ...p.linkFigures,
  coefficientsHash: p.hash("of the coefficients"),
  training: p.trainingPart.nullable().describe("null where it never learnt"),
  boards: z.array(p.boardPart).describe("with `--on`: each board's share").optional(),
  emulated: p.emulatedPart.optional(),
  messagesPerSample: messagesPerSample.optional(),
  recoveries: p.recoveries.optional(),
  taught: p.taught,
})

export const evaluationOfNir = z.strictObject({
  nir: p.text("the graph's file"),
  sha256: p.hash("of the file"),
  data: p.text("what it was measured on"),
  steps: p.count("steps of each image"),
  dt: p.positive("length of a step"),
  testAccuracy: p.share("of the test images classified correctly"),
  tested: p.count("images classified"),
  right: p.count("of them correctly"),
  seconds: p.positive("of classifying alone"),
  spikesPerImage: p.positive("spikes of all neurons for an image, mean"),
  ...p.perClass,
  trace: z.string().nullable().describe("file of the spikes; null without `--trace`"),
})

export const predict = z.strictObject({
  model: p.model,
  network: p.networkName,
  engine: z.enum(["host", "boards"]).describe("where it was asked"),
  scaling: z.enum(["box", "mass"]).describe("how pictures were brought to the network's size"),
  images: z
    .array(
      z.strictObject({
        image: p.text("the file; of a table with several rows `FILE:ROW`, the first row 1"),
        unlike: p.text("how it differs from all but a few of the pictures learnt").optional(),
        class: p.text("the answer"),
        share: p.share("of the softmax that the answer has"),
        classes: z
          .array(
            z.strictObject({
              class: p.text("its name"),
              output: p.real("of the network, about −1…1"),
              share: p.share("of the softmax"),
            }),
          )
          .describe("all classes, in the network's order"),
      }),
    )
    .describe("in the order they were named"),
})

const coefficientFigures = z.strictObject({
  count: p.count("coefficients"),
  least: p.real("the least"),
  most: p.real("the largest"),
  mean: p.real("their mean"),
  deviation: p.positive("standard deviation"),
  zeros: p.count("that are 0"),
  clamped: p.count("at the clamp"),
})

export const inspect = z.strictObject({
  network: p.networkPart,
  ...p.linkFigures,
  pairs: z
    .array(
      z.strictObject({
        before: p.count("neurons of the layer before"),
        after: p.count("neurons of the layer after"),
        links: p.count("links between them"),
        possible: p.count("pairs of a neuron each"),
        ratio: p.positive(
          "links over these; above 1 where neurons take a signal by several synapses",
        ),
      }),
    )
    .describe("each pair of neighbouring layers"),
  formats: z
    .strictObject({
      states: p.text("of elements"),
      signals: p.text("of signals on links"),
      coefficients: p.text("of coefficients"),
      backwardSignals: p.text("of backward signals"),
    })
    .describe("Q-formats"),
  coefficients: z
    .strictObject({
      clamp: p.positive("largest size of a coefficient"),
      bytes: p.count(
        "bytes of all in a model file: half a byte each of a layer of four bits, else two",
      ),
      pairs: z.array(coefficientFigures).describe("of each pair of layers"),
      all: coefficientFigures.describe("of all"),
      histogram: z
        .array(
          z.strictObject({
            from: p.real("its begin"),
            to: p.real("its end"),
            count: p.count("coefficients in it"),
          }),
        )
        .describe("ranges of values"),
    })
    .describe("figures of the coefficients"),
  coefficientsHash: p.hash("of the coefficients"),
  training: p.trainingPart.nullable().describe("null where it never learnt"),
})

export const panel = z.strictObject({
  network: p.networkName,
  shown: z
    .array(
      z.strictObject({
        image: p.count("number of the test image"),
        label: p.count("its class"),
        said: p.count("the first answer"),
        taught: z
          .array(
            z.strictObject({
              as: p.count("class it was taught as"),
              said: p.count("the answer after"),
              lead: p.real("of that class over the best other, after"),
              leadBefore: p.real("the same, before"),
            }),
          )
          .describe("each time the button was pressed"),
        confirmed: p.flag("whether somebody said the answer is right"),
      }),
    )
    .describe("each image"),
  right: p.count("first answers that were right"),
  taught: p.count("times something was taught"),
  confirmed: p.count("answers that were confirmed"),
  coefficientsHash: p.hash("of the coefficients at the end"),
  recoveries: p.recoveries,
})

export const wiringPrinted = z.strictObject({
  layout: p.text("the layout"),
  svg: p.text("the drawing"),
})

export const wiringFile = z.strictObject({
  layout: p.text("the layout"),
  file: p.text("file of the drawing"),
})

export const dashboardReady = z.strictObject({
  event: p.event("ready"),
  url: p.text("the page's address"),
  urls: p.texts("all addresses it can be reached at"),
})

export const dashboard = z.strictObject({
  event: p.event("end"),
  network: p.networkName,
  learnt: p.count("training images learnt"),
  taught: p.count("samples taught by hand"),
  classes: p.texts("names of the outputs, those added on the page at the end"),
  coefficientsHash: p.hash("of the coefficients at the end"),
  recoveries: p.recoveries,
  out: p.text("the file written").optional(),
})

export const record = z.strictObject({
  label: p.text("the class; missing where the page said it").optional(),
  folder: p.text("where recordings were written"),
  files: p.texts("the recordings"),
  refused: p.count("recordings that were not kept"),
  notes: p.texts("what was noticed of them"),
})

export const watch = z.strictObject({
  model: p.text("the model file"),
  seconds: p.positive("of signal watched"),
  windows: p.count("windows or segments classified"),
  detections: z
    .array(
      z.strictObject({
        at: p.real("seconds from the start"),
        class: p.whole("number of the class; −1: unknown"),
        name: p.text("its name"),
        lead: p.real("of its output over the best other"),
        seconds: p.positive("it lasted"),
      }),
    )
    .describe("in the order they were said"),
  counts: z.record(z.string(), z.int().min(0)).describe("detections by class"),
  detectionsPerHour: p.positive("of known classes"),
  taught: p.count("with `--dashboard`: lessons given on the page").optional(),
  files: p.texts("with `--dashboard`: recordings kept of them").optional(),
  coefficientsHash: p.hash("with `--dashboard`: of the coefficients at the end").optional(),
})
