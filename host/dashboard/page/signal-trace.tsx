/** A signal over time, a line a channel, with what its windows were taken for. */
import { useEffect, useRef } from "preact/hooks"
import type { Mark } from "../signal-messages"
import type { Sample } from "./signal-store"

/** Names of the style's colours, a channel each. */
const COLOURS = ["water", "fire", "wood", "earth", "metal", "accent", "bad", "quiet"]
const LEFT = 44
const TOP = 22
const BOTTOM = 18

export interface TraceProps {
  samples: Sample[]
  marks: Mark[]
  /** Numbers of the first and the last sample that are shown. */
  from: number
  to: number
  /** Samples a second; undefined: not known. */
  rate: number | undefined
  /** As far as it has been played. */
  until?: number
  height: number
  label: string
}

export function Trace(props: TraceProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const latest = useRef(props)
  latest.current = props
  useEffect(() => {
    const { current } = canvas
    if (current) draw(current, props)
  })
  useEffect(() => {
    const { current } = canvas
    if (!current) return
    const again = () => draw(current, latest.current)
    const fit = new ResizeObserver(again)
    fit.observe(current)
    const dark = matchMedia("(prefers-color-scheme: dark)")
    dark.addEventListener("change", again)
    return () => {
      fit.disconnect()
      dark.removeEventListener("change", again)
    }
  }, [])
  const { height, label } = props
  return (
    <canvas
      class="trace"
      ref={canvas}
      role="img"
      aria-label={label}
      style={{ height: `${height}px` }}
    />
  )
}

export function Channels({ names }: { names: string[] }) {
  return (
    <p class="channels">
      {names.map((name, c) => (
        <span key={c}>
          <i style={{ background: `var(--${colourOf(c)})` }} />
          {name}
        </span>
      ))}
    </p>
  )
}

function colourOf(channel: number): string {
  return COLOURS[channel % COLOURS.length]
}

function draw(canvas: HTMLCanvasElement, props: TraceProps): void {
  const { samples, marks, from, to, rate, height, until } = props
  const scale = devicePixelRatio
  const width = Math.max(120, canvas.clientWidth)
  // A canvas is emptied when its size is set.
  canvas.width = Math.round(width * scale)
  canvas.height = Math.round(height * scale)
  const context = canvas.getContext("2d")
  if (!context) return
  const style = getComputedStyle(canvas)
  const colour = (name: string) => style.getPropertyValue(`--${name}`)
  context.scale(scale, scale)
  context.font = "12px system-ui, sans-serif"
  const x = (number: number) => LEFT + ((number - from) / Math.max(1, to - from)) * (width - LEFT)
  const shown = samples.filter(({ number }) => number >= from && number <= to)
  const all = shown.flatMap(({ values }) => values)
  const least = all.reduce((m, v) => Math.min(m, v), Number.POSITIVE_INFINITY)
  const most = all.reduce((m, v) => Math.max(m, v), Number.NEGATIVE_INFINITY)
  const room = Math.max(1e-9, (most - least) * 0.06)
  const [low, high] = all.length > 0 ? [least - room, most + room] : [0, 1]
  const y = (value: number) => TOP + (1 - (value - low) / (high - low)) * (height - TOP - BOTTOM)

  context.strokeStyle = colour("line")
  context.fillStyle = colour("quiet")
  context.lineWidth = 1
  for (const value of all.length > 0 ? [least, (least + most) / 2, most] : []) {
    line(context, [LEFT, y(value)], [width, y(value)])
    context.fillText(Number(value.toPrecision(3)).toString(), 2, y(value) + 4, LEFT - 6)
  }
  const every = rate ?? 100
  for (let tick = Math.ceil(from / every); tick * every <= to; tick++) {
    const at = tick * every
    line(context, [x(at), TOP], [x(at), height - BOTTOM])
    const text = rate === undefined ? String(at) : `${tick} s`
    if (x(at) + context.measureText(text).width < width)
      context.fillText(text, x(at) + 2, height - 4)
  }
  for (const mark of marks) {
    if (mark.to < from || mark.from > to || (until !== undefined && mark.to > until)) continue
    const [left, right] = [Math.max(LEFT, x(mark.from)), Math.min(width, x(mark.to))]
    context.globalAlpha = mark.name === undefined ? 0.12 : 0.22
    context.fillStyle = colour(mark.name === undefined ? "quiet" : "accent")
    context.fillRect(left, TOP, right - left, height - TOP - BOTTOM)
    context.globalAlpha = 1
    context.fillStyle = colour(mark.name === undefined ? "quiet" : "text")
    context.fillText(mark.name ?? "unknown", left + 2, TOP - 8, Math.max(30, right - left))
  }
  context.lineWidth = 1.6
  const channels = shown[0]?.values.length ?? 0
  for (let c = 0; c < channels; c++) {
    context.strokeStyle = colour(colourOf(c))
    for (const [past, alpha] of [
      [true, 1],
      [false, 0.25],
    ] as const) {
      if (!past && until === undefined) continue
      context.globalAlpha = alpha
      context.beginPath()
      for (const { number, values } of shown)
        if (until === undefined || number <= until === past) context.lineTo(x(number), y(values[c]))
      context.stroke()
    }
    context.globalAlpha = 1
  }
  if (until !== undefined) {
    context.strokeStyle = colour("mark")
    line(context, [x(until), TOP], [x(until), height - BOTTOM])
  }
}

function line(
  context: CanvasRenderingContext2D,
  from: [number, number],
  to: [number, number],
): void {
  context.beginPath()
  context.moveTo(...from)
  context.lineTo(...to)
  context.stroke()
}
