import { defineRule } from "../../analysis/analyzer.ts";
import { atomicity } from "../../passes/atomicity.ts";

export const cacheStampede = defineRule({
  id: "cache-stampede",
  title: "Calls that miss a cache at the same time all load the entry",
  severity: "warning",
  alsoKnownAs: ["require-atomic-updates"],
  requires: [atomicity],
  run(pass) {
    for (const fill of pass.resultOf(atomicity)) {
      if (fill.what !== "entry" || fill.lock !== undefined) continue;
      const work = fill.work === undefined ? "load it" : `run '${fill.work}'`;
      pass.report({
        at: fill.test,
        whole: fill.write,
        severity: fill.cost?.kind === "remote" ? "warning" : "information",
        message: `Calls of '${fill.function}' that miss '${fill.place}' at the same time all ${work}: the entry is set only after an await.`,
        trace: fill.trace,
        fixes: fill.fixes,
      });
    }
  },
});
