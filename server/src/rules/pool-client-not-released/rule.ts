import { defineRule } from "../../analysis/analyzer.ts";
import { joinedAcquires } from "../../passes/joined-acquires.ts";
import { leaks, type WordedLeak } from "../../passes/leaks.ts";

export const poolClientNotReleased = defineRule({
  id: "pool-client-not-released",
  title: "A path leaves the function without giving a client back to its pool",
  severity: "error",
  about: "holds",
  requires: [leaks, joinedAcquires],
  run(pass) {
    for (const leak of pass.resultOf(leaks)) {
      if (leak.of !== "client") continue;
      pass.report({
        at: leak.at,
        message: `${notEnded(leak)} when ${leak.leaves}, and each such call takes one more.`,
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

/** A client is given back; a transaction, a session or a connection of one's own has other ends. */
function notEnded({ client, resource, endedBy }: WordedLeak): string {
  const what = client === undefined ? `A client of '${resource}'` : `'${client}'`;
  const [first, ...others] = endedBy;
  if (first === undefined || endedBy.includes("release")) {
    return `${what} is not given back${client === undefined ? "" : ` to '${resource}'`}`;
  }
  return others.length === 0
    ? `${what} is not ended by '${first}'`
    : `${what} is neither ended by '${first}' ${others.map((name) => `nor by '${name}'`).join(" ")}`;
}
