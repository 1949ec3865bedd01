/**
 * Sockets, streams, children and threads end the process by an error that nobody listens to. So each is
 * made through `heard` (a test looks for those that are not); who needs to know of an error adds a
 * listener of their own.
 */
import type { EventEmitter } from "node:events"

interface Parts {
  /** Of a child process. */
  stdin?: EventEmitter | null
  stdout?: EventEmitter | null
  stderr?: EventEmitter | null
}

/** The same, with a listener for its errors and for those of its streams and of connections made to it. */
export function heard<Source extends object>(source: Source): Source {
  const emitter = source as EventEmitter & Parts
  const { stdin, stdout, stderr } = emitter
  for (const each of [emitter, stdin, stdout, stderr]) each?.on("error", () => {})
  // Servers say so of each connection; no other source has such an event.
  emitter.on("connection", (socket?: EventEmitter) => socket?.on("error", () => {}))
  return source
}
