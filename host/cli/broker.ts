/** `wuxing broker`: an MQTT broker for agents and the users of their boards, until Ctrl-C. */
import type { Command } from "commander"
import { WuxingError } from "../base/errors"
import type { Context, Outcome, Run } from "./command"
import { integerOption } from "./options/usage"

interface BrokerCommandOptions {
  port: number
  host: string
}

export function addBroker(program: Command, run: Run): void {
  program
    .command("broker")
    .description("run an MQTT broker on this machine until Ctrl-C, for where none is to hand")
    .option("--port <n>", "port to listen on", integerOption("--port", 0, 65_535), 1883)
    .option(
      "--host <address>",
      "address to listen on; others than this machine need a user name and a password",
      "127.0.0.1",
    )
    .action(run(broker))
}

async function broker(
  { port, host }: BrokerCommandOptions,
  { output, signal }: Context,
): Promise<Outcome> {
  const { startBroker } = await import("../hardware/mqtt/broker")
  const { USERNAME_VARIABLE, PASSWORD_VARIABLE } = await import("../hardware/mqtt/broker-address")
  const username = process.env[USERNAME_VARIABLE]
  const password = process.env[PASSWORD_VARIABLE]
  if (!/^(127\.|::1$|localhost$)/.test(host) && (username === undefined || password === undefined))
    throw new WuxingError({
      code: "broker-open-to-all",
      kind: "usage",
      message: `a broker on ${host} can be used by everybody who reaches this machine`,
      cause: "neither a user name nor a password is set",
      help: `set ${USERNAME_VARIABLE} and ${PASSWORD_VARIABLE}, here and where agents and commands run`,
    })
  output.asLines()
  const running = await startBroker({ host, port, username, password })
  const address = `mqtt://${host.includes(":") ? `[${host}]` : host}:${running.port}`
  output.line({ event: "ready", address })
  output.print(address)
  output.status("Ctrl-C ends it")
  if (!signal.aborted)
    await new Promise(resolve => signal.addEventListener("abort", resolve, { once: true }))
  await running.stop()
  return { document: { event: "end", address } }
}
