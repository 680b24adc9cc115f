import { defineRule } from "../../analysis/analyzer.ts";
import { hasAsyncPredicates, type PromiseTest, promiseTests } from "../../passes/promise-tests.ts";

export const asyncPredicate = defineRule({
  id: "async-predicate",
  title: "A promise is tested instead of what it gives",
  severity: "error",
  alsoKnownAs: [
    "@typescript-eslint/no-misused-promises",
    "typescript/no-misused-promises",
    "noMisusedPromises",
  ],
  about: hasAsyncPredicates,
  requires: [promiseTests],
  run(pass) {
    for (const test of pass.resultOf(promiseTests)) {
      const { at, call, callee, fixes } = test;
      const gives = test.method === undefined ? `'${callee}' gives` : "the callback returns";
      // In tests TypeScript's own report of such conditions is enough.
      const isMinor = test.method === undefined && pass.role === "test";
      pass.report({
        at,
        ...(isMinor ? { severity: "hint" } : {}),
        whole: call,
        message: messageOf(test),
        trace: [{ at, what: `${gives} a promise, and nothing waits for it here` }],
        fixes,
      });
    }
  },
});

function messageOf({ method, callee }: PromiseTest): string {
  if (method === undefined)
    return `'${callee}' gives a promise, so as a condition it is true whatever the promise gives.`;
  return `'${callee}' is given an asynchronous function, and a promise is always true, so ${resultOf(method)}.`;
}

function resultOf(method: string): string {
  switch (method) {
    case "filter":
      return "every element is kept";
    case "some":
      return "it is true for every list that has an element";
    case "every":
      return "it is always true";
    case "sort":
    case "toSorted":
      return "nothing is compared";
    default:
      return `it finds the ${method.startsWith("findLast") ? "last" : "first"} element, whatever that is`;
  }
}
