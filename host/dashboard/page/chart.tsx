/** uPlot with the page's colours, as wide as it may be. */
import { useEffect, useRef } from "preact/hooks"
import uPlot from "uplot"

export interface Line {
  name: string
  /** Name of a colour of the page's style. */
  colour: string
  dash?: number[]
  points?: boolean
}

interface ChartProps {
  data: uPlot.AlignedData
  lines: Line[]
  height: number
  label: string
  x: string
  /** Fixed range; absent: as the data is, with zero in it. */
  range?: [number, number]
  format: (value: number) => string
  /** Called with the place under the pointer. */
  onPlace?: (place: number) => void
  /** A place that is marked. */
  mark?: number
}

/** Places are whole: steps, images. */
const STRIDES = [1, 2, 5]
  .flatMap(n => [0, 1, 2, 3, 4, 5, 6, 7].map(e => n * 10 ** e))
  .sort((a, b) => a - b)

/** Where nothing happens, noise of the last bit is not to fill the picture. */
const LEAST_RANGE = 0.004

function aroundZero(_: uPlot, least: number, most: number): [number, number] {
  const [from, to] = [Math.min(0, least ?? 0), Math.max(0, most ?? 0)]
  const margin = 0.08 * Math.max(LEAST_RANGE, to - from)
  const missing = Math.max(0, LEAST_RANGE - (to - from)) / 2
  return [from - margin - missing, to + margin + missing]
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`)
}

export function Chart({ data, lines, height, label, x, range, format, onPlace, mark }: ChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const place = useRef(onPlace)
  place.current = onPlace
  const marked = useRef(mark)
  marked.current = mark
  useEffect(() => {
    const within = box.current
    if (!within) return
    const axis = {
      stroke: () => colour("quiet"),
      grid: { stroke: () => colour("line"), width: 1 },
      ticks: { show: false },
      font: "12px system-ui, sans-serif",
    }
    const made = new uPlot(
      {
        width: Math.max(200, within.clientWidth),
        height,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
        scales: { x: { time: false }, y: { range: range ?? aroundZero } },
        axes: [
          { ...axis, incrs: STRIDES, label: x, labelSize: 16, labelFont: axis.font, size: 30 },
          { ...axis, size: 46, values: (_, ticks) => ticks.map(format) },
        ],
        series: [
          {},
          ...lines.map(line => ({
            label: line.name,
            stroke: () => colour(line.colour),
            width: 2,
            dash: line.dash,
            points: { show: line.points ?? false, size: 5 },
          })),
        ],
        hooks: {
          setCursor: [
            (u: uPlot) => {
              if (u.cursor.idx != null && (u.cursor.left ?? -1) >= 0) place.current?.(u.cursor.idx)
            },
          ],
          draw: [
            (u: uPlot) => {
              if (marked.current === undefined) return
              const at = u.valToPos(u.data[0][marked.current] ?? 0, "x", true)
              u.ctx.fillStyle = colour("mark")
              u.ctx.fillRect(at - 1, u.bbox.top, 2, u.bbox.height)
            },
          ],
        },
      },
      data,
      within,
    )
    plot.current = made
    const fit = new ResizeObserver(() => {
      const width = Math.max(200, within.clientWidth)
      if (width !== made.width) made.setSize({ width, height })
    })
    fit.observe(within)
    const dark = matchMedia("(prefers-color-scheme: dark)")
    const again = () => made.redraw()
    dark.addEventListener("change", again)
    return () => {
      fit.disconnect()
      dark.removeEventListener("change", again)
      made.destroy()
    }
  }, [])
  useEffect(() => plot.current?.setData(data), [data])
  useEffect(() => plot.current?.redraw(false), [mark])
  return (
    <figure class="chart">
      <figcaption>
        {lines.map(line => (
          <span key={line.name}>
            <i style={{ background: `var(--${line.colour})` }} class={line.dash ? "dashed" : ""} />
            {line.name}
          </span>
        ))}
      </figcaption>
      <div ref={box} role="img" aria-label={label} />
    </figure>
  )
}
