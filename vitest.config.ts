import { defineConfig } from "vitest/config"

/**
 * Files to run one at a time: they start virtual boards, which all dial the one port 8082, build
 * the firmware in its folder, or hold what they see against the clock.
 */
const alone = [
  "test/cli/**/*.test.ts",
  "test/demos/**/*.test.ts",
  "test/dashboard/browser.test.ts",
  "test/dashboard/cli.test.ts",
  "test/dashboard/stream.test.ts",
  "test/docs/commands.test.ts",
  "test/e2e/**/*.test.ts",
  "test/faults/**/*.test.ts",
  "test/firmware/**/*.test.ts",
  "test/fleet/**/*.test.ts",
  "test/link/**/*.test.ts",
  "test/native/**/*.test.ts",
  "test/network/boards-run-strict.test.ts",
  "test/packaging/install.test.ts",
  "test/panel/**/*.test.ts",
  "test/partition/heap.test.ts",
  "test/partition/prediction.test.ts",
  "test/profile/**/*.test.ts",
  "test/ring/board.test.ts",
  "test/rules/boards.test.ts",
  "test/training/bench.test.ts",
  "test/training/killed.test.ts",
]

const timeouts = { testTimeout: 60_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "host",
          include: ["test/**/*.test.ts"],
          exclude: alone,
          // All cores: by default one of them is left out.
          maxWorkers: "100%",
          ...timeouts,
        },
      },
      { test: { name: "alone", include: alone, fileParallelism: false, ...timeouts } },
    ],
  },
})
