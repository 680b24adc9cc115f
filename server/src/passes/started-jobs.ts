import { definePass, locationIn, type ProgramView } from "../analysis/analyzer.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { usesIn } from "../analysis/flow.ts";
import { resourceName } from "../analysis/names.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { isOpenResult, isSurelyPromise } from "../analysis/values.ts";
import type { FunctionFacts, Instruction, Range, Temp } from "../program/facts.ts";
import type { FilePath, NodeId } from "../program/ids.ts";

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
    const candidates = view
      .functionsOf(file)
      .flatMap((key) => view.attempt(file, "started-jobs", () => jobsIn(view, key), []));
    const found = promisesAmong(view, file, candidates);
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

interface Candidate extends StartedJob {
  /** What TypeScript is asked about, where nothing else says that it is a promise. */
  readonly ask: NodeId | undefined;
}

function promisesAmong(
  view: ProgramView,
  file: FilePath,
  candidates: readonly Candidate[],
): readonly StartedJob[] {
  const open = candidates.flatMap((one) => (one.ask === undefined ? [] : [one.ask]));
  const answers = open.length === 0 ? [] : view.types(file, open);
  const promises = new Set(
    open.filter((_, index) => answers[index]?.thenable === "always" && answers[index].promise),
  );
  return candidates.filter(({ ask }) => ask === undefined || promises.has(ask));
}

function jobsIn(view: ProgramView, key: FunctionKey): readonly Candidate[] {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation || evaluation.facts.imprecise !== undefined) return [];
  const { file } = parseKey(key);
  return [...evaluation.calls].flatMap(([instruction, { targets }]): readonly Candidate[] => {
    const [target, ...others] = targets;
    if (target?.kind !== "operation" || others.length > 0 || instruction.op !== "call") return [];
    const { model, operation, resource } = target;
    if (model?.kind !== "queue" || operation.op !== "submit" || operation.fn === undefined || !resource)
      return [];
    const job = instruction.spread.some((index) => index <= (operation.fn ?? 0))
      ? undefined
      : instruction.arguments[operation.fn];
    const value = job === undefined ? undefined : evaluation.values[job];
    if (job === undefined || value === undefined) return [];
    const definition = definitionOf(evaluation.facts, job);
    const isCall = definition?.op === "call";
    if (!isSurelyPromise(value) && !(isCall && (value.kind === "unknown" || isOpenResult(value)))) return [];
    const at = locationIn(file, definition ?? instruction);
    return [
      {
        queue: resourceName(view, resource, locationIn(file, instruction)),
        at: locationIn(file, instruction),
        ask: isSurelyPromise(value) || !isCall ? undefined : definition.node,
        started: isCall ? at : undefined,
        // Evaluated where it stands, so that a function around it does the same later.
        fixes: isCall
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
