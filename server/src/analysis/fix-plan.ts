import type { Fix } from "@unknot/protocol/finding.ts";
import type { FileFacts } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { type Location, spanOf } from "./places.ts";
import { withoutRoom } from "./steady-file.ts";

/** A change that a rule offers, in offsets. */
export interface FixPlan {
  readonly title: string;
  readonly preferred: boolean;
  readonly edits: readonly Edit[];
}

interface Edit extends Location {
  readonly newText: string;
}

/** The fix in lines and columns; `settled` puts right what was counted in a text with room. */
export function finishFix(
  plan: FixPlan,
  factsOf: (file: FilePath) => FileFacts | undefined,
  settled: (file: FilePath, place: number) => number,
): Fix {
  return {
    title: withoutRoom(plan.title),
    preferred: plan.preferred,
    edits: plan.edits.flatMap((edit) => {
      const facts = factsOf(edit.file);
      const [start, end] = [settled(edit.file, edit.start), settled(edit.file, edit.end)];
      return facts ? [{ at: spanOf(facts, { start, end }), newText: withoutRoom(edit.newText) }] : [];
    }),
  };
}
