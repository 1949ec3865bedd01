/** Numbers as people read them. */

/** 0.7142 as "71.4 %". */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

/** 12345.6 as "12,345.6". */
export function grouped(value: number): string {
  return value.toLocaleString("en-GB")
}

/** Rounded to so many digits behind the point, as a number. */
export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

/** "1 epoch", "2 epochs", "2,000 images"; "1 class", "2 classes". */
export function counted(count: number, thing: string): string {
  const plural = thing.endsWith("s") ? "es" : "s"
  return `${grouped(count)} ${thing}${count === 1 ? "" : plural}`
}
