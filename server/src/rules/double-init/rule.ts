import type { Severity } from "@unknot/protocol/finding.ts";
import { defineRule } from "../../analysis/analyzer.ts";
import { atomicity, type LateFill } from "../../passes/atomicity.ts";

export const doubleInit = defineRule({
  id: "double-init",
  title: "Two calls can both find something empty and make it twice",
  severity: "warning",
  alsoKnownAs: ["require-atomic-updates"],
  requires: [atomicity],
  run(pass) {
    for (const fill of pass.resultOf(atomicity)) {
      if (fill.what !== "place" || fill.lock !== undefined) continue;
      pass.report({
        at: fill.test,
        whole: fill.write,
        severity: severityOf(fill),
        message: `Two calls of '${fill.function}' can both find '${fill.place}' empty and ${workOf(fill)}: it is set only after an await.`,
        trace: fill.trace,
        fixes: fill.fixes,
      });
    }
  },
});

function workOf({ work, cost }: LateFill): string {
  const twice = work === undefined ? "fill it twice" : `run '${work}' twice`;
  return cost?.kind === "resource" ? `${twice}, and what the first one made is never closed` : twice;
}

/** What is lost when it is done twice: a connection, a request, or nothing but time. */
function severityOf({ cost }: LateFill): Severity {
  switch (cost?.kind) {
    case "resource":
    case "remote":
      return "warning";
    case "module":
      return "hint";
    case undefined:
      return "information";
  }
}
