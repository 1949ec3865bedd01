/** The serial ports of this machine, with what USB says about each. */

import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import { SerialPort } from "serialport"
import { messageOf } from "../base/errors"

export interface PortInfo {
  /** As it is opened: "/dev/ttyACM0", "COM3". */
  path: string
  /** USB ids, four lower-case hex digits each. */
  vendorId?: string
  productId?: string
  /** Of the USB device: a Pico with DeviceScript says "JD" and its device id. */
  serialNumber?: string
  manufacturer?: string
}

export interface PortListing {
  ports: PortInfo[]
  /** Why the list may lack ports or what is known of them; to be told to the user. */
  poor?: string
}

/** Ports are named like this on Linux; a plain "ttyS0" is there on most machines with nothing behind it. */
const LINUX_PORT = /^(ttyACM|ttyUSB|ttyAMA|ttyXRUSB|ttyWCH|rfcomm)/
/** A tty is a few folders below the USB device that carries its ids. */
const MOST_PARENTS = 6

/**
 * All serial ports. Where the usual way fails (on Linux it is the program `udevadm`, which small
 * systems and containers lack) the kernel's own files are read instead.
 *
 * @param list the usual way, replaced in tests
 * @param sys where the kernel's files are, replaced in tests
 */
export async function listPorts(
  list: () => Promise<PortInfo[]> = () => SerialPort.list(),
  sys = "/sys/class/tty",
): Promise<PortListing> {
  try {
    const ports = (await list()).map(known)
    return { ports: ports.filter(({ path }) => !/\/ttyS\d+$/.test(path)) }
  } catch (error) {
    const why = messageOf(error)
    const missing = /udevadm.*ENOENT|ENOENT.*udevadm/.test(why)
    const what = missing ? "the program udevadm is not installed" : `listing ports failed (${why})`
    if (!existsSync(sys)) {
      return {
        ports: [],
        poor: `${what} and ${sys} is not there, so no port can be found by itself; ports named by their path work`,
      }
    }
    return {
      ports: portsFromKernel(sys),
      poor: `${what}, so the list comes from ${sys}; a container may lack ports there, those named by their path work`,
    }
  }
}

function known(port: PortInfo): PortInfo {
  const { vendorId, productId, serialNumber, manufacturer } = port
  return {
    // On a Mac "tty.…" waits for a carrier that boards never raise; "cu.…" is the same port without.
    path: process.platform === "darwin" ? port.path.replace("/dev/tty.", "/dev/cu.") : port.path,
    vendorId: vendorId?.toLowerCase(),
    productId: productId?.toLowerCase(),
    serialNumber,
    manufacturer,
  }
}

function portsFromKernel(sys: string): PortInfo[] {
  const ports: PortInfo[] = []
  for (const name of readdirSync(sys).sort()) {
    if (!LINUX_PORT.test(name)) continue
    let folder: string
    try {
      folder = realpathSync(join(sys, name, "device"))
    } catch {
      // A tty without a device is a driver's placeholder.
      continue
    }
    const read = (file: string) => {
      try {
        return readFileSync(join(folder, file), "utf8").trim() || undefined
      } catch {
        return undefined
      }
    }
    for (let up = 0; up < MOST_PARENTS && !existsSync(join(folder, "idVendor")); up++) {
      folder = dirname(folder)
    }
    ports.push({
      path: `/dev/${name}`,
      vendorId: read("idVendor"),
      productId: read("idProduct"),
      serialNumber: read("serial"),
      manufacturer: read("manufacturer"),
    })
  }
  return ports
}
