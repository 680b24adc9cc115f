import { definePass, type ProgramView } from "../analysis/analyzer.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { usesIn } from "../analysis/flow.ts";
import { operationOf } from "../analysis/model-index.ts";
import { functionKey } from "../analysis/places.ts";
import type { FunctionFacts, Range } from "../program/facts.ts";
import { holdAndWait } from "./hold-and-wait.ts";
import { callAt, closureOf } from "./reentries.ts";
import type { Edge } from "./wait-edges.ts";

/** A task of a queue that waits for the queue. */
export interface SelfWait extends Edge {
  readonly fixes: readonly FixPlan[];
}

export const selfWaits = definePass<readonly SelfWait[]>({
  id: "self-waits",
  run: (view, resultOf) => (file) =>
    resultOf(holdAndWait, file)
      .selfWaits.filter(({ held }) => held.model.kind === "queue")
      .map((edge) => {
        const fix = view.attempt(file, "self-waits", () => inOwnSlot(view, edge), undefined);
        return { ...edge, fixes: fix ? [fix] : [] };
      }),
});

/**
 * `await load(b)` for `await limit(() => load(b))`, in the slot that the task around it has. Only where that task is
 * written right where the queue gets it: nobody else runs it, without a slot.
 */
function inOwnSlot(
  view: ProgramView,
  { held, wanted, via, op, function: holder }: Edge,
): FixPlan | undefined {
  const { file } = wanted.at;
  const text = view.text(file);
  const outer = view.world.function(holder);
  if (text === undefined || !outer || op === "waitIdle" || via.length > 0 || held.at.file !== file)
    return undefined;
  const task = givenFunction(view, outer, held.at, held, file);
  const nested = task && givenFunction(view, task, wanted.at, wanted, file);
  const call = task && callAt(task, wanted.at);
  const uses = task && usesIn(task);
  if (!nested || !call || !uses || call.arguments.length !== 1 || nested.parameters.length > 0)
    return undefined;
  const readers = uses.readers(call.to);
  if (readers.length === 0 || uses.endsBlock(call.to) || readers.some((reader) => reader.op !== "await"))
    return undefined;
  if (nested.kind !== "arrow" || nested.generator) return undefined;
  const body = text.slice(nested.body.start, nested.body.end);
  const isCall = nested.concise && /^[\w$.#]+\([\s\S]*\)$/.test(body);
  const work = nested.concise ? (isCall ? body : `(${body})`) : `(${text.slice(nested.start, nested.end)})()`;
  return {
    title: `Do it in the slot of '${held.text}' that this task holds`,
    preferred: true,
    edits: [{ ...wanted.at, newText: work }],
  };
}

/** The function that stands among the arguments of a call of a queue. */
function givenFunction(
  view: ProgramView,
  facts: FunctionFacts,
  at: Range,
  { model, operation }: Edge["held"],
  file: string,
): FunctionFacts | undefined {
  const call = callAt(facts, at);
  const index = operationOf(model, operation)?.fn;
  const made = call && index !== undefined ? closureOf(facts, call, index) : undefined;
  return made === undefined ? undefined : view.world.function(functionKey(file, made));
}
