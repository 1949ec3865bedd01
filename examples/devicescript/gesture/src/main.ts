/**
 * Names what is done to an accelerometer: still, or tilted left, right or away. The network was taught with
 * gesture.csv:
 *
 *     wuxing train --model 48-8-4@16 --data gesture.csv --epochs 12 --seed 1 --out gesture.wuxing
 *     wuxing export src --force --format devicescript --name model --model gesture.wuxing
 */
import * as ds from "@devicescript/core"
import { hear, Wuxing } from "devicescript-wuxing"
import { model } from "./model"

/** An acceleration of −2 … 2 g as a byte. */
function byteOf(g: number): number {
  return Math.min(255, Math.max(0, Math.round((g + 2) * 63.75)))
}

const net = await Wuxing.load(model)
const inputs = Buffer.alloc(net.inputs)
let at = 0

// As many readings of three axes as the network has inputs, one after another.
hear(new ds.Accelerometer(), 40, async reading => {
  for (const g of reading) {
    inputs.setAt(at, "u8", byteOf(g))
    at = at + 1
  }
  if (at < inputs.length) return
  at = 0
  const named = await net.predict(inputs)
  console.log("gesture", net.labels[named.class], named.confidence, inputs.toString("hex"))
})
