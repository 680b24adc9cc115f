import type { Dump, Site } from "@unknot/protocol/dump.ts";
import type { Resource } from "@unknot/protocol/resource.ts";
import { unprintable } from "../names.ts";

// The small words of the text formats. Everything the program can choose (names, paths, labels, types) is written
// bare only when it can't be mistaken for anything else, and as a JSON string otherwise.

const bareName = /^[\p{L}\p{N}_$.#<>[\]/@:*()|-]+$/u;
const bareWord = /^[\p{L}\p{N}_$.@/-]+$/u;

/** Stands for a function without a name. */
export const anonymous = "(anonymous)";
/** Stands for a place that is not known; every line of a block is followed by a place. */
export const noPlace = "?:0";

/** A JSON string in which nothing invisible is left as it is. */
export function quote(text: string): string {
  return JSON.stringify(text).replace(unprintable, (character) =>
    [...character].map((part) => `\\u${part.charCodeAt(0).toString(16).padStart(4, "0")}`).join(""),
  );
}

/** `# filtered 3 of 21 tasks by "wait>30s"`; empty for a whole dump. */
export function filteredLine({ filtered, tasks }: Pick<Dump, "filtered" | "tasks">): string {
  return filtered === undefined
    ? ""
    : `# filtered ${tasks.length} of ${filtered.of} tasks by ${quote(filtered.by)}\n`;
}

/** A sentence of ours: bare unless it would not stand in one line. */
export function writeSentence(sentence: string): string {
  return sentence === "" || /^[\s"]|\s$/.test(sentence) || hides(sentence) ? quote(sentence) : sentence;
}

/** The name of a function as a frame shows it. */
export function writeName(name: string | undefined): string {
  if (name === undefined) return anonymous;
  return bareName.test(name) && name !== anonymous ? name : quote(name);
}

/** A type, an operation, a version. */
export function writeWord(word: string): string {
  return bareWord.test(word) ? word : quote(word);
}

/** An operation as the verb of a sentence: who calls `runExclusive` waits to enter. */
export function writeOperation(op: string): string {
  if (op === "scoped") return "enter";
  return op === "enter" ? quote(op) : writeWord(op);
}

export function readOperation(text: string): string {
  return text === "enter" ? "scoped" : unquote(text);
}

/** `/srv/shop/src/orders.ts:41:17` */
export function writePlace(site: Pick<Site, "file" | "line" | "column"> | undefined): string {
  if (site === undefined) return noPlace;
  const bare = site.file !== "" && site.file !== "?" && !/^[\s"]|\s$/.test(site.file) && !hides(site.file);
  return `${bare ? site.file : quote(site.file)}:${site.line}:${site.column}`;
}

function hides(text: string): boolean {
  unprintable.lastIndex = 0;
  return unprintable.test(text);
}

/** `mutex#4 "ledger"` */
export function writeReference(resource: Pick<Resource, "id" | "kind" | "name">): string {
  const name = resource.name === undefined ? "" : ` ${quote(resource.name)}`;
  return `${resource.kind}#${resource.id}${name}`;
}

/** Whole milliseconds as seconds: `182.412s`. */
export function writeSeconds(ms: number): string {
  return `${Number.isFinite(ms) ? Math.round(Math.max(0, ms)) / 1000 : 0}s`;
}

/** Numbers in their order, runs shortened: `7, 9-12`. */
export function writeNumbers(numbers: readonly number[]): string {
  const parts: string[] = [];
  for (let index = 0; index < numbers.length; ) {
    const first = numbers[index] ?? 0;
    let last = first;
    for (index++; numbers[index] === last + 1; index++) last++;
    parts.push(first === last ? `${first}` : `${first}-${last}`);
  }
  return parts.join(", ");
}

/** Reads what `writeNumbers` wrote; stops at `most`, so that a hostile range can't fill the memory. */
export function readNumbers(text: string, most: number): number[] {
  const numbers: number[] = [];
  for (const part of text.matchAll(/(\d+)(?:-(\d+))?/g)) {
    const first = Number(part[1]);
    const last = part[2] === undefined ? first : Number(part[2]);
    if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) continue;
    for (let number = first; number <= last && numbers.length < most; number++) numbers.push(number);
  }
  return numbers;
}

/** A JSON string as a part of other regular expressions. */
export const jsonString = String.raw`"(?:[^"\\]|\\.)*"`;

/** What `quote`, `writeName` or `writeWord` wrote; a broken string stays as it is. */
export function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : text;
  } catch {
    return text;
  }
}

/** Milliseconds of `182.412s` or `182.412`. */
export function readSeconds(text: string | undefined): number {
  const seconds = Number.parseFloat(text ?? "");
  return Number.isFinite(seconds) ? Math.round(seconds * 1000) : 0;
}
