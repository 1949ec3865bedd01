/** A link to a part of the page that leaves the address, with the token in it, as it is. */
export function goTo(id: string) {
  return (event: Event) => {
    event.preventDefault()
    const part = document.getElementById(id)
    part?.scrollIntoView()
    part?.focus({ preventScroll: true })
  }
}
