/** How a class gets its name. */
import { useState } from "preact/hooks"

/** A field for the name of a class that there is not yet. */
export function NewName({
  label,
  id,
  name: take,
}: {
  label: string
  id: string
  name: (name: string) => void
}) {
  const [name, setName] = useState("")
  return (
    <form
      class="new-name"
      onSubmit={event => {
        event.preventDefault()
        if (name !== "") take(name)
        setName("")
      }}
    >
      <input
        type="text"
        aria-label="Name of a new class"
        placeholder="a new class"
        maxLength={200}
        value={name}
        data-testid={`${id}-name`}
        onInput={event => setName(event.currentTarget.value)}
      />{" "}
      <button type="submit" data-testid={`${id}-new`} disabled={name === ""}>
        {label}
      </button>
    </form>
  )
}
