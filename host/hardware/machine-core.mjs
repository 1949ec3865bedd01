/**
 * DeviceScript's virtual machine as WebAssembly with what it imports: its time, its flash, its frames
 * and its log. Plain JavaScript, since a board's thread starts without the tool's TypeScript loader.
 */
import { randomFillSync } from "node:crypto"

export const FLASH_BYTES = 128 * 1024
const LONGEST_LINE = 1024

/** What a machine throws when it resets itself (status 0) or gives up. */
export class MachineEnded extends Error {
  constructor(status) {
    super(status === undefined ? "the machine gave up" : `the machine ended (${status})`)
    this.status = status
  }
}

/** See machine-core.d.mts. */
export function startMachine(module, id, hooks) {
  let exports
  const memory = () => new Uint8Array(exports.memory.buffer)
  const read = (at, length) => new Uint8Array(exports.memory.buffer, at, length).slice()
  const nothing = () => 0
  const env = {
    em_flash_size: () => (hooks.takesFrame?.() === false ? 0 : FLASH_BYTES),
    em_flash_load: at => {
      hooks.onMemory?.(memory(), at)
      const kept = hooks.flash?.()
      if (kept) memory().set(kept.subarray(0, FLASH_BYTES), at)
    },
    em_flash_save: (at, size) => {
      if (size < 0) hooks.onFlash?.(at, size)
      // It says where the last byte is, not how many there are.
      else hooks.onSync?.(() => read(at, size + 1))
    },
    em_send_frame: at => hooks.onFrame(read(at, 12 + memory()[at + 2])),
    em_send_large_frame: (at, length) => hooks.onFrame(read(at, length)),
    _devs_panic_handler: code => {
      if (code !== 0) hooks.onPanic?.(code)
    },
    em_deploy_handler: nothing,
    em_jd_crypto_get_random: (at, length) => {
      const bytes = new Uint8Array(exports.memory.buffer, at, length)
      if (hooks.random) hooks.random(bytes)
      else randomFillSync(bytes)
    },
    em_time_now: () => hooks.now(),
    em_print_dmesg: at => {
      const bytes = read(at, LONGEST_LINE)
      const end = bytes.indexOf(0)
      hooks.onLog(Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString("utf8"))
    },
    emscripten_memcpy_big: (to, from, length) => {
      memory().copyWithin(to, from, from + length)
      return to
    },
    emscripten_resize_heap: nothing,
    abort: () => {
      throw new MachineEnded(undefined)
    },
    exit: status => {
      throw new MachineEnded(status)
    },
  }
  for (const name of ["new", "write", "close", "is_available"])
    env[`_jd_tcpsock_${name}`] = () => -1
  exports = new WebAssembly.Instance(module, {
    env,
    wasi_snapshot_preview1: { fd_close: nothing, fd_write: nothing, fd_seek: nothing },
  }).exports
  exports.__wasm_call_ctors()
  // In this order, as the DeviceScript command does it.
  exports.jd_em_init()
  // As text: the other way, by two numbers, goes wrong where the second is negative.
  const text = Buffer.from(`${id}\0`, "latin1")
  const at = exports.malloc(text.length)
  memory().set(text, at)
  exports.jd_em_set_device_id_string(at)
  exports.free(at)
  return {
    memory: exports.memory,
    process: () => exports.jd_em_process(),
    receive: frame => {
      const at = exports.malloc(frame.length)
      memory().set(frame, at)
      const status = exports.jd_em_frame_received(at)
      exports.free(at)
      return status
    },
    deploy: bytecode => {
      const at = exports.malloc(bytecode.length)
      memory().set(bytecode, at)
      const status = exports.jd_em_devs_deploy(at, bytecode.length)
      exports.free(at)
      return status
    },
    gcStress: on => exports.jd_em_devs_enable_gc_stress(on ? 1 : 0),
  }
}
