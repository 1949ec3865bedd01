import { describe, expect, test } from "vitest"
import { type Chart, renderChart } from "../../../host/base/chart"

const chart = (fields: Partial<Chart> = {}): Chart => ({
  title: "A title",
  x: { label: "x" },
  y: { label: "y" },
  series: [
    {
      name: "one",
      points: [
        [0, 1],
        [1, 2],
        [4, 0.5],
      ],
    },
  ],
  ...fields,
})

/** The tags of an XML text as a tree; throws where they do not fit together. */
function parse(xml: string): { name: string; attributes: Record<string, string>; text: string }[] {
  const elements: { name: string; attributes: Record<string, string>; text: string }[] = []
  const open: (typeof elements)[number][] = []
  let at = 0
  const rest = xml.trim()
  while (at < rest.length) {
    if (rest[at] !== "<") {
      const end = rest.indexOf("<", at)
      const text = rest.slice(at, end < 0 ? undefined : end)
      if (/[>]|&(?!(amp|lt|gt|quot);)/.test(text)) throw new Error(`text ${text}`)
      if (open.length > 0) open[open.length - 1].text += text
      else if (text.trim() !== "") throw new Error(`text outside: ${text}`)
      at = end < 0 ? rest.length : end
      continue
    }
    const tag = /^<(\/?)([a-z]+)((?: [\w:-]+="[^"<]*")*)(\/?)>/i.exec(rest.slice(at))
    if (!tag) throw new Error(`tag at ${rest.slice(at, at + 60)}`)
    const [whole, closing, name, attributes, empty] = tag
    if (closing) {
      if (open.pop()?.name !== name) throw new Error(`</${name}>`)
    } else {
      if (elements.length > 0 && open.length === 0) throw new Error("two roots")
      const element = {
        name,
        attributes: Object.fromEntries(
          [...attributes.matchAll(/ ([\w:-]+)="([^"]*)"/g)].map(m => [m[1], m[2]]),
        ),
        text: "",
      }
      elements.push(element)
      if (!empty) open.push(element)
    }
    at += whole.length
  }
  if (open.length > 0) throw new Error(`<${open[0].name}> is open`)
  return elements
}

const circles = (svg: string) => parse(svg).filter(e => e.name === "circle")
const texts = (svg: string) =>
  parse(svg)
    .filter(e => e.name === "text")
    .map(e => e.text)

describe("a chart is a whole SVG document", () => {
  test("with as many marks as points, in proportion to the data", () => {
    const svg = renderChart(chart({ x: { label: "x", min: 0, max: 4 } }))
    const marks = circles(svg).map(e => [Number(e.attributes.cx), Number(e.attributes.cy)])
    expect(marks.length).toBe(3)
    // x = 1 of 0…4 is a quarter of the way, to a tenth of a pixel.
    expect((marks[1][0] - marks[0][0]) / (marks[2][0] - marks[0][0])).toBeCloseTo(0.25, 2)
    // y grows upwards, and 1 → 2 is twice as far as 1 → 0.5.
    expect((marks[0][1] - marks[1][1]) / (marks[2][1] - marks[0][1])).toBeCloseTo(2, 1)
  })

  test("whatever stands in titles, labels and names", () => {
    const svg = renderChart(
      chart({
        title: 'A & B < C > "D"',
        x: { label: "<x>" },
        series: [{ name: "a<b & c", points: [[1, 1]] }],
      }),
    )
    expect(texts(svg)).toContain("A &amp; B &lt; C &gt; &quot;D&quot;")
    expect(texts(svg)).toContain("a&lt;b &amp; c")
  })

  test("without data, and with one point", () => {
    expect(circles(renderChart(chart({ series: [] }))).length).toBe(0)
    const one = circles(renderChart(chart({ series: [{ name: "a", points: [[3, 3]] }] })))
    expect(one.length).toBe(1)
    expect(Number.isFinite(Number(one[0].attributes.cx))).toBe(true)
  })
})

test("a point that is not finite breaks the line and has no mark", () => {
  const svg = renderChart(
    chart({
      series: [
        {
          name: "a",
          points: [
            [0, 1],
            [1, Number.NaN],
            [2, 1],
            [3, 1],
          ],
        },
      ],
    }),
  )
  expect(circles(svg).length).toBe(3)
  const line = parse(svg).find(e => e.name === "path" && e.attributes["stroke-width"])
  const lines = parse(svg).filter(e => e.name === "path" && e.attributes.stroke === "#0072b2")
  expect(line).toBeDefined()
  expect(lines.some(e => (e.attributes.d.match(/M/g) ?? []).length === 2)).toBe(true)
})

test("a logarithmic axis puts equal factors at equal distances and leaves out what has no place", () => {
  const svg = renderChart(
    chart({
      x: { label: "x", log: true },
      series: [
        {
          name: "a",
          points: [
            [0, 1],
            [0.01, 1],
            [0.1, 2],
            [1, 3],
          ],
        },
      ],
    }),
  )
  const xs = circles(svg).map(e => Number(e.attributes.cx))
  expect(xs.length).toBe(3)
  expect(xs[1] - xs[0]).toBeCloseTo(xs[2] - xs[1], 0)
})

test("ticks are round numbers over the whole axis; shares are percentages; counts are whole", () => {
  const labels = texts(renderChart(chart({ y: { label: "y", min: 0, max: 1, percent: true } })))
  for (const tick of ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"])
    expect(labels).toContain(tick)
  const epochs = renderChart(
    chart({
      x: { label: "epoch", whole: true },
      series: [
        {
          name: "a",
          points: [
            [1, 0],
            [2, 1],
          ],
        },
      ],
    }),
  )
  expect(texts(epochs)).not.toContain("1.2")
  expect(texts(epochs)).toContain("2")
})

test("every name is in the legend, inside the picture", () => {
  const names = Array.from({ length: 9 }, (_, i) => `a rather long name of series ${i}`)
  const svg = renderChart(chart({ series: names.map(name => ({ name, points: [[1, 1]] })) }))
  const legend = parse(svg).filter(e => names.includes(e.text))
  expect(legend.map(e => e.text)).toEqual(names)
  for (const e of legend)
    expect(Number(e.attributes.x) + 6.6 * e.text.length).toBeLessThanOrEqual(640)
})
