import assert from "node:assert/strict";
import fc from "fast-check";
import { emptyConfig, readConfig } from "./read-config.ts";

describe("reading unknot.config.json", () => {
  const problems = (text: string) =>
    readConfig(text).problems.map(({ line, column, message }) => `${line}:${column} ${message}`);

  it("takes comments and commas, and all fields", () => {
    const { config, problems: none } = readConfig(`{
      "$schema": "./node_modules/unknot/x.json",
      // why not
      "rules": { "floating-task": "error", "unused-suppression": "off" },
      "overrides": [{ "files": ["scripts"], "rules": { "lock-reentry": "hint" } }],
      "exclude": ["legacy"],
      "models": ["locks.json"],
      "baseline": false,
      "floatingTask": { "deferToLinter": "never", "safeToDrop": ["log"] },
      "mutedProblems": [{ "problem": "long-wait", "file": "src/poll.ts", "reason": "it polls" }],
    }`);
    assert.deepEqual(none, []);
    assert.deepEqual(config, {
      rules: { "floating-task": "error", "unused-suppression": "off" },
      overrides: [{ files: ["scripts"], rules: { "lock-reentry": "hint" } }],
      exclude: ["legacy"],
      models: ["locks.json"],
      baseline: false,
      deferToLinter: "never",
      safeToDrop: ["log"],
      mutedProblems: [{ problem: "long-wait", file: "src/poll.ts" }],
    });
  });

  const cases: readonly (readonly [string, string, readonly RegExp[]])[] = [
    ["an empty file", "", [/^1:1 This is not JSON/]],
    ["a list", "[]", [/^1:1 'unknot.config.json' is an object/]],
    ["a file cut off", '{\n  "rules": {', [/^2:\d+ This is not JSON/]],
    ["an unknown field", '{\n  "rule": {} }', [/^2:3 .* has no field 'rule'; it has 'rules'\.$/]],
    [
      "an unknown rule",
      '{ "rules": {\n "floating-tsak": "off" } }',
      [/^2:2 'rules' has no field 'floating-tsak'; it has 'floating-task'\.$/],
    ],
    [
      "an unknown severity",
      '{ "rules": { "floating-task": "warn" } }',
      [/^1:31 'floating-task' cannot be 'warn'/],
    ],
    ["a true baseline", '{ "baseline": true }', [/^1:15 'baseline' is a text or false\.$/]],
    [
      "a muted problem without a name",
      '{ "mutedProblems": [{ "file": "a.ts" }] }',
      [/needs the field 'problem'/],
    ],
    ["an override without files", '{ "overrides": [{ "rules": {} }] }', [/^1:17 .* needs the field 'files'/]],
  ];
  for (const [what, text, expected] of cases) {
    it(`points into ${what}`, () => {
      const found = problems(text);
      assert.equal(found.length, expected.length, found.join("\n"));
      for (const [index, pattern] of expected.entries()) assert.match(found[index] ?? "", pattern);
    });
  }

  it("leaves out what is wrong and keeps the rest", () => {
    const { config } = readConfig(
      '{ "rules": { "floating-task": "warn", "lock-reentry": "off" }, "exclude": "x", "models": [1, "a"] }',
    );
    assert.deepEqual(config, { ...emptyConfig, rules: { "lock-reentry": "off" }, models: ["a"] });
  });

  it("takes any JSON without throwing", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        for (const { line, column } of readConfig(text).problems) assert.ok(line >= 1 && column >= 1);
      }),
    );
  });
});
