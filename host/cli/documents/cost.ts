/** Documents of the commands that measure and plan. */
import { z } from "zod"
import { PARTS } from "../../hardware/work-parts"
import * as p from "./parts"

const machine = z
  .strictObject({
    cpu: p.text("its name").optional(),
    cores: p.count("of them"),
    node: p.text("version"),
  })
  .describe("where it was measured")

const rate = (meaning: string) =>
  z
    .strictObject({
      samplesPerSecond: p.positive("by the clock"),
      samplesPerCpuSecond: p.positive("by time on the processor"),
    })
    .describe(meaning)

export const bench = z.strictObject({
  batch: p.count("samples that learn together in `batched`"),
  networks: z
    .array(
      z.strictObject({
        network: p.networkName,
        neurons: p.count("neurons behind the input"),
        links: p.count("links"),
        steps: p.count("Heun steps of a settle"),
        train: z
          .strictObject({
            batch1: rate("one sample at a time"),
            batched: rate("a batch, one thread"),
            batchedTwoWorkers: rate("a batch, two threads"),
            once: rate("batches of 32 that are rounded once, one thread").optional(),
          })
          .describe("learning"),
        infer: z
          .strictObject({ oneWorker: rate("one thread"), twoWorkers: rate("two threads") })
          .describe("classifying"),
        yardstick: z
          .strictObject({ train: rate("learning"), infer: rate("classifying") })
          .describe("the same network in plain double precision"),
        nsPerNeuronStep: p.positive("ns of a neuron's Heun step"),
        nsPerLink: p.positive("ns of a link"),
        ratios: z
          .strictObject({
            train: p.positive("learning, one thread"),
            infer: p.positive("classifying, one thread"),
            trainTwoWorkers: p.positive("two threads over one"),
            inferTwoWorkers: p.positive("two threads over one"),
          })
          .describe("to the yardstick, and of threads"),
      }),
    )
    .describe("each network measured"),
  kernels: z
    .strictObject({
      network: p.networkName,
      train: rate("distorted pictures, batches of 32 that are rounded once, one thread"),
      prototype: p.count("images a second of one core that a C++ prototype learns"),
      ratio: p.positive("by time on the processor, to the prototype"),
    })
    .describe("learning by shared kernels"),
  peakMemoryBytes: p.count("most memory of the process"),
  machine,
  seconds: p.positive("of each measurement"),
})

export const scaling = z.strictObject({
  scaling: z
    .array(
      z.strictObject({
        varied: z.enum(["neurons", "links", "samples"]).describe("what was varied"),
        points: z
          .array(
            z.strictObject({
              size: p.positive("its number"),
              seconds: p.positive("of learning"),
            }),
          )
          .describe("measured"),
        fixed: p.real("seconds at size 0 of the line fitted"),
        slope: p.real("seconds for each more"),
        deviation: p.positive("largest deviation of a point from the line, as a share of it"),
      }),
    )
    .describe("growth with size"),
  figure: p.text("file of the figure"),
  peakMemoryBytes: p.count("most memory of the process"),
  machine,
  seconds: p.positive("of each measurement"),
})

export const links = z.strictObject({
  frameBytes: p.count("of a frame sent to and fro"),
  framing: z
    .strictObject({
      encode: p.positive("encoding"),
      crc: p.positive("checksum"),
      decode: p.positive("decoding"),
      total: p.positive("both ends"),
    })
    .describe("ns a byte"),
  ways: z
    .array(
      z.strictObject({
        way: p.text("which"),
        roundTrip: z
          .strictObject({
            median: p.positive("µs"),
            p99: p.positive("µs; 99 % are within"),
            count: p.count("measured"),
          })
          .describe("of a frame"),
        bytesPerSecond: p.positive("throughput"),
      }),
    )
    .describe("ways to a board"),
  seconds: p.positive("of each measurement"),
  machine,
})

const fleetRate = (meaning: string) =>
  z
    .strictObject({
      samplesPerSecond: p.positive("by the boards' clocks"),
      predicted: p.positive("as the plan has it"),
      withoutWaiting: p.positive("if no board ever waited"),
      busiestOperations: p.positive("operations a sample on the busiest board"),
      operations: p.positive("operations a sample on all"),
      messages: p.positive("messages a sample of the board that sends most"),
      throttleAllows: p.positive("samples a second that its throttle allows"),
      efficiency: p.positive("share of the ideal gain"),
      time: z
        .strictObject({
          waiting: p.real("for messages or layers"),
          uneven: p.real("as the busiest has more to do"),
          repeated: p.real("what every board does for itself"),
        })
        .describe("where time goes, shares of 1 on a mean board"),
      parts: z
        .strictObject(
          Object.fromEntries(
            PARTS.map(part => [part, z.array(p.count("on each board")).describe(`of ${part}`)]),
          ),
        )
        .describe("operations a sample by part of the work"),
      busiestHasOutputs: p.flag("whether the busiest board computes outputs"),
    })
    .describe(meaning)
    .optional()

export const fleets = z.strictObject({
  fleets: z
    .array(
      z.strictObject({
        network: p.networkName,
        boards: p.count("boards"),
        unfit: p.text("why it does not fit; there are no rates then").optional(),
        naming: fleetRate("classifying"),
        learning: fleetRate("learning"),
      }),
    )
    .describe("each network on each number of boards"),
  profile: p.text("of the boards"),
  named: p.count("images classified by each"),
  learnt: p.count("images learnt by each"),
  seed: p.seed,
  figure: p.text("file of the figure"),
  machine,
})

const sharing = z.enum(["network", "samples"])

export const shares = z.strictObject({
  rows: z
    .array(
      z.strictObject({
        network: p.networkName,
        share: sharing.describe("what boards share"),
        boards: p.count("boards"),
        board: p.text("their profile"),
        unfit: p.text("why they cannot do it; there are no rates then").optional(),
        learnPerSecond: p.positive("samples learnt a second, averaging included").optional(),
        inferPerSecond: p.positive("images classified a second").optional(),
        learnSpeedup: p.positive("over one such board").optional(),
        inferSpeedup: p.positive("over one such board").optional(),
      }),
    )
    .describe("each number of boards"),
  share: sharing.describe("what boards share"),
  board: p.text("their profile"),
  named: p.count("images each classified"),
  seed: p.seed,
  average: p.count("samples each learnt between two averages"),
  rounds: p.count("averages counted"),
  machine,
})

const areas = z
  .array(
    z.strictObject({
      owner: p.text("whose it is"),
      at: p.count("first byte"),
      bytes: p.count("bytes"),
      loaded: p.flag("whether the host loads it; else it is working memory"),
    }),
  )
  .describe("of a shard, in order")

const profiled = {
  model: p.model,
  trained: p.trained,
  network: p.networkName,
}
const runs = {
  images: p.count("images classified"),
  learned: p.count("images that taught something"),
  passed: p.count("images to be learnt that taught nothing"),
}
const energy = (meaning: string) =>
  z
    .record(z.string(), z.number().nullable())
    .describe(`${meaning}; null where the profile has no supply`)
const counts = (meaning: string) => z.record(z.string(), z.int()).describe(meaning)

export const profile = z.strictObject({
  ...profiled,
  ...runs,
  opsPerInference: p.count("operations"),
  opsPerLearn: p.count("operations of a learnt image, by the network's own error"),
  opsPerTrained: p.count("the same by the softmax of `train`"),
  computeOpsPerInference: p.count("without messages"),
  computeOpsPerLearn: p.count("without messages"),
  opsPerPassed: p.count("operations of an image that taught nothing"),
  msPerInference: p.byBoard("ms"),
  msPerLearn: p.byBoard("ms"),
  msPerTrained: p.byBoard("ms"),
  estimatedMillijoulesPerInference: energy("mJ by board profile, estimated"),
  estimatedMillijoulesPerLearn: energy("mJ by board profile, estimated"),
  computeMsPerInference: p.byBoard("ms without messages"),
  computeMsPerLearn: p.byBoard("ms without messages"),
  parts: z
    .array(
      z.strictObject({
        part: z
          .enum(["input", "links", "settle", "backward", "update", "service"])
          .describe("of the program"),
        opsPerInference: p.count("operations"),
        opsPerLearn: p.count("operations"),
        msPerInference: p.byBoard("ms"),
        msPerLearn: p.byBoard("ms"),
        kinds: z
          .strictObject({ inference: counts("classifying"), learn: counts("learning") })
          .describe("operations by kind"),
      }),
    )
    .describe("where operations go"),
})

const nativeCost = z.strictObject({
  cycles: p.count("cycles of an image"),
  computeCycles: p.count("without messages"),
  computedPerSecond: p.positive("images a second, compute alone"),
  streamedPerSecond: p.positive("images a second over USB"),
  estimatedMillijoules: z.number().nullable().describe("of an image, estimated"),
  parts: counts("cycles by part of the program"),
})

export const profileNative = z.strictObject({
  ...profiled,
  board: p.text("the board profile"),
  ...runs,
  inference: nativeCost.describe("classifying"),
  learn: nativeCost.nullable().describe("learning; null where no image taught anything"),
  features: z
    .strictObject({
      samples: p.count("samples of a segment or window"),
      cycles: p.count("cycles"),
      ms: p.positive("the same at 125 MHz"),
    })
    .describe("of a model that reads a signal: what a window's features cost")
    .optional(),
  msToClass: p.positive("ms from a window's last sample to its class").optional(),
  flashBytes: p.count("flash of the program"),
  programBytes: p.count("RAM of the program"),
  shardBytes: p.count("RAM of the network"),
  arenaBytes: p.count("RAM set aside for networks"),
  stackBytes: p.count("RAM of the stack"),
  areas: areas.describe("with `--memory`: of the network's RAM, in order").optional(),
})

export const profileMemory = z.strictObject({
  ...profiled,
  shardBytes: p.count("of the network"),
  arenaBytes: p.count("set aside for networks"),
  programBytes: p.count("heap of the program"),
  heapBytes: p.count("heap in use in all"),
  flashBytes: p.count("of the bytecode"),
  areas,
  boards: z
    .array(
      z.strictObject({
        id: p.text("board profile"),
        heapBytes: p.count("its heap"),
        freeBytes: p.whole("left beside network and program"),
        fits: p.flag("whether that is enough for messages"),
      }),
    )
    .describe("what is left on each board"),
})

export const profileSensor = z.strictObject({
  model: p.model,
  network: p.networkName,
  samples: p.count("samples of a segment or window"),
  operations: counts("from its last sample to the class, by part"),
  msToClass: p.byBoard("ms from its last sample to the class"),
  parts: z
    .array(
      z.strictObject({
        part: z.enum(["features", "network", "rest"]).describe("of the program"),
        ms: p.byBoard("ms"),
      }),
    )
    .describe("where time goes"),
})

export const plan = z.strictObject({
  network: p.networkName,
  feasible: p.flag("whether every board has room and time for its share"),
  reason: z.string().nullable().describe("why not; null if it does"),
  boards: z
    .array(
      z.strictObject({
        id: p.text("the board"),
        profile: p.text("its board profile"),
        neurons: p.count("neurons it computes"),
        links: p.count("links that end in them"),
        shardBytes: p.count("of its share"),
        heapBytes: p.count("heap in use"),
        heapPercent: p.positive("of its heap"),
        msPerSample: p.positive("ms it computes for an image"),
        inSignals: p.count("signals it takes from others"),
        outSignals: p.count("signals it sends to others"),
      }),
    )
    .describe("each board's share"),
  cutSignals: p.count("pairs of a signal and another board that needs it"),
  messagesPerSample: p.positive("of all boards, classifying"),
  predictedSamplesPerSecond: p.positive("images classified"),
  learning: z
    .strictObject({
      msPerSample: p.positive("from a sample's start to its end"),
      messagesPerSample: p.positive("of all boards"),
      predictedSamplesPerSecond: p.positive("samples learnt"),
    })
    .describe("the same of samples that are learnt"),
  estimatedMillijoules: z
    .strictObject({
      perSample: z.number().nullable().describe("an image classified"),
      perLearnt: z.number().nullable().describe("a sample learnt"),
    })
    .nullable()
    .describe("of all boards, estimated; null where a profile has no supply"),
  slots: p.count("samples under way at once on each board"),
  sharing: z
    .strictObject({
      network: z.number().nullable().describe("samples learnt a second, sharing the network"),
      samples: z.number().nullable().describe("the same, sharing the samples"),
      average: p.count("samples each board learns between two averages then"),
      faster: sharing.describe("which learns faster"),
    })
    .nullable()
    .describe("what boards had better share, predicted; null where the network does not fit"),
  shortfall: z
    .strictObject({
      resource: z.enum(["heap", "operations between yields"]).describe("what ran out"),
      placed: z
        .strictObject({ neurons: p.count("neurons"), links: p.count("links that end in them") })
        .describe("what found room"),
      unplaced: z
        .array(
          z.strictObject({
            layer: p.count("from 1 on"),
            neurons: p.count("neurons"),
            links: p.count("links that end in them"),
            bytes: p.count("they would take"),
          }),
        )
        .describe("what did not, by layer"),
      left: z
        .array(z.strictObject({ id: p.text("the board"), bytes: p.whole("left") }))
        .describe("what is left on each board"),
      remedies: p.texts("what would help"),
    })
    .describe("where it does not fit")
    .optional(),
})

const amount = (meaning: string) =>
  z
    .strictObject({
      rings: p.count("neurons of the network"),
      neurons: p.count("of the chip"),
      synapses: p.count("of the chip"),
    })
    .describe(meaning)

export const corePlan = z.strictObject({
  network: p.networkName,
  profile: p.text("the chip's profile"),
  chips: p.count("of them"),
  feasible: p.flag("whether everything has its place"),
  reason: p.text("which resource ran out; empty where none did"),
  cores: z
    .array(
      z.strictObject({
        chip: p.count("which"),
        core: p.count("which of it"),
        rings: p.count("neurons of the network"),
        neurons: p.count("of the chip"),
        synapses: p.count("of the chip"),
        fanIn: p.count("most synapses of a neuron"),
        sources: p.count("different signals it takes"),
        neuronsPercent: p.positive("of the core's neurons"),
        synapsesPercent: p.positive("of the core's synapses"),
      }),
    )
    .describe("cores in use"),
  places: z
    .array(z.int().min(-1))
    .describe("the core of each ring, counted over all chips; −1: none"),
  cutSignals: p.count("pairs of a signal and another core that takes it"),
  placed: amount("what found room"),
  unplaced: amount("what did not"),
})

export const reproduce = z.strictObject({
  rows: z
    .array(
      z.strictObject({
        name: p.text("of the row"),
        title: p.text("what is claimed"),
        source: p.text("where"),
        status: z.enum(["done", "partial", "not yet"]).describe("how far"),
        command: p.text("that measures it again"),
        seed: p.seed,
        seconds: p.positive("it took"),
        machine: p.text("where"),
        comparisons: z
          .array(
            z.strictObject({
              what: p.text("of what"),
              paper: p.text("the paper's figure"),
              ours: p.text("ours"),
            }),
          )
          .describe("paper and ours"),
        how: p.text("how it was measured"),
        tables: z
          .array(
            z.strictObject({
              title: p.text("above it"),
              head: p.texts("columns"),
              rows: z.array(z.array(z.union([z.string(), z.number()]))).describe("cells"),
            }),
          )
          .describe("more figures"),
        figures: p.texts("files of figures"),
        notes: p.texts("to be known"),
        reason: p.text("why it is partial or not yet").optional(),
      }),
    )
    .describe("each claim"),
  scale: p.text("quick or full"),
  seed: p.seed,
  seconds: p.positive("in all"),
  markdown: p.text("file of the report"),
  json: p.text("file of the rows"),
  out: p.text("folder of both"),
})
