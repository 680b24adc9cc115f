import type { ProgramView } from "../analysis/analyzer.ts";
import type { Contexts } from "../analysis/contexts.ts";
import type { ClassKey } from "../analysis/places.ts";
import { plain, rootOf, type Value } from "../analysis/values.ts";
import { givenFor } from "./given-arguments.ts";

/** Decorators of classes of which a container makes one object: Nest, Angular, Inversify, typedi, tsyringe. */
const madeOnce: ReadonlySet<string> = new Set([
  "Injectable",
  "Controller",
  "Service",
  "singleton",
  "Singleton",
]);

/** A field may hold what a constructor was given, which may be a field again. */
const maxHops = 6;

/**
 * One name for a resource that several objects were handed: what a module made once, for a field that every visible
 * construction fills with it; a field of the one object, for a class that a container injects.
 */
export function identityOf(view: ProgramView, contexts: Contexts, value: Value, hops = 0): Value {
  const real = plain(value);
  if (real.kind !== "member" || hops > maxHops) return real;
  const { semantics } = view.solution;
  const { values } = semantics;
  const owner = semantics.typeOf(real.of);
  if (owner?.kind === "model") {
    // The lock of one key is one of the lock of all keys.
    const of = identityOf(view, contexts, real.of, hops + 1);
    if (of === real.of) return real;
    return real.key ? (values.entry(of, real.key) ?? real) : values.member(of, real.name);
  }
  if (owner?.kind !== "class") return real;
  // What a name stands for in the whole program is the same in every object.
  const content = plain(view.solution.field(owner.class, real.name));
  if (content.kind === "external") return content;
  const injected = handedIn(view, contexts, owner.class, real, hops);
  if (injected && injected !== real) return identityOf(view, contexts, injected, hops + 1);
  const of = isMadeOnce(view, owner.class)
    ? values.receiver(owner.class)
    : identityOf(view, contexts, real.of, hops + 1);
  return of === real.of ? real : semantics.member(of, real.name);
}

function isMadeOnce(view: ProgramView, of: ClassKey): boolean {
  return view.world.class(of)?.decorators.some((name) => madeOnce.has(name)) ?? false;
}

/**
 * What every construction that we see hands in for a field: one thing that a module made; or what one object, or one run
 * of a function, shares out among those that it makes, if the field is seen from there.
 */
function handedIn(
  view: ProgramView,
  contexts: Contexts,
  of: ClassKey,
  { of: object, name }: Member,
  hops: number,
): Value | undefined {
  const content = view.solution.field(of, name);
  const root = rootOf(content);
  if (root.kind !== "parameter") return undefined;
  if (view.world.function(root.function)?.kind !== "constructor") return undefined;
  const [only, other] = givenFor(view, contexts, content) ?? [];
  if (other || !only) return undefined;
  if (only.kind === "fresh" && only.site.path.length === 1) {
    if (view.world.function(only.site.function)?.kind === "module") return only;
    if (isObject(object)) return only;
    const whole = identityOf(view, contexts, object, hops + 1);
    return whole.kind === "fresh" && whole.site.function === only.site.function ? only : undefined;
  }
  if (only.kind !== "member" || only.key || only.of.kind !== "receiver") return undefined;
  if (isObject(object)) return only;
  return object.kind === "member" && isMadeBy(view, object, only.of)
    ? view.solution.semantics.member(object.of, only.name)
    : undefined;
}

type Member = Extract<Value, { kind: "member" }>;

/** Any one object of a class, as its own methods see it. */
function isObject(value: Value): boolean {
  return value.kind === "receiver";
}

/** `new Documents().index`, which each of them makes for itself. */
function isMadeBy(view: ProgramView, { of, name }: Member, maker: Value): boolean {
  const { semantics } = view.solution;
  const owner = semantics.typeOf(of);
  if (owner?.kind !== "class" || maker.kind !== "receiver" || owner.class !== maker.of) return false;
  const made = plain(view.solution.field(owner.class, name));
  return made.kind === "fresh" && made.made.type === "instance" && made.site.path.length === 1;
}
