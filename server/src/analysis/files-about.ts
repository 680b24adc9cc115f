import type { ModelKind } from "@unknot/models/model.ts";
import type { FileFacts } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { isHolding, operationOf } from "./model-index.ts";
import { type FunctionKey, parseKey } from "./places.ts";
import type { RuleSubject } from "./rule-subject.ts";
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
 * The files aside in which rules may find something that speak of these subjects: they, or files aside that they load,
 * have what it takes. Whether a file is among them hangs on no file that is looked at, so that what is found in one never
 * depends on which others are. Nothing else is concluded from it.
 */
export function filesAbout(
  world: World,
  solved: ReadonlyMap<FunctionKey, Summary>,
  subjects: ReadonlySet<RuleSubject | undefined>,
): readonly FilePath[] {
  const aside = world.files.filter((file) => world.isAside(file));
  const tests = [...subjects].map((subject) => mayConcern(world, solved, subject));
  const own = new Set(
    aside.filter((file) => {
      const facts = world.facts(file);
      return facts !== undefined && tests.some((test) => test(facts));
    }),
  );
  return aside.filter((file) => [...withLoaded(world, [file])].some((one) => own.has(one)));
}

function mayConcern(
  world: World,
  solved: ReadonlyMap<FunctionKey, Summary>,
  subject: RuleSubject | undefined,
): (facts: FileFacts) => boolean {
  switch (subject) {
    case undefined:
      return () => true;
    case "holds": {
      const names = holdingNames(world, solved);
      return names === "any" ? () => true : (facts) => takesByCall(world, facts) || mentions(facts, names);
    }
    case "channels": {
      // What the program itself does with channels can be reached under any name.
      if ([...solved.values()].some(({ uses }) => uses.some(({ model }) => isChannel(model.kind)))) {
        return () => true;
      }
      const names = world.models.globalsOf((kind) => isChannel(kind) || kind === "stream");
      return (facts) =>
        [...world.specifiersIn(facts)].some((one) => world.models.hasKind(bareModule(one), isChannel)) ||
        mentions(facts, names);
    }
    default:
      return subject;
  }
}

function isChannel(kind: ModelKind): boolean {
  return kind === "channel" || kind === "waitgroup";
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
