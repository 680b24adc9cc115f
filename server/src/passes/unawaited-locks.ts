import { definePass, locationIn, type ReportedStep } from "../analysis/analyzer.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { insertAwait } from "../analysis/fixes.ts";
import { isDropped, usesIn } from "../analysis/flow.ts";
import { isLock } from "../analysis/model-index.ts";
import { type Location, parseKey } from "../analysis/places.ts";
import { plain } from "../analysis/values.ts";
import { calleeOf, isReleasedElsewhere, type ReleasesByResource, releasesByResource } from "./leaks.ts";
import { type HeldTooLong, isOnlyHold, obligations } from "./obligations.ts";

/** A lock that is asked for, and no path of the function waits until it is there. */
export interface UnawaitedLock {
  readonly resource: string;
  readonly at: Location;
  /** It is released all the same. */
  readonly isReleased: boolean;
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
  if (!isLock(model) || !birth.place.promise || exploration.taken || exploration.lost) return [];
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
      isReleased: release !== undefined,
      trace: release
        ? [asked, { at: locationIn(file, release), what: `'${resource}' is released here` }]
        : [asked],
      fixes: release && evaluation.facts.async ? [insertAwait(call, `Await '${resource}'`, true)] : [],
    },
  ];
}

/** Nobody keeps the promise, and nobody else gives the lock back, as one does who takes a free one for later. */
function isForgotten({ evaluation, birth }: HeldTooLong, elsewhere: ReleasesByResource): boolean {
  if (!isDropped(usesIn(evaluation.facts), birth.instruction.to)) return false;
  const byMethod = birth.form.form === "self" || birth.alsoReleasedBy.length > 0;
  return !byMethod || !isReleasedElsewhere(evaluation.key, plain(birth.handle.made.resource), elsewhere);
}
