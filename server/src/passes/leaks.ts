import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import { type Contexts, loopBlocks, shareLoop } from "../analysis/contexts.ts";
import type { Leak } from "../analysis/explore.ts";
import type { PathStep } from "../analysis/explored-path.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { handleName, releaseInFinally } from "../analysis/fixes.ts";
import { describeTemp } from "../analysis/flow.ts";
import { isLock, opOf } from "../analysis/model-index.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { plain, rootOf, type Value } from "../analysis/values.ts";
import type { FunctionFacts, Instruction } from "../program/facts.ts";
import { type HeldTooLong, obligations } from "./obligations.ts";
import { parallel } from "./parallel.ts";

/** A path on which a lock or a client is not given back, in words. */
export interface WordedLeak {
  readonly of: "lock" | "client";
  readonly how: "normal" | "exception";
  /** The resource as written: `this.mutex`. */
  readonly resource: string;
  /** The variable that has the client. */
  readonly client?: string;
  /** The hold ends by itself after a time. */
  readonly expires: boolean;
  /** No path gives it back. */
  readonly isOpen: boolean;
  /** The members of the client that end it. */
  readonly endedBy: readonly string[];
  /** The acquiring call, up to its name. */
  readonly at: Location;
  /** How the function is left: "'transfer' returns". */
  readonly leaves: string;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

/** The open obligations about locks and pools that are certain enough to speak of. */
export const leaks = definePass<readonly WordedLeak[]>({
  id: "leaks",
  run(view, resultOf) {
    const elsewhere = releasesByResource(view);
    const { contexts } = resultOf(parallel, view.world.files[0] ?? "");
    return (file) =>
      resultOf(obligations, file).held.flatMap((held) =>
        view.attempt(
          file,
          "leaks",
          () => leaksOf(view, held, elsewhere).filter((leak) => !isOnceAtStart(view, held, leak, contexts)),
          [],
        ),
      );
  },
});

/** The functions that release a resource by its own method, by resource. */
export type ReleasesByResource = ReadonlyMap<Value, ReadonlySet<FunctionKey>>;

export function releasesByResource(view: ProgramView): ReleasesByResource {
  const found = new Map<Value, Set<FunctionKey>>();
  for (const { evaluation } of view.solution.evaluations()) {
    const { key, uses } = evaluation;
    for (const use of uses) {
      if (opOf(use) !== "release") continue;
      const resource = plain(use.resource);
      const known = found.get(resource) ?? new Set<FunctionKey>();
      known.add(key);
      found.set(resource, known);
    }
  }
  return found;
}

function leaksOf(view: ProgramView, held: HeldTooLong, elsewhere: ReleasesByResource): readonly WordedLeak[] {
  const { exploration, evaluation, birth } = held;
  const { model, resource } = birth.handle.made;
  const of = isLock(model) ? "lock" : model.kind === "pool" ? "client" : undefined;
  // What a module takes at its top it may keep for the life of the process.
  if (of === undefined || exploration.lost || evaluation.facts.kind === "module") return [];
  const isOpen = exploration.releases.length === 0;
  // Nobody else waits for the clients of a pool of one's own.
  if (of === "client" && isMadeHere(evaluation.key, plain(resource))) return [];
  // A client that listens is in use when the function has ended.
  if (isOpen && exploration.listens) return [];
  if (exploration.releases.some((release) => isCounted(held, release.instruction))) return [];
  if (of === "lock" && isOnlyOurs(view, held)) return [];
  const methods =
    birth.alsoReleasedBy.length > 0 || birth.form.form === "self" || birth.form.form === "resource";
  // A lock that is made here goes elsewhere as it is, and can be given back there.
  if (methods && isOpen && isMadeHere(evaluation.key, plain(resource)) && isPassedOn(held)) return [];
  if (methods && isOpen && isReleasedElsewhere(evaluation.key, plain(resource), elsewhere)) return [];
  const normal = exploration.leaks.find((leak) => leak.how === "normal");
  const chosen = normal ?? (isOpen ? undefined : exploration.leaks[0]);
  return chosen ? [worded(view, held, of, chosen)] : [];
}

/** The one client of a program that ends when it fails: `main().catch(…)`. */
function isOnceAtStart(
  view: ProgramView,
  { evaluation, birth }: HeldTooLong,
  { of, how }: WordedLeak,
  contexts: () => Contexts,
): boolean {
  if (of !== "client" || how !== "exception" || isInLoop(evaluation.facts, birth.instruction)) return false;
  return runsOnce(view, contexts(), evaluation.key, 0);
}

/** Only one place calls it, which runs once. */
function runsOnce(view: ProgramView, contexts: Contexts, key: FunctionKey, depth: number): boolean {
  const facts = view.world.function(key);
  if (facts?.kind === "module" || depth > 4) return facts?.kind === "module";
  const [context, ...others] = contexts.of(key);
  const caller = context?.caller === undefined ? undefined : view.solution.evaluation(context.caller);
  if (!caller || !context?.instruction || others.length > 0) return false;
  return !isInLoop(caller.facts, context.instruction) && runsOnce(view, contexts, caller.key, depth + 1);
}

function isInLoop(facts: FunctionFacts, i: Instruction): boolean {
  return loopBlocks(facts).has(facts.blocks.findIndex(({ code }) => code.includes(i)));
}

/** Released in a loop of its own: how often it turns depends on how much was taken. */
function isCounted({ evaluation, birth }: HeldTooLong, release: Instruction): boolean {
  const { facts } = evaluation;
  const blockOf = (i: Instruction) => facts.blocks.findIndex(({ code }) => code.includes(i));
  const [from, to] = [blockOf(birth.instruction), blockOf(release)];
  return loopBlocks(facts).has(to) && !shareLoop(facts, from, to);
}

function isPassedOn({ evaluation, birth }: HeldTooLong): boolean {
  const resource = plain(birth.handle.made.resource);
  return evaluation.escapes.some((value) => plain(value) === resource);
}

function isMadeHere(key: FunctionKey, resource: Value): boolean {
  const root = rootOf(resource);
  return root.kind === "fresh" && root.site.function === key;
}

/**
 * A lock of this one call that no other function and no other process has: when the call is over, nobody is left to wait
 * for it.
 */
function isOnlyOurs(view: ProgramView, held: HeldTooLong): boolean {
  const { key } = held.evaluation;
  const resource = plain(held.birth.handle.made.resource);
  if (resource.kind !== "fresh" || !isMadeHere(key, resource) || isPassedOn(held)) return false;
  if (held.birth.handle.made.model.remote) return false;
  const inside = view
    .functionsOf(parseKey(key).file)
    .filter((other) => other !== key && view.world.enclosing(other).includes(key));
  return inside.every((other) => {
    const uses = view.solution.evaluation(other)?.uses ?? [];
    return uses.every((use) => plain(use.resource) !== resource);
  });
}

/** Taken here and given back by another function: `enter()` and `leave()`. */
export function isReleasedElsewhere(
  key: FunctionKey,
  resource: Value,
  elsewhere: ReleasesByResource,
): boolean {
  // Who passes the lock in can give it back.
  if (rootOf(resource).kind === "parameter") return true;
  return [...(elsewhere.get(resource) ?? [])].some((other) => other !== key);
}

export const stepText: Readonly<Record<PathStep["what"], string>> = {
  taken: "this condition holds",
  skipped: "this condition does not hold",
  throws: "this fails",
  released: "this releases it",
  ends: "this is the end",
};

function worded(view: ProgramView, held: HeldTooLong, of: WordedLeak["of"], leak: Leak): WordedLeak {
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
  const client = of === "client" ? handleName(view, evaluation.facts, file, birth) : undefined;
  const [taken, open] =
    of === "lock"
      ? [`'${resource}' is acquired here`, `'${resource}' is still held`]
      : [`${client ? `'${client}'` : "it"} is taken from '${resource}' here`, "it was not released"];
  const steps = leak.path.map(
    (step, index): ReportedStep => ({
      at: locationIn(file, step.at),
      what: index === leak.path.length - 1 ? `${ending}, and ${open}` : stepText[step.what],
    }),
  );
  // How a transaction ends that has gone well, nobody but its author knows.
  const isKnown = birth.form.onFailure === undefined || leak.how === "exception";
  const fix = isKnown ? releaseInFinally(view, held.evaluation.facts, file, birth) : undefined;
  return {
    of,
    how: leak.how,
    resource,
    ...(client === undefined ? {} : { client }),
    expires: birth.handle.made.model.expires,
    isOpen: held.exploration.releases.length === 0,
    endedBy: birth.form.form === "object" ? (birth.form.release ?? []) : [],
    at: calleeOf(held),
    leaves,
    trace: [{ at: calleeOf(held), what: taken }, ...steps],
    fixes: fix ? [fix] : [],
  };
}

/** `this.mutex.acquire` of `this.mutex.acquire(1)`. */
export function calleeOf(held: HeldTooLong): Location {
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
