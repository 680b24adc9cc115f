// What docs/configuration.md shows as an example is taken as it stands there.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readModel } from "../models/read-model.ts";
import { modelsOfTags } from "../models/tag-models.ts";
import { openParser } from "../program/testing/facts-of.ts";
import { readConfig } from "./read-config.ts";

const page = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8");

const examplesIn = (language: string) =>
  [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].flatMap(([, of, text = ""]) =>
    of === language ? text : [],
  );

describe("the examples of docs/configuration.md", () => {
  it("are configurations", () => {
    const examples = examplesIn("jsonc");
    assert.notEqual(examples.length, 0);
    for (const text of examples) assert.deepEqual(readConfig(text).problems, [], text);
  });

  it("are models", () => {
    const examples = examplesIn("json");
    assert.notEqual(examples.length, 0);
    for (const text of examples) {
      const read = readModel(text);
      assert.deepEqual(read.ok ? [] : read.problems, [], text);
    }
  });

  it("are code with tags that say something", () => {
    const parser = openParser();
    try {
      const examples = examplesIn("ts").filter((text) => text.includes("@unknot"));
      assert.notEqual(examples.length, 0);
      for (const text of examples) {
        const facts = parser.facts(text.replaceAll("…", "throw new Error();"), "example.ts");
        assert.deepEqual(modelsOfTags([facts]).problems, [], text);
        assert.equal(facts.tags.length, [...text.matchAll(/@unknot/g)].length);
      }
    } finally {
      parser.close();
    }
  });
});
