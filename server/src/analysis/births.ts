import type { HandleModel } from "@unknot/models/model.ts";
import type { Instruction, Range } from "../program/facts.ts";
import type { Evaluation } from "./evaluate.ts";
import type { FunctionKey } from "./places.ts";
import { type Fresh, isMadeAt, rootOf, type Value } from "./values.ts";

// Where the duty to give something back arises: calls that hand out the right to release.

/** A lock, permit or client taken at an instruction. */
export interface Birth {
  readonly instruction: Extract<Instruction, { readonly op: "call" | "new" }>;
  readonly handle: Fresh & { readonly made: { readonly type: "handle" } };
  readonly form: HandleModel;
  /** Members of the resource that also end it. */
  readonly alsoReleasedBy: readonly string[];
  /** Where in the call's result the handle is. */
  readonly place: Place;
}

/** How to get from a value to the handle: await it first, then follow these properties. */
export interface Place {
  readonly promise: boolean;
  /** The property that has the promise, where the value is none itself: `pool.acquire().promise`. */
  readonly promiseIn?: string;
  readonly path: readonly string[];
}

const known = new WeakMap<Evaluation, readonly Birth[]>();

/** The births in a function: calls whose result is, or leads to, a handle that did not exist before. */
export function birthsIn(evaluation: Evaluation): readonly Birth[] {
  const before = known.get(evaluation);
  if (before) return before;
  const found = findBirths(evaluation);
  known.set(evaluation, found);
  return found;
}

function findBirths(evaluation: Evaluation): readonly Birth[] {
  const births: Birth[] = [];
  for (const [index, block] of evaluation.facts.blocks.entries()) {
    if (!evaluation.reached[index]) continue;
    for (const instruction of block.code) {
      if (instruction.op !== "call" && instruction.op !== "new") continue;
      const effect = evaluation.calls.get(instruction);
      const found =
        effect && handleIn(effect.result, evaluation.key, instruction, { promise: false, path: [] });
      if (found) births.push({ ...found, instruction });
    }
  }
  return births;
}

function handleIn(
  value: Value,
  key: FunctionKey,
  at: Range,
  place: Place,
): Omit<Birth, "instruction"> | undefined {
  switch (value.kind) {
    case "promise":
      if (place.promise || place.path.length > 1) return undefined;
      return handleIn(value.of, key, at, {
        promise: true,
        ...(place.path[0] === undefined ? {} : { promiseIn: place.path[0] }),
        path: [],
      });
    case "typed":
      return handleIn(value.of, key, at, place);
    case "fresh": {
      const { made } = value;
      if (made.type === "object" && place.path.length < 2) {
        for (const [name, property] of made.properties) {
          const found = handleIn(property, key, at, { ...place, path: [...place.path, name] });
          if (found) return found;
        }
        return undefined;
      }
      if (made.type !== "handle" || !isMadeAt(value, key, at)) return undefined;
      const operation = made.model.members.get(made.operation) ?? made.model.call;
      const form = operation?.handle;
      // What a callback gets does not come out of the call.
      if (!form || form.form === "callback") return undefined;
      const inner = form.form === "tuple" ? [...place.path, String(form.index ?? 0)] : place.path;
      return {
        handle: value as Birth["handle"],
        form,
        alsoReleasedBy: operation.alsoReleasedBy ?? [],
        place: { ...place, path: inner },
      };
    }
    default:
      return undefined;
  }
}

/** Makes a resource, or takes it from somewhere, again: from here on its name means another one. */
export function isOrigin({ key }: Evaluation, resource: Value, i: Instruction): boolean {
  const root = rootOf(resource);
  return (
    (i.op === "new" || i.op === "call" || i.op === "next") && root.kind === "fresh" && isMadeAt(root, key, i)
  );
}
