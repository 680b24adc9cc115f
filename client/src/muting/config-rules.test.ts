import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Problem } from "@unknot/protocol/problem.ts";
import { parse } from "jsonc-parser";
import { createConfigMuting, withRule } from "./config-rules.ts";

const rule = { problem: "long-wait", file: "src/poll.ts" };
const write = (text: string) => withRule(text, rule, "  ");

describe("a muting rule in a configuration", () => {
  it("is written beside what is there, which stays as it is", () => {
    assert.equal(
      write('{\n  // why not\n  "exclude": ["a"] // here\n}\n'),
      `{
  // why not
  "exclude": ["a"], // here
  "mutedProblems": [
    { "problem": "long-wait", "file": "src/poll.ts" }
  ]
}
`,
    );
    assert.equal(
      write(
        '{\r\n\t"mutedProblems": [\r\n\t\t// old\r\n\t\t{ "problem": "deadlock" }, // known\r\n\t],\r\n}\r\n',
      ),
      '{\r\n\t"mutedProblems": [\r\n\t\t// old\r\n\t\t{ "problem": "deadlock" }, // known\r\n' +
        '\t  { "problem": "long-wait", "file": "src/poll.ts" }\r\n\t],\r\n}\r\n',
      "the indentation is the caller's to know",
    );
    assert.deepEqual(parse(write('{ "mutedProblems": [] }') ?? ""), { mutedProblems: [rule] });
    assert.deepEqual(parse(write("") ?? ""), { mutedProblems: [rule] });
    assert.match(write("") ?? "", /\n$/);
  });

  it("is not written into what is no configuration", () => {
    for (const text of ["{", "[]", "3", '{ "mutedProblems": {} }', "{} {}"])
      assert.equal(write(text), undefined, text);
  });

  it("holds for the files that the configuration belongs to, until it is forgotten", () => {
    const root = mkdtempSync(path.join(tmpdir(), "unknot-muting-"));
    try {
      const muting = createConfigMuting();
      const at = (file: string): Problem => ({
        id: "long-wait",
        verdict: "long-wait",
        certainty: "heuristic",
        message: "…",
        tasks: [],
        resources: [],
        at: [{ file: path.join(root, file), line: 1, column: 1 }],
      });
      mkdirSync(path.join(root, "repository/.git"), { recursive: true });
      mkdirSync(path.join(root, "repository/nested/src"), { recursive: true });
      const config = (folder: string) => path.join(root, folder, "unknot.config.json");
      writeFileSync(config(""), JSON.stringify({ mutedProblems: [rule] }));
      assert.ok(muting.mutes(at("src/poll.ts")));
      assert.ok(!muting.mutes(at("src/other.ts")));
      assert.ok(!muting.mutes(at("repository/src/poll.ts")), "nothing above a repository counts");
      writeFileSync(config("repository"), '{ "mutedProblems": [{ "problem": "long-wait" }], /* all */ }');
      assert.ok(!muting.mutes(at("repository/src/poll.ts")));
      muting.forget();
      assert.ok(muting.mutes(at("repository/src/poll.ts")));
      assert.ok(muting.mutes(at("repository/nested/src/poll.ts")));
      writeFileSync(config("repository/nested"), "{");
      muting.forget();
      assert.ok(!muting.mutes(at("repository/nested/src/poll.ts")), "the nearest one counts alone");
      assert.ok(muting.mutes(at("repository/src/poll.ts")));
      assert.deepEqual(
        muting.withRules().map(({ file }) => file),
        [config("repository")],
      );
      assert.ok(!muting.mutes({ ...at("a.ts"), at: [] }));
      assert.ok(!muting.mutes({ ...at("a.ts"), at: [{ file: "node:fs", line: 1, column: 1 }] }));
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
