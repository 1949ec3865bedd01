/** A DeviceScript project that builds at once: one of the examples, or a blank one. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { packageVersion } from "../../base/package-version"
import { packageFiles } from "./package-files"

const EXAMPLES = fileURLToPath(new URL("../../../examples/devicescript", import.meta.url))
/** The compiler and machine the examples are tested with. */
const DEVICESCRIPT = "2.16.4"

export const TEMPLATES = ["gesture", "threshold", "table", "blank"] as const
export type Template = (typeof TEMPLATES)[number]

/** The model, as the program imports it. */
const MODEL = "./model"

const BLANK = `import { Wuxing } from "devicescript-wuxing"
import { model } from "${MODEL}"

const net = await Wuxing.load(model)
const inputs = Buffer.alloc(net.inputs)
const named = await net.predict(inputs)
console.log("class", net.labels[named.class], named.confidence, "%")
`

/**
 * The files of a project, by path. The library is there twice: where npm installs from, and installed,
 * so that the project builds before npm was ever run.
 *
 * @param name of the project
 * @param board as DeviceScript calls it; undefined: none is named
 */
export function projectFiles(
  name: string,
  template: Template,
  board?: string,
): Map<string, string> {
  const files = new Map<string, string>()
  const from = join(EXAMPLES, template === "blank" ? "threshold" : template)
  for (const path of readdirSync(from, { recursive: true, encoding: "utf8" }))
    if (/\.(ts|csv)$/.test(path) && existsSync(join(from, path)))
      files.set(path.replaceAll("\\", "/"), readFileSync(join(from, path), "utf8"))
  if (template === "blank") files.set("src/main.ts", BLANK)
  for (const [path, text] of packageFiles()) {
    files.set(`lib/devicescript-wuxing/${path}`, text)
    files.set(`node_modules/devicescript-wuxing/${path}`, text)
  }
  const manifest = {
    name,
    version: packageVersion(),
    private: true,
    scripts: {
      build: "devs build src/main.ts",
      start: "devs devtools src/main.ts",
      flash: `devs flash${board ? ` --board ${board}` : ""}`,
    },
    dependencies: { "devicescript-wuxing": "file:lib/devicescript-wuxing" },
    devDependencies: { "@devicescript/cli": DEVICESCRIPT },
  }
  files.set("package.json", `${JSON.stringify(manifest, null, 2)}\n`)
  files.set("devsconfig.json", "{}\n")
  files.set(".gitignore", "node_modules\n.devicescript\n")
  return files
}
