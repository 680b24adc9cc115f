import assert from "node:assert/strict";
import type { WorkspaceSummary } from "@unknot/protocol/workspace-check.ts";
import { summaryText } from "./summary-text.ts";

const summary = (change: Partial<WorkspaceSummary>): WorkspaceSummary => ({
  complete: true,
  files: 40,
  elsewhere: { findings: 0, files: 0 },
  baselined: 0,
  written: [],
  ...change,
});

describe("the line about files that are not open", () => {
  it("counts what is found there", () => {
    const cases: readonly (readonly [Partial<WorkspaceSummary>, string])[] = [
      [{ elsewhere: { findings: 23, files: 11 } }, "23 more findings in 11 files that are not open"],
      [{ elsewhere: { findings: 1, files: 1 } }, "1 more finding in 1 file that is not open"],
      [{}, "nothing more in 40 files"],
      [{ files: 1, baselined: 7 }, "nothing more in 1 file, 7 in the baseline"],
      [{ complete: false }, "open files only"],
    ];
    for (const [change, expected] of cases) assert.equal(summaryText(summary(change)), expected);
  });
});
