/** What was learnt: taken back, begun again, saved as a model file, loaded from one. */
import { useEffect, useRef, useState } from "preact/hooks"
import { exchange, say } from "./connection"

/** For how long a press that undoes much waits for the second one, ms. */
const SURE_MS = 4_000

export function Keep({ undoable }: { undoable: number }) {
  const [sure, setSure] = useState(false)
  const [said, setSaid] = useState("")
  const file = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (!sure) return
    const timer = setTimeout(() => setSure(false), SURE_MS)
    return () => clearTimeout(timer)
  }, [sure])
  const load = async (chosen: File | undefined) => {
    if (!chosen) return
    setSaid(`Loading ${chosen.name} …`)
    setSaid(await exchange(chosen))
  }
  const restart = () => {
    if (sure) say({ type: "restart" })
    setSure(!sure)
  }
  return (
    <div class="keep">
      <div>
        <button
          type="button"
          data-testid="undo"
          disabled={undoable === 0}
          title="Also takes back what was learnt after it"
          onClick={() => say({ type: "undo" })}
        >
          Undo the last lesson
        </button>{" "}
        <button type="button" data-testid="restart" class={sure ? "sure" : ""} onClick={restart}>
          {sure ? "Forget all that was learnt?" : "Start again"}
        </button>{" "}
        <button
          type="button"
          data-testid="download"
          onClick={async () => setSaid(await exchange())}
        >
          Save what was learnt
        </button>{" "}
        <button type="button" data-testid="load" onClick={() => file.current?.click()}>
          Load …
        </button>
        <input
          ref={file}
          type="file"
          accept=".wuxing"
          hidden
          data-testid="file"
          onChange={event => {
            void load(event.currentTarget.files?.[0])
            // The same file again is a choice too.
            event.currentTarget.value = ""
          }}
        />
      </div>
      <p class="hint" role="status" data-testid="kept">
        {said}
      </p>
    </div>
  )
}
