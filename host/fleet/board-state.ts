/** What a board of a fleet is doing, for those who show it. */
export type BoardState = "loading" | "running" | "learning" | "fault"
