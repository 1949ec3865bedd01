/** Small pictures of pixels, drawn on canvases: images, weights. */
import { useLayoutEffect, useRef } from "preact/hooks"
import { decodeBytes } from "../messages"

interface PictureProps {
  columns: number
  rows: number
  label: string
  class?: string
}

// Painted before the frame in which the words beside it change: a picture and its caption are of one
// sample, however busy the page is.

/** An image of the network's input, light on dark as the network has it. */
export function Digit({ image, ...props }: PictureProps & { image: string | undefined }) {
  const ref = useRef<HTMLCanvasElement>(null)
  useLayoutEffect(() => {
    const { columns, rows } = props
    const bytes = image === undefined ? new Uint8Array(columns * rows) : decodeBytes(image)
    paint(ref.current, columns, rows, i => [bytes[i], bytes[i], bytes[i]])
  }, [image])
  return <Canvas {...props} canvas={ref} />
}

/** Values about zero: blue below, orange above, dark at zero. */
export function Weights({ values, ...props }: PictureProps & { values: number[] }) {
  const ref = useRef<HTMLCanvasElement>(null)
  useLayoutEffect(() => {
    const { columns, rows } = props
    const most = values.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-9)
    paint(ref.current, columns, rows, i => divergent(values[i] / most))
  }, [values])
  return <Canvas {...props} canvas={ref} />
}

/** −1…1 as a colour. */
export function divergent(x: number): [number, number, number] {
  const strength = Math.min(1, Math.abs(x)) ** 0.7
  const [to, from] = [x < 0 ? [64, 156, 255] : [255, 152, 48], [20, 26, 32]]
  return from.map((v, i) => Math.round(v + (to[i] - v) * strength)) as [number, number, number]
}

function Canvas({
  canvas,
  columns,
  rows,
  label,
  class: className,
}: PictureProps & { canvas: { current: HTMLCanvasElement | null } }) {
  return (
    <canvas
      ref={canvas}
      width={columns}
      height={rows}
      role="img"
      aria-label={label}
      class={`picture ${className ?? ""}`}
    />
  )
}

function paint(
  canvas: HTMLCanvasElement | null,
  columns: number,
  rows: number,
  colour: (i: number) => [number, number, number],
): void {
  const context = canvas?.getContext("2d")
  if (!context) return
  const data = context.createImageData(columns, rows)
  for (let i = 0; i < columns * rows; i++) data.data.set([...colour(i), 255], i * 4)
  context.putImageData(data, 0, 0)
}
