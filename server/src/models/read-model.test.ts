import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
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
