/** What `wuxing train` says where no network is named, and nothing there gives it a size. */
import { existsSync, readdirSync, statSync } from "node:fs"
import { extname, join } from "node:path"
import { WuxingError } from "../../base/errors"
import { readHead } from "../../base/input-file"
import { isPackaged } from "../../training/training-data"
import { usageError } from "../options/usage"

const EXAMPLE =
  "for a table or pictures name a size of inputs, hidden neurons and classes, for example --model 10-8-5"
/** As much of a line of names as an error shows. */
const SHOWN = 60

/** Only recordings give a network its size. */
export function sizeMissing(name: string): WuxingError {
  if (isPackaged(name))
    return usageError("--model is missing", "for example --model pico-16, or --resume FILE")
  if (!existsSync(name))
    return new WuxingError({
      code: "data-missing",
      kind: "data",
      message: `${name} does not exist`,
      cause: "the name is misspelt, or it lies in another folder",
      help: "name a folder of recordings with a folder a class; or a table or pictures, with --model",
    })
  const file = csvOfClass(name)
  const message = `--model is missing, and ${name} holds no recordings to size a network by`
  if (file === undefined)
    return usageError(
      message,
      `${EXAMPLE}; recordings lie in a folder a class, or have a column of times`,
    )
  return usageError(
    `${message}: ${join(name, file)} has neither a column of times nor numbers alone below its names (it begins with ${beginningOf(join(name, file))})`,
    `call its times time (ms) or time (s); or, without times, give --rate and leave nothing but numbers below the names. ${EXAMPLE[0].toUpperCase()}${EXAMPLE.slice(1)}`,
  )
}

/** A CSV file one folder below, where recordings lie. */
function csvOfClass(name: string): string | undefined {
  if (!statSync(name).isDirectory()) return undefined
  for (const entry of readdirSync(name, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name.startsWith(".")) continue
    const files = readdirSync(join(name, entry.name))
    const csv = files.find(file => !file.startsWith(".") && extname(file).toLowerCase() === ".csv")
    if (csv !== undefined) return join(entry.name, csv)
  }
  return undefined
}

function beginningOf(path: string): string {
  try {
    const text = readHead(path, 8 * SHOWN)
      .toString("utf8")
      .replace(/^\ufeff/, "")
    return JSON.stringify(text.split(/\r?\n/)[0].slice(0, SHOWN))
  } catch {
    return "what cannot be read"
  }
}
