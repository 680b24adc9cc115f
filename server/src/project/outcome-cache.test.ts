import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { slashes } from "../program/paths.ts";
import { type TestProject, testProject } from "../program/testing/project.ts";
import { createOutcomeCache } from "./outcome-cache.ts";

const outcome = { found: ["a", 1] };

describe("kept outcomes", () => {
  const projects: TestProject[] = [];
  afterEach(() => {
    for (const project of projects.splice(0)) project.dispose();
  });

  /** A project from long ago, with what was kept for it. */
  const kept = () => {
    const project = testProject({
      "app/tsconfig.json": "{}",
      "app/src/a.ts": "a",
      "app/src/deep/b.ts": "b",
      "app/node_modules/x/package.json": "{}",
      "app/node_modules/x/index.d.ts": "x",
      "app/node_modules/.package-lock.json": "{}",
      "package.json": "{}",
    });
    projects.push(project);
    const files = ["app/src/a.ts", "app/src/deep/b.ts", "app/node_modules/x/index.d.ts"].map(project.path);
    const all = readdirSync(project.folder, { recursive: true, encoding: "utf8" });
    for (const name of all) utimesSync(project.path(name), 1_000_000, 1_000_000);
    const inputs = {
      files,
      folders: [project.path("app"), project.path("app/src")],
      roots: [project.path("app")],
    };
    const folder = project.path("cache/check");
    const cache = createOutcomeCache(folder);
    cache.keep("key", inputs, outcome, Date.now());
    return { project, cache, inputs, folder };
  };

  it("are not kept where no folder can be made, and nothing waits for one", () => {
    const { project, inputs } = kept();
    const folders = [project.path("package.json/in/a/file")];
    // There Node's own recursive mkdir goes round for ever.
    if (process.platform === "linux") folders.push("/proc/unknot/check");
    for (const folder of folders) {
      const cache = createOutcomeCache(slashes(folder));
      cache.keep("key", inputs, outcome, Date.now());
      assert.equal(cache.find("key"), undefined);
    }
  });

  it("are found again as long as nothing has changed, also by another process", () => {
    const { cache, folder } = kept();
    assert.deepEqual(cache.find("key"), outcome);
    assert.deepEqual(createOutcomeCache(folder).find("key"), outcome);
    assert.equal(cache.find("another key"), undefined);
  });

  const changes: readonly (readonly [string, (project: TestProject) => unknown, "lost" | "found"])[] = [
    ["a source", (p) => p.write("app/src/a.ts", "A"), "lost"],
    ["a source of another length", (p) => p.write("app/src/a.ts", "aa"), "lost"],
    ["a source, written as it was", (p) => p.write("app/src/a.ts", "a"), "found"],
    ["a source that is gone", (p) => p.remove("app/src/deep/b.ts"), "lost"],
    ["a new source", (p) => p.write("app/src/deep/c.ts", ""), "lost"],
    ["a new source in a new folder", (p) => p.write("app/src/more/c.ts", ""), "lost"],
    ["a new hidden source", (p) => p.write("app/src/.c.ts", ""), "lost"],
    ["a declaration of a package", (p) => p.write("app/node_modules/x/index.d.ts", "y"), "lost"],
    ["a package.json", (p) => p.write("app/node_modules/x/package.json", "[]"), "lost"],
    ["a new package", (p) => p.write("app/node_modules/y/package.json", ""), "lost"],
    ["a new package further up", (p) => p.write("node_modules/y/package.json", ""), "lost"],
    ["an installation", (p) => p.write("app/node_modules/.package-lock.json", "[]"), "lost"],
    ["a tsconfig", (p) => p.write("app/tsconfig.json", "[]"), "lost"],
    ["a new tsconfig below", (p) => p.write("app/src/tsconfig.json", "{}"), "lost"],
    ["a configuration of ours further up", (p) => p.write("unknot.config.json", "{}"), "lost"],
    ["a first model", (p) => p.write("app/.unknot/models/a.json", "{}"), "lost"],
    ["a configuration of a linter", (p) => p.write("app/.oxlintrc.json", "{}"), "lost"],
    ["a .gitignore", (p) => p.write("app/src/.gitignore", ""), "lost"],
    ["a repository", (p) => p.write("app/.git/HEAD", ""), "lost"],
    ["a readme", (p) => p.write("app/src/readme.md", ""), "found"],
    ["something beside it", (p) => p.write("other/a.ts", ""), "found"],
    ["an output", (p) => p.write("app/dist/a.js", ""), "found"],
  ];
  for (const [what, change, expected] of changes) {
    it(`after a change of ${what} are ${expected}`, () => {
      const { project, cache } = kept();
      change(project);
      assert.deepEqual(cache.find("key"), expected === "found" ? outcome : undefined);
    });
  }

  it("are not made of files that may have changed meanwhile", () => {
    const { project, cache, inputs } = kept();
    project.write("app/src/a.ts", "new");
    cache.keep("fresh", inputs, outcome, Date.now());
    assert.equal(cache.find("fresh"), undefined);
    cache.keep("fresh", inputs, outcome, Date.now() + 60_000);
    assert.deepEqual(cache.find("fresh"), outcome);
  });

  it("that are damaged count as not there", () => {
    const { cache, folder } = kept();
    const [name = ""] = readdirSync(folder);
    const file = `${folder}/${name}`;
    const text = readFileSync(file, "utf8");
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom("cut", "changed", "doubled"), (at, how) => {
        const damaged =
          how === "cut"
            ? text.slice(0, at)
            : how === "changed"
              ? `${text.slice(0, at)}${text[at] === "x" ? "y" : "x"}${text.slice(at + 1)}`
              : text + text.slice(at);
        writeFileSync(file, damaged);
        assert.equal(cache.find("key"), undefined);
      }),
      { numRuns: 60 },
    );
    writeFileSync(file, text);
    assert.deepEqual(cache.find("key"), outcome);
  });

  it("need no folder, and do without one", () => {
    const { project, inputs } = kept();
    const blocked = createOutcomeCache(project.write("blocked", ""));
    blocked.keep("key", inputs, outcome, Date.now());
    assert.equal(blocked.find("key"), undefined);
    mkdirSync(project.path("empty"));
    assert.equal(createOutcomeCache(project.path("empty")).find("key"), undefined);
  });

  it("are bounded: those that were used last stay", () => {
    const { cache, inputs, folder } = kept();
    for (let key = 0; key < 40; key += 1) cache.keep(key, inputs, key, Date.now());
    assert.equal(readdirSync(folder).length, 30);
  });
});
