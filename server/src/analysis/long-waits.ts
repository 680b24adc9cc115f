import type { Instruction, Temp } from "../program/facts.ts";
import type { ProgramView, ReportedStep } from "./analyzer.ts";
import type { Evaluation } from "./evaluate.ts";
import { describeTemp, usesIn } from "./flow.ts";
import { type FunctionKey, parseKey } from "./places.ts";
import type { Target } from "./semantics.ts";

// Which awaits may take any time: those of a promise that code outside of the program gives - a request, a query, a file.
// A wait for a lock is none of them, nor is one for a timer: how long these last the program itself decides.

type Call = Extract<Instruction, { readonly op: "call" | "new" }>;

/** An await that may take any time. */
export interface LongWait {
  /** What is called outside of the program, as written: `client.query`. */
  readonly callee: string;
  /** The calls that lead there, outermost first, and the call itself. */
  readonly steps: readonly ReportedStep[];
}

export interface LongWaits {
  /** Of a promise that somebody waits for. */
  ofPromise(evaluation: Evaluation, promise: Temp): LongWait | undefined;
  /** The first of a function, or of the promise that it gives. */
  ofFunction(key: FunctionKey): LongWait | undefined;
}

const maxDepth = 5;

export function createLongWaits(view: ProgramView): LongWaits {
  const known = new Map<FunctionKey, LongWait | undefined>();

  const ofFunction = (key: FunctionKey, depth: number): LongWait | undefined => {
    if (known.has(key)) return known.get(key);
    const evaluation = view.solution.evaluation(key);
    if (!evaluation || depth > maxDepth) return undefined;
    known.set(key, undefined);
    const found = firstIn(evaluation, depth);
    known.set(key, found);
    return found;
  };

  const firstIn = (evaluation: Evaluation, depth: number): LongWait | undefined => {
    for (const [index, block] of evaluation.facts.blocks.entries()) {
      if (!evaluation.reached[index]) continue;
      for (const i of block.code) {
        const found = i.op === "await" ? ofTemp(evaluation, i.from, depth) : undefined;
        if (found) return found;
      }
      if (block.end.kind !== "return" || block.end.value === undefined) continue;
      // Somebody waits for what the function gives; what an async function gives may be no promise itself.
      const value = evaluation.values[block.end.value];
      const isPromise = !evaluation.facts.async || (value?.kind === "promise" && value.sure);
      const found = isPromise ? ofTemp(evaluation, block.end.value, depth) : undefined;
      if (found) return found;
    }
    return undefined;
  };

  /** What a promise is made of: the call that gives it, or what a chain or a combinator is given. */
  const ofTemp = (evaluation: Evaluation, temp: Temp, depth: number, hops = 0): LongWait | undefined => {
    if (hops > 8) return undefined;
    for (const definition of usesIn(evaluation.facts).definitions(temp)) {
      const found = (() => {
        switch (definition.op) {
          case "move":
            return ofTemp(evaluation, definition.from, depth, hops + 1);
          case "array":
            for (const element of definition.elements) {
              const inner = element === null ? undefined : ofTemp(evaluation, element, depth, hops + 1);
              if (inner) return inner;
            }
            return undefined;
          case "call":
            return ofCall(evaluation, definition, depth, hops);
          default:
            return undefined;
        }
      })();
      if (found) return found;
    }
    return undefined;
  };

  const ofCall = (evaluation: Evaluation, call: Call, depth: number, hops: number): LongWait | undefined => {
    for (const target of evaluation.calls.get(call)?.targets ?? []) {
      const found = ofTarget(evaluation, call, target, depth, hops);
      if (found) return found;
    }
    return undefined;
  };

  const ofTarget = (
    evaluation: Evaluation,
    call: Call,
    target: Target,
    depth: number,
    hops: number,
  ): LongWait | undefined => {
    const callee = nameOf(view, evaluation, call);
    const here = (what: string): ReportedStep => ({
      at: { file: parseKey(evaluation.key).file, start: call.start, end: call.end },
      what,
    });
    switch (target.kind) {
      case "unknown":
      case "symbolic": {
        // `withSpan("save", async () => { … })` takes as long as what it is given.
        const work = call.arguments.flatMap((_, index) =>
          functionsAt(evaluation, call, index).filter((key) => view.world.function(key)?.async),
        );
        if (work.length === 0) return { callee, steps: [here(`'${callee}' may take any time`)] };
        const inner = work.map((key) => ofFunction(key, depth + 1)).find((one) => one !== undefined);
        return inner && { callee: inner.callee, steps: [here(`'${callee}' is called`), ...inner.steps] };
      }
      case "create":
        return undefined;
      case "function": {
        const inner = ofFunction(target.function, depth + 1);
        return inner && { callee: inner.callee, steps: [here(`'${callee}' is called`), ...inner.steps] };
      }
      case "operation": {
        const { op, promises, fn, await: waits } = target.operation;
        if (op === "chain") {
          const [get] = usesIn(evaluation.facts).definitions(call.callee);
          return get?.op === "get" ? ofTemp(evaluation, get.object, depth, hops + 1) : undefined;
        }
        if (op === "join") {
          const list = call.op === "call" ? call.arguments[promises ?? 0] : undefined;
          return list === undefined ? undefined : ofTemp(evaluation, list, depth, hops + 1);
        }
        if (op === "run" || op === "map") {
          for (const callback of functionsAt(evaluation, call, fn ?? 0)) {
            const inner = ofFunction(callback, depth + 1);
            if (inner)
              return { callee: inner.callee, steps: [here(`'${callee}' is called`), ...inner.steps] };
          }
          return undefined;
        }
        const isQuery = (op === "query" || op === "use") && waits === true;
        return isQuery ? { callee, steps: [here(`'${callee}' may take any time`)] } : undefined;
      }
    }
  };

  return {
    ofPromise: (evaluation, promise) => ofTemp(evaluation, promise, 0),
    ofFunction: (key) => ofFunction(key, 0),
  };
}

/** The functions of the program that a call is given at an index. */
export function functionsAt(evaluation: Evaluation, call: Call, index: number): readonly FunctionKey[] {
  const temp = call.arguments[index];
  const value = temp === undefined ? undefined : evaluation.values[temp];
  const parts = value === undefined ? [] : value.kind === "union" ? value.of : [value];
  return parts.flatMap((part) => (part.kind === "function" ? [part.function] : []));
}

function nameOf(view: ProgramView, { key, facts }: Evaluation, call: Call): string {
  const file = view.world.facts(parseKey(key).file);
  return file ? describeTemp(file, facts, call.callee) : "…";
}
