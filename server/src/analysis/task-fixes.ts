// The edits that rules on tasks offer, made from the text as it is written.
import type { FileFacts, FunctionFacts, FunctionId, Range, VariableId } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { mayThrow } from "../program/instructions.ts";
import type { ProgramView } from "./analyzer.ts";
import type { FixPlan } from "./fix-plan.ts";
import { indentAt, indented, statementAround, unitOf } from "./fixes.ts";
import { capturesIn } from "./flow.ts";
import type { Location } from "./places.ts";

type Texts = Pick<ProgramView, "text">;

/** Gives a promise a handler behind `const task = start();`, so that its failure waits for whoever awaits it. */
export function catchAtOnce(
  view: Texts,
  facts: FunctionFacts,
  call: Location,
  name: string,
): FixPlan | undefined {
  const text = view.text(call.file);
  const found = text === undefined ? undefined : statementEndingWith(text, facts, call);
  if (text === undefined || !found) return undefined;
  const { statement } = found;
  if (!new RegExp(`^(?:const|let|var) ${escaped(name)} = $`).test(text.slice(statement.start, call.start))) {
    return undefined;
  }
  const indent = indentAt(text, statement.start);
  const newText = `\n${indent}// It is awaited later; without a handler until then its failure would end the process.\n${indent}${name}.catch(() => {});`;
  return {
    title: `Let a failure of '${name}' wait until it is awaited`,
    preferred: false,
    edits: [{ file: call.file, start: statement.end, end: statement.end, newText }],
  };
}

/** `await a; await b;` becomes `await Promise.all([a, b]);`, with the names that their results have. */
export function awaitTogether(
  view: Texts,
  facts: FunctionFacts,
  first: Location,
  second: Location,
): FixPlan | undefined {
  const text = view.text(first.file);
  if (text === undefined) return undefined;
  const [a, b] = [awaitStatement(text, facts, first), awaitStatement(text, facts, second)];
  if (!a || !b || a.list !== b.list || b.index !== a.index + 1) return undefined;
  // What stands between them, a comment, would be lost.
  if (text.slice(a.statement.end, b.statement.start).trim() !== "") return undefined;
  const names = a.name || b.name ? `const [${a.name}${b.name ? `, ${b.name}` : ""}] = ` : "";
  const newText = `${names}await Promise.all([${a.awaited}, ${b.awaited}]);`;
  return {
    title: "Await both with Promise.all",
    preferred: true,
    edits: [{ file: first.file, start: a.statement.start, end: b.statement.end, newText }],
  };
}

/** Takes what the promises of a list give in their place, once all of them have been awaited. */
export function awaitAll(list: Location): FixPlan {
  return {
    title: "Await them with Promise.all",
    preferred: true,
    edits: [
      { ...list, end: list.start, newText: "await Promise.all(" },
      { ...list, start: list.end, newText: ")" },
    ],
  };
}

/**
 * Awaits in front of the statement that updates `target` what stands inside of it, so that what it reads is read
 * afterwards. Undefined where another call of the statement would then run later than the awaited one, or no name is free.
 */
export function awaitFirst(
  view: Texts,
  file: FileFacts,
  facts: FunctionFacts,
  awaited: Location,
  target: string,
): FixPlan | undefined {
  const text = view.text(awaited.file);
  const found = statementAround(facts.statements, awaited);
  const statement = found?.list.of[found.index];
  const names = new Set(file.variables.map(({ name }) => name));
  const own = target.split(/[.#]+/).at(-1) ?? "";
  const name = ["valueFor", "resultFor"]
    .map((start) => `${start}${own.charAt(0).toUpperCase()}${own.slice(1)}`)
    .find((one) => !names.has(one));
  if (text === undefined || !statement || name === undefined) return undefined;
  const isIn = (i: Range, range: Range) => range.start <= i.start && i.end <= range.end;
  const others = facts.blocks
    .flatMap(({ code }) => code)
    .filter((i) => mayThrow(i) && isIn(i, statement) && !isIn(i, awaited));
  if (others.length > 0) return undefined;
  const { file: path } = awaited;
  const indent = indentAt(text, statement.start);
  // Parentheses around the awaited call are not needed around a name.
  const before = /\(\s*$/.exec(text.slice(statement.start, awaited.start))?.[0].length ?? 0;
  const after = /^\s*\)/.exec(text.slice(awaited.end, statement.end))?.[0].length ?? 0;
  const isWrapped =
    before > 0 &&
    after > 0 &&
    /[=\-+*/%|&^<>({[,]\s*$/.test(text.slice(statement.start, awaited.start - before));
  const [start, end] = isWrapped
    ? [awaited.start - before, awaited.end + after]
    : [awaited.start, awaited.end];
  return {
    title: "Wait first, then read and store",
    preferred: true,
    edits: [
      {
        file: path,
        start: statement.start,
        end: statement.start,
        newText: `const ${name} = ${text.slice(awaited.start, awaited.end)};\n${indent}`,
      },
      { file: path, start, end, newText: name },
    ],
  };
}

/** The statements of a function's own body; none of an arrow function that is an expression. */
function bodyOf(facts: FunctionFacts): readonly Range[] {
  const [list] = facts.statements
    .filter(({ start, end }) => facts.body.start <= start && end <= facts.body.end)
    .sort((a, b) => b.end - b.start - (a.end - a.start));
  return list?.of ?? [];
}

/** Lets a function end with one statement more. Undefined where its last one may leave it. */
export function addLast(
  view: Texts,
  file: FilePath,
  facts: FunctionFacts,
  statement: string,
  title: string,
): FixPlan | undefined {
  const text = view.text(file);
  const last = bodyOf(facts).at(-1);
  if (text === undefined || !last || /^(?:return|throw)\b/.test(text.slice(last.start, last.end)))
    return undefined;
  const newText = `\n${indentAt(text, last.start)}${statement};`;
  return { title, preferred: true, edits: [{ file, start: last.end, end: last.end, newText }] };
}

/** Hands the failure of an asynchronous executor to its promise. */
export function catchInExecutor(view: Texts, file: FileFacts, facts: FunctionFacts): FixPlan | undefined {
  const text = view.text(file.path);
  const [resolve, reject] = facts.parameters;
  const statements = bodyOf(facts);
  const first = statements[0];
  const last = statements.at(-1);
  if (text === undefined || !first || !last || resolve?.variable === undefined || resolve.type)
    return undefined;
  const name = reject?.variable === undefined ? undefined : file.variables[reject.variable]?.name;
  if (reject && name === undefined) return undefined;
  const isBare = text[resolve.start - 1] !== "(";
  if (!reject && (isBare || mentions(file, facts, "reject"))) return undefined;
  const indent = indentAt(text, first.start);
  const unit = unitOf(text, indent);
  const body = indented(text, { start: first.start, end: last.end }, unit, facts);
  const newText = `try {\n${indent}${unit}${body}\n${indent}} catch (error) {\n${indent}${unit}${name ?? "reject"}(error);\n${indent}}`;
  return {
    title: "Reject the promise with what fails",
    preferred: true,
    edits: [
      ...(reject ? [] : [{ file: file.path, start: resolve.end, end: resolve.end, newText: ", reject" }]),
      { file: file.path, start: first.start, end: last.end, newText },
    ],
  };
}

/** A variable of this name is declared in a function or seen from it. */
function mentions(file: FileFacts, facts: FunctionFacts, name: string): boolean {
  const captured = capturesIn(file).get(file.functions.indexOf(facts) as FunctionId);
  return file.variables.some(
    (one, id) =>
      one.name === name &&
      (file.functions[one.function] === facts || captured?.has(id as VariableId) === true),
  );
}

interface FoundStatement {
  readonly list: FunctionFacts["statements"][number];
  readonly index: number;
  readonly statement: Range;
}

/** The statement whose last part is an expression. */
function statementEndingWith(text: string, facts: FunctionFacts, at: Range): FoundStatement | undefined {
  for (const list of facts.statements) {
    for (const [index, statement] of list.of.entries()) {
      if (statement.start > at.start || statement.end < at.end) continue;
      if (/^;?$/.test(text.slice(at.end, statement.end))) return { list, index, statement };
    }
  }
  return undefined;
}

/** `await x;` or `const name = await x;`. */
function awaitStatement(text: string, facts: FunctionFacts, at: Range) {
  const found = statementEndingWith(text, facts, at);
  if (!found) return undefined;
  const before = /^(?:const ([\w$]+) = )?$/.exec(text.slice(found.statement.start, at.start));
  const awaited = /^await\s+([\s\S]*)$/.exec(text.slice(at.start, at.end))?.[1];
  return before && awaited !== undefined ? { ...found, name: before[1] ?? "", awaited } : undefined;
}

function escaped(name: string): string {
  return name.replaceAll("$", "\\$");
}

/**
 * Rejects a promise where its executor, or the one callback that it leaves everything to, ends without having settled
 * it: `if (ready) resolve();` gets an `else`, `return;` calls `reject` before. Undefined where neither stands there.
 */
export function rejectOtherwise(
  view: Texts,
  file: FilePath,
  facts: FunctionFacts,
  open: {
    readonly reject: string;
    /** The last condition on the way, and whether it holds. */
    readonly condition: Range;
    readonly holds: boolean;
    /** Where the function ends. */
    readonly end: Range;
  },
): FixPlan | undefined {
  const text = view.text(file);
  if (text === undefined) return undefined;
  const { condition, end, holds, reject } = open;
  const written = text.slice(condition.start, condition.end);
  if (written.includes("\n")) return undefined;
  const said = JSON.stringify(`${written} ${holds ? "holds" : "does not hold"}`);
  const call = `${reject}(new Error(${said}));`;
  const title = `Call '${reject}' here`;
  if (/^return\s*;?$/.test(text.slice(end.start, end.end))) {
    const newText = `{ ${call} return; }`;
    return { title, preferred: false, edits: [{ file, start: end.start, end: end.end, newText }] };
  }
  const found = statementAround(facts.statements, condition);
  const statement = found?.list.of[found.index];
  if (!statement || holds || !/^if\b/.test(text.slice(statement.start, condition.start))) return undefined;
  // The branch that is there: nothing in it may take the `else` for its own.
  const branch = text.slice(condition.end, statement.end);
  const isLast = found.index === found.list.of.length - 1 && found.list.end >= facts.body.end - 1;
  if (!isLast || !/^\s*\)/.test(branch) || /\b(?:if|else)\b/.test(branch) || !/[;}]$/.test(branch))
    return undefined;
  const newText = `\n${indentAt(text, statement.start)}else ${call}`;
  return { title, preferred: false, edits: [{ file, start: statement.end, end: statement.end, newText }] };
}
