/** The check-list before a release: each point is found where it is not met. */
import { expect, test } from "vitest"
import { check } from "../../packaging/release"

const good = {
  manifest: { version: "1.2.3" },
  lock: { version: "1.2.3", packages: { "": { version: "1.2.3" } } },
  changelog: "# Changelog\n\n## [1.2.3] - 2026-01-31\n\n## [1.2.2] - 2026-01-01\n",
  changed: "",
  subjects: ["short", "x".repeat(72)],
  tags: ["v1.2.2"],
  packed: 3_000_000,
}
const faults = (wrong: object) =>
  check({ ...good, ...wrong }).flatMap(({ what, fault }) => (fault === undefined ? [] : [what]))

test("nothing is said of what is ready", () => {
  expect(faults({})).toEqual([])
  expect(check(good)).toHaveLength(6)
})

test.each([
  [{ changed: " M README.md" }, "uncommitted"],
  [{ lock: { version: "1.2.3", packages: { "": { version: "1.2.2" } } } }, "package-lock"],
  [{ lock: { version: "1.2.2", packages: { "": { version: "1.2.3" } } } }, "package-lock"],
  [{ changelog: "## [Unreleased]\n\n## [1.2.3] - 2026-01-31\n" }, "CHANGELOG"],
  [{ changelog: "## [1.2.3]\n" }, "CHANGELOG"],
  [{ tags: ["v1.2.3"] }, "tag"],
  [{ subjects: ["x".repeat(73)] }, "72"],
  [{ packed: 3_000_001 }, "bytes"],
])("%o is found", (wrong, what) => {
  const found = faults(wrong)
  expect(found).toHaveLength(1)
  expect(found[0]).toContain(what)
})
