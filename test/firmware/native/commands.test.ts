/** The cases of the DeviceScript program's service, each of them, on emulated Picos. */
import { vi } from "vitest"

vi.mock("../bench", async original => {
  const bench = await original<typeof import("../bench")>()
  const { startNativeBenches } = await import("./benches")
  return {
    ...bench,
    native: true,
    startBenches: (count: number) => startNativeBenches(bench, count),
  }
})
vi.mock("../../../firmware/arena", () => ({ ARENA_BYTES: 240 * 1024 }))

const { useBoards } = await import("../service")
useBoards(2)
await import("../commands.test")
await import("../samples.test")
await import("../layers.test")
await import("../picked.test")
await import("../frames.test")
