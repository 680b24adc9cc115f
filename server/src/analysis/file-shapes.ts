import type { FileFacts, FunctionFacts, FunctionId, VariableId } from "../program/facts.ts";
import { usesIn } from "./flow.ts";

// What an edit leaves as it was. Most edits change the body of one function, and move what stands behind it.

/** The facts of a file's new text, with the functions that are the same as before: what was concluded of them holds. */
export function withKeptFunctions(next: FileFacts, before: FileFacts | undefined): FileFacts {
  if (!before) return next;
  const functions = next.functions.map((one, id) => {
    const known = before.functions[id];
    return known && isSame(known, one) ? known : one;
  });
  return { ...next, functions };
}

/** Equality of plain data. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null)
    return Number.isNaN(a) && Number.isNaN(b);
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((one, index) => isSame(one, b[index]));
  }
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => isSame(a[key as keyof typeof a], b[key as keyof typeof b]))
  );
}

/** What does not matter to the meaning of other functions: where something stands, and what functions do. */
const ofOneFunction: ReadonlySet<string> = new Set([
  "start",
  "end",
  "blocks",
  "temps",
  "statements",
  "body",
  "nodes",
]);

/** As text; nodes of syntax are told apart, and numbered in the order of their first mention. */
function textOf(data: unknown): string {
  const nodes = new Map<unknown, number>();
  return JSON.stringify(data, (key, value) => {
    if (ofOneFunction.has(key)) return undefined;
    if (key !== "node") return value;
    if (!nodes.has(value)) nodes.set(value, nodes.size);
    return nodes.get(value);
  });
}

const insides = new WeakMap<FileFacts, string>();

/** What the functions of a file know of it, besides their own code. */
export function insideOf(facts: FileFacts): string {
  const known = insides.get(facts);
  if (known !== undefined) return known;
  const { language, module, imports, exports, variables, functions, classes, types } = facts;
  const text = textOf([
    [language, module, imports, exports, variables, functions, classes, types],
    functions.map((one) => [...executorsIn(one)]),
    functions.map((one) => [...partsOfNewIn(one)]),
    [...new Set(functions.flatMap((one) => [...storesIn(one)]))].sort((a, b) => a - b),
  ]);
  insides.set(facts, text);
  return text;
}

const surfaces = new WeakMap<FileFacts, string>();

/** What the functions of other files may know of a file. */
export function surfaceOf(facts: FileFacts): string {
  const known = surfaces.get(facts);
  if (known !== undefined) return known;
  const { imports, exports, variables, functions, classes, types } = facts;
  const shared = [...variables.entries()].filter(
    ([, one]) => one.exported || one.function === 0 || functions[one.function]?.kind === "namespace",
  );
  const text = textOf([imports, exports, shared, functions, classes, types]);
  surfaces.set(facts, text);
  return text;
}

const executors = new WeakMap<FunctionFacts, readonly FunctionId[]>();

/** The functions that are written as executors of promises. */
export function executorsIn(facts: FunctionFacts): readonly FunctionId[] {
  const known = executors.get(facts);
  if (known) return known;
  const uses = usesIn(facts);
  const found = facts.blocks.flatMap((block) =>
    block.code.flatMap((i) => {
      if (i.op !== "new" || i.arguments[0] === undefined) return [];
      const [callee] = uses.definitions(i.callee);
      const [executor] = uses.definitions(i.arguments[0]);
      return callee?.op === "global" && callee.name === "Promise" && executor?.op === "closure"
        ? [executor.function]
        : [];
    }),
  );
  executors.set(facts, found);
  return found;
}

/** A function that is written as a property of what a constructor of this name is given. */
export interface PartOfNew {
  readonly function: FunctionId;
  readonly callee: string;
  readonly arg: number;
  readonly prop: string;
}

const partsOfNew = new WeakMap<FunctionFacts, readonly PartOfNew[]>();

/** `new ReadableStream({ start(controller) { … } })`, of constructors that are global. */
export function partsOfNewIn(facts: FunctionFacts): readonly PartOfNew[] {
  const known = partsOfNew.get(facts);
  if (known) return known;
  const uses = usesIn(facts);
  const found = facts.blocks.flatMap(({ code }) =>
    code.flatMap((i) => {
      const [callee] = i.op === "new" ? uses.definitions(i.callee) : [];
      if (i.op !== "new" || callee?.op !== "global") return [];
      return [...i.arguments.entries()].flatMap(([arg, given]) => {
        const [object] = uses.definitions(given);
        return (object?.op === "object" ? object.parts : []).flatMap((part) => {
          const [made] = part.kind === "property" ? uses.definitions(part.value) : [];
          if (part.kind !== "property" || made?.op !== "closure") return [];
          return [{ function: made.function, callee: callee.name, arg, prop: part.name }];
        });
      });
    }),
  );
  partsOfNew.set(facts, found);
  return found;
}

const stores = new WeakMap<FunctionFacts, ReadonlySet<VariableId>>();

/** The variables that a function assigns. */
export function storesIn(facts: FunctionFacts): ReadonlySet<VariableId> {
  const known = stores.get(facts);
  if (known) return known;
  const found = new Set<VariableId>();
  for (const block of facts.blocks) for (const i of block.code) if (i.op === "store") found.add(i.variable);
  stores.set(facts, found);
  return found;
}
