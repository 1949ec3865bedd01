/** `wuxing broker` and `wuxing agent` as commands: boards of one run asked by another. */
import { expect, test } from "vitest"
import { documentOf } from "./documents/check"
import { type Ended, type Hand, type RunOptions, wuxing } from "./run-cli"

/** A command that runs until Ctrl-C, once it has said that it is ready. */
async function start(args: string[], options: RunOptions = {}) {
  let hand: Hand | undefined
  let ended: Promise<Ended> | undefined
  const ready = await new Promise<ReturnType<typeof documentOf>>((resolve, reject) => {
    ended = wuxing([...args, "--json"], {
      ...options,
      onStdout: (text, by) => {
        hand = by
        if (text.includes("\n")) resolve(documentOf(text.slice(0, text.indexOf("\n"))))
      },
    })
    ended.catch(reject)
  })
  return {
    ready,
    async stop() {
      hand!.kill("SIGINT")
      const { status, stdout } = await ended!
      return { status, lines: stdout.trim().split("\n").map(documentOf) }
    },
  }
}

test("say each a document a line, by their schemas", async () => {
  const broker = await start(["broker", "--port", "0"])
  const { address } = broker.ready
  expect(broker.ready).toMatchObject({
    event: "ready",
    address: expect.stringMatching(/^mqtt:\/\/127\.0\.0\.1:\d+$/),
  })
  const agent = await start([
    ...["agent", "--broker", `${address}/lab`, "--name", "shelf", "--on", "sim:1"],
  ])
  expect(agent.ready).toMatchObject({ event: "ready", name: "shelf", boards: 1 })
  const asked = ["eval", "--model", "pico-fast", "--limit", "5", "--json"]
  const [there, here] = await Promise.all([
    wuxing([...asked, "--on", `${address}/lab`]),
    wuxing(asked),
  ])
  const [onBoards, onHost] = [there, here].map(({ stdout }) => JSON.parse(stdout))
  expect(onBoards.confusion).toEqual(onHost.confusion)
  expect(onBoards.boards.length).toBe(1)

  const ended = await agent.stop()
  expect(ended.status).toBe(0)
  expect(ended.lines.map(({ event }) => event)).toEqual(["ready", "opened", "closed", "end"])
  expect(await broker.stop()).toEqual({
    status: 0,
    lines: [broker.ready, { ...broker.ready, event: "end" }],
  })
})
