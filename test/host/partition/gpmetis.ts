/** METIS's gpmetis (Debian package `metis`), the yardstick of our own cuts, and how both compare. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Network } from "../../../host/network/network"
import { model1 } from "../../../host/network/presets"
import { cutOf, hypergraph, signalNets } from "../../../host/partition/hypergraph"
import { cutHypergraph } from "../../../host/partition/multilevel"

export function hasGpmetis(): boolean {
  return spawnSync("gpmetis", ["-help"]).error === undefined
}

/**
 * Cuts the neurons behind the input, all of weight 1, into equal parts within 5 %: the part of each,
 * by edge cut and by communication volume.
 */
export function gpmetis(network: Network, parts: number): { cut: number; vol: number } {
  const edges = new Map<string, number>()
  const size = network.layers.reduce((sum, l) => sum + l.neurons, 0)
  const nets = signalNets(network)
  for (const { pins } of nets)
    for (const reader of pins.slice(1)) {
      const key = `${pins[0]} ${reader}`
      edges.set(key, (edges.get(key) ?? 0) + 1)
    }
  const near: string[][] = Array.from({ length: size }, () => [])
  for (const [key, weight] of edges) {
    const [a, b] = key.split(" ").map(Number)
    near[a].push(`${b + 1} ${weight}`)
    near[b].push(`${a + 1} ${weight}`)
  }
  const graph = hypergraph([new Float64Array(size).fill(1)], nets)
  const folder = mkdtempSync(join(tmpdir(), "wuxing-metis-"))
  try {
    const file = join(folder, "graph")
    writeFileSync(file, `${size} ${edges.size} 001\n${near.map(n => n.join(" ")).join("\n")}\n`)
    const run = (objective: string) => {
      const options = [`-objtype=${objective}`, "-ufactor=50", "-ncuts=20"]
      const { status, stderr, stdout } = spawnSync("gpmetis", [...options, file, String(parts)])
      if (status !== 0) throw new Error(`gpmetis: ${stderr}${stdout}`)
      const answer = readFileSync(`${file}.part.${parts}`, "utf8").trim().split("\n")
      return cutOf(graph, Int32Array.from(answer, Number))
    }
    return { cut: run("cut"), vol: run("vol") }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export interface Comparison {
  seed: number
  parts: number
  /** Pairs of a hidden signal and another part that needs it. */
  ours: number
  cut: number
  vol: number
  /** Neurons of the largest part by ours. */
  largest: number
  /** Processor time of ours, s. */
  seconds: number
}

/** MODEL1 of a seed in equal parts within 5 %, by ours and by gpmetis's two objectives. */
export function compare(seed: number, parts: number): Comparison {
  const network = model1(seed)
  const size = network.layers.reduce((sum, l) => sum + l.neurons, 0)
  const graph = hypergraph([new Float64Array(size).fill(1)], signalNets(network))
  const caps = [new Float64Array(parts).fill(Math.floor((1.05 * size) / parts))]
  const start = process.cpuUsage()
  const found = cutHypergraph(graph, caps)
  const seconds = process.cpuUsage(start).user / 1e6
  const loads = new Array(parts).fill(0)
  for (const part of found.parts) loads[part]++
  return {
    ...{ seed, parts, seconds, largest: Math.max(...loads) },
    ...{ ours: cutOf(graph, found.parts), ...gpmetis(network, parts) },
  }
}
