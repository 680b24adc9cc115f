import { definePass, locationIn, type ReportedStep } from "../analysis/analyzer.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { insertAwait } from "../analysis/fixes.ts";
import { isDropped, usesIn } from "../analysis/flow.ts";
import { type Location, parseKey } from "../analysis/places.ts";
import type { Instruction } from "../program/facts.ts";
import { calleeOf } from "./leaks.ts";
import { type HeldTooLong, obligations } from "./obligations.ts";

/** A release that takes time and may fail, and nothing waits for it. */
export interface DroppedRelease {
  readonly resource: string;
  readonly at: Location;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const droppedReleases = definePass<readonly DroppedRelease[]>({
  id: "dropped-releases",
  run: (view, resultOf) => (file) =>
    resultOf(obligations, file).held.flatMap((held) =>
      view.attempt(file, "dropped-releases", () => droppedIn(held), []),
    ),
});

function droppedIn(held: HeldTooLong): readonly DroppedRelease[] {
  const { exploration, evaluation, resource } = held;
  const { file } = parseKey(evaluation.key);
  const found = new Map<number, DroppedRelease>();
  for (const { instruction, direct } of exploration.releases) {
    if (!direct || instruction.op !== "call" || found.has(instruction.start)) continue;
    if (!isDropped(usesIn(evaluation.facts), instruction.to) || !mayFail(held, instruction)) continue;
    const at = locationIn(file, instruction);
    found.set(instruction.start, {
      resource,
      at,
      trace: [
        { at: calleeOf(held), what: `'${resource}' is acquired here` },
        { at, what: "the release begins here, and nothing waits for its end" },
      ],
      fixes: evaluation.facts.async ? [insertAwait(at, "Await the release", true)] : [],
    });
  }
  return [...found.values()];
}

/** The release is asynchronous and can reject, by what the model says of the handle or of the method. */
function mayFail({ evaluation, birth }: HeldTooLong, release: Instruction): boolean {
  const methods = (evaluation.calls.get(release)?.targets ?? []).flatMap((target) =>
    target.kind === "operation" ? [target.operation] : [],
  );
  const [method] = methods;
  if (method) return method.await === true && method.onFloatReject !== "fine";
  return birth.form.asyncRelease === true && birth.form.onFloatReject !== "fine";
}
