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
  const injected = handedIn(view, contexts, owner.class, real.name);
  if (injected) return identityOf(view, contexts, injected, hops + 1);
  const of = isMadeOnce(view, owner.class)
    ? values.receiver(owner.class)
    : identityOf(view, contexts, real.of, hops + 1);
  return of === real.of ? real : semantics.member(of, real.name);
}

function isMadeOnce(view: ProgramView, of: ClassKey): boolean {
  return view.world.class(of)?.decorators.some((name) => madeOnce.has(name)) ?? false;
}

/** What every construction that we see hands in for a field, when that is one thing that a module made. */
function handedIn(view: ProgramView, contexts: Contexts, of: ClassKey, field: string): Value | undefined {
  const content = view.solution.field(of, field);
  const root = rootOf(content);
  if (root.kind !== "parameter") return undefined;
  if (view.world.function(root.function)?.kind !== "constructor") return undefined;
  const [only, other] = givenFor(view, contexts, content) ?? [];
  if (other || only?.kind !== "fresh" || only.site.path.length !== 1) return undefined;
  return view.world.function(only.site.function)?.kind === "module" ? only : undefined;
}
