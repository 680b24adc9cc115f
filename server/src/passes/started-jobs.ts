import { definePass, locationIn, type ProgramView } from "../analysis/analyzer.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { usesIn } from "../analysis/flow.ts";
import { resourceName } from "../analysis/names.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { isSurelyPromise } from "../analysis/values.ts";
import type { FunctionFacts, Instruction, Range, Temp } from "../program/facts.ts";

/** A queue or limiter is given a promise where it wants a function to call. */
export interface StartedJob {
  /** As written: `limit`. */
  readonly queue: string;
  readonly at: Location;
  /** Where the work is started, when that is in the same function. */
  readonly started: Location | undefined;
  readonly fixes: readonly FixPlan[];
}

export const startedJobs = definePass<readonly StartedJob[]>({
  id: "started-jobs",
  run: (view) => (file) => {
    const found = view
      .functionsOf(file)
      .flatMap((key) => view.attempt(file, "started-jobs", () => jobsIn(view, key), []));
    if (found.length === 0) return found;
    // Where the compiler says so already, or was told to let it be, there is nothing to add.
    const errors = view.typeErrors(file);
    const overlaps = (error: Range, at: Range) => error.start < at.end && at.start < error.end;
    return found.filter(({ at }) => !errors.some((error) => overlaps(error, at)) && !isExpected(view, at));
  },
});

/** A comment in the line before tells TypeScript to expect an error. */
function isExpected(view: ProgramView, at: Location): boolean {
  const [before = ""] = (view.text(at.file) ?? "").slice(0, at.start).split("\n").slice(-2, -1);
  return /^\s*\/[/*]\s*@ts-(?:expect-error|ignore)\b/.test(before);
}

function jobsIn(view: ProgramView, key: FunctionKey): readonly StartedJob[] {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation || evaluation.facts.imprecise !== undefined) return [];
  const { file } = parseKey(key);
  return [...evaluation.calls].flatMap(([instruction, { targets }]): readonly StartedJob[] => {
    const [target, ...others] = targets;
    if (target?.kind !== "operation" || others.length > 0 || instruction.op !== "call") return [];
    const { model, operation, resource } = target;
    if (model?.kind !== "queue" || operation.op !== "submit" || operation.fn === undefined || !resource)
      return [];
    const job = instruction.spread.some((index) => index <= (operation.fn ?? 0))
      ? undefined
      : instruction.arguments[operation.fn];
    if (job === undefined || !isSurelyPromise(evaluation.values[job])) return [];
    const definition = definitionOf(evaluation.facts, job);
    const at = locationIn(file, definition ?? instruction);
    return [
      {
        queue: resourceName(view, resource, locationIn(file, instruction)),
        at: locationIn(file, instruction),
        started: definition?.op === "call" ? at : undefined,
        // Evaluated where it stands, so that a function around it does the same later.
        fixes:
          definition?.op === "call"
            ? [
                {
                  title: "Give a function that starts it",
                  preferred: true,
                  edits: [{ ...at, end: at.start, newText: "() => " }],
                },
              ]
            : [],
      },
    ];
  });
}

function definitionOf(facts: FunctionFacts, temp: Temp): Instruction | undefined {
  const [only, ...others] = usesIn(facts).definitions(temp);
  return others.length === 0 ? only : undefined;
}
