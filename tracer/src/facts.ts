import type { ResourceType } from "@unknot/models/probe.ts";
import type { TestRun } from "@unknot/protocol/dump.ts";
import type { ResourceKind } from "@unknot/protocol/resource.ts";
import type { OpenHandle } from "./handles.ts";
import type { OverReleased } from "./operations.ts";
import type { EndedTask } from "./runtime.ts";
import type { FileSites } from "./site-registry.ts";

/** What the tables refer to by number and what the coverage line says; the same on both sides of the shared memory. */
export interface Facts {
  /** Why only libraries are looked at, when that is so. */
  lean?: string;
  readonly files: FileSites[];
  readonly types: { readonly kind: ResourceKind; readonly name: string; readonly remote?: true }[];
  readonly instrumented: Set<string>;
  readonly untouched: { readonly file: string; readonly reason: string }[];
  /** The worker threads that the program has started. */
  readonly threads: Set<number>;
  /** What a worker thread runs, once that is known. */
  title?: string;
  /** The tests that have begun, each with the id of the last task that was started before it. */
  readonly tests: { readonly test: string | undefined; readonly after: number }[];
  /** How the run of tests goes on. */
  testRun?: {
    readonly state: TestRun["state"];
    readonly test?: string;
    readonly tests: number;
    readonly at: number;
  };
  /** What keeps the process alive, when that is watched. */
  handles?: readonly OpenHandle[];
  /** What the program has called its tasks, by their ids. */
  readonly labels: Map<number, Labels>;
  /** What was given back too often, with how often and when for the last time (milliseconds since the epoch). */
  readonly overReleases: (OverReleased & { count: number; lastMs: number })[];
  /** Assignments that overwrote what others had stored, by their sites. */
  readonly lostUpdates: Map<
    number,
    { readonly read: number; readonly count: number; readonly lastMs: number }
  >;
  /** Tasks that failed while nobody looked, in the same way. */
  readonly failures: (EndedTask & { count: number; lastMs: number })[];
}

export type Labels = Readonly<Record<string, string>>;

/** One of them, as the traced thread tells it. */
export type Fact =
  | { readonly kind: "lean"; readonly because: string }
  | { readonly kind: "file"; readonly file: FileSites }
  | { readonly kind: "type"; readonly index: number; readonly type: Omit<ResourceType, "capacity"> }
  | { readonly kind: "instrumented"; readonly name: string }
  | { readonly kind: "untouched"; readonly file: string; readonly reason: string }
  | { readonly kind: "thread"; readonly id: number }
  | { readonly kind: "title"; readonly title: string }
  | { readonly kind: "test"; readonly test: string; readonly after: number; readonly at: number }
  | {
      readonly kind: "testsPause";
      readonly state: TestRun["state"];
      readonly after: number;
      readonly at: number;
    }
  | { readonly kind: "handles"; readonly handles: readonly OpenHandle[] }
  | { readonly kind: "labels"; readonly id: number; readonly labels: Labels }
  | { readonly kind: "failed"; readonly task: EndedTask; readonly by: 1 | -1; readonly nowMs: number }
  | {
      readonly kind: "lostUpdate";
      readonly at: number;
      readonly read: number;
      readonly count: number;
      readonly nowMs: number;
    }
  | { readonly kind: "overRelease"; readonly what: OverReleased; readonly nowMs: number };

export function createFacts(): Facts {
  return {
    files: [],
    types: [],
    instrumented: new Set(),
    untouched: [],
    threads: new Set(),
    tests: [],
    labels: new Map(),
    overReleases: [],
    lostUpdates: new Map(),
    failures: [],
  };
}

const mostUntouched = 1000;
/** Older ones are forgotten: labels and tests are kept for tasks that may still be there. */
const mostLabelled = 1 << 16;
const mostTests = 1 << 16;
const mostOverReleases = 100;
const mostFailures = 100;
const mostLostUpdates = 100;

export function addFact(facts: Facts, fact: Fact): void {
  switch (fact.kind) {
    case "lean":
      facts.lean = fact.because;
      break;
    case "file":
      facts.files.push(fact.file);
      break;
    case "type":
      facts.types[fact.index] = fact.type;
      break;
    case "instrumented":
      facts.instrumented.add(fact.name);
      break;
    case "untouched":
      if (facts.untouched.length < mostUntouched)
        facts.untouched.push({ file: fact.file, reason: fact.reason });
      break;
    case "thread":
      facts.threads.add(fact.id);
      break;
    case "title":
      facts.title = fact.title;
      break;
    case "test":
    case "testsPause": {
      const test = fact.kind === "test" ? fact.test : undefined;
      facts.tests.push({ test, after: fact.after });
      if (facts.tests.length > mostTests) facts.tests.splice(0, mostTests / 2);
      const last = test ?? facts.testRun?.test;
      facts.testRun = {
        state: fact.kind === "test" ? "running" : fact.state,
        ...(last === undefined ? {} : { test: last }),
        tests: (facts.testRun?.tests ?? 0) + (fact.kind === "test" ? 1 : 0),
        at: fact.at,
      };
      break;
    }
    case "handles":
      facts.handles = fact.handles;
      break;
    case "overRelease":
      addOverRelease(facts, fact.what, fact.nowMs);
      break;
    case "lostUpdate": {
      const { at, read, count, nowMs: lastMs } = fact;
      if (facts.lostUpdates.has(at) || facts.lostUpdates.size < mostLostUpdates)
        facts.lostUpdates.set(at, { read, count, lastMs });
      break;
    }
    case "failed":
      addFailure(facts, fact);
      break;
    case "labels":
      facts.labels.delete(fact.id);
      facts.labels.set(fact.id, fact.labels);
      if (facts.labels.size > mostLabelled) {
        const [oldest] = facts.labels.keys();
        if (oldest !== undefined) facts.labels.delete(oldest);
      }
      break;
  }
}

/** At the same places it is the same mistake. */
function addOverRelease({ overReleases }: Facts, what: OverReleased, lastMs: number): void {
  const index = overReleases.findIndex(
    ({ type, created, outcome, at, taken }) =>
      type === what.type &&
      created === what.created &&
      outcome === what.outcome &&
      at === what.at &&
      taken === what.taken,
  );
  const known = overReleases[index];
  if (known !== undefined) overReleases[index] = { ...what, count: known.count + 1, lastMs };
  else if (overReleases.length < mostOverReleases) overReleases.push({ ...what, count: 1, lastMs });
}

/** Of one function and started at one place, they are one mistake. */
function addFailure({ failures }: Facts, { task, by, nowMs }: Extract<Fact, { kind: "failed" }>): void {
  const known = failures.find(({ entry, created }) => entry === task.entry && created === task.created);
  if (known === undefined) {
    if (by === 1 && failures.length < mostFailures) failures.push({ ...task, count: 1, lastMs: nowMs });
    return;
  }
  known.count += by;
  if (by === 1) known.lastMs = nowMs;
}
