import type { Outcome } from "@unknot/models/model.ts";
import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import { exploreBehind, type Release } from "../analysis/explore.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { beforeTry, statementRemoval } from "../analysis/fixes.ts";
import { usesIn } from "../analysis/flow.ts";
import { isLock, opOf } from "../analysis/model-index.ts";
import { type Location, parseKey } from "../analysis/places.ts";
import { plain } from "../analysis/values.ts";
import type { Block, BlockId, Instruction } from "../program/facts.ts";
import { calleeOf, stepText } from "./leaks.ts";
import { type HeldTooLong, isOnlyHold, obligations, usesOf } from "./obligations.ts";

/** A path on which a hold is given back twice, or was never there, and the model says that this hurts. */
export interface OverRelease {
  /** `twice`: for one acquire. `unheld`: the acquire gave up, and `finally` releases all the same. */
  readonly what: "twice" | "unheld";
  readonly resource: string;
  /** The second release. */
  readonly at: Location;
  readonly outcome: Outcome;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const overReleases = definePass<readonly OverRelease[]>({
  id: "over-releases",
  run: (view, resultOf) => (file) =>
    resultOf(obligations, file).held.flatMap((held) =>
      view.attempt(
        file,
        "over-releases",
        () => [...overReleasesOf(view, held), ...unheldReleasesOf(view, held)],
        [],
      ),
    ),
});

const harmful: ReadonlySet<Outcome> = new Set(["grows", "stealsHold", "losesWaiter", "throw", "reject"]);

function overReleasesOf(view: ProgramView, held: HeldTooLong): readonly OverRelease[] {
  const { exploration, evaluation, birth } = held;
  if (!isLock(birth.handle.made.model) || !isOnlyHold(held) || asksFirst(held)) return [];
  // A finally block is there once for every way into it.
  const pairs = new Map<number, Pair[]>();
  for (const first of exploration.releases) {
    if (!first.direct) continue;
    const behind = exploreBehind(view.solution, evaluation, birth, first);
    // Without the first one every path still comes by another.
    const isSpare = !behind.lost && behind.leaks.length === 0;
    for (const second of behind.releases) {
      // The same one again, in a loop, is often one for each turn of another loop.
      if (!second.direct || second.instruction === first.instruction) continue;
      const outcome = outcomeOf(held, first, second);
      if (outcome === undefined) continue;
      const known = pairs.get(second.instruction.start) ?? [];
      pairs.set(second.instruction.start, [...known, { first, second, outcome, isSpare }]);
    }
  }
  return [...pairs.values()].flatMap((list) => worded(view, held, list) ?? []);
}

interface Pair {
  readonly first: Release;
  readonly second: Release;
  readonly outcome: Outcome;
  readonly isSpare: boolean;
}

/** `if (lock.isLocked()) lock.release()` */
function asksFirst({ evaluation, birth }: HeldTooLong): boolean {
  return usesOf(evaluation, birth).some((use) => opOf(use) === "query");
}

/** What the second release does, when it hurts: `double` when somebody else has taken it by then, `unheld` otherwise. */
function outcomeOf(held: HeldTooLong, first: Release, second: Release): Outcome | undefined {
  const byMethod = [second, first].map((one) => methodOf(held, one.instruction));
  const [operation] = byMethod.filter((one) => one !== undefined);
  const outcomes = operation ? [operation.double, operation.unheld] : [held.birth.form.double];
  return outcomes.find((outcome) => outcome !== undefined && harmful.has(outcome));
}

/** The method of the resource that a release is; undefined where the handle itself releases. */
function methodOf({ evaluation }: HeldTooLong, release: Instruction) {
  for (const target of evaluation.calls.get(release)?.targets ?? []) {
    if (target.kind === "operation" && target.operation.op === "release") return target.operation;
  }
  return undefined;
}

function worded(view: ProgramView, held: HeldTooLong, pairs: readonly Pair[]): OverRelease | undefined {
  const { evaluation, resource } = held;
  const { file } = parseKey(evaluation.key);
  const [pair] = pairs;
  if (!pair) return undefined;
  const at = locationIn(file, pair.second.instruction);
  const steps = pair.second.path.map(
    (step): ReportedStep => ({
      at: locationIn(file, step.at),
      what: step.what === "released" ? `'${resource}' is released here` : stepText[step.what],
    }),
  );
  const firsts = new Set(pairs.map(({ first }) => first.instruction));
  const edits = [...firsts].flatMap((first) => statementRemoval(view, evaluation.facts, file, first) ?? []);
  const isFixable = edits.length === firsts.size && pairs.every(({ isSpare }) => isSpare);
  return {
    what: "twice",
    resource,
    at,
    outcome: pair.outcome,
    trace: [
      { at: calleeOf(held), what: `'${resource}' is acquired here` },
      ...steps,
      { at, what: `'${resource}' is released again` },
    ],
    fixes: isFixable ? [{ title: `Release '${resource}' once, at the end`, preferred: true, edits }] : [],
  };
}

// --- never acquired

/** `try { await lock.acquire(…) } finally { lock.release() }`, where the acquire gives up after a time. */
function unheldReleasesOf(view: ProgramView, held: HeldTooLong): readonly OverRelease[] {
  const { evaluation, birth, resource } = held;
  const { model } = birth.handle.made;
  const { blocks } = evaluation.facts;
  // One that waits until it has the lock does not fail.
  if (!isLock(model) || model.givesUp !== true) return [];
  const [wait] = usesIn(evaluation.facts)
    .readers(birth.instruction.to)
    .filter((reader) => reader.op === "await");
  const handler = blocks.find((block) => wait !== undefined && block.code.includes(wait))?.handler;
  const release = handler === undefined ? undefined : firstRelease(held, handler);
  if (!release || !wait) return [];
  const operation = methodOf(held, release);
  // Somebody else has it, or the waiting would not have ended: its hold is the one that ends.
  const outcome = [operation?.double, operation?.unheld].find((one) => one !== undefined && harmful.has(one));
  if (outcome === undefined) return [];
  const { file } = parseKey(evaluation.key);
  const at = locationIn(file, release);
  const edits = beforeTry(view, evaluation.facts, file, birth.instruction);
  return [
    {
      what: "unheld",
      resource,
      at,
      outcome,
      trace: [
        { at: calleeOf(held), what: `this gives up when somebody else has '${resource}' for too long` },
        { at, what: `then '${resource}' is released here, without having been acquired` },
      ],
      fixes: edits ? [{ title: `Acquire '${resource}' before the try`, preferred: true, edits }] : [],
    },
  ];
}

/** The release that comes whatever happens; what a condition decides may have been decided well. */
function firstRelease(held: HeldTooLong, from: BlockId): Instruction | undefined {
  const { evaluation, birth } = held;
  const lock = plain(birth.handle.made.resource);
  const seen = new Set<BlockId>();
  for (let id: BlockId | undefined = from; id !== undefined && !seen.has(id); ) {
    seen.add(id);
    const block: Block | undefined = evaluation.facts.blocks[id];
    for (const i of block?.code ?? []) {
      const releases = (evaluation.calls.get(i)?.targets ?? []).some(
        (target) =>
          target.kind === "operation" &&
          target.operation.op === "release" &&
          target.resource !== undefined &&
          plain(target.resource) === lock,
      );
      if (releases) return i;
    }
    id = block?.end.kind === "goto" ? block.end.to : undefined;
  }
  return undefined;
}
