/**
 * The emulated clock: nanoseconds since the board's start, and alarms. As rp2040js's own, but looking
 * at one number is all it costs an instruction.
 */
export class EmulatedClock {
  nanos = 0
  /** When the next alarm is due; infinite if there is none. */
  nextAlarm = Number.POSITIVE_INFINITY
  private readonly alarms: { at: number; alarm: Alarm }[] = []
  private stopped = false

  createAlarm(callback: () => void): Alarm {
    return new Alarm(this, callback)
  }

  /** Lets time pass until `to`; alarms that fall due on the way see the time they were set for. */
  advanceTo(to: number): void {
    if (to >= this.nextAlarm) this.fire(to)
    this.nanos = to
  }

  private fire(to: number): void {
    while (this.nextAlarm <= to) {
      const { at, alarm } = this.alarms.shift()!
      this.nextAlarm = this.alarms[0]?.at ?? Number.POSITIVE_INFINITY
      this.nanos = Math.max(this.nanos, at)
      alarm.callback()
    }
  }

  /** No alarm goes off any more. (The watchdog's, left alone, would go off again at once, for ever.) */
  stop(): void {
    this.stopped = true
    this.alarms.length = 0
    this.nextAlarm = Number.POSITIVE_INFINITY
  }

  add(alarm: Alarm, delay: number): void {
    this.remove(alarm)
    if (this.stopped) return
    const at = this.nanos + delay
    let i = this.alarms.findIndex(other => other.at > at)
    if (i < 0) i = this.alarms.length
    this.alarms.splice(i, 0, { at, alarm })
    this.nextAlarm = this.alarms[0].at
  }

  remove(alarm: Alarm): void {
    const i = this.alarms.findIndex(other => other.alarm === alarm)
    if (i < 0) return
    this.alarms.splice(i, 1)
    this.nextAlarm = this.alarms[0]?.at ?? Number.POSITIVE_INFINITY
  }
}

class Alarm {
  constructor(
    private readonly clock: EmulatedClock,
    readonly callback: () => void,
  ) {}

  schedule(nanos: number): void {
    this.clock.add(this, nanos)
  }

  cancel(): void {
    this.clock.remove(this)
  }
}
