// Muting rules in `unknot.config.json`, which a team shares; the language server and the command line read it as well.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { isMuted, type MutingRule, rulesOf } from "@unknot/protocol/muting.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import {
  findNodeAtLocation,
  type Node,
  type ParseError,
  parse,
  parseTree,
  stripComments,
} from "jsonc-parser";

export const configName = "unknot.config.json";

/** A file with the rules in it. */
export interface ConfigRules {
  readonly file: string;
  readonly rules: readonly MutingRule[];
}

/** The muting rules of the configurations that problems belong to, read once until somebody forgets them. */
export interface ConfigMuting {
  mutes(problem: Problem): boolean;
  /** The nearest configuration above a file; nothing above a repository's own folder counts. */
  configOf(file: string): string | undefined;
  /** Those that were asked for and have rules. */
  withRules(): readonly ConfigRules[];
  forget(): void;
}

export function createConfigMuting(): ConfigMuting {
  const configs = new Map<string, string | undefined>();
  const rules = new Map<string, readonly MutingRule[]>();
  const nearest = (folder: string): string | undefined => {
    if (!configs.has(folder)) configs.set(folder, find(folder));
    return configs.get(folder);
  };
  const find = (folder: string): string | undefined => {
    const file = path.join(folder, configName);
    if (existsSync(file)) return file;
    const above = path.dirname(folder);
    return above === folder || existsSync(path.join(folder, ".git")) ? undefined : nearest(above);
  };
  const rulesIn = (file: string) => {
    const known = rules.get(file) ?? rulesFrom(file);
    rules.set(file, known);
    return known;
  };
  return {
    mutes(problem) {
      const [place] = problem.at;
      if (place === undefined || !path.isAbsolute(place.file)) return false;
      const config = nearest(path.dirname(place.file));
      return config !== undefined && isMuted(problem, rulesIn(config));
    },
    configOf: (file) => nearest(path.dirname(file)),
    withRules: () => [...rules].flatMap(([file, some]) => (some.length === 0 ? [] : { file, rules: some })),
    forget() {
      configs.clear();
      rules.clear();
    },
  };
}

function rulesFrom(file: string): readonly MutingRule[] {
  try {
    const read: unknown = parse(readFileSync(file, "utf8"), [], { allowTrailingComma: true });
    return rulesOf((read as { readonly mutedProblems?: unknown } | undefined)?.mutedProblems);
  } catch {
    // Gone again, or not ours to read.
    return [];
  }
}

/**
 * The text of a configuration with one more rule; all else stays as it is, comments too. `indent` is one step of
 * indentation. Undefined when the text is no object that a rule could be put into.
 */
export function withRule(text: string, rule: MutingRule, indent: string): string | undefined {
  if (text.trim() === "") return withRule("{\n}\n", rule, indent);
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  if (errors.length > 0 || root?.type !== "object") return undefined;
  const one = `{ ${Object.entries(rule)
    .map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
    .join(", ")} }`;
  const list = findNodeAtLocation(root, ["mutedProblems"]);
  if (list === undefined)
    return withLast(text, root, indent, (lead) => `"mutedProblems": [${lead}${indent}${one}${lead}]`);
  return list.type === "array" ? withLast(text, list, indent, () => one) : undefined;
}

/**
 * The text with a last item in an object or list, on a line of its own. jsonc-parser's own edits would format the items
 * beside it and put comments behind other items.
 */
function withLast(
  text: string,
  { offset, length, children = [] }: Node,
  indent: string,
  /** `lead` begins a line at the depth of the item. */
  item: (lead: string) => string,
): string {
  const close = offset + length - 1;
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const outer = `${eol}${/^[ \t]*/.exec(text.slice(text.lastIndexOf("\n", offset) + 1))?.[0] ?? ""}`;
  const lead = outer + indent;
  const last = children.at(-1);
  const lastEnd = last === undefined ? offset + 1 : last.offset + last.length;
  const comma = last === undefined || stripComments(text.slice(lastEnd, close)).includes(",") ? "" : ",";
  const filled = text.slice(0, close).trimEnd().length;
  const rest = text.slice(filled, close);
  return [
    text.slice(0, lastEnd),
    comma,
    text.slice(lastEnd, filled),
    lead,
    item(lead),
    rest.includes("\n") ? rest : outer,
    text.slice(close),
  ].join("");
}
