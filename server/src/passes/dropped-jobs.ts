import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { isDropped, usesIn } from "../analysis/flow.ts";
import { resourceName } from "../analysis/names.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import type { Target } from "../analysis/semantics.ts";
import { isStable } from "../analysis/stable-values.ts";
import { alternatives, type Fresh, plain, type Value } from "../analysis/values.ts";
import type { Instruction } from "../program/facts.ts";
import { hasOnlyCapacity, outcomeFor } from "./creations.ts";

/** A queue is emptied, and whoever waits for a job that is thrown away waits for ever. */
export interface DroppedJobs {
  /** As written: `this.queue`. */
  readonly queue: string;
  /** As written: `clear`. */
  readonly by: string;
  readonly at: Location;
  /** The call that is awaited: `this.queue.add`; undefined where only others may wait. */
  readonly awaited: Location | undefined;
  readonly trace: readonly ReportedStep[];
}

export const droppedJobs = definePass<readonly DroppedJobs[]>({
  id: "dropped-jobs",
  run(view) {
    const jobs = new Map<Value, Job[]>();
    const clears: Clear[] = [];
    const paused = new Set<Value>();
    for (const { file, evaluation } of view.solution.evaluations()) {
      const collected = () => collect(view, evaluation, { jobs, clears, paused });
      view.attempt(file, "dropped-jobs", collected, undefined);
    }
    return (file) =>
      clears
        .filter((clear) => parseKey(clear.key).file === file)
        .flatMap(
          (clear) =>
            view.attempt(
              file,
              "dropped-jobs",
              () => dropped(view, clear, jobs.get(clear.resource) ?? [], paused),
              undefined,
            ) ?? [],
        );
  },
});

interface Job {
  readonly key: FunctionKey;
  readonly instruction: Instruction;
  readonly waiting: "here" | "elsewhere";
  /** The promise is awaited on the spot. */
  readonly isImmediate: boolean;
}

interface Clear {
  readonly key: FunctionKey;
  readonly instruction: Instruction;
  readonly resource: Value;
  readonly target: Extract<Target, { kind: "operation" }>;
}

interface Collected {
  readonly jobs: Map<Value, Job[]>;
  readonly clears: Clear[];
  readonly paused: Set<Value>;
}

function collect(view: ProgramView, evaluation: Evaluation, { jobs, clears, paused }: Collected): void {
  if (evaluation.facts.imprecise !== undefined) return;
  const { key } = evaluation;
  for (const [instruction, target] of queueCalls(evaluation)) {
    const resource = target.resource && plain(target.resource);
    if (!resource || !isStable(view, resource)) continue;
    if (target.operation.op === "clear") clears.push({ key, instruction, resource, target });
    if (target.operation.op === "pause") paused.add(resource);
    if (target.operation.op !== "submit") continue;
    const job = jobOf(evaluation, instruction);
    if (job) jobs.set(resource, [...(jobs.get(resource) ?? []), { key, instruction, ...job }]);
  }
}

type QueueCalls = readonly (readonly [Instruction, Extract<Target, { kind: "operation" }>])[];

const queueCallsOf = new WeakMap<Evaluation, QueueCalls>();

/** The calls of a function that can only be an operation of a queue. Hardly any function has one. */
function queueCalls(evaluation: Evaluation): QueueCalls {
  const known = queueCallsOf.get(evaluation);
  if (known) return known;
  const found: [Instruction, Extract<Target, { kind: "operation" }>][] = [];
  for (const [instruction, { targets }] of evaluation.calls) {
    const [target, ...others] = targets;
    if (target?.kind !== "operation" || others.length > 0 || target.model?.kind !== "queue") continue;
    found.push([instruction, target]);
  }
  queueCallsOf.set(evaluation, found);
  return found;
}

/** Who waits for the promise of a job; undefined when nobody does. */
function jobOf(
  { facts }: Evaluation,
  instruction: Instruction,
): Pick<Job, "waiting" | "isImmediate"> | undefined {
  if (!("to" in instruction)) return undefined;
  const uses = usesIn(facts);
  if (isDropped(uses, instruction.to)) return undefined;
  const readers = uses.readers(instruction.to);
  if (readers.some((reader) => reader.op === "await")) return { waiting: "here", isImmediate: true };
  // `void queue.add(job)`
  if (readers.length > 0 && readers.every((reader) => reader.op === "unary")) return undefined;
  return { waiting: "elsewhere", isImmediate: false };
}

function dropped(
  view: ProgramView,
  { key, instruction, resource, target }: Clear,
  jobs: readonly Job[],
  paused: ReadonlySet<Value>,
): DroppedJobs | undefined {
  const made = madeAs(view, resource);
  if (
    outcomeFor(view, made, target.operation.dropped) !== "hang" ||
    neverWaits(view, made, paused.has(resource))
  )
    return undefined;
  const { file } = parseKey(key);
  const at = locationIn(file, instruction);
  const queue = resourceName(view, resource, at);
  // What a function has awaited is over when it empties the queue.
  const others = jobs.filter((job) => job.key !== key || !job.isImmediate);
  const [job] = [...others].sort((a, b) => Number(b.isImmediate) - Number(a.isImmediate));
  if (!job) return undefined;
  const awaited = locationIn(parseKey(job.key).file, job.instruction);
  return {
    queue,
    by: target.name,
    at,
    awaited: job.waiting === "here" ? awaited : undefined,
    trace: [
      {
        at: awaited,
        what:
          job.waiting === "here"
            ? `a job of '${queue}' is awaited here`
            : `the promise of a job of '${queue}' goes from here to others`,
      },
      { at, what: "jobs that have not begun are thrown away here, and nobody is told" },
    ],
  };
}

/** The creation behind a name: of a field, the one value that is assigned to it. */
function madeAs(view: ProgramView, resource: Value): Fresh | undefined {
  if (resource.kind === "fresh") return resource;
  if (resource.kind !== "member") return undefined;
  const type = resource.of.kind === "class" ? resource.of : view.solution.semantics.typeOf(resource.of);
  if (type?.kind !== "class") return undefined;
  const isStatic = resource.of.kind === "class";
  const parts = alternatives(view.solution.field(type.class, resource.name, isStatic));
  const [only, ...more] = parts.filter((part) => part.kind === "fresh");
  return more.length === 0 ? only : undefined;
}

/** Every job begins at once: there is never one to throw away. */
function neverWaits(view: ProgramView, made: Fresh | undefined, isPaused: boolean): boolean {
  if (made?.made.type !== "resource" || made.made.capacity !== Number.POSITIVE_INFINITY) return false;
  // A limit of starts in an interval makes jobs wait, too.
  return !made.made.paused && !isPaused && hasOnlyCapacity(view, made);
}
