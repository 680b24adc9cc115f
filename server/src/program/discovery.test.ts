import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import path from "node:path";
import { discover } from "./discovery.ts";
import { type TestProject, testProject } from "./testing/project.ts";

describe("discovery", () => {
  let project: TestProject | undefined;
  afterEach(() => project?.dispose());

  const found = (files: readonly string[], below = "", texts: Readonly<Record<string, string>> = {}) => {
    project = testProject({ ...Object.fromEntries(files.map((file) => [file, ""])), ...texts });
    const folder = below === "" ? project.folder : project.path(below);
    const { sources, configurations, notices } = discover(folder, () => []);
    const relative = (file: string) => path.posix.relative(project?.folder ?? "", file);
    return { sources: sources.map(relative), configurations: configurations.map(relative), notices };
  };

  it("takes every kind of TypeScript and JavaScript, and no declarations", () => {
    const kinds = ["a.ts", "b.tsx", "c.mts", "d.cts", "e.js", "f.jsx", "g.mjs", "h.cjs"];
    const others = ["i.d.ts", "j.d.mts", "k.d.cts", "l.d.css.ts", "m.json", "n.vue", "o.txt", "ts"];
    assert.deepEqual(found([...kinds, ...others]).sources, kinds);
  });

  it("leaves out dependencies, hidden folders and what tools write", () => {
    assert.deepEqual(
      found([
        "src/a.ts",
        "src/node_modules/x/index.js",
        "node_modules/x/index.js",
        "bower_components/x.js",
        ".next/server.js",
        "dist/a.js",
        "packages/one/dist/a.js",
        "coverage/lcov.js",
        "public/vendor.min.js",
        "public/vendor-min.js",
        "src/distance/a.ts",
      ]).sources,
      ["src/a.ts", "src/distance/a.ts"],
    );
  });

  it("takes a folder of such a name when it is asked for", () => {
    assert.deepEqual(found(["dist/a.js"], "dist").sources, ["dist/a.js"]);
  });

  it("leaves out JavaScript beside its source or its source map", () => {
    assert.deepEqual(
      found([
        "a.ts",
        "a.js",
        "b.tsx",
        "b.js",
        "c.js",
        "c.js.map",
        "d.mts",
        "d.mjs",
        "e.js",
        "e.d.ts",
        "f.mjs",
        "f.ts",
      ]).sources,
      ["a.ts", "b.tsx", "d.mts", "e.js", "f.mjs", "f.ts"],
    );
  });

  it("follows git's rules: nested files, negation, folders, anchors", () => {
    const texts = {
      ".gitignore": "/generated/\n*.gen.ts\nlogs\n!keep.gen.ts\n",
      "packages/a/.gitignore": "out\n!special.gen.ts\n",
    };
    assert.deepEqual(
      found(
        [
          "generated/a.ts",
          "src/generated/a.ts",
          "src/b.gen.ts",
          "src/keep.gen.ts",
          "logs/c.ts",
          "src/logs/c.ts",
          "out/d.ts",
          "packages/a/out/d.ts",
          "packages/a/special.gen.ts",
        ],
        "",
        texts,
      ).sources,
      ["out/d.ts", "packages/a/special.gen.ts", "src/generated/a.ts", "src/keep.gen.ts"],
    );
  });

  it("knows the rules above the folder, up to the repository", () => {
    const texts = { ".gitignore": "*.gen.ts\n", ".git/HEAD": "" };
    assert.deepEqual(found(["sub/a.ts", "sub/b.gen.ts"], "sub", texts).sources, ["sub/a.ts"]);
  });

  it("takes an ignored folder when it is asked for", () => {
    const texts = { ".gitignore": "tmp\n", ".git/HEAD": "" };
    assert.deepEqual(found(["tmp/a.ts"], "tmp", texts).sources, ["tmp/a.ts"]);
  });

  it("finds configurations, the one for TypeScript where there are two", () => {
    assert.deepEqual(
      found(
        ["a/tsconfig.json", "a/jsconfig.json", "b/jsconfig.json", "c/tsconfig.build.json", "d/tsconfig.json"],
        "",
        { ".gitignore": "d\n" },
      ).configurations,
      ["a/tsconfig.json", "b/jsconfig.json"],
    );
  });

  it("leaves out the folders that a configuration writes to", () => {
    project = testProject({ "tsconfig.json": "", "src/a.ts": "", "lib/a.js": "", "lib/deep/b.js": "" });
    const { folder } = project;
    assert.deepEqual(discover(folder, () => [`${folder}/lib`]).sources, [`${folder}/src/a.ts`]);
    // "outDir": "." would leave out everything.
    assert.equal(discover(folder, () => [folder]).sources.length, 3);
  });

  it("says which folder can't be read and goes on", () => {
    if (process.platform === "win32" || process.getuid?.() === 0) {
      // Permissions do not hold for root: a folder that is gone has to do.
      project = testProject({ "a.ts": "" });
      const { notices } = discover(project.path("gone"), () => []);
      assert.match(notices[0]?.message ?? "", /gone' can't be read \(ENOENT\)/);
      return;
    }
    project = testProject({ "a.ts": "", "secret/b.ts": "" });
    chmodSync(project.path("secret"), 0);
    const { sources, notices } = discover(project.folder, () => []);
    chmodSync(project.path("secret"), 0o700);
    assert.equal(sources.length, 1);
    assert.match(notices[0]?.message ?? "", /secret' can't be read \(EACCES\)/);
  });
});
