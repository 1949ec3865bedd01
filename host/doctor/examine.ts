/** All checks, in the order in which one thing rests on another. */

import { platform } from "node:os"
import { messageOf } from "../base/errors"
import type { PortInfo } from "../link/port-list"
import type { Finding } from "./finding"
import { problem } from "./finding"
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
} from "./machine-checks"
import {
  checkBoard,
  checkFound,
  checkListing,
  checkPermission,
  portsToCheck,
  systemAccess,
} from "./port-checks"

/** @throws WuxingError only of kind "interrupted" */
export async function examine(signal: AbortSignal): Promise<Finding[]> {
  return [
    checkNode(),
    checkMemory(),
    checkScratch(),
    checkDeviceScript(),
    checkMnist(),
    checkNativeImage(),
    await checkLoopback(),
    ...(platform() === "linux" ? programs() : []),
    ...(await ports(signal)),
  ]
}

function programs(): Finding[] {
  return [
    checkProgram(
      "udevadm",
      "ports are listed without it, but a container may lack some",
      "apt install udev, or what your system calls it",
    ),
    checkProgram("socat", "only `wuxing bridge` and `bench --link` want it", "apt install socat"),
  ]
}

async function ports(signal: AbortSignal): Promise<Finding[]> {
  let serial: typeof import("../hardware/identify")
  try {
    serial = await import("../hardware/identify")
  } catch (error) {
    const why = messageOf(error)
    return [
      problem(
        "serial ports",
        `the binding of serialport does not load: ${why}`,
        "install wuxing again on this machine: the binding is of its system and processor",
      ),
    ]
  }
  const { listPorts } = await import("../link/port-list")
  const { portsOfEnvironment } = await import("../link/port-names")
  const listing = await listPorts()
  const access = systemAccess()
  const names = portsOfEnvironment()
  const { ports: wanted, finding: variable } = portsToCheck(names, listing.ports)
  const findings = [checkListing(listing), ...(variable ? [variable] : []), ...checkPortHolders()]
  const allowed: PortInfo[] = []
  for (const port of wanted) {
    // A Windows port is no file, and whoever is logged in may open it.
    const finding = platform() === "win32" ? undefined : checkPermission(port.path, access)
    if (finding) findings.push(finding)
    if (finding?.verdict !== "problem") allowed.push(port)
  }
  const { mayBeDeviceScript, mayBeFirmata, identify } = serial
  const asked = await Promise.all(
    allowed.map(async port => {
      const ask = names.length > 0 || mayBeDeviceScript(port) || mayBeFirmata(port)
      return { port, identity: ask ? await identify(port.path, signal) : undefined }
    }),
  )
  const found = asked.filter(({ identity }) => identity?.kind === "devicescript").length
  return [
    ...findings,
    ...asked.map(({ port, identity }) => checkBoard(port, identity)),
    checkFound(found),
  ]
}
