import type { FileFacts, FunctionFacts, Range } from "./facts.ts";
import type { NodeId } from "./ids.ts";
import { contains } from "./ranges.ts";

/**
 * The text on which types in other files may depend: all but the bodies of functions whose type is known without them,
 * and comments between statements. Undefined when what the file declares may be seen without importing it.
 */
export function declaredSurface(facts: FileFacts, text: string): string | undefined {
  if (!facts.module || /\bdeclare\s+(?:global|module)\b/.test(text)) return undefined;
  // The fields of a class in JavaScript are what its methods assign.
  if (facts.language === "javascript") return text;
  const bodies = facts.functions.flatMap((one) => {
    const written = typeOfBody(one);
    return written === undefined ? [] : [{ ...one.body, written }];
  });
  const gaps = gapsIn(facts, text).map((gap) => ({ ...gap, written: "\n" }));
  let surface = "";
  let at = 0;
  for (const { start, end, written } of [...bodies, ...gaps].sort((a, b) => a.start - b.start)) {
    // A function inside another one goes with it.
    if (start < at) continue;
    surface += `${text.slice(at, start)}${written}`;
    at = end;
  }
  return surface + text.slice(at);
}

/** What stands between the statements of a module and says nothing to TypeScript. */
function gapsIn({ functions }: FileFacts, text: string): readonly Range[] {
  const lists = functions[0]?.statements ?? [];
  const top = lists.find((list) => lists.every((other) => contains(list, other)));
  if (!top) return [];
  const starts = [...top.of.map(({ start }) => start), text.length];
  return starts
    .map((end, index) => ({ start: top.of[index - 1]?.end ?? 0, end }))
    .filter(({ start, end }) => isSilent(text.slice(start, end)));
}

function isSilent(gap: string): boolean {
  return (
    /^(?:[\s;]|\/\/[^\n]*|\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\/)*$/.test(gap) && !/\/\/\/|@(?:ts-|jsx)/.test(gap)
  );
}

/**
 * The nodes by which other files may name what a file declares, in order: two texts with the same surface have one for
 * one.
 */
export function declaredNodes(facts: FileFacts): readonly NodeId[] {
  const { variables, functions, classes, types } = facts;
  const bodies: Range[] = [];
  const closed = functions
    .filter(({ kind }) => !isOpen.has(kind))
    .sort((a, b) => a.body.start - b.body.start);
  for (const { body } of closed) if (body.start >= (bodies.at(-1)?.end ?? 0)) bodies.push(body);
  const isDeclared = (one: Range) => {
    const after = bodies.findIndex((body) => body.end >= one.end);
    return after < 0 || !contains(bodies[after] as Range, one);
  };
  return [
    ...variables.filter(isDeclared).map(({ node }) => node),
    ...functions.filter(isDeclared).flatMap(({ nodes }) => nodes),
    ...classes.filter(isDeclared).flatMap(({ node, members }) => [node, ...members.map((one) => one.node)]),
    ...types.filter(isDeclared).flatMap(({ members }) => members.map(({ node }) => node)),
  ];
}

/** Functions whose code belongs to what a file declares. */
const isOpen: ReadonlySet<string> = new Set(["module", "namespace", "fields", "statics"]);

/** What stands for a body that says nothing further; undefined when its text may change the type of the function. */
function typeOfBody(one: FunctionFacts): string | undefined {
  switch (one.kind) {
    case "constructor":
    case "setter":
      return "{}";
    case "function":
    case "arrow":
    case "method":
    case "getter":
      if (one.returnType !== undefined) return "{}";
      return !one.generator && !one.concise && returnsNothing(one) ? "{ nothing }" : undefined;
    default:
      return undefined;
  }
}

/** And is known to come to an end. */
function returnsNothing({ blocks, imprecise }: FunctionFacts): boolean {
  const ends = blocks.flatMap(({ end }) => (end.kind === "return" ? [end] : []));
  return imprecise === undefined && ends.length > 0 && ends.every(({ value }) => value === undefined);
}
