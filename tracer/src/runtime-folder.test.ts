import assert from "node:assert/strict";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { removeStale, writeWhole } from "./runtime-folder.ts";

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

  it("goes when nobody has use for it: of the dead at once, last dumps after a day, code after a month", () => {
    const now = Date.now();
    const days = {
      "7-0.json": 0,
      "7-0.sock": 0,
      "7-1.last.json": 2,
      "8-0.json": 50,
      "code-new": 29,
      "code-old": 31,
    };
    for (const [name, age] of Object.entries(days)) {
      const at = path.join(folder, name);
      writeFileSync(at, "");
      utimesSync(at, now / 1000 - age * 86_400, now / 1000 - age * 86_400);
    }
    removeStale(folder, (pid) => pid === 8, now);
    assert.deepEqual(readdirSync(folder).sort(), ["1-0.last.json", "8-0.json", "code-new"]);
    for (const name of ["8-0.json", "code-new"]) unlinkSync(path.join(folder, name));
  });
});
