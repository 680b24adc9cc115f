import type { Problem } from "./problem.ts";

/**
 * A notification to the language server: what programs of the workspace were seen to do wrong, in the place of
 * everything it was told before. Findings of the same mistake say so. docs/protocol.md describes it.
 */
export const seenNotification = "unknot/seen";

/** A problem that a running program has shown. */
export type SeenProblem = Pick<Problem, "id" | "message" | "at">;

export interface SeenProblems {
  readonly problems: readonly SeenProblem[];
}
