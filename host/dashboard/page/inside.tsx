/** The network by layer and board, and one neuron of it. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks"
import type { Hello, InsideView } from "../messages"
import { boardColour } from "./boards"
import { Chart, type Line } from "./chart"
import { say } from "./connection"
import { ELEMENTS, Pentagon } from "./pentagon"
import { Digit, Weights } from "./picture"
import { useTopics } from "./store"

const LINES: Line[] = ELEMENTS.map(({ letter, name, colour }) => ({
  name: `${letter} ${name}`,
  colour,
  points: true,
}))

export function Inside() {
  const { hello, inside } = useTopics("hello", "inside")
  const [layer, setLayer] = useState(1)
  const [neuron, setNeuron] = useState(0)
  const layers = hello?.network.layers ?? []
  const most = (layers[layer - 1]?.neurons ?? 1) - 1
  useEffect(() => {
    if (layers.length > 0) say({ type: "look", layer, neuron: Math.min(neuron, most) })
  }, [layer, neuron, hello])
  if (!hello) return null
  const pick = (layer: number, neuron: number) => {
    setLayer(layer)
    setNeuron(neuron)
  }
  const shown = inside?.layer === layer && inside.neuron === neuron ? inside : undefined
  return (
    <section id="inside" tabIndex={-1} aria-labelledby="inside-title">
      <h2 id="inside-title">Look inside</h2>
      <div class="layers">
        {layers.map((one, i) => (
          <LayerMap
            key={i}
            layer={i + 1}
            {...{ one, pick, onBoards: hello.boards.length > 0 }}
            chosen={layer === i + 1 ? neuron : undefined}
            activity={inside?.layer === i + 1 ? inside.activity : undefined}
          />
        ))}
      </div>
      <div class="choice">
        <label>
          Layer{" "}
          <select
            data-testid="layer"
            value={String(layer)}
            onChange={event => pick(Number(event.currentTarget.value), 0)}
          >
            {layers.map((one, i) => (
              <option key={i} value={String(i + 1)}>
                {i + 1}: {one.neurons} neurons
              </option>
            ))}
          </select>
        </label>
        <label>
          Neuron{" "}
          <input
            type="number"
            data-testid="neuron"
            min="0"
            max={most}
            value={neuron}
            onInput={event => {
              const n = Number(event.currentTarget.value)
              if (Number.isInteger(n) && n >= 0 && n <= most) setNeuron(n)
            }}
          />
        </label>
        <button type="button" data-testid="read" onClick={() => say({ type: "read" })}>
          Read coefficients now
        </button>
      </div>
      {shown ? <Neuron view={shown} hello={hello} /> : <p class="hint">Reading the neuron …</p>}
    </section>
  )
}

function Neuron({ view, hello }: { view: InsideView; hello: Hello }) {
  const [step, setStep] = useState(hello.network.steps)
  const [wanted, setBackward] = useState(false)
  const backward = wanted && view.backward !== undefined
  const { columns, rows, steps } = hello.network
  const layer = hello.network.layers[view.layer - 1]
  const D = useMemo(() => view.forward.map(E => E.map((e, i) => e - view.fixedPoint[i])), [view])
  const L = view.backward ?? []
  const values = (backward ? L : D)[Math.min(step, steps)]
  const of = (series: number[][]) => Math.max(0.02, ...series.flat().map(Math.abs))
  const giving = Array.from(
    { length: layer.outputs },
    (_, i) => layer.outputFirst + i * (layer.outputStep ?? 1),
  )
  return (
    <div class="neuron" data-testid="neuron-view">
      <div class="ring">
        <Pentagon
          {...{ values, backward, giving }}
          most={of(backward ? L : D)}
          inputs={view.inputs}
          reading={view.links.map(({ element }) => element)}
        />
        <p class="key">
          <span class="generates">→ generates</span>
          <span class="inhibits">→ inhibits</span>
        </p>
        <label class="step">
          <span>
            Step <b>{step}</b> of {steps}
          </span>
          <input
            type="range"
            data-testid="settle-step"
            min="0"
            max={steps}
            value={step}
            onInput={event => setStep(Number(event.currentTarget.value))}
          />
        </label>
        <fieldset class="tabs">
          <legend>Signal</legend>
          <label>
            <input
              type="radio"
              name="way"
              checked={!backward}
              onChange={() => setBackward(false)}
            />
            forward
          </label>
          <label>
            <input
              type="radio"
              name="way"
              checked={backward}
              disabled={view.backward === undefined}
              onChange={() => setBackward(true)}
            />
            backward
          </label>
        </fieldset>
      </div>
      <div class="settles">
        <h3>Forward: displacement from the fixed point</h3>
        <Settle
          series={D}
          name="Displacement"
          mark={backward ? undefined : step}
          onPlace={setStep}
        />
        <h3>Backward: the error's signal</h3>
        {view.backward ? (
          <Settle
            series={L}
            name="Backward signal"
            mark={backward ? step : undefined}
            onPlace={setStep}
          />
        ) : (
          <p class="hint nothing">
            {view.label < 0
              ? "What the image shows is not known, so nothing goes backward. Teach it, or let the run go on."
              : "No error reaches this neuron from this image."}
          </p>
        )}
      </div>
      <div class="pictures">
        <figure>
          <Weights
            {...{ columns, rows }}
            values={view.weights}
            label="Weight of each pixel for this neuron"
          />
          <figcaption>
            {view.direct ? "Input weights" : "Input weights, along all paths"}
            <small>
              blue below zero, orange above
              {!view.direct && "; rings taken as linear"}
            </small>
          </figcaption>
        </figure>
        <figure>
          <Digit {...{ columns, rows }} image={view.image} label="The image that is settled here" />
          <figcaption>
            The image
            <small>{view.label < 0 ? "class unknown" : `a ${hello.classes[view.label]}`}</small>
          </figcaption>
        </figure>
        <Histogram view={view} />
      </div>
      <p class="hint source">
        Computed by the core on this computer, step by step, from the coefficients{" "}
        {hello.boards.length > 0 && "read from the boards "}
        after sample {view.readAfter.toLocaleString("en-GB")}
        {hello.boards.length > 0 && ": boards report signals, not elements"}.
      </p>
    </div>
  )
}

function Settle({
  series,
  name,
  mark,
  onPlace,
}: {
  series: number[][]
  name: string
  mark: number | undefined
  onPlace: (step: number) => void
}) {
  const data = useMemo(
    () =>
      [series.map((_, s) => s), ...ELEMENTS.map((_, e) => series.map(v => v[e]))] as [
        number[],
        ...number[][],
      ],
    [series],
  )
  const end = series[series.length - 1]
  return (
    <Chart
      {...{ data, mark, onPlace }}
      lines={LINES}
      height={170}
      x="step"
      format={v => (v !== 0 && Math.abs(v) < 0.01 ? v.toFixed(3) : v.toFixed(2))}
      label={`${name} at the end: ${ELEMENTS.map(({ letter }, e) => `${letter} ${end[e].toFixed(3)}`).join(", ")}`}
    />
  )
}

function Histogram({ view: { histogram, layer } }: { view: InsideView }) {
  const { bins, from, to } = histogram
  const most = Math.max(1, ...bins)
  const width = 240 / bins.length
  return (
    <figure class="histogram">
      <svg
        viewBox="0 0 240 112"
        role="img"
        aria-label={`Coefficients of layer ${layer}, from ${from.toFixed(2)} to ${to.toFixed(2)}`}
      >
        {bins.map((n, i) => (
          <rect
            key={i}
            x={i * width}
            y={98 - (96 * n) / most}
            width={width - 0.8}
            height={(96 * n) / most}
          />
        ))}
        <line x1="0" x2="240" y1="98" y2="98" />
        <text x="0" y="110">
          {from.toFixed(2)}
        </text>
        <text x="120" y="110" text-anchor="middle">
          0
        </text>
        <text x="240" y="110" text-anchor="end">
          {to.toFixed(2)}
        </text>
      </svg>
      <figcaption>Coefficients of layer {layer}</figcaption>
    </figure>
  )
}

/** Pixels of a neuron's cell, with its gap; small layers have room for larger ones. */
const cellOf = (neurons: number) => (neurons <= 40 ? 24 : neurons <= 320 ? 16 : 11)

/** A layer: a cell for each neuron, in its board's colour, the brighter the larger its signals. */
function LayerMap({
  layer,
  one,
  chosen,
  activity,
  onBoards,
  pick,
}: {
  layer: number
  one: Hello["network"]["layers"][number]
  onBoards: boolean
  chosen: number | undefined
  activity: number[] | undefined
  pick: (layer: number, neuron: number) => void
}) {
  const cell = cellOf(one.neurons)
  const canvas = useRef<HTMLCanvasElement>(null)
  const [width, setWidth] = useState(0)
  const columns = Math.max(1, Math.min(one.neurons, Math.floor(width / cell)))
  const rows = Math.ceil(one.neurons / columns)
  useEffect(() => {
    const within = canvas.current?.parentElement
    if (!within) return
    const fit = new ResizeObserver(() => setWidth(within.clientWidth))
    fit.observe(within)
    return () => fit.disconnect()
  }, [])
  useEffect(() => {
    const context = canvas.current?.getContext("2d")
    if (!context || width === 0) return
    const ratio = devicePixelRatio
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    context.clearRect(0, 0, columns * cell, rows * cell)
    const most = Math.max(0.05, ...(activity ?? [0]))
    for (const [first, count, board] of one.owners)
      for (let n = first; n < first + count; n++) {
        context.globalAlpha = activity ? 0.25 + 0.75 * (activity[n] / most) : 0.6
        context.fillStyle = boardColour(board)
        context.fillRect((n % columns) * cell, Math.floor(n / columns) * cell, cell - 2, cell - 2)
      }
    context.globalAlpha = 1
    if (chosen === undefined) return
    context.strokeStyle = getComputedStyle(canvas.current!).color
    context.lineWidth = 2
    context.strokeRect(
      (chosen % columns) * cell - 0.5,
      Math.floor(chosen / columns) * cell - 0.5,
      ...([cell - 1, cell - 1] as const),
    )
  }, [width, columns, activity, chosen, one])
  const boards = onBoards ? Array.from(new Set(one.owners.map(([, , board]) => board))).sort() : []
  return (
    <div class="layer">
      <span>
        <b>layer {layer}</b> {one.neurons} neurons, {one.links.toLocaleString("en-GB")} links
        {onBoards && (boards.length === 1 ? ", on board " : ", on boards ")}
        {boards.map((board, i) => (
          <span key={board}>
            {i > 0 && ", "}
            <i class="dot" style={{ background: boardColour(board) }} /> {board}
          </span>
        ))}
      </span>
      <div>
        {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: a shortcut of the fields below */}
        <canvas
          ref={canvas}
          width={columns * cell * devicePixelRatio}
          height={rows * cell * devicePixelRatio}
          style={{ width: `${columns * cell}px`, height: `${rows * cell}px` }}
          role="presentation"
          onClick={event => {
            const n = Math.floor(event.offsetY / cell) * columns + Math.floor(event.offsetX / cell)
            if (n < one.neurons) pick(layer, n)
          }}
        />
      </div>
    </div>
  )
}
