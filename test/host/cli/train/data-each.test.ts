/** `wuxing train --data-each`: boards that each learn their own data, averaged. */
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, test } from "vitest"
import { temporaryFolder } from "../../../temporary"
import { wuxing } from "../run-cli"

const folder = temporaryFolder("data-each")
const at = (...names: string[]) => join(folder, ...names)

function put(path: string, text: string): void {
  mkdirSync(dirname(at(path)), { recursive: true })
  writeFileSync(at(path), text)
}

/** Rows of classes in turn that lie too near for every one to be named correctly. */
function table(classes: string, count: number): string {
  const rows = ["class,w,x,y,z"]
  for (let i = 0; i < count; i++) {
    const k = "abc".indexOf(classes[i % classes.length])
    const values = [0, 1, 2, 3].map(
      c => (60 + 50 * ((c + k) % 3) + ((i * i * (c + 7)) % 131)) % 256,
    )
    rows.push([classes[i % classes.length], ...values].join())
  }
  return `${rows.join("\n")}\n`
}

put("class/anna/plants.csv", table("abc", 30))
put("class/ben/plants.csv", table("bc", 13))

const TRAIN = "train --model 4-6-3@4 --share samples --average 6 --epochs 3".split(" ")

async function trained(...args: string[]) {
  const { status, stdout, stderr } = await wuxing([...args, "--json"])
  expect([status, stderr]).toEqual([0, expect.anything()])
  return JSON.parse(stdout)
}

describe("boards with data of their own", () => {
  test("end with the host's bits on virtual boards, and its command makes them again", async () => {
    const boards = await trained(...TRAIN, "--data-each", at("class"), "--on", "sim:2")
    // 24 of anna's to learn: four shares of 6, and as many of ben's 11.
    expect(boards).toMatchObject({ engine: "boards", samples: 3 * 2 * 24, recoveries: 0 })
    expect(boards.plan).toMatchObject({ images: 48, share: { replicas: 2, average: 6, own: 24 } })
    const host = await trained(...boards.command.split(" ").slice(1))
    expect(host.coefficientsHash).toBe(boards.coefficientsHash)
    expect(host.own).toEqual(boards.own)
    expect(host.own).toMatchObject([
      { name: "anna", images: 24, tested: 6 },
      { name: "ben", images: 11, tested: 2 },
    ])
    const [anna, ben] = host.own
    expect(host.heldOutAccuracy).toBeCloseTo((6 * anna.averageOwn + 2 * ben.averageOwn) / 8, 12)
  })

  test("alone is what the same data teaches without the others", async () => {
    const { own, plan } = await trained(...TRAIN, "--data-each", at("class"))
    const [anna] = own
    // Anna's table holds all classes and the widest values, so that it is read alone as among others.
    const rate = `--learn-shift ${plan.learnShift} --softmax-gain ${plan.softmaxGain} --no-shift-images`
    const alone = await trained(
      ...`train --model 4-6-3@4 --epochs 3 --batch 1 ${rate}`.split(" "),
      ...["--data", at("class/anna")],
    )
    expect(anna.aloneOwn).toBe(alone.heldOutAccuracy)
  })

  test("go on from a file to the bits of a run never stopped", async () => {
    const each = ["--data-each", at("class"), "--limit", "9"]
    const whole = await trained(...TRAIN, ...each)
    await trained(...TRAIN, ...each, "--epochs", "2", "--out", at("half.wuxing"))
    const rest = await trained("train", "--resume", at("half.wuxing"), "--epochs", "3")
    expect(rest.coefficientsHash).toBe(whole.coefficientsHash)
    expect(rest.own.map((part: object) => Object.keys(part))).toEqual(
      Array(2).fill(["name", "images", "tested", "averageOwn"]),
    )
    // What each board had held out stays so, whoever is asked next.
    const { stdout } = await wuxing([
      "eval",
      "--model",
      at("half.wuxing"),
      "--data",
      at("class/anna"),
      "--json",
    ])
    expect(JSON.parse(stdout)).toMatchObject({ tested: 6, heldOutAccuracy: expect.any(Number) })
  })

  test("recordings size their own network, and read all boards' in one way", async () => {
    const wave = (turns: number, scale: number) =>
      `time,x\n${Array.from({ length: 40 }, (_, i) => `${i * 20},${(scale * Math.sin((i * turns) / 3)).toFixed(3)}`).join("\n")}\n`
    for (const [who, classes] of [
      ["left", ["slow", "fast"]],
      ["right", ["fast", "flip"]],
    ] as const)
      for (const [k, name] of classes.entries())
        for (let i = 1; i <= 5; i++)
          put(`moves/${who}/${name}/${i}.csv`, wave(1 + k + (who === "left" ? 0 : 1), 1 + i / 9))
    const { own, links, notes } = await trained(
      ...TRAIN.filter(word => word !== "--model" && word !== "4-6-3@4"),
      ...["--data-each", at("moves")],
    )
    expect(links).toBeGreaterThan(0)
    expect(
      own.map(({ images, tested }: { images: number; tested: number }) => [images, tested]),
    ).toEqual([
      [8, 2],
      [8, 2],
    ])
    expect(notes.join("\n")).toMatch(/3 classes|fast, slow/)
  })

  put("one/anna/plants.csv", table("ab", 9))
  put("parts/train/a/1.csv", "x")
  put("parts/test/a/1.csv", "x")
  put("empty/anna/plants.csv", table("ab", 9))
  mkdirSync(at("empty/ben"))
  put("many/anna/plants.csv", table("ab", 9).replaceAll("\na", "\nd"))
  put("many/ben/plants.csv", table("bc", 9).replaceAll("\nc", "\ne").replaceAll("\nb", "\nf"))
  for (const name of ["wave", "rest"])
    for (const i of [1, 2, 3])
      put(`classes/${name}/${name}.${i}.csv`, "time,x\n0,1\n20,3\n40,2\n60,5\n")
  const share = ["--share", "samples"]
  test.each([
    [["--data-each", at("class")], 2, /add --share samples/],
    [
      [...share, "--data-each", at("class"), "--on", "sim:3"],
      2,
      /folders for 2 boards, and there are 3/,
    ],
    [
      [...share, "--data-each", at("class"), "--data", at("class/anna")],
      2,
      /--data goes with one set/,
    ],
    [[...share, "--data-each", at("class"), "--replicas", "2"], 2, /--replicas goes with one set/],
    [[...share, "--data-each", at("none")], 3, /data-missing/],
    [[...share, "--data-each", at("one")], 3, /holds 1 folder, expected 2 to 64/],
    [[...share, "--data-each", at("parts")], 3, /a folder t\w+, which is a part of one set/],
    [[...share, "--data-each", at("empty")], 3, /ben holds neither/],
    [[...share, "--data-each", at("many")], 3, /many holds 4 classes, expected at most 3/],
    [[...share, "--data-each", at("classes")], 3, /are classes, each with recordings/],
  ])("%j is refused", async (args, wanted, said) => {
    const { status, stderr } = await wuxing(["train", "--model", "4-6-3@4", ...args])
    expect([status, stderr]).toEqual([wanted, expect.stringMatching(said)])
  })
})
