import type { Fix } from "@unknot/protocol/finding.ts";
import type { FileFacts } from "../program/facts.ts";
import { type Location, spanOf } from "./places.ts";

/** A change that a rule offers, in offsets. */
export interface FixPlan {
  readonly title: string;
  readonly preferred: boolean;
  readonly edits: readonly Edit[];
}

export interface Edit extends Location {
  readonly newText: string;
}

/** The fix in lines and columns. */
export function finishFix(plan: FixPlan, factsOf: (file: string) => FileFacts | undefined): Fix {
  return {
    title: plan.title,
    preferred: plan.preferred,
    edits: plan.edits.flatMap((edit) => {
      const facts = factsOf(edit.file);
      return facts ? [{ at: spanOf(facts, edit), newText: edit.newText }] : [];
    }),
  };
}

export function insertAwait(call: Location, title: string, preferred: boolean): FixPlan {
  return { title, preferred, edits: [{ ...call, end: call.start, newText: "await " }] };
}

/** Gives a promise a handler that shows the error. */
export function appendCatch(
  call: Location,
  title: string,
  options: { readonly preferred: boolean; readonly typed: boolean },
): FixPlan {
  const error = options.typed ? "(error: unknown)" : "(error)";
  const newText = `.catch(${error} => {\n  console.error(error);\n})`;
  return { title, preferred: options.preferred, edits: [{ ...call, start: call.end, newText }] };
}
