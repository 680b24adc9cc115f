import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Compares rendered text with a golden file, given relative to the test's `import.meta.url`. `UNKNOT_GOLDEN=write`
 * writes the files anew; read the difference before you commit it.
 */
export function assertGolden(test: string, file: string, text: string): void {
  const golden = fileURLToPath(new URL(file, test));
  if (process.env["UNKNOT_GOLDEN"] === "write") {
    mkdirSync(path.dirname(golden), { recursive: true });
    writeFileSync(golden, text);
  }
  assert.equal(text, readFileSync(golden, "utf8"));
}
