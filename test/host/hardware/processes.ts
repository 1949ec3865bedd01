/** What the process table says, for tests that nothing is left behind. */
import { execFileSync } from "node:child_process"
import { realClock } from "../../../host/base/clock"

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
  const end = realClock.now() + ms
  let alive = pids.filter(isAlive)
  while (alive.length > 0 && realClock.now() < end) {
    await realClock.sleep(20)
    alive = alive.filter(isAlive)
  }
  return alive
}

/** Processes that `parent` has started and that still run, whose command line has `word` in it. */
export function childrenOf(parent: number, word: string): number[] {
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" })
  return table
    .split("\n")
    .map(line => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [])
    .filter(([, , by, command]) => Number(by) === parent && command.includes(word))
    .map(([, pid]) => Number(pid))
}

/** The DeviceScript processes this process has started and that still run. */
export const virtualMachines = (): number[] => childrenOf(process.pid, " vm ")
