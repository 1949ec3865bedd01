/** `--panel` and `--layout`, the same for every command that runs boards. */
import type { Command } from "commander"
import { type Network, signalsOf } from "../../network/network"
import type { Desk } from "../../panel/desk"
import type { Panel } from "../../panel/panel"
import type { Context } from "../command"
import { pathOption, usageError } from "./usage"

export interface PanelOptions {
  /** Serial port of the Firmata board. */
  panel?: string
  layout?: string
}

export function addPanelOptions(command: Command): Command {
  return addLayoutOption(
    command.option(
      "--panel <port>",
      "show and teach through a Firmata board on this serial port",
      pathOption("--panel"),
    ),
  )
}

export function addLayoutOption(command: Command): Command {
  return command.option(
    "--layout <what>",
    "what is wired to which pin of the panel: leds, seven-segment, lcd, i2c-lcd, or a JSON file (default: leds)",
    pathOption("--layout"),
  )
}

/** @throws WuxingError "usage" for a panel without boards, or a layout without a panel */
export function checkPanelOptions({ panel, layout }: PanelOptions, on: unknown): void {
  if (panel !== undefined && on === undefined)
    throw usageError(
      "--panel shows what boards do, and there are none",
      "say where they are, for example --on sim:2",
    )
  if (layout !== undefined && panel === undefined)
    throw usageError(
      "--layout describes a panel, and there is none",
      "name its port, for example --panel /dev/ttyACM0",
    )
}

/**
 * The panel, if there is to be one.
 *
 * @param classes labels to choose from
 * @throws as readLayout and Panel.open
 */
export async function openPanel(
  { panel: port, layout }: PanelOptions,
  classes: number,
  { output, signal }: Context,
): Promise<Panel | undefined> {
  if (port === undefined) return undefined
  const { DEFAULT_LAYOUT, readLayout } = await import("../../panel/layout")
  const { Panel } = await import("../../panel/panel")
  const read = readLayout(layout ?? DEFAULT_LAYOUT)
  output.status(`opening the panel on ${port}`)
  return await Panel.open({
    ...{ port, layout: read, classes, signal },
    status: text => output.status(text),
    log: line => output.log(line),
  })
}

/**
 * The panel as a desk, if there is to be one, ready to look on.
 *
 * @throws as openPanel
 */
export async function openDesk(
  options: PanelOptions,
  network: Network,
  context: Context,
): Promise<Desk | undefined> {
  const panel = await openPanel(options, signalsOf(network, network.layers.length), context)
  if (!panel) return undefined
  const { Desk } = await import("../../panel/desk")
  return new Desk(network, panel, text => context.output.status(text))
}
