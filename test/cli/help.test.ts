import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { root, unknot } from "./unknot.ts";

describe("the unknot command", () => {
  it("says what there is", async () => {
    const bare = await unknot([]);
    const help = await unknot(["--help"]);
    assert.deepEqual([bare.code, help.code], [0, 0]);
    assert.equal(bare.stdout, help.stdout);
    for (const command of ["check", "run", "ps", "top", "dump", "diff", "explain", "models"]) {
      assert.match(help.stdout, new RegExp(`^ {2}${command} `, "m"));
      const page = await unknot([command, "--help"]);
      assert.equal(page.code, 0);
      assert.match(page.stdout, new RegExp(`^Usage: unknot ${command} `));
    }
  });

  it("lists the words of a filter, in its help and in docs/filter.md", async () => {
    const source = readFileSync(path.join(root, "dump", "filter.ts"), "utf8");
    const keys = [...source.matchAll(/^ {2}(\w+): \(value\) =>/gm)].map(([, key]) => key);
    assert.ok(keys.length >= 9, keys.join());
    const page = readFileSync(path.join(root, "docs", "filter.md"), "utf8");
    for (const command of ["dump", "top"]) {
      const { stdout } = await unknot([command, "--help"]);
      for (const key of keys) assert.match(stdout, new RegExp(`[ ]${key}:`), `${command}: ${key}`);
    }
    for (const key of keys) assert.ok(page.includes(`| \`${key}:`), key);
  });

  it("knows its version", async () => {
    const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
    assert.deepEqual(await unknot(["--version"]), {
      code: 0,
      signal: null,
      stdout: `${version}\n`,
      stderr: "",
    });
  });

  it("suggests what was meant", async () => {
    const { code, stderr } = await unknot(["chek"]);
    assert.equal(code, 2);
    assert.match(stderr, /^unknot: unknown command 'chek'\n\(Did you mean check\?\)/);
  });

  it("explains every rule and names them all when there is no such rule", async () => {
    const unknown = await unknot(["explain", "nope"]);
    assert.equal(unknown.code, 2);
    const ids = /the rules are (.*)\.\n$/.exec(unknown.stderr)?.[1]?.split(", ") ?? [];
    assert.ok(ids.includes("floating-task"), unknown.stderr);
    for (const id of ids) {
      const page = await unknot(["explain", id]);
      assert.equal(page.code, 0);
      assert.ok(page.stdout.length > 200, id);
      assert.doesNotMatch(page.stdout, /```|^#/m);
    }
    assert.equal((await unknot(["explain", "unknot/floating-task"])).code, 0);
  });
});
