import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import type { Leak } from "../analysis/explore.ts";
import type { PathStep } from "../analysis/explored-path.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { releaseInFinally } from "../analysis/fixes.ts";
import { describeTemp } from "../analysis/flow.ts";
import { operationOf } from "../analysis/model-index.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { plain, rootOf, type Value } from "../analysis/values.ts";
import { type HeldTooLong, obligations } from "./obligations.ts";

/** A path on which a lock is not given back, in words. */
export interface LockLeak {
  readonly how: "normal" | "exception";
  /** The resource as written: `this.mutex`. */
  readonly resource: string;
  /** The acquiring call, up to its name. */
  readonly at: Location;
  /** How the function is left: "'transfer' returns". */
  readonly leaves: string;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

/** The open obligations about locks that are certain enough to speak of. */
export const leaks = definePass<readonly LockLeak[]>({
  id: "leaks",
  run(view, resultOf) {
    const elsewhere = releasesByResource(view);
    return (file) =>
      resultOf(obligations, file).held.flatMap((held) =>
        view.attempt(file, "leaks", () => leaksOf(view, held, elsewhere), []),
      );
  },
});

/** The functions that release a resource by its own method, by resource. */
function releasesByResource(view: ProgramView): ReadonlyMap<Value, ReadonlySet<FunctionKey>> {
  const found = new Map<Value, Set<FunctionKey>>();
  for (const key of view.solution.functions) {
    for (const use of view.solution.evaluation(key)?.uses ?? []) {
      if (operationOf(use.model, use.operation)?.op !== "release") continue;
      const resource = plain(use.resource);
      const known = found.get(resource) ?? new Set<FunctionKey>();
      known.add(key);
      found.set(resource, known);
    }
  }
  return found;
}

function leaksOf(
  view: ProgramView,
  held: HeldTooLong,
  elsewhere: ReadonlyMap<Value, ReadonlySet<FunctionKey>>,
): readonly LockLeak[] {
  const { exploration, evaluation, birth } = held;
  const { model, resource } = birth.handle.made;
  const isLock = model.kind === "mutex" || model.kind === "semaphore" || model.kind === "rwlock";
  // What a module takes at its top it may keep for the life of the process.
  if (!isLock || exploration.lost || evaluation.facts.kind === "module") return [];
  const methods = birth.alsoReleasedBy.length > 0 || birth.form.form === "self";
  const given = methods && exploration.releases.length === 0;
  if (given && isReleasedElsewhere(evaluation.key, plain(resource), elsewhere)) return [];
  const normal = exploration.leaks.find((leak) => leak.how === "normal");
  const chosen = normal ?? (exploration.releases.length > 0 ? exploration.leaks[0] : undefined);
  return chosen ? [worded(view, held, chosen)] : [];
}

/** Taken here and given back by another function: `enter()` and `leave()`. */
function isReleasedElsewhere(
  key: FunctionKey,
  resource: Value,
  elsewhere: ReadonlyMap<Value, ReadonlySet<FunctionKey>>,
): boolean {
  // Who passes the lock in can give it back.
  if (rootOf(resource).kind === "parameter") return true;
  return [...(elsewhere.get(resource) ?? [])].some((other) => other !== key);
}

const stepText: Readonly<Record<PathStep["what"], string>> = {
  taken: "this condition holds",
  skipped: "this condition does not hold",
  throws: "this fails",
  ends: "this is the end",
};

function worded(view: ProgramView, held: HeldTooLong, leak: Leak): LockLeak {
  const { evaluation, birth, resource } = held;
  const { file } = parseKey(evaluation.key);
  const facts = view.world.facts(file);
  const name = evaluation.facts.name.split(".").at(-1);
  const self = name ? `'${name}'` : "this function";
  const cause = leak.instruction;
  const failing =
    facts && cause?.op === "call"
      ? `'${describeTemp(facts, evaluation.facts, cause.callee)}'`
      : facts && cause?.op === "await"
        ? `'${describeTemp(facts, evaluation.facts, cause.from)}'`
        : undefined;
  const leaves = leak.how === "normal" ? `${self} returns` : failing ? `${failing} fails` : `${self} throws`;
  const ending = leak.how === "normal" ? `${self} ends here` : `the error leaves ${self} here`;
  const steps = leak.path.map(
    (step, index): ReportedStep => ({
      at: locationIn(file, step.at),
      what:
        index === leak.path.length - 1 ? `${ending}, and '${resource}' is still held` : stepText[step.what],
    }),
  );
  const fix = releaseInFinally(view, held.evaluation.facts, file, birth);
  return {
    how: leak.how,
    resource,
    at: calleeOf(held),
    leaves,
    trace: [{ at: calleeOf(held), what: `'${resource}' is acquired here` }, ...steps],
    fixes: fix ? [fix] : [],
  };
}

/** `this.mutex.acquire` of `this.mutex.acquire(1)`. */
function calleeOf(held: HeldTooLong): Location {
  const { evaluation, birth } = held;
  const { file } = parseKey(evaluation.key);
  const i = birth.instruction;
  for (const block of evaluation.facts.blocks) {
    for (const step of block.code) {
      if ("to" in step && step.to === i.callee && step.end <= i.end) {
        return locationIn(file, { start: i.start, end: Math.max(step.end, i.start + 1) });
      }
    }
  }
  return locationIn(file, i);
}
