import assert from "node:assert/strict";
import { shop } from "@unknot/dump/testing/shop.ts";
import { hasSureProblem, reportOf } from "./report.ts";

describe("the report of a run", () => {
  const worker = { ...shop(), process: { ...shop().process, threadId: 3 }, problems: [] };
  const report = reportOf([
    { dump: worker, started: 12 },
    { dump: shop(), started: 611 },
  ]);

  it("has the problems of all threads with tasks and places", () => {
    assert.deepEqual(
      report.problems.map(({ id, verdict, certainty }) => [id, verdict, certainty]),
      [
        ["lock-order-inversion", "deadlock", "proved"],
        ["floating-task", "not-awaited", "observed"],
      ],
    );
    assert.deepEqual(report.problems[0]?.tasks[0], {
      id: 7,
      name: "OrderService.reserve",
      state: "mutex.lock",
      at: { file: "/app/orders.ts", line: 41, column: 17 },
    });
  });

  it("adds the threads up", () => {
    assert.deepEqual(report.tasks, { started: 623, pending: 18 });
    assert.deepEqual(report.coverage.instrumented, ["async-mutex@0.5.0"]);
    assert.equal(report.coverage.transformed, 6);
  });

  it("says so when nothing was seen", () => {
    assert.deepEqual(reportOf([]).coverage.blind, ["everything: no dump came from the program"]);
  });

  it("tells facts from guesses", () => {
    assert.equal(hasSureProblem(report), true);
    const guesses = report.problems.map((problem) => ({ ...problem, certainty: "may" as const }));
    assert.equal(hasSureProblem({ ...report, problems: guesses }), false);
    assert.equal(hasSureProblem(reportOf([])), false);
  });
});
