// The edits for a function that a call is given.
import type { FunctionFacts, Instruction, Range } from "../program/facts.ts";
import type { ProgramView } from "./analyzer.ts";
import type { Evaluation } from "./evaluate.ts";
import type { FixPlan } from "./fix-plan.ts";
import { indentAt, indented, statementAround, unitOf } from "./fixes.ts";
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

/** Lets a callback return at once while an earlier run of it is not over. */
export function skipWhileRunning(
  view: Pick<ProgramView, "world" | "text">,
  at: CallbackArgument,
): FixPlan | undefined {
  const { evaluation, call } = at;
  const { file } = parseKey(evaluation.key);
  const arrow = inlineArrow(view, at);
  const found = statementAround(evaluation.facts.statements, call);
  const statement = found?.list.of[found.index];
  if (!arrow?.isAsync || !statement || arrow.facts.usesArguments) return undefined;
  const { text, facts } = arrow;
  const names = new Set(view.world.facts(file)?.variables.map(({ name }) => name));
  const flag = ["isRunning", "running", "isBusy"].find((name) => !names.has(name));
  // What gives a value on one path has to give one on all of them.
  const gives = facts.blocks.some(({ end }) => end.kind === "return" && end.value !== undefined);
  if (flag === undefined || (gives && !facts.concise)) return undefined;
  const outer = indentAt(text, statement.start);
  const indent = indentAt(text, facts.start);
  const unit = unitOf(text, indent);
  const inside = facts.concise
    ? ` await ${arrow.body}; `
    : indented(text, facts.body, unit, facts).slice(1, -1);
  const body = [
    "{",
    `${unit}if (${flag}) return;`,
    `${unit}${flag} = true;`,
    `${unit}try {${inside.trimEnd()}`,
    `${unit}} finally {`,
    `${unit}${unit}${flag} = false;`,
    `${unit}}`,
    "}",
  ].join(`\n${indent}`);
  return {
    title: "Skip a run while the last one is not over",
    preferred: true,
    edits: [
      { file, start: statement.start, end: statement.start, newText: `let ${flag} = false;\n${outer}` },
      { file, start: facts.body.start, end: facts.body.end, newText: body },
    ],
  };
}

/**
 * Starts the next run a period after the last one has ended, with a `setTimeout` that each run sets again. Only where
 * nobody has the timer, who could stop it.
 */
export function runAgainAfterwards(
  view: Pick<ProgramView, "world" | "text">,
  at: CallbackArgument,
): FixPlan | undefined {
  const { evaluation, call } = at;
  const { file } = parseKey(evaluation.key);
  const arrow = inlineArrow(view, at);
  if (!arrow?.isAsync || arrow.facts.usesArguments || arrow.facts.parameters.length > 0) return undefined;
  const { text, facts } = arrow;
  const statement = statementOf(evaluation.facts, call, text);
  const names = new Set(view.world.facts(file)?.variables.map(({ name }) => name));
  const name = ["runAgain", "nextRun"].find((one) => !names.has(one));
  const [callee] = usesIn(evaluation.facts).definitions(call.callee);
  const period = text.slice(facts.end, call.end);
  if (!statement || name === undefined || callee?.op !== "global" || !/^\s*,\s*[\d_\s*]+\)$/.test(period))
    return undefined;
  const indent = indentAt(text, statement.start);
  const unit = unitOf(text, indent);
  const inside = facts.concise
    ? ` await ${arrow.body}; `
    : indented(text, facts.body, unit + unit, facts).slice(1, -1);
  const lines = [
    `const ${name} = () => {`,
    `${unit}setTimeout(async () => {`,
    `${unit}${unit}try {${inside.trimEnd()}`,
    `${unit}${unit}} finally {`,
    `${unit}${unit}${unit}${name}();`,
    `${unit}${unit}}`,
    `${unit}}${period};`,
    "};",
    `${name}();`,
  ];
  return {
    title: "Start the next run when the last one is over",
    preferred: false,
    edits: [{ file, start: statement.start, end: statement.end, newText: lines.join(`\n${indent}`) }],
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

/**
 * `const keep = await Promise.all(orders.map(…));` before the statement, and `orders.filter((_, index) => keep[index])` in
 * it.
 */
export function flagsFirst(
  view: Pick<ProgramView, "world" | "text">,
  at: CallbackArgument,
): FixPlan | undefined {
  const parts = listCall(view, at);
  const found = parts && statementAround(at.evaluation.facts.statements, at.call);
  const statement = found?.list.of[found.index];
  const { file } = parseKey(at.evaluation.key);
  const names = new Set(view.world.facts(file)?.variables.map(({ name }) => name));
  const name = ["keep", "kept", "flags"].find((one) => !names.has(one));
  // What is read twice must be a name.
  if (!parts || !statement || name === undefined || !/^[\w$.]+$/.test(parts.list)) return undefined;
  const { text, list, callback, argument } = parts;
  const indent = indentAt(text, statement.start);
  const flags = `const ${name} = await Promise.all(${list}.map(${callback}));\n${indent}`;
  return {
    title: "Ask for every element first, then filter",
    preferred: true,
    edits: [
      { file, start: statement.start, end: statement.start, newText: flags },
      { file, start: argument.start, end: argument.end, newText: `(_, index) => ${name}[index]` },
    ],
  };
}

/** `(await Promise.all(orders.map(…))).some(Boolean)`, and the same for `every`. */
export function testsFirst(
  view: Pick<ProgramView, "world" | "text">,
  at: CallbackArgument,
): FixPlan | undefined {
  const parts = listCall(view, at);
  if (!parts || (parts.method !== "some" && parts.method !== "every")) return undefined;
  const { file } = parseKey(at.evaluation.key);
  const newText = `(await Promise.all(${parts.list}.map(${parts.callback}))).${parts.method}(Boolean)`;
  return {
    title: "Ask for every element first",
    preferred: true,
    edits: [{ file, start: at.call.start, end: at.call.end, newText }],
  };
}

/** `list.method(callback)` in its parts, where `await` may stand. */
function listCall(view: Pick<ProgramView, "world" | "text">, { evaluation, call }: CallbackArgument) {
  const text = view.text(parseKey(evaluation.key).file);
  const uses = usesIn(evaluation.facts);
  const [callee] = uses.definitions(call.callee);
  const [given] = call.arguments;
  const [argument] = given === undefined ? [] : uses.definitions(given);
  if (text === undefined || !argument || !canAwait(view, evaluation)) return undefined;
  if (callee?.op !== "get" || call.arguments.length !== 1) return undefined;
  const [, list] = /^(.*[^?\s])\s*\.\s*$/s.exec(text.slice(call.start, callee.start)) ?? [];
  if (list === undefined) return undefined;
  return { text, list, method: callee.name, callback: text.slice(argument.start, argument.end), argument };
}

/**
 * `const limit = pLimit(10);` before the statement, and `(order) => limit(() => …)` for the callback. Only where the file
 * imports p-limit already, and the callback is an arrow function of one plain parameter.
 */
export function limitConcurrency(
  view: Pick<ProgramView, "world" | "text">,
  at: CallbackArgument,
): FixPlan | undefined {
  const { file } = parseKey(at.evaluation.key);
  const facts = view.world.facts(file);
  const arrow = inlineArrow(view, at);
  const found = statementAround(at.evaluation.facts.statements, at.call);
  const statement = found?.list.of[found.index];
  const imported = facts?.imports.find(
    ({ specifier, imported: name }) => specifier === "p-limit" && name === "default",
  );
  const create = imported && facts?.variables[imported.variable]?.name;
  if (!arrow || !statement || !facts || create === undefined) return undefined;
  if (!/^\(?\s*[\w$]+\s*\)?$/.test(arrow.parameters) || arrow.facts.usesArguments) return undefined;
  if (facts.variables.some(({ name }) => name === "limit")) return undefined;
  const { text, closure, parameters, isAsync, body } = arrow;
  const indent = indentAt(text, statement.start);
  const newText = `${parameters} => limit(${isAsync ? "async " : ""}() => ${body})`;
  return {
    title: "Run ten at a time with p-limit",
    preferred: true,
    edits: [
      {
        file,
        start: statement.start,
        end: statement.start,
        newText: `const limit = ${create}(10);\n${indent}`,
      },
      { file, start: closure.start, end: closure.end, newText },
    ],
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
