import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { readMnist } from "../../../host/data/mnist"
import type { Finding } from "../../../host/doctor/finding"
import {
  checkDeviceScript,
  checkLoopback,
  checkMemory,
  checkMnist,
  checkNativeImage,
  checkNode,
  checkPortHolders,
  checkProgram,
  checkScratch,
} from "../../../host/doctor/machine-checks"
import {
  checkBoard,
  checkFound,
  checkListing,
  checkPermission,
  portsToCheck,
  systemAccess,
} from "../../../host/doctor/port-checks"
import { reportOf, toMarkdown } from "../../../host/doctor/report"
import { temporaryFolder } from "../../temporary"

const folder = temporaryFolder("doctor")

function expectFix(finding: Finding, verdict: "note" | "problem", fix: RegExp): void {
  expect(finding.verdict).toBe(verdict)
  expect(finding.fix).toMatch(fix)
}

describe("the machine", () => {
  test("Node: this one is good, an older one is to be replaced", () => {
    expect(checkNode().verdict).toBe("good")
    expectFix(checkNode("18.19.0"), "problem", /Node 20/)
  })

  test("loopback: listened on, or an address that is not this machine's", async () => {
    expect((await checkLoopback()).verdict).toBe("good")
    // Reserved for documentation (RFC 5737).
    expectFix(await checkLoopback("192.0.2.1"), "problem", /firewall/)
  })

  test("what is installed: there, or missing with what to install", () => {
    expect(checkDeviceScript().verdict).toBe("good")
    const nothing = {
      resolve: () => {
        throw new Error("Cannot find module")
      },
    }
    const without = checkDeviceScript(nothing as unknown as NodeJS.Require)
    expectFix(without, "problem", /npm ci/)
    expect(checkNativeImage().verdict).toBe("good")
    expectFix(checkNativeImage(join(folder, "none.uf2")), "problem", /install wuxing again/)
    const other = join(folder, "other.uf2")
    writeFileSync(other, "something else")
    expectFix(checkNativeImage(other), "problem", /install wuxing again/)
    expect(checkMnist().verdict).toBe("good")
    const missing = () => readMnist(join(folder, "no-mnist")).test.count
    expectFix(checkMnist(missing), "problem", /npm ci|--data/)
    expect(checkScratch().verdict).toBe("good")
    expectFix(checkScratch(join(folder, "none")), "problem", /TMPDIR/)
    // Nobody can write there, root included.
    expectFix(checkScratch("/proc"), "problem", /TMPDIR/)
    expect(checkProgram("sh", "everything", "get one").verdict).toBe("good")
    expectFix(checkProgram("sh", "everything", "get one", folder), "note", /get one/)
  })

  test("memory: counted in virtual boards", () => {
    expect(checkMemory(2e9).found).toContain("8 virtual boards")
    expectFix(checkMemory(3e8), "note", /sim:1/)
  })
})

describe("ports", () => {
  test("those that the environment variable names, and no other", () => {
    const ports = [{ path: "/dev/ttyACM0" }, { path: "/dev/ttyACM1", serialNumber: "JD01" }]
    expect(portsToCheck([], ports)).toEqual({ ports })
    const named = portsToCheck(["jd01", "/dev/pts/7"], ports)
    expect(named.ports).toEqual([ports[1], { path: "/dev/pts/7" }])
    expect(named.finding).toMatchObject({ verdict: "good", check: "WUXING_PORTS" })
    const none = portsToCheck(["JD02"], ports)
    expectFix(none.finding!, "problem", /wuxing boards/)
    expect(none.ports).toEqual(ports)
  })

  test("programs that open ports by themselves are named", () => {
    const [manager, braille] = checkPortHolders(new Set(["ModemManager", "brltty", "bash"]))
    expectFix(manager, "note", /stop ModemManager/)
    expectFix(braille, "note", /brltty-udev/)
    expect(checkPortHolders(new Set(["bash"]))).toEqual([])
    // This process is found where Linux tells of processes.
    expect(checkPortHolders().length).toBeLessThanOrEqual(2)
  })

  test("a port one may not open names the group that may", () => {
    const access = { mayOpen: () => false, groupOf: () => "dialout" }
    expectFix(checkPermission("/dev/ttyACM0", access), "problem", /usermod -aG dialout/)
    const lone = { mayOpen: () => false, groupOf: () => undefined }
    expectFix(checkPermission("/dev/ttyACM0", lone), "problem", /chmod/)
    expect(checkPermission("/dev/null", systemAccess()).verdict).toBe("good")
    expect(systemAccess().groupOf("/etc/group")).toBe("root")
    expect(systemAccess().mayOpen(join(folder, "gone"))).toBe(false)
  })

  test("a listing without udevadm is a note, and so is no board", () => {
    const poor = "the program udevadm is not installed"
    expectFix(checkListing({ ports: [], poor }), "note", /apt install udev/)
    expect(checkListing({ ports: [] }).verdict).toBe("good")
    expectFix(checkFound(0), "note", /wuxing flash/)
    expect(checkFound(2).verdict).toBe("good")
  })

  test("what is behind a port decides the advice", () => {
    const port = { path: "/dev/ttyACM0" }
    const board = { id: "ea4a2ef60a041ebf", runtimeVersion: "v2.16", serviceIndex: 1 }
    const bare = checkBoard(port, {
      kind: "devicescript",
      profile: "pico",
      board: board as never,
    })
    expectFix(bare, "note", /wuxing deploy --port \/dev\/ttyACM0/)
    const used = checkBoard(port, { kind: "closed", code: "port-in-use", why: "used by minicom" })
    expectFix(used, "problem", /end the program/)
    expectFix(checkBoard(port, { kind: "other", why: "silence" }), "note", /flash/)
    expect(checkBoard(port, undefined).verdict).toBe("good")
  })
})

test("a report holds versions, findings and the document itself, and cells stay cells", () => {
  const odd: Finding = { check: "a|b", verdict: "note", found: "two\nlines", fix: "do it" }
  const report = reportOf("1.2.3", [odd])
  const text = toMarkdown(report)
  expect(text).toContain("| a\\|b | note | two lines | do it |")
  expect(report.versions).toMatchObject({ wuxing: "1.2.3", node: process.versions.node })
  const [, json] = /```json\n([\s\S]*)\n```/.exec(text) ?? []
  expect(JSON.parse(json)).toEqual(report)
})
