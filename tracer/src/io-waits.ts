// What of Node itself tasks wait in: events, files, names, requests, child processes, streams, locks. Modules that a
// program may never load are wrapped when one of its files names them.
import childProcess from "node:child_process";
import events from "node:events";
import { createRequire, syncBuiltinESMExports } from "node:module";
import stream from "node:stream";
import { promisify, types } from "node:util";
import workerThreads from "node:worker_threads";
import { type BlockingVerb, ownValue, type Probe, type ResourceType, wrap } from "@unknot/models/probe.ts";
import { patchWebLocks } from "@unknot/models/web-locks/instrument.ts";
import { patchWebStreams } from "@unknot/models/web-streams/instrument.ts";
import type { Asked } from "./operations.ts";

const load = createRequire(__filename);
// As it is before a program puts another in its place.
const { EventTarget, ReadableStream } = globalThis;
const { getPrototypeOf }: { getPrototypeOf(object: object): object | null } = Object;

export interface IoWatch {
  /** Called with the source of each file of the program. */
  readonly reads: (source: string) => void;
  /** What somebody waits for that listens for an event, or gives a callback to this object or function. */
  readonly askedBy: (value: object, event: string | undefined) => Asked | undefined;
  /** What a `for await` over this waits for. */
  readonly iteratedBy: (value: object) => Asked | undefined;
}

/** Wraps what is there from the start. */
export function watchIo(probe: Probe): IoWatch {
  const io = createIo(probe);
  const listened = watchEvents(probe);
  let watchesBodies = false;
  io.watch(globalThis, ["fetch"], ([input]) => {
    // Not before: the class loads all of Node's undici.
    if (!watchesBodies) {
      watchesBodies = true;
      probe.guard(() => {
        const reads = ["arrayBuffer", "blob", "bytes", "formData", "json", "text"];
        io.watch(globalThis.Response.prototype, reads, () => "body of a response");
      });
    }
    return peerOf(input);
  });
  const { exec, execFile } = childProcess as unknown as Record<string, object>;
  for (const started of [exec, execFile]) {
    if (started !== undefined) io.watch(started, [promisify.custom], () => "child process");
  }
  let left: readonly Lazy[] = [
    {
      named: /\bfs\b/,
      wraps: () => io.watchAll(load("node:fs/promises") as object, "file system"),
    },
    { named: /\b(net|tls|https?)\b/, wraps: () => describeSockets(probe) },
    { named: /\bdns\b/, wraps: () => io.watchAll(load("node:dns/promises") as object, "dns") },
    {
      named: /\bstream\b/,
      wraps: () => {
        io.watchStreams(load("node:stream/promises") as object, ["pipeline", "finished"]);
        const consumers = ["arrayBuffer", "blob", "buffer", "bytes", "json", "text"];
        io.watchStreams(load("node:stream/consumers") as object, consumers);
      },
    },
    {
      named: /\b(getReader|getWriter)\b/,
      wraps: () => patchWebStreams(load("node:stream/web") as never, probe),
    },
    { named: /\bReadableStream\b/, wraps: () => probe.describe(ReadableStream.prototype, readable) },
    { named: /\breadline\b/, wraps: () => watchQuestions(probe) },
    { named: /\blocks\b/, wraps: () => patchWebLocks(globalThis as never, probe) },
  ];
  const mentioned = new Set<CallbackModule>();
  /** Programs ask for the same functions again and again, and modules have many. */
  let moduleOf = createModuleOf(mentioned);
  const reads = (source: string): void => {
    const before = mentioned.size;
    for (const each of callbackModules) if (each.named.test(source)) mentioned.add(each);
    if (mentioned.size > before) moduleOf = createModuleOf(mentioned);
    const [wanted, others] = [true, false].map((is) => left.filter(({ named }) => named.test(source) === is));
    if (wanted === undefined || wanted.length === 0) return;
    left = others ?? [];
    for (const { wraps } of wanted) probe.guard(wraps);
    syncBuiltinESMExports();
  };
  return {
    reads,
    askedBy: (value, event) => askedOf(value, event, moduleOf, io.resourceOf),
    iteratedBy: (value) => iteratedOf(value, listened, probe),
  };
}

const lines: ResourceType = { kind: "stream", name: "readline.Interface" };
const readable: ResourceType = { kind: "stream", name: "ReadableStream" };

/** `question` of `readline/promises` waits for a line. */
function watchQuestions(probe: Probe): void {
  probe.describe((load("node:readline") as typeof import("node:readline")).Interface.prototype, lines);
  const { Interface } = load("node:readline/promises") as typeof import("node:readline/promises");
  probe.describe(Interface.prototype, lines);
  wrap(probe, Interface.prototype, "question", (self, [, options]) => {
    const operation = probe.begin(self, "io", { cancellable: ownValue(options, "signal") !== undefined });
    return {
      returned: (promise) => probe.promised(operation, promise),
      threw: () => probe.released(operation),
    };
  });
}

/** Streams, lines, and what `events.on` gives. What asks for more by a function that is wrapped tells by itself. */
function iteratedOf(value: object, listened: WeakMap<object, Asked>, probe: Probe): Asked | undefined {
  if (types.isProxy(value)) return undefined;
  const asked = listened.get(value);
  if (asked !== undefined) return asked;
  if (inherits(value, stream.Readable.prototype)) return { resource: value, verb: "listen" };
  if (inherits(value, ReadableStream.prototype)) {
    probe.introduce(value, readable);
    return { resource: value, verb: "receive" };
  }
  if (!inherits(value, events.prototype)) return undefined;
  const { Interface } = load("node:readline") as typeof import("node:readline");
  if (!inherits(value, Interface.prototype)) return undefined;
  probe.introduce(value, lines);
  return { resource: value, verb: "listen" };
}

/** `instanceof` would run traps of proxies among the prototypes. */
function inherits(value: object, prototype: object): boolean {
  let at: object | null = value;
  while (at !== null && at !== prototype) at = types.isProxy(at) ? null : getPrototypeOf(at);
  return at !== null;
}

/** Modules of Node whose functions take callbacks, how what they do is called, and how one waits for it. */
const callbackModules = [
  { named: /\bdns\b/, name: "node:dns", peer: "dns", verb: "io" },
  { named: /\bfs\b/, name: "node:fs", peer: "file system", verb: "io" },
  { named: /\bchild_process\b/, name: "node:child_process", peer: "child process", verb: "io" },
  { named: /\bzlib\b/, name: "node:zlib", peer: "zlib", verb: "io" },
  { named: /\bcrypto\b/, name: "node:crypto", peer: "crypto", verb: "io" },
  // When its connection breaks, a request calls nobody back.
  { named: /\bhttp\b/, name: "node:http", peer: "request", verb: "listen" },
  { named: /\bhttps\b/, name: "node:https", peer: "request", verb: "listen" },
] as const;

type CallbackModule = (typeof callbackModules)[number];

function askedOf(
  value: object,
  event: string | undefined,
  moduleOf: ModuleOf,
  resourceOf: (peer: string) => object,
): Asked | undefined {
  if (types.isProxy(value)) return undefined;
  if (value instanceof events || value instanceof EventTarget)
    return { resource: value, verb: verbOf(value, event) };
  const module = event === undefined ? moduleOf(value) : undefined;
  return module === undefined ? undefined : { resource: resourceOf(module.peer), verb: module.verb };
}

/** The module of Node that a value is, whole or imported as a namespace, or of which it is a function. */
type ModuleOf = (value: object) => CallbackModule | undefined;

function createModuleOf(mentioned: ReadonlySet<CallbackModule>): ModuleOf {
  let known: ReadonlyMap<unknown, CallbackModule> | undefined;
  return (value) => {
    known ??= modulesByValue(mentioned);
    return known.get(types.isModuleNamespaceObject(value) ? (value as { default?: unknown }).default : value);
  };
}

/** Modules and the functions that they export. Getters are not asked: those of `node:http` load all of Node's undici. */
function modulesByValue(mentioned: ReadonlySet<CallbackModule>): ReadonlyMap<unknown, CallbackModule> {
  const found = new Map<unknown, CallbackModule>();
  for (const each of mentioned) {
    const exported = load(each.name) as object;
    const functions = Object.keys(exported).map((name) => ownValue(exported, name));
    for (const value of [exported, ...functions.filter((one) => typeof one === "function")])
      if (!found.has(value)) found.set(value, each);
  }
  return found;
}

/** By class; they are no resources of the program until it waits for one. */
function describeSockets(probe: Probe): void {
  const { Socket, Server } = load("node:net") as typeof import("node:net");
  const http = load("node:http") as typeof import("node:http");
  for (const [prototype, type] of [
    [Socket.prototype, { kind: "stream", name: "net.Socket" }],
    [Server.prototype, { kind: "event", name: "net.Server" }],
    [http.ClientRequest.prototype, { kind: "stream", name: "http.ClientRequest" }],
    [http.IncomingMessage.prototype, { kind: "stream", name: "http.IncomingMessage" }],
    [http.ServerResponse.prototype, { kind: "stream", name: "http.ServerResponse" }],
  ] as const) {
    probe.describe(prototype, type);
  }
}

/** How one waits that listens by hand: what keeps the loop alive is told by the loop, not by the wait. */
function verbOf(target: object, event: string | undefined): BlockingVerb {
  if (event === "drain") return "waitEvent";
  if (target instanceof workerThreads.Worker || target instanceof workerThreads.MessagePort) return "worker";
  const isIo =
    target instanceof childProcess.ChildProcess ||
    target instanceof stream.Stream ||
    (typeof event === "undefined" && target instanceof events);
  return isIo ? "listen" : "waitEvent";
}

/** How one waits for whom Node listens: it ends the wait with the event, and nothing else can. */
function verbForNode(target: object, event: unknown): BlockingVerb {
  const verb = verbOf(target, typeof event === "string" ? event : "");
  return verb === "listen" ? "io" : verb;
}

interface Lazy {
  readonly named: RegExp;
  readonly wraps: () => void;
}

/** So many peers are told apart; the others are one. */
const mostPeers = 200;

function createIo(probe: Probe) {
  const peers = new Map<string, object>();
  const resourceOf = (peer: string): object => {
    const name = peers.has(peer) || peers.size < mostPeers ? peer : "others";
    let resource = peers.get(name);
    if (resource === undefined) {
      resource = {};
      probe.introduce(resource, { kind: "event", name });
      peers.set(name, resource);
    }
    return resource;
  };
  const watch = (
    target: object,
    names: readonly (string | symbol)[],
    peer: (args: readonly unknown[]) => string,
  ): void => {
    for (const name of names) {
      wrap(probe, target, name, (_, args) => {
        const operation = probe.begin(resourceOf(peer(args)), "io", { cancellable: true });
        return {
          returned: (promise) => {
            if (types.isPromise(promise)) probe.promised(operation, promise);
            else probe.released(operation);
          },
          threw: () => probe.released(operation),
        };
      });
    }
  };
  const watchStreams = (module: object, names: readonly string[]): void => {
    for (const name of names) {
      wrap(probe, module, name, (_, args) => {
        const found = args.find(isStream);
        const operation = probe.begin(found ?? resourceOf("stream"), "io", { cancellable: true });
        return {
          returned: (promise) => probe.promised(operation, promise),
          threw: () => probe.released(operation),
        };
      });
    }
  };
  return {
    resourceOf,
    watch,
    watchStreams,
    watchAll(module: object, peer: string): void {
      const names = Object.entries(module).flatMap(([name, value]) =>
        // Classes are told by their names; what gives an iterator waits later.
        typeof value === "function" &&
        /^[a-z]/.test(name) &&
        !/^(watch|glob|setServers|getServers|setDefault|getDefault)/.test(name)
          ? [name]
          : [],
      );
      watch(module, names, () => peer);
    },
  };
}

/** One that has a type of its own: the first of a pipeline is where it comes from. */
function isStream(value: unknown): value is object {
  return (
    typeof value === "object" &&
    value !== null &&
    !types.isProxy(value) &&
    (value instanceof stream.Readable || value instanceof stream.Writable)
  );
}

/** The host that is asked, without what is asked of it. */
function peerOf(input: unknown): string {
  const text = typeof input === "string" ? input : input instanceof URL ? input.href : undefined;
  if (text === undefined || !URL.canParse(text)) return "fetch";
  return `fetch ${new URL(text).host}`;
}

/** By class, the last that fits counts: so the promise of `once` knows what it waits for. */
function watchEvents(probe: Probe): WeakMap<object, Asked> {
  const emitters: readonly (readonly [object, ResourceType])[] = [
    [events.prototype, { kind: "event", name: "EventEmitter" }],
    [stream.Readable.prototype, { kind: "stream", name: "Readable" }],
    [stream.Writable.prototype, { kind: "stream", name: "Writable" }],
    [childProcess.ChildProcess.prototype, { kind: "event", name: "child process" }],
    [workerThreads.Worker.prototype, { kind: "event", name: "worker thread" }],
    [workerThreads.MessagePort.prototype, { kind: "event", name: "message port" }],
    [EventTarget.prototype, { kind: "event", name: "EventTarget" }],
  ];
  for (const [prototype, type] of emitters) probe.describe(prototype, type);
  wrap(probe, events, "once", (_, [target, event, options]) => {
    if (typeof target !== "object" || target === null || types.isProxy(target)) return undefined;
    const operation = probe.begin(target, verbForNode(target, event), {
      cancellable: ownValue(options, "signal") !== undefined,
    });
    return {
      returned: (promise) => probe.promised(operation, promise),
      threw: () => probe.released(operation),
    };
  });
  // What it gives has no class, and the loop over it may begin later.
  const listened = new WeakMap<object, Asked>();
  wrap(probe, events, "on", (_, [target, event]) => {
    if (typeof target !== "object" || target === null || types.isProxy(target)) return undefined;
    return {
      returned(iterator) {
        if (typeof iterator === "object" && iterator !== null)
          listened.set(iterator, { resource: target, verb: verbForNode(target, event) });
      },
    };
  });
  return listened;
}
