import assert from "node:assert/strict";
import { hideOwnVariables } from "./own-variables.ts";

describe("what the debugger reports of a traced program", () => {
  const variables = (names: readonly string[]) => names.map((name) => ({ name, value: "1" }));
  const reported = (names: readonly string[], more: object = {}) => {
    const message = {
      type: "response",
      command: "variables",
      body: { variables: variables(names) },
      ...more,
    };
    hideOwnVariables(message);
    return message.body.variables.map(({ name }) => name);
  };

  it("leaves out the tracer's own variables, and nothing else", () => {
    assert.deepEqual(reported(["$unknot", "$unknotr", "$unknot_", "$unknot$r", "one", "this"]), [
      "one",
      "this",
    ]);
    assert.deepEqual(reported(["unknot", "$unknown", "$unknot.js", "$"]), [
      "unknot",
      "$unknown",
      "$unknot.js",
      "$",
    ]);
    assert.deepEqual(reported(["$unknot"], { command: "scopes" }), ["$unknot"]);
    assert.deepEqual(reported(["$unknot"], { type: "request" }), ["$unknot"]);
  });

  it("is left alone where it is something else", () => {
    for (const odd of [undefined, null, 7, {}, { type: "response", command: "variables" }])
      hideOwnVariables(odd);
    const failed = { type: "response", command: "variables", success: false, body: {} };
    hideOwnVariables(failed);
    assert.deepEqual(failed.body, {});
  });
});
