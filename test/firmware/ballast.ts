/** Programs with less heap left than the product's, for what cannot be asked of a board. */
import { buildVariant } from "./variant"

/** A literal of two bytes, as the program has it. */
export const LEAST_BALLAST = 256

/** Sizes the program is compiled with, which stand for those of a run: two-byte literals found nowhere else. */
const ANY_SHARD = 40_923
const ANY_BALLAST = 50_929

/**
 * The program with a further Buffer on its heap, both sizes put into the compiled one: to compile it takes
 * longer than a run.
 *
 * @param shardBytes what it sets aside for a shard and its reports
 * @param ballast of that further Buffer; 256 to 65,535, both
 */
export async function programWith(shardBytes: number, ballast: number): Promise<Uint8Array> {
  const compiled = await buildVariant(
    "arena.ts",
    /export const ARENA_BYTES = .*\nexport const arena = .*/,
    `export const ARENA_BYTES = ${ANY_SHARD}
export const arena = Buffer.alloc(ARENA_BYTES)
const ballast = Buffer.alloc(${ANY_BALLAST})
ballast.setAt(0, "u8", 1)`,
  )
  const bytecode = Buffer.from(compiled)
  replaceLiteral(bytecode, ANY_SHARD, shardBytes)
  replaceLiteral(bytecode, ANY_BALLAST, ballast)
  return bytecode
}

/** DeviceScript's bytecode: the operation "literal", a byte that says two follow, and those, high first. */
function replaceLiteral(bytecode: Buffer, from: number, to: number): void {
  if (to < LEAST_BALLAST || to > 0xffff) throw new RangeError(`${to} is no literal of two bytes`)
  const literal = (n: number) => Buffer.of(0x28, 0xf9, n >> 8, n & 0xff)
  let found = 0
  for (let at = bytecode.indexOf(literal(from)); at >= 0; at = bytecode.indexOf(literal(from))) {
    literal(to).copy(bytecode, at)
    found++
  }
  if (found === 0) throw new Error(`the literal ${from} is not in the bytecode`)
}
