/** What `wuxing doctor` finds: each check gives one of these, and never fails itself. */

/**
 * - good: as it should be
 * - note: works, but something is missing that some commands want
 * - problem: something will not work
 */
export type Verdict = "good" | "note" | "problem"

export interface Finding {
  /** What was looked at: "Node", "loopback". */
  check: string
  verdict: Verdict
  /** What was found. */
  found: string
  /** What to do about it; always there but for what is good. */
  fix?: string
}

export function good(check: string, found: string): Finding {
  return { check, verdict: "good", found }
}

export function note(check: string, found: string, fix: string): Finding {
  return { check, verdict: "note", found, fix }
}

export function problem(check: string, found: string, fix: string): Finding {
  return { check, verdict: "problem", found, fix }
}
