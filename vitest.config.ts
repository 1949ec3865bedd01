import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"
import { boundImports } from "./test/bound-imports.ts"

/*
 * Two commands, by the names of the projects below: `npm test` runs "logic", which is whatever needs no
 * program but Node and takes seconds; `npm run test:system` runs "system" and "isolated".
 */

/** System tests that put other modules in the place of some, or measure the memory of their process. */
const isolated = [
  "test/firmware/native/commands.test.ts",
  "test/host/cli/train/on-timed-board.test.ts",
  "test/host/hardware/machine-boards.test.ts",
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
  "test/host/cli/train/{data-each,on-timed-board,side-by-side}.test.ts",
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
  "test/host/codegen/{meaning,portable}.test.ts",
  "test/host/models/disk-full.test.ts",
  "test/host/models/trained.test.ts",
  "test/host/nir/exported.test.ts",
  "test/host/partition/multilevel.test.ts",
  "test/host/export/**/*.test.ts",
  "test/host/faults/**/*.test.ts",
  "test/firmware/**/*.test.ts",
  "test/packaging/install.test.ts",
  "test/host/codegen/rebuild.test.ts",
  "test/host/bench/engine-bench.test.ts",
  "test/host/bench/share-bench.test.ts",
  "test/host/fleet/{altered,losses,partitions,processes,serial}.test.ts",
  "test/host/library/**/*.test.ts",
  "test/host/hardware/{counted-boards,identify,machine,machine-boards,virtual-boards}.test.ts",
  "test/host/hardware/emulator/**/*.test.ts",
  "test/host/hardware/mqtt/**/*.test.ts",
  "test/host/link/**/*.test.ts",
  "test/host/partition/heap.test.ts",
  "test/host/panel/{garbage,layout,panel,serialport,session}.test.ts",
  "test/host/partition/prediction.test.ts",
  "test/host/profile/**/*.test.ts",
  "test/src/ring/board.test.ts",
  "test/host/training/killed.test.ts",
]

/** Of the system tests, those that take longest: begun first, so that at the end no worker waits for one. */
const longest = [
  "faults/sweep-first.test.ts",
  "faults/sweep-second.test.ts",
  "packaging/install.test.ts",
  "hardware/mqtt/faults.test.ts",
  "demos/class.test.ts",
  "export/devicescript.test.ts",
  "demos/gesture.test.ts",
  "fleet/serial.test.ts",
  "hardware/virtual-boards.test.ts",
  "dashboard/browser.test.ts",
  "cli/demo/demo.test.ts",
  "panel/panel.test.ts",
  "panel/session.test.ts",
  "dashboard/stream.test.ts",
  "fleet/losses.test.ts",
  "fleet/altered.test.ts",
  "hardware/counted-boards.test.ts",
  "demos/memory.test.ts",
  "demos/alone.test.ts",
  "dashboard/signals-browser.test.ts",
  "export/features.test.ts",
  "export/spiking-c.test.ts",
  "firmware/native/fuzz.test.ts",
  "training/killed.test.ts",
  "hardware/mqtt/commands.test.ts",
  "cli/firmware.test.ts",
  "cli/broker.test.ts",
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = longest.findIndex(name => moduleId.endsWith(`/${name}`))
      return at < 0 ? longest.length : at
    }
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b))
  }
}

/** One compiler for the DeviceScript programs of them all. */
const globalSetup = ["test/compiler-setup.ts"]

/** More than most machines have cores: boards, browsers and demonstrations mostly wait. */
const SYSTEM_WORKERS = 5

// The limits end what hangs; they say nothing of how long a test should take, and machines are busy.
const common = {
  testTimeout: 300_000,
  hookTimeout: 300_000,
  // By itself it gives up after a second.
  expect: { poll: { timeout: 120_000 } },
  setupFiles: ["test/setup.ts", "test/setup-cpu.ts"],
}

export default defineConfig({
  test: {
    // What a file compiles to is kept for the next run, and of npm test for the system tests.
    experimental: { fsModuleCache: true },
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        plugins: [boundImports()],
        test: {
          name: "logic",
          include: ["test/**/*.test.ts"],
          exclude: system,
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
        plugins: [boundImports()],
        test: {
          name: "system",
          include: system,
          exclude: isolated,
          maxWorkers: SYSTEM_WORKERS,
          isolate: false,
          sequence: { groupOrder: 1 },
          globalSetup,
          ...common,
        },
      },
      {
        test: {
          name: "isolated",
          include: isolated,
          maxWorkers: SYSTEM_WORKERS,
          sequence: { groupOrder: 1 },
          globalSetup,
          ...common,
        },
      },
    ],
  },
})
