import { defineRule } from "../../analysis/analyzer.ts";
import { joinedAcquires } from "../../passes/joined-acquires.ts";
import { leaks } from "../../passes/leaks.ts";

export const poolClientNotReleased = defineRule({
  id: "pool-client-not-released",
  title: "A path leaves the function without giving a client back to its pool",
  severity: "error",
  requires: [leaks, joinedAcquires],
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
    for (const { of, resource, at, trace } of pass.resultOf(joinedAcquires)) {
      if (of !== "client") continue;
      const from = resource === undefined ? "the pool" : `'${resource}'`;
      pass.report({
        at,
        severity: "warning",
        message: `When one of these clients cannot be had, the others are not given back to ${from}: nobody has them.`,
        trace,
      });
    }
  },
});
