// Code that others evaluate (a test runner, with its own source maps) runs with insertions, and its positions are given
// as those of the code without them: in stack traces by the call sites that those are made of, in coverage by the ranges.
import inspector from "node:inspector";
import { type Callback, type Wrapping, wrap, wrapFunction } from "@unknot/models/probe.ts";
import { insertionMark, withoutInsertions } from "./transform/insertions.ts";

/** Code as it runs. */
export interface RunningCode {
  readonly code: string;
  /** What V8 was told to add to the columns of the first line. */
  readonly firstColumn: number;
}

/** Positions of running code as they would be without insertions. Columns count from 1, offsets from 0. */
export interface Positions {
  column(line: number, column: number): number;
  offset(offset: number): number;
  /** Whether an offset of the running code is within an insertion. */
  isInserted(offset: number): boolean;
  /** The code between two offsets of the code without insertions. */
  text(from: number, to: number): string;
}

export function positionsOf({ code, firstColumn }: RunningCode): Positions {
  const lines = [0];
  for (let at = code.indexOf("\n"); at !== -1; at = code.indexOf("\n", at + 1)) lines.push(at + 1);
  // Begin and end of each insertion with its marks, and what was inserted before it.
  const starts: number[] = [];
  const ends: number[] = [];
  const before: number[] = [];
  let sum = 0;
  for (let at = code.indexOf(insertionMark); at !== -1; ) {
    const end = code.indexOf(insertionMark, at + 1) + 1;
    if (end === 0) break;
    starts.push(at);
    ends.push(end);
    before.push(sum);
    sum += end - at;
    at = code.indexOf(insertionMark, end);
  }
  /** The last insertion that begins before an offset; -1 if there is none. */
  const lastBefore = (from: number): number => {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((starts[middle] as number) < from) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  };
  const offset = (from: number): number => {
    const last = lastBefore(from);
    if (last < 0) return from;
    return (
      from - (before[last] as number) - (Math.min(from, ends[last] as number) - (starts[last] as number))
    );
  };
  let original: string | undefined;
  return {
    offset,
    isInserted(from) {
      const last = lastBefore(from);
      return last >= 0 && from < (ends[last] as number);
    },
    text(from, to) {
      original ??= withoutInsertions(code);
      return original.slice(from, to);
    },
    column(line, column) {
      const start = lines[line - 1];
      if (start === undefined) return column;
      const added = line === 1 ? firstColumn : 0;
      return offset(start + column - 1 - added) - offset(start) + 1 + added;
    },
  };
}

/** Finds the positions of a script by the name that V8 knows it by. */
export type FindPositions = (script: string) => Positions | undefined;

/** What of V8's call sites is looked at. */
interface CallSite {
  getFileName(): unknown;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
}

type Prepare = (this: unknown, error: unknown, sites: readonly CallSite[], ...rest: unknown[]) => unknown;

/**
 * Lets those who make the stack traces of a realm, by its `Error.prepareStackTrace`, see positions without insertions,
 * but for those that are `left` alone. Call sites themselves can't be changed.
 */
export function patchStackTraces(
  realmsError: object,
  find: FindPositions,
  { guard, replaces }: Wrapping,
  left: (prepare: Callback) => boolean = () => false,
): void {
  const holder = realmsError as { prepareStackTrace?: unknown };
  const givenOf = new WeakMap<object, unknown>();
  let given: unknown;
  let wrapped: unknown;
  const set = (value: unknown): void => {
    given = givenOf.get(value as object) ?? value;
    if (typeof given !== "function" || left(given as Callback)) {
      wrapped = given;
      return;
    }
    const prepare = given as Prepare;
    const wrapper: Prepare = function (error, sites, ...rest) {
      const shown = guard(() => sites.map((site) => withoutInsertion(site, find))) ?? sites;
      return Reflect.apply(prepare, this, [error, shown, ...rest]);
    };
    replaces(wrapper, prepare as Callback);
    givenOf.set(wrapper, prepare);
    wrapped = wrapper;
  };
  set(holder.prepareStackTrace);
  Object.defineProperty(holder, "prepareStackTrace", {
    configurable: true,
    enumerable: false,
    get: () => wrapped,
    set,
  });
}

/** One who makes stack traces may ask the one who was there before. */
const moved = new WeakSet<CallSite>();

/** The site itself when nothing of it is to be said otherwise. */
function withoutInsertion(site: CallSite, find: FindPositions): CallSite {
  if (moved.has(site)) return site;
  // Of an async frame the name of its script is not known.
  const file = site.getFileName();
  const positions = typeof file === "string" ? find(file) : undefined;
  const line = positions === undefined ? null : site.getLineNumber();
  const column = line === null ? null : site.getColumnNumber();
  if (positions === undefined || line === null || column === null) return site;
  const real = positions.column(line, column);
  if (real === column) return site;
  const shown = Object.create(movedSites(site, column, real)) as CallSite;
  moved.add(shown);
  return shown;
}

/** A prototype with all that a call site has, because some make copies of it. */
function movedSites(site: CallSite, before: number, column: number): object {
  const methods: Record<string, Callback> = {};
  const callSites = Object.getPrototypeOf(site) as Record<string, Callback>;
  for (const name of Object.getOwnPropertyNames(callSites)) {
    const method = callSites[name];
    if (typeof method === "function") methods[name] = (...args) => Reflect.apply(method, site, args);
  }
  methods["getColumnNumber"] = () => column;
  methods["toString"] = () =>
    String(site).replace(/:(\d+)(\)?)$/, (all, at: string, end: string) =>
      Number(at) === before ? `:${column}${end}` : all,
    );
  return methods;
}

interface CoveredRange {
  startOffset: number;
  endOffset: number;
}

interface CoveredFunction {
  ranges: CoveredRange[];
}

interface Coverage {
  readonly result?: { readonly url: string; functions: CoveredFunction[] }[];
}

/** Lets what a thread asks its own inspector about coverage tell of the code without insertions. */
export function patchCoverage(find: FindPositions, probe: Wrapping): void {
  const clean = (answer: unknown) => void probe.guard(() => withoutInsertedRanges(answer as Coverage, find));
  // It calls the other one, and takes it when it is loaded.
  const { Session } = process.getBuiltinModule("node:inspector/promises");
  wrap(probe, inspector.Session.prototype, "post", (_, args) => {
    const at = asksForCoverage(args) ? args.findIndex((arg) => typeof arg === "function") : -1;
    if (at < 0) return undefined;
    const callback = wrapFunction(probe, args[at] as Callback, (_self, [, answer]) => {
      clean(answer);
      return undefined;
    });
    return { args: args.with(at, callback) };
  });
  const descriptor = Object.getOwnPropertyDescriptor(Session.prototype, "post");
  const post: unknown = descriptor?.value;
  if (typeof post !== "function") return;
  const { wrapper } = {
    wrapper(this: object, ...args: unknown[]): unknown {
      const answer = Reflect.apply(post, this, args) as Promise<unknown>;
      if (!asksForCoverage(args)) return answer;
      return answer.then((value) => {
        clean(value);
        return value;
      });
    },
  };
  probe.replaces(wrapper, post as Callback);
  Object.defineProperty(Session.prototype, "post", { ...descriptor, value: wrapper });
}

function asksForCoverage([method]: readonly unknown[]): boolean {
  return method === "Profiler.takePreciseCoverage" || method === "Profiler.getBestEffortCoverage";
}

const generator = /^(async\s+)?(function\s*)?\*/;
const mostToStar = 40;

function withoutInsertedRanges({ result = [] }: Coverage, find: FindPositions): void {
  for (const script of result) {
    const positions = find(script.url);
    if (positions === undefined) continue;
    for (const covered of script.functions) {
      const [whole] = covered.ranges;
      if (whole === undefined) continue;
      const start = positions.offset(whole.startOffset);
      const end = positions.offset(whole.endOffset);
      const isGenerator = generator.test(positions.text(start, start + mostToStar));
      const nothingAfter = new Set<number>();
      const ranges = covered.ranges.flatMap((range) => {
        const startOffset = positions.offset(range.startOffset);
        const endOffset = positions.offset(range.endOffset);
        const isOriginal = endOffset - startOffset === range.endOffset - range.startOffset;
        // What follows the last statement is no range of its own, except in generators.
        const isNothing = !isGenerator && /^[\s;)]*$/.test(positions.text(startOffset, endOffset));
        if (!isOriginal && isNothing) nothingAfter.add(startOffset);
        return !isOriginal && (isNothing || startOffset === endOffset)
          ? []
          : { ...range, startOffset, endOffset, endsInside: positions.isInserted(range.endOffset) };
      });
      covered.ranges = ranges.map(({ endsInside, ...range }) => {
        // What goes on to the end of the body goes on to the end of the function.
        const { endOffset } = range;
        const goesOn =
          (endsInside || nothingAfter.has(endOffset)) && positions.text(endOffset, end).trim() === "}";
        return goesOn ? { ...range, endOffset: end } : range;
      });
    }
    script.functions = script.functions.filter(({ ranges }) => ranges.length > 0);
  }
}
