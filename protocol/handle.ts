/** What a handle is, in plain words. */
export const handleKinds = [
  "timer",
  "interval",
  "immediate",
  "server",
  "socket",
  "pipe",
  "standard stream",
  "child process",
  "worker thread",
  "message port",
  "file watcher",
  "signal listener",
  "request",
  "other",
] as const;

export type HandleKind = (typeof handleKinds)[number];

/** Something open that keeps a process alive: a timer, a server, a socket, a child process. */
export interface Handle {
  readonly kind: HandleKind;
  /** Node's own name for it: `Timeout`, `TCPSERVERWRAP`. */
  readonly type: string;
  /** What tells it from others of its kind: `every 1000 ms`, `port 8080`, `process 4242`. */
  readonly detail?: string;
  /** Where it was created, the innermost frame first: indexes into `Dump.sites`. Frames of Node itself are left out. */
  readonly stack: readonly number[];
  /** The test that was running when it was created. */
  readonly test?: string;
  /** Milliseconds since then. */
  readonly ageMs: number;
}
