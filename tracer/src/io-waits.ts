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

const load = createRequire(__filename);

/** Wraps what is there from the start; the result is called with the source of each file of the program. */
export function watchIo(probe: Probe): (source: string) => void {
  const io = createIo(probe);
  watchEvents(probe);
  io.watch(globalThis, ["fetch"], ([input]) => peerOf(input));
  const { exec, execFile } = childProcess as unknown as Record<string, object>;
  for (const started of [exec, execFile]) {
    if (started !== undefined) io.watch(started, [promisify.custom], () => "child process");
  }
  let left: readonly Lazy[] = [
    {
      named: /\bfs\b/,
      wraps: () => io.watchAll(load("node:fs/promises") as object, "file system"),
    },
    { named: /\bdns\b/, wraps: () => io.watchAll(load("node:dns/promises") as object, "dns") },
    {
      named: /\bstream\b/,
      wraps: () => io.watch(load("node:stream/promises") as object, ["pipeline", "finished"], () => "stream"),
    },
    {
      named: /\b(getReader|getWriter)\b/,
      wraps: () => patchWebStreams(load("node:stream/web") as never, probe),
    },
    { named: /\blocks\b/, wraps: () => patchWebLocks(globalThis as never, probe) },
    {
      named: /\bfetch\b/,
      wraps: () => {
        const { prototype } = globalThis.Response;
        const reads = ["arrayBuffer", "blob", "bytes", "formData", "json", "text"];
        io.watch(prototype, reads, () => "body of a response");
      },
    },
  ];
  return (source) => {
    const [mentioned, others] = [true, false].map((is) =>
      left.filter(({ named }) => named.test(source) === is),
    );
    if (mentioned === undefined || mentioned.length === 0) return;
    left = others ?? [];
    for (const { wraps } of mentioned) probe.guard(wraps);
    syncBuiltinESMExports();
  };
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
  return {
    watch,
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

/** The host that is asked, without what is asked of it. */
function peerOf(input: unknown): string {
  const text = typeof input === "string" ? input : input instanceof URL ? input.href : undefined;
  if (text === undefined || !URL.canParse(text)) return "fetch";
  return `fetch ${new URL(text).host}`;
}

/** By class, the last that fits counts: so the promise of `once` knows what it waits for. */
function watchEvents(probe: Probe): void {
  const emitters: readonly (readonly [object, ResourceType])[] = [
    [events.prototype, { kind: "event", name: "EventEmitter" }],
    [stream.Readable.prototype, { kind: "stream", name: "Readable" }],
    [stream.Writable.prototype, { kind: "stream", name: "Writable" }],
    [childProcess.ChildProcess.prototype, { kind: "event", name: "child process" }],
    [workerThreads.Worker.prototype, { kind: "event", name: "worker thread" }],
    [workerThreads.MessagePort.prototype, { kind: "event", name: "message port" }],
  ];
  for (const [prototype, type] of emitters) probe.describe(prototype, type);
  const verbOf = (target: object, event: unknown): BlockingVerb => {
    if (target instanceof childProcess.ChildProcess) return "io";
    const isStream = target instanceof stream.Readable || target instanceof stream.Writable;
    if (isStream && event !== "drain") return "io";
    const isThread = target instanceof workerThreads.Worker || target instanceof workerThreads.MessagePort;
    return isThread ? "worker" : "waitEvent";
  };
  wrap(probe, events, "once", (_, [target, event, options]) => {
    if (typeof target !== "object" || target === null || types.isProxy(target)) return undefined;
    const operation = probe.begin(target, verbOf(target, event), {
      cancellable: ownValue(options, "signal") !== undefined,
    });
    return {
      returned: (promise) => probe.promised(operation, promise),
      threw: () => probe.released(operation),
    };
  });
}
