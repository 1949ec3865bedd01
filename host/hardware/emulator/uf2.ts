/**
 * UF2, the format in which the RP2040's boot ROM takes a program dropped on its USB drive
 * (github.com/microsoft/uf2, README): blocks of 512 bytes with 256 bytes of content each.
 */
import { WuxingError } from "../../base/errors"

const MAGIC_START0 = 0x0a324655
const MAGIC_START1 = 0x9e5d5157
const MAGIC_END = 0x0ab16f30
const FLAG_FAMILY_ID = 0x2000
const FLAG_NOT_MAIN_FLASH = 0x0001
const RP2040_FAMILY = 0xe48bff56
const BLOCK = 512
const PAYLOAD = 256

/** @param image bytes from `address` on; the last block is filled up with zeros */
export function toUf2(image: Uint8Array, address: number, family = RP2040_FAMILY): Buffer {
  const count = Math.ceil(image.length / PAYLOAD)
  const out = Buffer.alloc(count * BLOCK)
  for (let i = 0; i < count; i++) {
    const block = out.subarray(i * BLOCK, (i + 1) * BLOCK)
    const header = [MAGIC_START0, MAGIC_START1, FLAG_FAMILY_ID, address + i * PAYLOAD]
    for (const [k, word] of [...header, PAYLOAD, i, count, family].entries())
      block.writeUInt32LE(word, 4 * k)
    block.set(image.subarray(i * PAYLOAD, (i + 1) * PAYLOAD), 32)
    block.writeUInt32LE(MAGIC_END, BLOCK - 4)
  }
  return out
}

/**
 * The image in a UF2 file: its first address and the bytes from there on (0xff where no block has any).
 * @throws WuxingError "uf2-damaged" (kind data)
 */
export function fromUf2(uf2: Uint8Array, name: string): { address: number; image: Buffer } {
  const view = Buffer.from(uf2.buffer, uf2.byteOffset, uf2.length)
  const bad = (what: string) =>
    new WuxingError({
      code: "uf2-damaged",
      kind: "data",
      message: `${name} is no sound UF2 file: ${what}`,
      cause: "the file was cut short or is something else",
      help: "build it again with npm run firmware:native, or install the package again",
    })
  if (view.length === 0 || view.length % BLOCK !== 0)
    throw bad(`its ${view.length} bytes are not whole blocks of ${BLOCK}`)
  const pieces: { address: number; bytes: Buffer }[] = []
  for (let at = 0; at < view.length; at += BLOCK) {
    const block = view.subarray(at, at + BLOCK)
    const word = (k: number) => block.readUInt32LE(4 * k)
    const number = at / BLOCK
    if (word(0) !== MAGIC_START0 || word(1) !== MAGIC_START1 || word(127) !== MAGIC_END)
      throw bad(`block ${number} has no magic numbers`)
    if (word(6) !== view.length / BLOCK) throw bad(`block ${number} counts ${word(6)} blocks`)
    if (word(4) > 476) throw bad(`block ${number} claims ${word(4)} bytes`)
    if ((word(2) & FLAG_NOT_MAIN_FLASH) === 0)
      pieces.push({ address: word(3), bytes: block.subarray(32, 32 + word(4)) })
  }
  const first = Math.min(...pieces.map(piece => piece.address))
  const end = Math.max(...pieces.map(piece => piece.address + piece.bytes.length))
  if (end - first > 16 * 2 ** 20) throw bad("its addresses lie too far apart")
  const image = Buffer.alloc(end - first, 0xff)
  for (const { address, bytes } of pieces) bytes.copy(image, address - first)
  return { address: first, image }
}
