/** `wuxing new`, and `wuxing export` to code: what is written, what never is, and what is refused. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { writeFolder } from "../../../host/base/write-folder"
import { exportC } from "../../../host/export/c/export-c"
import { C_LAYOUTS } from "../../../host/export/c/options"
import { loadModel, saveModel } from "../../../host/models/model-file"
import { readModel } from "../../../host/models/model-source"
import type { Features } from "../../../host/signals/description"
import { classesOf } from "../../../host/training/training"
import { temporaryFolder } from "../../temporary"
import { type Ended, wuxing } from "./run-cli"

const folder = temporaryFolder("code")
const at = (name: string) => join(folder, name)
const document = (ended: Ended) => JSON.parse(ended.stdout)
const filesIn = (path: string) =>
  readdirSync(path, { recursive: true, encoding: "utf8", withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort()
const written = (path: string) =>
  new Map(filesIn(path).map(f => [f, readFileSync(join(path, f), "utf8")]))

/** The tool's answer in JSON. */
const answer = (...args: string[]) => wuxing([...args, "--json", "--quiet"])

async function refused(
  args: string[],
  status: number,
  code: string,
  message: RegExp,
): Promise<void> {
  const ended = await answer(...args)
  expect(ended.status).toBe(status)
  expect(document(ended).error).toMatchObject({ code, message: expect.stringMatching(message) })
  expect(document(ended).error.help).not.toBe("")
}

describe("wuxing export --format c", () => {
  const LIBRARY = ["gesture.c", "gesture.h", "wuxing.c", "wuxing.h"]
  const expected: Record<string, string[]> = {
    plain: ["CMakeLists.txt", ...LIBRARY, "main.c", "samples.h"],
    arduino: [
      ...["Gesture/Gesture.ino", "Gesture/samples.h", "LearnOnline/LearnOnline.ino"].map(
        f => `examples/${f}`,
      ),
      ...["examples/LearnOnline/samples.h", "keywords.txt", "library.properties"],
      ...LIBRARY.map(f => `src/${f}`),
    ],
    platformio: [
      ...["lib/gesture/library.json", ...LIBRARY.map(f => `lib/gesture/src/${f}`)],
      ...["platformio.ini", "src/main.cpp", "src/samples.h"],
    ],
    "esp-idf": [
      ...["CMakeLists.txt", "examples/learn/CMakeLists.txt", "examples/learn/main/CMakeLists.txt"],
      ...[
        "examples/learn/main/main.c",
        "examples/learn/main/samples.h",
        "gesture.c",
        "idf_component.yml",
      ],
      ...["include/gesture.h", "include/wuxing.h", "wuxing.c"],
    ],
  }

  test.each(C_LAYOUTS)(
    "--layout %s writes its files, and nothing of a template is left",
    async layout => {
      const out = at(layout)
      const ended = await answer(
        "export",
        out,
        "--format",
        "c",
        "--layout",
        layout,
        "--model",
        "20-5-3@8",
      )
      expect(ended.status, ended.stderr).toBe(0)
      expect(filesIn(out)).toEqual([...expected[layout]].sort())
      expect([...document(ended).files].sort()).toEqual([...expected[layout]].sort())
      expect(document(ended)).toMatchObject({ layout, learns: true, samples: 16, signalBytes: 0 })
      for (const [path, text] of written(out)) expect(text, path).not.toMatch(/@\w+@|undefined|NaN/)
    },
  )

  test("names of classes go along, and are in the header too", async () => {
    const out = at("plants")
    const model = "examples/devicescript/table/table.wuxing"
    const ended = await answer("export", out, "--format", "c", "--name", "plants", "--model", model)
    expect(ended.status, ended.stderr).toBe(0)
    const header = readFileSync(join(out, "plants.h"), "utf8")
    const code = readFileSync(join(out, "plants.c"), "utf8")
    const labels = classesOf(loadModel(model))!
    expect(labels).toHaveLength(3)
    for (const [i, label] of labels.entries()) {
      expect(header).toContain(` *   ${i}  ${label}\n`)
      expect(code).toContain(`  "${label}",`)
    }
  })

  test("strange names of classes end no comment and no string", async () => {
    const out = at("odd")
    const classes = ['a*/"b\\', "grün\u0007", "c"]
    const options = { layout: "plain", name: "gesture", classes, samples: [] } as const
    const { files } = exportC(readModel("20-5-3@8", 1), { ...options, samples: [] })
    writeFolder(out, files, false)
    expect(readFileSync(join(out, "gesture.h"), "utf8")).toContain(
      ' *   0  a* /"b\\\n *   1  gr?n?\n',
    )
    expect(readFileSync(join(out, "gesture.c"), "utf8")).toContain(
      '"a*/\\042b\\134",\n  "gr\\303\\274n\\007",',
    )
  })

  test("for an Uno: the example that learns only where there is room, too large is refused", async () => {
    const uno = ["--format", "c", "--layout", "arduino", "--board", "uno"]
    const learns = document(await answer("export", at("uno-8"), ...uno, "--model", "64-8-4@16"))
    expect(learns.learns).toBe(true)
    const names = document(await answer("export", at("uno-16"), ...uno, "--model", "64-16-4@32"))
    expect(names).toMatchObject({ learns: false, samples: 16 })
    expect(names.files).toContain("examples/Gesture/Gesture.ino")
    expect(names.files).not.toContain("examples/LearnOnline/LearnOnline.ino")
    const args = ["export", at("uno-32"), ...uno, "--model", "pico-32"]
    await refused(
      args,
      6,
      "export-too-large",
      /too large for an Arduino Uno: it takes \d+ B of flash/,
    )
    const { help } = document(await answer(...args)).error
    expect(help).toMatch(/64-8-4@16 fits and learns, 64-16-4@32 fits and predicts/)
    expect(existsSync(at("uno-32"))).toBe(false)
  })

  test("a model that reads a signal brings its features; on an Uno their memory counts", async () => {
    const features: Features = {
      ...{ kind: "trace", points: 32, take: ["values"], scale: "shape", floor: 0 },
      ...{ channels: ["x", "y"], rate: 25, unit: 4096 },
      cut: { by: "window", length: 200, hop: 50 },
    }
    saveModel(at("wave.wuxing"), { ...readModel("64-8-4@16", 1), signal: { features } })
    const model = ["--format", "c", "--model", at("wave.wuxing")]
    const ended = await answer("export", at("wave"), ...model, "--layout", "arduino")
    expect(ended.status, ended.stderr).toBe(0)
    // 32 points of two channels as words, the lowest and highest of each, 200 samples of two numbers.
    expect(document(ended).signalBytes).toBe(32 * 2 * 4 + 2 * 2 * 4 + 200 * 2 * 2)
    expect(document(ended).files).toEqual(
      expect.arrayContaining(["src/wuxing_features.c", "examples/Signal/Signal.ino"]),
    )
    expect(document(ended).files).not.toContain("examples/Gesture/Gesture.ino")
    const uno = ["export", at("wave-uno"), ...model, "--board", "uno"]
    await refused(uno, 6, "export-too-large", /too large for an Arduino Uno/)
    const { cause, help } = document(await answer(...uno)).error
    expect(cause).toMatch(/its features and stream 1072 B more/)
    expect(help).toMatch(/--features trace,points=16/)
  })

  test.each([
    ["model1-method-1", /K3 of its elements learns/],
    ["elements", /K3 of its elements learns/],
    ["mixed", /K3 of its elements learns/],
    ["pid", /learns by PID control/],
    ["bound", /its changes are bounded/],
    ["backward", /the papers' backward signal/],
  ])("%s learns by a rule the library lacks, and is refused", async (what, message) => {
    const model = readModel("20-5-3@8", 1)
    const changed: Record<string, object> = {
      elements: { rule: "elements" },
      mixed: { rule: "mixed" },
      pid: { pid: { proportional: 1, integral: 1, derivative: 1 } },
      bound: { linkBound: 2 },
      backward: { backward: "bsp" },
    }
    if (what in changed) {
      const network = { ...model.network, ...changed[what] }
      const { checkRule } = await import("../../../host/export/c/fits")
      expect(() => checkRule({ ...model, network })).toThrow(message)
      return
    }
    await refused(
      ["export", at("rule"), "--format", "c", "--model", what],
      6,
      "export-rule",
      message,
    )
    expect(existsSync(at("rule"))).toBe(false)
  })

  test.each([
    [["--layout", "makefile"], /--layout is "makefile"/],
    [["--board", "pico"], /--board is "pico", expected any, or one .*: uno, nano, mega/],
    [["--name", "2x"], /--name is "2x"/],
    [["--name", "main"], /--name is "main"/],
    [["--name", "wuxing"], /--name is "wuxing"/],
    [["--name", "Gesture"], /--name is "Gesture"/],
    [["--spiking"], /--spiking is not for --format c/],
    [["--operating-point", "3"], /--operating-point is not for --format c/],
    [["--steps", "32"], /--steps is not for --format c without --nir/],
    [["--format", "nir", "--layout", "arduino"], /--layout is not for --format nir/],
    [["--format", "devicescript", "--board", "uno"], /--board is not for --format devicescript/],
  ])("%j is refused", async (args, message) => {
    await refused(
      ["export", at("no"), "--format", "c", "--model", "20-5-3@8", ...args],
      2,
      "usage",
      message,
    )
    expect(existsSync(at("no"))).toBe(false)
  })
})

describe("wuxing export --format devicescript", () => {
  test("writes one module, which says what it is", async () => {
    const args = [
      "export",
      at("module"),
      "--format",
      "devicescript",
      "--name",
      "wave",
      "--model",
      "30-8-4@16",
    ]
    const ended = await answer(...args)
    expect(ended.status, ended.stderr).toBe(0)
    expect(filesIn(at("module"))).toEqual(["wave.ts"])
    expect(document(ended)).toMatchObject({
      format: "devicescript",
      name: "wave",
      files: ["wave.ts"],
    })
    expect(readFileSync(join(at("module"), "wave.ts"), "utf8")).toMatch(
      /^\/\*\* A network 30-8-4, .*\nexport const model = hex`\n(?: {2}[0-9a-f]+\n)+`\n$/,
    )
  })

  test("what no board's heap holds is refused, with what fits", async () => {
    const args = ["export", at("large"), "--format", "devicescript", "--model", "fleet-300"]
    await refused(args, 6, "export-too-large", /B of a board's heap/)
    expect(document(await answer(...args)).error.help).toMatch(/pico-32 and smaller/)
    expect(existsSync(at("large"))).toBe(false)
  })
})

describe("a folder that exists", () => {
  const formats = [["c"], ["devicescript"]]
  test.each(formats)("is not written into by --format %s without --force", async format => {
    const out = at(`full-${format}`)
    mkdirSync(out)
    writeFileSync(join(out, "precious.txt"), "precious")
    const args = ["export", out, "--format", format, "--model", "20-5-3@8"]
    await refused(args, 2, "folder-exists", /exists already/)
    expect(written(out)).toEqual(new Map([["precious.txt", "precious"]]))
    // With it, what is there and not written stays.
    expect((await answer(...args, "--force")).status).toBe(0)
    expect(readFileSync(join(out, "precious.txt"), "utf8")).toBe("precious")
    expect(filesIn(out).length).toBeGreaterThan(1)
  })

  test("is taken where it is empty; a file in its place is not", async () => {
    mkdirSync(at("empty"))
    const args = ["--format", "c", "--model", "20-5-3@8"]
    expect((await answer("export", at("empty"), ...args)).status).toBe(0)
    writeFileSync(at("file"), "precious")
    await refused(["export", at("file"), ...args], 2, "folder-exists", /exists already/)
    await refused(
      ["export", at("file"), ...args, "--force"],
      3,
      "folder-unwritable",
      /cannot be written/,
    )
    await refused(["new", at("file")], 2, "folder-exists", /exists already/)
    expect(readFileSync(at("file"), "utf8")).toBe("precious")
  })

  test("is never written into by `new`", async () => {
    mkdirSync(at("mine/src"), { recursive: true })
    writeFileSync(join(at("mine"), "src/main.ts"), "precious")
    await refused(["new", at("mine")], 2, "folder-exists", /exists already/)
    // It has no --force.
    expect((await answer("new", at("mine"), "--force")).status).toBe(2)
    expect(written(at("mine"))).toEqual(new Map([["src/main.ts", "precious"]]))
  })

  test("that cannot be written is an error of its own", async () => {
    if (process.getuid?.() === 0) {
      // Root may write anywhere but below a file.
      writeFileSync(at("below"), "")
      const args = ["export", at("below/out"), "--format", "c", "--model", "20-5-3@8"]
      await refused(args, 3, "folder-unwritable", /cannot be written/)
      return
    }
    mkdirSync(at("locked"))
    chmodSync(at("locked"), 0o500)
    const args = ["export", at("locked/out"), "--format", "c", "--model", "20-5-3@8"]
    await refused(args, 3, "folder-unwritable", /cannot be written/)
  })
})

describe("wuxing new", () => {
  test.each(["gesture", "threshold", "table", "blank"])(
    "--template %s makes a project",
    async template => {
      const ended = await answer(
        "new",
        at(`My ${template}`),
        "--template",
        template,
        "--board",
        "pico",
      )
      expect(ended.status, ended.stderr).toBe(0)
      const files = written(at(`My ${template}`))
      expect(document(ended)).toMatchObject({ template, board: "pico", files: files.size })
      const manifest = JSON.parse(files.get("package.json")!)
      expect(manifest.name).toBe(`my-${template}`)
      // That these are options of that tool: test/packaging/install.test.ts.
      expect(manifest.scripts).toMatchObject({
        build: "devs build src/main.ts",
        flash: "devs flash --board pico",
      })
      expect(files.get("src/model.ts")).toMatch(/^\/\*\* A network .*\nexport const model = hex`/)
      expect(files.get("src/main.ts")).toMatch(/from "devicescript-wuxing"/)
      expect(files.has("node_modules/devicescript-wuxing/package.json")).toBe(true)
      expect([...files.keys()].some(path => path.endsWith(".csv"))).toBe(
        /gesture|table/.test(template),
      )
    },
  )

  test("what comes next is what a shell takes", async () => {
    const { stdout } = await wuxing(["new", at("Anna's plants"), "--template", "blank"])
    const next = /^next +(cd '.*Anna'\\''s plants') && npm install/m.exec(stdout)?.[1]
    expect(next).toBe(`cd '${at("Anna'\\''s plants")}'`)
  })

  test.each([
    [["--board", "uno"], /--board is "uno", which runs no DeviceScript/],
    [["--board", "nothing"], /--board is "nothing"/],
    [["--template", "face"], /--template is "face"/],
  ])("%j is refused, and nothing is there", async (args, message) => {
    await refused(["new", at("none"), ...args], 2, "usage", message)
    expect(existsSync(at("none"))).toBe(false)
  })
})

test("of coefficients in four bits the ESP-IDF example is one that predicts", async () => {
  const out = at("predicts")
  const given = ["--format", "c", "--layout", "esp-idf", "--model", "mnist-tiny"]
  const { files, learnBytes } = document(await answer("export", out, ...given))
  expect(learnBytes).toBe(0)
  expect(files).toContain("examples/predict/main/main.c")
  expect(files.filter((file: string) => file.includes("learn"))).toEqual([])
})

test("a network that nobody taught is exported with a word about it", async () => {
  for (const [model, untaught] of [
    ["64-8-4", true],
    ["pico-fast", false],
  ] as const)
    for (const format of ["c", "devicescript"]) {
      const out = at(`${model}-${format}`)
      const { stdout } = await wuxing(["export", out, "--format", format, "--model", model])
      expect(/training +none: coefficients as drawn/.test(stdout)).toBe(untaught)
    }
})
