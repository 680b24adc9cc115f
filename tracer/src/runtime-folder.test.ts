import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { writeWhole } from "./runtime-folder.ts";

describe("a file of the runtime folder", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "unknot-folder-"));
  after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "1-0.last.json");

  it("is there whole", () => {
    writeWhole(file, ["a".repeat(2 ** 20), "b"]);
    assert.equal(readFileSync(file, "utf8").length, 2 ** 20 + 1);
  });

  it("leaves nothing when it can't be written, and the one before as it is", () => {
    function* breaksOff(): Generator<string> {
      yield "c".repeat(2 ** 21);
      throw new Error("no space left");
    }
    assert.throws(() => writeWhole(file, breaksOff()), /no space left/);
    assert.deepEqual(readdirSync(folder), ["1-0.last.json"]);
    assert.equal(readFileSync(file, "utf8").length, 2 ** 20 + 1);
  });
});
