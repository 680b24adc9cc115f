import type { Constant, FunctionFacts, Instruction, Temp, VariableId } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { usesIn } from "./flow.ts";
import { parseKey, type VariableKey, variableKey } from "./places.ts";
import type { World } from "./world.ts";

// Lists and sets that a module fills with constants and that nobody in the program changes: the names of events, the
// states that count as final.

export interface ConstantLists {
  /** The elements of a list or set, with what is known by names alone; undefined when it may have others. */
  contentOf(
    file: FilePath,
    facts: FunctionFacts,
    temp: Temp,
    kind: "list" | "set",
  ): readonly Constant[] | undefined;
}

/** What lets others only read a list or set. */
const reading: ReadonlySet<string> = new Set([
  "has",
  "includes",
  "indexOf",
  "at",
  "size",
  "length",
  "keys",
  "values",
  "entries",
  "join",
  "slice",
]);

const maxDepth = 3;

export function createConstantLists(world: World): ConstantLists {
  let changed: ReadonlySet<VariableKey> | undefined;

  /** The variable of a module that a temp is read from, in whichever file: `names`, `events.names`. */
  const variableRead = (
    file: FilePath,
    facts: FunctionFacts,
    i: Instruction | undefined,
  ): VariableKey | undefined => {
    if (i?.op === "load") {
      const target =
        world.facts(file)?.variables[i.variable]?.kind === "import"
          ? world.importOf(file, i.variable)
          : undefined;
      if (target === undefined) return variableKey(file, i.variable);
      return target.kind === "variable" ? variableKey(target.file, target.variable) : undefined;
    }
    const [namespace] = i?.op === "get" ? usesIn(facts).definitions(i.object) : [];
    if (i?.op !== "get" || namespace?.op !== "load") return undefined;
    const module = world.importOf(file, namespace.variable);
    const target = module?.kind === "module" ? world.exportOf(module.file, i.name) : undefined;
    return target?.kind === "variable" ? variableKey(target.file, target.variable) : undefined;
  };

  /** Every variable that somebody does more with than read the elements of what it holds. */
  const findChanged = (): ReadonlySet<VariableKey> => {
    const found = new Set<VariableKey>();
    for (const file of world.files) {
      for (const facts of world.facts(file)?.functions ?? []) {
        const uses = usesIn(facts);
        for (const i of facts.blocks.flatMap(({ code }) => code)) {
          if (i.op !== "load" && i.op !== "get") continue;
          const isRead = uses.readers(i.to).every((reader) => isReading(facts, reader, i.to));
          if (isRead && !uses.endsBlock(i.to)) continue;
          const variable = variableRead(file, facts, i);
          if (variable !== undefined) found.add(variable);
        }
      }
    }
    return found;
  };

  const elements = (
    file: FilePath,
    facts: FunctionFacts,
    temp: Temp,
    kind: "list" | "set",
    depth: number,
  ): readonly Constant[] | undefined => {
    const uses = usesIn(facts);
    const [i, other] = uses.definitions(temp);
    if (i === undefined || other || depth > maxDepth) return undefined;
    if (kind === "list" && i.op === "array") return constants(facts, i);
    if (kind === "set" && i.op === "new") {
      const [callee] = uses.definitions(i.callee);
      const [from] = callee?.op === "global" && callee.name === "Set" ? i.arguments : [];
      return from === undefined ? undefined : elements(file, facts, from, "list", depth + 1);
    }
    const key = variableRead(file, facts, i);
    const variable = key && world.variable(key);
    if (key === undefined || variable?.kind !== "const" || variable.function !== 0) return undefined;
    changed ??= findChanged();
    if (changed.has(key)) return undefined;
    return stored(key, kind, depth);
  };

  /** What a constant of a module is given where it stands. */
  const stored = (key: VariableKey, kind: "list" | "set", depth: number) => {
    const { file, id } = parseKey(key);
    const [module] = world.facts(file)?.functions ?? [];
    const stores = (module?.blocks ?? []).flatMap(({ code }) =>
      code.flatMap((i) => (i.op === "store" && i.variable === (id as VariableId) ? [i] : [])),
    );
    const [store, other] = stores;
    return module && store && !other ? elements(file, module, store.from, kind, depth + 1) : undefined;
  };

  return { contentOf: (file, facts, temp, kind) => elements(file, facts, temp, kind, 0) };
}

function constants(
  facts: FunctionFacts,
  list: Extract<Instruction, { readonly op: "array" }>,
): readonly Constant[] | undefined {
  if (list.spread.length > 0) return undefined;
  const found = list.elements.map((element) => {
    const [constant] = element === null ? [] : usesIn(facts).definitions(element);
    return constant?.op === "constant" ? constant.constant : undefined;
  });
  return found.every((one) => one !== undefined) ? found : undefined;
}

function isReading(facts: FunctionFacts, reader: Instruction, list: Temp): boolean {
  switch (reader.op) {
    case "get":
      return reading.has(reader.name);
    case "get-element":
      return reader.object === list;
    case "iterate":
    case "spread":
      return true;
    case "call":
      // As an argument it would be in other hands.
      return reader.receiver === list && !reader.arguments.includes(list);
    case "new": {
      const [callee] = usesIn(facts).definitions(reader.callee);
      return callee?.op === "global" && callee.name === "Set";
    }
    default:
      return false;
  }
}
