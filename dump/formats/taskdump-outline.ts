import type { Place } from "@unknot/protocol/place.ts";
import {
  groupHeader,
  holdsHeader,
  problemHeader,
  readPlace,
  resourceHeader,
  taskHeader,
  waitsHeader,
} from "./taskdump-lines.ts";
import { unquote } from "./text.ts";

/** A paragraph of a dump that begins with a header. Lines count from 0, the last one included. */
interface OutlineBlock {
  readonly kind: "task" | "group" | "resource" | "problem" | "contention";
  /** What it is called: a task by its name, a resource by its own. */
  readonly name: string;
  /** What else its header says: number and state. */
  readonly detail: string;
  /** What the rest of the text calls it: `task 7`, `mutex#4`, `D1`. */
  readonly reference: string;
  readonly start: number;
  readonly end: number;
}

/** A place that stands in a line, from `from` to before `to`. */
interface OutlinePlace {
  readonly line: number;
  readonly from: number;
  readonly to: number;
  readonly place: Place;
}

export interface Outline {
  readonly blocks: readonly OutlineBlock[];
  readonly places: readonly OutlinePlace[];
}

/** The paragraphs and places of `.taskdump` text or of Go's goroutines, for an editor. Never throws. */
export function outlineOf(text: string): Outline {
  const lines = text.split(/\r?\n/);
  const blocks: OutlineBlock[] = [];
  const places: OutlinePlace[] = [];
  for (let start = 0; start < lines.length; ) {
    let next = start;
    while (next < lines.length && lines[next] !== "") next++;
    const block = blockOf(lines[start] ?? "", lines[start + 1] ?? "");
    if (block) blocks.push({ ...block, start, end: next - 1 });
    for (let line = start; line < next; line++) {
      const whole = lines[line] ?? "";
      const place = whole.startsWith("\t") ? readPlace(whole) : undefined;
      if (place) places.push({ line, from: 1, to: whole.replace(/ \+0x[0-9a-f]+$/, "").length, place });
    }
    start = Math.max(next + 1, start + 1);
  }
  return { blocks, places };
}

/** The name of what stands at a character of a line, as a block's `reference` has it. */
export function referenceAt(line: string, character: number): string | undefined {
  for (const match of line.matchAll(/\b(?:task|goroutine) \d+\b|\b\w+#\d+\b|\b[A-Z]\d+\b/g)) {
    if (match.index <= character && character <= match.index + match[0].length) return match[0];
  }
  return undefined;
}

function blockOf(header: string, second: string): Omit<OutlineBlock, "start" | "end"> | undefined {
  const task = taskHeader.exec(header);
  if (task) {
    const [, word = "task", id = "", state = "", flags = "", , labels] = task;
    const name = nameIn(labels) ?? functionIn(second) ?? `${word} ${id}`;
    return {
      kind: "task",
      name,
      detail: `${word} ${id} [${state}${flags}]`,
      reference: `${word} ${id}`,
    };
  }
  const group = groupHeader.exec(header);
  if (group) {
    const [, number = "", , state = "", flags = "", , labels] = group;
    const name = nameIn(labels) ?? functionIn(second) ?? "tasks";
    return {
      kind: "group",
      name,
      detail: `${number} tasks [${state}${flags}]`,
      reference: `tasks ${number}`,
    };
  }
  const resource = resourceHeader.exec(header);
  if (resource) {
    const [, kind = "", id = "", name, type = ""] = resource;
    const reference = `${kind}#${id}`;
    return {
      kind: "resource",
      name: name === undefined ? reference : unquote(name),
      detail: `${reference} (${unquote(type)})`,
      reference,
    };
  }
  if (waitsHeader.test(header) || holdsHeader.test(header)) {
    const word = header.slice(0, "waits".length);
    const detail = header.slice(0, -1);
    return { kind: "contention", name: functionIn(second) ?? word, detail, reference: word };
  }
  const problem = problemHeader.exec(header);
  if (problem) {
    const [, word = "", label = "", rest = ""] = problem;
    return { kind: "problem", name: `${word} ${label}`, detail: rest, reference: label };
  }
  return undefined;
}

/** The name among the labels of a header. */
function nameIn(labels: string | undefined): string | undefined {
  const name = /^name: ("(?:[^"\\]|\\.)*")/.exec(labels ?? "")?.[1];
  return name === undefined ? undefined : unquote(name);
}

/** The function of a frame: `await reserve(...)`. */
function functionIn(frame: string): string | undefined {
  return /^(?:(?:async|await|for await|new|entry) )?(\S+)\(.*\)$/.exec(frame)?.[1];
}
