import type { ContendedResource } from "@unknot/protocol/contention.ts";
import type { Dump, Site } from "@unknot/protocol/dump.ts";
import type { Task, TaskId } from "@unknot/protocol/task.ts";
import type { Verdict } from "@unknot/protocol/verdict.ts";
import { isSure } from "@unknot/protocol/verdict.ts";
import { callersOf } from "../callers.ts";
import { lookupOf, siteOf, waitMs } from "../names.ts";
import { deadlockLabels } from "../overview.ts";
import { encodeProfile, type Frame, nanoseconds, type Sample, type ValueType } from "./pprof-message.ts";

/**
 * One question each, because viewers hide what is rare in a large profile. `tasks`: all of them. `deadlock`: members of
 * one. `leak`: tasks that surely never go on. `floating`: tasks that ended unobserved, by where they were started.
 * `block`: how long tasks waited, by where. `mutex`: how long others waited for what was held, by where it was given
 * back.
 */
export const pprofProfiles = ["tasks", "deadlock", "leak", "floating", "block", "mutex"] as const;
export type PprofProfile = (typeof pprofProfiles)[number];

export interface PprofOptions {
  readonly profile: PprofProfile;
  /** Go's name for the number of tasks, `goroutine`, for tools that look for it. */
  readonly goNames?: boolean;
}

/** Encodes what a dump answers as a pprof profile (google/pprof `proto/profile.proto`), not compressed. */
export function encodePprof(dump: Dump, { profile, goNames = false }: PprofOptions): Uint8Array<ArrayBuffer> {
  const { contention } = dump;
  const part = dump.filtered;
  const filter = part && `, ${dump.tasks.length} of ${part.of} tasks, filtered by ${part.by}`;
  const common = {
    comment: `unknot ${profile} of pid ${dump.process.pid}${filter ?? ""}`,
    capturedAt: dump.capturedAt,
  };
  switch (profile) {
    case "block":
    case "mutex":
      return encodeProfile({
        ...common,
        valueTypes: contentionTypes,
        period: contentionTypes[0],
        samples: profile === "block" ? blockSamples(dump) : mutexSamples(dump),
        ...(contention === undefined ? {} : { forMs: contention.forMs }),
      });
    case "tasks":
    case "deadlock":
    case "leak":
    case "floating": {
      const counted: ValueType = [goNames ? goNameOf(profile) : nameOf(profile), "count"];
      const valueTypes = [...(goNames ? [] : taskTypes), counted];
      const samples = taskSamples(dump, profile, goNames);
      return encodeProfile({ ...common, valueTypes, period: counted, samples });
    }
  }
}

const taskTypes: readonly ValueType[] = [
  ["age", "nanoseconds"],
  ["wait", "nanoseconds"],
];
const contentionTypes = [
  ["contentions", "count"],
  ["delay", "nanoseconds"],
] as const satisfies readonly ValueType[];

export type TaskProfile = Exclude<PprofProfile, "block" | "mutex">;

function nameOf(profile: TaskProfile): string {
  return profile === "leak" ? "taskleak" : profile === "floating" ? "unawaited" : "tasks";
}

function goNameOf(profile: TaskProfile): string {
  return profile === "leak" ? "goroutineleak" : "goroutine";
}

/** What says of tasks that they never go on. */
const leaks: readonly Verdict[] = [
  "deadlock",
  "owner-gone",
  "exit-pending",
  "waits-on-dead",
  "cannot-resume",
];

/** The tasks that a profile is about. */
export function tasksOf(dump: Dump, profile: TaskProfile): readonly Task[] {
  switch (profile) {
    case "tasks":
      return dump.tasks;
    case "deadlock": {
      const deadlocks = deadlockLabels(dump.problems);
      return dump.tasks.filter(({ id }) => deadlocks.has(id));
    }
    case "leak": {
      const leaked = verdictsOf(dump);
      return dump.tasks.filter(({ id }) => leaked.has(id));
    }
    case "floating":
      return dump.tasks.filter(({ state }) => state === "fulfilled" || state === "rejected");
  }
}

/** Tasks with the same stack and labels are one sample: age, wait and number. */
function taskSamples(dump: Dump, profile: TaskProfile, countOnly: boolean): Iterable<Sample> {
  const lookup = lookupOf(dump);
  const callers = callersOf(lookup);
  const deadlocks = deadlockLabels(dump.problems);
  const leaked = profile === "leak" ? verdictsOf(dump) : undefined;
  const samples = new Map<string, Omit<Sample, "values"> & { age: number; wait: number; count: number }>();
  for (const task of tasksOf(dump, profile)) {
    const deadlock = deadlocks.get(task.id);
    const leak = leaked?.get(task.id);
    const stack =
      profile === "floating"
        ? [frameOf(siteOf(dump, task.created ?? task.entry), task.name, "")]
        : [
            frameOf(siteOf(dump, task.at ?? task.entry), task.name, ""),
            ...callers(task, 64).map((caller) =>
              frameOf(siteOf(dump, caller.at ?? caller.entry), caller.name, "async "),
            ),
          ];
    const resource = task.wait?.on === "resource" ? lookup.resourceById.get(task.wait.resource) : undefined;
    const holder = resource?.holders[0]?.task;
    const labels = [
      ["name", task.name],
      ["state", task.state],
      ...(deadlock === undefined ? [] : [["deadlock", deadlock] as const]),
      ...(leak === undefined ? [] : [["leak", leak] as const]),
      ...(resource === undefined
        ? []
        : ([
            ["resource_kind", resource.kind],
            ["waiting_on", `${resource.kind}#${resource.id} ${resource.name ?? ""}`.trimEnd()],
          ] as const)),
      ...(holder === undefined ? [] : [["held_by", `task ${holder}`] as const]),
      ...Object.entries(task.labels ?? {}),
    ] as const satisfies Sample["labels"];
    const key = JSON.stringify([stack, labels]);
    const sample = samples.get(key) ?? { stack, labels, age: 0, wait: 0, count: 0 };
    sample.age += task.ageMs;
    sample.wait += task.wait === undefined ? 0 : waitMs(task);
    sample.count++;
    samples.set(key, sample);
  }
  return [...samples.values()].map(({ stack, labels, age, wait, count }) => ({
    stack,
    labels,
    values: countOnly ? [count] : [nanoseconds(age), nanoseconds(wait), count],
  }));
}

/** The gravest sure verdict by which a task never goes on. */
function verdictsOf({ problems }: Dump): ReadonlyMap<TaskId, Verdict> {
  const verdicts = new Map<TaskId, Verdict>();
  for (const problem of problems) {
    if (!isSure(problem) || !leaks.includes(problem.verdict)) continue;
    for (const id of problem.tasks) if (!verdicts.has(id)) verdicts.set(id, problem.verdict);
  }
  return verdicts;
}

/** As in Go a pause is no contention: nobody is waited for. */
function blockSamples(dump: Dump): readonly Sample[] {
  return (dump.contention?.waits ?? [])
    .filter(({ state }) => state !== "sleep")
    .map(({ stack, state, resource, count, totalMs }) => ({
      stack: stackOf(dump, stack),
      labels: [["state", state], ...(resource === undefined ? [] : resourceLabels(resource))],
      values: [count, nanoseconds(totalMs)],
    }));
}

function mutexSamples(dump: Dump): readonly Sample[] {
  return (dump.contention?.holds ?? [])
    .filter(({ contended }) => contended > 0)
    .map(({ stack, taken, resource, contended, delayMs }) => {
      const site = siteOf(dump, taken);
      return {
        stack: stackOf(dump, stack),
        labels: [
          ...resourceLabels(resource),
          ...(site === undefined ? [] : [["taken", `${site.file}:${site.line}`] as const]),
        ],
        values: [contended, nanoseconds(delayMs)],
      };
    });
}

function resourceLabels({ kind, type, name }: ContendedResource): Sample["labels"] {
  return [
    ["resource_kind", kind],
    ["resource", name ?? type],
  ];
}

function stackOf(dump: Dump, stack: readonly number[]): readonly Frame[] {
  return stack.map((index, depth) => frameOf(siteOf(dump, index), undefined, depth === 0 ? "" : "async "));
}

/** Prefixed where it is reached by an await, so that flame graphs show which stacks are logical. */
function frameOf(site: Site | undefined, task: Task["name"] | undefined, prefix: string): Frame {
  return {
    name: `${prefix}${site?.function || task || "(anonymous)"}`,
    file: site?.file ?? "",
    line: Math.max(0, site?.line ?? 0),
  };
}
