import type { CreateModel } from "@unknot/models/model.ts";
import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { callBeforeEnd } from "../analysis/fixes.ts";
import { capturesIn, describeTemp, usesIn } from "../analysis/flow.ts";
import { type FunctionKey, functionKey, type Location, parseKey } from "../analysis/places.ts";
import { throwsIn } from "../analysis/throws.ts";
import type { BlockId, FileFacts, FunctionFacts, Instruction, Temp, VariableId } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";

// Workers that say by a callback when they are done: does every path say it, and only once?

export interface WorkerCallback {
  readonly how: "missed" | "twice";
  /** The name of the callback in the worker; undefined where the worker does not even take it. */
  readonly done: string | undefined;
  /** What makes the queue, as written: `fastq`. */
  readonly queue: string;
  readonly at: Location;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const workerCallbacks = definePass<readonly WorkerCallback[]>({
  id: "worker-callbacks",
  run: (view) => (file) =>
    view
      .functionsOf(file)
      .flatMap((key) => view.attempt(file, "worker-callbacks", () => workersIn(view, file, key), [])),
});

function workersIn(view: ProgramView, file: FilePath, key: FunctionKey): readonly WorkerCallback[] {
  const evaluation = view.solution.evaluation(key);
  const facts = view.world.facts(file);
  if (!evaluation || !facts) return [];
  const seen = new Set<number>();
  return [...evaluation.calls.keys()].flatMap((i) => {
    if ((i.op !== "call" && i.op !== "new") || seen.has(i.start)) return [];
    seen.add(i.start);
    const callee = evaluation.values[i.callee];
    const entry =
      callee?.kind === "external" ? view.world.models.exported(callee.module, callee.path) : undefined;
    if (entry?.kind !== (i.op === "new" ? "constructor" : "factory")) return [];
    const { create } = entry;
    if (create.done === undefined || isGivenUp(evaluation, i.arguments, create)) return [];
    const temp = i.arguments[create.worker ?? 0];
    const worker = temp === undefined ? undefined : evaluation.values[temp];
    const code = worker?.kind === "function" ? view.solution.evaluation(worker.function) : undefined;
    if (!code || code.facts.generator || code.facts.imprecise !== undefined) return [];
    if ((code.facts.async && create.awaitsWorker) || usesItsThis(code.facts)) return [];
    const queue = describeTemp(facts, evaluation.facts, i.callee);
    return callbacksIn(view, code, create.done, queue, locationIn(file, i)).filter(
      ({ how }) => how === "missed" || create.doneTwice !== "noop",
    );
  });
}

/** A worker that does not end is given up after a time, or may be. */
function isGivenUp({ values }: Evaluation, given: readonly Temp[], { workerTimeout }: CreateModel): boolean {
  const temp = workerTimeout && given[workerTimeout.arg];
  const options = temp === undefined ? undefined : values[temp];
  if (workerTimeout?.prop === undefined || options === undefined) return false;
  if (options.kind !== "fresh" || options.made.type !== "object") return true;
  return options.made.properties.has(workerTimeout.prop);
}

/** What a library calls it with may have other ways to say that it is done. */
function usesItsThis({ kind, blocks }: FunctionFacts): boolean {
  return kind === "function" && blocks.some(({ code }) => code.some(({ op }) => op === "this"));
}

function callbacksIn(
  view: ProgramView,
  worker: Evaluation,
  index: number,
  queue: string,
  made: Location,
): readonly WorkerCallback[] {
  const { file } = parseKey(worker.key);
  const facts = view.world.facts(file);
  const parameter = worker.facts.parameters[index];
  const first: ReportedStep = { at: made, what: `'${queue}' runs this worker for every task` };
  if (!facts) return [];
  if (parameter === undefined) {
    const isGiven = worker.facts.usesArguments || worker.facts.parameters.some(({ rest }) => rest);
    if (isGiven || !comesToAnEnd(worker)) return [];
    return [{ how: "missed", done: undefined, queue, at: made, trace: [first], fixes: [] }];
  }
  const { variable } = parameter;
  const fact = variable === undefined ? undefined : facts.variables[variable];
  if (variable === undefined || !fact || fact.assignments > 0 || parameter.rest) return [];
  const given: ReportedStep = { at: locationIn(file, parameter), what: `'${fact.name}' has to be called` };
  const found = pathsOf(view, worker, variable, 0);
  return found.map(({ how, at, before, isShared, code }): WorkerCallback => {
    const where = locationIn(file, at);
    const isCertain = how === "missed" && isShared !== true;
    const fix = isCertain ? callBeforeEnd(view, code.facts, where, `${fact.name}(null)`) : undefined;
    const steps: ReportedStep[] =
      how === "missed"
        ? [{ at: where, what: `a path ends here without a call of '${fact.name}'` }]
        : [
            ...(before ? [{ at: locationIn(file, before), what: `'${fact.name}' is called here` }] : []),
            { at: where, what: "and here again, on the same path" },
          ];
    return {
      how,
      done: fact.name,
      queue,
      at: where,
      trace: [first, given, ...steps],
      fixes: fix ? [fix] : [],
    };
  });
}

function comesToAnEnd(code: Evaluation): boolean {
  return code.facts.blocks.some(
    ({ end }, index) => code.reached[index] && end.kind === "return" && !givesObject(code, end.value),
  );
}

interface Found {
  readonly how: "missed" | "twice";
  readonly at: { readonly start: number; readonly end: number };
  /** Of a second call, the first. */
  readonly before?: Instruction;
  /** Other paths end there and have called it. */
  readonly isShared?: boolean;
  readonly code: Evaluation;
}

interface State {
  readonly block: BlockId;
  readonly called: Instruction | undefined;
  /** What branches have said: `task.done` is true. */
  readonly known: ReadonlyMap<string, boolean>;
}

/** More paths than this, and we say nothing. */
const maxStates = 2_000;
const maxDepth = 3;

/** The paths of a function that do not call what is in a variable, or call it twice; one of each kind. */
function pathsOf(view: ProgramView, code: Evaluation, variable: VariableId, depth: number): readonly Found[] {
  const { facts, reached } = code;
  const file = view.world.facts(parseKey(code.key).file);
  if (!file || facts.imprecise !== undefined) return [];
  const uses = usesOf(file, facts, variable);
  const found: Found[] = [];
  const done = new Set<number>();
  const seen = new Set<string>();
  const open: State[] = [{ block: 0 as BlockId, called: undefined, known: new Map() }];
  const goOn = (state: State) => {
    const known = [...state.known].map(([name, value]) => `${name}=${value}`).sort();
    const key = `${state.block} ${state.called?.start ?? ""} ${known.join()}`;
    if (!seen.has(key)) open.push(state);
    seen.add(key);
  };
  for (let state = open.pop(); state; state = open.pop()) {
    if (seen.size > maxStates) return [];
    const block = facts.blocks[state.block];
    if (!block || !reached[state.block]) continue;
    let { called } = state;
    let known = state.known;
    let isOver = false;
    for (const i of block.code) {
      const isCall = uses.calls.has(i);
      if (isCall && called) {
        if (!found.some(({ how }) => how === "twice"))
          found.push({ how: "twice", at: i, before: called, code });
        isOver = true;
      }
      if (isCall) called = i;
      // Whoever has it may call it.
      if (uses.handed.has(i) || code.calls.get(i)?.ends === false) isOver = true;
      if (isOver) break;
      if (i.op === "store") known = forgotten(known, file.variables[i.variable]?.name);
      const mayFail = !isCall && block.handler !== undefined && throwsIn(block, i, code.calls, code.awaits);
      if (mayFail && block.handler !== undefined) goOn({ block: block.handler, called, known });
    }
    if (isOver) continue;
    const { end } = block;
    switch (end.kind) {
      case "goto":
        goOn({ block: end.to, called, known });
        break;
      case "suspend":
        goOn({ block: end.resume, called, known });
        break;
      case "branch": {
        const test = conditionOf(file, facts, end.test, end.on);
        for (const [to, value] of [
          [end.yes, true],
          [end.no, false],
        ] as const) {
          const isTrue = test && (test.negated ? !value : value);
          if (test && known.get(test.text) === !isTrue) continue;
          const next = test && isTrue !== undefined ? new Map(known).set(test.text, isTrue) : known;
          goOn({ block: to, called, known: next });
        }
        break;
      }
      case "return":
        if (called) done.add(end.at.start);
        if (called || found.some(({ how }) => how === "missed") || givesObject(code, end.value)) break;
        found.push({ how: "missed", at: end.at, code });
        break;
      case "throw":
        if (block.handler !== undefined) goOn({ block: block.handler, called, known });
        break;
      case "unreachable":
        break;
    }
  }
  const own = found.map((one) => ({ ...one, isShared: done.has(one.at.start) }));
  const inner = uses.continues;
  const next = inner && depth < maxDepth ? view.solution.evaluation(inner) : undefined;
  return next ? [...own, ...pathsOf(view, next, variable, depth + 1)] : own;
}

/** By an object that it gives back, such as one with `cancel`, a library may end what the worker does not. */
function givesObject({ facts, values }: Evaluation, value: Temp | undefined): boolean {
  const given = value === undefined || facts.async ? undefined : values[value];
  return given?.kind === "fresh" && given.made.type === "object";
}

interface CallbackUses {
  readonly calls: ReadonlySet<Instruction>;
  /** Instructions that hand it on, or make a function that has it. */
  readonly handed: ReadonlySet<Instruction>;
  /** The one function inside in which it goes on: the callback of a call, in the form of Node. */
  readonly continues: FunctionKey | undefined;
}

function usesOf(file: FileFacts, facts: FunctionFacts, variable: VariableId): CallbackUses {
  const uses = usesIn(facts);
  const captures = capturesIn(file);
  const calls = new Set<Instruction>();
  const handed = new Set<Instruction>();
  const closures: Extract<Instruction, { op: "closure" }>[] = [];
  for (const i of facts.blocks.flatMap((block) => block.code)) {
    if (i.op === "load" && i.variable === variable) {
      for (const reader of uses.readers(i.to)) {
        const isCall = reader.op === "call" && reader.callee === i.to && !reader.arguments.includes(i.to);
        (isCall ? calls : handed).add(reader);
      }
      // `return done` and `done && …`: somebody looks at it, or gets it.
      if (uses.endsBlock(i.to)) handed.add(i);
    } else if (i.op === "closure" && captures.get(i.function)?.has(variable)) {
      handed.add(i);
      if (!closures.some(({ function: known }) => known === i.function)) closures.push(i);
    } else if (i.op === "class") handed.add(i);
  }
  const [closure] = closures;
  const isAlone = closures.length === 1 && closure !== undefined && handed.size === 1;
  const continues = isAlone && isNodeCallback(file, facts, closure) ? closure.function : undefined;
  return {
    calls,
    handed,
    continues: continues === undefined ? undefined : functionKey(file.path, continues),
  };
}

/** `read(path, (error, data) => …)`: the last argument of a call, with a failure as its first parameter, runs once. */
function isNodeCallback(
  file: FileFacts,
  facts: FunctionFacts,
  closure: Extract<Instruction, { op: "closure" }>,
): boolean {
  const inner = file.functions[closure.function];
  const [parameter] = inner?.parameters ?? [];
  const name = parameter?.variable === undefined ? "" : (file.variables[parameter.variable]?.name ?? "");
  const [reader, other] = usesIn(facts).readers(closure.to);
  return (
    /^_?(?:e$|err)/i.test(name) &&
    other === undefined &&
    reader?.op === "call" &&
    reader.arguments.at(-1) === closure.to
  );
}

/** A condition that means the same wherever it stands, until a variable of it changes. */
function conditionOf(
  file: FileFacts,
  facts: FunctionFacts,
  test: Temp,
  on: "truthy" | "nullish",
): { readonly text: string; readonly negated: boolean } | undefined {
  const [definition, other] = usesIn(facts).definitions(test);
  if (!definition || other) return undefined;
  if (definition.op === "unary" && definition.operator === "!") {
    const inner = conditionOf(file, facts, definition.from, on);
    return inner && { ...inner, negated: !inner.negated };
  }
  const isName = definition.op === "load" || definition.op === "get";
  const text = describeTemp(file, facts, test);
  return isName && /^[\w$.#]+$/.test(text) ? { text: `${text} ${on}`, negated: false } : undefined;
}

function forgotten(
  known: ReadonlyMap<string, boolean>,
  name: string | undefined,
): ReadonlyMap<string, boolean> {
  return new Map([...known].filter(([text]) => text.split(/[. ]/)[0] !== name));
}
