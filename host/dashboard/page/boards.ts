/** Each board its colour, light enough and dark enough for either scheme. */
const COLOURS = [
  ...["#0a9396", "#d97706", "#7c5cd6", "#c2410c", "#2f7ed8", "#65952a", "#c23d80", "#6b7280"],
]

export function boardColour(board: number): string {
  return COLOURS[board % COLOURS.length]
}
