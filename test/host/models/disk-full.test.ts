/** A disk without room: the file that was there stays, to the byte, and nothing else is left. */
import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { temporaryFolder } from "../../temporary"

const folder = temporaryFolder("full")

it.skipIf(process.platform === "win32")(
  "saving a model onto it fails by name, the old file whole",
  () => {
    const path = join(folder, "model.wuxing")
    writeFileSync(path, "what was there before")
    const program = `
    const { saveModel } = await import("./host/models/model-file.ts")
    const { HostNetwork } = await import("./host/network/host-network.ts")
    const { pico16 } = await import("./host/network/presets.ts")
    const network = pico16(1)
    const coefficients = new HostNetwork(network).coefficients()
    try {
      saveModel(${JSON.stringify(path)}, { network, coefficients, training: null })
    } catch (error) {
      console.log(JSON.stringify(error))
    }`
    // Files may grow to 4 KiB: the model is larger, as on a disk that fills up while it is written.
    const { stdout, stderr } = spawnSync(
      "bash",
      [
        "-c",
        'ulimit -f 4; exec "$0" "$@"',
        process.execPath,
        "--import",
        "tsx",
        "--input-type=module",
      ],
      { input: program, encoding: "utf8", env: { ...process.env, TSX_DISABLE_CACHE: "1" } },
    )
    expect(stdout, stderr).toContain("model-unwritable")
    expect(readFileSync(path, "utf8")).toBe("what was there before")
    expect(readdirSync(folder)).toEqual(["model.wuxing"])
  },
)
