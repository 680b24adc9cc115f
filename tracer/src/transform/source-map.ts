import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import remapping, { type SourceMapInput } from "@jridgewell/remapping";
import { readFileSync } from "../own-fs.ts";
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
    const segments = mappings[index] ?? [];
    if (marks.length === 0) return segments;
    // One pass, because a whole program may stand on one line.
    const mapped: Segment[] = [];
    let next = 0;
    let before: Segment | undefined;
    for (let mark = 0; mark < marks.length; mark += 2) {
      const start = marks[mark] ?? 0;
      const end = marks[mark + 1] ?? start;
      for (let each = segments[next]; each !== undefined && each[0] < start; each = segments[++next]) {
        mapped.push(each);
        before = each;
      }
      while ((segments[next]?.[0] ?? Number.POSITIVE_INFINITY) <= end) next++;
      const text = line.slice(start + 1, end);
      const origin = text.startsWith(returning)
        ? before
        : opensCall.test(text)
          ? behind(segments, marks, mark, next)
          : undefined;
      const isMapped = origin !== undefined && origin.length > 1;
      if (isMapped) {
        const [, ...from] = origin;
        mapped.push([start, ...from]);
      }
      // The call is made when the task goes on after an await, and it is not the user who stops there.
      const isWakeUp = line.startsWith("await", end + 1) || line.startsWith("yield", end + 1);
      if (isMapped && !isWakeUp) continue;
      // Every position is said to come from nowhere: js-debug takes the next one of the line for those that are not.
      for (let column = isMapped ? start + 2 : start; column <= end; column++) mapped.push([column]);
    }
    return [...mapped, ...segments.slice(next)];
  });
}

/** The first segment behind an insertion that is in no other one. */
function behind(
  segments: readonly Segment[],
  marks: readonly number[],
  mark: number,
  from: number,
): Segment | undefined {
  let following = mark + 2;
  for (let index = from; index < segments.length; index++) {
    const segment = segments[index];
    const column = segment?.[0] ?? 0;
    while ((marks[following + 1] ?? Number.POSITIVE_INFINITY) < column) following += 2;
    if (column < (marks[following] ?? Number.POSITIVE_INFINITY)) return segment;
  }
  return undefined;
}

const marksPattern = new RegExp(insertionMark, "g");
/** The end of an insertion that wraps the expression behind it. */
const opensCall = /[(,]$/;
/** The beginning of the insertion that stands for the word `return` before it. */
const returning = "*/";

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
