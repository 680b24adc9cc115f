import type { Instruction, Temp } from "../program/facts.ts";
import type { ProgramView } from "./analyzer.ts";
import type { Evaluation } from "./evaluate.ts";
import { usesIn } from "./flow.ts";
import { type FunctionKey, parseKey } from "./places.ts";
import { type AccessReader, placeOf } from "./shared-places.ts";
import { alternatives, plain, rootOf, type Value } from "./values.ts";

// What it costs to do something twice: from what the code calls, and from what it does with the result.

export type Cost =
  /** It asks a server, a database, or starts a process. */
  | { readonly kind: "remote"; readonly what: "network" | "database" | "process" }
  /** It opens something that the program closes again: one of two is never closed. */
  | { readonly kind: "resource"; readonly closedBy: string }
  /** It loads a module, which the runtime does once. */
  | { readonly kind: "module" };

export interface Costs {
  /** Of the value that is stored in a shared place. */
  of(evaluation: Evaluation, value: Temp, place: string): Cost | undefined;
  /** Whether a function, or one below it, leaves the process, and for what. */
  remoteWork(key: FunctionKey): "network" | "database" | "process" | undefined;
}

const remoteModules: ReadonlyMap<string, "network" | "database" | "process"> = new Map([
  ...["http", "https", "http2", "net", "tls", "dgram", "dns", "dns/promises"].flatMap((name) => [
    [name, "network"] as const,
    [`node:${name}`, "network"] as const,
  ]),
  ["child_process", "process"],
  ["node:child_process", "process"],
  ["worker_threads", "process"],
  ["node:worker_threads", "process"],
  ["execa", "process"],
  ...["undici", "axios", "got", "ky", "node-fetch", "cross-fetch", "ws", "@grpc/grpc-js"].map(
    (name) => [name, "network"] as const,
  ),
  ...[
    "pg",
    "pg-pool",
    "mysql2",
    "mysql2/promise",
    "mongodb",
    "mongoose",
    "ioredis",
    "redis",
    "knex",
    "kysely",
  ].map((name) => [name, "database"] as const),
]);

const closing =
  /^(close|disconnect|destroy|end|terminate|dispose|kill|quit|shutdown|release|\[Symbol\.(async)?[dD]ispose\])$/;

const maxDepth = 4;
const maxCalls = 400;

export function createCosts(view: ProgramView): Costs {
  let closedBy: ReadonlyMap<string, string> | undefined;
  return {
    remoteWork(key) {
      const evaluation = view.solution.evaluation(key);
      return evaluation && remoteIn(view, evaluation, evaluation.calls.keys());
    },
    of(evaluation, value, place) {
      closedBy ??= closedPlaces(view);
      const closing = closedBy.get(place);
      if (closing !== undefined) return { kind: "resource", closedBy: closing };
      const made = madeBy(evaluation, value);
      const what = remoteIn(view, evaluation, made);
      if (what) return { kind: "remote", what };
      const isModule = made.length > 0 && made.every((i) => i.op === "import");
      return isModule ? { kind: "module" } : undefined;
    },
  };
}

/** Shared places whose content some function closes, with the method. */
function closedPlaces(view: ProgramView): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const key of view.solution.functions) {
    const evaluation = view.solution.evaluation(key);
    if (!evaluation) continue;
    const reader: AccessReader = { semantics: view.solution.semantics, evaluation };
    for (const block of evaluation.facts.blocks) {
      for (const i of block.code) {
        if (i.op !== "call" || i.receiver === undefined) continue;
        const [callee] = usesIn(evaluation.facts).definitions(i.callee);
        if (callee?.op !== "get" || !closing.test(callee.name)) continue;
        const place = placeOf(reader, i.receiver);
        if (place && !found.has(place.id)) found.set(place.id, callee.name);
      }
    }
  }
  return found;
}

/** Whether one of the calls, or one below it, leaves the process. */
function remoteIn(
  view: ProgramView,
  evaluation: Evaluation,
  calls: Iterable<Instruction>,
): "network" | "database" | "process" | undefined {
  const seen = new Set<FunctionKey>([evaluation.key]);
  let left = maxCalls;
  const search = (
    at: Evaluation,
    list: Iterable<Instruction>,
    depth: number,
  ): "network" | "database" | "process" | undefined => {
    for (const i of list) {
      left -= 1;
      if (left < 0) return undefined;
      const callee = i.op === "call" || i.op === "new" ? at.values[i.callee] : undefined;
      const direct = callee && remoteCallee(callee);
      if (direct) return direct;
      for (const target of at.calls.get(i)?.targets ?? []) {
        if (target.kind === "operation" && target.model?.kind === "pool") return "database";
        if (target.kind !== "function" || depth >= maxDepth || seen.has(target.function)) continue;
        seen.add(target.function);
        for (const key of [target.function, ...closuresIn(view, target.function)]) {
          const inner = view.solution.evaluation(key);
          const found = inner && search(inner, inner.calls.keys(), depth + 1);
          if (found) return found;
        }
      }
    }
    return undefined;
  };
  return search(evaluation, calls, 0);
}

/** The functions that are written inside of a function, such as the executor of a promise. */
function closuresIn(view: ProgramView, key: FunctionKey): FunctionKey[] {
  const { file } = parseKey(key);
  return view.functionsOf(file).filter((one) => view.world.enclosing(one).includes(key));
}

function remoteCallee(callee: Value): "network" | "database" | "process" | undefined {
  for (const part of alternatives(callee)) {
    const root = rootOf(plain(part));
    if (root.kind === "external") {
      const found = remoteModules.get(root.module);
      if (found) return found;
    }
    if (root.kind === "global" && /^(fetch|WebSocket|EventSource)$/.test(root.path[0] ?? ""))
      return "network";
    if (root.kind === "global" && root.path[0] === "globalThis" && root.path[1] === "fetch") return "network";
  }
  return undefined;
}

/** The calls whose results a value is made of, or that what they are given is made of. */
export function madeBy(evaluation: Evaluation, value: Temp): readonly Instruction[] {
  const uses = usesIn(evaluation.facts);
  const found = new Set<Instruction>();
  const seen = new Set<Temp>();
  const open = [value];
  for (let temp = open.pop(); temp !== undefined; temp = open.pop()) {
    if (seen.has(temp)) continue;
    seen.add(temp);
    for (const i of uses.definitions(temp)) {
      if (i.op === "call" || i.op === "new" || i.op === "import") found.add(i);
      open.push(...partsOf(evaluation, i));
    }
  }
  return [...found];
}

function partsOf(evaluation: Evaluation, i: Instruction): readonly Temp[] {
  switch (i.op) {
    case "load":
      return evaluation.facts.blocks.flatMap((block) =>
        block.code.flatMap((one) => (one.op === "store" && one.variable === i.variable ? [one.from] : [])),
      );
    case "object":
      return i.parts.map((part) => part.value);
    case "array":
      return i.elements.filter((element) => element !== null);
    case "await":
    case "move":
    case "unary":
      return [i.from];
    case "binary":
      return [i.left, i.right];
    case "get":
    case "get-element":
      return [i.object];
    case "call":
      return i.receiver === undefined ? i.arguments : [i.receiver, ...i.arguments];
    case "new":
      return i.arguments;
    default:
      return [];
  }
}
