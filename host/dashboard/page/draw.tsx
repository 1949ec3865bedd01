/** A person draws a digit; the boards say what it is, and learn it when told. */
import { useEffect, useRef, useState } from "preact/hooks"
import { scaleTo } from "../../data/scale"
import { encodeBytes } from "../messages"
import { say } from "./connection"
import { NewName } from "./new-name"
import { Digit } from "./picture"
import { learntSoFar, useTopics, useTopicsEvery } from "./store"

/** Pixels of the canvas each way, and how thick the pen is: about as MNIST's, once scaled. */
const SIDE = 280
const PEN = 24
/** How far an arrow key moves the pen. */
const STRIDE = 10
/** After the pen is lifted, so that a digit of several strokes is asked once. */
const LIFTED_MS = 120

/** How often it is looked whether an answer is old, ms. */
const STALE_MS = 240

let asked = 0

export function Draw() {
  const { hello, answer, refusal } = useTopics("answer", "hello")
  const canvas = useRef<HTMLCanvasElement>(null)
  const [image, setImage] = useState<string>()
  const [taughtAs, setTaughtAs] = useState<number>()
  const [pen, setPen] = useState<{ x: number; y: number; down: boolean }>()
  const soon = useRef(0)
  const drawing = useRef<{ x: number; y: number }>(undefined)
  const { columns = 28, rows = 28 } = hello?.network ?? {}
  const classes = hello?.classes ?? []

  const context = () => canvas.current?.getContext("2d", { willReadFrequently: true })
  const stroke = (from: { x: number; y: number }, to: { x: number; y: number }) => {
    const pen = context()
    if (!pen) return
    Object.assign(pen, { lineWidth: PEN, lineCap: "round", lineJoin: "round" })
    pen.beginPath()
    pen.moveTo(from.x, from.y)
    // A dot is a line of no length, which browsers leave out.
    pen.lineTo(to.x + (from.x === to.x && from.y === to.y ? 0.1 : 0), to.y)
    pen.stroke()
  }
  /** What is drawn now, as the network gets it; undefined if nothing is. */
  const picture = () => {
    clearTimeout(soon.current)
    const drawn = context()?.getImageData(0, 0, SIDE, SIDE)
    if (!drawn) return undefined
    const pixels = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => drawn.data[i * 4 + 3])
    const scaled = scaleTo({ width: SIDE, height: SIDE, pixels }, columns, rows, "mass")
    if (!scaled.pixels.some(pixel => pixel > 0)) return undefined
    const image = encodeBytes(scaled.pixels)
    setImage(image)
    return image
  }
  const ask = () => {
    clearTimeout(soon.current)
    soon.current = window.setTimeout(() => {
      const image = picture()
      if (image === undefined) return
      setTaughtAs(undefined)
      say({ type: "name", id: ++asked, image })
    }, LIFTED_MS)
  }
  const clear = () => {
    context()?.clearRect(0, 0, SIDE, SIDE)
    clearTimeout(soon.current)
    setImage(undefined)
    setTaughtAs(undefined)
    setPen(undefined)
  }
  const again = () => {
    if (image !== undefined) say({ type: "name", id: ++asked, image })
    setTaughtAs(undefined)
  }
  const teach = (label: number) => {
    // What was drawn since the last question too: one that still waits would hide this lesson's answer.
    const image = picture()
    if (image === undefined) return
    setTaughtAs(label)
    say({ type: "teach", id: ++asked, image, label })
  }
  const at = (event: PointerEvent) => {
    const box = canvas.current?.getBoundingClientRect()
    if (!box) return { x: 0, y: 0 }
    return {
      x: ((event.clientX - box.left) / box.width) * SIDE,
      y: ((event.clientY - box.top) / box.height) * SIDE,
    }
  }
  const key = (event: KeyboardEvent) => {
    const moves: Record<string, [number, number]> = {
      ...{ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] },
    }
    const from = pen ?? { x: SIDE / 2, y: SIDE / 4, down: false }
    if (event.key in moves) {
      const within = (v: number) => Math.max(0, Math.min(SIDE, v))
      const [dx, dy] = moves[event.key]
      const to = { ...from, x: within(from.x + dx * STRIDE), y: within(from.y + dy * STRIDE) }
      if (from.down) {
        stroke(from, to)
        ask()
      }
      setPen(to)
    } else if (event.key === " ") {
      setPen({ ...from, down: !from.down })
      if (!from.down) {
        stroke(from, from)
        ask()
      }
    } else if (event.key === "Escape" || event.key === "Delete") clear()
    else if (/^\d$/.test(event.key) && Number(event.key) < classes.length) teach(Number(event.key))
    else return
    event.preventDefault()
  }
  useEffect(() => () => clearTimeout(soon.current), [])

  const current = image !== undefined && answer?.id === asked ? answer : undefined
  return (
    <section id="draw" tabIndex={-1} aria-labelledby="draw-title">
      <h2 id="draw-title">Draw</h2>
      <p class="hint" id="draw-hint">
        Draw a digit. With the keyboard: arrows move the pen, space puts it down and lifts it, a
        digit teaches, Escape clears.
      </p>
      <div class="drawing">
        <div class="paper">
          {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: keys go to the drawing */}
          <canvas
            ref={canvas}
            width={SIDE}
            height={SIDE}
            tabIndex={0}
            role="application"
            aria-label="Canvas to draw a digit on"
            aria-describedby="draw-hint"
            data-testid="canvas"
            onPointerDown={event => {
              canvas.current?.setPointerCapture(event.pointerId)
              setPen(undefined)
              drawing.current = at(event)
              stroke(drawing.current, drawing.current)
            }}
            onPointerMove={event => {
              if (!drawing.current) return
              for (const one of [...(event.getCoalescedEvents?.() ?? []), event]) {
                const to = at(one)
                stroke(drawing.current, to)
                drawing.current = to
              }
            }}
            onPointerUp={() => {
              drawing.current = undefined
              ask()
            }}
            onPointerCancel={() => {
              drawing.current = undefined
            }}
            onKeyDown={key}
          />
          {pen && (
            <span
              class={`pen ${pen.down ? "down" : ""}`}
              style={{ left: `${(100 * pen.x) / SIDE}%`, top: `${(100 * pen.y) / SIDE}%` }}
            />
          )}
          <button type="button" class="clear" data-testid="clear" onClick={clear}>
            Clear
          </button>
        </div>
        <div class="said">
          <div class="verdict" aria-live="polite">
            <Digit
              {...{ image, columns, rows }}
              label="The drawing as the network gets it: centred and scaled"
            />
            {current ? (
              <p data-testid="verdict">
                <strong data-testid="digit">{classes[current.digit]}</strong>
                <span>
                  {(100 * current.confidence).toFixed(0)} % sure
                  {current.taught !== undefined &&
                    `, after learning it as ${classes[current.taught]}`}
                </span>
                <Stale again={again} />
              </p>
            ) : (
              <p class="hint">
                {refusal ?? (image === undefined ? "Nothing drawn yet." : "Asking …")}
              </p>
            )}
          </div>
          <Bars outputs={current?.outputs} digit={current?.digit} classes={classes} />
        </div>
      </div>
      <fieldset class="teach">
        <legend>Teach as</legend>
        {classes.map((name, label) => (
          <button
            key={name}
            type="button"
            data-testid={`teach-${label}`}
            disabled={image === undefined}
            aria-pressed={taughtAs === label}
            onClick={() => teach(label)}
          >
            {name}
          </button>
        ))}
      </fieldset>
      {hello?.addsClasses && (
        <NewName
          label="Add a class"
          id="add-class"
          name={name => say({ type: "add-class", name })}
        />
      )}
      <p class="hint" role="status" data-testid="refused">
        {current && refusal}
      </p>
    </section>
  )
}

/** Says that the network has learnt since it answered: the answer is of what it was then. */
function Stale({ again }: { again: () => void }) {
  const { answeredAt } = useTopicsEvery(STALE_MS, "tally", "control", "answer")
  const since = learntSoFar() - answeredAt
  if (since === 0) return null
  // Less than it was: a lesson was taken back, or it was begun again.
  const what =
    since > 0 ? `${since.toLocaleString("en-GB")} samples learnt since.` : "Of an earlier state."
  return (
    <span class="aged" data-testid="stale">
      {what}{" "}
      <button type="button" data-testid="again" onClick={again}>
        Ask again
      </button>
    </span>
  )
}

/** The outputs: displacements of the output elements, in units of 1. */
function Bars({
  outputs,
  digit,
  classes,
}: {
  outputs: number[] | undefined
  digit: number | undefined
  classes: string[]
}) {
  const values = outputs ?? classes.map(() => 0)
  const least = Math.min(-0.05, ...values)
  const most = Math.max(0.05, ...values)
  const part = (v: number) => `${(100 * v) / (most - least)}%`
  return (
    <ol class="bars" data-testid="bars" aria-label="Outputs">
      {values.map((v, i) => (
        <li key={classes[i]} class={i === digit ? "best" : ""}>
          <span>{classes[i]}</span>
          <div>
            <i style={{ left: part(Math.min(0, v) - least), width: part(Math.abs(v)) }} />
            <u style={{ left: part(-least) }} />
          </div>
          <output>{outputs ? v.toFixed(3) : "–"}</output>
        </li>
      ))}
    </ol>
  )
}
