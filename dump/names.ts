import type { Dump, Site } from "@unknot/protocol/dump.ts";
import type { Handle } from "@unknot/protocol/handle.ts";
import type { Place } from "@unknot/protocol/place.ts";
import type { Hold, Resource, ResourceId, ResourceKind } from "@unknot/protocol/resource.ts";
import type { Task, TaskId } from "@unknot/protocol/task.ts";
import { indexById } from "./index-by-id.ts";

/** What a dump and an overview have in common: tasks and resources that refer to sites by index. */
export type Snapshot = Pick<Dump, "sites" | "tasks" | "resources">;

/** Finds things by their ids. */
interface ById<Id extends number, Item> {
  get(id: Id): Item | undefined;
}

/** A snapshot with its tasks and resources found by id. */
export interface Lookup {
  readonly snapshot: Snapshot;
  readonly taskById: ById<TaskId, Task>;
  readonly resourceById: ById<ResourceId, Resource>;
}

export function lookupOf(snapshot: Snapshot): Lookup {
  return { snapshot, taskById: byId(snapshot.tasks), resourceById: byId(snapshot.resources) };
}

function byId<Item extends { readonly id: number }>(items: readonly Item[]): ById<Item["id"], Item> {
  const indexes = indexById(items);
  return { get: (id) => items[indexes.get(id) ?? -1] };
}

/** The site of an index; undefined when there is none. */
export function siteOf(snapshot: Pick<Snapshot, "sites">, index: number | undefined): Site | undefined {
  return index === undefined ? undefined : snapshot.sites[index];
}

/** The place of a site, without its function. */
export function placeOf(site: Site): Place {
  return { file: site.file, line: site.line, column: site.column };
}

/** Where a task is: where it is suspended, else where it was started, else its function. */
export function whereIs(snapshot: Snapshot, task: Task): Site | undefined {
  return siteOf(snapshot, task.at ?? task.created ?? task.entry);
}

/** How long a task has waited; how long it has lived when it does not wait. */
export function waitMs(task: Task): number {
  return task.wait?.sinceMs ?? task.ageMs;
}

const longestName = 80;

/**
 * A name of the program, in single quotes, for a sentence. Names are hostile text: no line break, control or
 * direction character survives, and long ones are cut.
 */
export function quoted(name: string): string {
  return `'${plain(name)}'`;
}

/** The same without quotes. */
export function plain(name: string): string {
  const clean = name.replace(unprintable, "\u{fffd}");
  return clean.length > longestName ? `${clean.slice(0, longestName - 1)}…` : clean;
}

/** Characters that would change how the text around them looks: controls, line breaks, direction marks, lone surrogates. */
export const unprintable =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is its purpose
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

const kindWords: Readonly<Record<ResourceKind, string>> = {
  mutex: "lock",
  rwlock: "lock",
  semaphore: "semaphore",
  channel: "channel",
  queue: "queue",
  waitgroup: "wait group",
  event: "event",
  barrier: "barrier",
  pool: "pool",
  stream: "stream",
  timer: "timer",
  join: "join",
};

/** `'ledger'`, or `the lock created at locks.ts:13` when it has no name. */
export function resourceName(
  snapshot: Pick<Snapshot, "sites">,
  resource: Pick<Resource, "kind" | "name" | "created">,
): string {
  if (resource.name !== undefined) return quoted(resource.name);
  const created = siteOf(snapshot, resource.created);
  const word = kindWords[resource.kind];
  return created === undefined ? `a ${word}` : `the ${word} created at ${shortPlace(created)}`;
}

/**
 * Who has what no task is known to hold: who took it has ended, and perhaps handed it on, or was no task. `whoever got it
 * from 'reserve'`
 */
export function unknownHolder(snapshot: Pick<Snapshot, "sites">, { site }: Hold): string {
  const taker = siteOf(snapshot, site)?.function;
  return taker === undefined ? "an unknown task" : `whoever got it from ${quoted(taker)}`;
}

/** A sentence with a large letter at its start. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `an interval (every 1000 ms)` */
export function handleName({ kind, type, detail }: Handle): string {
  const word = kind === "other" ? `handle of type ${plain(type)}` : kind;
  const article = /^[aeiou]/.test(word) ? "an" : "a";
  return `${article} ${word}${detail === undefined ? "" : ` (${plain(detail)})`}`;
}

/** `locks.ts:13`, for sentences; lists and links carry the whole path. */
export function shortPlace(place: Place): string {
  return `${plain(place.file.slice(place.file.lastIndexOf("/") + 1))}:${place.line}`;
}

/** `840 ms`, `12.4 s`, `3 min 2 s`, `2 h 5 min`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Math.floor(ms / 100) / 10} s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min${tail(seconds % 60, "s")}`;
  const minutes = Math.floor(seconds / 60);
  return `${Math.floor(minutes / 60)} h${tail(minutes % 60, "min")}`;
}

function tail(amount: number, unit: string): string {
  return amount === 0 ? "" : ` ${amount} ${unit}`;
}

/** `1 task`, `3 tasks`, `100,000 tasks`. */
export function count(amount: number, word: string, words = `${word}s`): string {
  return `${grouped(amount)} ${amount === 1 ? word : words}`;
}

/** `100,000`: the same in every locale, as all our texts are. */
export function grouped(amount: number): string {
  return amount.toLocaleString("en-US");
}
