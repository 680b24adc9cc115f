import type { FileFacts, FunctionFacts } from "./facts.ts";

/**
 * The text on which types in other files may depend: all but the bodies of functions whose type is known without them.
 * Undefined when what the file declares may be seen without importing it.
 */
export function declaredSurface(facts: FileFacts, text: string): string | undefined {
  if (!facts.module || /\bdeclare\s+(?:global|module)\b/.test(text)) return undefined;
  // The fields of a class in JavaScript are what its methods assign.
  if (facts.language === "javascript") return text;
  const bodies = facts.functions
    .flatMap((one) => {
      const written = typeOfBody(one);
      return written === undefined ? [] : [{ ...one.body, written }];
    })
    .sort((a, b) => a.start - b.start);
  let surface = "";
  let at = 0;
  for (const { start, end, written } of bodies) {
    // A function inside another one goes with it.
    if (start < at) continue;
    surface += `${text.slice(at, start)}${written}`;
    at = end;
  }
  return surface + text.slice(at);
}

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
