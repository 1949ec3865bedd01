/**
 * Learns where a knob is "on": the button teaches it, pressed for on, not pressed for off. The network
 * begins as drawn (`wuxing export src --force --format devicescript --name model --model 16-4-2@8`).
 */
import * as ds from "@devicescript/core"
import { Wuxing } from "devicescript-wuxing"
import { model } from "./model"

const net = await Wuxing.load(model)
const inputs = Buffer.alloc(net.inputs)
const knob = new ds.Potentiometer()
const button = new ds.Button()

// What it learnt before power was lost.
if (await net.restore()) console.log("restored", net.samples)

while (true) {
  // One value as a bar of inputs, so that near values look alike.
  const value = await knob.reading.read()
  for (let i = 0; i < inputs.length; i++)
    inputs.setAt(i, "u8", Math.min(255, Math.max(0, Math.round((value * inputs.length - i) * 255))))
  const label = (await button.reading.read()) > 0.5 ? 1 : 0
  const named = await net.learn(inputs, label)
  console.log("knob", label, named, inputs.toString("hex"))
  if (net.samples % 60 === 0) await net.save()
  await ds.sleep(50)
}
