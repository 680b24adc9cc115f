import assert from "node:assert/strict";
import path from "node:path";
import { openProgram } from "./open-program.ts";
import type { Program, SymbolAnswer } from "./program.ts";
import { openPlaces, type Places } from "./testing/places.ts";
import { type TestProject, testProject } from "./testing/project.ts";

const main = `import { Mutex } from "async-mutex";
import { near } from "./lib/near";
import { far } from "lib/far";
import { alias } from "@/alias";
export const all = [Mutex, near, far, alias, Promise, process];
`;

const sources = {
  "src/main.ts": main,
  "src/lib/near.ts": "export const near = 1;",
  "src/lib/far.ts": "export const far = 1;",
  "src/alias.ts": "export const alias = 1;",
};

/** What TypeScript 7 makes of a configuration: the names of `main.ts` that it can follow. */
type Followed = readonly ("Mutex" | "near" | "far" | "alias" | "Promise" | "process")[];

interface Case {
  readonly what: string;
  readonly files: Readonly<Record<string, string | object>>;
  readonly follows: Followed;
  readonly notices?: readonly RegExp[];
  /** Files that are analysed; `src/main.ts` and the three it imports when absent. */
  readonly selected?: readonly string[];
}

const plain: Followed = ["Mutex", "near", "Promise", "process"];
const all: Followed = ["Mutex", "near", "far", "alias", "Promise", "process"];

const cases: readonly Case[] = [
  { what: "no option at all", files: { "tsconfig.json": {} }, follows: plain },
  {
    what: "comments and trailing commas",
    files: { "tsconfig.json": `// a\n{ "compilerOptions": { /* b */ "strict": true, }, }` },
    follows: plain,
  },
  {
    what: "paths",
    files: {
      "tsconfig.json": { compilerOptions: { paths: { "@/*": ["./src/*"], "lib/*": ["./src/lib/*"] } } },
    },
    follows: all,
  },
  {
    what: "paths without './', which TypeScript 7 refuses",
    files: { "tsconfig.json": { compilerOptions: { paths: { "@/*": ["src/*"], "lib/*": ["src/lib/*"] } } } },
    follows: all,
  },
  {
    what: "baseUrl with paths that count from it",
    files: { "tsconfig.json": { compilerOptions: { baseUrl: "./src", paths: { "@/*": ["*"] } } } },
    follows: all,
    notices: [/baseUrl/],
  },
  {
    what: "baseUrl in a base in another folder",
    files: {
      "tsconfig.json": { extends: "./config/base.json", include: ["src"] },
      "config/base.json": { compilerOptions: { baseUrl: "../src", paths: { "@/*": ["./*"] } } },
    },
    follows: all,
    notices: [/baseUrl/],
  },
  {
    what: "the options of a project for TypeScript 4 and CommonJS",
    files: {
      "tsconfig.json": {
        compilerOptions: {
          target: "es5",
          lib: ["es2015"],
          module: "commonjs",
          moduleResolution: "node",
          esModuleInterop: false,
          allowSyntheticDefaultImports: false,
          downlevelIteration: true,
          importsNotUsedAsValues: "error",
        },
      },
    },
    follows: plain,
    notices: [/target=es5, moduleResolution=node, esModuleInterop=false, allowSyntheticDefaultImports=false/],
  },
  ...["amd", "umd", "system", "none"].map((module) => ({
    what: `module ${module}`,
    files: {
      "tsconfig.json": { compilerOptions: { module, moduleResolution: "classic", outFile: "all.js" } },
    },
    follows: plain,
    notices: [new RegExp(`module=${module}, moduleResolution=classic, outFile`)],
  })),
  {
    what: "a lib that does not exist",
    files: { "tsconfig.json": { compilerOptions: { lib: ["nope"] } } },
    follows: plain,
  },
  {
    what: "a lib that became a standard",
    files: { "tsconfig.json": { compilerOptions: { lib: ["es2017", "esnext.asynciterable"] } } },
    follows: plain,
  },
  {
    what: "options that nobody knows and values of the wrong type",
    files: {
      "tsconfig.json": { compilerOptions: { foo: 1, strict: "yes", target: 7, lib: "dom", paths: 4 } },
    },
    follows: plain,
  },
  {
    what: "extends a folder's own configuration by '.' and '..'",
    files: {
      "src/tsconfig.json": { extends: ".." },
      "tsconfig.cjs.json": { extends: "." },
      "tsconfig.json": { compilerOptions: { paths: { "@/*": ["./src/*"], "lib/*": ["./src/lib/*"] } } },
    },
    follows: all,
  },
  {
    what: "a base that does not exist",
    files: { "tsconfig.json": { extends: "./nope.json", include: ["src"] } },
    follows: plain,
    notices: [/extends '\.\/nope\.json', which is not installed/],
  },
  {
    what: "a base from a package that is not installed, beside one that is there",
    files: {
      "tsconfig.json": { extends: ["@tsconfig/nope/tsconfig.json", "./base"], include: ["src"] },
      "base.json": { compilerOptions: { paths: { "@/*": ["./src/*"] } } },
    },
    follows: ["Mutex", "near", "alias", "Promise", "process"],
    notices: [/extends '@tsconfig\/nope\/tsconfig\.json', which is not installed/],
  },
  {
    what: "a base that leads back to itself, which TypeScript 7.0.2 never returns from",
    files: {
      "tsconfig.json": { extends: "./a.json" },
      "a.json": { extends: "./b.json", compilerOptions: { paths: { "@/*": ["./src/*"] } }, include: ["src"] },
      "b.json": { extends: "./a.json", compilerOptions: { strict: true } },
    },
    follows: ["Mutex", "near", "alias", "Promise", "process"],
    notices: [/extends itself through '\.\/a\.json'/],
  },
  {
    what: "a configuration that extends itself",
    files: { "tsconfig.json": { extends: "./tsconfig.json" } },
    follows: plain,
    notices: [/extends itself/],
  },
  { what: "an empty file", files: { "tsconfig.json": "" }, follows: plain },
  {
    what: "text that is cut off",
    files: { "tsconfig.json": `{ "compilerOptions": { "paths": { "@/*": ["./src/*"] }, ` },
    follows: ["Mutex", "near", "alias", "Promise", "process"],
    notices: [/not valid JSON at line 1/],
  },
  {
    what: "a merge conflict",
    files: {
      "tsconfig.json": `{\n<<<<<<< HEAD\n "compilerOptions": {"strict": true}\n=======\n "compilerOptions": {}\n>>>>>>> x\n}`,
    },
    follows: plain,
    notices: [/not valid JSON at line 2/],
  },
  { what: "another kind of JSON", files: { "tsconfig.json": "[]" }, follows: plain },
  {
    what: "something else altogether",
    files: { "tsconfig.json": "hello {{" },
    follows: plain,
    notices: [/not valid JSON at line 1 \(a word or sign that JSON does not have\)/],
  },
  {
    what: "files that do not exist",
    files: { "tsconfig.json": { files: ["nope.ts", "src/main.ts"] } },
    follows: plain,
  },
  {
    what: "an include that meets nothing, so its files are loose",
    files: { "tsconfig.json": { include: ["nothing"] } },
    follows: plain,
  },
  {
    what: "a reference to a project that does not exist",
    files: { "tsconfig.json": { references: [{ path: "./nope" }, {}, 4] } },
    follows: plain,
  },
  {
    what: "types that are named",
    files: { "tsconfig.json": { compilerOptions: { types: ["mocha"] } } },
    follows: ["Mutex", "near", "Promise"],
  },
];

describe("configuration", function () {
  this.timeout(60_000);
  let places: Places;
  let program: Program;
  let project: TestProject | undefined;

  before(() => {
    places = openPlaces();
    program = openProgram();
  });
  afterEach(() => {
    project?.dispose();
    project = undefined;
  });
  after(() => {
    program.close();
    places.close();
  });

  const open = ({ files }: Case): TestProject => {
    const texts = Object.entries(files).map(([name, text]) => [
      name,
      typeof text === "string" ? text : JSON.stringify(text),
    ]);
    project = testProject(
      { ...sources, ...Object.fromEntries(texts) },
      { dependencies: ["async-mutex", "@types"] },
    );
    return project;
  };

  for (const one of cases) {
    it(`opens ${one.what}`, () => {
      const opened = open(one);
      program.open([opened.folder]);
      const file = opened.path("src/main.ts");
      const relative = program.selected().map((name) => path.posix.relative(opened.folder, name));
      assert.deepEqual(relative, one.selected ?? Object.keys(sources).sort());
      const facts = program.facts(file);
      assert.ok(facts);
      const names = all.map((name) => places.idOf("main.ts", main, name, -1));
      const answers = program.symbols(file, names);
      const followed = all.filter((_, index) => leadsAway(answers[index], file));
      assert.deepEqual(followed, one.follows);
      const notices = program.notices();
      assert.equal(
        notices.length,
        one.notices?.length ?? 0,
        notices.map(({ message }) => message).join("\n"),
      );
      for (const [index, pattern] of (one.notices ?? []).entries()) {
        assert.match(notices[index]?.message ?? "", pattern);
      }
    });
  }

  const leadsAway = (answer: SymbolAnswer | undefined, file: string): boolean =>
    answer?.kind === "declared" && answer.file !== file;

  it("leaves types alone where the project's own TypeScript is 6 or later", () => {
    const opened = open({ what: "", files: { "tsconfig.json": {} }, follows: [] });
    opened.remove("node_modules");
    for (const [version, known] of [
      ["6.0.3", false],
      ["5.9.3", true],
    ] as const) {
      opened.write("node_modules/typescript/package.json", JSON.stringify({ version }));
      opened.write("node_modules/@types/node/index.d.ts", "declare var process: { exit(): never };");
      program.open([opened.folder]);
      program.facts(opened.path("src/main.ts"));
      const [answer] = program.symbols(opened.path("src/main.ts"), [
        places.idOf("main.ts", main, "process", -1),
      ]);
      assert.equal(answer?.kind === "declared", known, version);
    }
  });
});
