// The edits for a function that a call is given.
import type { FunctionFacts, Instruction, Range } from "../program/facts.ts";
import type { ProgramView } from "./analyzer.ts";
import type { Evaluation } from "./evaluate.ts";
import type { FixPlan } from "./fix-plan.ts";
import { indentAt, indented, unitOf } from "./fixes.ts";
import { usesIn } from "./flow.ts";
import { type FunctionKey, parseKey } from "./places.ts";

/** A function of the program as an argument. */
export interface CallbackArgument {
  readonly evaluation: Evaluation;
  readonly call: Extract<Instruction, { readonly op: "call" | "new" }>;
  readonly index: number;
  readonly callback: FunctionKey;
}

/** An arrow function written right at the call. */
export interface InlineArrow {
  readonly text: string;
  readonly closure: Range;
  readonly facts: FunctionFacts;
  /** Without `async`: `(a, b)`, `row`. */
  readonly parameters: string;
  readonly isAsync: boolean;
  readonly body: string;
}

/** The arrow function that a call is given, where its text can be taken apart: no type parameters, no result type. */
export function inlineArrow(
  view: Pick<ProgramView, "world" | "text">,
  { evaluation, call, index, callback }: CallbackArgument,
): InlineArrow | undefined {
  const { file } = parseKey(evaluation.key);
  const text = view.text(file);
  const facts = view.world.function(callback);
  const argument = call.arguments[index];
  const [closure] = argument === undefined ? [] : usesIn(evaluation.facts).definitions(argument);
  if (text === undefined || facts?.kind !== "arrow" || closure?.op !== "closure") return undefined;
  const head = text.slice(facts.start, facts.body.start);
  const [, async, parameters] = /^(async\s)?\s*(\(.*\)|[\w$]+)\s*=>\s*$/s.exec(head) ?? [];
  if (parameters === undefined || parameters.includes("/*") || parameters.includes("//")) return undefined;
  const body = text.slice(facts.body.start, facts.body.end);
  return { text, closure: facts, facts, parameters, isAsync: async !== undefined, body };
}

/** `for (const order of orders) { … }` in place of `orders.forEach(async (order) => { … });`. */
export function loopInstead(
  view: Pick<ProgramView, "world" | "text">,
  at: CallbackArgument,
): FixPlan | undefined {
  const { evaluation, call } = at;
  const { file } = parseKey(evaluation.key);
  const arrow = inlineArrow(view, at);
  if (!arrow?.isAsync || call.op !== "call" || !canAwait(view, evaluation)) return undefined;
  const { text, facts, body } = arrow;
  const [callee] = usesIn(evaluation.facts).definitions(call.callee);
  const target = evaluation.calls.get(call)?.targets[0];
  // The values of a map come with their keys.
  const isList = target?.kind === "operation" && target.model?.name !== "Map";
  const statement = statementOf(evaluation.facts, call, text);
  const [, parameter] =
    /^\(?\s*([\w$]+|\{[\w$,\s]*\}|\[[\w$,\s]*\])\s*,?\s*\)?$/.exec(arrow.parameters) ?? [];
  if (callee?.op !== "get" || !isList || !statement || parameter === undefined) return undefined;
  if (call.arguments.length !== 1 || returnsEarly(facts)) return undefined;
  const list = text.slice(call.start, callee.start).replace(/\??\.\s*$/, "");
  if (/\?\.\s*$/.test(text.slice(call.start, callee.start))) return undefined;
  const work = facts.concise ? `await ${body};` : body;
  const newText = `for (const ${parameter} of ${list.trimEnd()}) ${work}`;
  return {
    title: "Wait for one after the other in a for…of loop",
    preferred: true,
    edits: [{ file, start: statement.start, end: statement.end, newText }],
  };
}

/** Gives the promise of a callback a handler, inside of a synchronous callback. */
export function catchInside(
  view: Pick<ProgramView, "world" | "text">,
  at: CallbackArgument,
  preferred: boolean,
): FixPlan | undefined {
  const { file } = parseKey(at.evaluation.key);
  const arrow = inlineArrow(view, at);
  if (!arrow?.isAsync || arrow.facts.usesArguments) return undefined;
  const { text, closure, body, parameters } = arrow;
  const indent = indentAt(text, closure.start);
  const unit = unitOf(text, indent);
  const inner = indented(text, arrow.facts.body, unit, arrow.facts);
  const error = /\.[cm]?jsx?$/.test(file) ? "(error)" : "(error: unknown)";
  const lines = [
    `${parameters} => {`,
    `${unit}(async () => ${arrow.facts.concise ? body : inner})().catch(${error} => {`,
    `${unit}${unit}console.error(error);`,
    `${unit}});`,
    "}",
  ];
  return {
    title: "Handle the failure of the callback",
    preferred,
    edits: [{ file, start: closure.start, end: closure.end, newText: lines.join(`\n${indent}`) }],
  };
}

/** `await` may stand in the function. */
export function canAwait(view: Pick<ProgramView, "world">, { key, facts }: Evaluation): boolean {
  return facts.async && (facts.kind !== "module" || view.world.facts(parseKey(key).file)?.module === true);
}

/** The statement that is nothing but this call. */
function statementOf(facts: FunctionFacts, call: Range, text: string): Range | undefined {
  return facts.statements
    .flatMap((list) => list.of)
    .find((one) => one.start === call.start && /^;?$/.test(text.slice(call.end, one.end)));
}

/** It ends by a `return`, which would leave the function around a loop as well. */
function returnsEarly(facts: FunctionFacts): boolean {
  return (
    !facts.concise && facts.blocks.some(({ end }) => end.kind === "return" && end.at.end !== facts.body.end)
  );
}
