/** The tool's commands and the options they have in common. */
import { Command } from "commander"
import { packageVersion } from "../base/package-version"
import { addAgent } from "./agent"
import { addBench } from "./bench"
import { addBoards } from "./boards"
import { addBridge } from "./bridge"
import { addBroker } from "./broker"
import { addBuild } from "./build"
import type { Run } from "./command"
import { addDashboard } from "./dashboard"
import { addDemo } from "./demo/demo"
import { addDeploy } from "./deploy"
import { addDoctor } from "./doctor"
import { addEval } from "./eval"
import { addExport } from "./export"
import { addFlash } from "./flash"
import { addImport } from "./import"
import { addInspect } from "./inspect"
import { addPanel } from "./panel"
import { addPartition } from "./partition"
import { addPredict } from "./predict"
import { addProfile } from "./profile"
import { addReproduce } from "./reproduce"
import { addTrain } from "./train/train"

/** In the order they are listed to people. */
const COMMANDS: ((program: Command, run: Run) => void)[] = [
  addDemo,
  addDoctor,
  addBuild,
  addInspect,
  addTrain,
  addReproduce,
  addEval,
  addPredict,
  addBench,
  addPanel,
  addDashboard,
  addBoards,
  addDeploy,
  addFlash,
  addBridge,
  addAgent,
  addBroker,
  addExport,
  addImport,
  addPartition,
  addProfile,
]

/**
 * @param run what makes a command's work into its action
 * @param say hears what commander itself has to say: help, version
 */
export function programOf(run: Run, say: (text: string) => void): Command {
  const program = new Command("wuxing")
    .description("Wuxing neural networks that run and learn on small boards")
    .version(packageVersion(), "--version", "print the version")
    .helpCommand("help [command]", "describe a command")
    .option("--json", "print one JSON document on stdout, also for errors")
    .option("--quiet", "say nothing on stderr but errors")
    .option("-v, --verbose", "say more on stderr")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: say, writeErr: () => {} })
    .exitOverride()
  for (const add of COMMANDS) add(program, run)
  return program
}
