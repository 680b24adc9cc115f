import { defineRule } from "../../analysis/analyzer.ts";
import { unsettledPromises } from "../../passes/unsettled-promises.ts";

export const promiseNeverSettles = defineRule({
  id: "promise-never-settles",
  title: "A promise has a path on which nothing can ever settle it",
  severity: "warning",
  requires: [unsettledPromises],
  run(pass) {
    for (const { at, when, losesError, trace, fixes } of pass.resultOf(unsettledPromises)) {
      const never = `Nothing ever settles this promise${when === "" ? "" : ` ${when}`}`;
      pass.report({
        at,
        message: losesError ? `${never}: the error is lost in its executor.` : `${never}.`,
        trace,
        fixes,
      });
    }
  },
});
