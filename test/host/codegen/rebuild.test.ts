/** The program that is shipped is what its sources give. */
import { readFileSync } from "node:fs"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  buildNativeFeatures,
  buildNativeFirmware,
  COMPILER_VERSION,
  compilerVersion,
} from "../../../host/codegen/build-firmware"
import { compileCore, coreSources } from "../../../host/codegen/core-compile"
import { coreFiles } from "../../../host/codegen/core-files"
import { keptCore } from "../../../host/codegen/kept-core"
import { bootChecksum } from "../../../host/hardware/emulator/boot-checksum"
import {
  FEATURES_PATH,
  LISTING_PATH,
  UF2_PATH,
} from "../../../host/hardware/emulator/firmware-file"
import { fromUf2, toUf2 } from "../../../host/hardware/emulator/uf2"

const kept = readFileSync(UF2_PATH)

describe.skipIf(compilerVersion() === undefined)("a rebuild (gcc-arm-none-eabi)", () => {
  it(`gives with ${COMPILER_VERSION} the bytes of wuxing-pico.uf2, and with another the same twice`, () => {
    const { uf2, ...listing } = buildNativeFirmware()
    // What is kept was built by the same compiler: where it is equal, that was the second time.
    if (compilerVersion() !== COMPILER_VERSION)
      return expect(buildNativeFirmware().uf2.equals(uf2)).toBe(true)
    expect(uf2.equals(kept), "run npm run firmware:native, and keep what it writes").toBe(true)
    expect(JSON.parse(readFileSync(LISTING_PATH, "utf8"))).toEqual(listing)
  })

  it("gives the features of signals that are kept beside it", () => {
    const kept = JSON.parse(readFileSync(FEATURES_PATH, "utf8"))
    if (compilerVersion() === COMPILER_VERSION) expect(buildNativeFeatures()).toEqual(kept)
    else expect(buildNativeFeatures().address).toBe(kept.address)
  })
})

describe("the core as WebAssembly that a checkout has", () => {
  const now = { plain: coreSources(false, true), batched: coreSources(true, true) }

  it("is of the sources as they are; both variants differ in one constant", () => {
    const why = "run npm run core, and keep what it writes"
    for (const batched of [false, true]) expect(keptCore(batched), why).toBeDefined()
    const others = [...now.batched].filter(([name, text]) => now.plain.get(name) !== text)
    expect(others.map(([name]) => name)).toEqual(["batched.ts"])
  })

  it("is what they compile to", async () => {
    for (const batched of [false, true]) {
      const compiled = await compileCore(batched ? now.batched : now.plain)
      expect(Buffer.from(compiled).equals(keptCore(batched)!)).toBe(true)
    }
  })

  it("is not taken for sources that say something else, but for what is commented otherwise", () => {
    const sums = { sources: "e0 += (3", forms: "i32x4.add(v, v)" }
    for (const of of ["sources", "forms"] as const) {
      const changed = (from: string | RegExp, to: string) => {
        const files = coreFiles()
        const settle = files[of].get("settle")!
        expect(settle).toMatch(from)
        files[of].set("settle", settle.replace(from, to))
        return keptCore(false, files)
      }
      expect(changed(sums[of], sums[of].replace("3", "2").replace("add", "sub"))).toBeUndefined()
      expect(changed(/^/, "// Another comment.\n\n/* And\none more. */")).toBeDefined()
    }
  })
})

describe("wuxing-pico.uf2", () => {
  const { address, image } = fromUf2(kept, "wuxing-pico.uf2")

  it("begins with a second-stage boot that the boot ROM takes", () => {
    expect(address).toBe(0x10000000)
    expect(image.readUInt32LE(252)).toBe(bootChecksum(image.subarray(0, 252)))
    // The published check value of CRC-32/MPEG-2, which this is.
    expect(bootChecksum(Buffer.from("123456789"))).toBe(0x0376e6e7)
  })

  it("has a vector table behind it: a stack in RAM, code in flash, in Thumb", () => {
    expect(image.readUInt32LE(256)).toBe(0x20042000)
    const reset = image.readUInt32LE(260)
    expect(reset & 1).toBe(1)
    expect(reset - address).toBeLessThan(image.length)
  })
})

describe("the UF2 format", () => {
  it("gives back what was put in, in blocks as its specification says", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 3000 }), bytes => {
        const uf2 = toUf2(bytes, 0x10000000)
        expect(uf2.length % 512).toBe(0)
        expect(uf2.readUInt32LE(0)).toBe(0x0a324655)
        expect(uf2.readUInt32LE(28)).toBe(0xe48bff56)
        const { address, image } = fromUf2(uf2, "it")
        expect(address).toBe(0x10000000)
        expect(Buffer.from(bytes).equals(image.subarray(0, bytes.length))).toBe(true)
      }),
    )
  })

  it("refuses what is cut short or damaged, by name", () => {
    const uf2 = toUf2(Buffer.alloc(600, 3), 0x10000000)
    expect(() => fromUf2(uf2.subarray(0, 700), "it")).toThrow(/it is no sound UF2 file/)
    const bad = Buffer.from(uf2)
    bad[511] ^= 1
    expect(() => fromUf2(bad, "it")).toThrow(/magic/)
  })
})
