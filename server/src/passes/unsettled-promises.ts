import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { createFailures, type FailureOfCall } from "../analysis/failures.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { describeTemp, memberCalled, usesIn } from "../analysis/flow.ts";
import { lastEvents } from "../analysis/one-shot-events.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { followSettlers, type OpenPath } from "../analysis/settlers.ts";
import { catchInExecutor, rejectOtherwise } from "../analysis/task-fixes.ts";
import type {
  BlockId,
  FileFacts,
  FunctionFacts,
  Instruction,
  Range,
  Temp,
  VariableId,
} from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { isSame } from "../program/ranges.ts";
import { stepText } from "./leaks.ts";
import { startOf } from "./returns-before-release.ts";
import { headOf } from "./task-lives.ts";

type CallInstruction = Extract<Instruction, { readonly op: "call" | "new" }>;

/** A promise that on some path nothing can ever settle. */
export interface UnsettledPromise {
  readonly at: Location;
  /** Why, as the end of a sentence: "when 'load()' fails". */
  readonly when: string;
  /** The error of an asynchronous executor, too, is lost in a promise that nobody has. */
  readonly losesError: boolean;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const unsettledPromises = definePass<readonly UnsettledPromise[]>({
  id: "unsettled-promises",
  run(view) {
    const failureOf = createFailures(view);
    return (file) =>
      view
        .functionsOf(file)
        .flatMap((key) =>
          view.attempt(file, "unsettled-promises", () => unsettledIn(view, key, failureOf), []),
        );
  },
});

function unsettledIn(
  view: ProgramView,
  key: FunctionKey,
  failureOf: FailureOfCall,
): readonly UnsettledPromise[] {
  const evaluation = view.solution.evaluation(key);
  const file = view.world.facts(parseKey(key).file);
  if (!evaluation || !file || evaluation.facts.imprecise !== undefined || evaluation.facts.generator)
    return [];
  const found: UnsettledPromise[] = [];
  for (const [index, { code }] of evaluation.facts.blocks.entries()) {
    if (!evaluation.reached[index]) continue;
    for (const [position, i] of code.entries()) {
      if (i.op === "new") found.push(...ofExecutor(view, file, evaluation, i, failureOf));
      else if (i.op === "call" && makesResolvers(evaluation, i)) {
        found.push(
          ...ofResolvers(view, file, evaluation, i, { block: index as BlockId, from: position + 1 }),
        );
      }
    }
  }
  return found;
}

/** Longer conditions are not quoted. */
const maxCondition = 40;

// --- new Promise(executor)

interface Executor {
  readonly promise: CallInstruction;
  readonly maker: Evaluation;
  readonly evaluation: Evaluation;
  readonly file: FilePath;
}

function ofExecutor(
  view: ProgramView,
  file: FileFacts,
  maker: Evaluation,
  promise: Extract<Instruction, { op: "new" }>,
  failureOf: FailureOfCall,
): readonly UnsettledPromise[] {
  const evaluation = executorOf(view, maker, promise);
  if (!evaluation || isMeantForEver(evaluation.facts)) return [];
  const executor = { promise, maker, evaluation, file: file.path };
  const settling = { parameters: [0, 1] };
  const { open, mentions, lost } = followSettlers(file, evaluation, settling, {
    block: 0 as BlockId,
    from: 0,
  });
  if (lost) return [];
  const path = chosen(evaluation, open, failureOf);
  // Where others have got the means to settle it, the conditions of the path may exclude one another.
  if (path && mentions.length > 0 && askOneObject(evaluation.facts, path)) return [];
  if (path?.how === "returns" && isLimitIfAny(file, evaluation, mentions)) return [];
  if (path?.how === "returns" && onlyRaces(view, file, maker, promise.to)) return [];
  if (path) return [worded(view, file, executor, evaluation, path, failureOf)];
  const [mention, ...others] = mentions;
  // Where one callback has it all, the paths of the callback count.
  if (mention && others.length > 0) return ofLastEvent(view, file, executor, mentions, failureOf);
  return mention ? ofCallback(view, file, executor, mention, failureOf) : [];
}

/**
 * `child.on("close", (code) => { if (code === 0) resolve(); })` beside `child.on("error", reject)`: nothing follows the
 * last event, and an error says nothing where there is none.
 */
function ofLastEvent(
  view: ProgramView,
  file: FileFacts,
  executor: Executor,
  mentions: readonly Instruction[],
  failureOf: FailureOfCall,
): readonly UnsettledPromise[] {
  const listeners = mentions.map((i) => listenerIn(file, executor.evaluation, i));
  const [last, ...others] = listeners.filter((one) => one?.event !== "error");
  const isOne = last !== undefined && others.length === 0 && lastEvents.has(last.event);
  if (!isOne || listeners.some((one) => one?.emitter !== last.emitter)) return [];
  return ofClosure(view, file, executor, last.callback, failureOf, (inside, path) =>
    asksOnlyWhatItIsTold(file, inside, path),
  );
}

/** What a callback finds elsewhere, such as a flag, may have been set by who settled the promise. */
function asksOnlyWhatItIsTold(file: FileFacts, { facts }: Evaluation, { steps }: OpenPath): boolean {
  const uses = usesIn(facts);
  // A test for nothing is no step of a path.
  const tested = facts.blocks.flatMap(({ end }) =>
    end.kind === "branch" && end.on === "nullish" ? uses.definitions(end.test) : [],
  );
  return facts.blocks.every(({ code }) =>
    code.every((i) => {
      const isAsked = tested.includes(i) || steps.some(({ at }) => at.start <= i.start && i.end <= at.end);
      if (!isAsked) return true;
      if (i.op === "get")
        return uses.definitions(i.object).every(({ op }) => op === "load" || op === "global");
      const variable = i.op === "load" ? file.variables[i.variable] : undefined;
      if (variable === undefined) return true;
      const isFixed = variable.kind === "function" || variable.kind === "import";
      return isFixed || file.functions[variable.function] === facts;
    }),
  );
}

/** `emitter.on("event", () => { … })` of an emitter that is a name. */
function listenerIn(
  file: FileFacts,
  { facts, values }: Pick<Evaluation, "facts" | "values">,
  i: Instruction,
): { readonly emitter: string; readonly event: string; readonly callback: Temp } | undefined {
  if (i.op !== "call" || i.receiver === undefined || i.spread.length > 0) return undefined;
  const [name, callback, ...rest] = i.arguments;
  const event = name === undefined ? undefined : values[name];
  if (!/^(?:on|once|addListener)$/.test(memberCalled(facts, i) ?? "") || rest.length > 0) return undefined;
  if (event?.kind !== "constant" || event.constant.type !== "string" || callback === undefined)
    return undefined;
  // `child.on(…).on(…)`
  const uses = usesIn(facts);
  let emitter = i.receiver;
  for (let hops = 0; hops < 8; hops += 1) {
    const [made] = uses.definitions(emitter);
    if (made?.op === "move") emitter = made.from;
    else if (made?.op === "call" && made.receiver !== undefined && listenerIn(file, { facts, values }, made))
      emitter = made.receiver;
    else break;
  }
  const [load] = uses.definitions(emitter);
  if (load?.op !== "load") return undefined;
  return { emitter: describeTemp(file, facts, emitter), event: event.constant.value, callback };
}

/** The executor, written where the promise is made. */
function executorOf(
  view: ProgramView,
  maker: Evaluation,
  promise: Extract<Instruction, { op: "new" }>,
): Evaluation | undefined {
  const [argument] = promise.arguments;
  const value = argument === undefined ? undefined : maker.values[argument];
  if (value?.kind !== "function" || !view.world.isExecutor(value.function)) return undefined;
  const evaluation = view.solution.evaluation(value.function);
  if (parseKey(value.function).file !== parseKey(maker.key).file || evaluation?.facts.generator)
    return undefined;
  return evaluation?.facts.imprecise === undefined ? evaluation : undefined;
}

/** `new Promise(() => {})`: nobody asks for the means to settle it, or does anything with them. */
function isMeantForEver(facts: FunctionFacts): boolean {
  if (facts.usesArguments || facts.parameters.some(({ rest }) => rest)) return true;
  if (facts.parameters.length === 0) return true;
  return facts.blocks.every(({ code }) => code.every((i) => i.op === "parameter" || i.op === "store"));
}

/**
 * `if (timeout > 0) setTimeout(() => reject(…), timeout)`, `if (signal) signal.addEventListener("abort", …)`: what can only
 * fail by a clock, or only end by a signal, is the limit of something else, and without a limit it is meant to stay open.
 */
function isLimitIfAny(
  file: FileFacts,
  { facts, values }: Evaluation,
  mentions: readonly Instruction[],
): boolean {
  const resolve = facts.parameters[0]?.variable;
  const canSucceed =
    resolve !== undefined &&
    file.functions.some(({ blocks }) =>
      blocks.some(({ code }) => code.some((i) => i.op === "load" && i.variable === resolve)),
    );
  // Test runners keep the clock of the start.
  const isClock = (i: CallInstruction) =>
    !canSucceed && /(?:^|\.)setTimeout$/.test(describeTemp(file, facts, i.callee));
  const isSignal = (i: CallInstruction) => {
    const event = i.arguments[0] === undefined ? undefined : values[i.arguments[0]];
    return (
      i.op === "call" &&
      memberCalled(facts, i) === "addEventListener" &&
      event?.kind === "constant" &&
      event.constant.type === "string" &&
      event.constant.value === "abort"
    );
  };
  return (
    mentions.length > 0 &&
    mentions.every((i) => (i.op === "call" || i.op === "new") && (isClock(i) || isSignal(i)))
  );
}

/** `Promise.race([work, timeout])`: one that stays open takes no part in the race, and nobody else waits for it. */
function onlyRaces(view: ProgramView, file: FileFacts, evaluation: Evaluation, promise: Temp): boolean {
  const uses = usesIn(evaluation.facts);
  const readers = uses.readers(promise);
  if (uses.endsBlock(promise) || readers.length === 0) return false;
  return readers.every((reader) => {
    if (reader.op === "store") return isKeptForRaces(view, file, reader.variable);
    if (reader.op !== "array" || reader.elements.length < 2 || uses.endsBlock(reader.to)) return false;
    return uses.readers(reader.to).every((call) => {
      const [target, ...others] = evaluation.calls.get(call)?.targets ?? [];
      return target?.kind === "operation" && others.length === 0 && target.operation.needs === "any";
    });
  });
}

function isKeptForRaces(view: ProgramView, file: FileFacts, variable: VariableId): boolean {
  const fact = file.variables[variable];
  if (!fact || fact.exported || fact.assignments > 0) return false;
  const loads = view.functionsOf(file.path).flatMap((key) => {
    const evaluation = view.solution.evaluation(key);
    const code = evaluation?.facts.blocks.flatMap((block) => block.code) ?? [];
    return code.flatMap((i) =>
      evaluation && i.op === "load" && i.variable === variable ? { evaluation, to: i.to } : [],
    );
  });
  return loads.length > 0 && loads.every((load) => onlyRaces(view, file, load.evaluation, load.to));
}

/** `setTimeout(() => { … })`, `task.then((value) => { … })`: called once, and what it leaves open stays open. */
function ofCallback(
  view: ProgramView,
  file: FileFacts,
  executor: Executor,
  mention: Instruction,
  failureOf: FailureOfCall,
): readonly UnsettledPromise[] {
  const outer = executor.evaluation;
  const effect = outer.calls.get(mention);
  const [target, ...others] = effect?.targets ?? [];
  if (mention.op !== "call" || target === undefined || others.length > 0) return [];
  const isOperation = target.kind === "operation";
  const { op, when, fn, fulfilled } = isOperation ? target.operation : {};
  const index = op === "spawn" && when === "later" ? fn : op === "chain" ? fulfilled : undefined;
  const argument = index === undefined ? undefined : mention.arguments[index];
  if (argument === undefined && !isOperation) return ofNodeCallback(view, file, executor, mention, failureOf);
  // A second callback may settle it as well.
  if (argument === undefined || mention.arguments.filter((one) => isFunction(outer, one)).length !== 1)
    return [];
  return ofClosure(view, file, executor, argument, failureOf);
}

/** A path of a callback written there, which leaves the promise open. */
function ofClosure(
  view: ProgramView,
  file: FileFacts,
  executor: Executor,
  argument: Temp,
  failureOf: FailureOfCall,
  accept: (inside: Evaluation, path: OpenPath) => boolean = () => true,
): readonly UnsettledPromise[] {
  const outer = executor.evaluation;
  const [closure] = usesIn(outer.facts).definitions(argument);
  const value = outer.values[argument];
  const inside = value?.kind === "function" ? view.solution.evaluation(value.function) : undefined;
  if (closure?.op !== "closure" || !inside || inside.facts.generator || inside.facts.imprecise !== undefined)
    return [];
  const settling = { captured: settlersOf(outer.facts) };
  const { open, lost } = followSettlers(file, inside, settling, { block: 0 as BlockId, from: 0 });
  const path = lost ? undefined : chosen(inside, open, failureOf);
  return path && accept(inside, path) ? [worded(view, file, executor, inside, path, failureOf)] : [];
}

/** What Node's own functions and those after their manner call a failure. */
const failureName = /^(?:e|er|err|error)(?:[A-Z_]\w*)?$/;

/**
 * `readFile(path, (error, text) => { … })`: called once, with a failure or without; a path that finds the failure and ends
 * with the promise open leaves it open.
 */
function ofNodeCallback(
  view: ProgramView,
  file: FileFacts,
  executor: Executor,
  mention: CallInstruction,
  failureOf: FailureOfCall,
): readonly UnsettledPromise[] {
  const outer = executor.evaluation;
  const last = mention.arguments.at(-1);
  const value = last === undefined ? undefined : outer.values[last];
  const inside = value?.kind === "function" ? view.solution.evaluation(value.function) : undefined;
  const [closure] = last === undefined ? [] : usesIn(outer.facts).definitions(last);
  const first = inside?.facts.parameters[0]?.variable;
  const name = first === undefined ? undefined : file.variables[first]?.name;
  if (!inside || closure?.op !== "closure" || inside.facts.generator || !failureName.test(name ?? ""))
    return [];
  if (inside.facts.parameters.length < 2 || inside.facts.imprecise !== undefined) return [];
  if (mention.arguments.filter((one) => isFunction(outer, one)).length !== 1) return [];
  const settling = { captured: settlersOf(outer.facts) };
  const { open, lost } = followSettlers(file, inside, settling, { block: 0 as BlockId, from: 0 });
  const path = open.find(
    ({ how, steps }) =>
      how === "returns" &&
      steps.some(({ at, what }) => what === "taken" && isLoadOf(inside.facts, at, first)),
  );
  return path && !lost ? [worded(view, file, executor, inside, path, failureOf)] : [];
}

function isLoadOf(facts: FunctionFacts, at: Range, variable: VariableId | undefined): boolean {
  return facts.blocks.some(({ code }) =>
    code.some((i) => i.op === "load" && i.variable === variable && isSame(i, at)),
  );
}

/** `if (scope.cancellable) …; if (scope.isCancelled) return`: two properties of one object may say much of each other. */
function askOneObject(facts: FunctionFacts, { steps }: OpenPath): boolean {
  const uses = usesIn(facts);
  const asked = steps.flatMap(({ at }) => {
    const get = facts.blocks.flatMap(({ code }) => code).find((i) => i.op === "get" && i.end === at.end);
    const [load] = get?.op === "get" ? uses.definitions(get.object) : [];
    return get?.op === "get" && load?.op === "load" ? [{ of: load.variable, name: get.name }] : [];
  });
  return asked.some((one, index) =>
    asked.slice(index + 1).some((other) => other.of === one.of && other.name !== one.name),
  );
}

function isFunction({ values }: Evaluation, temp: CallInstruction["arguments"][number]): boolean {
  return values[temp]?.kind === "function";
}

function settlersOf(facts: FunctionFacts): ReadonlySet<VariableId> {
  return new Set(facts.parameters.slice(0, 2).flatMap(({ variable }) => variable ?? []));
}

/** The path that says most: a plain end, or what surely may fail in an asynchronous function. */
function chosen(
  evaluation: Evaluation,
  open: readonly OpenPath[],
  failureOf: FailureOfCall,
): OpenPath | undefined {
  const plain = open.find(({ how }) => how === "returns");
  if (plain || !evaluation.facts.async) return plain;
  return open.find(({ how, instruction }) => {
    if (how === "throws") return true;
    const call = instruction?.op === "await" ? startOf(evaluation, instruction.from) : undefined;
    return call !== undefined && failureOf(evaluation, call).shown;
  });
}

function worded(
  view: ProgramView,
  file: FileFacts,
  executor: Executor,
  inside: Evaluation,
  path: OpenPath,
  failureOf: FailureOfCall,
): UnsettledPromise {
  const { promise, maker, evaluation } = executor;
  const failing = path.instruction?.op === "await" ? path.instruction : undefined;
  const call = failing && startOf(inside, failing.from);
  const what = failing ? describeTemp(file, inside.facts, failing.from) : "";
  const fails = path.how !== "returns";
  const names = settlerNames(file, evaluation.facts);
  const end = fails
    ? failing
      ? `'${what}' fails here, and nothing passes that on to ${names}`
      : "this is thrown, and nothing passes it on to the promise"
    : `this is the end, and nothing has called ${names}`;
  const fix = fails
    ? inside === evaluation
      ? catchInExecutor(view, file, inside.facts)
      : undefined
    : rejectedOtherwise(view, file, executor, inside, path);
  return {
    at: headOf(maker, promise),
    when: fails
      ? failing
        ? `when '${what}' fails`
        : "when its executor throws"
      : whenSteps(view, file, inside.facts, path),
    losesError: fails,
    trace: [
      { at: headOf(maker, promise), what: "the promise is made here" },
      ...path.steps.map((step) => ({ at: locationIn(file.path, step.at), what: stepText[step.what] })),
      ...(call ? failureOf(inside, call).steps : []),
      { at: locationIn(file.path, path.at), what: end },
    ],
    fixes: fix ? [fix] : [],
  };
}

function rejectedOtherwise(
  view: ProgramView,
  file: FileFacts,
  { evaluation }: Executor,
  inside: Evaluation,
  { steps, at }: OpenPath,
): FixPlan | undefined {
  const last = steps.at(-1);
  const variable = evaluation.facts.parameters[1]?.variable;
  const reject = variable === undefined ? undefined : file.variables[variable]?.name;
  if (!last || reject === undefined) return undefined;
  const between = [inside.key, ...view.world.enclosing(inside.key)];
  const inner = between.slice(0, between.indexOf(evaluation.key)).map((key) => parseKey(key).id);
  // Another one of that name would hide it.
  if (file.variables.some((one) => one.name === reject && inner.includes(one.function))) return undefined;
  const condition = { condition: last.at, holds: last.what === "taken" };
  return rejectOtherwise(view, file.path, inside.facts, { reject, ...condition, end: at });
}

/** The last condition on the way, as written where it is short. */
export function whenSteps(
  view: ProgramView,
  file: FileFacts,
  facts: FunctionFacts,
  { steps }: Pick<OpenPath, "steps">,
): string {
  const last = steps.at(-1);
  if (!last) return "";
  // Where a property is read, only its name is marked.
  const get = facts.blocks.flatMap(({ code }) => code).find((i) => i.op === "get" && isSame(i, last.at));
  const written =
    get?.op === "get"
      ? describeTemp(file, facts, get.to)
      : (view.text(file.path)?.slice(last.at.start, last.at.end) ?? "");
  const condition =
    written.length <= maxCondition && !written.includes("\n") ? `'${written}'` : "a condition";
  return `when ${condition} ${last.what === "taken" ? "holds" : "does not hold"}`;
}

function settlerNames(file: FileFacts, facts: FunctionFacts): string {
  const names = [...settlersOf(facts)].map((id) => `'${file.variables[id]?.name ?? "…"}'`);
  return names.join(" or ") || "the functions that settle it";
}

// --- Promise.withResolvers()

function makesResolvers(evaluation: Evaluation, i: CallInstruction): boolean {
  const targets = evaluation.calls.get(i)?.targets ?? [];
  return (
    targets.length > 0 &&
    targets.every((target) => target.kind === "operation" && target.operation.result === "resolvers")
  );
}

function ofResolvers(
  view: ProgramView,
  file: FileFacts,
  evaluation: Evaluation,
  made: Extract<Instruction, { op: "call" }>,
  start: { readonly block: BlockId; readonly from: number },
): readonly UnsettledPromise[] {
  const { open, mentions, lost } = followSettlers(file, evaluation, { made }, start);
  // A function that was handed out before it is made may settle it all the same.
  if (lost || mentions.some((one) => one.start < made.start)) return [];
  const path = open.find(({ how }) => how === "waits");
  if (!path) return [];
  const at = headOf(evaluation, made);
  return [
    {
      at,
      when: whenSteps(view, file, evaluation.facts, path),
      losesError: false,
      trace: [
        { at, what: "the promise is made here" },
        ...path.steps.map((step) => ({ at: locationIn(file.path, step.at), what: stepText[step.what] })),
        {
          at: locationIn(file.path, path.at),
          what: "this waits for it, and on this path nothing has settled it or can do so later",
        },
      ],
      fixes: [],
    },
  ];
}
