import type { Severity } from "@unknot/protocol/finding.ts";
import { defineRule, type ReportedStep } from "../../analysis/analyzer.ts";
import { type VoidCallback, voidCallbacks } from "../../passes/void-callbacks.ts";

const consequences: Readonly<Record<VoidCallback["whoSees"], string>> = {
  nobody: "its failure ends the process",
  listener: "only the listener of unhandled rejections hears of its failure",
  browser: "its failure goes unnoticed",
};

export const asyncCallbackDropped = defineRule({
  id: "async-callback-dropped",
  title: "An asynchronous function is given to code that ignores its promise",
  severity: "warning",
  alsoKnownAs: [
    "@typescript-eslint/no-misused-promises",
    "typescript/no-misused-promises",
    "noMisusedPromises",
  ],
  requires: [voidCallbacks],
  run(pass) {
    for (const one of pass.resultOf(voidCallbacks)) {
      const severity = severityOf(one);
      if (severity === undefined) continue;
      const { callee, at, call, argument, fixes } = one;
      pass.report({
        at,
        whole: call,
        elsewhere: argument,
        severity,
        message: `'${callee}' does not wait for its asynchronous callback, so ${consequenceOf(one)}.`,
        trace: [
          { at, what: `'${callee}' drops the promises that the callback returns` },
          ...(one.early ? usedEarly(one.early) : one.failure.steps),
        ],
        fixes,
      });
    }
  },
});

/** A warning shows what fails, or what is used too early; a loop whose end nobody waits for is worth a hint. */
function severityOf({ early, failure, whoSees, wait }: VoidCallback): Severity | undefined {
  if (early) return "warning";
  if (failure.shown) return whoSees === "nobody" ? "warning" : "information";
  return wait ? "hint" : undefined;
}

function consequenceOf({ early, failure, whoSees }: VoidCallback): string {
  if (early) return `'${early.variable}' is used before it is filled`;
  return failure.shown ? consequences[whoSees] : "the code behind it runs before the work is done";
}

function usedEarly({ variable, filled, used }: NonNullable<VoidCallback["early"]>): readonly ReportedStep[] {
  return [
    { at: used, what: `'${variable}' is used here, when no callback has gone on behind its first await` },
    { at: filled, what: `'${variable}' is filled here, later` },
  ];
}
