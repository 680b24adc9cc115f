import { locationIn, type ProgramView } from "../analysis/analyzer.ts";
import { type Context, type Contexts, loopBlocks } from "../analysis/contexts.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { isDropped, usesIn } from "../analysis/flow.ts";
import { after } from "../analysis/pauses.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { originOf, placeRead } from "../analysis/shared-places.ts";
import { isStable } from "../analysis/stable-values.ts";
import { alternatives, plain, rootOf, type Value } from "../analysis/values.ts";
import type { Instruction, Temp } from "../program/facts.ts";
import { FunctionCode } from "./function-code.ts";
import type { Owner } from "./parallel.ts";

// Where the program itself lets two runs of a function overlap, on the same object: what `parallel` holds possible
// because callers are unknown is not enough to accuse code that is called one call after the other.

/** The line that starts several runs without waiting for one before the next. */
export interface SureOverlap {
  readonly at: Location;
  /** The function is called there whenever something happens. */
  readonly repeatedly: boolean;
}

const maxDepth = 8;

/** Looks upwards through the callers that wait for the function, to one that starts it several times. */
export function sureOverlap(
  view: ProgramView,
  contexts: Contexts,
  key: FunctionKey,
  owner: Owner,
): SureOverlap | undefined {
  return search(view, contexts, key, owner, new Set());
}

function search(
  view: ProgramView,
  contexts: Contexts,
  key: FunctionKey,
  owner: Owner,
  seen: Set<FunctionKey>,
): SureOverlap | undefined {
  if (seen.has(key) || seen.size > maxDepth) return undefined;
  if (owner.kind === "activation" && owner.of === key) return undefined;
  seen.add(key);
  const list = contexts.of(key);
  for (const context of list) {
    const { caller, instruction } = context;
    const evaluation = caller && view.solution.evaluation(caller);
    if (!evaluation || instruction === undefined || context.handed || context.under.length > 0) continue;
    const same = owner.kind !== "instance" || isSameObject(view, key, context, evaluation);
    if (!same) continue;
    const code = new FunctionCode(view, evaluation);
    if (runsAfterOthers(code, instruction)) continue;
    const started = startsSeveral(evaluation, context, list);
    if (started !== undefined) {
      const at = locationIn(parseKey(evaluation.key).file, instruction);
      return { at, repeatedly: started === "repeatedly" };
    }
    if (!context.awaited || mayWaitForTurn(code, instruction)) continue;
    const found = search(view, contexts, evaluation.key, owner, seen);
    if (found) return found;
  }
  return undefined;
}

/** How a caller lets several runs go on at once. */
function startsSeveral(
  evaluation: Evaluation,
  { caller, instruction, many, awaited }: Context,
  all: readonly Context[],
): "together" | "repeatedly" | undefined {
  if (awaited || instruction === undefined) return undefined;
  for (const target of evaluation.calls.get(instruction)?.targets ?? []) {
    if (target.kind !== "operation") continue;
    if (target.operation.when === "repeatedly") return "repeatedly";
    if (target.operation.callbackResult !== undefined) return "together";
  }
  if (instruction.op !== "call") return undefined;
  const uses = usesIn(evaluation.facts);
  const gathered = (one: Instruction) =>
    one.op === "call" ? uses.readers(one.to).find((reader) => reader.op === "array") : undefined;
  const dropped = isDropped(uses, instruction.to);
  if (many) {
    const readers = uses.readers(instruction.to);
    // `tasks.push(run())`: what is handed over is not awaited in this turn of the loop.
    const kept =
      readers.length > 0 && readers.every((reader) => reader.op === "call" && isPush(evaluation, reader));
    return dropped || kept ? "together" : undefined;
  }
  const list = gathered(instruction);
  for (const other of all) {
    const second = other.instruction;
    if (other.caller !== caller || !second || second === instruction || other.awaited) continue;
    if (list !== undefined && gathered(second) === list) return "together";
    if (!dropped || second.op !== "call" || !isDropped(uses, second.to)) continue;
    if (after(evaluation.facts, instruction).has(second)) return "together";
  }
  return undefined;
}

function isPush(evaluation: Evaluation, call: Extract<Instruction, { op: "call" }>): boolean {
  const [callee] = usesIn(evaluation.facts).definitions(call.callee);
  return callee?.op === "get" && callee.name === "push";
}

/** Whether all runs that a caller starts have the same `this`. */
function isSameObject(
  view: ProgramView,
  key: FunctionKey,
  { binding, many }: Context,
  caller: Evaluation,
): boolean {
  // A closure has the `this` of the function around it.
  if (view.world.function(key)?.kind === "arrow") return view.world.enclosing(key).includes(caller.key);
  const receivers = binding?.receiver === undefined ? [] : alternatives(binding.receiver).map(plain);
  return receivers.length > 0 && receivers.every((receiver) => isOneObject(view, receiver, many, caller));
}

function isOneObject(view: ProgramView, receiver: Value, many: boolean, caller: Evaluation): boolean {
  if (receiver.kind === "receiver") return true;
  if (receiver.kind === "fresh") {
    const maker = receiver.site.function;
    if (maker !== caller.key) {
      return (
        view.world.function(maker)?.kind === "module" || view.world.enclosing(caller.key).includes(maker)
      );
    }
    return !many || !isMadeInLoop(caller, receiver.site.path[0]?.start);
  }
  const root = rootOf(receiver);
  return (root.kind === "receiver" || root.kind === "variable") && isStable(view, receiver);
}

function isMadeInLoop({ facts }: Evaluation, start: number | undefined): boolean {
  const loops = loopBlocks(facts);
  return facts.blocks.some((block, index) => loops.has(index) && block.code.some((i) => i.start === start));
}

/**
 * Whether some caller that is seen may let one run in at a time: by a chain of promises, `last = last.then(step)`, or
 * before it calls.
 */
export function mayBeCalledInTurn(
  view: ProgramView,
  contexts: Contexts,
  key: FunctionKey,
  seen: ReadonlySet<FunctionKey> = new Set(),
): boolean {
  if (seen.has(key) || seen.size > maxDepth) return false;
  const further = new Set([...seen, key]);
  return contexts.of(key).some(({ caller, instruction, awaited, handed }) => {
    const evaluation = caller && view.solution.evaluation(caller);
    if (!evaluation || instruction === undefined || handed) return false;
    const code = new FunctionCode(view, evaluation);
    if (runsAfterOthers(code, instruction)) return true;
    return (
      awaited &&
      (mayWaitForTurn(code, instruction) || mayBeCalledInTurn(view, contexts, evaluation.key, further))
    );
  });
}

/** `before.then(step)`: a callback of a promise that others have, and that may be the run before. */
function runsAfterOthers(code: FunctionCode, call: Instruction): boolean {
  if (call.op !== "call" || call.receiver === undefined) return false;
  const isChain = (code.evaluation.calls.get(call)?.targets ?? []).some(
    (target) => target.kind === "operation" && target.operation.op === "chain",
  );
  return isChain && isOthersPromise(code, call.receiver);
}

/** A promise that was given, that is kept somewhere, or of which several definitions are told. */
function isOthersPromise(code: FunctionCode, promise: Temp): boolean {
  const from = originOf(code.reader, promise);
  if (from === undefined || from.op === "parameter" || from.op === "load") return true;
  return placeRead(code.reader, from) !== undefined || code.entryCall(from)?.name === "get";
}

/**
 * Whether a function may let one run in at a time before it comes to an instruction: it waits for a promise that others
 * keep, for something that it does not use and that touches shared state, or looks at a state that it sets at once.
 */
export function mayWaitForTurn(code: FunctionCode, before: Instruction): boolean {
  if (code.guards().length > 0) return true;
  const { facts, calls } = code.evaluation;
  const uses = usesIn(facts);
  return facts.blocks.some((block) =>
    block.code.some((i) => {
      if (i.op !== "await" || i.start >= before.start) return false;
      if (isOthersPromise(code, i.from)) return true;
      const from = originOf(code.reader, i.from);
      if (from?.op !== "call" || !isDropped(uses, i.to)) return false;
      return (calls.get(from)?.targets ?? []).some(
        (target) => target.kind === "unknown" || target.kind === "symbolic" || touchesShared(code, from),
      );
    }),
  );
}

function touchesShared(code: FunctionCode, call: Instruction): boolean {
  return code.reads(call).length > 0 || code.changes(call).length > 0;
}
