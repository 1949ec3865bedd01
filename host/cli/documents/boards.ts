/** Documents of the commands about boards and machines. */
import { z } from "zod"
import * as p from "./parts"

const hex4 = (meaning: string) =>
  z
    .string()
    .regex(/^[0-9a-f]{4}$/)
    .describe(meaning)

const port = {
  port: p.text("its path"),
  usb: z
    .strictObject({
      vendorId: hex4("vendor"),
      productId: hex4("product").optional(),
      serialNumber: p.text("serial number").optional(),
      manufacturer: p.text("as USB says").optional(),
    })
    .loose()
    .describe("what USB says, where it says anything")
    .optional(),
  ...identityMembers(),
}

/** What was found behind a port. */
function identityMembers() {
  return {
    kind: z
      .enum(["devicescript", "firmata", "other", "closed", "unasked"])
      .describe(
        "what is behind it; other: neither, closed: it could not be opened, unasked: no board was looked for",
      ),
    profile: p.text("of devicescript: board profile").optional(),
    id: p.text("of devicescript: the board's id, 16 hex digits").optional(),
    description: p.text("of devicescript: the hardware's name").optional(),
    productId: p.count("of devicescript: number in DeviceScript's list of boards").optional(),
    firmwareVersion: p.text("of devicescript: version of the flashed firmware").optional(),
    runtimeVersion: p.text("of devicescript: version of its runtime").optional(),
    programHash: p.hash("of devicescript: of its program").optional(),
    programName: p.text("of devicescript: its program's name").optional(),
    running: p.flag("of devicescript: whether its program runs").optional(),
    autostart: p.flag("of devicescript: whether it starts by itself").optional(),
    name: p.text("of firmata: name of the sketch").optional(),
    version: p.text("of firmata: of the protocol").optional(),
    code: p.text("of closed: error code").optional(),
    why: p.text("of other, closed: what was tried").optional(),
  }
}

export const boards = z.strictObject({
  ports: z.array(z.strictObject(port)).describe("the serial ports"),
  poor: p.text("why the list may lack ports").optional(),
})
export const boardsBehindAgents = z.strictObject({
  agents: z
    .array(
      z.strictObject({
        agent: p.text("its name"),
        description: p.text("of its boards"),
        native: p.flag("whether they run the native program"),
        boards: z
          .array(
            z.strictObject({
              board: p.count("its number among the agent's"),
              announced: p.text("board profile as the agent has it"),
              ...identityMembers(),
            }),
          )
          .describe("what is behind each"),
      }),
    )
    .describe("by name"),
})
export const boardsSeen = z.strictObject({
  event: z.enum(["found", "gone"]).describe("which line"),
  ...port,
})
export const boardsEnd = z.strictObject({
  event: p.event("end"),
  ports: z.array(z.strictObject(port)).describe("the serial ports there at the end"),
})

const deployed = z
  .array(
    z.strictObject({
      port: p.text("its path, or its agent and number"),
      id: p.text("the board's id").optional(),
      profile: p.text("its board profile").optional(),
      result: z.enum(["deployed", "same", "failed"]).describe("same: it held the program already"),
      error: p.errorPart.optional(),
    }),
  )
  .describe("what became of each port")

export const deploy = z.strictObject({
  sha256: p.hash("of the program"),
  bytes: p.count("of the program"),
  boards: deployed,
})

const family = z.enum(["rp2040", "esp32", "esp32s2", "esp32s3", "esp32c3"]).describe("its chip")
const board = p.text("DeviceScript's name of the board")

export const flash = z.strictObject({
  board,
  family,
  flashed: p.count("boards that were flashed"),
  boards: deployed,
})
export const flashPlan = z.strictObject({
  dryRun: z.literal(true).describe("nothing was done"),
  board,
  family,
  plans: z
    .array(
      z.strictObject({
        board: z
          .strictObject({
            id: board,
            family,
            productId: p.count("number in DeviceScript's list of boards"),
          })
          .loose()
          .describe("the board"),
        port: p.text("its port").optional(),
        file: p.text("the firmware's file").optional(),
        hands: p.texts("what to do by hand"),
        args: p.texts("of DeviceScript's tool"),
        needs: p.texts("what must be installed"),
      }),
    )
    .describe("of each board"),
  steps: p.texts("all of it, numbered"),
})

export const bridgeReady = z.strictObject({
  event: p.event("ready"),
  ports: p.texts("paths of the ports"),
})
export const bridge = z.strictObject({
  event: p.event("end"),
  ports: p.texts("paths the ports had"),
})

export const brokerReady = z.strictObject({
  event: p.event("ready"),
  address: p.text("mqtt://HOST:PORT"),
})
export const broker = z.strictObject({
  event: p.event("end"),
  address: p.text("mqtt://HOST:PORT"),
})

const agentName = p.text("the agent's name in its room")
export const agentReady = z.strictObject({
  event: p.event("ready"),
  name: agentName,
  boards: p.count("boards it offers"),
})
export const agentBoard = z.strictObject({
  event: z.enum(["opened", "closed", "refused"]).describe("which line"),
  board: p.count("which of its boards"),
  user: p.text("who opened it"),
  reason: p.text("why it was closed or refused").optional(),
})
export const agentBroker = z.strictObject({
  event: z.enum(["broker-lost", "broker-back"]).describe("which line"),
})
export const agent = z.strictObject({
  event: p.event("end"),
  name: agentName,
  dropped: p.count("messages that could not be delivered"),
})

export const doctor = z.strictObject({
  date: p.text("when, ISO 8601"),
  versions: z.record(z.string(), z.string()).describe("of this tool and what it runs on"),
  machine: z.record(z.string(), z.string()).describe("what is known of the machine"),
  findings: z
    .array(
      z.strictObject({
        check: p.text("what was looked at"),
        verdict: z.enum(["good", "note", "problem"]).describe("how it is"),
        found: p.text("what was found"),
        fix: p.text("what to do").optional(),
      }),
    )
    .describe("all checks"),
  problems: p.count("findings that are problems"),
  run: z
    .strictObject({
      network: p.networkName,
      boards: z.array(p.boardPart).describe("each board's share"),
      learnt: p.count("images learnt"),
      named: p.count("images classified"),
      learntPerSecond: p.positive("images"),
      namedPerSecond: p.positive("images"),
      recoveries: p.recoveries,
      hostMatches: p.flag("whether boards and host ended with the same coefficients"),
      coefficientsHash: p.hash("of the coefficients the boards ended with"),
    })
    .describe("with `--on`: what the boards did")
    .optional(),
  report: p.text("file of the report").optional(),
})

export const build = z.strictObject({
  path: p.text("of the bytecode"),
  bytes: p.count("of it"),
  sha256: p.hash("of it"),
})
