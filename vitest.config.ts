import { defineConfig } from "vitest/config"

/*
 * Two commands, by the names of the projects below: `npm test` runs "logic", which is whatever needs no
 * program but Node and takes seconds; `npm run test:system` runs "system" and "alone".
 */

/** Files to run one at a time: they hold what they see against the clock, or keep to it themselves. */
const alone = [
  // All but a minute of random bytes.
  "test/firmware/native/!(fuzz).test.ts",
  "test/host/codegen/rebuild.test.ts",
  "test/packaging/install.test.ts",
  "test/host/panel/**/*.test.ts",
  "test/host/bench/engine-bench.test.ts",
]

/** Files that start boards or other programs, or measure what the pages state. */
const system = [
  "test/host/cli/bridge.test.ts",
  "test/host/cli/broker.test.ts",
  "test/host/cli/dashboard.test.ts",
  "test/host/cli/demo/**/*.test.ts",
  "test/host/cli/doctor.test.ts",
  "test/host/cli/firmware.test.ts",
  "test/host/cli/flash.test.ts",
  "test/host/cli/on-boards.test.ts",
  "test/host/cli/own-data.test.ts",
  "test/host/cli/boards.test.ts",
  "test/host/cli/completion.test.ts",
  "test/host/cli/record.test.ts",
  "test/host/cli/watch.test.ts",
  "test/host/cli/process.test.ts",
  "test/host/cli/terminal-gone.test.ts",
  "test/host/cli/train/on-timed-board.test.ts",
  "test/host/dashboard/add-class.test.ts",
  "test/host/dashboard/browser.test.ts",
  "test/host/dashboard/many-boards.test.ts",
  "test/host/dashboard/page.test.ts",
  "test/host/dashboard/signals-browser.test.ts",
  "test/host/dashboard/stream.test.ts",
  "test/host/demos/**/*.test.ts",
  "test/docs/commands.test.ts",
  "test/docs/figures.test.ts",
  "test/docs/page-commands.test.ts",
  "test/host/codegen/portable.test.ts",
  "test/host/models/disk-full.test.ts",
  "test/host/models/trained.test.ts",
  "test/host/nir/exported.test.ts",
  "test/host/partition/multilevel.test.ts",
  "test/host/export/**/*.test.ts",
  "test/host/faults/**/*.test.ts",
  "test/firmware/**/*.test.ts",
  "test/host/bench/share-bench.test.ts",
  "test/host/fleet/{altered,losses,partitions,processes,serial}.test.ts",
  "test/host/library/**/*.test.ts",
  "test/host/hardware/{counted-boards,identify,machine,virtual-boards}.test.ts",
  "test/host/hardware/mqtt/**/*.test.ts",
  "test/host/link/**/*.test.ts",
  "test/host/partition/heap.test.ts",
  "test/host/partition/prediction.test.ts",
  "test/host/profile/**/*.test.ts",
  "test/src/ring/board.test.ts",
  "test/host/training/killed.test.ts",
]

// The limits end what hangs; they say nothing of how long a test should take, and machines are busy.
const common = {
  testTimeout: 300_000,
  hookTimeout: 300_000,
  // By itself it gives up after a second.
  expect: { poll: { timeout: 120_000 } },
  setupFiles: ["test/setup.ts"],
}

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "logic",
          include: ["test/**/*.test.ts"],
          exclude: [...alone, ...system],
          // All cores: by default one of them is left out.
          maxWorkers: "100%",
          // Files one after the other in the same processes: to load the sources anew for each took
          // 0.7 s of a core. What a file changes outside itself it puts back.
          isolate: false,
          sequence: { groupOrder: 0 },
          ...common,
        },
      },
      {
        test: {
          name: "system",
          include: system,
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
