import type {
  BlockId,
  FileFacts,
  FunctionFacts,
  FunctionId,
  Instruction,
  Temp,
  VariableId,
} from "../program/facts.ts";
import { operands, successors, written } from "../program/instructions.ts";

type Load = Extract<Instruction, { op: "load" }>;
type Store = Extract<Instruction, { op: "store" }>;

/** Where the temps of a function are written and read. */
export interface Uses {
  /** The instructions that write a temp; several for a conditional result. */
  definitions(temp: Temp): readonly Instruction[];
  /** The instructions that read a temp. */
  readers(temp: Temp): readonly Instruction[];
  /** A branch, return or throw reads it. */
  endsBlock(temp: Temp): boolean;
}

const usesOf = new WeakMap<FunctionFacts, Uses>();

export function usesIn(facts: FunctionFacts): Uses {
  const known = usesOf.get(facts);
  if (known) return known;
  const definitions = new Map<Temp, Instruction[]>();
  const readers = new Map<Temp, Instruction[]>();
  const ends = new Set<Temp>();
  const add = (map: Map<Temp, Instruction[]>, temp: Temp, instruction: Instruction) => {
    const list = map.get(temp);
    if (list) list.push(instruction);
    else map.set(temp, [instruction]);
  };
  for (const block of facts.blocks) {
    for (const instruction of block.code) {
      for (const temp of written(instruction)) add(definitions, temp, instruction);
      for (const temp of operands(instruction)) add(readers, temp, instruction);
    }
    if (block.end.kind === "branch") ends.add(block.end.test);
    else if ((block.end.kind === "return" || block.end.kind === "throw") && block.end.value !== undefined) {
      ends.add(block.end.value);
    }
  }
  const uses: Uses = {
    definitions: (temp) => definitions.get(temp) ?? [],
    readers: (temp) => readers.get(temp) ?? [],
    endsBlock: (temp) => ends.has(temp),
  };
  usesOf.set(facts, uses);
  return uses;
}

const storesOf = new WeakMap<Instruction, readonly Store[] | undefined>();

/** What a local may hold where it is read: its stores that reach the read. Unknown where a path stores nothing. */
export function storesReaching(facts: FunctionFacts, load: Load): readonly Store[] | undefined {
  if (storesOf.has(load)) return storesOf.get(load);
  const found = findStores(facts, load);
  storesOf.set(load, found);
  return found;
}

function findStores({ blocks }: FunctionFacts, load: Load): readonly Store[] | undefined {
  const isStore = (i: Instruction): i is Store => i.op === "store" && i.variable === load.variable;
  const home = blocks.findIndex(({ code }) => code.includes(load));
  const own = blocks[home]?.code ?? [];
  const before = own.slice(0, own.indexOf(load)).findLast(isStore);
  if (before) return [before];
  const all = blocks.flatMap(({ code }) => code.filter(isStore));
  // Nothing is read before it is declared.
  if (all.length === 1 && all[0]?.initial) return all;
  const found = new Set<Store>();
  const seen = new Set<number>();
  const open = [home];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at === 0) return undefined;
    for (const [id, block] of blocks.entries()) {
      // A block may fail before and behind each of its stores.
      const fails = block.handler === (at as BlockId);
      if (seen.has(id) || !(fails || successors(block.end).includes(at as BlockId))) continue;
      const stores = block.code.filter(isStore);
      for (const store of fails ? stores : stores.slice(-1)) found.add(store);
      if (!fails && stores.length > 0) continue;
      seen.add(id);
      open.push(id);
    }
  }
  return [...found];
}

/** A variable of a function that nobody sees by importing it. */
export function isOwnVariable(file: FileFacts, facts: FunctionFacts, id: VariableId): boolean {
  const variable = file.variables[id];
  if (!variable || variable.exported || variable.kind === "export") return false;
  return file.functions[variable.function] === facts;
}

/** `pipe` of `source.pipe(target)`. */
export function memberCalled(
  facts: FunctionFacts,
  call: Extract<Instruction, { readonly op: "call" }>,
): string | undefined {
  const [callee] = usesIn(facts).definitions(call.callee);
  return callee?.op === "get" ? callee.name : undefined;
}

/** `.catch(handler)`, `.then(a, b)`: whatever it is, somebody looks at a failure. */
export function handlesFailure(
  facts: FunctionFacts,
  call: Extract<Instruction, { readonly op: "call" }>,
): boolean {
  const name = memberCalled(facts, call);
  return (name === "catch" && call.arguments.length > 0) || (name === "then" && call.arguments.length > 1);
}

/** Whether nothing ever looks at a value: an expression statement, or a branch of one. */
export function isDropped(uses: Uses, temp: Temp, depth = 0): boolean {
  if (depth > 20 || uses.endsBlock(temp)) return false;
  return uses.readers(temp).every((reader) => reader.op === "move" && isDropped(uses, reader.to, depth + 1));
}

const capturesOf = new WeakMap<FileFacts, ReadonlyMap<FunctionId, ReadonlySet<VariableId>>>();

/** The variables of enclosing functions that a function, or one inside it, mentions. */
export function capturesIn(file: FileFacts): ReadonlyMap<FunctionId, ReadonlySet<VariableId>> {
  const known = capturesOf.get(file);
  if (known) return known;
  const captures = new Map<FunctionId, Set<VariableId>>();
  for (const [id, facts] of file.functions.entries()) {
    for (const instruction of facts.blocks.flatMap((block) => block.code)) {
      if (instruction.op !== "load" && instruction.op !== "store") continue;
      const owner = file.variables[instruction.variable]?.function;
      for (
        let at: number | undefined = id;
        at !== undefined && at !== owner;
        at = file.functions[at]?.parent
      ) {
        const set = captures.get(at as FunctionId) ?? new Set<VariableId>();
        set.add(instruction.variable);
        captures.set(at as FunctionId, set);
      }
    }
  }
  capturesOf.set(file, captures);
  return captures;
}

/** A short text for what a temp holds, in the words of the code: `this.lock`, `accounts`, `connect()`. */
export function describeTemp(file: FileFacts, facts: FunctionFacts, temp: Temp, depth = 0): string {
  const [definition] = usesIn(facts).definitions(temp);
  if (!definition || depth > 6) return "…";
  const describe = (inner: Temp) => describeTemp(file, facts, inner, depth + 1);
  switch (definition.op) {
    case "load":
      return file.variables[definition.variable]?.name ?? "…";
    case "this":
    case "super":
      return definition.op;
    case "global":
      return definition.name;
    case "get":
      return `${describe(definition.object)}.${definition.name}`;
    case "get-element":
      return `${describe(definition.object)}[…]`;
    case "call":
      return `${describe(definition.callee)}()`;
    case "new":
      return `new ${describe(definition.callee)}()`;
    case "await":
      return describe(definition.from);
    case "move":
      return describe(definition.from);
    case "closure":
      return file.functions[definition.function]?.name || "the function";
    case "import":
    case "require":
      return `${definition.op}("${definition.specifier ?? "…"}")`;
    case "super-call":
      return "super()";
    default:
      return "…";
  }
}
