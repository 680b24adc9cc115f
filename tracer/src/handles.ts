// What keeps the process alive, with where it was created. Watched only when somebody asked for it: it costs a stack
// for each timer, socket or file operation.
import { createHook } from "node:async_hooks";
import type { HandleKind } from "@unknot/protocol/handle.ts";

/** A handle that is open, as the traced thread tells it. */
export interface OpenHandle {
  readonly kind: HandleKind;
  readonly type: string;
  readonly detail?: string;
  readonly stack: readonly Frame[];
  readonly test?: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export interface Frame {
  /** An absolute path or a URL. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly function?: string;
}

export interface HandleWatch {
  /** What keeps the process alive now, the oldest first. */
  open(): readonly OpenHandle[];
  /** What `action` opens is ours and not listed. */
  own<Result>(action: () => Result): Result;
}

export interface HandleWatchOptions {
  /** The tracer's own folder: its frames are nobody's. */
  readonly ownFolder: string;
  readonly now: () => number;
  readonly test: () => string | undefined;
  readonly guard: <Result>(part: () => Result) => Result | undefined;
}

interface Known {
  readonly type: string;
  readonly resource: WeakRef<object>;
  readonly trigger: number;
  /** Made into frames when somebody asks, and dropped then: it holds on to functions and receivers. */
  trace?: { readonly stack?: string } | undefined;
  frames?: readonly Frame[];
  readonly test: string | undefined;
  readonly createdAt: number;
}

/** What keeps no process alive, or only together with something else that is listed. */
const notListed =
  /^(PROMISE|TickObject|Microtask|RANDOMBYTESREQUEST|HTTPINCOMINGMESSAGE|HTTPCLIENTREQUEST|SHUTDOWNWRAP|TTYWRAP_.*|SIGNALWRAP_.*|ELDHISTOGRAM|DNSCHANNEL|TLSWRAP)$/;

const mostFrames = 24;
const sweepAbove = 1000;

/** Watches what is opened from now on. */
export function watchHandles({ ownFolder, now, test, guard }: HandleWatchOptions): HandleWatch {
  const known = new Map<number, Known>();
  let sweepAt = sweepAbove;
  let isOurs = false;
  const sweep = () => {
    for (const [id, each] of known) if (isGone(each)) known.delete(id);
    sweepAt = Math.max(sweepAbove, known.size * 2);
  };
  const init = (id: number, type: string, trigger: number, resource: object): void => {
    if (isOurs || notListed.test(type)) return;
    guard(() => {
      known.set(id, {
        type,
        resource: new WeakRef(resource),
        trigger,
        trace: captureTrace(),
        test: test(),
        createdAt: now(),
      });
      if (known.size > sweepAt) sweep();
    });
  };
  // Node 22 calls it for promises all the same.
  createHook({ init, trackPromises: false } as Parameters<typeof createHook>[0]).enable();

  const stackOf = (each: Known): readonly Frame[] => {
    // What a server accepts was created by nobody but the server.
    for (let at: Known | undefined = each, depth = 0; at !== undefined && depth < 8; depth++) {
      at.frames ??= framesOf(at.trace, ownFolder);
      at.trace = undefined;
      const { frames } = at;
      if (frames.length > 0) return frames;
      at = known.get(at.trigger);
    }
    return [];
  };

  return {
    open: () =>
      guard(() => {
        sweep();
        const handles = [...known.values()].filter(isOpen).map((each): OpenHandle => {
          const resource = each.resource.deref() as Resource | undefined;
          const detail = resource === undefined ? undefined : detailOf(each.type, resource);
          return {
            kind: resource === undefined ? "other" : kindOf(each.type, resource),
            type: each.type,
            ...(detail === undefined ? {} : { detail }),
            stack: stackOf(each),
            ...(each.test === undefined ? {} : { test: each.test }),
            createdAt: each.createdAt,
          };
        });
        return withoutParts(handles);
      }) ?? [],
    own(action) {
      const before = isOurs;
      isOurs = true;
      try {
        return action();
      } finally {
        isOurs = before;
      }
    },
  };
}

// As they are before a program or a test puts others in their place.
const { setInterval } = globalThis;
const tellEveryMs = 200;

/** Tells what is open now and whenever that has changed; keeps nothing alive itself. Gives what tells it at once. */
export function tellHandles(
  watch: HandleWatch,
  note: (fact: { readonly kind: "handles"; readonly handles: readonly OpenHandle[] }) => void,
): () => readonly OpenHandle[] {
  let told: string | undefined;
  const tell = () => {
    const handles = watch.open();
    const text = JSON.stringify(handles);
    if (text !== told) {
      told = text;
      watch.own(() => note({ kind: "handles", handles }));
    }
    return handles;
  };
  watch.own(() => setInterval(tell, tellEveryMs).unref());
  // What is open at the end was in the way, also when somebody calls `process.exit`.
  process.on("exit", tell);
  tell();
  return tell;
}

/** A child process comes with pipes, a worker with ports: they are part of it. */
const partsOf: Readonly<Partial<Record<HandleKind, HandleKind>>> = {
  pipe: "child process",
  "message port": "worker thread",
};
/** Parts are created by the same call, within a moment. */
const momentMs = 100;

function withoutParts(handles: readonly OpenHandle[]): readonly OpenHandle[] {
  const wholes = new Map<string, OpenHandle[]>();
  const keyOf = (kind: HandleKind, { stack }: OpenHandle) => JSON.stringify([kind, stack]);
  for (const handle of handles) {
    if (!Object.values(partsOf).includes(handle.kind)) continue;
    const key = keyOf(handle.kind, handle);
    const found = wholes.get(key);
    if (found === undefined) wholes.set(key, [handle]);
    else found.push(handle);
  }
  return handles.filter((handle) => {
    const whole = partsOf[handle.kind];
    if (whole === undefined || handle.stack.length === 0) return true;
    const candidates = wholes.get(keyOf(whole, handle)) ?? [];
    return !candidates.some((each) => Math.abs(each.createdAt - handle.createdAt) < momentMs);
  });
}

interface Resource {
  readonly _destroyed?: boolean;
  readonly _repeat?: number | null;
  readonly _idleTimeout?: number;
  readonly reading?: boolean;
  readonly writeQueueSize?: number;
  readonly fd?: number;
  readonly pid?: number;
  readonly threadId?: number;
  readonly address?: unknown;
  readonly port?: unknown;
  readonly hostname?: unknown;
  readonly onconnection?: unknown;
  readonly getsockname?: (out: object) => number;
  readonly getpeername?: (out: object) => number;
  readonly hasRef?: () => boolean | null;
}

const internals = process as unknown as { readonly _getActiveRequests?: () => readonly unknown[] };

/** It will not come back; what is paused or was not begun yet may. */
function isGone({ type, resource }: Known): boolean {
  const found = resource.deref() as Resource | undefined;
  return found === undefined || ((type === "Timeout" || type === "Immediate") && found._destroyed === true);
}

function isOpen({ type, resource }: Known): boolean {
  const found = resource.deref() as Resource | undefined;
  if (found === undefined) return false;
  if (type === "Timeout" || type === "Immediate")
    return found._destroyed !== true && found.hasRef?.() === true;
  if (type === "WORKER") return found.hasRef?.() === true && found.threadId !== -1;
  if (typeof found.hasRef === "function") {
    if (found.hasRef() !== true) return false;
    // A stream holds the process only while it reads, writes or listens.
    const isStream = /^(TCPWRAP|PIPEWRAP|TTYWRAP)$/.test(type);
    return !isStream || found.reading === true || (found.writeQueueSize ?? 0) > 0;
  }
  return internals._getActiveRequests?.().includes(found) === true;
}

function kindOf(type: string, resource: Resource): HandleKind {
  switch (type) {
    case "Timeout":
      return typeof resource._repeat === "number" ? "interval" : "timer";
    case "Immediate":
      return "immediate";
    case "TCPSERVERWRAP":
    case "PIPESERVERWRAP":
      return "server";
    case "TCPWRAP":
    case "UDPWRAP":
      return "socket";
    case "PIPEWRAP":
      return isStandard(resource) ? "standard stream" : "pipe";
    case "TTYWRAP":
      return "standard stream";
    case "PROCESSWRAP":
      return "child process";
    case "WORKER":
      return "worker thread";
    case "MESSAGEPORT":
      return "message port";
    case "FSEVENTWRAP":
    case "STATWATCHER":
      return "file watcher";
    case "SIGNALWRAP":
      return "signal listener";
    default:
      return type.includes("REQ") || type.endsWith("CONNECTWRAP") ? "request" : "other";
  }
}

function isStandard({ fd }: Resource): boolean {
  return fd === 0 || fd === 1 || fd === 2;
}

function detailOf(type: string, resource: Resource): string | undefined {
  switch (type) {
    case "Timeout":
      return typeof resource._repeat === "number"
        ? `every ${resource._repeat} ms`
        : `after ${resource._idleTimeout} ms`;
    case "TCPSERVERWRAP": {
      const { port } = addressOf(resource.getsockname, resource);
      return port === undefined ? undefined : `port ${port}`;
    }
    case "TCPWRAP": {
      const { address, port } = addressOf(resource.getpeername, resource);
      return port === undefined ? undefined : `connected to ${address}:${port}`;
    }
    case "UDPWRAP": {
      const { port } = addressOf(resource.getsockname, resource);
      return port === undefined ? undefined : `UDP port ${port}`;
    }
    case "TCPCONNECTWRAP":
      return `connecting to ${resource.address}:${resource.port}`;
    case "GETADDRINFOREQWRAP":
      return `looking up ${resource.hostname}`;
    case "PROCESSWRAP":
      return resource.pid === undefined ? undefined : `process ${resource.pid}`;
    case "WORKER":
      return resource.threadId === undefined ? undefined : `thread ${resource.threadId}`;
    case "PIPEWRAP":
    case "TTYWRAP":
      return resource.fd === 0 ? "standard input" : undefined;
    default:
      return undefined;
  }
}

function addressOf(
  ask: ((out: object) => number) | undefined,
  resource: Resource,
): { readonly address?: unknown; readonly port?: unknown } {
  const out: { address?: unknown; port?: unknown } = {};
  return ask === undefined || Reflect.apply(ask, resource, [out]) !== 0 ? {} : out;
}

function captureTrace(): { readonly stack?: string } {
  const trace: { readonly stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = mostFrames;
  Error.captureStackTrace(trace, captureTrace);
  Error.stackTraceLimit = limit;
  return trace;
}

// As it is before a program or a test runner puts another in its place: positions are mapped elsewhere, and once.
const { prepareStackTrace } = Error;

function textOf(trace: Known["trace"]): unknown {
  const before = Error.prepareStackTrace;
  Error.prepareStackTrace = prepareStackTrace;
  try {
    return trace?.stack;
  } finally {
    Error.prepareStackTrace = before;
  }
}

/** The frames of the program; those of packages when there is nothing else. */
function framesOf(trace: Known["trace"], ownFolder: string): readonly Frame[] {
  const text = textOf(trace);
  if (typeof text !== "string") return [];
  const frames = text.split("\n").flatMap((line): readonly Frame[] => {
    const parts = frameLine.exec(line);
    if (parts === null) return [];
    const [, name = "", place = "", row = "", column = ""] = parts;
    const file = place.startsWith("file:") ? decodeURIComponent(new URL(place).pathname) : place;
    if (file.startsWith("node:") || file === "native" || file.startsWith(ownFolder)) return [];
    const named = name.trim().replace(/^async |^new /, "");
    return [
      {
        file: file.replace(/^\/(?=[A-Za-z]:\/)/, "").replaceAll("\\", "/"),
        line: Number(row),
        column: Number(column),
        ...(named === "" || named.includes("<anonymous>")
          ? {}
          : { function: named.replace(/ \[as .*\]$/, "") }),
      },
    ];
  });
  const own = frames.filter(({ file }) => !file.includes("/node_modules/"));
  return own.length > 0 ? own : frames;
}

/** `    at Pool.open (/app/pool.ts:12:3)` or `    at /app/main.ts:4:1` */
const frameLine =
  /^\s+at (?:(.*?) \()?(?:async )?((?:[a-z][\w+.-]*:\/\/|[A-Za-z]:\\|\/|node:)[^()]*?):(\d+):(\d+)\)?$/;
