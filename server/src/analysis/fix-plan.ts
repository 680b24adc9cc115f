import type { Fix } from "@unknot/protocol/finding.ts";
import type { FileFacts } from "../program/facts.ts";
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

/** The fix in lines and columns. */
export function finishFix(plan: FixPlan, factsOf: (file: string) => FileFacts | undefined): Fix {
  return {
    title: withoutRoom(plan.title),
    preferred: plan.preferred,
    edits: plan.edits.flatMap((edit) => {
      const facts = factsOf(edit.file);
      return facts ? [{ at: spanOf(facts, edit), newText: withoutRoom(edit.newText) }] : [];
    }),
  };
}
