/**
 * Names how a plant fares from three sensors, by a network taught with a table of one's own
 * (plants.csv: class, then temperature · 5, humidity · 2.55, light · 255):
 *
 *     wuxing train --model 3-8-3@3 --data plants.csv --epochs 12 --seed 1 --out table.wuxing
 *     wuxing export src --force --format devicescript --name model --model table.wuxing
 */
import * as ds from "@devicescript/core"
import { Wuxing } from "devicescript-wuxing"
import { model } from "./model"

function byteOf(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)))
}

const net = await Wuxing.load(model)
const inputs = Buffer.alloc(net.inputs)
const temperature = new ds.Temperature()
const humidity = new ds.Humidity()
const light = new ds.LightLevel()

while (true) {
  inputs.setAt(0, "u8", byteOf((await temperature.reading.read()) * 5))
  inputs.setAt(1, "u8", byteOf((await humidity.reading.read()) * 2.55))
  inputs.setAt(2, "u8", byteOf((await light.reading.read()) * 255))
  const named = await net.predict(inputs)
  console.log("plant", net.labels[named.class], named.confidence, inputs.toString("hex"))
  await ds.sleep(200)
}
