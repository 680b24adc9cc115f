import type { Severity } from "@unknot/protocol/finding.ts";
import { defineRule } from "../../analysis/analyzer.ts";
import { overlappingRuns } from "../../passes/overlapping-runs.ts";

/** A request seldom takes longer than the second of these, and often enough longer than the first. */
const shortMs = 10_000;
const longMs = 60_000;

export const overlappingInterval = defineRule({
  id: "overlapping-interval",
  title: "A timer starts work again that may still be running",
  severity: "warning",
  requires: [overlappingRuns],
  run(pass) {
    for (const { at, call, periodMs, wait, trace, fixes } of pass.resultOf(overlappingRuns)) {
      const longer = periodMs === undefined ? "its period" : `${periodMs} ms`;
      pass.report({
        at,
        whole: call,
        severity: severityOf(periodMs),
        message: `Two runs overlap when '${wait}' takes longer than ${longer}: the timer does not wait for the last run.`,
        trace,
        fixes,
      });
    }
  },
});

function severityOf(periodMs: number | undefined): Severity {
  if (periodMs === undefined) return "information";
  return periodMs <= shortMs ? "warning" : periodMs < longMs ? "information" : "hint";
}
