import { defineConfig } from "vitest/config"

/** Files to run one at a time: they hold what they see against the clock, or keep to it themselves. */
const alone = [
  "test/dashboard/stream.test.ts",
  "test/faults/sweep.test.ts",
  "test/link/bench.test.ts",
  "test/native/**/*.test.ts",
  "test/packaging/**/*.test.ts",
  "test/panel/**/*.test.ts",
  "test/training/bench.test.ts",
]

/** Files that start boards, which mostly wait: two at a time, or the boards would be late themselves. */
const boards = [
  "test/cli/**/*.test.ts",
  "test/dashboard/browser.test.ts",
  "test/dashboard/cli.test.ts",
  "test/demos/**/*.test.ts",
  "test/docs/commands.test.ts",
  "test/e2e/**/*.test.ts",
  "test/faults/**/*.test.ts",
  "test/firmware/**/*.test.ts",
  "test/fleet/**/*.test.ts",
  "test/link/**/*.test.ts",
  "test/network/boards-run-strict.test.ts",
  "test/partition/heap.test.ts",
  "test/partition/prediction.test.ts",
  "test/profile/**/*.test.ts",
  "test/ring/board.test.ts",
  "test/rules/boards.test.ts",
  "test/training/killed.test.ts",
]

const common = { testTimeout: 60_000, hookTimeout: 60_000, setupFiles: ["test/setup.ts"] }

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "host",
          include: ["test/**/*.test.ts"],
          exclude: [...alone, ...boards],
          // All cores: by default one of them is left out.
          maxWorkers: "100%",
          sequence: { groupOrder: 0 },
          ...common,
        },
      },
      {
        test: {
          name: "boards",
          include: boards,
          exclude: alone,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          ...common,
        },
      },
      {
        test: {
          name: "alone",
          include: alone,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          ...common,
        },
      },
    ],
  },
})
