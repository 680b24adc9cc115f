import type { Fix } from "@unknot/protocol/finding.ts";
import type { FileFacts } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import type { SteadyProgram } from "./kept-analysis.ts";
import { type Location, spanOf } from "./places.ts";

/** A change that a rule offers, in offsets. */
export interface FixPlan {
  readonly title: string;
  readonly preferred: boolean;
  readonly edits: readonly Edit[];
}

interface Edit extends Location {
  readonly newText: string;
}

/** What a text with room says of the real one. */
export type RealText = Pick<SteadyProgram, "settled" | "written">;

/** The fix in lines and columns. */
export function finishFix(
  plan: FixPlan,
  factsOf: (file: FilePath) => FileFacts | undefined,
  real: RealText,
): Fix {
  return {
    title: plan.title,
    preferred: plan.preferred,
    edits: plan.edits.flatMap((edit) => {
      const facts = factsOf(edit.file);
      const [start, end] = [real.settled(edit.file, edit.start), real.settled(edit.file, edit.end)];
      return facts
        ? [{ at: spanOf(facts, { start, end }), newText: real.written(edit.file, edit.newText) }]
        : [];
    }),
  };
}
