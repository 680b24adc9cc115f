import { definePass, locationIn, type ReportedStep } from "../analysis/analyzer.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { insertAwait } from "../analysis/fixes.ts";
import { isDropped, usesIn } from "../analysis/flow.ts";
import { isLock } from "../analysis/model-index.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { plain } from "../analysis/values.ts";
import { walk } from "../analysis/walk.ts";
import type { Instruction } from "../program/facts.ts";
import { isAwaitPoint } from "../program/instructions.ts";
import { isSame } from "../program/ranges.ts";
import { calleeOf, isReleasedElsewhere, type ReleasesByResource, releasesByResource } from "./leaks.ts";
import { type HeldTooLong, isOnlyHold, obligations } from "./obligations.ts";

/** A lock that is asked for, and nothing waits until it is there before what it is to protect. */
export interface UnawaitedLock {
  readonly resource: string;
  readonly at: Location;
  /** What becomes of it: released without having been waited for, or waited for only to be released. */
  readonly end: "released" | "left" | "waited for too late";
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const unawaitedLocks = definePass<readonly UnawaitedLock[]>({
  id: "unawaited-locks",
  run(view, resultOf) {
    const elsewhere = releasesByResource(view);
    return (file) =>
      resultOf(obligations, file).held.flatMap((held) =>
        view.attempt(file, "unawaited-locks", () => unawaitedOf(held, elsewhere), []),
      );
  },
});

function unawaitedOf(held: HeldTooLong, elsewhere: ReleasesByResource): readonly UnawaitedLock[] {
  const { exploration, evaluation, birth, resource } = held;
  const { model } = birth.handle.made;
  if (!isLock(model) || !birth.place.promise || exploration.lost) return [];
  if (exploration.taken) return awaitedTooLate(held);
  const [release] = exploration.early;
  // A release may belong to another hold of the same function.
  if (release ? !isOnlyHold(held) : !isForgotten(held, elsewhere)) return [];
  const { file } = parseKey(evaluation.key);
  const at = calleeOf(held);
  const asked = { at, what: `'${resource}' is asked for here, and nothing waits until it is there` };
  const call = locationIn(file, birth.instruction);
  return [
    {
      resource,
      at,
      end: release ? "released" : "left",
      trace: release
        ? [asked, { at: locationIn(file, release), what: `'${resource}' is released here` }]
        : [asked],
      fixes: release && evaluation.facts.async ? [insertAwait(call, `Await '${resource}'`, true)] : [],
    },
  ];
}

/**
 * What is to be protected stands in a `try` whose `finally` waits for the lock for nothing but to release it: by then
 * all is done.
 */
function awaitedTooLate(held: HeldTooLong): readonly UnawaitedLock[] {
  const { exploration, evaluation, birth, resource } = held;
  const { file } = parseKey(evaluation.key);
  const isRelease = (i: Instruction) => exploration.releases.some(({ instruction }) => instruction === i);
  const isEmpty = [...exploration.held].every((i) => isRelease(i) || !doesSomething(i));
  if (!isEmpty || exploration.releases.length === 0 || exploration.leaks.length > 0) return [];
  const waits = new Set<Instruction>();
  const done = new Set<Instruction>();
  let isCleanUp = false;
  walk(evaluation, birth.instruction, (i, { steps }) => {
    const value = i.op === "await" ? evaluation.values[i.from] : undefined;
    const isWait = value?.kind === "promise" && value.of === birth.handle;
    if (isWait) {
      waits.add(i);
      isCleanUp ||= steps.some(({ what }) => what === "throws");
    } else if (isAwaitPoint(i)) done.add(i);
    return isWait ? "stop" : "go";
  });
  const [wait, ...otherWaits] = waits;
  const [first] = done;
  if (!isCleanUp || !wait || otherWaits.some((other) => !isSame(other, wait)) || !first) return [];
  const at = calleeOf(held);
  return [
    {
      resource,
      at,
      end: "waited for too late",
      trace: [
        { at, what: `'${resource}' is asked for here` },
        { at: locationIn(file, first), what: "what follows does not wait for it" },
        { at: locationIn(file, wait), what: `only here '${resource}' is waited for, to be released` },
      ],
      fixes: [],
    },
  ];
}

/** Other than to find what is to be released. */
function doesSomething({ op }: Instruction): boolean {
  switch (op) {
    case "load":
    case "this":
    case "global":
    case "get":
    case "move":
    case "constant":
    case "caught":
      return false;
    default:
      return true;
  }
}

/** Nobody keeps the promise, and nobody else gives the lock back, as one does who takes a free one for later. */
function isForgotten({ evaluation, birth }: HeldTooLong, elsewhere: ReleasesByResource): boolean {
  if (!isDropped(usesIn(evaluation.facts), birth.instruction.to)) return false;
  const byMethod = birth.form.form === "self" || birth.alsoReleasedBy.length > 0;
  const resource = plain(birth.handle.made.resource);
  const ends = [...(elsewhere.get(resource) ?? [])].some((key) => isHandler(evaluation, key));
  return !byMethod || ends || !isReleasedElsewhere(evaluation.key, resource, elsewhere);
}

/** `work().finally(() => slots.release())`: what the function protects ends there. */
function isHandler({ calls }: HeldTooLong["evaluation"], key: FunctionKey): boolean {
  return [...calls.values()].some(
    ({ targets, arguments: given }) =>
      targets.some((target) => target.kind === "operation" && target.operation.op === "chain") &&
      given.some((value) => value.kind === "function" && value.function === key),
  );
}
