import assert from "node:assert/strict";
import { readOptions } from "./options.ts";

describe("the variables of the tracer", () => {
  const wrong: Readonly<Record<string, string>> = {
    UNKNOT_CHILDREN: "no",
    UNKNOT_DUMP_SIGNAL: "FOO",
    UNKNOT_GROWTH: "-1",
    UNKNOT_LAST_DUMP: "never",
    UNKNOT_MAX_TASKS: "abc",
    UNKNOT_MODE: "lene",
    UNKNOT_MUTED: "{",
    UNKNOT_REPORT_STDERR: "yes",
    UNKNOT_SOURCE_MAPS: "2",
    UNKNOT_TESTS: "true",
  };
  for (const [name, text] of Object.entries(wrong)) {
    it(`name what ${name} may be when it is '${text}', and go on without it`, () => {
      const { refused, ...options } = readOptions({ [name]: text });
      assert.equal(refused.length, 1);
      assert.ok(refused[0]?.startsWith(`'${name}' is ${JSON.stringify(text)} and has no effect: it is `));
      const { refused: none, ...usual } = readOptions({});
      assert.deepEqual([options, none], [usual, []]);
    });
  }

  it("say nothing of what they may be, nor of what is empty", () => {
    const right: Readonly<Record<string, readonly string[]>> = {
      UNKNOT_CHILDREN: ["0", "1", ""],
      UNKNOT_DUMP_SIGNAL: ["SIGUSR2", "USR2", ""],
      UNKNOT_GROWTH: ["0.2", "10", ""],
      UNKNOT_LAST_DUMP: ["always", ""],
      UNKNOT_MAX_TASKS: ["1", "99999999", ""],
      UNKNOT_MODE: ["lean", "full", ""],
      UNKNOT_MUTED: ["[]", ""],
      UNKNOT_REPORT_STDERR: ["0", "1", ""],
      UNKNOT_SOURCE_MAPS: ["0", "1", ""],
      UNKNOT_TESTS: ["0", "1", ""],
    };
    for (const [name, texts] of Object.entries(right)) {
      for (const text of texts)
        assert.deepEqual(readOptions({ [name]: text }).refused, [], `${name}=${text}`);
    }
  });

  it("shows no more than the beginning of a long text, in one line", () => {
    const [sentence = ""] = readOptions({ UNKNOT_MODE: `lean\n${"x".repeat(1000)}` }).refused;
    assert.ok(sentence.length < 150 && !sentence.includes("\n"), sentence);
  });
});
