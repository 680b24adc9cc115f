// What programs are told of the modules that they import is what these are.
import assert from "node:assert/strict";
import * as unknot from "./index.ts";
import type * as playwright from "./playwright.ts";
import * as testing from "./testing.ts";
import type * as vitest from "./vitest.ts";

describe("the declarations of what programs import", () => {
  it("fit", () => {
    const declaredUnknot: typeof import("./index.cjs") = unknot;
    // These start the tracer when they run; that their types agree is what the compiler checks here.
    const fits = <Declared>(actual: Declared | undefined) => assert.equal(actual, undefined);
    fits<typeof import("./vitest.cjs")>(undefined as typeof vitest | undefined);
    fits<typeof import("./playwright.cjs")>(undefined as typeof playwright | undefined);
    const { expectNoTasks, LeftTasksError }: typeof import("./testing.cjs") = testing;
    assert.deepEqual(Object.keys(declaredUnknot), ["label"]);
    assert.ok(new LeftTasksError(["'waits'"]).tasks.length === 1 && typeof expectNoTasks === "function");
  });

  it("do nothing, or say so, untraced", async () => {
    unknot.label({ request: "r1" });
    await assert.rejects(testing.expectNoTasks(), /The tests run untraced/);
  });
});
