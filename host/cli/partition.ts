/** `wuxing partition`: which board, or core of a chip, computes which neurons; needs none of them. */
import type { Command } from "commander"
import type { PlannedOn } from "../partition/board-spec"
import type { Context, Outcome, Run } from "./command"
import { chipsNamed, planOnChips } from "./core-plan"
import { addNetworkOptions, type NetworkOptions, networkNamed } from "./options/network-option"
import { FORCE, outputFile, PICTURE } from "./options/output-file"
import { NETWORKS, pathOption, usageError } from "./options/usage"

interface PartitionOptions extends NetworkOptions {
  model?: string
  boards?: string
  svg?: string
  force?: boolean
  learning?: boolean
}

export function addPartition(program: Command, run: Run): void {
  const command = program
    .command("partition")
    .description("plan which board computes which neurons, or which core of a chip; needs neither")
    .option("--model <network>", NETWORKS)
    .option(
      "--boards <spec>",
      "boards, for example pico:4,esp32-c3:2; serial or serial:<port>,… for those on ports, mqtt://HOST/ROOM for those that agents offer; or chips, for example loihi or dynap-se2:8",
      pathOption("--boards"),
    )
    .option("--svg <file>", "also draw the plan for boards into a file", pathOption("--svg"))
    .option("--learning", "plan boards for learning; absent: for naming images")
    .option(...FORCE)
  addNetworkOptions(command).action(run(partition))
}

/** Boards by profile and number, or those found on ports or behind agents. */
async function boardsNamed(spec: string, { output, signal }: Context): Promise<PlannedOn[]> {
  const { parseLocation: parsePlace } = await import("../hardware/location")
  const location = parsePlace(spec, 0)
  if (location?.kind !== "serial" && location?.kind !== "mqtt") {
    const { parseBoards } = await import("../partition/board-spec")
    return parseBoards(spec)
  }
  const { boardsBehindAgents, boardsOnPorts } = await import("../partition/found")
  output.status(location.kind === "mqtt" ? "asking the agents" : "asking what is on the ports")
  return location.kind === "mqtt"
    ? await boardsBehindAgents(location.address, signal)
    : await boardsOnPorts(location.ports, signal)
}

async function partition(options: PartitionOptions, context: Context): Promise<Outcome> {
  const { model, boards, svg, learning } = options
  if (model === undefined) throw usageError("--model is missing", "for example --model pico-16")
  if (boards === undefined) throw usageError("--boards is missing", "for example --boards pico:4")
  if (!/serial|mqtt/.test(boards)) context.endsAtOnce?.()
  const chips = await chipsNamed(boards)
  if (chips) {
    if (svg !== undefined) throw usageError("--svg is for plans on boards", "leave it out")
    return planOnChips((await networkNamed(model, options)).network, chips, context)
  }
  const file = svg === undefined ? undefined : outputFile(svg, PICTURE, options.force)
  const { planOnBoards } = await import("./board-plan")
  const on = await boardsNamed(boards, context)
  const { network } = await networkNamed(model, options)
  const goal = learning ? "learning" : "naming"
  const { outcome, picture } = await planOnBoards(network, on, goal, context)
  if (file) {
    file.write(picture)
    context.output.status(`the plan is drawn in ${file.path}`)
  }
  return outcome
}
