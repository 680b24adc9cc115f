import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import { loopBlocks } from "../analysis/contexts.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { usesIn } from "../analysis/flow.ts";
import { type Location, parseKey } from "../analysis/places.ts";
import { awaitAll } from "../analysis/task-fixes.ts";
import { followTask, type Look } from "../analysis/task-life.ts";
import type { BlockId, Instruction } from "../program/facts.ts";
import { startOfTask } from "./exposed-tasks.ts";
import { type KeptTask, taskLives } from "./task-lives.ts";

/** A loop that awaits promises one at a time, all of which have been started before. */
export interface AwaitedOneByOne {
  readonly task: KeptTask;
  /** The array in the head of the loop, or the element that is awaited. */
  readonly at: Location;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const awaitedOneByOne = definePass<readonly AwaitedOneByOne[]>({
  id: "awaited-one-by-one",
  run: (view, resultOf) => (file) =>
    resultOf(taskLives, file).flatMap((task) =>
      task.many && task.failure.shown
        ? task.life.looks.flatMap((look) => loopOver(view, task, look)).slice(0, 1)
        : [],
    ),
});

function loopOver(view: ProgramView, task: KeptTask, look: Look): readonly AwaitedOneByOne[] {
  const i = look.instruction;
  if (i?.op === "iterate" && awaitsElements(view, task, i)) return [worded(task, i, true)];
  if (i?.op === "get-element" && awaitsElement(task, i)) return [worded(task, i, false)];
  return [];
}

/** Nothing happens to an element but that the loop awaits it. */
function awaitsElements(
  view: ProgramView,
  { evaluation }: KeptTask,
  iterate: Extract<Instruction, { op: "iterate" }>,
): boolean {
  const facts = view.world.facts(parseKey(evaluation.key).file);
  return evaluation.facts.blocks.some(({ code }, block) =>
    code.some((i, position) => {
      if (!facts || i.op !== "next" || i.iterator !== iterate.to) return false;
      if (i.over === "async") return true;
      const start = { block: block as BlockId, from: position + 1, temp: i.to, many: false };
      const { looks, lost } = followTask(facts, evaluation, start, () => false);
      return !lost && looks.length > 0 && looks.every(({ kind }) => kind === "awaited");
    }),
  );
}

/** `await started[i]` in a loop. */
function awaitsElement({ evaluation }: KeptTask, i: Extract<Instruction, { op: "get-element" }>): boolean {
  const block = evaluation.facts.blocks.findIndex(({ code }) => code.includes(i));
  const [key] = usesIn(evaluation.facts).definitions(i.key);
  const readers = usesIn(evaluation.facts).readers(i.to);
  return (
    loopBlocks(evaluation.facts).has(block) &&
    key?.op !== "constant" &&
    readers.length > 0 &&
    readers.every((reader) => reader.op === "await")
  );
}

/** Expressions that are written as one: a name, a call, a list. */
const canWrap: ReadonlySet<Instruction["op"]> = new Set(["load", "call", "array"]);

function worded(
  task: KeptTask,
  i: Extract<Instruction, { op: "iterate" | "get-element" }>,
  isLoop: boolean,
): AwaitedOneByOne {
  const { file } = parseKey(task.evaluation.key);
  const [list] = usesIn(task.evaluation.facts).definitions(i.op === "iterate" ? i.from : i.object);
  const at = locationIn(file, isLoop && list ? list : i);
  return {
    task,
    at,
    trace: [
      startOfTask(task),
      { at, what: "the loop waits for one of them, and nothing listens to those behind it" },
      ...task.failure.steps,
    ],
    fixes: isLoop && task.evaluation.facts.async && list && canWrap.has(list.op) ? [awaitAll(at)] : [],
  };
}
