/** Files of recordings that tests write, and what refuses them. */
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { WuxingError } from "../../../host/base/errors"
import { temporaryFolder } from "../../temporary"

export const folder = temporaryFolder("recordings")

export function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  return path
}

export async function errorOf(work: () => Promise<unknown>): Promise<WuxingError> {
  try {
    await work()
  } catch (error) {
    return error as WuxingError
  }
  throw new Error("nothing was refused")
}

export const rows = (count: number, row: (i: number) => unknown[]) =>
  Array.from({ length: count }, (_, i) => row(i).join(",")).join("\n")
