/** Documents of the demonstrations. */
import { z } from "zod"
import * as p from "./parts"

const oneBoard = {
  board: p.text("the board's id"),
  profile: p.text("its board profile"),
}
const powerCut = z
  .enum(["power cut", "cable pulled", "reset"])
  .describe("how its power was taken away")
const name = <Name extends string>(of: Name) => z.literal(of).describe("which demonstration")
const vector = z.array(z.number())
const worlds = (meaning: string) =>
  z
    .strictObject({
      old: p.share("of the old world classified correctly"),
      new: p.share("of the new world classified correctly"),
    })
    .describe(meaning)

export const adapt = z.strictObject({
  demo: name("adapt"),
  model: p.model,
  world: p.text("turned or inverted").optional(),
  angle: p.real("degrees digits were turned by").optional(),
  seed: p.seed,
  boards: z.array(p.boardPart).describe("each board's share"),
  samples: p.count("samples of the new world learnt from"),
  tested: p.count("test images for boards, of each world"),
  before: worlds("boards before they learnt"),
  after: worlds("boards after it"),
  all: z
    .strictObject({
      tested: p.count("test images, of each world"),
      before: worlds("before"),
      after: worlds("after"),
    })
    .describe("the boards' coefficients on the host's core"),
  recovered: p.real("share of what was lost that was recovered; of all test images"),
  forgotten: p.real("share of the old world lost for it"),
  off: z
    .strictObject({
      right: p.count("classified correctly"),
      coefficientsUnchanged: p.flag("whether nothing changed"),
    })
    .describe("the samples streamed with learning off"),
  on: z
    .strictObject({ right: p.count("classified correctly, each before it was learnt") })
    .describe("the samples streamed with learning on"),
  stream: z
    .strictObject({
      off: z.array(z.boolean()).describe("with learning off"),
      on: z.array(z.boolean()).describe("with learning on"),
    })
    .describe("of each sample, whether it was classified correctly"),
  recoveries: p.recoveries,
  ...p.verified,
})

export const alone = z.strictObject({
  demo: name("alone"),
  seed: p.seed,
  ...oneBoard,
  network: p.networkName,
  paceMs: p.count("ms of a flash of the LED"),
  powerCut,
  images: z
    .array(
      z.strictObject({
        image: p.count("number of the test image"),
        label: p.count("its class"),
        before: p.whole("the board's answer after the first power cut"),
        afterLessons: p.whole("after the lessons"),
        afterPower: p.whole("after the second power cut"),
        hostBefore: p.whole("the host's core with the coefficients shipped"),
        hostAfter: p.whole("with those learnt"),
        taught: p.flag("whether the button was used for it"),
      }),
    )
    .describe("answers by flashes of the LED"),
  steps: p.count("learning steps"),
  generation: p.count("times coefficients were put in flash"),
  coefficientBytes: p.count("bytes of them"),
  ...p.verified,
  lights: z
    .array(z.strictObject({ at: p.real("seconds from the start"), colour: p.count("0xRRGGBB") }))
    .describe("what the LED did"),
})

export const fleet = z.strictObject({
  demo: name("fleet"),
  network: p.networkName,
  seed: p.seed,
  boards: z.array(p.boardPart).describe("each board's share"),
  accuracyBefore: p.share("of the test images classified correctly before"),
  accuracyAfter: p.share("of them classified correctly after"),
  trained: p.count("images learnt"),
  tested: p.count("test images classified, before and after"),
  unplugged: z
    .strictObject({
      board: p.count("which"),
      sample: p.count("after which sample"),
      by: z.enum(["software", "hand", "nobody"]).describe("who did it"),
    })
    .describe("the board that was taken away"),
  recoveries: p.recoveries,
  samplesPerSecond: p.positive("learnt"),
  progress: z
    .array(z.strictObject({ seconds: p.positive("since the start"), samples: p.count("learnt") }))
    .describe("samples over time"),
  ...p.verified,
})

const computed = (meaning: string) =>
  z
    .strictObject({
      operations: p.count("of the boards' virtual machines"),
      busySeconds: p.positive("they take boards of that profile, waiting left out"),
    })
    .describe(meaning)

export const classOfBoards = z.strictObject({
  demo: name("class"),
  network: p.networkName,
  seed: p.seed,
  boards: p.count("boards of the class"),
  average: p.count("samples each board learns between two averages"),
  profile: p.text("the board profile whose time they compute by"),
  agents: z
    .array(
      z.strictObject({
        name: p.text("its name"),
        boards: p.count("boards it offers"),
        learning: computed("what its boards computed to learn"),
        naming: computed("what they computed to classify after it"),
      }),
    )
    .describe("by name"),
  memoryBytes: p.count("of this process and the agents', in RAM at the end"),
  trained: p.count("images learnt"),
  tested: p.count("test images classified, before and after"),
  accuracyBefore: p.share("of them classified correctly before"),
  accuracyAfter: p.share("of them classified correctly after"),
  learningSeconds: p.positive("learning took on this machine"),
  samplesPerSecond: p.positive("learnt, had the boards been of that profile, waiting left out"),
  samplesPerSecondAlone: p.positive("learnt so by one of them alone"),
  namesMatch: p.flag("whether boards classified all images as the host does"),
  recoveries: p.recoveries,
  ...p.verified,
})

const gestureName = z.enum(["push", "wave", "circle", "lift", "twist"]).describe("the gesture")

export const gesture = z.strictObject({
  demo: name("gesture"),
  seed: p.seed,
  ...oneBoard,
  network: p.networkName,
  powerCut,
  taught: p.count("examples taught"),
  steps: p.count("learning steps"),
  generation: p.count("times coefficients were put in flash"),
  made: z
    .array(
      z.strictObject({
        gesture: gestureName,
        person: p.count("who made it; 0 is the teacher"),
        named: p.text("what the board said: a gesture, or unknown"),
        lead: p.real("of its output over the best other"),
        samples: p.count("readings of the segment"),
      }),
    )
    .describe("each gesture after the lessons"),
  accuracy: z
    .strictObject({ teacher: p.share("of the teacher's"), other: p.share("of the other's") })
    .describe("gestures classified correctly"),
  before: p.share("classified correctly before anything was taught"),
  readings: p.count("readings of the accelerometer"),
  ...p.verified,
  traces: z
    .array(
      z.strictObject({
        gesture: gestureName,
        values: z.array(z.tuple([z.number(), z.number(), z.number()])).describe("g along x, y, z"),
      }),
    )
    .describe("the first repetition of each gesture"),
})

export const memory = z.strictObject({
  demo: name("memory"),
  ...oneBoard,
  rounds: p.count("adjustments"),
  powerCut,
  memories: z
    .array(
      z.strictObject({
        by: z.enum(["K1", "K3"]).describe("the parameter that was adjusted"),
        values: vector.describe("to be stored"),
        refused: p.text("why they cannot be; the lists below are empty then").optional(),
        errors: vector.describe("largest rate at the values, by round"),
        ends: z.array(vector).describe("elements a second after they were set, by round"),
        parameters: vector.describe("of each element, after the last round"),
        trace: z.array(vector).describe("elements after the power cut, half a time unit apart"),
        recalled: vector.describe("where they came to rest"),
        farthest: z
          .number()
          .nullable()
          .describe("farthest of these from the values; null where none was stored"),
        sameAsHost: p.flag("whether all of it is what the host's core gives, to the bit"),
      }),
    )
    .describe("by K1, then by K3"),
})

export const oscillator = z.strictObject({
  demo: name("oscillator"),
  ...oneBoard,
  unitMs: p.positive("ms of a time unit of the neuron"),
  threshold: p.real("r from which it swings by itself, by linear theory"),
  below: z
    .strictObject({
      r: p.real("(K1 − K2)/K1"),
      blinks: p.count("of the LED after a push"),
      dark: p.flag("whether it went dark"),
    })
    .describe("below the threshold"),
  past: z
    .strictObject({
      r: p.real("(K1 − K2)/K1"),
      theoryPeriod: p.positive("time units, by linear theory"),
      period: p.positive("time units"),
      theoryHertz: p.positive("blinks a second, by linear theory"),
      ledHertz: p.positive("blinks a second, by the host's clock"),
      theoryGrowth: p.real("of the amplitude a time unit, by linear theory"),
      growth: p.real("of the amplitude a time unit"),
      cycles: p.count("cycles measured"),
    })
    .describe("past it, while the swing is small"),
  full: z
    .strictObject({
      period: p.positive("time units"),
      ledHertz: p.positive("blinks a second"),
      amplitude: p.positive("of element J"),
    })
    .describe("past it, at full swing"),
  quieted: z
    .strictObject({
      input: p.real("on element J"),
      dark: p.flag("whether it went dark"),
      blinks: p.count("until then"),
      units: p.positive("time units until then"),
      from: p.real("seconds, when the input came"),
      to: p.real("seconds, when it was taken away"),
    })
    .describe("with an input"),
  again: z.strictObject({ blinks: p.count("by itself") }).describe("the input taken away"),
  cycles: z
    .array(z.strictObject({ at: p.real("seconds"), amplitude: p.positive("of element J") }))
    .describe("past the threshold, until the input came"),
  led: z
    .array(z.strictObject({ at: p.real("seconds"), lit: p.flag("on or off") }))
    .describe("each change of the LED"),
})
