import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { createRegistry, loadConfiguration } from "vscode-tmgrammar-test/dist/common/index.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const from = (file: string) => path.join(root, file);
const config = from("test/syntaxes/grammars.json");

describe("TextMate grammars", () => {
  it("give the parts of a line their scopes", () => {
    const done = spawnSync(
      process.execPath,
      [
        from("node_modules/vscode-tmgrammar-test/dist/unit.js"),
        "--config",
        config,
        from("test/syntaxes/fixtures/*"),
      ],
      { encoding: "utf8", cwd: root },
    );
    assert.equal(done.status, 0, done.stdout + done.stderr);
    assert.equal(done.stdout.match(/run success/g)?.length, 4, done.stdout);
  });

  for (const dump of ["shop-full.taskdump", "shop-grouped.taskdump", "busy-shop.taskdump", "go-1.19.txt"]) {
    it(`leave no line of ${dump} without colour`, async () => {
      const { grammars } = loadConfiguration(config, undefined, []);
      const grammar = await createRegistry(grammars).loadGrammar("text.taskdump");
      const plain = readFileSync(from(`dump/formats/goldens/${dump}`), "utf8")
        .split("\n")
        .filter((line) => line !== "" && line !== "\t?:0")
        .filter((line) =>
          grammar?.tokenizeLine(line, null).tokens.every((token) => token.scopes.length === 1),
        );
      // What Go prints around and in place of its stacks.
      const known = /^(fatal error: |exit status |\.\.\.additional|\tgoroutine running)/;
      assert.deepEqual(
        plain.filter((line) => !known.test(line)),
        [],
      );
    });
  }
});
