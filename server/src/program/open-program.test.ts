import assert from "node:assert/strict";
import path from "node:path";
import { openProgram, type ProgramOptions } from "./open-program.ts";
import type { Program, SymbolAnswer } from "./program.ts";
import { openPlaces, type Places } from "./testing/places.ts";
import { type TestProject, testProject } from "./testing/project.ts";

const empty = "export {};\n";
const config = (options: object = {}) => JSON.stringify({ compilerOptions: { strict: true }, ...options });

describe("program", function () {
  this.timeout(60_000);
  let places: Places;
  let shared: Program;
  const toDispose: (() => void)[] = [];

  before(() => {
    places = openPlaces();
    shared = openProgram();
  });
  afterEach(() => {
    for (const dispose of toDispose.splice(0)) dispose();
  });
  after(() => {
    shared.close();
    places.close();
  });

  const write = (
    files: Readonly<Record<string, string>>,
    dependencies: readonly string[] = [],
  ): TestProject => {
    const project = testProject(files, { dependencies });
    toDispose.push(project.dispose);
    return project;
  };
  const own = (options?: ProgramOptions): Program => {
    const program = openProgram(options);
    toDispose.push(program.close);
    return program;
  };
  const filesOf = (project: TestProject, program = shared) =>
    program.selected().map((file) => path.posix.relative(project.folder, file));
  const messages = (program = shared) => program.notices().map(({ message }) => message);
  /** The file that a name of a source leads to, from its last occurrence. */
  const target = (project: TestProject, name: string, source: string, text: string, program = shared) => {
    program.facts(project.path(name));
    const [answer] = program.symbols(project.path(name), [places.idOf(name, source, text, -1)]);
    return answer?.kind === "declared" ? path.posix.relative(project.folder, answer.file) : undefined;
  };

  describe("opens", () => {
    it("a folder without any configuration, JavaScript too", () => {
      const uses = `const { one } = require("./one");\none;`;
      const project = write({
        "one.js": "exports.one = async () => 1;",
        "a/uses.js": uses.replace("./", "../"),
        "uses.js": uses,
        "b.ts": empty,
      });
      shared.open([project.folder]);
      assert.deepEqual(filesOf(project), ["a/uses.js", "b.ts", "one.js", "uses.js"]);
      assert.equal(target(project, "uses.js", uses, "one"), "one.js");
      assert.deepEqual(messages(), []);
    });

    it("nested configurations, each with its own options", () => {
      const uses = `import { x } from "@/x";\nx;`;
      const alias = (folder: string) => config({ compilerOptions: { paths: { "@/*": [`./${folder}/*`] } } });
      const project = write({
        "tsconfig.json": alias("one"),
        "one/x.ts": "export const x = 1;",
        "uses.ts": uses,
        "packages/a/tsconfig.json": alias("two"),
        "packages/a/two/x.ts": "export const x = 1;",
        "packages/a/uses.ts": uses,
      });
      shared.open([project.folder]);
      assert.equal(target(project, "uses.ts", uses, "x"), "one/x.ts");
      assert.equal(target(project, "packages/a/uses.ts", uses, "x"), "packages/a/two/x.ts");
      assert.equal(new Set(shared.files()).size, 4);
    });

    it("a solution: what its references name, transitively, sources in the place of outputs", () => {
      const uses = `import { lib } from "../../lib/dist/index.js";\nlib;`;
      const project = write({
        "tsconfig.json": JSON.stringify({ files: [], references: [{ path: "./app/tsconfig.app.json" }] }),
        "app/tsconfig.app.json": config({ include: ["src"], references: [{ path: "../lib" }] }),
        "app/src/main.ts": uses,
        "lib/tsconfig.json": config({
          compilerOptions: { composite: true, rootDir: "src", outDir: "dist" },
          references: [{ path: "../deep" }],
        }),
        "lib/src/index.ts": "export async function lib() {}",
        "deep/tsconfig.json": config({ compilerOptions: { composite: true } }),
        "deep/deep.ts": empty,
      });
      shared.open([project.path("tsconfig.json")]);
      assert.deepEqual(filesOf(project), ["app/src/main.ts", "deep/deep.ts", "lib/src/index.ts"]);
      assert.equal(target(project, "app/src/main.ts", uses, "lib"), "lib/src/index.ts");
      shared.open([project.folder]);
      assert.deepEqual(filesOf(project), ["app/src/main.ts", "deep/deep.ts", "lib/src/index.ts"]);
    });

    it("references that lead in a circle", () => {
      const project = write({
        "a/tsconfig.json": config({ references: [{ path: "../b" }] }),
        "a/a.ts": empty,
        "b/tsconfig.json": config({ references: [{ path: "../a" }] }),
        "b/b.ts": empty,
      });
      shared.open([project.path("a/tsconfig.json")]);
      assert.deepEqual(filesOf(project), ["a/a.ts", "b/b.ts"]);
    });

    it("a configuration: what it names, and what it reads below its folder", () => {
      const project = write({
        "app/tsconfig.json": config({ files: ["main.ts", "../shared/named.ts"] }),
        "app/main.ts": `import "./read.js";\nimport "../other/read.js";`,
        "app/read.ts": empty,
        "app/unread.ts": empty,
        "shared/named.ts": empty,
        "other/read.ts": empty,
      });
      shared.open([project.path("app/tsconfig.json")]);
      assert.deepEqual(filesOf(project), ["app/main.ts", "app/read.ts", "shared/named.ts"]);
    });

    it("a file, in the nearest project that names it", () => {
      const uses = `import { x } from "@/x";\nx;`;
      const project = write({
        "tsconfig.json": JSON.stringify({ files: [], references: [{ path: "./tsconfig.test.json" }] }),
        "tsconfig.test.json": config({
          include: ["test"],
          compilerOptions: { paths: { "@/*": ["./src/*"] } },
        }),
        "test/a.ts": uses,
        "src/x.ts": "export const x = 1;",
      });
      shared.open([project.path("test/a.ts")]);
      assert.deepEqual(filesOf(project), ["test/a.ts"]);
      assert.deepEqual(shared.files(), [project.path("src/x.ts"), project.path("test/a.ts")]);
      assert.equal(target(project, "test/a.ts", uses, "x"), "src/x.ts");
    });

    it("a folder below its configuration", () => {
      const uses = `import { x } from "@/x";\nx;`;
      const project = write({
        "tsconfig.json": config({ compilerOptions: { paths: { "@/*": ["./src/*"] } } }),
        "src/x.ts": "export const x = 1;",
        "test/a.ts": uses,
      });
      shared.open([project.path("test")]);
      assert.deepEqual(filesOf(project), ["test/a.ts"]);
      assert.equal(target(project, "test/a.ts", uses, "x"), "src/x.ts");
    });

    it("files that the configuration leaves out, with its options", () => {
      const uses = `import { x } from "@/x";\nx;`;
      const project = write({
        "tsconfig.json": config({ compilerOptions: { paths: { "@/*": ["./src/*"] } }, include: ["src"] }),
        "src/x.ts": "export const x = 1;",
        "test/a.ts": uses,
        "build.mjs": empty,
      });
      shared.open([project.folder]);
      assert.deepEqual(filesOf(project), ["build.mjs", "src/x.ts", "test/a.ts"]);
      assert.equal(target(project, "test/a.ts", uses, "x"), "src/x.ts");
      assert.ok(shared.facts(project.path("build.mjs")));
    });

    it("a jsconfig", () => {
      const uses = `import { x } from "@/x";\nx;`;
      const project = write({
        "jsconfig.json": JSON.stringify({ compilerOptions: { baseUrl: ".", paths: { "@/*": ["src/*"] } } }),
        "src/x.js": "export const x = 1;",
        "a.js": uses,
      });
      shared.open([project.folder]);
      assert.equal(target(project, "a.js", uses, "x"), "src/x.js");
    });

    it("projects that share a file, which is analysed once and in the project that is nearest", () => {
      const shareds = `import { x } from "@/x";\nexport const y = x;`;
      const withAlias = (folder: string, include: readonly string[]) =>
        config({ compilerOptions: { paths: { "@/*": [folder] } }, include });
      const project = write({
        "a/tsconfig.json": withAlias("./x/*", [".", "../b"]),
        "a/x/x.ts": "export const x = 1;",
        "b/tsconfig.json": withAlias("./x/*", ["."]),
        "b/x/x.ts": "export const x = 1;",
        "b/shared.ts": shareds,
      });
      shared.open([project.folder]);
      assert.deepEqual(filesOf(project), ["a/x/x.ts", "b/shared.ts", "b/x/x.ts"]);
      assert.equal(target(project, "b/shared.ts", shareds, "x"), "b/x/x.ts");
    });

    it("no outputs, dependencies or declarations", () => {
      const project = write({
        "tsconfig.json": config({ compilerOptions: { outDir: "lib", allowJs: true } }),
        "src/a.ts": `import "dep";`,
        "src/a.d.ts": empty,
        "types.d.ts": "declare const g: number;",
        "lib/a.js": empty,
        "node_modules/dep/index.ts": empty,
        "node_modules/dep/package.json": `{"name":"dep","main":"index.ts"}`,
      });
      shared.open([project.folder]);
      assert.deepEqual(filesOf(project), ["src/a.ts"]);
    });

    it("what there is, and names what there is not", () => {
      const project = write({ "a.ts": empty, "b.txt": "" });
      shared.open(["a.ts", "b.txt", "c.ts", "d"].map(project.path));
      assert.deepEqual(filesOf(project), ["a.ts"]);
      assert.deepEqual(
        messages().map((message) => message.replace(project.folder, "")),
        [
          "'/b.txt' is neither TypeScript nor JavaScript nor a tsconfig, so it is left out.",
          "'/c.ts' does not exist; correct the path.",
          "'/d' does not exist; correct the path.",
        ],
      );
    });

    it("something else in the place of what was open", () => {
      const project = write({
        "a/tsconfig.json": config(),
        "a/a.ts": empty,
        "b/tsconfig.json": config(),
        "b/b.ts": empty,
      });
      shared.open([project.path("a")]);
      shared.open([project.path("b")]);
      assert.deepEqual(filesOf(project), ["b/b.ts"]);
      assert.equal(shared.facts(project.path("a/a.ts")), undefined);
      shared.open([project.path("a"), project.path("b")]);
      assert.deepEqual(filesOf(project), ["a/a.ts", "b/b.ts"]);
    });
  });

  describe("leaves out with a notice, and loses nothing else,", () => {
    const check = (files: Readonly<Record<string, string>>, pattern: RegExp, options?: ProgramOptions) => {
      const project = write({
        "tsconfig.json": config(),
        "good.ts": `export const good = 1;\ngood;`,
        ...files,
      });
      const program = own(options);
      program.open([project.folder]);
      for (const file of program.files()) program.facts(file);
      assert.equal(target(project, "good.ts", `export const good = 1;\ngood;`, "good", program), "good.ts");
      assert.equal(program.facts(project.path("bad.ts")), undefined);
      assert.equal(messages(program).length, 1);
      assert.match(messages(program)[0] ?? "", pattern);
      assert.deepEqual(program.syntaxErrors(), []);
    };

    it("a file that is no text", () => check({ "bad.ts": "GIF89a\0\0\0" }, /bad\.ts' is not text/));
    it("a file that is too large, and takes one that is not", () => {
      const limit = { maxFileBytes: 1000 };
      check({ "bad.ts": "/".repeat(1001) }, /bad\.ts' is too large \(0\.0 MB\)/, limit);
      const project = write({ "ok.ts": "/".repeat(1000) });
      const program = own(limit);
      program.open([project.folder]);
      assert.ok(program.facts(project.path("ok.ts")));
      assert.deepEqual(messages(program), []);
    });

    it("minified JavaScript, in silence", () => {
      const project = write({
        "bundle.js": `var a=1;${"a+=1;".repeat(10_000)}`,
        "long.js": "a += 1;\n".repeat(10_000),
      });
      shared.open([project.folder]);
      assert.equal(shared.facts(project.path("bundle.js")), undefined);
      assert.ok(shared.facts(project.path("long.js")));
      assert.deepEqual(messages(), []);
    });

    it("a file that vanishes after it was found", () => {
      const project = write({ "tsconfig.json": config(), "a.ts": empty, "b.ts": empty });
      shared.open([project.folder]);
      project.remove("b.ts");
      shared.invalidate([project.path("b.ts")]);
      shared.commit();
      assert.deepEqual(filesOf(project), ["a.ts"]);
      assert.equal(shared.facts(project.path("b.ts")), undefined);
    });
  });

  it("describes what does not parse, and says where its first error is", () => {
    const project = write({
      "fine.ts": "export const one = 1;",
      "a.ts": "async function f( { await g(; }\nclass {",
      "b.tsx": "<div>{</div",
      "c.js": "const = 1;",
    });
    shared.open([project.folder]);
    for (const file of shared.files()) assert.ok(shared.facts(file), file);
    const told = shared.syntaxErrors().map(({ file, message }) => [path.posix.basename(file), message]);
    assert.deepEqual(
      told.map(([file, message]) => [file, /does not parse at (\d+:\d+) \(/.exec(message ?? "")?.[1]]),
      [
        ["a.ts", "1:27"],
        ["b.tsx", "1:7"],
        ["c.js", "1:7"],
      ],
    );
  });

  it("knows the lines that start in code", () => {
    const text = [
      "const a = `one",
      "two ${",
      "  f()",
      "} three`;",
      "const b = 'x\\",
      "y';",
      "const c = (",
      "  <div",
      "    title={",
      "      f()",
      "    }",
      "  >",
      "    {f()}",
      "    <b />",
      "    {",
      "      f()",
      "    }",
      "  </div>",
      ");",
      "",
    ];
    const project = write({ "a.tsx": text.join("\n") });
    shared.open([project.folder]);
    const lines = text.map((_, index) => index + 1);
    const inText = lines.filter((line) => !shared.startsInCode(project.path("a.tsx"), line));
    assert.deepEqual(inText, [2, 6, 13, 14, 15, 18]);
    assert.equal(shared.startsInCode(project.path("a.tsx"), 99), false);
  });

  describe("buffers", () => {
    const one = `import { f } from "./b.js";\nf;`;

    it("take the place of the disk with the next commit, and give it back", () => {
      const project = write({ "tsconfig.json": config(), "a.ts": one, "b.ts": "export const f = 1;" });
      shared.open([project.folder]);
      const generation = shared.generation;
      const other = `export const f = 2;\nexport const g = f;`;
      shared.setBuffer(project.path("b.ts"), other);
      assert.equal(shared.text(project.path("b.ts")), "export const f = 1;");
      assert.equal(shared.commit(), generation + 1);
      assert.equal(shared.text(project.path("b.ts")), other);
      shared.closeBuffer(project.path("b.ts"));
      shared.commit();
      assert.equal(shared.text(project.path("b.ts")), "export const f = 1;");
    });

    it("with the disk's own text change nothing", () => {
      const project = write({ "tsconfig.json": config(), "a.ts": `\uFEFF${one}`, "b.ts": "" });
      shared.open([project.folder]);
      const generation = shared.generation;
      shared.setBuffer(project.path("a.ts"), one);
      assert.equal(shared.commit(), generation);
      shared.closeBuffer(project.path("a.ts"));
      assert.equal(shared.commit(), generation);
    });

    it("with a text that came to the disk unnoticed take effect", () => {
      const project = write({ "tsconfig.json": config(), "a.ts": one, "b.ts": "export const f = 1;" });
      shared.open([project.folder]);
      const file = project.path("b.ts");
      assert.equal(shared.text(file), "export const f = 1;");
      const next = "export const f = 'something new';";
      project.write("b.ts", next);
      shared.setBuffer(file, next);
      shared.invalidate([file]);
      shared.commit();
      assert.equal(shared.text(file), next);
    });

    it("outlive a change on disk", () => {
      const project = write({ "tsconfig.json": config(), "a.ts": one, "b.ts": "export const f = 1;" });
      shared.open([project.folder]);
      shared.setBuffer(project.path("b.ts"), "export const f = 2;");
      shared.commit();
      project.write("b.ts", "export const f = 3;");
      shared.invalidate([project.path("b.ts")]);
      shared.commit();
      assert.equal(shared.text(project.path("b.ts")), "export const f = 2;");
      shared.closeBuffer(project.path("b.ts"));
      shared.commit();
      assert.equal(shared.text(project.path("b.ts")), "export const f = 3;");
    });

    it("can be files that do not exist, which others import and configurations include", () => {
      const uses = `import { fresh } from "./deep/fresh.js";\nfresh;`;
      const project = write({ "tsconfig.json": config({ include: ["src"] }), "src/a.ts": uses });
      const program = own();
      program.open([project.folder]);
      assert.equal(target(project, "src/a.ts", uses, "fresh", program), undefined);
      const fresh = project.path("src/deep/fresh.ts");
      program.setBuffer(fresh, "export const fresh = 1;");
      program.commit();
      assert.equal(target(project, "src/a.ts", uses, "fresh", program), "src/deep/fresh.ts");
      program.open([fresh, project.path("src/a.ts")]);
      assert.deepEqual(filesOf(project, program), ["src/a.ts", "src/deep/fresh.ts"]);
      assert.ok(program.facts(fresh));
      program.closeBuffer(fresh);
      program.commit();
      assert.equal(target(project, "src/a.ts", uses, "fresh", program), undefined);
    });

    it("can lie where no project is", () => {
      const project = write({ "a.ts": empty }, ["async-mutex"]);
      const program = own();
      const text = `import { Mutex } from "async-mutex";\nnew Mutex();`;
      const file = project.path("^untitled-1.ts");
      program.setBuffer(file, text);
      program.open([file]);
      assert.deepEqual(filesOf(project, program), ["^untitled-1.ts"]);
      assert.match(target(project, "^untitled-1.ts", text, "Mutex", program) ?? "", /async-mutex/);
    });
  });

  describe("changes on disk", () => {
    it("bring new files in and take old ones away", () => {
      const uses = `import { late } from "./late.js";\nlate;`;
      const project = write({ "tsconfig.json": config(), "a.ts": uses });
      shared.open([project.folder]);
      assert.equal(target(project, "a.ts", uses, "late"), undefined);
      shared.invalidate([project.write("late.ts", "export const late = 1;")]);
      shared.commit();
      assert.deepEqual(filesOf(project), ["a.ts", "late.ts"]);
      assert.equal(target(project, "a.ts", uses, "late"), "late.ts");
    });

    it("of a configuration or its base take effect", () => {
      const uses = `import { x } from "@/x";\nx;`;
      const project = write({
        "tsconfig.json": config({ extends: "./base.json", include: ["src"] }),
        "base.json": "{}",
        "src/a.ts": uses,
        "lib/x.ts": "export const x = 1;",
      });
      shared.open([project.path("tsconfig.json")]);
      assert.equal(target(project, "src/a.ts", uses, "x"), undefined);
      const paths = { "@/*": ["./lib/*"] };
      shared.invalidate([project.write("base.json", JSON.stringify({ compilerOptions: { paths } }))]);
      shared.commit();
      assert.equal(target(project, "src/a.ts", uses, "x"), "lib/x.ts");
      shared.invalidate([project.write("tsconfig.json", config({ include: ["lib"] }))]);
      shared.commit();
      assert.deepEqual(filesOf(project), ["lib/x.ts"]);
      project.remove("tsconfig.json");
      shared.invalidate([project.path("tsconfig.json")]);
      shared.commit();
      assert.deepEqual(filesOf(project), []);
      assert.match(messages()[0] ?? "", /does not exist/);
    });

    it("install a package", () => {
      const uses = `import { Mutex } from "async-mutex";\nnew Mutex();`;
      const project = write({ "tsconfig.json": config(), "a.ts": uses });
      shared.open([project.folder]);
      assert.equal(target(project, "a.ts", uses, "Mutex"), undefined);
      project.write("node_modules/async-mutex/package.json", `{"name":"async-mutex","types":"index.d.ts"}`);
      project.write("node_modules/async-mutex/index.d.ts", "export declare class Mutex {}");
      shared.invalidate([project.write("node_modules/.package-lock.json", "{}")]);
      shared.commit();
      assert.equal(target(project, "a.ts", uses, "Mutex"), "node_modules/async-mutex/index.d.ts");
    });
  });

  describe("generations", () => {
    const before = `export async function f() {}\nf();`;

    it("make ids of an earlier text unusable until the new facts were asked for", () => {
      const project = write({ "tsconfig.json": config(), "a.ts": before, "b.ts": before });
      shared.open([project.folder]);
      const [a, b] = ["a.ts", "b.ts"].map(project.path);
      assert.ok(a && b);
      const id = places.idOf("a.ts", before, "f", -1);
      assert.throws(() => shared.symbols(a, [id]), /Ask for the facts/);
      for (const file of [a, b]) shared.facts(file);
      assert.equal(shared.symbols(a, [id])[0]?.kind, "declared");
      shared.setBuffer(a, `const other = 1;\n${before}`);
      // Until the commit the old text holds.
      assert.equal(shared.symbols(a, [id])[0]?.kind, "declared");
      shared.commit();
      assert.throws(() => shared.symbols(a, [id]), /Ask for the facts/);
      assert.throws(() => shared.types(a, [id]), /Ask for the facts/);
      // The other file has kept its text and its ids.
      assert.equal(shared.symbols(b, [id])[0]?.kind, "declared");
      shared.facts(a);
      const moved = places.idOf("a.ts", `const other = 1;\n${before}`, "f", -1);
      const node = places.idOf("a.ts", shared.text(a) ?? "", "export async function f() {}");
      assert.deepEqual(shared.symbols(a, [moved]), [
        { kind: "declared", name: "f", file: a, node, library: false },
      ]);
    });

    it("answer with what the other file says now", () => {
      const uses = `import { f } from "./b.js";\nf();`;
      const project = write({
        "tsconfig.json": config(),
        "a.ts": uses,
        "b.ts": "export async function f() {}",
      });
      shared.open([project.folder]);
      const a = project.path("a.ts");
      shared.facts(a);
      const call = places.idOf("a.ts", uses, "f()");
      assert.equal(shared.types(a, [call])[0]?.thenable, "always");
      shared.setBuffer(project.path("b.ts"), "export function f() {}");
      shared.commit();
      assert.equal(shared.types(a, [call])[0]?.thenable, "never");
    });

    it("count when a specifier may lead elsewhere, and not when a text changes", () => {
      const project = write({ "tsconfig.json": config(), "a.ts": `import "./b.js";`, "c.ts": "export {};" });
      shared.open([project.folder]);
      const a = project.path("a.ts");
      const find = () => {
        for (const file of shared.files()) shared.facts(file);
        return shared.resolveModule(a, "./b.js");
      };
      assert.equal(find(), undefined);
      const before = shared.resolutions;
      shared.setBuffer(project.path("c.ts"), "export const c = 1;");
      shared.commit();
      assert.equal(find(), undefined);
      assert.equal(shared.resolutions, before);
      shared.invalidate([project.write("b.ts", "export {};")]);
      shared.commit();
      assert.equal(find(), project.path("b.ts"));
      assert.ok(shared.resolutions > before);
    });

    describe("keep answers", () => {
      const lib = `export const state = { n: 0 };
export async function typed(): Promise<void> { state.n = 1; }
export async function quiet() { state.n = 2; }
export function open() { return state.n; }`;
      const between = `export * from "./lib.js";`;
      const uses = `import { open, quiet, typed } from "./between.js";\nopen();\nquiet();\ntyped();`;
      const kinds = ["open()", "quiet()", "typed()"];
      /** Opens, asks, edits and asks again: the answers, and how many questions it took the second time. */
      const askedAgain = (change: (text: string) => string, name = "lib.ts") => {
        const texts: Record<string, string> = { "lib.ts": lib, "between.ts": between, "uses.ts": uses };
        const project = write({ "tsconfig.json": config(), ...texts });
        shared.open([project.folder]);
        const file = project.path("uses.ts");
        for (const one of shared.files()) shared.facts(one);
        for (const one of ["lib.ts", "between.ts", "uses.ts"]) shared.resolveModule(project.path(one), "./x");
        const nodes = kinds.map((kind) => places.idOf("uses.ts", uses, kind));
        const ask = () => shared.types(file, nodes).map(({ thenable }) => thenable);
        assert.deepEqual(ask(), ["never", "always", "always"]);
        shared.setBuffer(project.path(name), change(texts[name] ?? ""));
        shared.commit();
        shared.facts(project.path(name));
        const before = shared.questions.types;
        return { answers: ask(), asked: shared.questions.types - before };
      };
      const same = { answers: ["never", "always", "always"], asked: 0 };

      it("when the body of a function whose type is written changes", () => {
        assert.deepEqual(
          askedAgain((text) => text.replace("= 1;", "= 1; await 1; if (state.n) return;")),
          same,
        );
      });
      it("when the body of one that returns nothing changes", () => {
        assert.deepEqual(
          askedAgain((text) => text.replace("= 2;", "= 2; await 1;")),
          same,
        );
      });
      it("but not when it returns something now", () => {
        const { answers, asked } = askedAgain((text) => text.replace("return state.n", "return quiet()"));
        assert.deepEqual([answers, asked], [["always", "always", "always"], 3]);
      });
      it("but not when a type is another one", () => {
        const { answers, asked } = askedAgain((text) =>
          text.replace("async function quiet() {", "function quiet() {"),
        );
        assert.deepEqual([answers, asked], [["never", "never", "always"], 3]);
      });
      it("but not when what passes it on leads elsewhere", () => {
        const passed = `export { typed, typed as open, open as quiet } from "./lib.js";`;
        const { answers, asked } = askedAgain(() => passed, "between.ts");
        assert.deepEqual([answers, asked], [["always", "never", "always"], 3]);
      });
      it("but not when globals may have changed", () => {
        const { asked } = askedAgain((text) => `${text}\ndeclare global { var one: 1; }`);
        assert.equal(asked, 3);
      });
    });

    describe("keep where names lead into a file", () => {
      const lib = `// What others use.
import { other } from "./other.js";

export interface Shape { area(): number; size: number }
/** A first one. */
export async function typed(): Promise<void> {
  other();
}
export const arrow = (): void => { other(); };
export class Store {
  field = () => { other(); };
  constructor() { other(); }
  load(): void { other(); }
  get size(): number { return 1; }
}
export namespace Space { export function inside(): void {} }`;
      const uses = `import { arrow, Shape, Space, Store, typed } from "./lib.js";
declare const shape: Shape;
const store = new Store();
shape.area; shape.size; typed; arrow; store.field; store.load; store.size; Space.inside; Store;`;
      const names = ["area", "size", "typed", "arrow", "field", "load", "inside", "Store"];
      /** Where the names of another file lead after an edit, and how many of them were asked again. */
      const after = (change: (text: string) => string) => {
        const project = write({
          "tsconfig.json": config(),
          "lib.ts": lib,
          "other.ts": "export function other(): void {}",
          "uses.ts": uses,
        });
        const file = project.path("uses.ts");
        const ask = (): readonly SymbolAnswer[] => {
          for (const one of shared.files()) shared.facts(one);
          const nodes = names.map((name) => places.idOf("uses.ts", uses, name, -1));
          return shared.symbols(file, nodes);
        };
        shared.open([project.folder]);
        for (const one of ask()) assert.equal(one.kind, "declared");
        shared.setBuffer(project.path("lib.ts"), change(lib));
        shared.commit();
        const before = shared.questions.symbols;
        const found = ask();
        const asked = shared.questions.symbols - before;
        shared.open([project.folder]);
        assert.deepEqual(found, ask(), change(lib));
        return asked;
      };

      it("when a line comes above", () => {
        assert.equal(
          after((text) => `// One more.\n\n${text}`),
          0,
        );
      });
      it("when a comment between functions changes", () => {
        assert.equal(
          after((text) => text.replace("/** A first one. */", "// A first.\n// And more.")),
          0,
        );
      });
      it("when a body declares something", () => {
        const body = "other(); function area() {} interface Size { area(): void } class Store { load() {} }";
        assert.equal(
          after((text) => text.replace("  other();", `  ${body}`)),
          0,
        );
      });
      it("but not when something else is declared", () => {
        assert.equal(
          after((text) => `export class First { load(): void {} }\n${text}`),
          names.length,
        );
      });
      it("but not behind a comment to TypeScript", () => {
        assert.equal(
          after((text) => text.replace("/** A first one. */", "// @ts-ignore")),
          names.length,
        );
      });
    });

    it("keep facts of what did not change, over rest too", () => {
      const project = write({ "tsconfig.json": config(), "a.ts": before, "b.ts": before });
      shared.open([project.folder]);
      const kept = shared.facts(project.path("b.ts"));
      shared.setBuffer(project.path("a.ts"), empty);
      shared.commit();
      shared.rest();
      const { trees } = shared.questions;
      assert.equal(shared.facts(project.path("b.ts")), kept);
      assert.equal(shared.questions.trees, trees);
      assert.equal(target(project, "b.ts", before, "f"), "b.ts");
    });
  });
});
