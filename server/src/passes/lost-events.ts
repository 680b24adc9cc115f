import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { listenBefore } from "../analysis/fixes.ts";
import { capturesIn, describeTemp, usesIn } from "../analysis/flow.ts";
import { createLongWaits, type LongWaits } from "../analysis/long-waits.ts";
import {
  eventsAtOnceBehind,
  isStartedBy,
  listening,
  oneShotEvents,
  tellsState,
} from "../analysis/one-shot-events.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { plain, type Value } from "../analysis/values.ts";
import type { BlockId, FileFacts, Instruction, Temp, VariableId } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { successors } from "../program/instructions.ts";

// Waits for events that come once: is somebody listening when they come?

type Call = Extract<Instruction, { readonly op: "call" | "new" }>;

/** A wait for an event that may be over by then: the emitter was at work, or was asked, while something was awaited. */
export interface LostEvent {
  readonly event: string;
  /** As written: `child`. */
  readonly emitter: string;
  /** What was awaited before, as written. */
  readonly awaited: string;
  readonly at: Location;
  readonly whole: Location;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const lostEvents = definePass<readonly LostEvent[]>({
  id: "lost-events",
  run(view) {
    const waits = createLongWaits(view);
    return (file) =>
      view
        .functionsOf(file)
        .flatMap((key) => view.attempt(file, "lost-events", () => lostIn(view, waits, file, key), []));
  },
});

/** `once(emitter, "exit")`, `new Promise((resolve) => emitter.once("exit", resolve))`, or a function that returns that. */
interface EventWait {
  readonly call: Call;
  /** The one variable of this function, or of one around, that has the emitter. */
  readonly variable: VariableId | undefined;
  /** A function of the program listens. */
  readonly isInHelper: boolean;
  readonly event: string;
  /** The emitter, as this function knows it. */
  readonly text: string;
  /** What made it, when that is seen here. */
  readonly origin: Instruction | undefined;
}

function lostIn(view: ProgramView, waits: LongWaits, file: FilePath, key: FunctionKey): readonly LostEvent[] {
  const evaluation = view.solution.evaluation(key);
  const facts = view.world.facts(file);
  if (!evaluation || !facts || evaluation.facts.imprecise !== undefined) return [];
  const found = new Map<number, LostEvent>();
  for (const [index, block] of evaluation.facts.blocks.entries()) {
    if (!evaluation.reached[index]) continue;
    for (const i of block.code) {
      if ((i.op !== "call" && i.op !== "new") || found.has(i.start)) continue;
      const wait = eventWait(view, facts, evaluation, i);
      const lost =
        wait && (afterStart(view, waits, facts, evaluation, wait) ?? afterCheck(facts, evaluation, wait));
      if (lost) found.set(i.start, lost);
    }
  }
  return [...found.values()];
}

function eventWait(
  view: ProgramView,
  facts: FileFacts,
  evaluation: Evaluation,
  call: Call,
  depth = 0,
): EventWait | undefined {
  const [target, ...others] = evaluation.calls.get(call)?.targets ?? [];
  if (target?.kind === "function" && others.length === 0 && call.op === "call") {
    return depth < maxHelpers
      ? waitInHelper(view, facts, evaluation, call, target.function, depth)
      : undefined;
  }
  const [emitter, name] = call.arguments;
  if (target?.kind === "operation" && target.operation.op === "waitEvent" && emitter !== undefined) {
    // A signal or options do not change what is missed.
    const event = name === undefined ? undefined : textOf(evaluation, name);
    const text = describeTemp(facts, evaluation.facts, emitter);
    const [load] = usesIn(evaluation.facts).definitions(emitter);
    const variable = load?.op === "load" ? load.variable : undefined;
    const origin = madeBy(evaluation, evaluation, emitter);
    return event === undefined ? undefined : { call, variable, isInHelper: false, event, text, origin };
  }
  const executor = emitter === undefined ? undefined : evaluation.values[emitter];
  const callee = evaluation.values[call.callee];
  const isPromise = call.op === "new" && callee?.kind === "global" && callee.path[0] === "Promise";
  const inner =
    isPromise && executor?.kind === "function" ? view.solution.evaluation(executor.function) : undefined;
  return inner && listenerIn(facts, evaluation, call, inner);
}

const maxHelpers = 2;
/** A function that only waits has no more; most calls are of larger ones, which need no second look. */
const maxHelperBlocks = 4;

/** A function that does nothing but wait for one event of what it is given: `exited(child)`. */
function waitInHelper(
  view: ProgramView,
  facts: FileFacts,
  evaluation: Evaluation,
  call: Extract<Call, { op: "call" }>,
  key: FunctionKey,
  depth: number,
): EventWait | undefined {
  const inner = view.solution.evaluation(key);
  const file = view.world.facts(parseKey(key).file);
  if (!inner || !file || inner.facts.imprecise !== undefined || inner.facts.generator) return undefined;
  if (inner.facts.blocks.length > maxHelperBlocks) return undefined;
  const code = inner.facts.blocks.flatMap((block) => block.code);
  if (code.some((i) => i.op === "get" && tellsState.has(i.name))) return undefined;
  const calls = code.filter((i) => i.op === "call" || i.op === "new");
  const [only, ...others] = calls;
  if (!only || others.length > 0) return undefined;
  const wait = eventWait(view, file, inner, only, depth + 1);
  const index = inner.facts.parameters.findIndex(
    ({ variable }) => variable !== undefined && variable === wait?.variable,
  );
  const emitter = call.arguments[index];
  if (!wait || emitter === undefined) return undefined;
  const [load] = usesIn(evaluation.facts).definitions(emitter);
  return {
    call,
    variable: load?.op === "load" ? load.variable : undefined,
    isInHelper: true,
    event: wait.event,
    text: describeTemp(facts, evaluation.facts, emitter),
    origin: madeBy(evaluation, evaluation, emitter),
  };
}

/** The one event that an executor listens to, of something of the function around it. */
function listenerIn(
  facts: FileFacts,
  evaluation: Evaluation,
  call: Call,
  inner: Evaluation,
): EventWait | undefined {
  const { id } = parseKey(evaluation.key);
  const uses = usesIn(inner.facts);
  const all = inner.facts.blocks.flatMap((block) => block.code);
  const [listener, other] = all.filter((i) => {
    const [get] = i.op === "call" ? uses.definitions(i.callee) : [];
    return (
      i.op === "call" &&
      get?.op === "get" &&
      listening.has(get.name) &&
      textOf(inner, i.arguments[0]) !== "error"
    );
  });
  if (listener?.op !== "call" || listener.receiver === undefined || other) return undefined;
  const event = textOf(inner, listener.arguments[0]);
  const [load] = uses.definitions(listener.receiver);
  if (event === undefined || load?.op !== "load" || facts.variables[load.variable]?.function !== id)
    return undefined;
  // Something else that settles it, such as a time limit, needs no event.
  if (all.filter((i) => i.op === "call" || i.op === "new").length > 2) return undefined;
  const origin = madeBy(evaluation, inner, listener.receiver);
  const text = facts.variables[load.variable]?.name ?? "";
  return { call, variable: load.variable, isInHelper: false, event, text, origin };
}

/** The call of a function that makes what a temp, of the same function or of one inside, holds. */
function madeBy(outer: Evaluation, evaluation: Evaluation, temp: Temp): Instruction | undefined {
  const value = evaluation.values[temp];
  if (value === undefined || plain(value).kind !== "fresh") return undefined;
  return [...outer.calls.keys()].find((i) => {
    const made = i.op === "call" || i.op === "new" ? outer.values[i.to] : undefined;
    return made !== undefined && plain(made) === plain(value);
  });
}

function textOf(evaluation: Evaluation, temp: Temp | undefined): string | undefined {
  const value = temp === undefined ? undefined : evaluation.values[temp];
  return value?.kind === "constant" && value.constant.type === "string" ? value.constant.value : undefined;
}

/** The emitter was made here and is at work, something is awaited, and only then somebody listens. */
function afterStart(
  view: ProgramView,
  waits: LongWaits,
  facts: FileFacts,
  evaluation: Evaluation,
  wait: EventWait,
): LostEvent | undefined {
  const { origin, event } = wait;
  if (origin?.op !== "call" && origin?.op !== "new") return undefined;
  const callee = evaluation.values[origin.callee];
  if (callee === undefined) return undefined;
  const starts = oneShotEvents(callee).includes(event)
    ? [origin]
    : startsOf(evaluation, origin, callee, event);
  const others = earlierWaits(view, facts, evaluation, wait);
  const [lost] = starts.flatMap((start) => {
    const found = awaitBetween(waits, facts, evaluation, { origin, start }, wait, others);
    return found ? [{ start, awaited: found }] : [];
  });
  if (!lost) return undefined;
  const { start, awaited } = lost;
  const { file } = parseKey(evaluation.key);
  const made = describeTemp(facts, evaluation.facts, start.callee);
  const before = others.find(({ promise }) => promise === awaited.from);
  const name = before?.wait.event ?? describeTemp(facts, evaluation.facts, awaited.from);
  const fix = wait.isInHelper
    ? undefined
    : listenBefore(
        view,
        evaluation.facts,
        facts,
        locationIn(file, start),
        locationIn(file, wait.call),
        event,
      );
  return lostEvent(facts, evaluation, wait, name, fix, [
    { at: locationIn(file, start), what: `'${made}' starts what emits '${event}' once` },
    { at: locationIn(file, awaited), what: `'${event}' may be emitted while this is awaited` },
  ]);
}

/** `server.listen(port)`: the calls of a method after which the event comes. */
function startsOf(evaluation: Evaluation, origin: Call, callee: Value, event: string): readonly Call[] {
  const uses = usesIn(evaluation.facts);
  return [...evaluation.calls.keys()].filter((i): i is Call => {
    if (i.op !== "call" || i.receiver === undefined) return false;
    const [get] = uses.definitions(i.callee);
    return (
      get?.op === "get" &&
      isStartedBy(callee, get.name, event) &&
      madeBy(evaluation, evaluation, i.receiver) === origin
    );
  });
}

/** A wait for another event of the same emitter. */
interface EarlierWait {
  readonly wait: EventWait;
  /** What is awaited for it. */
  readonly promise: Temp;
}

function earlierWaits(
  view: ProgramView,
  facts: FileFacts,
  evaluation: Evaluation,
  wait: EventWait,
): readonly EarlierWait[] {
  return [...evaluation.calls.keys()].flatMap((i) => {
    if ((i.op !== "call" && i.op !== "new") || i === wait.call) return [];
    const other = eventWait(view, facts, evaluation, i);
    const isOther = other && other.origin === wait.origin && other.event !== wait.event;
    return isOther ? [{ wait: other, promise: i.to }] : [];
  });
}

/** An await on a path from the start of an emitter to the wait, on which nobody has listened or looked before. */
function awaitBetween(
  waits: LongWaits,
  facts: FileFacts,
  evaluation: Evaluation,
  { origin, start }: { readonly origin: Instruction; readonly start: Instruction },
  wait: EventWait,
  others: readonly EarlierWait[],
): Extract<Instruction, { op: "await" }> | undefined {
  const { blocks } = evaluation.facts;
  const callee = origin.op === "call" || origin.op === "new" ? evaluation.values[origin.callee] : undefined;
  const isAtOnce = (promise: Temp) =>
    others.some(
      ({ wait: { event }, promise: other }) =>
        other === promise && callee !== undefined && eventsAtOnceBehind(callee, event).includes(wait.event),
    );
  // Who listens to another event does not hear of this one.
  const otherCalls = new Set<Instruction>(others.map(({ wait: { call } }) => call));
  const executors = new Set(
    [...others.map((one) => one.wait), wait].flatMap(({ call }) =>
      call.op === "new" ? call.arguments.slice(0, 1) : [],
    ),
  );
  const captures = capturesIn(facts);
  const uses = usesIn(evaluation.facts);
  const isEmitter = (temp: Temp) => madeBy(evaluation, evaluation, temp) === origin;
  const variables = new Set(
    blocks.flatMap((block) =>
      block.code.flatMap((i) => (i.op === "store" && i.initial && isEmitter(i.from) ? [i.variable] : [])),
    ),
  );
  const isLookedAt = (i: Instruction): boolean => {
    if (i.op === "get") return tellsState.has(i.name) && isEmitter(i.object);
    if (i.op === "closure")
      return !executors.has(i.to) && [...variables].some((one) => captures.get(i.function)?.has(one));
    if (i.op !== "call" && i.op !== "new") return false;
    if (i.op === "call" && i.receiver !== undefined && isEmitter(i.receiver)) {
      const [get] = uses.definitions(i.callee);
      return (
        get?.op === "get" && listening.has(get.name) && textOf(evaluation, i.arguments[0]) === wait.event
      );
    }
    // Whoever is given it may listen.
    return i !== wait.call && !otherCalls.has(i) && i.arguments.some(isEmitter);
  };
  type At = { readonly block: BlockId; readonly awaited: Extract<Instruction, { op: "await" }> | undefined };
  const open: At[] = [];
  const seen = new Set<string>();
  let result: At["awaited"];
  const walk = (code: readonly Instruction[], block: BlockId, before: At["awaited"]) => {
    let awaited = before;
    for (const i of code) {
      if (i === wait.call) {
        result ??= awaited;
        return;
      }
      if (isLookedAt(i)) return;
      if (i.op !== "await") continue;
      if (waits.ofPromise(evaluation, i.from) || isSleep(evaluation, i.from) || isAtOnce(i.from))
        awaited ??= i;
    }
    const end = blocks[block]?.end;
    for (const to of end ? successors(end) : []) open.push({ block: to, awaited });
  };
  for (const [id, block] of blocks.entries()) {
    const at = block.code.indexOf(start);
    if (at >= 0) walk(block.code.slice(at + 1), id as BlockId, undefined);
  }
  for (let at = open.pop(); at; at = open.pop()) {
    const key = `${at.block} ${at.awaited?.start ?? ""}`;
    if (seen.has(key)) continue;
    seen.add(key);
    walk(blocks[at.block]?.code ?? [], at.block, at.awaited);
  }
  return result;
}

function isSleep(evaluation: Evaluation, promise: Temp): boolean {
  const [definition] = usesIn(evaluation.facts).definitions(promise);
  const targets = (definition && evaluation.calls.get(definition)?.targets) || [];
  return targets.some((target) => target.kind === "operation" && target.operation.op === "sleep");
}

/** The emitter is asked whether there is anything to wait for; the event may come between the answer and the listener. */
function afterCheck(facts: FileFacts, evaluation: Evaluation, wait: EventWait): LostEvent | undefined {
  if (!/^[\w$.#]+$/.test(wait.text)) return undefined;
  const { file } = parseKey(evaluation.key);
  const uses = usesIn(evaluation.facts);
  const { blocks } = evaluation.facts;
  for (const block of blocks) {
    if (block.end.kind !== "branch") continue;
    const awaited = awaitedIn(evaluation, block.end.test);
    const [call] = awaited ? uses.definitions(awaited.from) : [];
    if (!awaited || call?.op !== "call" || call.receiver === undefined) continue;
    if (describeTemp(facts, evaluation.facts, call.receiver) !== wait.text) continue;
    if (!block.code.includes(awaited) || !isReachedAtOnce(evaluation, block.end, wait, facts)) continue;
    const name = describeTemp(facts, evaluation.facts, call.callee);
    return lostEvent(facts, evaluation, wait, name, undefined, [
      { at: locationIn(file, call), what: `'${wait.text}' answers here` },
      { at: locationIn(file, awaited), what: `'${wait.event}' may be emitted before the answer arrives` },
    ]);
  }
  return undefined;
}

/** The await whose result a condition tests, as it is or through `!` and comparisons with literals. */
function awaitedIn(
  evaluation: Evaluation,
  test: Temp,
  depth = 0,
): Extract<Instruction, { op: "await" }> | undefined {
  const uses = usesIn(evaluation.facts);
  const [definition, other] = uses.definitions(test);
  if (!definition || other || depth > 6) return undefined;
  switch (definition.op) {
    case "await":
      return definition;
    case "unary":
      return awaitedIn(evaluation, definition.from, depth + 1);
    case "get":
      return awaitedIn(evaluation, definition.object, depth + 1);
    case "binary":
      return awaitedIn(evaluation, definition.left, depth + 1);
    case "load": {
      const stores = evaluation.facts.blocks.flatMap((block) =>
        block.code.flatMap((i) => (i.op === "store" && i.variable === definition.variable ? [i] : [])),
      );
      const [store] = stores;
      return stores.length === 1 && store ? awaitedIn(evaluation, store.from, depth + 1) : undefined;
    }
    default:
      return undefined;
  }
}

/** Behind exactly one side of the test the wait comes, with no listener or other question to the emitter before. */
function isReachedAtOnce(
  evaluation: Evaluation,
  end: { readonly yes: BlockId; readonly no: BlockId },
  wait: EventWait,
  facts: FileFacts,
): boolean {
  const { blocks } = evaluation.facts;
  const uses = usesIn(evaluation.facts);
  const leads = (start: BlockId): boolean => {
    const seen = new Set<BlockId>();
    const open = [start];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      const block = blocks[id];
      if (!block || seen.has(id)) continue;
      seen.add(id);
      const stop = block.code.findIndex((i) => {
        if (i === wait.call || i.op === "await") return true;
        const receiver = i.op === "call" ? i.receiver : undefined;
        const [get] = i.op === "call" ? uses.definitions(i.callee) : [];
        const isListener = get?.op === "get" && listening.has(get.name);
        return (
          receiver !== undefined &&
          isListener &&
          describeTemp(facts, evaluation.facts, receiver) === wait.text
        );
      });
      if (stop >= 0) {
        if (block.code[stop] === wait.call) return true;
        continue;
      }
      open.push(...successors(block.end));
    }
    return false;
  };
  return leads(end.yes) !== leads(end.no);
}

function lostEvent(
  facts: FileFacts,
  evaluation: Evaluation,
  { call, event, text }: EventWait,
  awaited: string,
  fix: FixPlan | undefined,
  steps: readonly ReportedStep[],
): LostEvent {
  const { file } = parseKey(evaluation.key);
  const [definition] = usesIn(evaluation.facts).definitions(call.callee);
  const whole = locationIn(file, call);
  const at =
    call.op === "new"
      ? { ...whole, end: Math.min(whole.end, whole.start + 3) }
      : locationIn(file, definition ?? call);
  return {
    event,
    emitter: /^[\w$.#]+$/.test(text) ? text : describeTemp(facts, evaluation.facts, call.callee),
    awaited,
    at,
    whole,
    trace: [...steps, { at: whole, what: `only here somebody listens to '${event}'` }],
    fixes: fix ? [fix] : [],
  };
}
