import type { FileFacts } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { isHolding, operationOf } from "./model-index.ts";
import { type FunctionKey, parseKey } from "./places.ts";
import type { Summary } from "./summary.ts";
import { alternatives, type Value } from "./values.ts";
import { bareModule, type World } from "./world.ts";

/** The files among `from`, and those aside that they load. */
export function withLoaded(world: World, from: readonly FilePath[]): ReadonlySet<FilePath> {
  const found = new Set<FilePath>();
  const open = [...from];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (found.has(file) || !world.isAside(file)) continue;
    found.add(file);
    open.push(...world.filesLoadedBy(file));
  }
  return found;
}

/**
 * The files aside in which something may be taken or given back: they, or files aside that they load, mention a name that
 * stands for it. Names are enough to leave a file out; nothing is concluded from them otherwise.
 */
export function filesThatHold(
  world: World,
  solved: ReadonlyMap<FunctionKey, Summary>,
): ReadonlySet<FilePath> {
  const aside = world.files.filter((file) => world.isAside(file));
  const names = holdingNames(world, solved);
  if (names === "any") return new Set(aside);
  const own = new Set(
    aside.filter((file) => {
      const facts = world.facts(file);
      return facts && (takesByCall(world, facts) || mentions(facts, names));
    }),
  );
  return new Set(aside.filter((file) => [...withLoaded(world, [file])].some((one) => own.has(one))));
}

/** `any` when something that takes can be reached under a name that does not tell. */
function holdingNames(world: World, solved: ReadonlyMap<FunctionKey, Summary>): ReadonlySet<string> | "any" {
  const names = new Set(world.models.holdingMembers(world.imported));
  for (const [key, summary] of solved) {
    if (!holds(summary)) continue;
    const { file } = parseKey(key);
    const one = world.function(key);
    const name = one?.name.split(".").at(-1) ?? "";
    const isClosure = one?.class === undefined && one?.parent !== 0;
    // Whoever calls a closure, or makes an instance, has it from anywhere.
    if (isClosure || !/^[\w$]+$/.test(name) || name === "constructor") return "any";
    names.add(name);
    for (const exported of world.facts(file)?.exports ?? []) {
      if (exported.kind !== "variable") continue;
      if (world.facts(file)?.variables[exported.variable]?.name === name) names.add(exported.name);
    }
  }
  for (const file of world.files) {
    const facts = world.facts(file);
    // A resource that is called itself can be in any variable.
    if (facts && !world.isAside(file) && takesByCall(world, facts)) return "any";
    for (const exported of facts?.exports ?? []) {
      if (exported.kind === "from" && names.has(exported.imported)) names.add(exported.name);
    }
  }
  return names;
}

function takesByCall(world: World, facts: FileFacts): boolean {
  return [...world.specifiersIn(facts)].some((specifier) => world.models.holdsByCall(bareModule(specifier)));
}

function mentions(facts: FileFacts, names: ReadonlySet<string>): boolean {
  return (
    facts.imports.some(({ imported }) => names.has(imported)) ||
    facts.functions.some(({ blocks }) =>
      blocks.some(({ code }) =>
        code.some((i) => {
          if (i.op === "get" || i.op === "global") return names.has(i.name);
          return i.op === "constant" && i.constant.type === "string" && names.has(i.constant.value);
        }),
      ),
    )
  );
}

function holds({ scopes, uses, returns }: Summary): boolean {
  return (
    scopes.length > 0 ||
    uses.some(({ model, operation }) => {
      const meant = operationOf(model, operation);
      return meant !== undefined && isHolding(meant);
    }) ||
    givesHandle(returns)
  );
}

function givesHandle(value: Value): boolean {
  return alternatives(value).some((part) => {
    switch (part.kind) {
      case "promise":
        return givesHandle(part.of);
      case "fresh":
        return (
          part.made.type === "handle" ||
          (part.made.type === "object" && [...part.made.properties.values()].some(givesHandle)) ||
          (part.made.type === "array" && part.made.elements.some(givesHandle))
        );
      default:
        return false;
    }
  });
}
