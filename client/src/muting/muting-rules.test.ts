import assert from "node:assert/strict";
import { isMuted, ruleFor, rulesOf } from "@unknot/protocol/muting.ts";
import type { Problem } from "@unknot/protocol/problem.ts";

const problem: Problem = {
  id: "lock-order-inversion",
  verdict: "deadlock",
  certainty: "proved",
  message: "…",
  tasks: [],
  resources: [],
  at: [{ file: "/app/shop/src/orders.ts", line: 4, column: 1 }],
};

describe("muted problems", () => {
  it("are those that a rule names by id or verdict, in its file", () => {
    assert.ok(isMuted(problem, [{ problem: "deadlock" }]));
    assert.ok(isMuted(problem, [{ problem: "lock-order-inversion", file: "src/orders.ts" }]));
    assert.ok(!isMuted(problem, [{ problem: "deadlock", file: "ders.ts" }]), "names are whole");
    assert.ok(!isMuted(problem, [{ problem: "long-wait" }]));
    assert.ok(!isMuted({ ...problem, at: [] }, [{ problem: "deadlock", file: "src/orders.ts" }]));
    assert.ok(!isMuted(problem, []));
  });

  it("get a rule that mutes them and others like them", () => {
    const rule = ruleFor(problem, ["/other", "/app/shop"]);
    assert.deepEqual(rule, { problem: "lock-order-inversion", file: "src/orders.ts" });
    assert.ok(isMuted(problem, [rule]));
    assert.ok(isMuted(problem, [ruleFor(problem, [])]));
    assert.deepEqual(ruleFor({ ...problem, at: [] }, []), { problem: "lock-order-inversion" });
  });

  it("come from a setting that anybody may have written", () => {
    assert.deepEqual(rulesOf([{ problem: "deadlock", file: 1 }, null, {}, "x", { problem: "" }]), [
      { problem: "deadlock" },
    ]);
    assert.deepEqual(rulesOf({ problem: "deadlock" }), []);
  });
});
