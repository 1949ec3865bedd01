/** Where the commands that the pages show are run: here, or in a test that is named. */
import { namedCommands, pages, typedCommands } from "./pages"

/** What needs boards, serves until it is stopped or takes longer; help; what is named without its network. */
const NOT_HERE = [
  /^(?:agent|bench|broker|boards|bridge|build|dashboard|demo|deploy|doctor|flash|help|panel)\b/,
  // Its projects are made in test/host/cli/export-code.test.ts; here only as typed, with all they need.
  /^new\b(?!.*--template)/,
  // Recordings of one's own: test/host/cli/signals.test.ts.
  /gestures|\.\.\/shared|^record\b|^watch\b/,
  /--(?:dashboard|on)\b/,
  /^inspect$|^(?:eval|partition|predict|train)\b(?!.*--model)/,
  // Every kept network's accuracy is measured in test/host/models/trained.test.ts; its training takes minutes.
  /^train --model <preset>/,
  // An epoch of all images takes a minute; with few: test/host/cli/train/train.test.ts.
  /^train --model pico-16 --epochs 1$/,
  // On a board in its own time: test/host/cli/train/on-timed-board.test.ts.
  /--checkpoint\b/,
  // There and back again: test/host/cli/export.test.ts, with the same network.
  /^import\b|--nir\b|^export\b(?!.*--format (?:c|devicescript)\b.*--model)/,
  // The page's links file, which test/docs/links-files.test.ts reads.
  /two-rings\.json/,
  // What it says else is in figures.test.ts.
  /^profile(?!.*--memory)/,
  /^reproduce(?!.*(?:ring-size|storing) )/,
]

/** Commands of docs/, typed and named in text, that page-commands.test.ts runs as they stand. */
export function pageCommands(): string[] {
  const commands = pages
    .filter(({ path }) => path.startsWith("docs/"))
    .flatMap(page => [...typedCommands(page), ...namedCommands(page)])
    .filter(args => NOT_HERE.every(pattern => !pattern.test(args)))
  return [...new Set(commands)]
}

/** Lines of the README that commands.test.ts does not run. */
export const NOT_ALONE = [
  "npm ci && npm start",
  "npm ci && npm test",
  "npm run test:system",
  // In its own time, a minute: test/host/demos/gesture.test.ts.
  "npx wuxing demo gesture --examples 3 --tries 2",
  // With a board and its sensor, and with recordings made so: test/host/sensing, test/host/cli/signals.test.ts.
  "npx wuxing record --on serial:/dev/ttyACM0 --sensor accelerometer --label wave --count 10 --out gestures",
  "npx wuxing train --data gestures --out gestures.wuxing",
  "npx wuxing watch --model gestures.wuxing --on serial:/dev/ttyACM0 --sensor accelerometer",
  "npx wuxing deploy --model gestures.wuxing --sensor accelerometer --port /dev/ttyACM0",
  // It runs until Ctrl-C.
  "npx wuxing dashboard",
]

/**
 * What takes boards, servers or minutes: which lines, the test that runs their like, and what stands there
 * of it. Real ports are pseudo-terminals there, counts of images smaller.
 */
export const ELSEWHERE: [line: RegExp, test: string, says: string][] = [
  [
    /^cd my-plants$|^npm install$|^npm run build$/,
    "test/packaging/install.test.ts",
    "word by word",
  ],
  [/^npm ci && npm start$/, "test/host/cli/demo/demo.test.ts", '"demo", "--train"'],
  [/^npm ci && npm test$|^npm run test:system$/, ".ci/run", "npm run test:system"],
  [/ dashboard| --dashboard/, "test/host/cli/dashboard.test.ts", "dashboard"],
  [/ doctor$/, "test/host/cli/doctor.test.ts", "doctor"],
  [/ boards$/, "test/host/cli/boards.test.ts", "boards"],
  [/ deploy$/, "test/host/fleet/serial.test.ts", "deploy"],
  [/ deploy --model gestures/, "test/host/demos/gesture.test.ts", "gesture"],
  [/ demo --on serial/, "test/host/fleet/serial.test.ts", "serial:"],
  [/ predict .*--on /, "test/host/cli/own-data.test.ts", "predict"],
  [/ --data-each /, "test/host/cli/train/data-each.test.ts", "--data-each"],
  [/ broker$| agent | --on mqtt:/, "test/host/hardware/mqtt/ports.test.ts", "mqtt:"],
  [/ --share samples/, "test/host/cli/train/side-by-side.test.ts", "--share samples"],
  [/ demo adapt/, "test/host/demos/adapt.test.ts", "adapt"],
  [/ demo memory/, "test/host/demos/memory.test.ts", "memory"],
  [/ demo oscillator/, "test/host/demos/oscillator.test.ts", "oscillator"],
  [/ demo class/, "test/host/demos/class.test.ts", '"demo", "class"'],
  [/ demo fleet/, "test/host/demos/fleet.test.ts", "fleet"],
  [/ demo alone/, "test/host/demos/alone.test.ts", "alone"],
  [/ demo gesture/, "test/host/demos/gesture.test.ts", "gesture"],
  [/ flash --board (?:pico|esp32c3_bare)$/, "test/host/cli/flash.test.ts", "--board"],
  [/ flash --board pico --native/, "test/host/cli/flash.test.ts", "--native"],
  [/ demo --on emu:/, "test/firmware/native/kinds.test.ts", "emu:"],
  [/ export --spiking| eval --nir/, "test/host/cli/spiking.test.ts", "--nir"],
  [/ export .* --nir /, "test/host/export/spiking-c.test.ts", "--nir"],
  [/ export --format nir| import /, "test/host/cli/export.test.ts", "import"],
  [/ profile --model wand/, "test/host/profile/native.test.ts", "reads a signal"],
  [/ record /, "test/host/sensing/sources.test.ts", "cuts recordings"],
  [/gestures|\.\.\/shared/, "test/host/cli/signals.test.ts", "gestures"],
]
