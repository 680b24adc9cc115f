import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Read by tests alone. */
const forTests = new Set(["UNKNOT_GOLDEN", "UNKNOT_RUNS"]);

describe("the table of variables", () => {
  it("has every variable that the code reads, in the order of the alphabet, and no other", () => {
    const parts = "{cli,client,dump,models,protocol,server,tracer}";
    const files = globSync(`${parts}/**/*.{ts,cjs,mjs}`, {
      cwd: root,
      exclude: (name) => /node_modules/.test(name),
    });
    assert.ok(files.length > 200);
    const read = new Set(
      files
        .filter((file) => !file.endsWith(".test.ts"))
        .flatMap(
          (file) => readFileSync(path.join(root, file), "utf8").match(/\bUNKNOT_[A-Z_]*[A-Z]\b/g) ?? [],
        )
        .filter((name) => !forTests.has(name)),
    );
    const page = readFileSync(path.join(root, "docs", "tests-and-production.md"), "utf8");
    const table = [...page.matchAll(/^\| `(UNKNOT_[A-Z_]+)` \|/gm)].flatMap(([, name]) => name ?? []);
    assert.deepEqual(table, [...read].sort());
  });
});
