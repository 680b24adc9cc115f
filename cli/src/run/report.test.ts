import assert from "node:assert/strict";
import { shop } from "@unknot/dump/testing/shop.ts";
import { createPastProblems, hasSureProblem, type LastState, reportOf, statesAtEnd } from "./report.ts";

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

  it("keeps a blocked loop that turns again at the end, once for each place", () => {
    const blocked = (line: number, forS: number) => ({
      started: 1,
      dump: {
        ...shop(),
        problems: [
          {
            id: "loop-blocked",
            verdict: "loop-blocked" as const,
            certainty: "observed" as const,
            message: `for ${forS} s`,
            tasks: [],
            resources: [],
            at: [{ file: "/app/crunch.ts", line, column: 3 }],
          },
        ],
      },
    });
    const past = createPastProblems();
    for (const state of [blocked(3, 1), blocked(3, 2), blocked(8, 1)]) past.see([state]);
    const messages = (states: readonly LastState[]) =>
      past.addTo(states).flatMap(({ dump }) => dump.problems.map(({ message }) => message));
    assert.deepEqual(messages([{ started: 1, dump: { ...shop(), problems: [] } }]), ["for 2 s", "for 1 s"]);
    assert.deepEqual(messages([blocked(3, 5)]), ["for 5 s"]);
    const other = { ...shop(), process: { ...shop().process, pid: 5 }, problems: [] };
    assert.deepEqual(messages([{ started: 1, dump: other }]), []);
  });

  describe("of several processes", () => {
    const state = (pid: number, threadId: number, upMs: number, left: boolean) => ({
      dump: { ...shop(), process: { ...shop().process, pid, threadId, upMs }, by: left ? "exit" : "signal" },
      started: 1,
    });
    const named = (states: ReturnType<typeof statesAtEnd>) =>
      states.map(({ dump: { process, by } }) => `${process.pid}-${process.threadId} ${by}`);

    it("has what those left that ended, and what those said last that were killed", () => {
      const before = [
        state(1, 0, 9, false),
        state(1, 2, 8, false),
        state(5, 0, 7, false),
        state(5, 1, 6, false),
      ];
      assert.deepEqual(named(statesAtEnd([state(1, 0, 9, true)], before)), [
        "1-0 exit",
        "5-0 signal",
        "5-1 signal",
      ]);
      // A thread that ended while its process did not.
      assert.deepEqual(named(statesAtEnd([state(5, 1, 6, true)], before.slice(2))), [
        "5-1 exit",
        "5-0 signal",
      ]);
      assert.deepEqual(named(statesAtEnd([], before.slice(0, 1))), ["1-0 signal"]);
    });

    it("lists them in the order of their start and says where each problem is", () => {
      const report = reportOf([state(5, 2, 5, true), state(9, 0, 900, true), state(5, 0, 6, true)]);
      assert.deepEqual(
        report.processes.map(({ pid, threadId }) => [pid, threadId]),
        [
          [9, 0],
          [5, 0],
          [5, 2],
        ],
      );
      assert.deepEqual(report.problems.at(-1)?.process, { pid: 5, threadId: 2 });
      assert.equal(reportOf([state(9, 0, 1, true)]).problems[0]?.process, undefined);
    });
  });
});
