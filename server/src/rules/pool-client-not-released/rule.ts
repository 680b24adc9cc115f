import { defineRule } from "../../analysis/analyzer.ts";
import { leaks } from "../../passes/leaks.ts";

export const poolClientNotReleased = defineRule({
  id: "pool-client-not-released",
  title: "A path leaves the function without giving a client back to its pool",
  severity: "error",
  about: "holds",
  requires: [leaks],
  run(pass) {
    for (const leak of pass.resultOf(leaks)) {
      if (leak.of !== "client") continue;
      const what = leak.client === undefined ? `A client of '${leak.resource}'` : `'${leak.client}'`;
      const from = leak.client === undefined ? "" : ` to '${leak.resource}'`;
      pass.report({
        at: leak.at,
        message: `${what} is not given back${from} when ${leak.leaves}, and each such call takes one more.`,
        severity: leak.how === "normal" ? "error" : "warning",
        trace: leak.trace,
        fixes: leak.fixes,
      });
    }
  },
});
