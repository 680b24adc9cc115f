import assert from "node:assert/strict";
import { positionOf } from "../lines.ts";
import { findDisabledRules } from "./disabled-rules.ts";

function found(text: string) {
  const lines = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  return findDisabledRules(
    text,
    (offset) => positionOf(lines, offset).line,
    () => [],
  ).map(({ rules, firstLine, lastLine }) => `${rules.join("+")} ${firstLine}-${lastLine}`);
}

describe("comments that switch rules of other linters off", () => {
  const table: readonly (readonly [title: string, text: string, wanted: readonly string[]])[] = [
    ["the next line", "// eslint-disable-next-line a, b/c -- why\nf();", ["a+b/c 2-2"]],
    ["this line", "f(); // eslint-disable-line a", ["a 1-1"]],
    ["in a block comment", "/* eslint-disable-next-line a */\nf();", ["a 2-2"]],
    ["until they are switched on", "/* eslint-disable a */\nf();\n/* eslint-enable a */\ng();", ["a 1-3"]],
    ["until all are switched on", "/* eslint-disable a, b */\n/* eslint-enable */\ng();", ["a 1-2", "b 1-2"]],
    ["to the end", "f();\n/* eslint-disable a */\ng();\n", ["a 2-4"]],
    ["oxlint's", "// oxlint-disable-next-line a\nf();", ["a 2-2"]],
    [
      "TSLint's",
      "f(); // tslint:disable-line:a b\n// tslint:disable-next-line:a\nf();",
      ["a+b 1-1", "a 3-3"],
    ],
    [
      "TSLint's until it is switched on",
      "/* tslint:disable:a */\nf();\n/* tslint:enable:a */\ng();",
      ["a 1-3"],
    ],
    ["Biome's, by their last part", "// biome-ignore lint/nursery/a: why\nf();", ["a 2-2"]],
    ["all rules, which says nothing about one", "// eslint-disable-next-line\nf();", []],
    ["a reason alone", "// eslint-disable-next-line -- a\nf();", []],
    ["no comment", 'f("eslint-disable a");', []],
  ];
  for (const [title, text, wanted] of table) {
    it(title, () => assert.deepEqual(found(text), wanted));
  }
});
