import assert from "node:assert/strict";
import type { Finding } from "@unknot/protocol/finding.ts";
import type { SeenProblem } from "@unknot/protocol/seen.ts";
import { createConfirmations } from "./confirmations.ts";

const span = (line: number, file = "/a.ts") => ({ file, line, column: 3, endLine: line, endColumn: 9 });
const finding = (line: number, steps: readonly number[] = [], change: Partial<Finding> = {}): Finding => ({
  rule: "lock-order-inversion",
  severity: "warning",
  at: span(line),
  message: `Something about line ${line}.`,
  trace: steps.map((step) => ({ at: span(step), what: "a step" })),
  fixes: [],
  ...change,
});
const problem = (...lines: readonly number[]): SeenProblem => ({
  id: "lock-order-inversion",
  message: "Each waits for the next.",
  at: lines.map((line) => ({ file: "/a.ts", line, column: 20 })),
});

describe("what a run confirms", () => {
  const isConfirmed = (one: Finding, ...seen: readonly SeenProblem[]) => {
    const confirmations = createConfirmations();
    confirmations.replace(seen);
    return confirmations.among([one]).has(one);
  };

  it("is a finding of the same mistake at a line of the problem", () => {
    assert.ok(isConfirmed(finding(7), problem(3, 7)));
    assert.ok(!isConfirmed(finding(7), problem(3, 8)));
    assert.ok(!isConfirmed(finding(7, [], { rule: "lock-reentry" }), problem(3, 7)));
    assert.ok(!isConfirmed(finding(7, [], { at: span(7, "/b.ts") }), problem(3, 7)));
  });

  it("is one that names all lines of the problem", () => {
    assert.ok(isConfirmed(finding(1, [3, 7]), problem(3, 7)));
    assert.ok(!isConfirmed(finding(1, [3]), problem(3, 7)));
    assert.ok(!isConfirmed(finding(1), problem()));
  });

  it("stays with the finding when its file is edited, as long as the problem is known", () => {
    const confirmations = createConfirmations();
    confirmations.replace([problem(7)]);
    const { message } = finding(7);
    const isMoved = (...lines: readonly number[]) => {
      const findings = lines.map((line) => finding(line, [], { message }));
      const seen = confirmations.among(findings);
      return findings.map((one) => seen.has(one));
    };
    assert.deepEqual(isMoved(7), [true]);
    assert.deepEqual(isMoved(9), [true]);
    confirmations.replace([problem(7), problem(12)]);
    assert.deepEqual(isMoved(9), [true]);
    confirmations.replace([problem(12)]);
    assert.deepEqual(isMoved(9), [false]);
  });

  it("is the one of several alike that it was", () => {
    const { message } = finding(7);
    const confirmations = createConfirmations();
    confirmations.replace([problem(9)]);
    const confirmed = (...lines: readonly number[]) => {
      const findings = lines.map((line) => finding(line, [], { message }));
      const seen = confirmations.among(findings);
      return findings.filter((one) => seen.has(one)).map(({ at }) => at.line);
    };
    assert.deepEqual(confirmed(7, 9, 11), [9]);
    assert.deepEqual(confirmed(8, 10, 12), [10]);
    // One is gone, and nobody knows which.
    assert.deepEqual(confirmed(8, 12), []);
  });
});
