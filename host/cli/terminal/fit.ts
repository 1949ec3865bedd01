/** What is printed fits the terminal: a bar gets the room that is left, a table loses its least columns. */

const LEAST_BAR = 10
const MOST_BAR = 40

/**
 * Control characters of names, files and boards' logs must not reach a terminal: they move its cursor,
 * change its title or hide text. Line breaks and tabs stay.
 */
export function withoutControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, "")
}

/**
 * "training [====   ] 70/100  12/s": a bar as wide as there is room for, and of the figures as many as
 * leave it some, the first ones first.
 *
 * @param columns of the terminal
 * @param named what it is of
 * @param share 0…1
 */
export function barLine(columns: number, named: string, share: number, figures: string[]): string {
  const title = withoutControls(named)
  const shown = figures.map(withoutControls)
  // The last column is left free: a terminal may wrap after it.
  const room = () => columns - 1 - title.length - 4 - shown.join("  ").length
  while (shown.length > 1 && room() < LEAST_BAR) shown.pop()
  const width = Math.min(MOST_BAR, room())
  const text = shown.join("  ")
  if (width < 1) return `${title} ${text}`.slice(0, columns - 1)
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width)
  return `${title} [${"=".repeat(filled)}${" ".repeat(width - filled)}] ${text}`
}

/**
 * Which columns of a table fit, in their order.
 *
 * @param widths of each column, its frame to the left included
 * @param importance the columns, most important first; the others follow from left to right
 */
export function columnsThatFit(
  widths: number[],
  columns: number,
  importance: readonly number[] = [],
): number[] {
  const all = [...widths.keys()]
  const ranked = [...importance, ...all.filter(i => !importance.includes(i))]
  let room = columns - 1
  const kept: number[] = []
  for (const i of ranked) {
    room -= widths[i]
    // The most important one stays, however wide.
    if (room < 0 && kept.length > 0) break
    kept.push(i)
  }
  return kept.sort((a, b) => a - b)
}
