/** Files that older versions of the tool wrote. */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { readMnist } from "../../../host/data/mnist"
import { decodeModel, encodeModel, loadModel, MODEL_VERSION } from "../../../host/models/model-file"
import { loadModelInto } from "../../../host/training/training"
import { TrainingEngine } from "../../../host/training/training-engine"

/** The preset pico-fast as it was before 0.1.0: other layers and four steps, taught by that tool. */
const OLD = new URL("fixtures/version-1-pico-fast.wuxing", import.meta.url).pathname

test("a file whose preset has since become another network names what its record says", async () => {
  const model = loadModel(OLD)
  expect(model.network.layers.map(({ neurons }) => neurons)).toEqual([16, 10])
  expect(model.network.steps).toBe(4)
  const { test: images } = readMnist()
  const engine = await TrainingEngine.start(model.network)
  try {
    loadModelInto(engine, model)
    const store = engine.store(images.images, images.labels)
    const indices = Int32Array.from({ length: images.count }, (_, i) => i)
    const named = await engine.predict(store, indices)
    const right = named.filter((label, i) => label === images.labels[i]).length
    // Measured by the tool that wrote it, on all test images.
    expect(right / images.count).toBe(model.training?.accuracy.test)
  } finally {
    await engine.close()
  }
})

test("an older version is brought up to date step by step, a newer one refused", () => {
  const bytes = readFileSync(OLD)
  const plain = decodeModel(bytes, "old")
  type Header = { network: { name: string } }
  const renamed = (suffix: string) => (header: unknown) => {
    const old = header as Header
    return { ...old, network: { ...old.network, name: `${old.network.name}${suffix}` } }
  }
  const steps = [renamed(" 2"), renamed(" 3")]
  const migrated = decodeModel(bytes, "old", steps)
  expect(migrated.network).toEqual({ ...plain.network, name: `${plain.network.name} 2 3` })
  expect(migrated.coefficients.equals(plain.coefficients)).toBe(true)
  // What is saved has the newest version, whichever it came from.
  expect(encodeModel(plain).readUInt32LE(8)).toBe(MODEL_VERSION)

  const second = withVersion(bytes, 2)
  expect(decodeModel(second, "second", steps).network.name).toBe("pico-fast 3")
  expect(() => decodeModel(second, "newer")).toThrow(/version 2, expected 1/)
  expect(() => decodeModel(withVersion(bytes, 0), "none")).toThrow(/version 0/)
})

function withVersion(bytes: Buffer, version: number): Buffer {
  const content = Buffer.from(bytes.subarray(0, bytes.length - 32))
  content.writeUInt32LE(version, 8)
  return Buffer.concat([content, createHash("sha256").update(content).digest()])
}
