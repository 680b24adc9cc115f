import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import { loopBlocks } from "../analysis/contexts.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { describeTemp, usesIn } from "../analysis/flow.ts";
import { isLock, operationOf, opOf } from "../analysis/model-index.ts";
import { resourceName } from "../analysis/names.ts";
import { after } from "../analysis/pauses.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { placesTested, placeWritten } from "../analysis/shared-places.ts";
import { plain } from "../analysis/values.ts";
import type { Instruction } from "../program/facts.ts";
import { type Parallel, parallel } from "./parallel.ts";

/** A wait for a state that may be over again when the waiter runs, and that nothing tests then. */
export interface SingleWait {
  /** What is waited for: `mutex`, or the call that waits. */
  readonly on: string;
  /** What the waiter relies on. */
  readonly then: string;
  readonly at: Location;
  readonly trace: readonly ReportedStep[];
}

export const singleWaits = definePass<readonly SingleWait[]>({
  id: "single-waits",
  run: (view, resultOf) => {
    const beside = () => resultOf(parallel, view.world.files[0] ?? "");
    return (file) =>
      view
        .functionsOf(file)
        .flatMap((key) => view.attempt(file, "single-waits", () => waitsIn(view, key, beside), []));
  },
});

function waitsIn(view: ProgramView, key: FunctionKey, beside: () => Parallel): readonly SingleWait[] {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation?.facts.async || evaluation.facts.imprecise !== undefined) return [];
  const loops = loopBlocks(evaluation.facts);
  const found: SingleWait[] = [];
  for (const [index, block] of evaluation.facts.blocks.entries()) {
    // Who waits in a loop tests again.
    if (loops.has(index) || !evaluation.reached[index]) continue;
    for (const i of block.code) {
      if (i.op !== "await") continue;
      const one = weakWait(view, evaluation, i, beside) ?? eventWait(view, evaluation, i, index, beside);
      if (one) found.push(one);
    }
  }
  return found;
}

type Await = Extract<Instruction, { readonly op: "await" }>;

/** `await mutex.waitForUnlock()`: by the time it goes on somebody else may have it. */
function weakWait(
  view: ProgramView,
  evaluation: Evaluation,
  i: Await,
  beside: () => Parallel,
): SingleWait | undefined {
  const { file } = parseKey(evaluation.key);
  for (const wait of evaluation.awaits.get(i)?.waits.list ?? []) {
    if (wait.kind !== "operation") continue;
    if (operationOf(wait.model, wait.operation)?.weak !== true) continue;
    const resource = plain(wait.resource);
    const on = resourceName(view, resource, wait.at);
    const behind = [...after(evaluation.facts, i)];
    const used = (op: RegExp) => {
      const uses = evaluation.uses.filter(
        (use) => plain(use.resource) === resource && op.test(opOf(use) ?? ""),
      );
      return behind.find((one) => uses.some((use) => (use.via[0] ?? use.at).start === one.start));
    };
    // Who takes it then waits properly; who asks again knows.
    if (used(/^(tryAcquire|query)$/)) continue;
    const said = (then: string, at: Instruction) =>
      worded(on, then, locationIn(file, i), locationIn(file, at));
    if (isLock(wait.model)) {
      const touched = used(/^(acquire|scoped)$/)
        ? undefined
        : behind.find((one) => touches(view, evaluation, one));
      if (touched) return said(`'${on}' may be taken again by now`, touched);
      continue;
    }
    // Everybody who waits for room in a queue is told at once.
    const given = used(/^(submit|map)$/);
    if (given && beside().overlapsItself(evaluation.key, { kind: "program" })) {
      return said(`the room in '${on}' may be taken by now`, given);
    }
  }
  return undefined;
}

function touches(view: ProgramView, evaluation: Evaluation, i: Instruction): boolean {
  const reader = { semantics: view.solution.semantics, evaluation };
  return placeWritten(reader, i) !== undefined;
}

/** `if (this.free === 0) await once(this.events, "free"); this.free -= 1`: several wake for one. */
function eventWait(
  view: ProgramView,
  evaluation: Evaluation,
  i: Await,
  index: number,
  beside: () => Parallel,
): SingleWait | undefined {
  const { facts } = evaluation;
  const [call] = usesIn(facts).definitions(i.from);
  const isEvent = (call ? (evaluation.calls.get(call)?.targets ?? []) : []).some(
    (target) => target.kind === "operation" && target.operation.op === "waitEvent",
  );
  if (!isEvent || call?.op !== "call") return undefined;
  const { file } = parseKey(evaluation.key);
  const reader = { semantics: view.solution.semantics, evaluation };
  const tested = new Set(
    facts.blocks.flatMap((block) => {
      if (block.end.kind !== "branch" || (block.end.yes !== index && block.end.no !== index)) return [];
      return placesTested(reader, block.end.test).map(({ id }) => id);
    }),
  );
  const behind = after(facts, i);
  const testsAgain = facts.blocks.some(
    (block) =>
      block.end.kind === "branch" &&
      block.code.some((one) => behind.has(one)) &&
      placesTested(reader, block.end.test).some(({ id }) => tested.has(id)),
  );
  if (tested.size === 0 || testsAgain) return undefined;
  for (const one of behind) {
    const place = placeWritten(reader, one);
    if (!place || !tested.has(place.id) || !beside().overlapsItself(evaluation.key, place.owner)) continue;
    const whole = view.world.facts(file);
    const on = whole ? describeTemp(whole, facts, call.callee) : "…";
    const then = `'${place.text}' may have changed by now`;
    return worded(on, then, locationIn(file, i), locationIn(file, one));
  }
  return undefined;
}

function worded(on: string, then: string, at: Location, used: Location): SingleWait {
  return {
    on,
    then,
    at,
    trace: [
      { at, what: "this waits once, and others may wait beside it" },
      { at: used, what: `${then}, and nothing tests it before this` },
    ],
  };
}
