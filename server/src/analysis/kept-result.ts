import type { ProgramView } from "./analyzer.ts";
import type { Evaluation } from "./evaluate.ts";

interface KeptResult {
  readonly evaluations: Evaluation[];
  readonly result: unknown;
}

/** By the run that evaluations belong to. */
const kept = new WeakMap<object, Map<string, KeptResult>>();

/**
 * What a pass concludes from all evaluations, kept while the run is the same: then nothing that functions know of one
 * another has changed, and `replace` says whether the result holds with an evaluation of new code in the place of an old
 * one. It may change the result to make it hold; when it says no, everything is made anew. Not for what is concluded of
 * a function from the code of another: that may have changed while all that its callers are told is the same.
 */
export function keptResult<Result>(
  { solution }: ProgramView,
  id: string,
  make: () => Result,
  replace: (result: Result, before: Evaluation, now: Evaluation) => boolean,
): Result {
  const now = solution.evaluations();
  const results = kept.get(solution.run) ?? new Map<string, KeptResult>();
  kept.set(solution.run, results);
  // The program with its tests and without them are two.
  const key = `${id} ${now.length}`;
  const known = results.get(key);
  if (known) {
    const result = known.result as Result;
    const holds = now.every(({ evaluation }, index) => {
      const before = known.evaluations[index];
      if (before === evaluation) return true;
      known.evaluations[index] = evaluation;
      return before !== undefined && replace(result, before, evaluation);
    });
    if (holds) return result;
  }
  const result = make();
  results.set(key, { evaluations: now.map(({ evaluation }) => evaluation), result });
  return result;
}
