import { createHash } from "node:crypto"

/** Lower-case hex: as coefficients and programs are compared and told everywhere. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex")
}
