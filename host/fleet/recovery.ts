/** Going on after boards stopped or messages were lost: from what boards hold, or the last checkpoint. */
import { WuxingError } from "../base/errors"
import { seconds } from "../link/wait"
import type { Checkpoints } from "./checkpoints"
import type { Crew } from "./crew"
import type { LoadedNetwork } from "./loaded-network"
import type { FleetOptions } from "./options"
import {
  FinalError,
  gaveUp,
  isRecoverable,
  MOST_LOSSES,
  MOST_RECOVERIES,
  type Patience,
} from "./stops"

export class Recovery {
  /** Times a lost message was sent again, to boards that held all they should. */
  resent = 0

  constructor(
    private readonly crew: Crew,
    private readonly loaded: LoadedNetwork,
    private readonly checkpoints: Checkpoints,
    private readonly patience: Patience,
    private readonly options: Pick<FleetOptions, "network" | "log" | "status">,
  ) {}

  /**
   * Does work that can go on from the last checkpoint: if a board stops, it is started and loaded
   * again and the work is called again.
   */
  async persist<T>(work: () => Promise<T>): Promise<T> {
    let failure: WuxingError | undefined
    for (;;) {
      try {
        if (failure) await this.recover(failure)
        return await work()
      } catch (error) {
        if (!(error instanceof WuxingError) || !isRecoverable(error)) throw error
        failure = error
      }
    }
  }

  private async recover(reason: WuxingError): Promise<void> {
    const { crew, loaded, checkpoints, patience, options } = this
    if (await loaded.stillHeld()) {
      if (patience.lost() > MOST_LOSSES) throw gaveUp(reason, loaded.position, MOST_LOSSES)
      this.resent++
      options.log?.(`sent again: ${reason.message}`)
      loaded.resume()
      return
    }
    const { samples } = checkpoints.latest
    if (patience.stopped() > MOST_RECOVERIES)
      throw gaveUp(reason, `the checkpoint at sample ${samples}`, MOST_RECOVERIES)
    checkpoints.shortenInterval()
    // Running means of PID control are in no checkpoint: what came of it would be other bits.
    if (options.network.pid) throw new FinalError(reason)
    crew.recoveries++
    options.log?.(`recovering: ${reason.message}`)
    loaded.detach()
    const start = crew.clock.now()
    const restarted: string[] = []
    await Promise.all(
      crew.members.map(async ({ board }, index) => {
        if (await crew.ping(board)) return
        restarted.push(board.title)
        await crew.restart(index, this.describeStop([board.title], reason))
      }),
    )
    const stop = this.describeStop(restarted, reason)
    if (loaded.shards.length > 0) await checkpoints.restore()
    const took = seconds(crew.clock.now() - start)
    const again =
      restarted.length > 0 ? `${restarted.join(" and ")} started again` : "the boards loaded again"
    options.status?.(`${stop}; ${again} in ${took}, coefficients restored from sample ${samples}`)
  }

  /** What stopped, when, why; `titles` are the boards that do not answer. */
  private describeStop(titles: string[], reason: WuxingError): string {
    const { position } = this.loaded
    if (titles.length > 0 && !titles.some(title => reason.message.startsWith(title)))
      return `${titles.join(" and ")} stopped answering ${position} (${reason.message})`
    if (reason.message.includes(position)) return reason.message
    return `${reason.message} ${position}`
  }
}
