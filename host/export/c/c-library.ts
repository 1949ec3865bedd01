/** The library's way to a C library: `wuxing export --format c` without its folder. */
import { WuxingError } from "../../base/errors"
import { refuseUnknown } from "../../base/options"
import type { Model } from "../../models/model-file"
import { classNamesOf } from "../../training/training"
import { exportC, type StoredSample } from "./export-c"
import { checkRule } from "./fits"
import { C_LAYOUTS, type CLayout, isModelName } from "./options"

/** Options of {@link cLibrary}. */
export interface CLibraryOptions {
  /** Of its functions and files: a C identifier in lower case. Default: "gesture". */
  name?: string
  /** For which way of building. Default: "plain", with a `CMakeLists.txt`. */
  layout?: CLayout
  /** Samples that the program which tries it holds; default: none. */
  samples?: readonly StoredSample[]
}

const OPTIONS = ["name", "layout", "samples"]

/**
 * A model as a C99 library that classifies and learns with the host's bits, and a program that tries it.
 *
 * @returns text of each file, by its path in a folder
 * @throws WuxingError "export-rule" (kind "capacity") where C lacks the network's way of learning; of
 *   kind "usage" for a wrong option
 */
export function cLibrary(model: Model, options: CLibraryOptions = {}): Map<string, string> {
  refuseUnknown("cLibrary", options, OPTIONS)
  const { name = "gesture", layout = "plain", samples = [] } = options
  const wrong = !isModelName(name)
    ? `name is "${name}", expected a C name in lower case`
    : !C_LAYOUTS.includes(layout)
      ? `layout is "${layout}", expected one of ${C_LAYOUTS.join(", ")}`
      : undefined
  if (wrong !== undefined)
    throw new WuxingError({
      ...{ code: "usage", kind: "usage", message: wrong, cause: "it is misspelt" },
      help: 'for example { name: "gesture", layout: "arduino" }',
    })
  checkRule(model)
  const classes = classNamesOf(model)
  return exportC(model, { name, layout, classes, samples: [...samples] }).files
}
