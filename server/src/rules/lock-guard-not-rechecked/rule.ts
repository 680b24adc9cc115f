import { defineRule } from "../../analysis/analyzer.ts";
import { atomicity } from "../../passes/atomicity.ts";

export const lockGuardNotRechecked = defineRule({
  id: "lock-guard-not-rechecked",
  title: "A condition is tested before a lock is taken, and not again inside",
  severity: "warning",
  alsoKnownAs: ["require-atomic-updates"],
  about: "holds",
  requires: [atomicity],
  run(pass) {
    for (const fill of pass.resultOf(atomicity)) {
      if (fill.lock === undefined) continue;
      const is = fill.isMark ? "not set" : "empty";
      const found =
        fill.what === "place" ? `finds '${fill.place}' ${is}` : `finds no entry in '${fill.place}'`;
      const work = fill.work === undefined ? "fills it" : `runs '${fill.work}'`;
      pass.report({
        at: fill.test,
        whole: fill.write,
        message: `Whoever ${found} before waiting for '${fill.lock}' ${work} again inside: the test is not repeated under the lock.`,
        trace: fill.trace,
        fixes: fill.fixes,
      });
    }
  },
});
