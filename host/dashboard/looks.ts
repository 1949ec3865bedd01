/** What pages look at inside the network: computed now and then, each page's own neuron. */
import type { Clock, Timer } from "../base/clock"
import { messageOf } from "../base/errors"
import type { Network } from "../network/network"
import type { Checkpoint } from "../session/reports"
import { Inside } from "./inside"
import { decodeBytes, encodeBytes, type FromPage, type ToPage } from "./messages"

/** A look inside costs the host a sample or two, so not every image gets one. */
const LOOK_MS = 200

type Look = Extract<FromPage, { type: "look" }>

/** A page. */
export interface Looker {
  send(message: ToPage): void
  look?: Look
}

export class Looks {
  private inside: Inside
  /** What a look inside is for, unless it names a drawing. */
  private image?: Uint8Array
  private label = -1
  private timer?: Timer

  constructor(
    private readonly clock: Clock,
    private readonly lookers: Iterable<Looker>,
    private network: Network,
    private classes: number,
  ) {
    this.inside = new Inside(network)
  }

  goOnWith(network: Network, classes: number): void {
    Object.assign(this, { network, classes, inside: new Inside(network) })
  }

  load(checkpoint: Checkpoint): void {
    this.inside.load(checkpoint)
    this.soon()
  }

  /** The last image. */
  seen(image: Uint8Array, label = -1): void {
    this.image = image
    this.label = label
  }

  ask(looker: Looker, look: Look): void {
    const why = this.unknown(look)
    if (why === undefined) looker.look = look
    else looker.send({ type: "refused", what: why })
    this.soon()
  }

  soon(): void {
    this.timer ??= this.clock.after(LOOK_MS, () => {
      this.timer = undefined
      for (const looker of this.lookers) {
        try {
          this.show(looker)
        } catch (error) {
          // A look is a convenience: what it cannot compute, it says to its page alone.
          looker.look = undefined
          const what = `This neuron cannot be shown: ${messageOf(error)}`
          looker.send({ type: "refused", what })
        }
      }
    })
  }

  stop(): void {
    this.timer?.stop()
  }

  /** Why this cannot be looked at in the network in use, if it cannot. */
  private unknown({ layer, neuron, image, label }: Look): string | undefined {
    const { network, classes } = this
    if (image !== undefined && decodeBytes(image).length !== network.width)
      return `An image has ${network.width} pixels.`
    if (label !== undefined && label >= classes)
      return `The network has ${classes} classes, from 0.`
    const known = layer >= 1 && layer <= network.layers.length
    return known && neuron < network.layers[layer - 1].neurons
      ? undefined
      : "There is no such neuron."
  }

  private show({ look, send }: Looker): void {
    if (!look) return
    const image = look.image === undefined ? this.image : decodeBytes(look.image)
    const label = look.image === undefined ? this.label : (look.label ?? -1)
    const blank = new Uint8Array(this.network.width)
    send({
      type: "inside",
      ...this.inside.view(look.layer, look.neuron, image ?? blank, image ? label : -1),
      image: image && encodeBytes(image),
    })
  }
}
