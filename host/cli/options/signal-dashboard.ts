/** `--dashboard` of commands that read a sensor: a page that shows its signal. */
import type { SignalDesk, SignalDeskOptions } from "../../dashboard/signal-desk"
import type { Context } from "../command"
import { checkDashboardOptions, type DashboardOptions, serve } from "./dashboard-option"

/** A desk whose page is served; closing it ends both. */
export interface SignalDashboard {
  desk: SignalDesk
  close(): Promise<void>
}

/** @throws WuxingError "usage", "dashboard-port" */
export async function openSignalDashboard(
  options: DashboardOptions,
  desk: SignalDeskOptions,
  { output }: Pick<Context, "output">,
): Promise<SignalDashboard | undefined> {
  checkDashboardOptions(options)
  if (options.dashboard === undefined) return undefined
  const { SignalDesk } = await import("../../dashboard/signal-desk")
  const made = new SignalDesk(desk)
  try {
    const server = await serve(made, options, output)
    return {
      desk: made,
      close: async () => {
        await made.close()
        await server.close()
      },
    }
  } catch (error) {
    await made.close()
    throw error
  }
}
