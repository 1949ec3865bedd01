/** Readings of a sensor's module on the Jacdac bus, as they come. */
import * as ds from "@devicescript/core"
import { MOST_SIXTEENTHS } from "./wire/sensor-protocol"

/** A register's reading, as a report to a get. */
const READING = 0x1101
/** A sensor streams for so many readings, then wants to be asked again. */
const STREAMED = 255
const ASK_EVERY_MS = 1_000
/** The service's class. */
const ACCELEROMETER = 0x1f140409
/** Of a whole g, in the 20 bits behind the point that modules send. */
const Q20 = 1048576
/** The same of an accelerometer that DeviceScript's own drivers serve. */
const Q4 = 16

/**
 * Calls `handler` with every reading of an accelerometer, a gyroscope, or a sensor of light, sound or
 * position, from now on. One that comes while the handler runs waits, and the latest of several replaces
 * the others.
 *
 * `reading.read()` of DeviceScript 2.16.4 is no way to do this: what it has is up to half a second old, and
 * of readings of several numbers, which modules send in Q20, it takes the point to be four bits from the
 * right: 1 g is 65,536.
 *
 * @param sensor a role
 * @param intervalMs asked for between two readings
 * @param handler gets numbers in the sensor's unit: g, °/s, or 0 to 1
 */
export function hear(
  sensor: ds.Sensor,
  intervalMs: number,
  handler: (reading: number[]) => Promise<void>,
): void {
  // Not known before an accelerometer's first reading that is not all 0.
  let one = sensor.spec.classIdentifier === ACCELEROMETER ? 0 : Q20
  sensor.report().subscribe(async packet => {
    if (packet.serviceCommand !== READING) return
    const payload = packet.payload
    const reading: number[] = []
    // Three of i12.20, or one of u0.16.
    if (payload.length === 2) reading.push(payload.getAt(0, "u16") / 65536)
    else {
      if (one === 0) one = unitOf(payload)
      for (let at = 0; at < payload.length; at += 4)
        reading.push(payload.getAt(at, "i32") / (one || Q20))
    }
    await handler(reading)
  })
  async function ask(): Promise<void> {
    let bound = false
    while (true) {
      if (sensor.isBound && !bound) await sensor.streamingInterval.write(intervalMs)
      bound = sensor.isBound
      if (bound) await sensor.streamingSamples.write(STREAMED)
      await ds.sleep(ASK_EVERY_MS)
    }
  }
  ask.start()
}

/**
 * What an accelerometer's reading counts a g as. That runtime puts a point of 20 bits at 4 when it sends, too,
 * so what its own drivers serve is in sixteenths of a g: all numbers small, where gravity alone is 1 g.
 */
function unitOf(payload: Buffer): number {
  let most = 0
  for (let at = 0; at < payload.length; at += 4)
    most = Math.max(most, Math.abs(payload.getAt(at, "i32")))
  if (most === 0) return 0
  return most <= MOST_SIXTEENTHS ? Q4 : Q20
}
