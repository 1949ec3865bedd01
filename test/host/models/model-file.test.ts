import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { WuxingError } from "../../../host/base/errors"
import {
  decodeModel,
  encodeModel,
  loadModel,
  MODEL_VERSION,
  type Model,
  saveModel,
} from "../../../host/models/model-file"
import { presetOf, readModel, untrained } from "../../../host/models/model-source"
import type { Network } from "../../../host/network/network"
import { totalLinks } from "../../../host/network/network-schema"
import { presetNames } from "../../../host/network/presets"
import type { Features } from "../../../host/signals/description"
import { network } from "../../src/core/helpers"
import { temporaryFolder } from "../../temporary"

const folder = temporaryFolder("model")

const net = network([
  { neurons: 3, inputs: 2, fanIn: 4 },
  { neurons: 2, inputs: 1, outputFirst: 1, outputs: 1, fanIn: 3 },
])

function modelOf(values: (i: number) => number = i => i * 7 - 50): Model {
  const coefficients = Buffer.alloc(2 * totalLinks(net))
  for (let i = 0; i < coefficients.length / 2; i++) coefficients.writeInt16LE(values(i), 2 * i)
  return {
    network: net,
    coefficients,
    training: {
      command: "wuxing train --model pico-16 --seed 1",
      seed: 1,
      epochs: 2.5,
      samples: 150_000,
      data: "mnist",
      accuracy: { test: 0.95, train: 0.97 },
      settings: { shift: [12, 13], größe: "ä" },
      state: { next: 7 },
    },
    arrays: { k3: Buffer.from([1, 0, 255, 127]) },
  }
}

const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (error instanceof WuxingError) {
      expect(error.kind).toBe("data")
      expect(error.message.length).toBeGreaterThan(20)
      expect(error.help).toBeTruthy()
      return error.code
    }
    throw error
  }
  return "none"
}

/** A file of these pieces with a checksum that fits, put together apart from the code tested. */
function sealed(header: Buffer | string, arrays: Buffer, version = 1, length?: number): Buffer {
  const text = Buffer.from(header)
  const numbers = Buffer.alloc(8)
  numbers.writeUInt32LE(version, 0)
  numbers.writeUInt32LE(length ?? text.length, 4)
  const magic = Buffer.from("\x89WXM\r\n\x1a\n", "latin1")
  const content = Buffer.concat([magic, numbers, text, arrays])
  return Buffer.concat([content, createHash("sha256").update(content).digest()])
}

describe("a model file", () => {
  test("gives back what was saved", () => {
    const path = join(folder, "whole.wxm")
    saveModel(path, modelOf())
    expect(loadModel(path)).toEqual(modelOf())
    const bare = { network: net, coefficients: modelOf().coefficients, training: null }
    saveModel(path, bare)
    expect(loadModel(path)).toEqual(bare)
  })

  test("gives back every preset, its links and coefficients bit for bit", () => {
    const large = /^(mnist-kernels|mnist-windows|fashion-.*|fleet-deep|fleet-300)$/
    for (const name of presetNames.filter(name => !large.test(name))) {
      const model = untrained(presetOf(name, 5))
      const back = decodeModel(encodeModel(model), name)
      expect(back).toEqual(model)
      expect(untrained(back.network).coefficients.equals(model.coefficients)).toBe(true)
    }
  })

  test("is laid out as documented", () => {
    const bytes = encodeModel(modelOf())
    expect(bytes.subarray(0, 8).toString("hex")).toBe("8957584d0d0a1a0a")
    expect(bytes.readUInt32LE(8)).toBe(1)
    const length = bytes.readUInt32LE(12)
    const text = bytes.subarray(16, 16 + length).toString("utf8")
    const header = JSON.parse(text)
    expect(Object.keys(header)).toEqual(["arrays", "network", "training"])
    expect(header.arrays).toEqual([
      { name: "coefficients", values: totalLinks(net) },
      { name: "k3", values: 2 },
    ])
    expect(bytes.readInt16LE(16 + length)).toBe(-50)
    expect(bytes.length).toBe(16 + length + 2 * totalLinks(net) + 4 + 32)
    const hash = createHash("sha256").update(bytes.subarray(0, -32)).digest()
    expect(bytes.subarray(-32).equals(hash)).toBe(true)
    expect(sealed(text, bytes.subarray(16 + length, -32)).equals(bytes)).toBe(true)
  })

  test("has two coefficients of four bits in a byte, layer by layer, and no others than they can be", () => {
    const few: Network = { ...net, layers: net.layers.map(layer => ({ ...layer })) }
    few.layers[1].quantised = { bits: 4, exponent: 5 }
    few.layers[1].fanIn = 2
    few.layers[1].neurons = 3
    // 24 of 16 bits, then six of four, of which 1 is 2^−5, 256 in Q13; of one more a byte is half empty.
    const first = Array.from({ length: 24 }, (_, i) => 100 * i - 5)
    const bytesOf = (model: Model) => {
      const bytes = encodeModel(model)
      return bytes.subarray(16 + bytes.readUInt32LE(12), -32)
    }
    const modelWith = (network: Network, last: number[]) => {
      const coefficients = Buffer.alloc(2 * (24 + last.length))
      for (const [i, c] of [...first, ...last].entries()) coefficients.writeInt16LE(c, 2 * i)
      return { ...modelOf(), network, coefficients, arrays: undefined }
    }
    const model = modelWith(few, [-7 * 256, 7 * 256, 0, -256, 256, 3 * 256])
    expect([...bytesOf(model).subarray(48)]).toEqual([0x79, 0xf0, 0x31])
    expect(bytesOf(model).readInt16LE(46)).toBe(2295)
    expect(decodeModel(encodeModel(model), "f").coefficients.equals(model.coefficients)).toBe(true)
    const odd = { ...few, layers: [few.layers[0], { ...few.layers[1], neurons: 1, fanIn: 3 }] }
    const oddModel = modelWith(odd, [512, -512, -1792])
    expect([...bytesOf(oddModel).subarray(48)]).toEqual([0xe2, 0x09])
    for (const [byte, message] of [
      [0x82, /coefficient 25 is −8/],
      [0x19, /left over behind the coefficients of layer 2/],
    ] as const) {
      const bytes = encodeModel(oddModel)
      const header = bytes.subarray(16, 16 + bytes.readUInt32LE(12))
      const arrays = Buffer.from(bytesOf(oddModel))
      arrays[byte === 0x82 ? 48 : 49] = byte
      expect(() => decodeModel(sealed(header, arrays), "f")).toThrow(message)
    }
    expect(() => encodeModel(modelWith(few, [255, 0, 0, 0, 0, 0]))).toThrow(/not one of four bits/)
    expect(() => encodeModel(modelWith(few, [-2048, 0, 0, 0, 0, 0]))).toThrow(/not one of/)
  })

  test("has the same bytes for the same content, in whatever order it was put together", () => {
    const model = modelOf()
    const turned = (value: unknown): unknown =>
      value === null || typeof value !== "object" || Buffer.isBuffer(value) || Array.isArray(value)
        ? value
        : Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([k, v]) => [k, turned(v)]),
          )
    expect(encodeModel(turned(model) as Model).equals(encodeModel(model))).toBe(true)
    expect(encodeModel(modelOf(i => i)).equals(encodeModel(model))).toBe(false)
  })

  test("is refused with any one bit flipped", () => {
    const whole = encodeModel(modelOf())
    const refusals = new Set<string>()
    for (let at = 0; at < whole.length; at++)
      for (let bit = 0; bit < 8; bit++) {
        const bytes = Buffer.from(whole)
        bytes[at] ^= 1 << bit
        const code = codeOf(() => decodeModel(bytes, "x"))
        expect(code, `byte ${at}, bit ${bit}`).toBe(
          at < 8 ? "model-foreign" : at < 12 ? "model-version" : "model-damaged",
        )
        refusals.add(code)
      }
    expect(refusals.size).toBe(3)
  })

  test("is refused with any byte changed, cut anywhere or with anything appended", () => {
    const whole = encodeModel(modelOf())
    for (let length = 0; length < whole.length; length++)
      expect(codeOf(() => decodeModel(whole.subarray(0, length), "x"))).toBe(
        length < 8 ? "model-foreign" : "model-damaged",
      )
    fc.assert(
      fc.property(
        fc.nat(whole.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        (at, change, tail) => {
          const bytes = Buffer.from(whole)
          bytes[at] ^= change
          expect(codeOf(() => decodeModel(bytes, "x"))).not.toBe("none")
          expect(codeOf(() => decodeModel(Buffer.concat([whole, tail]), "x"))).toBe("model-damaged")
        },
      ),
    )
  })

  test("of random bytes is refused, and nothing else happens", () => {
    const magic = encodeModel(modelOf()).subarray(0, 12)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, framed) => {
        const file = framed ? Buffer.concat([magic, bytes]) : Buffer.from(bytes)
        expect(codeOf(() => decodeModel(file, "x"))).toMatch(/^model-/)
      }),
      { numRuns: 2000 },
    )
  })

  test("with a header of any content under a fitting checksum is refused or used, nothing else", () => {
    const whole = encodeModel(modelOf())
    const length = whole.readUInt32LE(12)
    const header = whole.subarray(16, 16 + length)
    const arrays = whole.subarray(16 + length, -32)
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc
            .tuple(fc.nat(length - 1), fc.constantFrom(...'0123456789-{}[]",eE.ntf\u0000'))
            .map(([at, c]) => {
              const text = header.toString("latin1")
              return Buffer.from(text.slice(0, at) + c + text.slice(at + 1), "latin1")
            }),
        ),
        text => {
          // A digit of a rate or the record may change into another that is just as good.
          expect(codeOf(() => decodeModel(sealed(text, arrays), "x"))).toMatch(
            /^(model-invalid|none)$/,
          )
        },
      ),
      { numRuns: 1500 },
    )
  })

  const parts = () => {
    const whole = encodeModel(modelOf())
    const length = whole.readUInt32LE(12)
    return {
      header: JSON.parse(whole.toString("utf8", 16, 16 + length)),
      arrays: whole.subarray(16 + length, -32),
    }
  }
  const changed = (change: (header: ReturnType<typeof parts>["header"]) => void): string => {
    const { header, arrays } = parts()
    change(header)
    try {
      decodeModel(sealed(JSON.stringify(header), arrays), "the file")
    } catch (error) {
      expect((error as WuxingError).code).toBe("model-invalid")
      return (error as WuxingError).message
    }
    return "none"
  }

  test("says what is wrong in a header that contradicts itself", () => {
    expect(changed(() => {})).toBe("none")
    expect(changed(h => delete h.network.steps)).toContain("network.steps")
    expect(changed(h => (h.network.steps = 17))).toContain("steps must be 2…16")
    expect(changed(h => (h.network.steps = 6.5))).toContain("network.steps")
    expect(changed(h => (h.network.surprise = 1))).toContain("surprise")
    expect(changed(h => (h.network.layers[0].neurons = 4))).toContain("coefficients")
    expect(changed(h => (h.arrays[0].name = "others"))).toContain('"coefficients"')
    expect(changed(h => (h.arrays[1].name = "coefficients"))).toContain("one name")
    expect(changed(h => h.arrays.pop())).toContain("arrays end")
    expect(changed(h => (h.arrays[1].values = 200))).toContain("arrays end")
    expect(changed(h => (h.training.accuracy.test = 95))).toContain("training.accuracy.test")
    expect(changed(h => (h.training = null))).toBe("none")
  })

  test("of a header longer than the file, or not UTF-8, is refused", () => {
    const { header, arrays } = parts()
    const text = JSON.stringify(header)
    const refusal = (bytes: Buffer) => codeOf(() => decodeModel(bytes, "x"))
    expect(refusal(sealed(text, arrays, 1, 0xffffffff))).toBe("model-invalid")
    expect(refusal(sealed(text, arrays, 1, 0))).toBe("model-invalid")
    expect(refusal(sealed(Buffer.from([0x22, 0xff, 0x22]), arrays))).toBe("model-invalid")
    expect(refusal(sealed("[".repeat(200_000), arrays))).toBe("model-invalid")
    const deep = `{"training":{"state":{"a":${"[".repeat(50_000)}${"]".repeat(50_000)}}}}`
    expect(refusal(sealed(deep, arrays))).toBe("model-invalid")
  })

  test("of another version names it, and tells a newer one from a damaged one", () => {
    const message = (version: number) => {
      const { header, arrays } = parts()
      try {
        decodeModel(sealed(JSON.stringify(header), arrays, version), "x")
      } catch (error) {
        return `${(error as WuxingError).code}: ${(error as WuxingError).message} ${(error as WuxingError).likely}`
      }
      return "none"
    }
    expect(message(MODEL_VERSION)).toBe("none")
    expect(message(2)).toMatch(/^model-version: .*version 2, expected 1 a newer wuxing/)
    expect(message(0)).toMatch(/^model-version: .*version 0, expected 1 it is damaged/)
  })

  test("that is another kind of file is told from a damaged one", () => {
    for (const text of ["", "{}", "\x89PNG\r\n\x1a\n and so on", "WXM"])
      expect(codeOf(() => decodeModel(Buffer.from(text, "latin1"), "x"))).toBe("model-foreign")
    // As FTP's text mode and a seven-bit mail would leave it.
    const whole = encodeModel(modelOf())
    const text = Buffer.from(whole.toString("latin1").replaceAll("\r\n", "\n"), "latin1")
    expect(codeOf(() => decodeModel(text, "x"))).toBe("model-foreign")
    expect(codeOf(() => decodeModel(Buffer.from(whole.map(b => b & 127)), "x"))).toBe(
      "model-foreign",
    )
  })

  test("is not made of a model that contradicts itself", () => {
    const model = modelOf()
    const refused: Model[] = [
      { ...model, coefficients: model.coefficients.subarray(2) },
      { ...model, coefficients: model.coefficients.subarray(1) },
      { ...model, network: { ...net, steps: 1 } },
      { ...model, training: { ...model.training!, epochs: Number.NaN } },
      { ...model, arrays: { coefficients: Buffer.alloc(2) } },
    ]
    for (const wrong of refused) expect(() => encodeModel(wrong)).toThrow(RangeError)
  })
})

describe("saving", () => {
  test("replaces the file and leaves nothing else behind", () => {
    const own = mkdtempSync(join(folder, "own-"))
    const path = join(own, "m.wxm")
    writeFileSync(path, "something else")
    saveModel(path, modelOf())
    expect(readFileSync(path).equals(encodeModel(modelOf()))).toBe(true)
    expect(readdirSync(own)).toEqual(["m.wxm"])
  })

  test("that fails leaves the old file and nothing else, and says why", () => {
    const own = mkdtempSync(join(folder, "fail-"))
    // A folder of that name with something in it cannot be replaced by a file.
    mkdirSync(join(own, "m.wxm"))
    writeFileSync(join(own, "m.wxm", "inside"), "old")
    expect(codeOf(() => saveModel(join(own, "m.wxm"), modelOf()))).toBe("model-unwritable")
    expect(readFileSync(join(own, "m.wxm", "inside"), "utf8")).toBe("old")
    expect(readdirSync(own)).toEqual(["m.wxm"])
    expect(codeOf(() => saveModel(join(own, "no", "m.wxm"), modelOf()))).toBe("model-unwritable")
    expect(existsSync(join(own, "no"))).toBe(false)
  })

  test("is refused before anything is written if the model contradicts itself", () => {
    const own = mkdtempSync(join(folder, "wrong-"))
    const path = join(own, "m.wxm")
    saveModel(path, modelOf())
    const wrong = { ...modelOf(), coefficients: Buffer.alloc(0) }
    expect(() => saveModel(path, wrong)).toThrow(RangeError)
    expect(loadModel(path)).toEqual(modelOf())
    expect(readdirSync(own)).toEqual(["m.wxm"])
  })
})

describe("loading", () => {
  test("tells a missing file from one that cannot be read", () => {
    expect(codeOf(() => loadModel(join(folder, "none.wxm")))).toBe("model-missing")
    expect(codeOf(() => loadModel(folder))).toBe("model-unreadable")
    const path = join(folder, "closed.wxm")
    writeFileSync(path, "x")
    chmodSync(path, 0)
    // root may read it all the same.
    expect(codeOf(() => loadModel(path))).toMatch(/^model-(unreadable|foreign)$/)
  })

  test("does not wait for the other end of a pipe", () => {
    const path = join(folder, "pipe.wxm")
    expect(spawnSync("mkfifo", [path]).status).toBe(0)
    expect(codeOf(() => loadModel(path))).toBe("model-unreadable")
  })
})

describe("a network by its name", () => {
  test("is a preset as its seed draws it, or a file, whatever the file is called", () => {
    const model = readModel("pico-16", 3)
    expect(model.network).toEqual(presetOf("pico-16", 3))
    const path = join(folder, "pico")
    saveModel(path, modelOf())
    expect(readModel(path, 1)).toEqual(modelOf())
  })

  test("that is neither is refused with the presets' names", () => {
    for (const work of [() => readModel("pico-17", 1), () => presetOf("pico-17", 1)])
      try {
        work()
        expect.unreachable()
      } catch (error) {
        expect((error as WuxingError).kind).toBe("usage")
        expect((error as WuxingError).help).toContain("model1, model2, mnist-kernels")
      }
  })
})

describe("a network that reads a signal", () => {
  const features: Features = {
    kind: "trace",
    points: 5,
    take: ["values"],
    scale: "own",
    floor: 0,
    channels: ["w", "x", "y", "z"],
    rate: 25,
    unit: 1,
  }
  const signal = { features, unknown: 40 }

  test("says how, and has its bytes where it does not", () => {
    const model = { ...modelOf(), signal }
    expect(decodeModel(encodeModel(model), "m")).toEqual(model)
    expect(encodeModel(modelOf()).includes('"signal":')).toBe(false)
  })

  test("and reads as many features as they come to", () => {
    expect(net.width).toBe(20)
    const wide = { ...modelOf(), signal: { features: { ...signal.features, points: 6 } } }
    expect(() => encodeModel(wide)).toThrow("it has 24 features, but its network reads 20")
    const twice = { ...signal.features, channels: ["x", "x", "y", "z"] }
    expect(() => encodeModel({ ...modelOf(), signal: { features: twice } })).toThrow("one name")
  })
})
