/**
 * The network of the demo "alone" as its program carries it: the memory image of one shard with the
 * trained coefficients, in the board's program flash, since its settings have no room for links.
 * `npm run firmware:alone` writes it anew into firmware/demos/alone/shard.ts.
 */
import "../base/memory"
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Header } from "../../src/core/layout"
import { trainedModel } from "../models/trained"
import { exchangeCoefficients } from "../network/exchange"
import { HostNetwork } from "../network/host-network"

export const ALONE_PRESET = "pico-alone"
export const SHARD_FILE = fileURLToPath(
  new URL("../../firmware/demos/alone/shard.ts", import.meta.url),
)

/** The network as shipped, ready to name and learn on the host. */
export function aloneNetwork(): HostNetwork {
  const { network, coefficients } = trainedModel(ALONE_PRESET)
  const host = new HostNetwork(network)
  exchangeCoefficients(host.memory, network, coefficients, true)
  return host
}

/** What stands in `SHARD_FILE`. */
export function shardSource(): string {
  const { memory } = aloneNetwork()
  const image = memory.subarray(0, memory.getAt(Header.Image, "i32"))
  return `/** The trained network ${ALONE_PRESET}; written by \`npm run firmware:alone\`. */
// biome-ignore format: bytes
export const shard = hex\`${image.toString("hex")}\`
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(SHARD_FILE, shardSource())
