import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import { type Contexts, componentsOf, isAwaited, loopBlocks } from "../analysis/contexts.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { usesIn } from "../analysis/flow.ts";
import { opOf } from "../analysis/model-index.ts";
import { calleeName } from "../analysis/names.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { throwsIn } from "../analysis/throws.ts";
import { alwaysPasses, reaches } from "../analysis/walk.ts";
import type { Block, Instruction } from "../program/facts.ts";
import { successors } from "../program/instructions.ts";
import { parallel } from "./parallel.ts";

/** A loop over a select or race that nothing can end, in a function whose end somebody waits for. */
export interface EndlessWait {
  /** Where the loop waits. */
  readonly at: Location;
  /** As written: `Promise.race`. */
  readonly select: string;
  /** The call that never comes back: `pump`. */
  readonly waiter: string;
  readonly trace: readonly ReportedStep[];
}

export const endlessWaits = definePass<readonly EndlessWait[]>({
  id: "endless-waits",
  run(view, resultOf) {
    const contexts = () => resultOf(parallel, view.world.files[0] ?? "").contexts();
    return (file) =>
      view.functionsOf(file).flatMap((key) =>
        view.attempt(
          file,
          "endless-waits",
          () => {
            const found = selectIn(view, key);
            return found ? waitersOf(view, key, found, contexts()) : [];
          },
          [],
        ),
      );
  },
});

/** The select or race of a loop that is never left. */
function selectIn(view: ProgramView, key: FunctionKey): Instruction | undefined {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation?.facts.async || evaluation.facts.generator || evaluation.facts.imprecise !== undefined)
    return undefined;
  const { facts, calls } = evaluation;
  const loops = loopBlocks(facts);
  if (loops.size === 0) return undefined;
  const selects = [...calls.keys()].filter((i) => isSelecting(evaluation, i));
  return selects.find((select) => {
    const ids = componentsOf(facts.blocks).find((component) =>
      component.some((id) => loops.has(id) && facts.blocks[id]?.code.includes(select)),
    );
    if (!ids) return false;
    const inside = new Set(ids);
    return ids.every((id) => {
      const block = facts.blocks[id];
      return block !== undefined && !leaves(evaluation, block, inside);
    });
  });
}

/** It selects itself, or is awaited until what it calls has done so. */
function isSelecting({ facts, calls, awaits }: Evaluation, i: Instruction): boolean {
  const targets = calls.get(i)?.targets ?? [];
  if (targets.some((target) => target.kind === "operation" && isSelect(target.operation))) return true;
  const readers = "to" in i ? usesIn(facts).readers(i.to) : [];
  return readers.some((reader) =>
    awaits.get(reader)?.waits.list.some((wait) => wait.kind === "operation" && opOf(wait) === "select"),
  );
}

function isSelect({ op, needs }: { readonly op: string; readonly needs?: string }): boolean {
  return op === "select" || (op === "join" && needs === "any");
}

function leaves(evaluation: Evaluation, block: Block, inside: ReadonlySet<number>): boolean {
  const { calls, awaits } = evaluation;
  if (block.end.kind === "return" || block.code.some((i) => calls.get(i)?.ends === false)) return true;
  if (successors(block.end).some((to) => !inside.has(to))) return true;
  const throws = block.end.kind === "throw" || block.code.some((i) => throwsIn(block, i, calls, awaits));
  return throws && (block.handler === undefined || !inside.has(block.handler));
}

/** The first call that is awaited and has something behind it, which never runs. */
function waitersOf(
  view: ProgramView,
  key: FunctionKey,
  select: Instruction,
  contexts: Contexts,
): readonly EndlessWait[] {
  const found = waiterOf(view, key, contexts, maxDepth);
  if (!found) return [];
  const at = locationIn(parseKey(key).file, select);
  return [
    {
      at,
      select: calleeName(view, at),
      waiter: calleeName(view, found.call),
      trace: [
        { at: found.call, what: "this waits until the loop has ended" },
        { at, what: "the loop waits here, and no turn of it is the last" },
        { at: found.next, what: "this never runs" },
      ],
    },
  ];
}

const maxDepth = 4;

function waiterOf(
  view: ProgramView,
  key: FunctionKey,
  contexts: Contexts,
  depth: number,
): { readonly call: Location; readonly next: Location } | undefined {
  if (depth === 0) return undefined;
  for (const { caller, instruction } of contexts.of(key)) {
    const around = caller && view.solution.evaluation(caller);
    if (!around || instruction?.op !== "call" || !isAwaited(around.facts, instruction.to)) continue;
    const { file } = parseKey(caller);
    const next = firstBehind(around, instruction);
    if (next) return { call: locationIn(file, instruction), next: locationIn(file, next) };
    // Its caller does not end either.
    const isSure = alwaysPasses(around, undefined, (i) => i === instruction);
    const further = isSure ? waiterOf(view, caller, contexts, depth - 1) : undefined;
    if (further) return further;
  }
  return undefined;
}

/** The first call that only comes when the awaited one has ended. */
function firstBehind({ facts, calls }: Evaluation, call: Instruction): Instruction | undefined {
  const [wait] =
    "to" in call
      ? usesIn(facts)
          .readers(call.to)
          .filter(({ op }) => op === "await")
      : [];
  if (!wait) return undefined;
  return [...calls.keys()]
    .filter((i) => i !== call && reaches(facts, wait, i) && !reaches(facts, i, call))
    .sort((a, b) => a.start - b.start)[0];
}
