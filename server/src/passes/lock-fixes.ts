import type { ProgramView } from "../analysis/analyzer.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { indentAt, statementAround, statementRemoval } from "../analysis/fixes.ts";
import { usesIn } from "../analysis/flow.ts";
import { operationOf } from "../analysis/model-index.ts";
import { type CallAt, callAt } from "../analysis/names.ts";
import type { FileFacts, FunctionFacts, FunctionId, Range, StatementList } from "../program/facts.ts";
import { contains, isSame } from "../program/ranges.ts";
import type { HeldTooLong } from "./obligations.ts";
import type { Parallel } from "./parallel.ts";
import type { Edge, End } from "./wait-edges.ts";

// Edits for what waits while it holds a lock. They are offered only where nothing else can change by them.

type View = Pick<ProgramView, "world" | "text" | "solution">;

/** Exchanges two locks of which one is taken right after the other. Which order is the right one only people know. */
export function takeInOtherOrder(view: View, edge: Edge, { births }: Parallel): FixPlan | undefined {
  const { held, wanted } = edge;
  const [outer, inner] = [callAt(view, held.at), callAt(view, wanted.at)];
  const text = view.text(held.at.file);
  if (edge.via.length > 0 || held.at.file !== wanted.at.file || text === undefined || !outer || !inner) {
    return undefined;
  }
  const isScoped = [held, wanted].every((end) => operationOf(end.model, end.operation)?.op === "scoped");
  const exchanged = isScoped
    ? scopesIn(text, { ...outer, end: held }, { ...inner, end: wanted })
    : acquiresIn(text, outer, inner, births.get(edge.function) ?? []);
  if (!exchanged) return undefined;
  const { file } = held.at;
  return {
    title: `Take '${wanted.text}' before '${held.text}'`,
    preferred: false,
    edits: exchanged.flatMap(([one, other]) => [
      { file, start: one.start, end: one.end, newText: text.slice(other.start, other.end) },
      { file, start: other.start, end: other.end, newText: text.slice(one.start, one.end) },
    ]),
  };
}

type Exchange = readonly [Range, Range];
type ScopedCall = CallAt & { readonly end: End };

/** `a.runExclusive(() => b.runExclusive(work))`: what stands in front of the two callbacks. */
function scopesIn(text: string, outer: ScopedCall, inner: ScopedCall): readonly Exchange[] | undefined {
  const callback = callbackOf(outer);
  const [before, after] = [beforeCallback(outer), beforeCallback(inner)];
  if (callback?.id !== inner.id || !before || !after) return undefined;
  const { kind, parameters, concise, body } = callback.facts;
  if (kind !== "arrow" || parameters.length > 0) return undefined;
  const around = [text.slice(body.start, inner.i.start), text.slice(inner.i.end, body.end)].join("…");
  const isAlone = concise
    ? /^(?:await\s+)?…$/.test(around)
    : /^\{\s*(?:return\s+)?(?:await\s+)?…;?\s*\}$/.test(around);
  return isAlone ? [[before, after]] : undefined;
}

/** The function that a scoped operation is given, where it is written there. */
function callbackOf({
  facts,
  one,
  i,
  end,
}: ScopedCall): { readonly id: FunctionId; readonly facts: FunctionFacts } | undefined {
  const given = i.arguments[operationOf(end.model, end.operation)?.fn ?? 0];
  const [closure] = given === undefined ? [] : usesIn(one).definitions(given);
  const made = closure?.op === "closure" ? facts.functions[closure.function] : undefined;
  return closure?.op === "closure" && made ? { id: closure.function, facts: made } : undefined;
}

/** From the start of a call to its callback, which is the last argument. */
function beforeCallback({ one, i, end }: ScopedCall): Range | undefined {
  const index = operationOf(end.model, end.operation)?.fn ?? 0;
  const given = i.arguments[index];
  if (given === undefined || i.arguments.length > index + 1 || i.spread.length > 0) return undefined;
  const [made] = usesIn(one).definitions(given);
  return made && { start: i.start, end: made.start };
}

/** What a statement that only takes a lock has in front of the call. */
const taking = /^(?:(?:(?:const|let|using|await\s+using)\s+)?[\w$.#[\]{},: ]+=\s*)?await\s+$/;

/** The statements that take, and where the one lock is given back inside the hold of the other, those that give back. */
function acquiresIn(
  text: string,
  outer: CallAt,
  inner: CallAt,
  holds: readonly HeldTooLong[],
): readonly Exchange[] | undefined {
  const { facts, one } = outer;
  const [first, second] = [outer, inner].map((call) => {
    const found = statementAround(one.statements, call.i);
    const statement = found?.list.of[found.index];
    if (!found || !statement || !isOneLine(text, statement)) return undefined;
    const isBare =
      taking.test(text.slice(statement.start, call.i.start)) &&
      /^;?$/.test(text.slice(call.i.end, statement.end));
    return isBare ? { ...found, statement } : undefined;
  });
  if (outer.id !== inner.id || !first || !second) return undefined;
  if (mentionsDeclaredIn(facts, second.statement, first.statement)) return undefined;
  const taken: Exchange = [first.statement, second.statement];
  if (first.list === second.list) return second.index === first.index + 1 ? [taken] : undefined;
  const guarded = first.list.of[first.index + 1];
  if (second.index !== 0 || !guarded || !isTryOf(text, guarded, second.list)) return undefined;
  const [given, givenInside] = [outer, inner].map(({ i }) => releaseOf(text, one, holds, i));
  const last = second.list.of.at(-1);
  if (!given || !givenInside || !last || !isFinallyOf(text, guarded, given.list)) return undefined;
  const isAtEnd =
    givenInside.list === second.list
      ? givenInside.statement === last
      : second.list.of.length === 2 && isFinallyOf(text, last, givenInside.list);
  return isAtEnd ? [taken, [givenInside.statement, given.statement]] : undefined;
}

interface StatementIn {
  readonly list: StatementList;
  readonly statement: Range;
}

/** The one statement that gives back what a call took. */
function releaseOf(
  text: string,
  { statements }: FunctionFacts,
  holds: readonly HeldTooLong[],
  taken: Range,
): StatementIn | undefined {
  const hold = holds.find(({ birth }) => isSame(birth.instruction, taken));
  // A `finally` is there once for each way into it.
  const releases = hold?.exploration.releases.map(
    ({ instruction }) => [instruction.start, instruction] as const,
  );
  const [release, ...others] = new Map(releases).values();
  const found = release && statementAround(statements, release);
  const statement = found?.list.of[found.index];
  if (!release || !statement || others.length > 0 || !isOneLine(text, statement)) return undefined;
  const around = [text.slice(statement.start, release.start), text.slice(release.end, statement.end)];
  return /^(?:await\s+)?…;?$/.test(around.join("…")) ? { list: found.list, statement } : undefined;
}

function isTryOf(text: string, statement: Range, block: Range): boolean {
  return contains(statement, block) && /^try\s*$/.test(text.slice(statement.start, block.start));
}

/** A `finally` with one statement ends there. */
function isFinallyOf(text: string, statement: Range, block: StatementList): boolean {
  return (
    block.of.length === 1 &&
    block.end === statement.end &&
    contains(statement, block) &&
    /\bfinally\s*$/.test(text.slice(statement.start, block.start))
  );
}

function isOneLine(text: string, range: Range): boolean {
  return !text.slice(range.start, range.end).includes("\n");
}

/** Whether code mentions a variable that other code declares. */
function mentionsDeclaredIn(facts: FileFacts, code: Range, other: Range): boolean {
  return facts.functions
    .filter((one) => contains(one, code) || contains(code, one))
    .flatMap((one) => one.blocks.flatMap((block) => block.code))
    .some((i) => {
      if ((i.op !== "load" && i.op !== "store") || !contains(code, i)) return false;
      const variable = facts.variables[i.variable];
      return variable !== undefined && contains(other, variable) && !contains(code, variable);
    });
}

/**
 * Waits before the lock is taken, where that is the first that its holder does, or after it was given back, where it is
 * the last.
 */
export function awaitOutside(view: View, edge: Edge, { births }: Parallel): FixPlan | undefined {
  const { held, from } = edge;
  const { file } = from;
  const [text, facts, outer] = [view.text(file), view.world.facts(file), callAt(view, held.at)];
  const [one] = (facts?.functions ?? [])
    .filter((each) => contains(each, from))
    .toSorted((a, b) => a.end - a.start - (b.end - b.start));
  if (text === undefined || !facts || !outer || !one || held.at.file !== file) return undefined;
  const found = statementAround(one.statements, from);
  const statement = found?.list.of[found.index];
  const removal = statement && statementRemoval(view, one, file, statement);
  if (!found || !removal || !isOneLine(text, statement)) return undefined;
  const section =
    callbackOf({ ...outer, end: held })?.facts === one
      ? sectionOfCallback(text, outer, one, found)
      : sectionOfHold(text, one, births.get(edge.function) ?? [], outer.i, found);
  if (!section || mentionsDeclaredIn(facts, statement, section)) return undefined;
  const written = text.slice(statement.start, statement.end);
  const isFree = facts.variables
    .filter((variable) => contains(statement, variable))
    .every(({ name }) => facts.variables.filter((variable) => variable.name === name).length === 1);
  const indent = indentAt(text, section.start);
  if (section.isFirst && isFree && /^(?:(?:const|let)\s[^=]+=\s*)?await\b/.test(written)) {
    const insertion = { file, start: section.start, end: section.start, newText: `${written}\n${indent}` };
    return { title: `Wait before '${held.text}' is taken`, preferred: false, edits: [insertion, removal] };
  }
  // Nothing would listen to the failure of what was started before, until the lock is given back.
  if (!section.isLast || edge.asker === "started" || !/^await\b/.test(written)) return undefined;
  const insertion = { file, start: section.end, end: section.end, newText: `\n${indent}${written}` };
  return { title: `Wait after '${held.text}' is given back`, preferred: false, edits: [removal, insertion] };
}

/** The statements in which a lock is held, with those that take it and give it back. */
interface Section extends Range {
  /** The wait is the first of what is done there. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

type FoundStatement = NonNullable<ReturnType<typeof statementAround>>;

function sectionOfCallback(
  text: string,
  outer: CallAt,
  callback: FunctionFacts,
  { list, index }: FoundStatement,
): Section | undefined {
  const around = statementAround(outer.one.statements, outer.i);
  const statement = around?.list.of[around.index];
  if (!statement || callback.concise || callback.body.start !== list.start) return undefined;
  const before = text.slice(statement.start, outer.i.start);
  const isAwaited = /\bawait\s+$/.test(before) && /^;?$/.test(text.slice(outer.i.end, statement.end));
  if (!/^(?:(?:const|let)\s[^=]+=\s*)?await\s+$|^return\s+await\s+$/.test(before)) return undefined;
  return {
    ...statement,
    isFirst: index === 0,
    isLast: isAwaited && !before.startsWith("return") && index === list.of.length - 1,
  };
}

function sectionOfHold(
  text: string,
  one: FunctionFacts,
  holds: readonly HeldTooLong[],
  taken: Range,
  { list, index }: FoundStatement,
): Section | undefined {
  const around = statementAround(one.statements, taken);
  const release = releaseOf(text, one, holds, taken);
  const acquire = around?.list.of[around.index];
  if (!around || !acquire || !release) return undefined;
  if (list === around.list) {
    const next = list.of[index + 1];
    const isLast = next !== undefined && next === release.statement;
    return {
      start: acquire.start,
      end: release.statement.end,
      isFirst: index === around.index + 1,
      isLast,
    };
  }
  const guarded = around.list.of[around.index + 1];
  if (!guarded || !isTryOf(text, guarded, list) || !isFinallyOf(text, guarded, release.list))
    return undefined;
  return {
    start: acquire.start,
    end: guarded.end,
    isFirst: index === 0,
    isLast: index === list.of.length - 1,
  };
}
