/**
 * Names what is done to an accelerometer: still, or tilted left, right or away. The network was taught with
 * gesture.csv:
 *
 *     wuxing train --model 48-8-4@16 --data gesture.csv --epochs 12 --seed 1 --out gesture.wuxing
 *     wuxing export src --force --format devicescript --name model --model gesture.wuxing
 */
import * as ds from "@devicescript/core"
import { Wuxing } from "devicescript-wuxing"
import { model } from "./model"

/** An acceleration of −2 … 2 g as a byte. */
function byteOf(g: number): number {
  return Math.min(255, Math.max(0, Math.round((g + 2) * 63.75)))
}

const net = await Wuxing.load(model)
const inputs = Buffer.alloc(net.inputs)
const accelerometer = new ds.Accelerometer()

// As many readings of three axes as the network has inputs, one after another.
while (true) {
  for (let at = 0; at < inputs.length; at += 3) {
    const [x, y, z] = await accelerometer.reading.read()
    inputs.setAt(at, "u8", byteOf(x))
    inputs.setAt(at + 1, "u8", byteOf(y))
    inputs.setAt(at + 2, "u8", byteOf(z))
    await ds.sleep(40)
  }
  const named = await net.predict(inputs)
  console.log("gesture", net.labels[named.class], named.confidence, inputs.toString("hex"))
}
