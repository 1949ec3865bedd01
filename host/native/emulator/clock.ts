/**
 * The emulated clock: nanoseconds since the board's start, and alarms. As rp2040js's own, but looking
 * at one number is all it costs an instruction.
 */
export class EmulatedClock {
  nanos = 0
  /** When the next alarm is due; infinite if there is none. */
  nextAlarm = Number.POSITIVE_INFINITY
  private readonly alarms: { at: number; alarm: Alarm }[] = []

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

  add(alarm: Alarm, delay: number): void {
    this.remove(alarm)
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
