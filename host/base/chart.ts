/**
 * Line charts as SVG text: axes with ticks, a legend, a light background, readable at 640 pixels.
 *
 * The chart libraries that draw in Node without a browser bring tens of megabytes for what is a few
 * polylines here.
 */

export interface Axis {
  label: string
  /** Logarithmic, base 10: values at or below zero are left out. */
  log?: boolean
  /** Ends of the axis; absent: those of the data. */
  min?: number
  max?: number
  /** What is counted: ticks at whole numbers only. */
  whole?: boolean
  /** Ticks as percentages: 0.5 as "50 %". */
  percent?: boolean
}

export interface Series {
  name: string
  /** x and y; a point that is not finite is left out and breaks the line. */
  points: (readonly [number, number])[]
  /** What to draw; absent: both, but no marks where there are more than 60 points. */
  draw?: "line" | "marks" | "both"
  dashed?: boolean
}

export interface Chart {
  title: string
  x: Axis
  y: Axis
  series: Series[]
}

const WIDTH = 640
const LEFT = 64
const RIGHT = 20
const TITLE = 32
const LEGEND_ROW = 18
const PLOT = 280
const BOTTOM = 52
const MOST_MARKS = 60
/** About the width of a character at the legend's size. */
const CHARACTER = 6.6

/** Okabe and Ito's colours, which colour-blind readers tell apart, without the yellow. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#8c6d00", "#444444"]
const DASHES = ["", "7 3", "2 3", "9 3 2 3"]

/** The chart as a whole SVG document. */
export function renderChart(chart: Chart): string {
  return renderCharts([chart])
}

/** Charts one below the other, as one SVG document that bears the first one's title. */
export function renderCharts(charts: Chart[]): string {
  const drawn = charts.map(drawChart)
  const height = drawn.reduce((sum, chart) => sum + chart.height, 0)
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#222222">`,
    `<title>${escaped(charts[0].title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
  ]
  let top = 0
  for (const chart of drawn) {
    if (top === 0) parts.push(...chart.parts)
    else parts.push(`<g transform="translate(0 ${top})">`, ...chart.parts, "</g>")
    top += chart.height
  }
  parts.push("</svg>")
  return `${parts.join("\n")}\n`
}

/** What is in a chart's own frame, and how high that is. */
function drawChart(chart: Chart): { height: number; parts: string[] } {
  const drawn = chart.series.map(series => ({
    ...series,
    points: series.points.filter(point => drawable(chart, point)),
  }))
  const x = scaleOf(
    chart.x,
    drawn.flatMap(s => s.points.map(p => p[0])),
  )
  const y = scaleOf(
    chart.y,
    drawn.flatMap(s => s.points.map(p => p[1])),
  )
  const legend = legendOf(chart.series)
  const top = TITLE + legend.rows * LEGEND_ROW + 10
  const height = top + PLOT + BOTTOM
  const px = (v: number) => LEFT + x.place(v) * (WIDTH - LEFT - RIGHT)
  const py = (v: number) => top + (1 - y.place(v)) * PLOT
  const parts = [
    `<text x="${LEFT}" y="21" font-size="15" font-weight="bold">${escaped(chart.title)}</text>`,
    ...legend.items.map(item => legendItem(chart.series[item.index], item)),
  ]
  for (const tick of x.ticks) {
    const at = fixed(px(tick))
    parts.push(
      `<line x1="${at}" y1="${top}" x2="${at}" y2="${top + PLOT}" stroke="#e4e4e4"/>`,
      `<text x="${at}" y="${top + PLOT + 17}" text-anchor="middle">${tickText(chart.x, tick, x.step)}</text>`,
    )
  }
  for (const tick of y.ticks) {
    const at = fixed(py(tick))
    parts.push(
      `<line x1="${LEFT}" y1="${at}" x2="${WIDTH - RIGHT}" y2="${at}" stroke="#e4e4e4"/>`,
      `<text x="${LEFT - 7}" y="${fixed(py(tick) + 4)}" text-anchor="end">${tickText(chart.y, tick, y.step)}</text>`,
    )
  }
  parts.push(
    `<path d="M${LEFT} ${top}V${top + PLOT}H${WIDTH - RIGHT}" fill="none" stroke="#222222"/>`,
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${height - 14}" text-anchor="middle">${escaped(chart.x.label)}</text>`,
    `<text transform="translate(15 ${top + PLOT / 2}) rotate(-90)" text-anchor="middle">${escaped(chart.y.label)}</text>`,
  )
  for (const [index, series] of chart.series.entries())
    parts.push(...seriesOf(chart, series, index, px, py))
  return { height, parts }
}

function drawable({ x, y }: Chart, [a, b]: readonly [number, number]): boolean {
  return Number.isFinite(a) && Number.isFinite(b) && !(x.log && a <= 0) && !(y.log && b <= 0)
}

function seriesOf(
  chart: Chart,
  series: Series,
  index: number,
  px: (v: number) => number,
  py: (v: number) => number,
): string[] {
  const colour = colourOf(index)
  const draw = series.draw ?? (series.points.length > MOST_MARKS ? "line" : "both")
  const parts: string[] = []
  if (draw !== "marks") {
    let path = ""
    let pen = "M"
    for (const point of series.points) {
      const visible = drawable(chart, point)
      if (visible) path += `${pen}${fixed(px(point[0]))} ${fixed(py(point[1]))}`
      pen = visible ? "L" : "M"
    }
    if (path !== "")
      parts.push(
        `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.8"${dashOf(series, index)}/>`,
      )
  }
  if (draw !== "line")
    for (const point of series.points)
      if (drawable(chart, point))
        parts.push(
          `<circle cx="${fixed(px(point[0]))}" cy="${fixed(py(point[1]))}" r="3" fill="${colour}"/>`,
        )
  return parts
}

interface LegendItem {
  index: number
  x: number
  row: number
}

/** As many names in a row as fit. */
function legendOf(series: Series[]): { rows: number; items: LegendItem[] } {
  const items: LegendItem[] = []
  let x = LEFT
  let row = 0
  for (const [index, { name }] of series.entries()) {
    const width = 34 + name.length * CHARACTER
    if (x > LEFT && x + width > WIDTH - RIGHT) {
      x = LEFT
      row++
    }
    items.push({ index, x, row })
    x += width + 10
  }
  return { rows: series.length > 0 ? row + 1 : 0, items }
}

function legendItem(series: Series, { index, x, row }: LegendItem): string {
  const y = TITLE + row * LEGEND_ROW + 8
  const colour = colourOf(index)
  const sample =
    series.draw === "marks"
      ? `<circle cx="${fixed(x + 12)}" cy="${y}" r="3" fill="${colour}"/>`
      : `<path d="M${fixed(x)} ${y}h24" stroke="${colour}" stroke-width="1.8"${dashOf(series, index)}/>`
  return `${sample}<text x="${fixed(x + 29)}" y="${y + 4}">${escaped(series.name)}</text>`
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length]
}

/** Colours come round again; then the dashes differ. */
function dashOf(series: Series, index: number): string {
  const dash = series.dashed ? DASHES[1] : DASHES[Math.floor(index / COLOURS.length) % 4]
  return dash === "" ? "" : ` stroke-dasharray="${dash}"`
}

interface Scale {
  /** Where a value is, 0…1 from one end to the other. */
  place(value: number): number
  ticks: number[]
  /** Distance of the ticks; of a logarithmic axis 0. */
  step: number
}

function scaleOf(axis: Axis, values: number[]): Scale {
  let min = axis.min ?? Math.min(...values)
  let max = axis.max ?? Math.max(...values)
  if (!Number.isFinite(min) || !Number.isFinite(max)) [min, max] = axis.log ? [1, 10] : [0, 1]
  if (axis.log) return logScale(min, max)
  if (min === max) [min, max] = [min - 0.5, max + 0.5]
  const step = Math.max(axis.whole ? 1 : 0, niceStep((max - min) / 6))
  // An end that was not asked for goes to the next tick, so that no point is on the frame.
  const from = axis.min ?? Math.floor(min / step + 1e-9) * step
  const to = axis.max ?? Math.ceil(max / step - 1e-9) * step
  const ticks: number[] = []
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i++)
    ticks.push(i * step)
  return { place: v => (v - from) / (to - from), ticks, step }
}

function logScale(min: number, max: number): Scale {
  const [low, high] = min === max ? [min / 2, max * 2] : [min, max]
  const from = Math.log10(low)
  const to = Math.log10(high)
  const within = (v: number) => Math.log10(v) >= from - 1e-9 && Math.log10(v) <= to + 1e-9
  const factors = to - from > 3 ? [1] : [1, 2, 5]
  const ticks: number[] = []
  for (let e = Math.floor(from); e <= Math.ceil(to); e++)
    for (const factor of factors) if (within(factor * 10 ** e)) ticks.push(factor * 10 ** e)
  return { place: v => (Math.log10(v) - from) / (to - from), ticks, step: 0 }
}

/** The least of 1, 2, 5 times a power of ten that is not below `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least))
  return power * ([1, 2, 5].find(f => f * power >= least * (1 - 1e-9)) ?? 10)
}

function tickText(axis: Axis, value: number, step: number): string {
  const shown = axis.percent ? value * 100 : value
  const unit = axis.percent ? " %" : ""
  if (step === 0) return `${Number(shown.toPrecision(3))}${unit}`
  const digits = Math.max(0, -Math.floor(Math.log10(axis.percent ? step * 100 : step) + 1e-9))
  // Rounding can leave a minus before nothing.
  return `${shown.toFixed(digits).replace(/^-(0(\.0*)?)$/, "$1")}${unit}`
}

function fixed(v: number): string {
  return String(Number(v.toFixed(1)))
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
}
