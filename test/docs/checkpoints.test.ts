import { expect, it } from "vitest"
import { pageOf, readPage } from "../host/faults/page"

it("the page on faults says what the profiles and the last runs give", () => {
  const page = readPage()
  // If not: npx tsx test/host/faults/page.ts
  expect(pageOf(page)).toBe(page)
})
