import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Model } from "@unknot/models/model.ts";
import fc from "fast-check";
import semver from "semver";
import { readModel } from "./read-model.ts";

const models = fileURLToPath(new URL("../../../models", import.meta.url));
const files = globSync("*/model.json", { cwd: models }).sort();
const textOf = (file: string) => readFileSync(path.join(models, file), "utf8");

describe("the models that ship with Unknot", () => {
  for (const file of files) {
    it(`${path.dirname(file)} follows the format`, () => {
      const read = readModel(textOf(file));
      assert.deepEqual(read.ok ? [] : read.problems, []);
    });

    const { modules, versions } = JSON.parse(textOf(file)) as Model;
    if (versions === undefined) continue;
    it(`${path.dirname(file)} describes the version that is installed here, and versions with two ends`, () => {
      const require = createRequire(import.meta.url);
      const installed = installedVersion(require, modules[0] as string);
      assert.ok(semver.satisfies(installed, versions), `${installed} is not in ${versions}`);
      assert.ok(!semver.intersects(versions, ">=1000.0.0"), `${versions} has no upper end`);
    });
  }
});

describe("reading a model", () => {
  const cases: readonly (readonly [what: string, text: string, problems: readonly string[]])[] = [
    ["an empty file", "", ["1:1 "]],
    ["values nested too deeply", "[".repeat(100_000), ["1:1 The values"]],
    ["a field given twice", '{ "unknot": 1, "modules": ["x"],\n  "unknot": 1 }', ["2:3 The model has"]],
    ["a list", "[]", ["1:1 The model is"]],
    ["a file cut off", '{ "unknot": 1,\n  "modules": ["x"', ["2:18 "]],
    ["a misspelt field", '{ "unknot": 1,\n  "modulse": ["x"],\n  "modules": ["x"] }', ["2:3 "]],
    ["a field of the wrong kind", '{ "unknot": 1,\n  "modules": "x" }', ["2:14 'modules' is"]],
    ["a field that is missing", '{ "unknot": 1 }', ["1:1 "]],
  ];
  for (const [what, text, expected] of cases) {
    it(`points into ${what}`, () => {
      const read = readModel(text);
      const problems = read.ok
        ? []
        : read.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
      assert.equal(problems.length, expected.length, problems.join("\n"));
      problems.forEach((problem, at) => {
        assert.ok(problem.startsWith(expected[at] as string), problem);
      });
    });
  }

  it("takes any text without throwing, and points inside it", () => {
    const texts = files.map(textOf);
    const damaged = fc
      .record({ text: fc.constantFrom(...texts), from: fc.nat(), length: fc.nat(40), put: fc.string() })
      .map(({ text, from, length, put }) => {
        const at = from % text.length;
        return text.slice(0, at) + put + text.slice(at + length);
      });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.string(), fc.json()), (text) => {
        const read = readModel(text);
        if (read.ok) return;
        assert.ok(read.problems.length > 0);
        const lines = text.split("\n");
        for (const { line, column } of read.problems) {
          assert.ok(line >= 1 && line <= lines.length);
          assert.ok(column >= 1 && column <= (lines[line - 1] as string).length + 1);
        }
      }),
    );
  });
});

/** The version of a package, also when its `exports` hide its package.json. */
function installedVersion(require: NodeJS.Require, name: string): string {
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      const { version } = JSON.parse(readFileSync(path.join(folder, name, "package.json"), "utf8"));
      return version as string;
    } catch {
      // Not in this folder.
    }
  }
  throw new Error(`${name} is not installed`);
}
