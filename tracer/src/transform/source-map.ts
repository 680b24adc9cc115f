import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import remapping, { type SourceMapInput } from "@jridgewell/remapping";
import { insertionMark } from "./insertions.ts";

export interface MapOptions {
  /** The file's path, against which a map that it names is found. */
  readonly file: string;
  /** Whether positions lead on through the map that the file names, as for a debugger. */
  readonly composed: boolean;
}

const comment = /^[ \t]*\/\/[#@][ \t]*sourceMappingURL=(\S+)[ \t]*$/gm;

/**
 * Appends the map of a transformed file as a comment, if wanted composed with the map that the file brought along. The
 * comment comes last, so it is the one that counts.
 */
export function withMap(code: string, own: { toString(): string }, { file, composed }: MapOptions): string {
  const before = composed ? readMap(mapUrl(code), file) : undefined;
  const map = before === undefined ? own.toString() : compose(own.toString(), before.map, before.base);
  const url = `data:application/json;charset=utf-8;base64,${Buffer.from(map).toString("base64")}`;
  return `${code}\n//# sourceMappingURL=${url}`;
}

/** Makes sure that the map a file names is not read: what Node shows of it is as the file has it. */
export function withoutMap(code: string): string {
  return mapUrl(code) === undefined ? code : `${code}\n//# sourceMappingURL=data:,`;
}

/** A segment of a decoded map; one that has only a column of the code says that this comes from nowhere. */
type Segment = [number] | [number, number, number, number] | [number, number, number, number, number];

/**
 * Says where the insertions in `code` come from, so that a debugger stops in none of them: what a statement of the
 * tracer's does comes from nowhere, and stepping goes on through it. A call around an expression of the user's comes
 * from that expression: statements begin in such calls, and stepping out of what they wrap ends in them.
 */
export function withMappingsOfInsertions(code: string, mappings: readonly Segment[][]): Segment[][] {
  return code.split("\n").map((line, index) => {
    // No insertion has a line break in it, so the marks of a line come in pairs.
    const marks = [...line.matchAll(marksPattern)].map((mark) => mark.index);
    const insertions = marks
      .filter((_, each) => each % 2 === 0)
      .map((start, pair) => ({ start, end: marks[2 * pair + 1] ?? start }));
    const segments = mappings[index] ?? [];
    if (insertions.length === 0) return segments;
    const outside = segments.filter(
      ([column]) => !insertions.some(({ start, end }) => start <= column && column <= end),
    );
    const own = insertions.flatMap(({ start, end }): readonly Segment[] => {
      const text = line.slice(start + 1, end);
      const origin = text.startsWith(returning)
        ? outside.findLast(([column]) => column < start)
        : opensCall.test(text)
          ? outside.find(([column]) => column > end)
          : undefined;
      // Every position is said to come from nowhere: js-debug takes the next one of the line for those that are not.
      const columns = Array.from({ length: end - start + 1 }, (_, offset) => start + offset);
      if (origin === undefined || origin.length === 1) return columns.map((column): Segment => [column]);
      const [, ...from] = origin;
      // The call is made when the task goes on after an await, and it is not the user who stops there.
      const isWakeUp = resumption.test(line.slice(end + 1));
      return [[start, ...from], ...(isWakeUp ? columns.slice(2).map((column): Segment => [column]) : [])];
    });
    return [...outside, ...own].sort(([one], [other]) => one - other);
  });
}

const marksPattern = new RegExp(insertionMark, "g");
/** The end of an insertion that wraps the expression behind it. */
const opensCall = /[(,]$/;
/** The beginning of the insertion that stands for the word `return` before it. */
const returning = "*/";
const resumption = /^(await|yield)\b/;

/** What a file names as its source map; the last one counts. */
export function mapUrl(code: string): string | undefined {
  return [...code.matchAll(comment)].at(-1)?.[1];
}

/** The map at a URL that a file names, and the folder its sources are relative to; undefined when it is not there. */
export function readMap(url: string | undefined, file: string): { map: string; base: string } | undefined {
  if (url === undefined) return undefined;
  try {
    if (url.startsWith("data:")) {
      const comma = url.indexOf(",");
      const data = url.slice(comma + 1);
      const encoded = url.slice(0, comma).endsWith(";base64");
      const map = encoded ? Buffer.from(data, "base64").toString() : decodeURIComponent(data);
      return { map, base: path.dirname(file) };
    }
    const target = url.startsWith("file:")
      ? fileURLToPath(url)
      : path.resolve(path.dirname(file), decodeURIComponent(url));
    return { map: readFileSync(target, "utf8"), base: path.dirname(target) };
  } catch {
    // Packages often name maps they do not ship; the file's own positions are shown then.
    return undefined;
  }
}

function compose(own: string, before: string, base: string): string {
  const parsed = JSON.parse(before) as { sources?: (string | null)[]; sourceRoot?: string };
  const root = parsed.sourceRoot === undefined ? base : path.resolve(base, asPath(parsed.sourceRoot));
  const absolute = {
    ...parsed,
    sourceRoot: undefined,
    sources: (parsed.sources ?? []).map((source) =>
      source === null || /^\w[\w+.-]+:/.test(source)
        ? source
        : pathToFileURL(path.resolve(root, source)).href,
    ),
  };
  const composed = remapping([own, absolute] as unknown as SourceMapInput[], () => null);
  return composed.toString();
}

function asPath(root: string): string {
  return root.startsWith("file:") ? fileURLToPath(root) : root;
}
