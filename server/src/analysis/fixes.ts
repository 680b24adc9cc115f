// The edits that rules offer, made from the text as it is written.
import type { FileFacts, FunctionFacts, Instruction, Range, StatementList } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { contains } from "../program/ranges.ts";
import type { ProgramView } from "./analyzer.ts";
import type { Birth } from "./births.ts";
import type { FixPlan } from "./fix-plan.ts";
import { usesIn } from "./flow.ts";
import type { Location } from "./places.ts";
import { isLineEnd, withoutRoom } from "./steady-file.ts";
import { loadsOf } from "./task-life.ts";

export function insertAwait(call: Location, title: string, preferred: boolean): FixPlan {
  return { title, preferred, edits: [{ ...call, end: call.start, newText: "await " }] };
}

/** Waits for what stands alone as a statement, also behind `void`. */
export function awaitInstead(
  view: Pick<ProgramView, "text">,
  call: Location,
  title: string,
): FixPlan | undefined {
  const before = view.text(call.file)?.slice(0, call.start);
  if (before === undefined) return undefined;
  const start = call.start - (/\bvoid\s+$/.exec(before)?.[0].length ?? 0);
  return { title, preferred: true, edits: [{ ...call, start, end: call.start, newText: "await " }] };
}

/** Gives a promise a handler that shows the error. */
export function appendCatch(
  call: Location,
  title: string,
  options: { readonly preferred: boolean; readonly typed: boolean },
): FixPlan {
  const error = options.typed ? "(error: unknown)" : "(error)";
  const newText = `.catch(${error} => {\n  console.error(error);\n})`;
  return { title, preferred: options.preferred, edits: [{ ...call, start: call.end, newText }] };
}

/**
 * Puts everything after the acquiring statement into a `try` whose `finally` releases, or whose `catch` does where only
 * a failure is to be ended there. Undefined where that could change what the code does: nothing follows, or the right
 * to release has no name.
 */
export function releaseInFinally(
  view: Pick<ProgramView, "world" | "text">,
  facts: FunctionFacts,
  file: FilePath,
  birth: Birth,
): FixPlan | undefined {
  const text = view.text(file);
  const found = text === undefined ? undefined : statementAround(facts.statements, birth.instruction);
  const release = text === undefined ? undefined : releaseCall(view, facts, file, birth, text);
  if (text === undefined || !found || release === undefined) return undefined;
  const taken = found.list.of[found.index];
  // What is only awaited further down has no name yet where the block would begin.
  if (birth.place.promise && !(taken && awaitsIn(facts, taken))) return undefined;
  const rest = found.list.of.slice(found.index + 1);
  const { onFailure, asyncRelease } = birth.form;
  const bare = (code: string) => code.replace(/^await\b|;$/g, "").replace(/\s+/g, "");
  const isRelease = (statement: Range) =>
    bare(text.slice(statement.start, statement.end)) === bare(release) && onFailure === undefined;
  const kept = rest.filter((statement) => !isRelease(statement));
  const [first] = rest;
  const lastOne = rest.at(-1);
  if (!first || !lastOne || kept.length === 0) return undefined;
  // A second release would free what somebody else has taken by then.
  const inner = kept.some((statement) =>
    mentionsRelease(text.slice(statement.start, statement.end), release),
  );
  if (inner && (birth.form.double !== "noop" || onFailure !== undefined)) return undefined;
  const isGivenBack = kept.some(({ start, end }) =>
    birth.alsoReleasedBy.some((name) => text.slice(start, end).includes(`.${name}(`)),
  );
  if (isGivenBack && birth.form.form === "object" && birth.form.double !== "noop") return undefined;
  const indent = indentAt(text, first.start);
  const unit = unitOf(text, indent);
  const firstKept = kept[0];
  if (!firstKept) return undefined;
  const body = kept
    .map((statement, index) => {
      const before = index === 0 ? "" : gapBefore(text, statement);
      return before + indented(text, statement, unit, facts);
    })
    .join("");
  const [clause, last] =
    onFailure === undefined ? ["finally", ""] : ["catch (error)", `\n${indent}${unit}throw error;`];
  const ending = `${asyncRelease && facts.async ? "await " : ""}${release};${last}`;
  const newText = `try {\n${indent}${unit}${body}\n${indent}} ${clause} {\n${indent}${unit}${ending}\n${indent}}`;
  return {
    title: onFailure === undefined ? "Release in a finally block" : `Call '${onFailure}' after a failure`,
    preferred: true,
    edits: [{ file, start: first.start, end: lastOne.end, newText }],
  };

  /** The line break, blank lines and comments in front of a statement that is not the first. */
  function gapBefore(source: string, statement: Range): string {
    const index = rest.indexOf(statement);
    const previous = rest[index - 1];
    const gap = previous ? source.slice(previous.end, statement.start) : "\n";
    return gap.includes("\n") ? gap.replace(/\n(?=[^\n]*\S|[^\n]*$)/g, `\n${unit}`) : `\n${indent}${unit}`;
  }
}

function awaitsIn({ blocks }: FunctionFacts, statement: Range): boolean {
  return blocks.some(({ code }) => code.some((i) => i.op === "await" && contains(statement, i)));
}

/**
 * Calls something where a function ends: with its `return;`, or in front of the closing brace. Undefined where it ends
 * with a value.
 */
export function callBeforeEnd(
  view: Pick<ProgramView, "text">,
  facts: FunctionFacts,
  end: Location,
  call: string,
): FixPlan | undefined {
  const text = view.text(end.file);
  if (text === undefined || facts.concise) return undefined;
  const title = `Call '${call}' here`;
  const written = text.slice(end.start, end.end);
  if (/^return\s*;?$/.test(written)) {
    const newText = `return ${call};`;
    return { title, preferred: true, edits: [{ ...end, newText }] };
  }
  const brace = facts.body.end - 1;
  if (end.end !== facts.body.end || text[brace] !== "}") return undefined;
  const indent = indentAt(text, brace);
  const isAlone = text.slice(text.lastIndexOf("\n", brace) + 1, brace).trim() === "";
  const newText = isAlone ? `${unitOf(text, indent)}${call};\n${indent}` : ` ${call}; `;
  return { title, preferred: true, edits: [{ file: end.file, start: brace, end: brace, newText }] };
}

/**
 * Makes the promise of an event right behind the statement that starts its emitter, and waits for it where the wait is. Its
 * failure in between is no unhandled one. Undefined where the one statement does not stand before the other.
 */
export function listenBefore(
  view: Pick<ProgramView, "text">,
  facts: FunctionFacts,
  file: FileFacts,
  start: Location,
  wait: Location,
  event: string,
): FixPlan | undefined {
  const text = view.text(start.file);
  const found = text === undefined ? undefined : statementAround(facts.statements, start);
  const starting = found?.list.of[found.index];
  const isBelow = found?.list.of.slice(found.index + 1).some((statement) => contains(statement, wait));
  const name = `${event}Event`;
  if (text === undefined || !starting || !isBelow || !/^\w+$/.test(name)) return undefined;
  const written = text.slice(wait.start, wait.end);
  const isUsed = file.variables.some((variable) => variable.name === name);
  // What the wait mentions is known behind the start: the emitter itself, and literals.
  const isPlain = /^[\w$.]+\(\s*[\w$]+\s*,\s*(?:"[^"]*"|'[^']*')\s*\)$/.test(written);
  if (isUsed || !isPlain || !/\bawait\s*$/.test(text.slice(0, wait.start))) return undefined;
  const indent = indentAt(text, starting.start);
  const newText = `\n${indent}const ${name} = ${written};\n${indent}${name}.catch(() => {});`;
  return {
    title: `Listen to '${event}' before the await`,
    preferred: true,
    edits: [
      { file: start.file, start: starting.end, end: starting.end, newText },
      { ...wait, newText: name },
    ],
  };
}

/** Takes out a statement that is nothing but this call, with its line; undefined where it is part of more. */
export function statementRemoval(
  view: Pick<ProgramView, "text">,
  facts: FunctionFacts,
  file: FilePath,
  call: Range,
): FixPlan["edits"][number] | undefined {
  const text = view.text(file);
  const statement = facts.statements
    .flatMap((list) => list.of)
    .find((one) => one.start === call.start && (one.end === call.end || one.end === call.end + 1));
  if (text === undefined || !statement) return undefined;
  const lineStart = text.lastIndexOf("\n", statement.start - 1);
  const isAlone =
    text.slice(lineStart + 1, statement.start).trim() === "" &&
    /^[^\S\r\n]*(?:\r?\n|$)/.test(text.slice(statement.end));
  return {
    file,
    start: isAlone && lineStart >= 0 ? lineStart : statement.start,
    end: statement.end,
    newText: "",
  };
}

/** Puts a statement that is nothing but this call behind another one of the same list. */
export function statementMove(
  view: Pick<ProgramView, "text">,
  facts: FunctionFacts,
  file: FilePath,
  call: Range,
  behind: Range,
): FixPlan["edits"] | undefined {
  const text = view.text(file);
  const [from, to] = [statementAround(facts.statements, call), statementAround(facts.statements, behind)];
  const [moved, last] = [from?.list.of[from.index], to?.list.of[to.index]];
  const removal = statementRemoval(view, facts, file, call);
  if (text === undefined || !moved || !last || !removal || from?.list !== to?.list) return undefined;
  const line = `\n${indentAt(text, last.start)}${text.slice(moved.start, moved.end)}`;
  return [removal, { file, start: last.end, end: last.end, newText: line }];
}

/** Puts another name in front of a call that begins with `receiver`: `pool.query()` becomes `client.query()`. */
export function replaceReceiver(
  view: Pick<ProgramView, "text">,
  call: Location,
  receiver: string,
  name: string,
  title: string,
): FixPlan | undefined {
  const end = call.start + receiver.length;
  const text = view.text(call.file);
  if (text?.slice(call.start, end) !== receiver || !/^\s*[.(]/.test(text.slice(end))) return undefined;
  // What goes through the client is part of its transaction, which may not be wanted.
  return { title, preferred: false, edits: [{ file: call.file, start: call.start, end, newText: name }] };
}

/** Takes out the only parameter of a function that is written where it is used. */
export function parameterRemoval(
  view: Pick<ProgramView, "text">,
  parameter: Location,
): FixPlan["edits"][number] | undefined {
  const text = view.text(parameter.file);
  if (text === undefined) return undefined;
  const isBare = !/\(\s*$/.test(text.slice(0, parameter.start));
  if (isBare && !/^\s*=>/.test(text.slice(parameter.end))) return undefined;
  return { ...parameter, newText: isBare ? "()" : "" };
}

/** `new Mutex()`, `pLimit(4)`, `new PQueue({ concurrency: 1 })` */
const madeOfLiterals = /^(?:new )?[\w$.]+\((?:[\d\s_,]*|\{\s*(?:\w+:\s*(?:[\d_]+|true|false)\s*,?\s*)*\})\)$/;

/**
 * Moves `const name = new Lock()` out of a function, to the top of its module. Undefined where the statement says more
 * than that, where its words mean something else up there, or where there is no import to put it behind.
 */
export function hoistToModule(
  view: Pick<ProgramView, "text">,
  file: FileFacts,
  facts: FunctionFacts,
  made: Location,
  name: string,
): FixPlan | undefined {
  const text = view.text(file.path);
  const found = text === undefined ? undefined : statementAround(facts.statements, made);
  const statement = found?.list.of[found.index];
  if (text === undefined || !statement) return undefined;
  const written = text.slice(statement.start, statement.end);
  const making = text.slice(made.start, made.end);
  if (written.replace(/;$/, "") !== `const ${name} = ${making}`) return undefined;
  // Only names that are imported, and literals, mean the same at the top.
  if (!madeOfLiterals.test(making)) return undefined;
  const [, root = ""] = /^(?:new )?([\w$]+)/.exec(making) ?? [];
  const isImported = file.imports.some(({ variable, typeOnly }) => {
    return !typeOnly && file.variables[variable]?.name === root;
  });
  if (!isImported || file.variables.filter((one) => one.name === name).length > 1) return undefined;
  const removal = statementRemoval(view, facts, file.path, statement);
  const [module] = file.functions;
  const top = module?.statements.toSorted((a, b) => b.end - b.start - (a.end - a.start))[0];
  const last = top?.of.findLast((one) => /^import\b/.test(text.slice(one.start, one.end)));
  if (!removal || !last) return undefined;
  const end = { file: file.path, start: last.end, end: last.end };
  return {
    title: `Make one '${name}' for all calls`,
    preferred: true,
    edits: [{ ...end, newText: `\n\nconst ${name} = ${making};` }, removal],
  };
}

/** Moves the first statement of a `try` in front of it; undefined where it declares something, or is not the first. */
export function beforeTry(
  view: Pick<ProgramView, "text">,
  facts: FunctionFacts,
  file: FilePath,
  at: Range,
): FixPlan["edits"] | undefined {
  const text = view.text(file);
  const inner = text === undefined ? undefined : statementAround(facts.statements, at);
  const statement = inner?.list.of[inner.index];
  if (text === undefined || !inner || inner.index !== 0 || !statement) return undefined;
  const outer = facts.statements
    .flatMap((list) => list.of)
    .filter((one) => one.start < inner.list.start && inner.list.end < one.end)
    .sort((a, b) => a.end - a.start - (b.end - b.start))[0];
  const isTry = outer !== undefined && /^try\s*$/.test(text.slice(outer.start, inner.list.start));
  const written = text.slice(statement.start, statement.end);
  const removal = statementRemoval({ text: view.text }, facts, file, statement);
  if (!isTry || !removal || !/^await\b/.test(written)) return undefined;
  const place = { file, start: outer.start, end: outer.start };
  return [{ ...place, newText: `${written}\n${indentAt(text, outer.start)}` }, removal];
}

export function statementAround(
  lists: readonly StatementList[],
  at: Range,
): { readonly list: StatementList; readonly index: number } | undefined {
  let best: { list: StatementList; index: number } | undefined;
  for (const list of lists) {
    const index = list.of.findIndex((statement) => statement.start <= at.start && at.end <= statement.end);
    if (index < 0) continue;
    if (!best || list.end - list.start < best.list.end - best.list.start) best = { list, index };
  }
  return best;
}

/**
 * Closes a channel when the last statement that sends has run, also when it fails. Undefined when the sends do not
 * stand in one list of statements.
 */
export function closeAfter(
  view: Pick<ProgramView, "text">,
  facts: FunctionFacts,
  file: FilePath,
  sends: readonly Location[],
  close: string,
  title: string,
): FixPlan | undefined {
  const text = view.text(file);
  const list = facts.statements
    .filter((one) => sends.every((send) => one.of.some((statement) => contains(statement, send))))
    .sort((a, b) => a.end - a.start - (b.end - b.start))[0];
  const sending = list?.of.filter((statement) => sends.some((send) => contains(statement, send))) ?? [];
  const [first] = sending;
  const last = sending.at(-1);
  if (text === undefined || !list || !first || !last) return undefined;
  // A send in a loop: the channel is closed when the loop has ended.
  const whole = list.of.slice(list.of.indexOf(first), list.of.indexOf(last) + 1);
  const indent = indentAt(text, first.start);
  const unit = unitOf(text, indent);
  const declares = whole.some((one) =>
    /^(?:export|const|let|var|class|function|using|await using)\b/.test(text.slice(one.start, one.end)),
  );
  if (declares) {
    const newText = `\n${indent}${close};`;
    return { title, preferred: true, edits: [{ file, start: last.end, end: last.end, newText }] };
  }
  const body = indented(text, { start: first.start, end: last.end }, unit, facts);
  const newText = `try {\n${indent}${unit}${body}\n${indent}} finally {\n${indent}${unit}${close};\n${indent}}`;
  return { title, preferred: true, edits: [{ file, start: first.start, end: last.end, newText }] };
}

/**
 * Lets a statement that waits for something and writes it run only if the condition still holds. Undefined where the
 * statement does not begin with `target`: part of its work is done elsewhere then.
 */
export function testAgain(
  view: Pick<ProgramView, "text">,
  facts: FunctionFacts,
  write: Location,
  target: string,
  condition: string,
): FixPlan | undefined {
  const text = view.text(write.file);
  const found = text === undefined ? undefined : statementAround(facts.statements, write);
  const statement = found?.list.of[found.index];
  if (text === undefined || !statement) return undefined;
  const written = text.slice(statement.start, statement.end);
  if (!written.startsWith(target) || !/\bawait\b/.test(written)) return undefined;
  const edit = { file: write.file, start: statement.start, end: statement.start };
  return {
    title: "Repeat the test inside the lock",
    preferred: true,
    edits: [{ ...edit, newText: `if (${condition}) ` }],
  };
}

/**
 * `client = await connect()` with the promise kept while it is under way, in a variable or field beside `place`.
 * Undefined where its name is taken.
 */
export function keepPromise(
  view: Pick<ProgramView, "text">,
  kept: {
    readonly await: Location;
    readonly call: Location;
    readonly callee: string;
    readonly place: string;
    readonly declaration: Location;
    readonly keyword: string;
    readonly typed: boolean;
  },
): FixPlan | undefined {
  const text = view.text(kept.await.file);
  const place = `${kept.place}UnderWay`;
  const name = place.replace(/^this\./, "");
  if (text === undefined || !/^#?[\w$]+$/.test(name) || text.includes(name)) return undefined;
  const { declaration, call } = kept;
  const type = kept.typed ? `: ReturnType<typeof ${kept.callee}> | undefined` : "";
  const keyword = kept.typed || kept.keyword === "let " ? kept.keyword : "";
  const line = `${indentAt(text, nextTextFrom(text, declaration.start))}${keyword}${name}${type};`;
  // A line of its own, in front of a place that is empty, behind one that is not.
  const declared = declaration.start === declaration.end ? `${line}\n` : `\n${line}`;
  const indent = indentAt(text, kept.await.start);
  const inner = indent + unitOf(text, indent);
  const started = `${text.slice(call.start, call.end)}.finally(() => {\n${inner}${place} = undefined;\n${indent}})`;
  const { file } = declaration;
  return {
    title: `Keep the promise of '${kept.callee}' while it is under way`,
    preferred: true,
    edits: [
      { file, start: declaration.end, end: declaration.end, newText: declared },
      { ...kept.await, newText: `await (${place} ??= ${started})` },
    ],
  };
}

/**
 * `pages.set(url, await load(url))` with the promise kept for others that want the same entry, in a map beside `place`.
 * Undefined where the statement may go on without loading, or a name is taken.
 */
export function keepLoads(
  view: Pick<ProgramView, "text">,
  facts: FunctionFacts,
  kept: {
    readonly call: Location;
    readonly callee: string;
    /** The cache as written, and the key: a name. */
    readonly place: string;
    readonly key: string;
    /** The statement or member that declares the cache. */
    readonly declaration: Location;
    readonly keyword: string;
    readonly typed: boolean;
  },
): FixPlan | undefined {
  const { call, declaration } = kept;
  const text = view.text(call.file);
  const found = text === undefined ? undefined : statementAround(facts.statements, call);
  const statement = found?.list.of[found.index];
  const under = `${kept.place}UnderWay`;
  const written = under.replace(/^this\./, "");
  if (text === undefined || !statement) return undefined;
  const name = ["loading", "started", "underWay"].find((one) => !new RegExp(`\\b${one}\\b`).test(text));
  const before = text.slice(statement.start, call.start);
  const isAlways =
    /^(?:(?:const|let|var|return)\b|[\w$.#]+\s*[=([.])/.test(before) &&
    !/^(?:if|for|while|switch|do|try|with)\b/.test(before) &&
    !/[?{}]|&&|\|\||=>/.test(before);
  if (name === undefined || !isAlways || text.includes(written)) return undefined;
  const indent = indentAt(text, statement.start);
  const unit = unitOf(text, indent);
  const lines = [
    `let ${name} = ${under}.get(${kept.key});`,
    `if (${name} === undefined) {`,
    `${unit}${name} = ${text.slice(call.start, call.end)}.finally(() => ${under}.delete(${kept.key}));`,
    `${unit}${under}.set(${kept.key}, ${name});`,
    "}",
    "",
  ];
  const types = kept.typed ? `<unknown, ReturnType<typeof ${kept.callee}>>` : "";
  const { file } = declaration;
  const isField = declaration.start === declaration.end;
  const modifiers = !isField ? "const " : kept.typed ? `${kept.keyword}readonly ` : "";
  const line = `${indentAt(text, nextTextFrom(text, declaration.start))}${modifiers}${written} = new Map${types}();`;
  return {
    title: `Keep the promise of '${kept.callee}' while it is under way`,
    preferred: true,
    edits: [
      { ...declaration, start: declaration.end, newText: isField ? `${line}\n` : `\n${line}` },
      { file, start: statement.start, end: statement.start, newText: lines.join(`\n${indent}`) },
      { ...call, newText: name },
    ],
  };
}

/**
 * Takes what a method does under a lock into a method of its own, `nameUnlocked`, and lets a holder of the lock call
 * that. Undefined where the method does more than that, or the name is taken.
 */
export function extractMethod(
  view: Pick<ProgramView, "text">,
  from: {
    readonly file: FilePath;
    readonly name: string;
    /** The lock as written. */
    readonly lock: string;
    readonly method: FunctionFacts;
    /** The call that takes the lock and runs `callback` under it. */
    readonly entry: Range;
    readonly callback: FunctionFacts;
    /** Those of the method's parameters that the callback mentions. */
    readonly parameters: readonly { readonly at: Range; readonly name: string }[];
    /** The name of the method where the holder calls it. */
    readonly use: Range;
    readonly usesPrivateNames: boolean;
    readonly typed: boolean;
  },
): FixPlan | undefined {
  const { file, method, callback, entry } = from;
  const text = view.text(file);
  if (text === undefined) return undefined;
  const slice = ({ start, end }: Range) => text.slice(start, end);
  const plainName = from.name.replace(/^#/, "");
  const isPrivate = from.usesPrivateNames || !from.typed;
  const name = `${isPrivate ? "#" : ""}${plainName}Unlocked`;
  const body = slice(method.body);
  const before = text.slice(method.body.start, entry.start);
  const after = text.slice(entry.end, method.body.end);
  const isAlone = /^\{\s*(?:return\s+)?(?:await\s+)?$/.test(before) && /^;?\s*\}$/.test(after);
  const first = method.parameters[0]?.start ?? method.body.start;
  const isGeneric = text.slice(method.start, first).includes("<");
  if (!isAlone || isGeneric || text.includes(`${plainName}Unlocked`) || body.includes("`")) return undefined;
  const indent = indentAt(text, method.start);
  const unit = unitOf(text, indent);
  const done = callback.concise
    ? `{\n${indent}${unit}return ${slice(callback.body)};\n${indent}}`
    : slice(callback.body).replaceAll(`\n${unit}`, "\n");
  const head = `${isPrivate ? "" : "private "}${callback.async ? "async " : ""}${name}`;
  const given = from.parameters.map(({ at }) => slice(at)).join(", ");
  const passed = from.parameters.map((one) => one.name).join(", ");
  const made = `\n\n${indent}/** The caller holds '${from.lock}'. */\n${indent}${head}(${given}) ${done}`;
  return {
    title: `Call a '${name}' that leaves '${from.lock}' alone`,
    preferred: true,
    edits: [
      { file, start: callback.start, end: callback.end, newText: `() => this.${name}(${passed})` },
      { file, start: method.body.end, end: method.body.end, newText: made },
      { file, start: from.use.start, end: from.use.end, newText: name },
    ],
  };
}

/** How the code at hand releases: `release()`, `client.release()`, `mutex.release()`, `pool.release(client)`. */
function releaseCall(
  view: Pick<ProgramView, "world">,
  facts: FunctionFacts,
  file: FilePath,
  birth: Birth,
  text: string,
): string | undefined {
  const name = handleName(view, facts, file, birth);
  const [method] = birth.form.form === "object" ? (birth.form.release ?? []) : [];
  const { onFailure } = birth.form;
  const isGivenBack = birth.form.form === "resource";
  if (name !== undefined && !isGivenBack) {
    return method === undefined ? `${name}()` : `${name}.${onFailure ?? method}()`;
  }
  // What is handed out has to be handed back, and has no name here.
  if (birth.form.form === "object") return undefined;
  const [own] = birth.form.form === "self" || isGivenBack ? (birth.form.release ?? []) : birth.alsoReleasedBy;
  const i = birth.instruction;
  if (own === undefined || i.op !== "call" || i.receiver === undefined) return undefined;
  // A releasing function that has no name of its own may still be called somewhere.
  if (birth.form.form !== "self" && !isGivenBack && !isUnused(facts, birth)) return undefined;
  const [callee] = usesIn(facts).definitions(i.callee);
  const receiver = callee ? text.slice(i.start, callee.start).replace(/\s*\.\s*$/, "") : "";
  if (!/^[\w$.#]+$/.test(receiver) || (isGivenBack && name === undefined)) return undefined;
  return `${receiver}.${own}(${isGivenBack ? name : ""})`;
}

function isUnused(facts: FunctionFacts, { instruction }: Birth): boolean {
  const uses = usesIn(facts);
  const awaits = uses.readers(instruction.to).filter((reader) => reader.op === "await");
  return [instruction, ...awaits].every((one) =>
    uses.readers(one.to).every((reader) => reader.op === "await" || reader.op === "move"),
  );
}

/** The variable that ends up with the releasing function or the client, followed through `await` and destructuring. */
export function handleName(
  view: Pick<ProgramView, "world">,
  facts: FunctionFacts,
  file: FilePath,
  birth: Birth,
): string | undefined {
  const uses = usesIn(facts);
  const variables = view.world.facts(file)?.variables;
  const follow = (
    temp: Birth["instruction"]["to"],
    path: readonly string[],
    depth: number,
  ): string | undefined => {
    for (const reader of depth > 8 ? [] : uses.readers(temp)) {
      const found = step(reader, path, depth);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const { promiseIn, path: inside } = birth.place;
  const step = (reader: Instruction, path: readonly string[], depth: number): string | undefined => {
    if (reader.op === "await") return follow(reader.to, path, depth + 1);
    if (reader.op === "get" && reader.name === path[0]) return follow(reader.to, path.slice(1), depth + 1);
    if (reader.op !== "store") return undefined;
    const name = variables?.[reader.variable]?.name;
    if (promiseIn !== undefined) {
      // What is kept may be the request, or its promise.
      for (const temp of loadsOf(facts, [reader.variable])) {
        const found = follow(temp, path, depth + 1);
        if (found !== undefined) return found;
      }
    }
    return name === undefined || path.length > inside.length ? undefined : [name, ...path].join(".");
  };
  return follow(birth.instruction.to, promiseIn === undefined ? inside : [promiseIn, ...inside], 0);
}

function nextTextFrom(text: string, offset: number): number {
  return offset + (/^\s*/.exec(text.slice(offset))?.[0].length ?? 0);
}

function mentionsRelease(text: string, release: string): boolean {
  const name = release.slice(0, release.lastIndexOf("("));
  return text.replace(/\s+/g, "").includes(`${name}(`);
}

/** The white space that a line begins with. */
export function indentAt(text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
  return /^[ \t]*/.exec(withoutRoom(line))?.[0] ?? "";
}

/** One level of indentation, as the text has it. */
export function unitOf(text: string, indent: string): string {
  if (indent.includes("\t")) return "\t";
  if (lastUnit?.text !== text) lastUnit = { text, unit: unitIn(text) };
  return lastUnit.unit;
}

/** Of the text that was asked about last: one file is asked about once for each of its findings. */
let lastUnit: { readonly text: string; readonly unit: string } | undefined;

function unitIn(text: string): string {
  if (/\n\t/.test(text)) return "\t";
  let smallest = 4;
  let isIndented = false;
  for (const [, { length: width } = ""] of text.matchAll(/\n( {2,})\S/g)) {
    isIndented = true;
    smallest = Math.min(smallest, width);
  }
  return " ".repeat(isIndented ? smallest : 2);
}

/** The statement, its further lines moved in; what stands in template literals stays where it is. */
export function indented(text: string, statement: Range, unit: string, facts: FunctionFacts): string {
  const templates = facts.blocks
    .flatMap((block) => block.code)
    .filter((i) => text[i.start] === "`" && i.start >= statement.start && i.end <= statement.end);
  let result = "";
  for (let at = statement.start; at < statement.end; at += 1) {
    result += text[at];
    const inTemplate = templates.some((template) => template.start < at && at < template.end - 1);
    if (text[at] === "\n" && !inTemplate && !isLineEnd(text, at + 1)) result += unit;
  }
  return result;
}
