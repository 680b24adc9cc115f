// What programs are told of the modules that they import is what these are.
import assert from "node:assert/strict";
import * as unknot from "./index.ts";
import * as testing from "./testing.ts";

describe("the declarations of what programs import", () => {
  it("fit", () => {
    const declaredUnknot: typeof import("./index.cjs") = unknot;
    const { expectNoTasks, LeftTasksError }: typeof import("./testing.cjs") = testing;
    assert.deepEqual(Object.keys(declaredUnknot), ["label"]);
    assert.ok(new LeftTasksError(["'waits'"]).tasks.length === 1 && typeof expectNoTasks === "function");
  });

  it("do nothing, or say so, untraced", async () => {
    unknot.label({ request: "r1" });
    await assert.rejects(testing.expectNoTasks(), /The tests run untraced/);
  });
});
