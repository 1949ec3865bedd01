/** `wuxing flash`, as far as it goes without a board: the steps, the files, and a drive to write to. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { UF2_PATH } from "../../../host/hardware/emulator/firmware-file"
import { wuxing } from "./run-cli"

describe("wuxing flash", () => {
  let folder: string
  let uf2: string
  let bin: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "wuxing-flash-"))
    uf2 = join(folder, "firmware.uf2")
    writeFileSync(uf2, Buffer.concat([Buffer.from("UF2\n"), Buffer.alloc(508, 7)]))
    bin = join(folder, "firmware-0x0.bin")
    writeFileSync(bin, Uint8Array.of(0xe9, 1, 2, 3))
    writeFileSync(join(folder, "renamed.bin"), Uint8Array.of(0xe9, 1, 2, 3))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it("prints the steps for each board: buttons, the command, what is needed", async () => {
    const [pico, esp] = await Promise.all([
      wuxing(["flash", "--board", "pico", "--dry-run", "--json"]),
      wuxing([
        ...["flash", "--board", "esp32c3_bare", "--dry-run", "--json", "--file", bin],
        ...["--port", "/dev/ttyUSB0", "/dev/ttyUSB1"],
      ]),
    ])
    const one = JSON.parse(pico.stdout)
    expect(one).toMatchObject({ dryRun: true, board: "pico", family: "rp2040" })
    expect(one.plans.map((plan: { args: string[] }) => plan.args)).toEqual([
      ["flash", "rp2040", "--board", "pico"],
    ])
    expect(one.steps.join("\n")).toMatch(
      /needed: the network[\s\S]*BOOTSEL[\s\S]*npx devs flash rp2040/,
    )

    const two = JSON.parse(esp.stdout)
    expect(two.plans.map((plan: { args: string[] }) => plan.args)).toEqual(
      ["/dev/ttyUSB0", "/dev/ttyUSB1"].map(port =>
        ["flash", "esp32", "--board", "esp32c3_bare", "--file", bin].concat("--port", port),
      ),
    )
    const steps = two.steps.join("\n")
    expect(steps).toMatch(/esptool/)
    expect(steps).not.toMatch(/network/)
    expect(steps).toMatch(/board 2 of 2: run: npx devs .*\/dev\/ttyUSB1/)
  })

  it.each([
    ["no board", ["flash"], 2, /--board is missing[\s\S]*esp32c3_bare/],
    ["a board unknown", ["flash", "--board", "uno"], 2, /"uno"[\s\S]*pico/],
    ["a missing file", ["flash", "--board", "pico", "--file", "/no/fw.uf2"], 3, /\/no\/fw\.uf2/],
  ])("refuses %s", async (_, args, exit, what) => {
    const { status, stderr } = await wuxing(args)
    expect(status).toBe(exit)
    expect(stderr).toMatch(what)
  })

  it("refuses firmware of another family, or without its address, before any button", async () => {
    const run = (board: string, file: string) =>
      wuxing(["flash", "--json", "--quiet", "--board", board, "--file", join(folder, file)])
    const [other, renamed] = await Promise.all([
      run("pico", "firmware-0x0.bin"),
      run("esp32_bare", "renamed.bin"),
    ])
    for (const { status, stdout } of [other, renamed]) {
      expect(status).toBe(3)
      expect(JSON.parse(stdout).error).toMatchObject({ code: "firmware-file-wrong", kind: "data" })
    }
  })

  it("quotes the DeviceScript command where no board is ready", async () => {
    const { status, stdout } = await wuxing(
      ["flash", "--board", "pico", "--file", uf2, "--once", "--no-deploy", "--json", "--quiet"],
      { env: { USER: "nobody-with-this-name" } },
    )
    expect(status).toBe(7)
    const { error } = JSON.parse(stdout)
    expect(error).toMatchObject({ code: "flash-failed", kind: "firmware" })
    expect(error.message).toMatch(/no drives found/)
  })

  // Where drives are mounted is fixed, and only root may make a folder there.
  it.skipIf(process.platform !== "linux" || process.getuid?.() !== 0)(
    "writes the file to a board's drive (as root, Linux)",
    async () => {
      const user = `wuxing-test-${process.pid}`
      const drive = join("/media", user, "RPI-RP2")
      mkdirSync(drive, { recursive: true })
      try {
        const { status, stdout, stderr } = await wuxing(
          ["flash", "--board", "pico", "--file", uf2, "--once", "--no-deploy", "--json"],
          { env: { USER: user } },
        )
        expect(status).toBe(0)
        expect(JSON.parse(stdout)).toEqual({
          schema: "wuxing:flash:1",
          board: "pico",
          family: "rp2040",
          flashed: 1,
          boards: [],
        })
        expect(stderr).toMatch(/board 1 of 1 \(pico\): .*BOOTSEL/)
        expect(readFileSync(join(drive, "fw.uf2"))).toEqual(readFileSync(uf2))
        const native = await wuxing(["flash", "--board", "pico", "--native", "--once", "--json"], {
          env: { USER: user },
        })
        expect(native.status, native.stderr).toBe(0)
        expect(readFileSync(join(drive, "fw.uf2"))).toEqual(readFileSync(UF2_PATH))
      } finally {
        rmSync(join("/media", user), { recursive: true, force: true })
      }
    },
  )
})
