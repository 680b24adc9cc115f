import assert from "node:assert/strict";
import type { FileFacts } from "../program/facts.ts";
import { firstLineOf, spanOf } from "./places.ts";

describe("where a finding is underlined", () => {
  const text = "lock.run(async () => {\n  await work();\n});\nsave();";
  const lines = [0, 23, 39, 43];
  const facts = { path: "/app/a.ts", lines } as unknown as FileFacts;
  const at = (start: string, end: string) => ({
    start: text.indexOf(start),
    end: text.indexOf(end) + end.length,
  });

  it("is the first line of what goes over several", () => {
    const call = at("lock", "})");
    assert.deepEqual(firstLineOf(facts, call), {
      file: "/app/a.ts",
      line: 1,
      column: 1,
      endLine: 1,
      endColumn: text.indexOf("\n") + 1,
    });
    assert.equal(spanOf(facts, call).endLine, 3);
  });

  it("is all of what stands on one line, also on the last", () => {
    for (const one of [at("await work()", "await work()"), at("save()", "save()")])
      assert.deepEqual(firstLineOf(facts, one), spanOf(facts, one));
  });
});
