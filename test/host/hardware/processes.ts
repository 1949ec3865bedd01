/** What the process table says, for tests that nothing is left behind. */
import { execFileSync } from "node:child_process"

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Waits until none of the processes is left; returns those that stayed. */
export async function goneWithin(ms: number, pids: readonly number[]): Promise<number[]> {
  const end = Date.now() + ms
  let alive = pids.filter(isAlive)
  while (alive.length > 0 && Date.now() < end) {
    await new Promise(resolve => setTimeout(resolve, 20))
    alive = alive.filter(isAlive)
  }
  return alive
}

/** The DeviceScript processes this process has started and that still run. */
export function virtualMachines(): number[] {
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" })
  return table
    .split("\n")
    .map(line => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [])
    .filter(([, , parent, command]) => Number(parent) === process.pid && command.includes(" vm "))
    .map(([, pid]) => Number(pid))
}
