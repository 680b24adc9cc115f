import type { FilePath } from "../program/ids.ts";
import type { SymbolAnswer } from "../program/program.ts";
import type { Memory } from "./memory.ts";
import { type FunctionKey, parseKey } from "./places.ts";
import type { Answered, Summary } from "./summary.ts";
import { alternatives, type Value } from "./values.ts";
import type { World } from "./world.ts";

// What only TypeScript knows: which names are worth a question, and what its answers mean.

/** The names of functions of the program that wait, lock or hand out a handle. */
export function namesWithEffect(
  world: World,
  summaries: ReadonlyMap<FunctionKey, Summary>,
): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [key, summary] of summaries) {
    if (!hasEffect(summary)) continue;
    const name = world.function(key)?.name.split(".").at(-1);
    if (name) names.add(name);
  }
  return names;
}

/** The one object for an answer about a name in a file. */
export function answered(
  world: World,
  memory: Memory,
  by: FilePath,
  symbol: SymbolAnswer = { kind: "unknown" },
): Answered {
  const isOwn = symbol.kind === "declared" && symbol.package === undefined && !symbol.library;
  const found = isOwn ? world.functionAt(symbol.file, symbol.node) : undefined;
  const isSeen = found !== undefined && (world.isAside(by) || !world.isAside(parseKey(found).file));
  return memory.internedAnswer(isSeen ? { symbol, function: found } : { symbol });
}

const effects = new WeakMap<Summary, boolean>();

function hasEffect(summary: Summary): boolean {
  const known =
    effects.get(summary) ??
    (summary.waits.list.some((wait) => wait.kind === "operation" && holdsOrWaits(wait.model.kind)) ||
      summary.scopes.length > 0 ||
      summary.uses.length > 0 ||
      givesHandle(summary.returns));
  effects.set(summary, known);
  return known;
}

function holdsOrWaits(kind: string): boolean {
  return kind !== "promise" && kind !== "collection";
}

function givesHandle(value: Value): boolean {
  return alternatives(value).some((part) => {
    switch (part.kind) {
      case "promise":
        return part.waits.list.length > 0 || givesHandle(part.of);
      case "fresh":
        return part.made.type === "handle" || part.made.type === "resource";
      default:
        return false;
    }
  });
}
