/** Real brokers on ports of their own, on loopback: aedes in this process, mosquitto as one. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { type AddressInfo, connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startBroker } from "../../../../host/hardware/mqtt/broker"

export interface TestBroker {
  port: number
  /** Ends it and starts it again on the same port, without what it knew. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export async function aedes(
  options: { username?: string; password?: string } = {},
): Promise<TestBroker> {
  let broker = await startBroker({ host: "127.0.0.1", port: 0, ...options })
  const { port } = broker
  return {
    port,
    restart: async () => {
      await broker.stop()
      broker = await startBroker({ host: "127.0.0.1", port, ...options })
    },
    stop: () => broker.stop(),
  }
}

export const hasMosquitto = (() => {
  try {
    execFileSync("mosquitto", ["-h"], { stdio: "ignore" })
    return true
  } catch (error) {
    // It ends with a status of its own where it only prints its help.
    return (error as NodeJS.ErrnoException).code !== "ENOENT"
  }
})()

export async function mosquitto(): Promise<TestBroker> {
  const folder = mkdtempSync(join(tmpdir(), "wuxing-mosquitto-"))
  const port = await freePort()
  const config = join(folder, "mosquitto.conf")
  const settings = [
    `listener ${port} 127.0.0.1`,
    "allow_anonymous true",
    "persistence false",
    "set_tcp_nodelay true",
  ]
  writeFileSync(config, `${settings.join("\n")}\n`)
  let child = await start(config, port)
  const end = async () => {
    const exited = new Promise(resolve => child.once("exit", resolve))
    child.kill("SIGKILL")
    await exited
  }
  return {
    port,
    restart: async () => {
      await end()
      child = await start(config, port)
    },
    stop: async () => {
      await end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function start(config: string, port: number): Promise<ChildProcess> {
  const child = spawn("mosquitto", ["-c", config], { stdio: "ignore" })
  for (;;) {
    const there = await new Promise<boolean>(resolve => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy()
        resolve(true)
      })
      socket.on("error", () => resolve(false))
    })
    if (there) return child
    if (child.exitCode !== null) throw new Error(`mosquitto ended with status ${child.exitCode}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
