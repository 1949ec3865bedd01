/** `wuxing agent`: offers this machine's boards to other machines through an MQTT broker. */
import { hostname } from "node:os"
import type { Command } from "commander"
import type { Location } from "../hardware/location"
import {
  type BrokerAddress,
  brokerOption,
  describeBroker,
  NAME,
} from "../hardware/mqtt/broker-address"
import type { Context, Outcome, Run } from "./command"
import { onOption, PLACES, pathOption, usageError } from "./options/usage"

interface AgentCommandOptions {
  broker?: BrokerAddress
  ca?: string
  name?: string
  on: Location
}

export function addAgent(program: Command, run: Run): void {
  program
    .command("agent")
    .description(
      "offer this machine's boards to other machines through an MQTT broker until Ctrl-C",
    )
    .option(
      "--broker <address>",
      "mqtt://HOST[:PORT][/ROOM] or mqtts://…; user name and password by environment variables",
      brokerOption("--broker"),
    )
    .option("--name <name>", "of this agent in its room (default: this machine's)", agentName)
    .option("--on <where>", `the boards to offer: ${PLACES}`, onOption(), {
      kind: "serial",
      ports: [],
    } as Location)
    .option(
      "--ca <file>",
      "certificate of the authority that signed the broker's",
      pathOption("--ca"),
    )
    .action(run(agent))
}

function agentName(text: string): string {
  if (NAME.test(text)) return text
  throw usageError(
    `--name is "${text}", expected up to 64 letters, digits, - _ .`,
    "for example --name lab-3",
  )
}

async function agent(
  { broker, ca, name, on }: AgentCommandOptions,
  { output, signal }: Context,
): Promise<Outcome> {
  if (broker === undefined)
    throw usageError("--broker is missing", "for example --broker mqtt://localhost/lab")
  if (on.kind === "mqtt")
    throw usageError(
      "--on names a broker",
      "name the boards of this machine, such as serial or sim:2",
    )
  const { findBoards } = await import("../hardware/location")
  const { Agent } = await import("../hardware/mqtt/agent")
  output.asLines()
  const called =
    name ??
    (hostname()
      .replace(/[^\w.-]/g, "-")
      .slice(0, 64) ||
      "agent")
  const found = await findBoards(on)
  output.status(`${on.kind === "serial" ? "using" : "starting"} ${found.description}`)
  const boards = await found.open({ signal })
  try {
    const address = ca === undefined ? broker : { ...broker, ca }
    const running = await Agent.start(boards, {
      address,
      name: called,
      description: found.description,
      native: found.native === true,
      signal,
      onEvent: event => {
        output.line({ ...event })
        if ("board" in event)
          output.status(
            `board ${event.board} ${event.event}${event.reason ? `: ${event.reason}` : ""}`,
          )
        else
          output.status(
            event.event === "broker-lost"
              ? "the broker is gone; trying again"
              : "the broker is back",
          )
      },
    })
    try {
      output.line({ event: "ready", name: called, boards: boards.count })
      output.print(`${called} offers ${found.description} at ${describeBroker(address)}`)
      output.status("Ctrl-C ends it")
      if (!signal.aborted)
        await new Promise(resolve => signal.addEventListener("abort", resolve, { once: true }))
    } finally {
      await running.stop()
    }
    return { document: { event: "end", name: called, dropped: running.dropped } }
  } finally {
    await boards.stop()
  }
}
