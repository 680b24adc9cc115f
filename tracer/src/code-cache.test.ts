import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { codeToKeep, loadBundle } from "./code-cache.ts";

describe("V8's code of a bundle", () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "unknot-code-"));
    mkdirSync(path.join(folder, "own"), { mode: 0o700 });
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const bundle = () => ({ file: path.join(folder, "bundle.cjs"), runtimeFolder: path.join(folder, "own") });
  const sourceOf = (word: string) =>
    `"use strict";\nexports.says = () => ${JSON.stringify(word)} + require("node:path").sep;\nexports.at = [__filename, __dirname];\n`;
  const load = () => {
    const { exports, isNew } = loadBundle(bundle(), createRequire(import.meta.url));
    const { says, at } = exports as { says: () => string; at: readonly string[] };
    assert.deepEqual(at, [bundle().file, folder]);
    return [says(), isNew];
  };
  const keep = (): string => {
    const { file, content } = codeToKeep(bundle());
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  };

  it("is used when it was kept, for this text alone", () => {
    writeFileSync(bundle().file, sourceOf("one"));
    assert.deepEqual(load(), [`one${path.sep}`, true]);
    const file = keep();
    assert.deepEqual(readdirSync(path.join(folder, "own")), [path.basename(file)]);
    assert.deepEqual(load(), [`one${path.sep}`, false]);
    // V8 itself would take it: the text has the same length.
    writeFileSync(bundle().file, sourceOf("two"));
    assert.deepEqual(load(), [`two${path.sep}`, true]);
  });

  it("is not needed: one that is cut off changes nothing", () => {
    writeFileSync(bundle().file, sourceOf("three"));
    const file = keep();
    for (const bytes of [statSync(file).size - 10, sourceOf("three").length + 3, 7]) {
      truncateSync(file, bytes);
      assert.deepEqual(load(), [`three${path.sep}`, true]);
    }
  });

  it("is not taken from where others could have put it", function () {
    if (process.platform === "win32") this.skip();
    writeFileSync(bundle().file, sourceOf("four"));
    const file = keep();
    for (const [place, mode] of [
      [file, 0o622],
      [path.join(folder, "own"), 0o770],
    ] as const) {
      const before = statSync(place).mode;
      chmodSync(place, mode);
      assert.deepEqual(load(), [`four${path.sep}`, true]);
      chmodSync(place, before);
      assert.deepEqual(load(), [`four${path.sep}`, false]);
    }
  });
});
