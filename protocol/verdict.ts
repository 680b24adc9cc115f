/**
 * What the runtime can say about a program. The identifier is stable (reports, settings, filters), the phrase is
 * what people read.
 */
export const verdicts = {
  deadlock: "deadlock: each waits for the next",
  "exit-pending": "exited with work pending",
  "cannot-resume": "can never resume",
  "waits-on-dead": "waits for something that can never happen",
  "long-wait": "waiting unusually long",
  "not-awaited": "not awaited",
  "owner-gone": "held by a task that is gone",
  "over-release": "released more than taken",
  "lost-update": "overwrote what others had stored",
  "pool-exhausted": "all taken",
  "loop-blocked": "event loop blocked",
  "keeps-alive": "keeps the process alive",
} as const;

export type Verdict = keyof typeof verdicts;

/** How sure a verdict is: `proved` holds in every continuation, `observed` is a fact seen, `may` and `heuristic` are not. */
export type Certainty = "proved" | "observed" | "may" | "heuristic";

/** Whether what is said is so, and not only likely. */
export function isSure({ certainty }: { readonly certainty: Certainty }): boolean {
  return certainty === "proved" || certainty === "observed";
}
