/**
 * The folder that recordings are kept in, a folder a class: what is recorded gets the next free number of
 * its class, nothing is written over, and only what was recorded here can be deleted.
 */
import { existsSync, readdirSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { messageOf, WuxingError } from "../base/errors"
import { readBytes } from "../base/input-file"
import { replaceFile } from "../base/replace-file"
import { sha256 } from "../base/sha256"
import { makeFolder } from "../base/write-folder"
import { MOST_NAME } from "../data/classes"
import { MOST_FILE_BYTES, type Recording } from "../signals/recording"
import { readRecordings } from "../signals/recording-files"

/** Recordings that are listed, and of those that were there before in each class: the last ones. */
const MOST_LISTED = 500
const MOST_OF_CLASS = 40
/** Of a file that is read to be shown: half an hour of three channels at 50 Hz. */
const MOST_SHOWN_BYTES = 4 * 2 ** 20
/** What `train` takes for a split of the recordings, not for a class. */
const SPLITS = ["train", "training", "test", "testing"]
/** Bytes of a file's name that every system takes, with some to spare. */
const MOST_LABEL_BYTES = 200

/** A recording in the folder. */
export interface Kept {
  /** Its place in the list, for as long as the store is there. */
  id: number
  label: string
  path: string
  /** Of what was recorded here. */
  samples?: number
  /** Recorded here: then it may be deleted. */
  own: boolean
}

/** @returns what a class cannot be called so for, as the end of a sentence; undefined: it can */
export function faultOfLabel(label: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no file's name has them
  if (!/^[^/\\.\s][^/\\\x00-\x1f]*$/.test(label) || /\s$/.test(label))
    return "cannot be a folder's name"
  if (Buffer.byteLength(label) > Math.min(MOST_NAME, MOST_LABEL_BYTES))
    return `is longer than ${MOST_LABEL_BYTES} bytes`
  if (SPLITS.includes(label.toLowerCase()))
    return "is what `train` calls a part of the recordings, not a class"
  return undefined
}

interface Entry extends Kept {
  /** SHA-256 of what was written. */
  hash?: string
}

export class RecordingStore {
  private readonly entries = new Map<number, Entry>()
  private next = 0

  /** @param folder is made when something is kept */
  constructor(readonly folder: string) {
    for (const { label, path } of found(folder)) this.add({ label, path, own: false })
  }

  private add(entry: Omit<Entry, "id">): Kept {
    const id = this.next++
    this.entries.set(id, { id, ...entry })
    return this.entries.get(id)!
  }

  /** The last ones, in the order in which they came. */
  list(): Kept[] {
    return [...this.entries.values()].slice(-MOST_LISTED)
  }

  /** Classes that there are recordings of. */
  labels(): string[] {
    return [...new Set(this.list().map(({ label }) => label))].sort()
  }

  /**
   * Makes the folder of a class, or of all: one that cannot be made is to cost no recording.
   *
   * @throws WuxingError "recording-unwritable" (kind data)
   */
  prepare(label = ""): void {
    makeFolderIn(this.folder, join(this.folder, label))
  }

  /**
   * Keeps a recording under the next free number of its class.
   *
   * @param csv as Recorder gives it
   * @throws WuxingError "recording-unwritable" (kind data); "usage" for a label that is no folder's name
   */
  keep(label: string, { csv, samples }: { csv: string; samples: number }): Kept {
    const fault = faultOfLabel(label)
    if (fault) throw noLabel(label, fault)
    const path = writeFresh(this.folder, join(this.folder, label), csv)
    return this.add({ label, path, samples, own: true, hash: sha256(Buffer.from(csv)) })
  }

  /**
   * The first recording of a file of the list.
   *
   * @throws WuxingError "recording-missing" if it is not listed; as readRecordings
   */
  async read(id: number, rate?: number, signal?: AbortSignal): Promise<Recording> {
    const { path } = this.entry(id)
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
    if (size > MOST_SHOWN_BYTES)
      throw new WuxingError({
        code: "recording-damaged",
        kind: "data",
        message: `recording ${path} has ${size} bytes, at most ${MOST_SHOWN_BYTES} are shown`,
        cause: "it is very long",
        help: "look at it with another program; `wuxing train` reads it",
      })
    const [recording] = await readRecordings(path, rate, signal)
    return recording
  }

  /**
   * Deletes a recording that was made here, and that nobody has changed since.
   *
   * @throws WuxingError "recording-missing" if it is not listed, "recording-foreign" if it is not ours
   */
  delete(id: number): Kept {
    const { path, own, hash } = this.entry(id)
    if (!own)
      throw foreign(
        path,
        "it was there before",
        "a recording of an earlier run, or of somebody else",
      )
    if (existsSync(path)) {
      let now: string | undefined
      try {
        now = sha256(readBytes(path, MOST_FILE_BYTES))
      } catch {
        // No regular file any more: not what was written.
      }
      if (now !== hash)
        throw foreign(path, "it is no longer what was recorded", "another program has written it")
      try {
        rmSync(path)
      } catch (error) {
        throw unwritable(`recording ${path} cannot be deleted: ${messageOf(error)}`, error)
      }
    }
    const entry = this.entry(id)
    this.entries.delete(id)
    return entry
  }

  private entry(id: number): Entry {
    const entry = this.entries.get(id)
    if (entry) return entry
    throw new WuxingError({
      code: "recording-missing",
      kind: "data",
      message: `there is no recording ${id}`,
      cause: "it was deleted",
      help: "look at the list again",
    })
  }
}

const natural = new Intl.Collator("en", { numeric: true }).compare

/** CSV files that lie there, a folder a class. */
function found(folder: string): { label: string; path: string }[] {
  const files: { label: string; path: string }[] = []
  for (const label of namesIn(folder).filter(name => faultOfLabel(name) === undefined))
    for (const name of namesIn(join(folder, label))
      .filter(name => /^[^.].*\.csv$/i.test(name))
      .slice(-MOST_OF_CLASS))
      files.push({ label, path: join(folder, label, name) })
  return files
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort(natural)
  } catch {
    return []
  }
}

const KIND = { code: "recording-unwritable", what: "recording" }

function makeFolderIn(out: string, folder: string): void {
  try {
    makeFolder(folder)
  } catch (error) {
    throw unwritable(`folder ${folder} cannot be made in ${out}: ${messageOf(error)}`, error)
  }
}

/** Under the next free number: nothing is ever written over. @returns its path */
function writeFresh(out: string, folder: string, csv: string): string {
  makeFolderIn(out, folder)
  const numbers = readdirSync(folder).map(name => Number(/^(\d+)\.csv$/.exec(name)?.[1] ?? 0))
  for (let number = Math.max(0, ...numbers) + 1; ; number++) {
    const path = join(folder, `${number}.csv`)
    // Another run may record into the same folder.
    if (existsSync(path)) continue
    try {
      replaceFile(path, Buffer.from(csv), KIND, false)
      return path
    } catch (error) {
      if (!existsSync(path)) throw error
    }
  }
}

function unwritable(message: string, error: unknown): WuxingError {
  return new WuxingError(
    {
      ...{ code: KIND.code, kind: "data", message },
      cause: "a file has its name, its place may not be written to, or the disk is full",
      help: "name another --out",
    },
    { cause: error },
  )
}

function foreign(path: string, what: string, cause: string): WuxingError {
  return new WuxingError({
    code: "recording-foreign",
    kind: "data",
    message: `recording ${path} is not deleted: ${what}`,
    cause,
    help: "delete it yourself if you are sure",
  })
}

function noLabel(label: string, fault: string): WuxingError {
  return new WuxingError({
    code: "usage",
    kind: "usage",
    message: `"${label.slice(0, 60)}" ${fault}`,
    cause: "each class is a folder of recordings",
    help: "for example wave",
  })
}
