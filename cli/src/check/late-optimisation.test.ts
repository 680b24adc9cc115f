import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";

describe("late optimisation", () => {
  it("uses no flag that this version of V8 does not know", () => {
    const file = JSON.stringify(new URL("./late-optimisation.ts", import.meta.url).href);
    const program = `const { optimiseLate } = await import(${file}); optimiseLate().hurry(1_000_000);`;
    // V8 complains on standard error and goes on.
    const { status, stderr } = spawnSync(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", program],
      { encoding: "utf8" },
    );
    assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  });
});
