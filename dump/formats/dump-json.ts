import type {
  ContendedHold,
  ContendedResource,
  ContendedWait,
  Contention,
} from "@unknot/protocol/contention.ts";
import type {
  Coverage,
  Dump,
  Filtered,
  LoopState,
  ProcessInfo,
  Site,
  SourceFile,
  TestRun,
} from "@unknot/protocol/dump.ts";
import type { Failure } from "@unknot/protocol/failure.ts";
import type { Growth } from "@unknot/protocol/growth.ts";
import { type Handle, handleKinds } from "@unknot/protocol/handle.ts";
import type { LostUpdate } from "@unknot/protocol/lost-update.ts";
import type { OverRelease } from "@unknot/protocol/over-release.ts";
import type { Place } from "@unknot/protocol/place.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { Hold, Resource, ResourceId } from "@unknot/protocol/resource.ts";
import { fates, type Task, type TaskId, taskStates, type Wait } from "@unknot/protocol/task.ts";
import { type Verdict, verdicts } from "@unknot/protocol/verdict.ts";
import { otherVersion, type ReadDumps, resourceKinds, taskKinds } from "./read-dumps.ts";

/**
 * Writes a dump as JSON in chunks: everything that is short and grave first, then one task per line, so that a file
 * that was cut can still be read up to its last whole line.
 */
export function* writeDumpJson(dump: Dump): Generator<string, void, undefined> {
  const { sites, tasks, resources, problems, ...head } = dump;
  let chunk = JSON.stringify(head).slice(0, -1);
  for (const [name, entries] of Object.entries({ problems, sites, resources, tasks })) {
    chunk += `,\n"${name}":[`;
    let first = true;
    for (const entry of entries) {
      chunk += `${first ? "" : ","}\n${JSON.stringify(entry)}`;
      first = false;
      if (chunk.length < 65_536) continue;
      yield chunk;
      chunk = "";
    }
    chunk += "\n]";
  }
  yield `${chunk}}\n`;
}

/**
 * Reads one dump or an array of dumps. Whatever does not fit the types is left out and counted, fields that are not
 * known are dropped, and of a file that was cut everything up to its last whole line is given back. Never throws.
 */
export function readDumpJson(text: string): ReadDumps {
  const whole = parse(text);
  const parsed = whole ?? parse(mend(text));
  const notes: string[] = [];
  if (parsed === undefined) {
    notes.push("This is no dump in JSON: it does not parse, and no part of it does.");
    return { dumps: [], unknown: 0, notes };
  }
  let unknown = 0;
  const dumps = (Array.isArray(parsed.value) ? parsed.value : [parsed.value]).flatMap((value: unknown) => {
    const result = asDump(value);
    unknown += result.unknown;
    if (result.note !== undefined) notes.push(result.note);
    return result.dump ?? [];
  });
  if (whole === undefined && dumps.length > 0) {
    const count = dumps.reduce((sum, dump) => sum + dump.tasks.length, 0);
    notes.push(`The dump is cut: ${count} tasks are there. Take it again for the rest.`);
  }
  return { dumps, unknown, notes };
}

/** A value from outside as a dump, with the number of entries that did not fit. */
export function asDump(value: unknown): {
  readonly dump?: Dump;
  readonly unknown: number;
  readonly note?: string;
} {
  const fields = record(value);
  if (fields["format"] !== "unknot-dump") {
    return { unknown: 0, note: "This is no task dump: its 'format' is not 'unknot-dump'." };
  }
  const { version = 1 } = fields;
  if (version !== 1) return { unknown: 0, note: otherVersion(version) };
  const problems = list(fields["problems"], problem);
  const sites = list(fields["sites"], site);
  const tasks = list(fields["tasks"], (each) => task(each, sites.entries.length));
  const resources = list(fields["resources"], (each) => resource(each, sites.entries.length));
  /** What only some dumps have. */
  const listed = <Entry>(name: string, read: (each: unknown, sites: number) => Entry | undefined) =>
    fields[name] === undefined ? undefined : list(fields[name], (each) => read(each, sites.entries.length));
  const handles = listed("handles", handle);
  const contended =
    fields["contention"] === undefined ? undefined : contention(fields["contention"], sites.entries.length);
  const overReleases = listed("overReleases", overRelease);
  const lost = listed("lostUpdates", lostUpdate);
  const failed = listed("failures", failure);
  const growing = listed("growth", growth);
  return {
    dump: {
      format: "unknot-dump",
      version: 1,
      process: processInfo(fields["process"]),
      capturedAt: number(fields["capturedAt"]) ?? 0,
      by: string(fields["by"]) ?? "file",
      loop: loopState(fields["loop"], sites.entries.length),
      coverage: coverage(fields["coverage"]),
      ...present({ filtered: filtered(fields["filtered"]) }),
      sites: sites.entries,
      tasks: tasks.entries,
      resources: resources.entries,
      problems: problems.entries,
      ...(handles === undefined ? {} : { handles: handles.entries }),
      ...(fields["sources"] === undefined ? {} : { sources: list(fields["sources"], sourceFile).entries }),
      ...present({ testRun: testRun(fields["testRun"]) }),
      ...(contended === undefined ? {} : { contention: contended.contention }),
      ...(overReleases === undefined ? {} : { overReleases: overReleases.entries }),
      ...(lost === undefined ? {} : { lostUpdates: lost.entries }),
      ...(failed === undefined ? {} : { failures: failed.entries }),
      ...(growing === undefined ? {} : { growth: growing.entries }),
    },
    unknown: [
      handles,
      contended,
      overReleases,
      lost,
      failed,
      growing,
      problems,
      sites,
      tasks,
      resources,
    ].reduce((sum, each) => sum + (each?.unknown ?? 0), 0),
  };
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** Closes a text of `writeDumpJson` (alone or in an array) after its last whole line. */
function mend(text: string): string {
  const lines = text.slice(0, text.lastIndexOf("\n"));
  const whole = lines.endsWith("[") ? lines : lines.replace(/,$/, "");
  const open = /^"(?:problems|sites|resources|tasks)":\[$/m.test(whole) && !/\n\]$/.test(whole);
  return `${whole}${open ? "]" : ""}}${text.startsWith("[") ? "]" : ""}`;
}

// — Values from outside. Each reader gives undefined for what does not fit.

type Fields = Readonly<Record<string, unknown>>;

function record(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function string(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function boolean(value: unknown): boolean | undefined {
  return typeof value === "boolean" ? value : undefined;
}

function id<Id extends number>(value: unknown): Id | undefined {
  return Number.isSafeInteger(value) ? (value as Id) : undefined;
}

function index(value: unknown, length: number): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < length
    ? value
    : undefined;
}

function list<T>(
  value: unknown,
  read: (entry: unknown) => T | undefined,
): { readonly entries: readonly T[]; readonly unknown: number } {
  if (!Array.isArray(value)) return { entries: [], unknown: value === undefined ? 0 : 1 };
  const entries = value.flatMap((entry: unknown) => read(entry) ?? []);
  return { entries: entries as T[], unknown: value.length - entries.length };
}

function oneOf<T extends string>(value: unknown, allowed: Iterable<T>): T | undefined {
  for (const each of allowed) if (each === value) return each;
  return undefined;
}

/** The given fields without those that are undefined. */
function present<T extends object>(fields: { readonly [Key in keyof T]: T[Key] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function place(value: unknown): Place | undefined {
  const fields = record(value);
  const file = string(fields["file"]);
  const line = number(fields["line"]);
  return file === undefined || line === undefined
    ? undefined
    : { file, line, column: number(fields["column"]) ?? 1 };
}

function site(value: unknown): Site | undefined {
  const at = place(value);
  return at && { ...at, ...present({ function: string(record(value)["function"]) }) };
}

function task(value: unknown, sites: number): Task | undefined {
  const fields = record(value);
  const taskId = id<TaskId>(fields["id"]);
  const state = oneOf(fields["state"], taskStates);
  if (taskId === undefined || state === undefined) return undefined;
  return {
    id: taskId,
    kind: oneOf(fields["kind"], taskKinds) ?? "async function",
    name: string(fields["name"]) ?? "",
    state,
    ageMs: number(fields["ageMs"]) ?? 0,
    holding: list(fields["holding"], id<ResourceId>).entries,
    ...present({
      entry: index(fields["entry"], sites),
      at: index(fields["at"], sites),
      parent: id<TaskId>(fields["parent"]),
      created: index(fields["created"], sites),
      wait: wait(fields["wait"]),
      labels: labels(fields["labels"]),
      external: boolean(fields["external"]),
      collected: oneOf(fields["collected"], fates),
    }),
  };
}

function wait(value: unknown): Wait | undefined {
  const fields = record(value);
  const sinceMs = number(fields["sinceMs"]) ?? 0;
  switch (fields["on"]) {
    case "unknown":
      return { on: "unknown", sinceMs };
    case "tasks":
      return {
        on: "tasks",
        tasks: list(fields["tasks"], id<TaskId>).entries,
        need: oneOf(fields["need"], ["all", "any"]) ?? "all",
        exact: fields["exact"] === true,
        sinceMs,
        ...present({ failsFast: fields["failsFast"] === true || undefined, count: number(fields["count"]) }),
      };
    case "resource": {
      const resourceId = id<ResourceId>(fields["resource"]);
      if (resourceId === undefined) return undefined;
      return {
        on: "resource",
        resource: resourceId,
        op: string(fields["op"]) ?? "",
        sinceMs,
        ...present({
          position: number(fields["position"]),
          cancellable: fields["cancellable"] === true || undefined,
        }),
      };
    }
    default:
      return undefined;
  }
}

function labels(value: unknown): Readonly<Record<string, string>> | undefined {
  const entries = Object.entries(record(value)).filter(([, content]) => typeof content === "string");
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Record<string, string>);
}

function resource(value: unknown, sites: number): Resource | undefined {
  const fields = record(value);
  const resourceId = id<ResourceId>(fields["id"]);
  const kind = oneOf(fields["kind"], resourceKinds);
  if (resourceId === undefined || kind === undefined) return undefined;
  return {
    id: resourceId,
    kind,
    type: string(fields["type"]) ?? "",
    holders: list(fields["holders"], (each) => hold(each, sites)).entries,
    waiters: list(fields["waiters"], id<TaskId>).entries,
    ...present({
      name: string(fields["name"]),
      created: index(fields["created"], sites),
      capacity: number(fields["capacity"]),
      length: number(fields["length"]),
      closed: boolean(fields["closed"]),
      held: number(fields["held"]),
      waiting: number(fields["waiting"]),
    }),
  };
}

function hold(value: unknown, sites: number): Hold {
  const fields = record(value);
  return {
    forMs: number(fields["forMs"]) ?? 0,
    amount: number(fields["amount"]) ?? 1,
    ...present({
      task: id<TaskId>(fields["task"]),
      site: index(fields["site"], sites),
      release: oneOf(fields["release"], ["scope", "task", "handle", "anyone"] as const),
    }),
  };
}

function handle(value: unknown, sites: number): Handle | undefined {
  const fields = record(value);
  const type = string(fields["type"]);
  if (type === undefined) return undefined;
  return {
    kind: oneOf(fields["kind"], handleKinds) ?? "other",
    type,
    stack: list(fields["stack"], (each) => index(each, sites)).entries,
    ageMs: number(fields["ageMs"]) ?? 0,
    ...present({ detail: string(fields["detail"]), test: string(fields["test"]) }),
  };
}

function testRun(value: unknown): TestRun | undefined {
  const fields = record(value);
  const state = oneOf(fields["state"], ["running", "resting", "ended"] as const);
  if (state === undefined) return undefined;
  return {
    state,
    sinceMs: number(fields["sinceMs"]) ?? 0,
    tests: number(fields["tests"]) ?? 0,
    ...present({ test: string(fields["test"]) }),
  };
}

function sourceFile(value: unknown): SourceFile | undefined {
  const { file, hash } = record(value);
  return typeof file === "string" && typeof hash === "string" ? { file, hash } : undefined;
}

function contention(
  value: unknown,
  sites: number,
): { readonly contention: Contention; readonly unknown: number } {
  const fields = record(value);
  const waits = list(fields["waits"], (each) => contendedWait(each, sites));
  const holds = list(fields["holds"], (each) => contendedHold(each, sites));
  return {
    contention: {
      forMs: number(fields["forMs"]) ?? 0,
      stepMs: number(fields["stepMs"]) ?? 0,
      waits: waits.entries,
      holds: holds.entries,
      dropped: number(fields["dropped"]) ?? 0,
      ...(fields["inAll"] === undefined ? {} : { inAll: inAll(record(fields["inAll"])) }),
    },
    unknown: waits.unknown + holds.unknown,
  };
}

function filtered(value: unknown): Filtered | undefined {
  const fields = record(value);
  const by = string(fields["by"]);
  return by === undefined ? undefined : { by, of: number(fields["of"]) ?? 0 };
}

function inAll(fields: Readonly<Record<string, unknown>>): NonNullable<Contention["inAll"]> {
  return { waits: number(fields["waits"]) ?? 0, holds: number(fields["holds"]) ?? 0 };
}

function contendedWait(value: unknown, sites: number): ContendedWait | undefined {
  const fields = record(value);
  const { entries: stack } = list(fields["stack"], (each) => index(each, sites));
  const state = oneOf(fields["state"], taskStates);
  if (stack.length === 0 || state === undefined) return undefined;
  return {
    stack,
    state,
    ...amounts(fields),
    ...present({ resource: contendedResource(fields["resource"], sites) }),
  };
}

function contendedHold(value: unknown, sites: number): ContendedHold | undefined {
  const fields = record(value);
  const { entries: stack } = list(fields["stack"], (each) => index(each, sites));
  const held = contendedResource(fields["resource"], sites);
  if (stack.length === 0 || held === undefined) return undefined;
  return {
    stack,
    resource: held,
    ...amounts(fields),
    contended: number(fields["contended"]) ?? 0,
    delayMs: number(fields["delayMs"]) ?? 0,
    ...present({ taken: index(fields["taken"], sites) }),
  };
}

function overRelease(value: unknown, sites: number): OverRelease | undefined {
  const fields = record(value);
  const released = contendedResource(fields["resource"], sites);
  const outcome = oneOf(fields["outcome"], ["grown", "freed"] as const);
  if (released === undefined || outcome === undefined) return undefined;
  return {
    resource: released,
    outcome,
    count: number(fields["count"]) ?? 1,
    sinceMs: number(fields["sinceMs"]) ?? 0,
    ...present({
      at: index(fields["at"], sites),
      taken: index(fields["taken"], sites),
      capacity: number(fields["capacity"]),
      free: number(fields["free"]),
    }),
  };
}

function lostUpdate(value: unknown, sites: number): LostUpdate | undefined {
  const fields = record(value);
  const place = string(fields["place"]);
  if (place === undefined) return undefined;
  return {
    place,
    count: number(fields["count"]) ?? 1,
    sinceMs: number(fields["sinceMs"]) ?? 0,
    ...present({ at: index(fields["at"], sites), read: index(fields["read"], sites) }),
  };
}

function failure(value: unknown, sites: number): Failure | undefined {
  const fields = record(value);
  const name = string(fields["name"]);
  if (name === undefined) return undefined;
  return {
    name,
    count: number(fields["count"]) ?? 1,
    sinceMs: number(fields["sinceMs"]) ?? 0,
    ...present({ entry: index(fields["entry"], sites), created: index(fields["created"], sites) }),
  };
}

function growth(value: unknown, sites: number): Growth | undefined {
  const fields = record(value);
  const at = index(fields["at"], sites);
  if (at === undefined) return undefined;
  return {
    at,
    counts: list(fields["counts"], number).entries,
    overMs: number(fields["overMs"]) ?? 0,
    ...present({ created: index(fields["created"], sites) }),
  };
}

function amounts(fields: Fields): Pick<ContendedWait, "count" | "totalMs" | "longestMs"> {
  return {
    count: number(fields["count"]) ?? 0,
    totalMs: number(fields["totalMs"]) ?? 0,
    longestMs: number(fields["longestMs"]) ?? 0,
  };
}

function contendedResource(value: unknown, sites: number): ContendedResource | undefined {
  const fields = record(value);
  const kind = oneOf(fields["kind"], resourceKinds);
  if (kind === undefined) return undefined;
  return {
    kind,
    type: string(fields["type"]) ?? "",
    ...present({ name: string(fields["name"]), created: index(fields["created"], sites) }),
  };
}

function problem(value: unknown): Problem | undefined {
  const fields = record(value);
  const verdict = oneOf(fields["verdict"], Object.keys(verdicts) as Verdict[]);
  if (verdict === undefined) return undefined;
  const label = string(fields["label"]);
  return {
    id: string(fields["id"]) ?? verdict,
    verdict,
    certainty: oneOf(fields["certainty"], ["proved", "observed", "may", "heuristic"] as const) ?? "heuristic",
    message: string(fields["message"]) ?? "",
    tasks: list(fields["tasks"], id<TaskId>).entries,
    resources: list(fields["resources"], id<ResourceId>).entries,
    at: list(fields["at"], place).entries,
    ...(label !== undefined && /^D\d{1,9}$/.test(label) ? { label } : {}),
  };
}

function processInfo(value: unknown): ProcessInfo {
  const fields = record(value);
  return {
    pid: number(fields["pid"]) ?? 0,
    threadId: number(fields["threadId"]) ?? 0,
    node: string(fields["node"]) ?? "",
    title: string(fields["title"]) ?? "",
    cwd: string(fields["cwd"]) ?? "",
    upMs: number(fields["upMs"]) ?? 0,
    ...present({
      parentPid: number(fields["parentPid"]),
      build: string(fields["build"]),
      exitCode: number(fields["exitCode"]),
    }),
  };
}

function loopState(value: unknown, sites: number): LoopState {
  const fields = record(value);
  const stack = fields["stack"];
  const lag = record(fields["lag"]);
  const p99Ms = number(lag["p99Ms"]);
  const maxMs = number(lag["maxMs"]);
  return {
    ...(p99Ms === undefined || maxMs === undefined ? {} : { lag: { p99Ms, maxMs } }),
    ...(stack === undefined ? {} : { stack: list(stack, (each) => index(each, sites)).entries }),
    state: oneOf(fields["state"], ["turning", "blocked", "ended"] as const) ?? "turning",
    sinceMs: number(fields["sinceMs"]) ?? 0,
  };
}

function coverage(value: unknown): Coverage {
  const fields = record(value);
  return {
    instrumented: list(fields["instrumented"], string).entries,
    transformed: number(fields["transformed"]) ?? 0,
    untouched: list(fields["untouched"], (each) => {
      const { file, reason } = record(each);
      return { file: string(file) ?? "", reason: string(reason) ?? "" };
    }).entries,
    blind: list(fields["blind"], string).entries,
    dropped: number(fields["dropped"]) ?? 0,
  };
}
