import type { ContendedHold, ContendedResource, ContendedWait } from "@unknot/protocol/contention.ts";
import type { Dump, LoopState, Site } from "@unknot/protocol/dump.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { Hold, Resource } from "@unknot/protocol/resource.ts";
import { fates, type Task, type TaskId, type TaskState } from "@unknot/protocol/task.ts";
import type { Verdict } from "@unknot/protocol/verdict.ts";
import { callersOf } from "../callers.ts";
import { type Lookup, lookupOf, siteOf, waitMs } from "../names.ts";
import { gather } from "../overview.ts";
import { hasEnded } from "../wait-for-graph.ts";
import {
  filteredLine,
  noPlace,
  quote,
  writeName,
  writeNumbers,
  writeOperation,
  writePlace,
  writeReference,
  writeSeconds,
  writeSentence,
  writeWord,
} from "./text.ts";

export interface TaskdumpOptions {
  /**
   * `full`: one block per task, from which the whole dump can be read again. `grouped`: tasks that wait at the same
   * place share a block, as in Go's debug=1.
   */
  readonly mode: "full" | "grouped";
}

/**
 * Writes a dump as `.taskdump` text (docs/protocol.md), in chunks of some 64 KB so that a dump of a million tasks is
 * never one string. Deterministic: equal dumps give equal texts. Durations are rounded to milliseconds.
 */
export function* writeTaskdump(dump: Dump, { mode }: TaskdumpOptions): Generator<string, void, undefined> {
  const scene = sceneOf(dump);
  let chunk = "";
  for (const block of blocksOf(scene, mode)) {
    chunk += block;
    if (chunk.length < 65_536) continue;
    yield chunk;
    chunk = "";
  }
  yield `${chunk}# end      tasks ${dump.tasks.length}\n`;
}

/** A dump and what its blocks are made from. */
interface Scene extends Lookup {
  readonly dump: Dump;
  readonly callers: (task: Task, most: number) => readonly Task[];
  readonly flags: ReadonlyMap<TaskId, string>;
}

function sceneOf(dump: Dump): Scene {
  const lookup = lookupOf(dump);
  return { ...lookup, dump, callers: callersOf(lookup), flags: flagsOf(dump.problems) };
}

function* blocksOf(scene: Scene, mode: TaskdumpOptions["mode"]): Generator<string, void, undefined> {
  const { dump } = scene;
  const groups = gather(dump);
  yield metadata(dump, mode, groups.length);
  for (const [index, problem] of dump.problems.entries()) yield problemBlock(scene, problem, index);
  for (const group of groups) {
    const tasks = group.members.flatMap((index) => dump.tasks[index] ?? []);
    const alone = mode === "full" ? tasks.length : group.label === undefined ? 0 : mostAlone;
    const rest = tasks.slice(alone);
    for (const task of tasks.slice(0, alone)) yield taskBlock(scene, task);
    const [only] = rest;
    if (rest.length === 1 && only !== undefined) yield taskBlock(scene, only);
    else if (rest.length > 1) yield groupBlock(scene, rest, tasks.length);
  }
  for (const resource of dump.resources) yield resourceBlock(scene, resource);
  const most = mode === "full" ? Number.POSITIVE_INFINITY : mostContended;
  for (const wait of dump.contention?.waits.slice(0, most) ?? []) yield contendedWaitBlock(scene, wait);
  for (const hold of dump.contention?.holds.slice(0, most) ?? []) yield contendedHoldBlock(scene, hold);
}

/** Members of a deadlock are written one by one, so many at each place. */
const mostAlone = 16;
/** Frames of callers and holders of a lock in one block. */
const mostListed = 16;
/** Places of each kind where tasks waited and held, in a grouped dump. */
const mostContended = 10;

// — Head of the file

function metadata(dump: Dump, mode: string, groups: number): string {
  const { process, loop, coverage, problems } = dump;
  const facts = [
    `pid ${process.pid}`,
    `thread ${process.threadId}`,
    ...(process.parentPid === undefined ? [] : [`parent ${process.parentPid}`]),
    `node ${writeWord(process.node)}`,
    `up ${writeSeconds(process.upMs)}`,
    ...(process.build === undefined ? [] : [`build ${quote(process.build)}`]),
    ...(process.exitCode === undefined ? [] : [`exit ${process.exitCode}`]),
    `title ${quote(process.title)}`,
    `cwd ${quote(process.cwd)}`,
  ];
  const deadlocks = problems.filter((problem) => problem.verdict === "deadlock").length;
  const totals = `tasks ${dump.tasks.length}, groups ${groups}, resources ${dump.resources.length}, deadlocks ${deadlocks}, problems ${problems.length}`;
  const lines = [
    `taskdump 1 ${mode}`,
    `# process  ${facts.join(", ")}`,
    `# captured ${timeText(dump.capturedAt)} by ${quote(dump.by)}`,
    `# loop     ${loop.state} for ${writeSeconds(loop.sinceMs)}${lagText(loop)}`,
    `# totals   ${totals}`,
    ...(dump.filtered === undefined ? [] : [filteredLine(dump).trimEnd()]),
    `# coverage transformed ${coverage.transformed}, dropped ${coverage.dropped}, instrumented ${listText(coverage.instrumented)}, blind ${listText(coverage.blind)}`,
    ...contentionLine(dump),
    ...(dump.sources ?? []).map(({ file, hash }) => `# source   ${writeWord(hash)} ${quote(file)}`),
    ...coverage.untouched.map(({ file, reason }) => `# untouched ${quote(file)}: ${quote(reason)}`),
  ];
  return `${lines.join("\n")}\n\n`;
}

function contentionLine({ contention }: Dump): readonly string[] {
  if (contention === undefined) return [];
  const { forMs, stepMs, waits, holds, dropped } = contention;
  const all = contention.inAll ?? { waits: waits.length, holds: holds.length };
  return [
    `# contention for ${writeSeconds(forMs)}, step ${writeSeconds(stepMs)}, waits ${all.waits}, holds ${all.holds}, dropped ${dropped}`,
  ];
}

function lagText({ lag }: LoopState): string {
  return lag === undefined ? "" : `, lag p99 ${writeSeconds(lag.p99Ms)}, max ${writeSeconds(lag.maxMs)}`;
}

function listText(entries: readonly string[]): string {
  return entries.length === 0 ? "none" : entries.map(quote).join(" ");
}

function timeText(ms: number): string {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? new Date(0).toISOString() : time.toISOString();
}

function problemBlock(scene: Scene, problem: Problem, index: number): string {
  const [first, ...others] = problem.at;
  const label = safeLabel(problem);
  const header =
    label === undefined
      ? `problem P${index + 1}: ${listOf(scene, problem)}`
      : `deadlock ${label}: ${chainOf(scene, problem)}`;
  let text = `${header}\n${writeWord(problem.id)}, ${problem.verdict}, ${problem.certainty}: ${writeSentence(problem.message)}\n\t${writePlace(first)}\n`;
  for (const place of others) text += `see also\n\t${writePlace(place)}\n`;
  return `${text}\n`;
}

function safeLabel(problem: Problem): string | undefined {
  return problem.verdict === "deadlock" && /^D\d{1,9}$/.test(problem.label ?? "") ? problem.label : undefined;
}

/** `tasks 7, 9-12; mutex#4 "ledger"` */
function listOf(scene: Scene, problem: Problem): string {
  const resources = problem.resources.map((id) => referenceTo(scene, id));
  return [`tasks ${writeNumbers(problem.tasks) || "none"}`, ...resources].join("; ");
}

/** `task 7 -> mutex#4 "ledger" -> task 9 -> task 7; tasks 12`; a list when the tasks form no such ring. */
function chainOf(scene: Scene, problem: Problem): string {
  const links: string[] = [];
  const named: number[] = [];
  const [first] = problem.tasks;
  for (const [index, id] of problem.tasks.entries()) {
    links.push(`task ${id}`);
    const wait = scene.taskById.get(id)?.wait;
    let wanted: readonly (TaskId | undefined)[] = wait?.on === "tasks" ? wait.tasks : [];
    if (wait?.on === "resource") {
      links.push(referenceTo(scene, wait.resource));
      named.push(wait.resource);
      wanted = scene.resourceById.get(wait.resource)?.holders.map((hold) => hold.task) ?? [];
    }
    const next = problem.tasks[index + 1];
    if (next !== undefined && wanted.includes(next) && !(wanted.includes(first) && index > 0)) continue;
    if (!wanted.includes(first)) break;
    const others = problem.tasks.slice(index + 1);
    const resources = problem.resources.slice(named.length);
    // Readers take tasks and resources in the order in which they appear.
    if (new Set(named).size < named.length || named.some((each, at) => problem.resources[at] !== each)) break;
    const rest = [
      ...(others.length === 0 ? [] : [`tasks ${writeNumbers(others)}`]),
      ...resources.map((each) => referenceTo(scene, each)),
    ];
    return [`${links.join(" -> ")} -> task ${first}`, ...rest].join("; ");
  }
  return listOf(scene, problem);
}

function referenceTo(scene: Scene, id: Resource["id"]): string {
  const resource = scene.resourceById.get(id);
  return resource === undefined ? `unknown#${id}` : writeReference(resource);
}

// — Tasks

function taskBlock(scene: Scene, task: Task): string {
  const header = `task ${task.id} [${statusOf(task.state, scene.flags.get(task.id), minutes(waitMs(task)))}]${labelsOf(task)}:\n`;
  let text = header + ownFrames(scene, task);
  const callers = scene.callers(task, mostListed + 1);
  for (const caller of callers.slice(0, mostListed)) text += frame(scene, caller);
  if (callers.length > mostListed) text += pair("...additional frames elided...", noPlace);
  text += waitLines(scene, task);
  for (const id of task.holding) text += holdingLine(scene, task, id);
  return `${text}${createdLine(scene, task, `${writeSeconds(task.ageMs)} ago`)}\n`;
}

function groupBlock(scene: Scene, tasks: readonly Task[], total: number): string {
  const [first] = tasks;
  if (first === undefined) return "";
  const waited = rangeOf(tasks.map(waitMs));
  const ages = rangeOf(tasks.map((task) => task.ageMs));
  const low = minutes(waited.min);
  const high = minutes(waited.max);
  const time = low === high ? low : `${Math.floor(waited.min / 60_000)}-${high}`;
  const flags = new Set(tasks.map((task) => scene.flags.get(task.id)));
  const flag = flags.size === 1 ? [...flags][0] : undefined;
  let text = `tasks ${tasks.length} of ${total} [${statusOf(first.state, flag, time)}]${labelsOf(commonOf(tasks))}:\n`;
  text += pair(`ids ${writeNumbers(tasks.map((task) => task.id))}`, writePlace(siteOf(scene.dump, first.at)));
  text += ownFrames(scene, first);
  for (const caller of commonCallers(scene, tasks)) text += frame(scene, caller);
  text += pair(`waited ${writeSeconds(waited.min)} to ${writeSeconds(waited.max)}`, noPlace);
  const target = commonTarget(tasks);
  if (target !== undefined) text += waitLines(scene, target, false);
  text += collectedLines(tasks);
  const sameCreator = tasks.every((task) => task.parent === first.parent && task.created === first.created);
  const { parent: _parent, ...orphan } = first;
  const creator = sameCreator
    ? first
    : tasks.every((task) => task.created === first.created)
      ? orphan
      : undefined;
  const age = `${writeSeconds(ages.min)} to ${writeSeconds(ages.max)} ago`;
  return `${text}${creator === undefined ? pair(`created, ${age}`, noPlace) : createdLine(scene, creator, age)}\n`;
}

function statusOf(state: string, flag: string | undefined, time: string): string {
  return `${state}${flag === undefined ? "" : ` (${flag})`}${time === "" ? "" : `, ${time} minutes`}`;
}

/** Whole minutes as in Go, nothing below one. */
function minutes(ms: number): string {
  return ms < 60_000 ? "" : `${Math.floor(ms / 60_000)}`;
}

/** A key that we use ourselves is the program's own when it is quoted. */
const ownKeys = new Set(["name", "kind", "external", "collected"]);

/** What stands in the labels of a task. */
type Described = Pick<Task, "name" | "kind" | "external" | "collected" | "labels">;

function labelsOf(task: Described): string {
  const entries = [`name: ${quote(task.name)}`];
  if (task.kind !== "async function") entries.push(`kind: ${quote(task.kind)}`);
  if (task.external !== undefined) entries.push(`external: ${quote(String(task.external))}`);
  if (task.collected !== undefined) entries.push(`collected: ${quote(task.collected)}`);
  for (const [key, value] of Object.entries(task.labels ?? {})) {
    const bare = /^[A-Za-z_]\w*$/.test(key) && !ownKeys.has(key);
    entries.push(`${bare ? key : quote(key)}: ${quote(value)}`);
  }
  return ` {${entries.join(", ")}}`;
}

/** Which members can never go on, where the labels can't say it of all. */
function collectedLines(tasks: readonly Task[]): string {
  if (tasks.every((task) => task.collected === tasks[0]?.collected)) return "";
  return fates
    .map((fate) => {
      const gone = tasks.flatMap(({ id, collected }) => (collected === fate ? id : []));
      return gone.length === 0
        ? ""
        : pair(`collected ${gone.length} of ${tasks.length}, ${fate}: ${writeNumbers(gone)}`, noPlace);
    })
    .join("");
}

/** What the labels of a group say: what all members agree on. */
function commonOf(tasks: readonly Task[]): Described {
  const [first] = tasks;
  if (first === undefined) return { name: "", kind: "async function" };
  const same = (pick: (task: Task) => unknown) => tasks.every((task) => pick(task) === pick(first));
  const labels = Object.entries(first.labels ?? {}).filter(([key]) => same((task) => task.labels?.[key]));
  return {
    name: same((task) => task.name) ? first.name : "",
    kind: same((task) => task.kind) ? first.kind : "async function",
    ...(first.external !== undefined && same((task) => task.external) ? { external: first.external } : {}),
    ...(first.collected !== undefined && same((task) => task.collected)
      ? { collected: first.collected }
      : {}),
    ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }),
  };
}

/** Where the task is and where its function begins. The frames that follow are its callers. */
function ownFrames(scene: Scene, task: Task): string {
  const entry = siteOf(scene.dump, task.entry);
  if (entry === undefined) return frame(scene, task);
  const own = task.at === undefined ? "" : frame(scene, task);
  return `${own}${pair(`entry ${writeName(entry.function)}(...)`, writePlace(entry))}`;
}

function frame(scene: Scene, task: Task): string {
  const site = siteOf(scene.dump, task.at);
  const going = task.state === "running" || task.state === "runnable" || hasEnded(task);
  return pair(`${going ? "" : "await "}${writeName(site?.function)}(...)`, writePlace(site));
}

/** The part of the first member's async stack that all members share. */
function commonCallers(scene: Scene, tasks: readonly Task[]): readonly Task[] {
  const [first, ...others] = tasks;
  let common = first === undefined ? [] : scene.callers(first, mostListed);
  for (const task of others) {
    if (common.length === 0) break;
    const callers = scene.callers(task, common.length);
    const differs = common.findIndex((caller, level) => callers[level]?.at !== caller.at);
    if (differs !== -1) common = common.slice(0, differs);
  }
  return common;
}

/** The first task without its own times, when all wait for the same resource. */
function commonTarget(tasks: readonly Task[]): Task | undefined {
  const [first] = tasks;
  const wait = first?.wait;
  if (first === undefined || wait?.on !== "resource") return undefined;
  const same = tasks.every(
    (task) =>
      task.wait?.on === "resource" && task.wait.resource === wait.resource && task.wait.op === wait.op,
  );
  if (!same) return undefined;
  const { position: _position, ...common } = wait;
  return { ...first, wait: common };
}

/** What a task waits for that is neither a task nor a resource. */
function unseen(state: TaskState): string {
  if (state === "sleep") return "a timer";
  return state === "IO wait" ? "I/O" : "something unseen";
}

function waitLines(scene: Scene, task: Task, timed = true): string {
  const { wait } = task;
  if (wait === undefined) return "";
  const since = `for ${writeSeconds(wait.sinceMs)}`;
  switch (wait.on) {
    case "unknown":
      return pair(`waiting on ${unseen(task.state)} ${since}`, noPlace);
    case "tasks": {
      const [only] = wait.tasks;
      const simple = wait.tasks.length === 1 && wait.need === "all";
      const numbers = writeNumbers(wait.tasks) || "none";
      const what = simple ? `task ${only}` : `${wait.need} of tasks ${numbers}`;
      const more = wait.count === undefined ? "" : `, ${wait.count} in all`;
      const target = only === undefined ? undefined : scene.taskById.get(only);
      return pair(
        `waiting on ${what} ${since}${more}${wait.failsFast ? ", fails fast" : ""}${wait.exact ? "" : ", inferred"}`,
        writePlace(siteOf(scene.dump, target?.at)),
      );
    }
    case "resource": {
      const resource = scene.resourceById.get(wait.resource);
      const place =
        wait.position === undefined
          ? ""
          : `, position ${wait.position} of ${Math.max(wait.position, resource?.waiters.length ?? 0)}`;
      const type = resource === undefined ? "" : ` (${writeWord(resource.type)})`;
      const line = `waiting on ${referenceTo(scene, wait.resource)}${type} to ${writeOperation(wait.op)}${timed ? ` ${since}` : ""}${place}${wait.cancellable ? ", cancellable" : ""}`;
      return pair(line, writePlace(siteOf(scene.dump, resource?.created))) + holderLines(scene, resource);
    }
  }
}

function holderLines(scene: Scene, resource: Resource | undefined): string {
  const holders = resource?.holders ?? [];
  const lines = holders.slice(0, mostListed).map(({ release: _told, ...hold }) => holdLine(scene, hold));
  if (holders.length > mostListed) lines.push(pair(`held by ${holders.length - mostListed} more`, noPlace));
  return lines.join("");
}

function holdLine(scene: Scene, hold: Hold): string {
  const taker = siteOf(scene.dump, hold.site)?.function;
  const unknown = `an unknown task${taker === undefined ? "" : `, taken by ${writeName(taker)},`}`;
  const who = hold.task === undefined ? unknown : `task ${hold.task}`;
  const amount = hold.amount === 1 ? "" : `, amount ${hold.amount}`;
  const release = hold.release === undefined ? "" : `, release ${hold.release}`;
  return pair(
    `held by ${who} for ${writeSeconds(hold.forMs)}${amount}${release}`,
    writePlace(siteOf(scene.dump, hold.site)),
  );
}

function holdingLine(scene: Scene, task: Task, id: Resource["id"]): string {
  const hold = scene.resourceById.get(id)?.holders.find((each) => each.task === task.id);
  const since = hold === undefined ? "" : ` for ${writeSeconds(hold.forMs)}`;
  return pair(`holding ${referenceTo(scene, id)}${since}`, writePlace(siteOf(scene.dump, hold?.site)));
}

function createdLine(scene: Scene, task: Pick<Task, "created" | "parent">, age: string): string {
  const site = siteOf(scene.dump, task.created);
  const by = site === undefined ? "created" : createdBy(site);
  const where = task.parent === undefined ? "" : ` in task ${task.parent}`;
  return pair(`${by}${where}, ${age}`, writePlace(site));
}

// — Resources

function resourceBlock(scene: Scene, resource: Resource): string {
  const taken = resource.holders.reduce((sum, hold) => sum + hold.amount, 0);
  const facts = [
    `held ${taken}${resource.capacity === undefined ? "" : ` of ${resource.capacity}`}`,
    `waiting ${resource.waiters.length}`,
    ...(resource.length === undefined ? [] : [`length ${resource.length}`]),
    ...(resource.closed === undefined ? [] : [resource.closed ? "closed" : "open"]),
  ];
  let text = `resource ${writeReference(resource)} (${writeWord(resource.type)}) [${facts.join(", ")}]:\n`;
  const created = siteOf(scene.dump, resource.created);
  if (created !== undefined) text += pair(createdBy(created), writePlace(created));
  for (const hold of resource.holders) text += holdLine(scene, hold);
  if (resource.waiters.length > 0) text += pair(`waiters ${writeNumbers(resource.waiters)}`, noPlace);
  return `${text}\n`;
}

// — Contention

function contendedWaitBlock(scene: Scene, { stack, state, resource, ...amounts }: ContendedWait): string {
  const about = resource === undefined ? "" : contendedResource(scene, resource);
  return `waits ${amountsText(amounts)} [${state}]:\n${frames(scene, stack, "await ")}${about}\n`;
}

function contendedHoldBlock(
  scene: Scene,
  { stack, taken, resource, contended, delayMs, ...amounts }: ContendedHold,
): string {
  const delayed = `, ${contended} delayed others for ${writeSeconds(delayMs)}`;
  const site = siteOf(scene.dump, taken);
  const from = site === undefined ? "" : pair("taken", writePlace(site));
  return `holds ${amountsText(amounts)}${delayed}:\n${frames(scene, stack, "")}${contendedResource(scene, resource)}${from}\n`;
}

function amountsText({
  count,
  totalMs,
  longestMs,
}: Pick<ContendedWait, "count" | "totalMs" | "longestMs">): string {
  return `${count} for ${writeSeconds(totalMs)}, longest ${writeSeconds(longestMs)}`;
}

/** The first as it is, the others as what awaits it. */
function frames(scene: Scene, stack: readonly number[], first: string): string {
  return stack
    .map((index, depth) => {
      const site = siteOf(scene.dump, index);
      return pair(`${depth === 0 ? first : "await "}${writeName(site?.function)}(...)`, writePlace(site));
    })
    .join("");
}

function contendedResource(scene: Scene, { kind, type, name, created }: ContendedResource): string {
  const called = name === undefined ? "" : ` ${quote(name)}`;
  return pair(`of ${kind}${called} (${writeWord(type)})`, writePlace(siteOf(scene.dump, created)));
}

// — Small words

function createdBy(site: Site): string {
  return site.function === undefined ? "created" : `created by ${writeName(site.function)}`;
}

function pair(line: string, place: string): string {
  return `${line}\n\t${place}\n`;
}

/** What stands in parentheses after the state: `deadlock D1`, else the gravest verdict about the task. */
function flagsOf(problems: readonly Problem[]): ReadonlyMap<TaskId, string> {
  const flags = new Map<TaskId, string>();
  const told: readonly Verdict[] = ["loop-blocked"];
  for (const problem of problems) {
    if (told.includes(problem.verdict)) continue;
    const label = safeLabel(problem);
    const flag = label === undefined ? problem.verdict : `deadlock ${label}`;
    for (const id of problem.tasks) if (!flags.has(id)) flags.set(id, flag);
  }
  return flags;
}

function rangeOf(values: readonly number[]): { min: number; max: number } {
  let min = values[0] ?? 0;
  let max = min;
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { min, max };
}
