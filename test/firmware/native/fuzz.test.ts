/**
 * The native program under AddressSanitizer and UndefinedBehaviorSanitizer, on this machine: hostile
 * shards, messages and bytes, WUXING_FUZZ_CASES of them (20,000 unless it is set). A case is a number: a run
 * that fails names it, and `cases.run([number])` has it again.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import "../../../host/base/memory"
import { NATIVE_FOLDER, writeGenerated } from "../../../host/codegen/build-firmware"
import { buildPacket, deviceIdFromHex, JD_FRAME_FLAG_COMMAND } from "../../../host/link/jacdac"
import { encodeFrame } from "../../../host/link/jdusb"
import { Command, Setting, Status } from "../../../src/wire/protocol"
import { compiledC } from "../../compiled-c"
import { randomSeed } from "../../setup"
import { uniform } from "../../src/core/helpers"
import {
  finerSignals,
  hostileMessages,
  hostileShard,
  inMemory,
  isTrusted,
  loading,
  type Message,
  namedShards,
  soundShards,
} from "../hostile"

/** As fuzz.c has it. */
const ARENA = 16 * 1024
/** Cases of one process. */
const BATCH = 2000
const CASES = Number(process.env.WUXING_FUZZ_CASES ?? 20_000)

const compiler = ["gcc", "clang"].find(command => {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
})

/** Kinds of fuzz.c. */
const COMMANDS = 0
const LINE = 1

function commandsCase(messages: Message[]): Buffer {
  const head = Buffer.alloc(5)
  head[0] = COMMANDS
  head.writeUInt32LE(messages.length, 1)
  return Buffer.concat([
    head,
    ...messages.flatMap(({ command, payload }) => {
      const of = Buffer.alloc(4)
      of.writeUInt16LE(command)
      of.writeUInt16LE(payload.length, 2)
      return [of, payload]
    }),
  ])
}

function lineCase(stream: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head[0] = LINE
  head.writeUInt32LE(stream.length, 1)
  return Buffer.concat([head, stream])
}

/** The board's own id, and the one under which it serves (firmware/native/jacdac.c). */
const IDS = ["07".repeat(8), "ff541c72a04e25dc"].map(deviceIdFromHex)

/** Frames to either device, some of them damaged after they were made, and bytes that are none. */
function hostileStream(number: number): Buffer {
  const next = uniform(number ^ 0x11fe)
  const below = (n: number) => Math.floor(next() * n)
  const messages = hostileMessages(number)
  return Buffer.concat(
    messages.flatMap(({ command, payload }) => {
      const flags = below(8) === 0 ? below(256) : JD_FRAME_FLAG_COMMAND | (below(2) << 1)
      const service = below(4) === 0 ? below(256) : 1
      const packet = buildPacket(IDS[below(2)], flags, service, command & 0xffff, payload)
      const frame = Buffer.from(encodeFrame(packet))
      if (below(3) === 0)
        for (let i = below(4); i >= 0; i--) frame[below(frame.length)] = below(256)
      if (below(20) === 0) return [frame.subarray(0, below(frame.length))]
      if (below(20) === 0) return [frame, Buffer.from([0xfe, below(256), below(256)])]
      return [frame]
    }),
  )
}

describe.skipIf(compiler === undefined)(
  "the native program under sanitizers (gcc or clang)",
  () => {
    const folder = mkdtempSync(join(tmpdir(), "wuxing-fuzz-"))
    let binary: string
    afterAll(() => rmSync(folder, { recursive: true, force: true }))
    beforeAll(() => {
      writeGenerated(folder)
      const sources = ["service.c", "samples.c", "checkpoint.c", "crc.c"].map(name =>
        join(NATIVE_FOLDER, name),
      )
      // -fwrapv: where sums of a shard's numbers wrap, they are wrong, and stay numbers.
      const flags =
        "-std=gnu11 -O1 -g -fwrapv -fsanitize=address,undefined -fno-sanitize-recover=all".split(
          " ",
        )
      const harness = new URL("./fuzz.c", import.meta.url).pathname
      const all = [harness, join(folder, "wuxing-core.c"), ...sources]
      binary = compiledC(compiler!, flags, all, [folder, NATIVE_FOLDER])
    })

    /** Runs cases and returns the status of each one's first Commit; throws with what a sanitizer said. */
    function run(cases: Buffer[], names: (index: number) => string): (number | undefined)[] {
      const { status, stdout, stderr } = spawnSync(binary, {
        input: Buffer.concat(cases),
        encoding: "utf8",
        maxBuffer: 1 << 26,
        timeout: 300_000,
      })
      if (status !== 0) {
        const at = /^case (\d+)$/m.exec(stderr)?.[1]
        const what = at === undefined ? "an unknown case" : names(Number(at))
        throw new Error(`${what}: ${stderr.slice(0, 3000)}`)
      }
      const statuses: (number | undefined)[] = cases.map(() => undefined)
      for (const [, index, said] of stdout.matchAll(/^(\d+) (\d+)$/gm))
        statuses[Number(index)] ??= Number(said)
      return statuses
    }

    const shardCase = (shard: Buffer, number: number) =>
      commandsCase([...loading(shard), ...hostileMessages(number), ...hostileMessages(number + 1)])

    it("takes what is sound", () => {
      const statuses = run(
        soundShards.map(([, shard], i) => shardCase(shard, i)),
        i => soundShards[i][0],
      )
      expect(statuses.map(status => Status[status!])).toEqual(soundShards.map(() => "Ok"))
    })

    it("refuses each shard that was found to lead it astray", () => {
      const statuses = run(
        namedShards.map(([, shard], i) => shardCase(shard, i)),
        i => namedShards[i][0],
      )
      const taken = namedShards.filter((_, i) => statuses[i] !== Status.BadShard)
      expect(taken.map(([name]) => name)).toEqual([])
    })

    it("learns at no rate past its bounds, whatever number of 32 bits a message asks for", () => {
      const asked = [0x7fffffff, 0x7ffffffc, 0x80000000, 0xffffffff, 17, 13]
      const cases = asked.map(value => {
        const payload = Buffer.alloc(7)
        payload[2] = Setting.LearnShift
        payload.writeUInt32LE(value, 3)
        // Some of these learn.
        const messages = [
          { command: Command.Set, payload },
          ...hostileMessages(78_014_373),
          ...hostileMessages(78_014_374),
        ]
        return commandsCase([...loading(finerSignals()), ...messages])
      })
      const statuses = run(cases, i => `rate ${asked[i]}`)
      expect(statuses.map(status => Status[status!])).toEqual(asked.map(() => "Ok"))
    })

    it(
      `stays in its memory whatever comes, and trusts no shard that JavaScript does not, in ${CASES} cases`,
      () => {
        const seed = randomSeed()
        let number = seed * 1_000_003
        let trusted = 0
        let refused = 0
        for (let done = 0; done < CASES; done += BATCH) {
          const from = number
          const shards = Array.from({ length: BATCH }, (_, i) => hostileShard(from + i))
          const cases = shards.flatMap((shard, i) => [
            shardCase(shard, from + i),
            lineCase(hostileStream(from + i)),
          ])
          const statuses = run(cases, i => `case ${from + (i >> 1)} (${i & 1 ? "line" : "shard"})`)
          for (const [i, shard] of shards.entries()) {
            if (statuses[2 * i] === Status.Ok) {
              trusted++
              if (!isTrusted(inMemory(shard, ARENA)))
                throw new Error(`case ${from + i} is trusted by the native program alone`)
            } else refused++
          }
          number += BATCH
        }
        // A good part gets as far as being run: else this would test the checks alone.
        expect(trusted).toBeGreaterThan(refused / 20)
      },
      180_000 + 20 * CASES,
    )
  },
)
