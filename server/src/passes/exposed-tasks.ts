import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { describeTemp, usesIn } from "../analysis/flow.ts";
import { parseKey } from "../analysis/places.ts";
import { awaitTogether, catchAtOnce } from "../analysis/task-fixes.ts";
import type { Gap, Look } from "../analysis/task-life.ts";
import type { FileFacts, FunctionFacts, Instruction } from "../program/facts.ts";
import { type KeptTask, taskLives } from "./task-lives.ts";

/** A task that has no handler while the function that started it waits for something else. */
export interface ExposedTask {
  readonly task: KeptTask;
  /** What the function waits for, as written. */
  readonly waitsFor: string;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const exposedTasks = definePass<readonly ExposedTask[]>({
  id: "exposed-tasks",
  run: (view, resultOf) => (file) =>
    resultOf(taskLives, file).flatMap((task) => {
      // That it would end the process is said only where a path shows how it fails.
      if (!task.failure.shown || !task.variable) return [];
      const gap = task.life.gaps.find(({ look }) => attends.has(look.kind));
      return gap ? [worded(view, task, gap)] : [];
    }),
});

/** Loops over an array of promises are the matter of a rule of their own. */
const attends: ReadonlySet<Look["kind"]> = new Set(["awaited", "handler", "handed", "returned"]);

function worded(view: ProgramView, task: KeptTask, { wait, look }: Gap): ExposedTask {
  const { evaluation, name, many } = task;
  const { file } = parseKey(evaluation.key);
  const facts = view.world.facts(file);
  const waitsFor = facts ? waitedFor(facts, evaluation.facts, wait) : "…";
  return {
    task,
    waitsFor,
    trace: [
      startOfTask(task),
      {
        at: locationIn(file, wait),
        what: `this waits for '${waitsFor}', and nothing listens to '${name}' yet`,
      },
      ...task.failure.steps,
      {
        at: locationIn(file, look.at),
        what: many
          ? `the promises in '${name}' get their first handler here`
          : `'${name}' gets its first handler here`,
      },
    ],
    fixes: fixesFor(view, task, wait, look),
  };
}

/** Where a task, or an array of them, is started. */
export function startOfTask({ name, many, callee, at }: KeptTask): ReportedStep {
  const what = many
    ? `'${callee}' starts the promises ${name === callee ? "" : `in '${name}' `}here`
    : `'${callee}' is started here, and its promise kept in '${name}'`;
  return { at, what };
}

function waitedFor(file: FileFacts, facts: FunctionFacts, wait: Instruction): string {
  switch (wait.op) {
    case "await":
    case "dispose":
      return describeTemp(file, facts, wait.from);
    case "next": {
      const [iterate] = usesIn(facts).definitions(wait.iterator);
      return iterate?.op === "iterate" ? describeTemp(file, facts, iterate.from) : "…";
    }
    default:
      return "…";
  }
}

function fixesFor(view: ProgramView, task: KeptTask, wait: Instruction, look: Look): readonly FixPlan[] {
  const { evaluation, name, many, call, life, variable } = task;
  if (many || !variable || variable.type !== undefined) return [];
  const { file } = parseKey(evaluation.key);
  const isOnlyWait = life.gaps.every((gap) => gap.wait === wait);
  const together =
    isOnlyWait && wait.op === "await" && look.kind === "awaited"
      ? awaitTogether(view, evaluation.facts, locationIn(file, wait), locationIn(file, look.at))
      : undefined;
  const atOnce = catchAtOnce(view, evaluation.facts, call, name);
  return [together, atOnce].filter((fix) => fix !== undefined);
}
