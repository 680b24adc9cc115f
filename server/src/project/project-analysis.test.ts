import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import type { Finding, Severity } from "@unknot/protocol/finding.ts";
import fc from "fast-check";
import { openProgram } from "../program/open-program.ts";
import type { Program } from "../program/program.ts";
import { type TestProject, testProject } from "../program/testing/project.ts";
import { createProjectAnalysis, type ProjectChoices } from "./project-analysis.ts";

const tsconfig = JSON.stringify({ compilerOptions: { strict: true, target: "es2023", module: "nodenext" } });
const shop = `declare function load(id: number): Promise<number>;

async function save(): Promise<void> {
  await load(1);
  throw new Error("full");
}

export class Orders {
  place(): void {
    save();
  }
  cancel(): void {
    save();
    save();
  }
}

export function restock(): void {
  save();
  const later = () => {
    save();
  };
  later();
}
`;

describe("projects", function () {
  this.timeout(120_000);
  let program: Program;
  const toDispose: (() => void)[] = [];
  before(() => {
    program = openProgram();
  });
  after(() => program.close());
  afterEach(() => {
    for (const dispose of toDispose.splice(0)) dispose();
  });

  const open = (
    files: Readonly<Record<string, string>>,
    dependencies: readonly string[] = [],
  ): TestProject => {
    const project = testProject({ ".git/HEAD": "", "tsconfig.json": tsconfig, ...files }, { dependencies });
    toDispose.push(project.dispose);
    program.open([project.folder]);
    return project;
  };
  const run = (
    choices: ProjectChoices & {
      readonly rules?: readonly string[];
      readonly leastSeverity?: Severity;
      readonly severities?: Readonly<Record<string, "error" | "off">>;
    } = {},
  ) => createProjectAnalysis().run(program, program.selected(), choices);
  const lines = (findings: readonly Finding[]) =>
    findings.map(({ at, severity, rule }) => `${at.file.split("/").at(-1)}:${at.line} ${severity} ${rule}`);

  it("do not say of a method that only declarations beside its code show how it fails", () => {
    const compilerOptions = {
      allowJs: true,
      strict: true,
      target: "es2023",
      module: "nodenext",
      noEmit: true,
    };
    const declared = (name: string) =>
      `export declare class ${name} { send(event: string): Promise<void>; }\n`;
    const use = (name: string, from: string) =>
      `import { ${name} } from "./${from}";\nexport function clear(to: ${name}) {\n  to.send("clear");\n}\n`;
    open({
      "tsconfig.json": JSON.stringify({
        compilerOptions,
        files: ["broker.js", "broker.d.ts", "remote.d.ts", "local.ts", "far.ts"],
      }),
      "broker.d.ts": declared("Broker"),
      "broker.js": "export class Broker {\n  send(event) { return deliver(event).catch(() => {}); }\n}\n",
      "remote.d.ts": declared("Remote"),
      "local.ts": use("Broker", "broker.js"),
      "far.ts": use("Remote", "remote.js"),
    });
    assert.deepEqual(lines(run().findings), [
      "far.ts:3 warning floating-task",
      "local.ts:3 information floating-task",
    ]);
  });

  describe("severities", () => {
    const config = (value: unknown) => ({ "unknot.config.json": JSON.stringify(value) });
    const code = "async function save() { throw 1; }\nexport function f() {\n  save();\n}\n";

    it("come from settings before the configuration before the rule and the role of the file", () => {
      const files = { "src/a.ts": code, "test/a.test.ts": code };
      open(files);
      assert.deepEqual(lines(run().findings), [
        "a.ts:3 warning floating-task",
        "a.test.ts:3 hint floating-task",
      ]);
      open({ ...files, ...config({ rules: { "floating-task": "error" } }) });
      assert.deepEqual(lines(run().findings), [
        "a.ts:3 error floating-task",
        "a.test.ts:3 error floating-task",
      ]);
      assert.deepEqual(lines(run({ severities: { "floating-task": "off" } }).findings), []);
      open({ ...files, ...config({ rules: { "floating-task": "off" } }) });
      assert.deepEqual(lines(run().findings), []);
      assert.deepEqual(lines(run({ severities: { "floating-task": "error" } }).findings).length, 2);
    });

    it("that are off do not keep a rule from being asked for by name", () => {
      open({ "src/a.ts": code, ...config({ rules: { "floating-task": "off" } }) });
      assert.deepEqual(lines(run({ rules: ["floating-task"] }).findings), ["a.ts:3 warning floating-task"]);
    });

    it("are overridden for some files, the later override first", () => {
      open({
        "src/a.ts": code,
        "src/old/b.ts": code,
        "src/old/new/c.ts": code,
        ...config({
          overrides: [
            { files: ["src/old"], rules: { "floating-task": "off" } },
            { files: ["src/old/new/**"], rules: { "floating-task": "information" } },
          ],
        }),
      });
      assert.deepEqual(lines(run().findings), [
        "a.ts:3 warning floating-task",
        "c.ts:3 information floating-task",
      ]);
    });

    it("are those of the nearest configuration, and none above the repository count", () => {
      const project = open({
        "a.ts": code,
        "packages/b/src/b.ts": code,
        "packages/b/unknot.config.json": '{ "rules": { "floating-task": "hint" } }',
        "packages/c/.git/HEAD": "",
        "packages/c/c.ts": code,
        ...config({ rules: { "floating-task": "error" } }),
      });
      assert.deepEqual(lines(run().findings), [
        "a.ts:3 error floating-task",
        "b.ts:3 hint floating-task",
        "c.ts:3 warning floating-task",
      ]);
      assert.ok(run().read.includes(project.path("packages/b/unknot.config.json")));
    });

    it("hold also for unused suppressions", () => {
      const unused = "// unknot-ignore-next-line floating-task -- gone\nexport {};\n";
      open({ "a.ts": unused, ...config({ rules: { "unused-suppression": "error" } }) });
      assert.deepEqual(lines(run().findings), ["a.ts:1 error unused-suppression"]);
      open({ "a.ts": unused, ...config({ rules: { "unused-suppression": "off" } }) });
      assert.deepEqual(lines(run().findings), []);
    });

    it("do not reach files that are excluded, and callees may be listed as safe", () => {
      open({ "a.ts": code, "gen/b.ts": code, ...config({ exclude: ["gen"] }) });
      const { files, findings } = run();
      assert.equal(files.length, 1);
      assert.deepEqual(lines(findings), ["a.ts:3 warning floating-task"]);
      open({ "a.ts": code, ...config({ floatingTask: { safeToDrop: ["save"] } }) });
      assert.deepEqual(lines(run().findings), []);
    });

    it("of a broken configuration are told with their place, and the analysis goes on", () => {
      const project = open({ "a.ts": code, "unknot.config.json": '{\n  "rules": { "floating-task": 3 }\n}' });
      const { findings, notices } = run();
      assert.deepEqual(lines(findings), ["a.ts:3 warning floating-task"]);
      assert.equal(notices.length, 1);
      assert.equal(notices[0]?.file, project.path("unknot.config.json"));
      assert.deepEqual(notices[0]?.at, { line: 2, column: 31 });
    });
  });

  describe("models", () => {
    const gate = `export class Gate {
  async within<T>(fn: () => Promise<T>): Promise<T> { return fn(); }
}
`;
    const nested = (specifier: string) => `import { Gate } from "${specifier}";
const gate = new Gate();
export async function twice(): Promise<void> {
  await gate.within(async () => {
    await gate.within(async () => {});
  });
}
`;
    const model = (module: string) =>
      JSON.stringify({
        unknot: 1,
        modules: [module],
        types: {
          Gate: {
            kind: "mutex",
            create: [{ new: "Gate", capacity: 1 }],
            members: { within: { op: "scoped", await: true, fn: 0 } },
          },
        },
      });
    const reentry = ["use.ts:5 error lock-reentry"];

    it("of the project's own files are found in .unknot/models, also through another file", () => {
      const files = { "src/gate.ts": gate, "src/barrel.ts": 'export * from "./gate.js";\n' };
      for (const from of ["./gate.js", "./barrel.js"]) {
        open({ ...files, "src/use.ts": nested(from) });
        assert.deepEqual(lines(run().findings), [], from);
        for (const module of ["./src/gate", "./src/gate.ts", "./src/gate.js"]) {
          open({ ...files, "src/use.ts": nested(from), ".unknot/models/gate.json": model(module) });
          assert.deepEqual(lines(run().findings), reentry, `${module} from ${from}`);
        }
      }
    });

    it("are listed by the configuration and by settings", () => {
      const files = {
        "src/gate.ts": gate,
        "src/use.ts": nested("./gate.js"),
        "locks.json": model("./src/gate"),
      };
      open({ ...files, "unknot.config.json": '{ "models": ["locks.json"] }' });
      assert.deepEqual(lines(run().findings), reentry);
      open({ ...files, "unknot.config.json": "{}" });
      assert.deepEqual(lines(run().findings), []);
      assert.deepEqual(lines(run({ models: ["./locks.json"] }).findings), reentry);
    });

    const dependency = (field: string, described = "gates"): Readonly<Record<string, string>> => ({
      "node_modules/gates/package.json": JSON.stringify({
        name: "gates",
        types: "index.d.ts",
        unknot: field,
      }),
      "node_modules/gates/index.d.ts":
        "export declare class Gate { within<T>(fn: () => Promise<T>): Promise<T>; }\n",
      "node_modules/gates/unknot.json": model(described),
      "use.ts": nested("gates"),
    });

    it("come with packages that describe themselves, and a project's own come before", () => {
      open(dependency("./unknot.json"));
      assert.deepEqual(lines(run().findings), reentry);
      const other = model("gates").replace('"scoped"', '"query"');
      open({ ...dependency("./unknot.json"), ".unknot/models/gates.json": other });
      assert.deepEqual(lines(run().findings), []);
    });

    it("of a package speak about that package only, by a file inside of it", () => {
      open(dependency("./unknot.json", "async-mutex"));
      assert.match(run().notices[0]?.message ?? "", /may only describe 'gates'/);
      open({ ...dependency("../../outside.json"), "outside.json": model("gates") });
      const { findings, notices } = run();
      assert.deepEqual(lines(findings), []);
      assert.match(notices[0]?.message ?? "", /inside the package/);
    });

    it("that are wrong are told with their place and left out", () => {
      const project = open({
        "src/gate.ts": gate,
        "src/use.ts": nested("./gate.js"),
        ".unknot/models/a.json": '{ "unknot": 1,\n  "modules": ["./src/gone"] }',
        ".unknot/models/b.json": '{ "unknot": 1,\n  "modulse": [] }',
        ".unknot/models/c.json": model("./src/gate"),
        "unknot.config.json": '{ "models": ["d.json"] }',
      });
      const { findings, notices } = run();
      assert.deepEqual(lines(findings), reentry);
      const told = notices.map(
        ({ file, at }) => `${file.slice(project.folder.length + 1)} ${at?.line}:${at?.column}`,
      );
      assert.deepEqual(told.sort(), [
        ".unknot/models/a.json 2:15",
        ".unknot/models/b.json 1:1",
        ".unknot/models/b.json 2:3",
        "d.json undefined:undefined",
      ]);
    });
  });

  describe("tags", () => {
    const gate = (tag: string, prefix = "") => `export ${prefix}class Gate {
  /** ${tag} */
  ${prefix === "" ? "async " : ""}within<T>(fn: () => Promise<T>): Promise<T>${prefix === "" ? " { return fn(); }" : ";"}
}
`;
    const nested = (specifier: string) => `import { Gate } from "${specifier}";
declare const gates: Gate[];
export async function twice(gate: Gate): Promise<void> {
  await gate.within(async () => {
    await gate.within(async () => {});
  });
  for (const one of gates) {
    await one.within(async () => {
      await one.within(async () => {});
    });
  }
}
`;
    const reentry = ["use.ts:5 error lock-reentry", "use.ts:9 error lock-reentry"];
    const scoped = "@unknot scoped";

    it("above the code are as good as a model, through other files and by what TypeScript says", () => {
      const files = { "src/gate.ts": gate(scoped), "src/barrel.ts": 'export * from "./gate.js";\n' };
      for (const from of ["./gate.js", "./barrel.js"]) {
        open({ ...files, "src/use.ts": nested(from) });
        assert.deepEqual(lines(run().findings), reentry, from);
      }
      open({ "src/gate.ts": gate("scoped"), "src/use.ts": nested("./gate.js") });
      assert.deepEqual(lines(run().findings), []);
    });

    it("are corrected by the project's own models", () => {
      const other = {
        unknot: 1,
        modules: ["./src/gate"],
        types: { Gate: { kind: "mutex", members: { within: { op: "query" } } } },
      };
      open({
        "src/gate.ts": gate(scoped),
        "src/use.ts": nested("./gate.js"),
        ".unknot/models/gate.json": JSON.stringify(other),
      });
      assert.deepEqual(lines(run().findings), []);
    });

    it("count in declarations of JavaScript, of packages and of ambient modules", () => {
      const declared = gate(scoped, "declare ");
      open({
        "src/gate.js": "exports.Gate = class {};\n",
        "src/gate.d.ts": declared,
        "src/use.ts": nested("./gate.js"),
      });
      assert.deepEqual(lines(run().findings), reentry, "beside JavaScript");
      open({
        "node_modules/gates/package.json": '{ "name": "gates", "types": "index.d.ts" }',
        "node_modules/gates/index.d.ts": 'export * from "./gate.js";\n',
        "node_modules/gates/gate.d.ts": declared,
        "src/use.ts": nested("gates"),
      });
      assert.deepEqual(lines(run().findings), reentry, "in a package");
      open({
        "src/types.d.ts": `declare module "gates" {\n${declared.replace("declare ", "")}}\n`,
        "src/use.ts": nested("gates"),
      });
      assert.deepEqual(lines(run().findings), reentry, "in an ambient module");
    });

    it("that are wrong are told with their place, and the others count", () => {
      const project = open({
        "src/gate.ts": `${gate(scoped)}/** @unknot mutx */\nexport class Other {}\n`,
        "src/use.ts": nested("./gate.js"),
      });
      const { findings, notices } = run();
      assert.deepEqual(lines(findings), reentry);
      assert.deepEqual(
        notices.map(({ file, at }) => `${file.slice(project.folder.length + 1)} ${at?.line}:${at?.column}`),
        ["src/gate.ts 5:13"],
      );
    });
  });

  describe("baselines", () => {
    const write = (choices: ProjectChoices = {}): void => {
      for (const { file, text } of run({ ...choices, baseline: { mode: "write", ...choices.baseline } })
        .baselines) {
        if (text !== undefined) writeFileSync(file, text);
      }
    };

    it("hold back what is in them, also when they are written twice", () => {
      const project = open({ "src/shop.ts": shop });
      assert.equal(run().findings.length, 5);
      write();
      const text = readFileSync(project.path("unknot-baseline.json"), "utf8");
      assert.match(
        text,
        /^ {6}\{"rule":"floating-task","in":"[^"]*cancel","code":"save\(\);","message":"[^"]*","count":2\}/m,
      );
      const { findings, baselines } = run();
      assert.deepEqual(findings, []);
      assert.equal(baselines[0]?.known, 5);
      assert.deepEqual(baselines[0]?.stale, []);
      write();
      assert.equal(readFileSync(project.path("unknot-baseline.json"), "utf8"), text);
      assert.equal(run({ baseline: { mode: "ignore" } }).findings.length, 5);
    });

    it("say what in them is gone, with its file", () => {
      const project = open({ "src/shop.ts": shop, "src/old.ts": shop });
      write();
      program.invalidate([
        project.write("src/shop.ts", shop.replace("    save();\n    save();", "    save();")),
        project.remove("src/old.ts"),
      ]);
      program.commit();
      const stale = (thorough: boolean) =>
        run({ baseline: { mode: "apply", thorough } }).baselines.flatMap((one) =>
          one.stale.map(({ file, entry }) => `${file.split("/").at(-1)} ${entry.count}`),
        );
      assert.deepEqual(stale(false), ["shop.ts 1"]);
      assert.deepEqual(stale(true).sort(), ["old.ts 1", "old.ts 1", "old.ts 1", "old.ts 2", "shop.ts 1"]);
      write();
      assert.deepEqual(stale(true), []);
    });

    it("do not call stale what a run does not look for", () => {
      const project = open({ "src/shop.ts": shop, "test/shop.test.ts": shop });
      write();
      program.invalidate([
        project.write("src/shop.ts", "export {};\n"),
        project.write("test/shop.test.ts", "export {};\n"),
      ]);
      program.commit();
      const stale = (leastSeverity?: "information" | "warning") =>
        run(leastSeverity ? { leastSeverity } : {}).baselines.flatMap((one) =>
          one.stale.map(({ file }) => file.split("/").at(-1)),
        );
      assert.deepEqual([...new Set(stale())], ["shop.ts", "shop.test.ts"]);
      assert.deepEqual([...new Set(stale("information"))], ["shop.ts"]);
      assert.deepEqual(stale("warning"), []);
    });

    it("keep what was not looked at when they are written", () => {
      const project = open({
        "a.ts": shop,
        "b.ts": "// unknot-ignore-next-line floating-task -- gone\nexport {};\n",
      });
      write();
      const all = readFileSync(project.path("unknot-baseline.json"), "utf8");
      write({ rules: ["lock-reentry"] } as ProjectChoices);
      assert.equal(readFileSync(project.path("unknot-baseline.json"), "utf8"), all);
      program.open([project.path("b.ts")]);
      write();
      assert.equal(readFileSync(project.path("unknot-baseline.json"), "utf8"), all);
    });

    it("lie where the configuration or the choice says, or nowhere", () => {
      const project = open({
        "src/a.ts": shop,
        "unknot.config.json": '{ "baseline": "ci/known.json" }',
        "ci/x": "",
      });
      assert.match(run().notices[0]?.message ?? "", /There is no baseline/);
      write();
      assert.match(readFileSync(project.path("ci/known.json"), "utf8"), /"\.\.\/src\/a\.ts"/);
      assert.deepEqual(run().findings, []);
      const file = project.path("other.json");
      write({ baseline: { mode: "write", file } });
      assert.deepEqual(run({ baseline: { mode: "apply", file } }).findings, []);
      open({ "src/a.ts": shop, "unknot.config.json": '{ "baseline": false }', "unknot-baseline.json": "{}" });
      const { findings, notices } = run();
      assert.equal(findings.length, 5);
      assert.deepEqual(notices, []);
    });

    it("that are no baselines hold nothing back and are told", () => {
      for (const text of [
        "",
        "[]",
        '{ "unknot": 2 }',
        '{ "unknot": 1, "findings": { "src/a.ts": [1, {}] } }',
      ]) {
        open({ "src/a.ts": shop, "unknot-baseline.json": text });
        const { findings, notices } = run();
        assert.equal(findings.length, 5);
        assert.equal(notices.length, text.startsWith('{ "unknot": 1') ? 0 : 1, text);
      }
    });

    it("survive unrelated lines anywhere, and know a copy from the original", () => {
      const project = open({ "src/shop.ts": shop });
      write();
      const file = project.path("src/shop.ts");
      const original = shop.split("\n");
      const noise = fc.constantFrom("", "  // a remark: save()", "\t\t", "/* 1 */", ";");
      const between = fc.integer({ min: 0, max: original.length - 1 });
      const call = fc.constantFrom("place", "cancel", "restock", "later");
      const analysis = createProjectAnalysis();
      fc.assert(
        fc.property(
          fc.array(fc.tuple(between, noise), { maxLength: 12 }),
          fc.option(call),
          (insertions, copyIn) => {
            const lines = original.map((line) => [line]);
            // Between members of a class a semicolon may stand, before the braces of a function too.
            for (const [at, text] of insertions) lines[at]?.unshift(text);
            let text = lines.flat().join("\n");
            if (copyIn)
              text = text.replace(new RegExp(`(${copyIn}\\b.*\\{\n(?:.*\n)*?)(\\s*save\\(\\);\n)`), "$1$2$2");
            program.setBuffer(file, text);
            program.commit();
            const { findings } = analysis.run(program, [file], {});
            assert.equal(findings.length, copyIn ? 1 : 0, text);
          },
        ),
        { numRuns: 40 },
      );
      program.closeBuffer(file);
    });
  });

  describe("other linters", () => {
    const code = `async function own(): Promise<void> { throw new Error("no"); }
const hidden: () => void = async () => { throw new Error("no"); };
export function run(): void {
  own();
  hidden();
  fetch("https://example.org");
}
`;
    const oxlint = { ".oxlintrc.json": '{ "options": { "typeAware": true } }' };
    const biome = {
      "biome.json": '{ "linter": { "rules": { "nursery": { "noFloatingPromises": "error" } } } }',
    };
    const found = (choices: ProjectChoices = {}) => run(choices).findings.map(({ at }) => at.line);

    it("need not be repeated, but for what they do not see", () => {
      open({ "a.ts": code });
      assert.deepEqual(found(), [4, 5, 6]);
      open({ "a.ts": code, ...oxlint });
      assert.deepEqual(found(), [5]);
      open({ "a.ts": code, ...biome });
      assert.deepEqual(found(), [5, 6]);
    });

    it("are looked at as the setting says, before the configuration", () => {
      open({ "a.ts": code, ...oxlint });
      assert.deepEqual(found({ deferToLinter: "never" }), [4, 5, 6]);
      open({ "a.ts": code });
      assert.deepEqual(found({ deferToLinter: "always" }), [5]);
      open({
        "a.ts": code,
        ...oxlint,
        "unknot.config.json": '{ "floatingTask": { "deferToLinter": "never" } }',
      });
      assert.deepEqual(found(), [4, 5, 6]);
      assert.deepEqual(found({ deferToLinter: "auto" }), [5]);
    });
  });
});
