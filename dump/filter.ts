import type { Problem } from "@unknot/protocol/problem.ts";
import type { Task, TaskId } from "@unknot/protocol/task.ts";
import { type Lookup, siteOf, waitMs } from "./names.ts";

/** What a filter looks at besides the task itself. */
interface FilterScene extends Lookup {
  readonly problems: readonly Problem[];
}

type TaskPredicate = (task: Task) => boolean;

export type ParsedFilter =
  | { readonly ok: true; readonly bind: (scene: FilterScene) => TaskPredicate }
  /** `message`: one sentence that names the remedy. `at`: index of the offending word. */
  | { readonly ok: false; readonly message: string; readonly at: number };

type Term = (scene: FilterScene) => TaskPredicate;

/**
 * Parses the filter of the panel and the command line. Words are joined by "and", `-` before one negates it, quotes
 * keep spaces together. `state:`, `kind:`, `name:`, `file:`, `created:`, `lib:` look for a part of the text, ignoring
 * case; `id:7`, `label:key`, `label:key=value`, `problem:owner-gone`, `deadlock:D1` (or `problem:any`) compare it;
 * `age>30s` and `wait<=5m` compare times (ms, s, m, h). Any other word is looked for in names, states, functions,
 * files, resources and labels; one that looks like another key is refused, unless it is quoted. An empty filter lets
 * everything through.
 */
export function parseFilter(text: string): ParsedFilter {
  const terms: Term[] = [];
  for (const { word, quoted, at } of wordsOf(text)) {
    const negated = word.length > 1 && word.startsWith("-");
    const term = termOf(negated ? word.slice(1) : word, quoted);
    if (typeof term === "string") return { ok: false, message: term, at };
    terms.push(negated ? negate(term) : term);
  }
  return {
    ok: true,
    bind: (scene) => {
      const predicates = terms.map((term) => term(scene));
      return (task) => predicates.every((predicate) => predicate(task));
    },
  };
}

function negate(term: Term): Term {
  return (scene) => {
    const predicate = term(scene);
    return (task) => !predicate(task);
  };
}

interface Word {
  readonly word: string;
  /** It begins in quotes. */
  readonly quoted: boolean;
  readonly at: number;
}

function* wordsOf(text: string): Generator<Word> {
  // A word is a run of plain characters and quoted parts: file:"my file.ts".
  for (const match of text.matchAll(/(?:"[^"]*"?|[^\s"])+/g)) {
    yield { word: match[0].replaceAll('"', ""), quoted: /^-?"/.test(match[0]), at: match.index };
  }
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };

/** Neither a URL, nor a path of Windows, nor `node:fs`, nor a C++ name: a mistyped key would silently find nothing. */
const looksLikeKey = /^(?!node:)[a-z]+:(?![/\\:])/;

/** A term, or the sentence that says what is wrong with it. */
function termOf(word: string, quoted: boolean): Term | string {
  const time = /^(age|wait)(>=|<=|>|<)(.*)$/.exec(word);
  if (time !== null) return timeTerm(time[1] ?? "", time[2] ?? "", time[3] ?? "");
  const key = /^([a-z]+):(.*)$/s.exec(word);
  if (key !== null && key[1] !== undefined && key[1] in keyed) {
    const value = key[2] ?? "";
    if (value === "") return `'${key[1]}:' needs a value, for example ${examples[key[1]] ?? `${key[1]}:x`}.`;
    return keyed[key[1]]?.(value) ?? freeText(word);
  }
  if (!quoted && looksLikeKey.test(word)) {
    const name = word.slice(0, word.indexOf(":"));
    return `'${name}:' is no key: there are ${keyList}, age> and wait>. In quotes it is looked for as text.`;
  }
  return freeText(word);
}

function timeTerm(field: string, operator: string, text: string): Term | string {
  const match = /^(\d+(?:\.\d+)?)(ms|s|min|m|h)?$/.exec(text);
  if (match === null) return `'${field}${operator}' needs a time, for example ${field}${operator}30s.`;
  const limit = Number(match[1]) * (units[match[2] ?? "s"] ?? 1000);
  const value = field === "age" ? (task: Task) => task.ageMs : waitMs;
  const compare: Readonly<Record<string, TaskPredicate>> = {
    ">": (task) => value(task) > limit,
    ">=": (task) => value(task) >= limit,
    "<": (task) => value(task) < limit,
    "<=": (task) => value(task) <= limit,
  };
  return () => compare[operator] ?? (() => true);
}

const examples: Readonly<Record<string, string>> = {
  state: 'state:"chan receive"',
  kind: "kind:job",
  file: "file:orders.ts",
  label: "label:tenant=acme",
  lib: "lib:async-mutex",
  deadlock: "deadlock:D1",
  problem: "problem:owner-gone",
};

const keyed: Readonly<Record<string, (value: string) => Term>> = {
  id: (value) => () => (task) => String(task.id) === value,
  state: (value) => part(value, (task) => [task.state]),
  kind: (value) => part(value, (task) => [task.kind]),
  name: (value) => part(value, (task) => [task.name]),
  file: (value) => part(value, (task, { snapshot }) => filesOf(snapshot, [task.at, task.entry])),
  created: (value) =>
    part(value, (task, { snapshot }) => {
      const site = siteOf(snapshot, task.created);
      return [site?.file, site?.function];
    }),
  lib: (value) => part(value, (task, scene) => resourcesOf(task, scene).map((resource) => resource?.type)),
  label: (value) => () => {
    const [key = "", ...rest] = value.split("=");
    const wanted = rest.length === 0 ? undefined : rest.join("=");
    return (task) => {
      const content = Object.hasOwn(task.labels ?? {}, key) ? task.labels?.[key] : undefined;
      return content !== undefined && (wanted === undefined || content === wanted);
    };
  },
  problem: (value) =>
    concerned((problem) => value === "any" || problem.verdict === value || problem.id === value),
  deadlock: (value) =>
    concerned(
      (problem) =>
        problem.verdict === "deadlock" && (value === "any" || problem.label === value.toUpperCase()),
    ),
};

const keyList = Object.keys(keyed)
  .map((key) => `${key}:`)
  .join(", ");

function part(
  value: string,
  texts: (task: Task, scene: FilterScene) => readonly (string | undefined)[],
): Term {
  const wanted = value.toLowerCase();
  return (scene) => (task) =>
    texts(task, scene).some((text) => text?.toLowerCase().includes(wanted) === true);
}

function concerned(by: (problem: Problem) => boolean): Term {
  return ({ problems }) => {
    const tasks = new Set<TaskId>(problems.filter(by).flatMap((problem) => problem.tasks));
    return (task) => tasks.has(task.id);
  };
}

function freeText(word: string): Term {
  return part(word, (task, scene) => [
    task.name,
    task.state,
    siteOf(scene.snapshot, task.at)?.function,
    siteOf(scene.snapshot, task.entry)?.function,
    ...filesOf(scene.snapshot, [task.at, task.entry]),
    ...resourcesOf(task, scene).flatMap((resource) => [resource?.name, resource?.type]),
    ...Object.entries(task.labels ?? {}).flat(),
  ]);
}

function filesOf(snapshot: Lookup["snapshot"], sites: readonly (number | undefined)[]) {
  return sites.map((site) => siteOf(snapshot, site)?.file);
}

function resourcesOf(task: Task, { resourceById }: FilterScene) {
  const waited = task.wait?.on === "resource" ? [task.wait.resource] : [];
  return [...waited, ...task.holding].map((id) => resourceById.get(id));
}
