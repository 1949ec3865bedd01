/** Boards on serial ports, each told from the others by its device id, whatever its port is called. */
import { realClock } from "../base/clock"
import { WuxingError } from "../base/errors"
import { BoardLink, type BoardLinkOptions } from "../link/board-link"
import type { Port } from "../link/port"
import { listPorts, type PortInfo } from "../link/port-list"
import { resolvePorts } from "../link/port-names"
import { openSerialPort } from "../link/serial-port"
import { interrupted, retryUntil, seconds } from "../link/wait"
import type { OpenableBoards, WrapPort } from "./board-set"
import { profileOfProduct } from "./devicescript-boards"
import { DEVICE_SCRIPT_BAUD_RATE, mayBeDeviceScript } from "./identify"

/** A board that was reset or plugged in needs a second or two until it announces itself. */
const CONNECT_DEADLINE_MS = 10_000
/** Somebody has to find the cable. */
const RECONNECT_MS = 60_000
/** While a board is looked for, each port gets this long to say whose it is, ms. */
const LOOK_DEADLINE_MS = 2_000
const LOOK_AGAIN_MS = 300

export interface SerialBoardsOptions {
  signal?: AbortSignal
  /** Log text of the boards, a line at a time. */
  onLog?: (board: number, line: string) => void
  /** What the ports were named by: a pattern may match a lost board's new port. */
  names?: readonly string[]
  wrap?: WrapPort
  /** How long a lost board is looked for, ms; 60 s unless given. */
  reconnectMs?: number
}

export class SerialBoards implements OpenableBoards {
  readonly reconnectMs: number
  private readonly ids: (string | undefined)[]
  private readonly profiles: (string | undefined)[]
  /** Links given out, and those of ours found while another board was looked for, by id. */
  private readonly links = new Set<BoardLink>()
  /** Ends `keep`. */
  private readonly unkeep = new WeakMap<BoardLink, () => void>()
  private readonly found = new Map<string, BoardLink>()
  private looking?: Promise<void>
  private stopped = false

  /** @param paths ports, in the order of the boards; none twice */
  constructor(
    private readonly paths: readonly string[],
    private readonly options: SerialBoardsOptions = {},
  ) {
    this.reconnectMs = options.reconnectMs ?? RECONNECT_MS
    this.ids = paths.map(() => undefined)
    this.profiles = paths.map(() => undefined)
  }

  get count(): number {
    return this.paths.length
  }

  profile(i: number): string {
    return this.profiles[i] ?? "unknown"
  }

  /** @throws WuxingError as `openSerialPort` and `BoardLink.connect` do; "board-twice" */
  async connect(i: number, options: BoardLinkOptions): Promise<BoardLink> {
    const link = await this.linkTo(this.paths[i], { deadlineMs: CONNECT_DEADLINE_MS, ...options })
    if (this.stopped) {
      // Another board failed meanwhile, and the run is over.
      await this.drop(link)
      throw interrupted(`${options.name} to be opened`)
    }
    const twin = this.ids.indexOf(link.boardId)
    if (twin >= 0 && twin !== i) {
      await this.drop(link)
      throw new WuxingError({
        code: "board-twice",
        kind: "board",
        message: `the boards on ${this.paths[twin]} and ${this.paths[i]} have the same id, ${link.boardId}`,
        cause: "both ports lead to one board, or one board's flash was copied to the other",
        help: "name one port of each board",
      })
    }
    this.ids[i] = link.boardId
    const { productId } = await link.facts()
    this.profiles[i] = profileOfProduct(productId)
    return this.giveTo(i, link, options)
  }

  /** A board on a serial port can only be reset by its program, which may hang: `restart` does nothing. */
  openPort(i: number): Promise<Port> {
    return openSerialPort(this.paths[i], { baudRate: DEVICE_SCRIPT_BAUD_RATE })
  }

  /**
   * Looks for the board on the ports given at first and on all others that may be a board's, until
   * it is found or `reconnectMs` are over.
   * @throws WuxingError "board-not-back" (kind board), "interrupted"
   */
  async reconnect(i: number, link: BoardLink, options: BoardLinkOptions): Promise<BoardLink> {
    await this.drop(link)
    const id = this.ids[i]
    if (id === undefined) return await this.connect(i, options)
    // With time left for the last look to end, so that the reason is ours to give.
    const deadlineMs = this.reconnectMs - Math.min(LOOK_DEADLINE_MS, this.reconnectMs / 2)
    const what = `${options.name} to come back`
    const found = await retryUntil(
      {
        clock: realClock,
        deadlineMs,
        pauseMs: LOOK_AGAIN_MS,
        signal: options.signal,
        what,
        late: () =>
          new WuxingError({
            code: "board-not-back",
            kind: "board",
            message: `${options.name} (${this.profile(i)}, ${id}) was found on no port within ${seconds(this.reconnectMs)}`,
            cause: "it is not plugged in, or hangs",
            help: "plug it in again or reset it, then run the command again",
          }),
      },
      async () => {
        if (this.stopped) throw interrupted(what)
        // Boards lost at the same time are looked for together: each port can be asked only once.
        if (!this.found.has(id))
          this.looking ??= this.look().finally(() => {
            this.looking = undefined
          })
        await this.looking
        return this.found.get(id)
      },
    )
    this.found.delete(id)
    return this.giveTo(i, found, options)
  }

  async stop(): Promise<void> {
    this.stopped = true
    await this.looking
    await Promise.all([...this.links].map(link => this.drop(link)))
  }

  /** Asks every port that no link has open whose board is behind it; keeps those of ours. */
  private async look(): Promise<void> {
    const taken = new Set([...this.links].map(link => link.port.name))
    const { ports } = await listPorts()
    const others = ports.filter(mayBeDeviceScript).map(({ path }) => path)
    const paths = new Set([...this.paths, ...others, ...this.named(ports)])
    await Promise.all(
      [...paths]
        .filter(path => !taken.has(path))
        .map(async path => {
          try {
            const link = await this.linkTo(path, {
              name: path,
              deadlineMs: LOOK_DEADLINE_MS,
              signal: this.options.signal,
            })
            const ours = this.ids.includes(link.boardId) && !this.found.has(link.boardId)
            if (!ours || this.stopped) await this.drop(link)
            else this.keep(link)
          } catch {
            // Not there, not ours, or not ready yet: asked again soon.
          }
        }),
    )
  }

  private named(ports: readonly PortInfo[]): string[] {
    try {
      return resolvePorts(this.options.names ?? [], ports)
    } catch {
      // Nothing is there under these names now.
      return []
    }
  }

  /** Keeps a link that was found until its board is asked for, unless it goes away before. */
  private keep(link: BoardLink): void {
    this.found.set(link.boardId, link)
    const stop = link.listen({
      onClose: () => {
        this.found.delete(link.boardId)
        void this.drop(link)
      },
    })
    this.unkeep.set(link, stop)
  }

  private async linkTo(path: string, options: BoardLinkOptions): Promise<BoardLink> {
    const bare = await openSerialPort(path, { baudRate: DEVICE_SCRIPT_BAUD_RATE })
    const unplug = () => {
      void bare.close()
      bare.onClose?.(new Error("its cable was pulled"))
    }
    const port = this.options.wrap?.(this.paths.indexOf(path), bare, { unplug }) ?? bare
    const link = await BoardLink.connect(port, options)
    this.links.add(link)
    return link
  }

  private giveTo(i: number, link: BoardLink, { name, onLog }: BoardLinkOptions): BoardLink {
    link.name = name
    this.unkeep.get(link)?.()
    const hear = (line: string) => {
      onLog?.(line)
      this.options.onLog?.(i, line)
    }
    for (const line of link.recentLog) hear(line)
    link.listen({ onLog: hear })
    return link
  }

  private async drop(link: BoardLink): Promise<void> {
    this.links.delete(link)
    await link.close()
  }
}
