import type { CreateModel, GuardedOutcome, Outcome } from "@unknot/models/model.ts";
import type { ProgramView } from "../analysis/analyzer.ts";
import type { FunctionKey } from "../analysis/places.ts";
import type { Fresh, Value } from "../analysis/values.ts";
import type { Range } from "../program/facts.ts";

const unknown: unique symbol = Symbol("unknown");

/** The call that made a resource: what the model says of it, and its arguments. */
export interface CreateCall {
  readonly create: CreateModel;
  readonly given: readonly Value[];
}

/** Undefined when the call is not in sight. */
export function createCallOf(view: ProgramView, resource: Fresh): CreateCall | undefined {
  const at = resource.site.path.at(-1);
  if (!at || resource.made.type !== "resource") return undefined;
  const facts = view.world.facts(at.file);
  for (const key of facts ? view.functionsOf(at.file) : []) {
    const found = createIn(view, key, at);
    if (found) return found;
  }
  return undefined;
}

/** It is made with a number of slots and a worker, and with no other option: it does nothing else. */
export function hasOnlyCapacity(view: ProgramView, resource: Fresh): boolean {
  const created = createCallOf(view, resource);
  if (!created) return false;
  const { create, given } = created;
  const sources = [create.capacity ?? []].flat();
  const names = sources.flatMap((one) =>
    typeof one === "object" && one.prop !== undefined ? [one.prop] : [],
  );
  return given.every((value, index) => {
    if (index === create.worker || value.kind === "constant") return true;
    if (value.kind === "fresh" && value.made.type === "object") {
      return [...value.made.properties.keys()].every((name) => names.includes(name));
    }
    return sources.some((one) => typeof one === "object" && one.arg === index && one.prop === undefined);
  });
}

function createIn(view: ProgramView, key: FunctionKey, at: Range): CreateCall | undefined {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation || evaluation.facts.start > at.start || evaluation.facts.end < at.end) return undefined;
  for (const [instruction, effect] of evaluation.calls) {
    if (instruction.start !== at.start || instruction.end !== at.end) continue;
    const target = effect.targets.find((one) => one.kind === "create");
    if (target?.create) return { create: target.create, given: effect.arguments };
  }
  return undefined;
}

/** What an outcome comes to for one resource; undefined when an option that decides is not known. */
export function outcomeFor(
  view: ProgramView,
  resource: Fresh | undefined,
  outcome: Outcome | readonly GuardedOutcome[] | undefined,
): Outcome | undefined {
  if (outcome === undefined || typeof outcome === "string") return outcome;
  const created = resource && createCallOf(view, resource);
  for (const { when, then } of outcome) {
    if (!when?.create) return then;
    const { arg, prop, is } = when.create;
    if (!created) return undefined;
    const value = optionOf(created.given[arg], prop);
    if (value === unknown) return undefined;
    if (value === is) return then;
  }
  return undefined;
}

/** The literal value of an argument, or of a property of it; undefined when it is not given. */
function optionOf(
  given: Value | undefined,
  name: string | undefined,
): boolean | number | string | undefined | typeof unknown {
  const isObject = given?.kind === "fresh" && given.made.type === "object";
  if (name !== undefined && given !== undefined && !isObject && given.kind !== "constant") return unknown;
  const value = name === undefined ? given : isObject ? given.made.properties.get(name) : undefined;
  if (value === undefined) return undefined;
  if (value.kind !== "constant") return unknown;
  const { constant } = value;
  return constant.type === "boolean" || constant.type === "number" || constant.type === "string"
    ? constant.value
    : undefined;
}
