/** Files that commands write: looked at before the work, written after it, over nothing without --force. */
import { checkReplaceable, type FileKind, replaceFile } from "../../base/replace-file"

export const FORCE = ["--force", "write over a file that exists"] as const

export const PICTURE: FileKind = { code: "picture-unwritable", what: "picture" }
export const MODEL: FileKind = { code: "model-unwritable", what: "model file" }

export interface OutputFile {
  readonly path: string
  /** @throws as outputFile: much may have happened since */
  write(content: string | Uint8Array): void
}

/**
 * @param force the user's --force
 * @throws WuxingError as checkReplaceable
 */
export function outputFile(path: string, kind: FileKind, force = false): OutputFile {
  checkReplaceable(path, kind, force)
  return {
    path,
    write: content =>
      replaceFile(path, typeof content === "string" ? Buffer.from(content) : content, kind, force),
  }
}
