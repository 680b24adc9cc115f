import type { FunctionFacts, Instruction } from "../program/facts.ts";
import { memberCalled } from "./flow.ts";
import type { Value } from "./values.ts";

// Emitters that set to work when they are made, and the events that each of them emits once: who listens later may have
// missed them.

const child = ["exit", "close", "spawn", "disconnect"];
const socket = ["connect", "ready", "close", "end"];
const file = ["open", "ready"];

/** The last that streams, processes and servers say. */
export const lastEvents: ReadonlySet<string> = new Set(["close", "end", "exit", "finish"]);

/** By module and export; `global` for global names. */
const events: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  // https://nodejs.org/api/child_process.html
  child_process: { spawn: child, fork: child, exec: child, execFile: child },
  // https://nodejs.org/api/net.html, https://nodejs.org/api/tls.html
  net: { connect: socket, createConnection: socket },
  tls: { connect: [...socket, "secureConnect"] },
  // https://nodejs.org/api/http.html: `get` ends its request by itself.
  http: { get: ["response", "close"] },
  https: { get: ["response", "close"] },
  // https://nodejs.org/api/worker_threads.html
  worker_threads: { Worker: ["online", "exit"] },
  // https://nodejs.org/api/fs.html
  fs: { createReadStream: file, createWriteStream: file },
  // https://html.spec.whatwg.org/multipage/web-sockets.html
  global: { WebSocket: ["open", "close"] },
  ws: { default: ["open", "close"], WebSocket: ["open", "close"] },
};

/**
 * Events that may come in the same turn as another one of the same emitter, before who awaits the first gets on. A worker
 * that ends hands over its last messages right before `exit`; Node emits `close` of a child, and `ready`, at once behind
 * the other. Measured in Node 22: `close` behind `exit` is lost in 18 of 20 runs, `ready` always.
 */
const atOnce: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  child_process: { exit: ["close"] },
  net: { connect: ["ready"] },
  tls: { connect: ["ready"] },
  worker_threads: { online: ["exit"], message: ["exit"], messageerror: ["exit"], error: ["exit"] },
  fs: { open: ["ready"] },
};

/** The events that may follow `event` at once, by what made the emitter. */
export function eventsAtOnceBehind(callee: Value, event: string): readonly string[] {
  return oneShotEvents(callee).length === 0 ? [] : (atOnce[moduleOf(callee)]?.[event] ?? []);
}

/** Events that come once a method has been called on what `createServer` and the like make: by module, maker and method. */
const started: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>> = {
  // https://nodejs.org/api/net.html#event-listening
  net: { createServer: { listen: "listening" }, Server: { listen: "listening" } },
  tls: { createServer: { listen: "listening" } },
  http: { createServer: { listen: "listening" }, Server: { listen: "listening" } },
  https: { createServer: { listen: "listening" } },
  http2: { createServer: { listen: "listening" }, createSecureServer: { listen: "listening" } },
  // https://nodejs.org/api/stream.html#event-finish
  fs: { createWriteStream: { end: "finish" } },
};

/** The method that makes `event` come, once, of what a call makes, by the called value. */
export function isStartedBy(callee: Value, method: string, event: string): boolean {
  const methods = lookUp(started, callee);
  return methods !== undefined && Object.hasOwn(methods, method) && methods[method] === event;
}

function lookUp<T>(
  table: Readonly<Record<string, Readonly<Record<string, T>>>>,
  callee: Value,
): T | undefined {
  const path = callee.kind === "external" || callee.kind === "global" ? callee.path : [];
  const name = path[0] === "default" && path.length > 1 ? path[1] : path[0];
  return name === undefined || path.length > 2 ? undefined : table[moduleOf(callee)]?.[name];
}

function moduleOf(callee: Value): string {
  return callee.kind === "external" ? callee.module.replace(/^node:/, "") : "global";
}

/** The events that what a call makes emits once, by the called value. */
export function oneShotEvents(callee: Value): readonly string[] {
  return lookUp(events, callee) ?? [];
}

/** Properties by which such an emitter tells what has happened already. */
export const tellsState: ReadonlySet<string> = new Set([
  "exitCode",
  "signalCode",
  "killed",
  "connected",
  "connecting",
  "pending",
  "readyState",
  "destroyed",
  "closed",
  "listening",
  "address",
  "writableFinished",
]);

/** Methods that add a listener. */
export const listening: ReadonlySet<string> = new Set([
  "on",
  "once",
  "addListener",
  "prependListener",
  "prependOnceListener",
  "addEventListener",
]);

const unlistening: ReadonlySet<string> = new Set(["off", "removeListener", "removeEventListener"]);

/**
 * `client.on("error", log)`: adds or removes a listener, which gives the emitter. Where the types of Node are not
 * installed, an index signature of the class may answer for such a member, and say what it likes.
 */
export function changesListeners(facts: FunctionFacts, i: Instruction): boolean {
  const name = i.op === "call" && i.arguments.length > 1 ? memberCalled(facts, i) : undefined;
  return name !== undefined && (listening.has(name) || unlistening.has(name));
}
