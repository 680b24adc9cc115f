import assert from "node:assert/strict";
import { openProgram } from "./open-program.ts";
import type { CallbackAnswer, FilePath, Program, SymbolAnswer, TypeAnswer } from "./program.ts";
import { openPlaces, type Places } from "./testing/places.ts";
import { type TestProject, testProject } from "./testing/project.ts";

const tsconfig = JSON.stringify({
  compilerOptions: { strict: true, module: "nodenext", target: "esnext", types: ["node"] },
});

/** Opens a project of these files and asks about them by text. */
function ask(places: Places, project: TestProject, program: Program) {
  program.open([project.folder]);
  return {
    symbol(name: string, source: string, text: string, which = 0): SymbolAnswer {
      const file = project.path(name);
      program.facts(file);
      const [answer] = program.symbols(file, [places.idOf(name, source, text, which)]);
      assert.ok(answer);
      return answer;
    },
    callbacks(name: string, source: string, call: string): readonly CallbackAnswer[] {
      const file = project.path(name);
      program.facts(file);
      return program.callbacks(file, [places.idOf(name, source, call)])[0] ?? [];
    },
    type(name: string, source: string, text: string, which = 0): TypeAnswer {
      const file = project.path(name);
      program.facts(file);
      const [answer] = program.types(file, [places.idOf(name, source, text, which)]);
      assert.ok(answer);
      return answer;
    },
  };
}

describe("answers", function () {
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

  const opened = (files: Record<string, string>, installed = true) => {
    project = testProject({ "tsconfig.json": tsconfig, ...files }, { dependencies: installed || [] });
    return ask(places, project, program);
  };
  const fileOf = (answer: SymbolAnswer): FilePath | undefined =>
    answer.kind === "declared" ? answer.file : undefined;
  const identity = (answer: SymbolAnswer) =>
    answer.kind === "declared"
      ? [answer.package ?? (answer.library ? "lib" : "own"), answer.module, answer.container, answer.name]
          .filter((part) => part !== undefined)
          .join(" ")
      : "unknown";

  describe("where names lead", () => {
    const cases: readonly (readonly [string, string, string, string])[] = [
      ["a named import", `import { Mutex } from "async-mutex";\nnew Mutex();`, "Mutex", "async-mutex Mutex"],
      [
        "a renamed import",
        `import { Mutex as Lock } from "async-mutex";\nnew Lock();`,
        "Lock",
        "async-mutex Mutex",
      ],
      [
        "a namespace",
        `import * as sync from "async-mutex";\nnew sync.Mutex();`,
        "Mutex",
        "async-mutex Mutex",
      ],
      ["the namespace itself", `import * as sync from "async-mutex";\nsync;`, "sync", "async-mutex *"],
      ["a default import", `import PQueue from "p-queue";\nnew PQueue();`, "PQueue", "p-queue PQueue"],
      ["a default function", `import pLimit from "p-limit";\npLimit(1);`, "pLimit", "p-limit pLimit"],
      [
        "a member of a dynamic import",
        `const sync = await import("async-mutex");\nnew sync.Mutex();\nexport {};`,
        "Mutex",
        "async-mutex Mutex",
      ],
      [
        "a variable that takes it apart",
        `const { Mutex } = await import("async-mutex");\nnew Mutex();\nexport {};`,
        "Mutex",
        "own Mutex",
      ],
      [
        "a method",
        `import { Mutex } from "async-mutex";\nnew Mutex().acquire();`,
        "acquire",
        "async-mutex Mutex acquire",
      ],
      [
        "a method behind an interface",
        `import { Mutex, type MutexInterface } from "async-mutex";\nconst m: MutexInterface = new Mutex();\nm.acquire();`,
        "acquire",
        "async-mutex MutexInterface acquire",
      ],
      [
        "a method of a generic class",
        `import PQueue from "p-queue";\nnew PQueue().add(async () => 1);`,
        "add",
        "p-queue PQueue add",
      ],
      [
        "a method through a mapped type",
        `import { Mutex } from "async-mutex";\nconst m: Pick<Mutex, "acquire"> = new Mutex();\nm.acquire();`,
        "m.acquire",
        "async-mutex Mutex acquire",
      ],
      [
        "an element access",
        `import { Mutex } from "async-mutex";\nnew Mutex()["acquire"]();`,
        `"acquire"`,
        "async-mutex Mutex acquire",
      ],
      ["a static method of the library", `Promise.all([]);`, "all", "lib PromiseConstructor all"],
      ["a method of the library", `[1].forEach(() => {});`, "forEach", "lib Array forEach"],
      [
        "a module of Node",
        `import { setTimeout as sleep } from "node:timers/promises";\nsleep(1);`,
        "sleep",
        "node timers/promises setTimeout",
      ],
      ["a global of Node", `process.nextTick(() => {});`, "nextTick", "node Process nextTick"],
      [
        "a class of Node",
        `import { EventEmitter } from "node:events";\nEventEmitter.once(new EventEmitter(), "x");`,
        "once",
        "node events EventEmitter once",
      ],
      ["a name that nobody declares", `nobody();`, "nobody", "unknown"],
      ["a member of any", `declare const x: any;\nx.acquire();`, "acquire", "unknown"],
      [
        "a method that two types declare",
        `class A { go() {} }\nclass B { go() {} }\ndeclare const x: A | B;\nx.go();`,
        "x.go",
        "unknown",
      ],
      ["a private member", `class A { #go() {}\n run() { this.#go(); } }`, "this.#go", "own A #go"],
    ];
    for (const [what, source, text, expected] of cases) {
      it(`${what} leads to ${expected}`, () => {
        assert.equal(identity(opened({ "a.ts": source }).symbol("a.ts", source, text, -1)), expected);
      });
    }

    it("goes through re-exports to the declaration", () => {
      const main = `import { Lock, all } from "./index.js";\nnew Lock();\nnew all.Mutex();`;
      const answers = opened({
        "main.ts": main,
        "index.ts": `export { Mutex as Lock } from "./deep.js";\nexport * as all from "./deep.js";`,
        "deep.ts": `export * from "async-mutex";`,
      });
      assert.equal(identity(answers.symbol("main.ts", main, "Lock", 1)), "async-mutex Mutex");
      assert.equal(identity(answers.symbol("main.ts", main, "Mutex")), "async-mutex Mutex");
    });

    it("finds what JavaScript requires", () => {
      const source = `const { Mutex } = require("async-mutex");\nconst whole = require("async-mutex");\nnew Mutex().acquire();\nnew whole.Semaphore(2);`;
      const answers = opened({ "a.cjs": source });
      assert.equal(identity(answers.symbol("a.cjs", source, "Mutex", 1)), "async-mutex Mutex");
      assert.equal(identity(answers.symbol("a.cjs", source, "acquire")), "async-mutex Mutex acquire");
      assert.equal(identity(answers.symbol("a.cjs", source, "Semaphore")), "async-mutex Semaphore");
    });

    it("knows no class where JavaScript requires a module with a default export, but the module", () => {
      const source = `const PQueue = require("p-queue");\nnew PQueue().add(async () => 1);\nnew PQueue.default().add(async () => 1);`;
      const answers = opened({ "a.cjs": source });
      assert.equal(identity(answers.symbol("a.cjs", source, "PQueue", 1)), "p-queue *");
      assert.equal(identity(answers.symbol("a.cjs", source, "add", 0)), "unknown");
      assert.equal(identity(answers.symbol("a.cjs", source, "add", 1)), "p-queue PQueue add");
    });

    it("leads to the implementation among overloads, and to its id in the other file", () => {
      const lib = `export function save(x: string): void;\nexport function save(x: number): void;\nexport function save(x: unknown): void { void x; }\n`;
      const main = `import { save } from "./lib.js";\nsave(1);`;
      const answer = opened({ "lib.ts": lib, "main.ts": main }).symbol("main.ts", main, "save", 1);
      assert.equal(fileOf(answer), project?.path("lib.ts"));
      const implementation = places.idOf("lib.ts", lib, `export function save(x: unknown): void { void x; }`);
      assert.equal(answer.kind === "declared" && answer.node, implementation);
    });

    it("takes the variable, not the property, of a shorthand", () => {
      const source = `import { Mutex } from "async-mutex";\nexport const all = { Mutex };`;
      assert.equal(
        identity(opened({ "a.ts": source }).symbol("a.ts", source, "Mutex", 1)),
        "async-mutex Mutex",
      );
    });

    it("knows nothing of a package that is not installed, and everything else", () => {
      const source = `import { Mutex } from "async-mutex";\nasync function own() {}\nnew Mutex().acquire();\nown();`;
      const answers = opened({ "a.ts": source }, false);
      assert.equal(identity(answers.symbol("a.ts", source, "Mutex", 1)), "unknown");
      assert.equal(identity(answers.symbol("a.ts", source, "acquire")), "unknown");
      assert.equal(identity(answers.symbol("a.ts", source, "own", 1)), "own own");
      assert.equal(answers.type("a.ts", source, "new Mutex().acquire()").unknown, true);
      assert.equal(answers.type("a.ts", source, "own()").promise, true);
    });

    it("resolves modules to files", () => {
      const source = `import { b } from "./b.js";\nimport "async-mutex";\nexport { c } from "./c.js";\nb;`;
      opened({ "a.ts": source, "b.ts": "export const b = 1;", "c.ts": "export const c = 1;" });
      const a = project?.path("a.ts") ?? "";
      assert.equal(program.resolveModule(a, "./b.js"), project?.path("b.ts"));
      assert.equal(program.resolveModule(a, "./c.js"), project?.path("c.ts"));
      assert.equal(program.resolveModule(a, "./nope.js"), undefined);
    });
  });

  describe("types", () => {
    const declarations = `
class Lazy<T> { then(ok: (value: T) => void, no: (reason: unknown) => void) { void ok; void no; } }
class Own<T> extends Promise<T> {}
interface Joined extends Promise<string> { kill(): void }
declare const schema: { then: { type: string }; go(): void };
declare const chain: { then(name: string): void };
declare const foreign: PromiseLike<number>;
declare const optional: { then?: (ok: () => void) => void };
declare function unconstrained<T>(value: T): void;
`;
    const cases: readonly (readonly [string, string, string])[] = [
      ["Promise.resolve(1)", "always", "promise Promise"],
      ["(async () => 1)()", "always", "promise Promise"],
      ["null as Promise<void> | undefined", "sometimes", "promise"],
      ["null as unknown as Promise<1> | Promise<2>", "always", "promise"],
      ["null as unknown as Promise<void> | Lazy<void>", "always", ""],
      ["null as unknown as Promise<void> & { pid: number }", "always", "promise"],
      ["new Lazy<number>()", "always", "Lazy"],
      ["new Own<number>(() => {})", "always", "Own"],
      ["null as unknown as Joined", "always", "Joined"],
      ["foreign", "always", "PromiseLike"],
      ["schema", "never", ""],
      ["chain", "never", ""],
      ["optional", "never", ""],
      ["[Promise.resolve(1)]", "never", "Array"],
      ["42", "never", ""],
      ["void 0", "never", ""],
      ["process.exit(1)", "never", ""],
      ["null as any", "never", "unknown"],
      ["null as unknown", "never", "unknown"],
      ["nobody()", "never", "unknown"],
    ];
    for (const [text, thenable, rest] of cases) {
      it(`${text} is thenable ${thenable}`, () => {
        const source = `${declarations}(${text});\nexport { unconstrained };`;
        const answer = opened({ "a.ts": source }).type("a.ts", source, `(${text})`);
        const words = [answer.unknown && "unknown", answer.promise && "promise", answer.named?.name];
        assert.equal(answer.thenable, thenable);
        assert.equal(words.filter(Boolean).join(" "), rest);
      });
    }

    it("takes the constraint of a type parameter, and knows nothing without one", () => {
      const source = `export function f<T extends Promise<number>, U>(a: T, b: U) {\n  [a, b];\n}`;
      const answers = opened({ "a.ts": source });
      assert.equal(answers.type("a.ts", source, "a", 1).thenable, "always");
      assert.equal(answers.type("a.ts", source, "a", 1).promise, true);
      assert.equal(answers.type("a.ts", source, "b", 1).unknown, true);
    });

    it("names the package of a class", () => {
      const source = `import PQueue from "p-queue";\nconst queue = new PQueue();`;
      assert.deepEqual(opened({ "a.ts": source }).type("a.ts", source, "new PQueue()"), {
        unknown: false,
        thenable: "never",
        promise: false,
        named: { name: "PQueue", package: "p-queue", library: false },
      });
    });
  });

  it("gives one answer per node, in order, and asks for each node once a generation", () => {
    const source = `import { Mutex } from "async-mutex";\nconst m = new Mutex();\nm.acquire();\nm.release();`;
    opened({ "a.ts": source });
    const file = project?.path("a.ts") ?? "";
    program.facts(file);
    const [acquire, release] = ["acquire", "release"].map((text) => places.idOf("a.ts", source, text));
    assert.ok(acquire && release);
    const before = program.questions.symbols;
    const answers = program.symbols(file, [release, acquire, release]);
    assert.deepEqual(answers.map(identity), [
      "async-mutex Mutex release",
      "async-mutex Mutex acquire",
      "async-mutex Mutex release",
    ]);
    program.symbols(file, [acquire]);
    assert.equal(program.questions.symbols - before, 2);
  });

  it("answers unknown for ids that are no nodes, without losing the others", () => {
    const source = `import { Mutex } from "async-mutex";\nnew Mutex();`;
    opened({ "a.ts": source });
    const file = project?.path("a.ts") ?? "";
    program.facts(file);
    const good = places.idOf("a.ts", source, "Mutex", 1);
    const bad = [0, 2, 100_000].map((id) => id as typeof good);
    assert.deepEqual(program.symbols(file, [...bad, good]).map(identity), [
      "unknown",
      "unknown",
      "unknown",
      "async-mutex Mutex",
    ]);
  });

  it("say what calls do with the results of callbacks", () => {
    const source = `import { get } from "express-serve-static-core";
declare function dropped(run: () => void): void;
declare function either(run: () => void | Promise<void>): void;
declare function overloaded(run: () => void): void;
declare function overloaded(run: () => Promise<void>): void;
declare function generic<T>(run: () => T): T;
declare function several(first: string, ...rest: (() => void)[]): void;
declare const given: [() => void];
const run = async () => {};
dropped(run);
either(run);
overloaded(run);
generic(run);
several("a", run, run);
dropped(...given);
queueMicrotask(run);
get("/", run);
`;
    const { callbacks } = opened(
      {
        "a.ts": source,
        "node_modules/@types/express-serve-static-core/index.d.ts":
          "export function get(path: string, handler: () => void): void;",
        "node_modules/@types/express-serve-static-core/package.json": '{"version":"4.0.0"}',
        "node_modules/express/package.json": '{"version":"5.1.0"}',
      },
      false,
    );
    const results = (call: string) => callbacks("a.ts", source, call).map(({ result }) => result);
    assert.deepEqual(results("dropped(run)"), ["dropped"]);
    assert.deepEqual(results("either(run)"), ["awaited"]);
    assert.deepEqual(results("overloaded(run)"), ["awaited"]);
    assert.deepEqual(results("generic(run)"), ["awaited"]);
    assert.deepEqual(results('several("a", run, run)'), ["unknown", "dropped", "dropped"]);
    assert.deepEqual(results("dropped(...given)"), []);
    const [task] = callbacks("a.ts", source, "queueMicrotask(run)");
    assert.deepEqual(task, { result: "dropped", isPassedOn: false, library: true });
    const [, handler] = callbacks("a.ts", source, 'get("/", run)');
    assert.deepEqual(handler, {
      result: "dropped",
      isPassedOn: false,
      library: false,
      package: { name: "express", major: 5 },
    });
  });

  it("say whether a call gives what a callback gives", () => {
    const source = `interface Tracer { span<T>(name: string, work: () => Promise<T> | T): Promise<T | undefined>; }
declare const tracer: Tracer;
declare function track(work: () => Promise<void>): Promise<void>;
declare function label<T>(of: T, work: () => Promise<void>): Promise<T>;
declare function all<T>(...work: (() => T)[]): Promise<T[]>;
const run = async () => {};
tracer.span("a", run);
track(run);
label(1, run);
all(run, run);
`;
    const { callbacks } = opened({ "a.ts": source }, false);
    const passedOn = (call: string) => callbacks("a.ts", source, call).map(({ isPassedOn }) => isPassedOn);
    assert.deepEqual(passedOn('tracer.span("a", run)'), [false, true]);
    assert.deepEqual(passedOn("track(run)"), [false]);
    assert.deepEqual(passedOn("label(1, run)"), [false, false]);
    assert.deepEqual(passedOn("all(run, run)"), [true, true]);
  });
});
