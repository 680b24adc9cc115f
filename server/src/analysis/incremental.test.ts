import assert from "node:assert/strict";
import fc from "fast-check";
import type { FileFacts } from "../program/facts.ts";
import type { FilePath, NodeId } from "../program/ids.ts";
import type { SymbolAnswer } from "../program/program.ts";
import { openParser, type Parser } from "../program/testing/facts-of.ts";
import { type AnalysisResult, analyzeProgram } from "./analyze.ts";
import type { AnalyzedProgram } from "./analyzed-program.ts";
import { type KeptAnalysis, keepAnalysis } from "./kept-analysis.ts";

const root = "/program";

describe("an analysis after an edit", () => {
  let parser: Parser;
  before(() => {
    parser = openParser();
  });
  after(() => parser.close());

  const known = new Map<string, FileFacts>();
  const factsOf = (name: string, text: string): FileFacts => {
    const key = `${name}\n${text}`;
    const facts = known.get(key) ?? { ...parser.facts(text, name), path: `${root}/${name}` };
    known.set(key, facts);
    return facts;
  };

  /** A program in which TypeScript knows every member that some class of the program has. */
  const programOf = (texts: ReadonlyMap<string, string>): AnalyzedProgram => {
    const facts = new Map<FilePath, FileFacts>();
    for (const [name, text] of texts) facts.set(`${root}/${name}`, factsOf(name, text));
    const symbolAt = (file: FilePath, node: NodeId): SymbolAnswer => {
      const name = nameAt(facts.get(file), node);
      for (const [path, { classes, functions }] of facts) {
        for (const { members } of classes) {
          const found = members.find((one) => one.name === name && one.kind === "method");
          const declared = found?.function === undefined ? undefined : functions[found.function]?.nodes[0];
          if (name === undefined || declared === undefined) continue;
          return { kind: "declared", name, file: path, node: declared, library: false };
        }
      }
      return { kind: "unknown" };
    };
    return {
      files: () => [...facts.keys()],
      facts: (file) => facts.get(file),
      text: (file) => texts.get(file.slice(root.length + 1)),
      symbols: (file, nodes) => nodes.map((node) => symbolAt(file, node)),
      types: (_, nodes) => nodes.map(() => ({ unknown: true, thenable: "never", promise: false })),
      typeErrors: () => [],
      callbacks: (_, calls) => calls.map(() => []),
      resolveModule(_, specifier) {
        const path = `${root}/${specifier.split("/").at(-1)}`;
        return facts.has(path) ? path : undefined;
      },
      resolutions: 0,
    };
  };

  const analyze = (texts: ReadonlyMap<string, string>, kept?: KeptAnalysis): AnalysisResult => {
    const program = programOf(texts);
    return analyzeProgram(program, program.files(), {}, kept);
  };

  it("finds what an analysis from scratch finds, after any sequence of edits", function () {
    this.timeout(120_000);
    const rules = new Set<string>();
    let saved = 0;
    let repeated = 0;
    fc.assert(
      fc.property(sources, fc.array(edit, { minLength: 1, maxLength: 8 }), (start, edits) => {
        const kept = keepAnalysis();
        let state: readonly Source[] = start;
        for (const change of [undefined, ...edits]) {
          if (change) state = edited(state, change);
          const texts = textsOf(state);
          const incremental = analyze(texts, kept);
          const scratch = analyze(texts);
          const show = () => [...texts].map(([name, text]) => `// ${name}\n${text}`).join("\n");
          assert.deepEqual(incremental.failures, [], show());
          assert.deepEqual(incremental.findings, scratch.findings, show());
          const { evaluations, steps, ...others } = incremental.statistics;
          const { evaluations: all, steps: _, ...same } = scratch.statistics;
          assert.deepEqual(others, same, show());
          assert.ok(evaluations <= all, `${evaluations} > ${all} evaluations\n${show()}`);
          saved += all - evaluations;
          if (steps === 0 && evaluations > 0) repeated += 1;
          for (const { rule } of scratch.findings) rules.add(rule);
        }
      }),
      { numRuns: 100, seed: 3 },
    );
    assert.ok(rules.size >= 4, [...rules].join(", "));
    assert.ok(saved > 5_000, `${saved} evaluations saved`);
    assert.ok(repeated > 20, `${repeated} runs repeated with new code`);
  });

  describe("looks again only at what the edit reaches:", () => {
    const files = 40;
    /** A chain of modules, each with a few functions, and a leaf that nobody calls. */
    const chain = (edits: Readonly<Record<string, string>> = {}) => {
      const texts = new Map<string, string>();
      for (let n = 0; n < files; n += 1) {
        texts.set(
          `m${n}.ts`,
          `import { Mutex } from "async-mutex";
import { step as next } from "./m${n + 1}.ts";
const lock = new Mutex();
export async function step() { return lock.runExclusive(async () => { await next(); }); }
export class Part { async work() { await step(); } other() { return 1; } }
export function unused() { return new Part().other(); }`,
        );
      }
      texts.set(`m${files}.ts`, "export async function step() { await 1; }");
      for (const [name, text] of Object.entries(edits)) texts.set(name, text);
      return texts;
    };
    const leaf = chain().get("m20.ts") ?? "";
    const evaluationsAfter = (text: string): number => {
      const kept = keepAnalysis();
      const first = analyze(chain(), kept).statistics;
      assert.ok(first.evaluations >= 6 * files);
      assert.equal(analyze(chain(), kept).statistics.evaluations, 0, "without an edit");
      const { statistics, findings } = analyze(chain({ "m20.ts": text }), kept);
      assert.deepEqual(findings, analyze(chain({ "m20.ts": text })).findings);
      return statistics.evaluations;
    };

    it("a body that nobody calls", () => {
      // And the module around it, which now ends elsewhere.
      assert.equal(evaluationsAfter(leaf.replace("return new Part().other();", "new Part(); return 2;")), 2);
    });
    it("a comment at the end", () => {
      assert.equal(evaluationsAfter(`${leaf}\n// that is all`), 1);
    });
    it("without going through the program, where nobody else can tell", () => {
      const kept = keepAnalysis();
      const stepsAfter = (text: string) => {
        const { statistics, findings } = analyze(chain({ "m20.ts": text }), kept);
        assert.deepEqual(findings, analyze(chain({ "m20.ts": text })).findings);
        return statistics.steps;
      };
      assert.ok(stepsAfter(leaf) >= 6 * files);
      for (const more of [
        "console.log(1);",
        "console.log(1 + 22);",
        'console.log(1 + 22); console.log("now");',
        "",
      ])
        assert.equal(stepsAfter(leaf.replace("return 1;", `${more} return 1;`)), 0, more);
      assert.ok(stepsAfter(leaf.replace("return 1;", "return 2;")) > 0);
      assert.ok(stepsAfter(leaf.replace("await next();", "await next(); await next();")) > 0);
      assert.ok(stepsAfter(leaf.replace("return 1;", "return step;")) > 0);
    });
    it("a local variable", () => {
      // The functions of the file know its variables.
      assert.ok(evaluationsAfter(leaf.replace("return new", "const part = 1; return new")) <= 8);
    });
    it("what waits, as far as callers are told of it", () => {
      const moved = leaf.replace("await next();", "await next(); await 2;");
      const evaluations = evaluationsAfter(moved);
      assert.ok(evaluations > 1 && evaluations <= 50, `${evaluations} evaluations`);
    });
    it("and not at a function elsewhere that takes many rounds", () => {
      // A value gets on by a few variables with every evaluation of `shift`.
      const count = 120;
      const steps = Array.from({ length: count }, (_, n) => `v${count - n} = v${count - n - 1};`);
      const names = Array.from({ length: count + 1 }, (_, n) => `v${n}`);
      const slow = `let ${names.join(", ")};\nexport function start() { v0 = start; }\nexport function shift() { ${steps.join(" ")} }`;
      const texts = (text: string) => new Map([...chain({ "m20.ts": text }), ["slow.ts", slow]]);
      const kept = keepAnalysis();
      const { functions, evaluations } = analyze(texts(leaf), kept).statistics;
      assert.ok(evaluations > functions + 12, `${evaluations} evaluations of ${functions} functions`);
      assert.equal(analyze(texts(`${leaf}\n// that is all`), kept).statistics.evaluations, 1);
    });
    it("a file that comes and goes", () => {
      const kept = keepAnalysis();
      analyze(chain(), kept);
      const more = chain({ "extra.ts": `import { unused } from "./m3.ts"; export const one = unused();` });
      assert.ok(analyze(more, kept).statistics.evaluations <= 3);
      assert.equal(analyze(chain(), kept).statistics.evaluations, 0);
    });
  });

  describe("in a file that is open, code that only moves makes nobody look again:", () => {
    const hub = `import { Mutex } from "async-mutex";
export const lock = new Mutex();

export function settings() {
  const found = 1;
  return found;
}

export async function save(work: () => Promise<void>) {
  const free = await lock.acquire();
  await work();
  free();
}

export class Store {
  async load() {
    await save(async () => { await 1; });
  }
}
`;
    const importers = Array.from({ length: 12 }, (_, n) => [
      `user${n}.ts`,
      `import { lock, save, Store } from "./hub.ts";
export async function use${n}() { await save(async () => {}); await new Store().load(); }
export async function hold${n}() { await lock.runExclusive(async () => { await use${n}(); }); }`,
    ]);
    const program = (text: string) =>
      programOf(new Map([["hub.ts", text], ...(importers as [string, string][])]));
    const open = [`${root}/hub.ts`, `${root}/user3.ts`];
    /** How many functions each of these edits looks at again, one after the other. */
    const evaluationsOf = (...texts: readonly string[]): readonly number[] => {
      const kept = keepAnalysis();
      const { findings } = analyzeProgram(program(hub), open, {}, kept);
      assert.ok(
        findings.some(({ rule }) => rule === "lock-release-not-in-finally"),
        JSON.stringify(findings),
      );
      return texts.map((text) => {
        const next = analyzeProgram(program(text), open, {}, kept);
        const scratch = analyzeProgram(program(text), open);
        assert.deepEqual(next.findings, scratch.findings, text);
        assert.deepEqual(next.failures, []);
        return next.statistics.evaluations;
      });
    };
    const longLine = `// ${"x".repeat(3_000)}\n`;

    it("a line at the top that comes, grows and goes", () => {
      assert.deepEqual(
        evaluationsOf(`\n${hub}`, `// So\n\n${hub}`, `// So it is.\n${hub}`, hub),
        [1, 1, 1, 1],
      );
    });
    it("a line between functions", () => {
      assert.deepEqual(evaluationsOf(hub.replace("export async", "// Waits.\nexport async")), [0]);
    });
    it("statements in a body above", () => {
      const [first, ...others] = [...'console.log("found");'].map((_, end, all) =>
        hub.replace("  return found", `  ${all.slice(0, end + 1).join("")}\n  return found`),
      );
      // A name, and then another: the file's functions know its globals by none of them.
      for (const count of evaluationsOf(first ?? "", ...others))
        assert.ok(count <= 2, `${count} evaluations`);
    });
    it("more than there is room for, once", () => {
      const texts = [`${longLine.repeat(40)}${hub}`, `// One more.\n${longLine.repeat(40)}${hub}`];
      const [much = 0, more] = evaluationsOf(...texts);
      assert.ok(much > 12, `${much} evaluations`);
      assert.equal(more, 0);
    });
  });

  it("sees what a callee does to a shared place, though its caller is told the same of it", () => {
    const texts = (take: string) =>
      new Map([
        [
          "database.ts",
          `declare function connect(): Promise<{ close(): void }>;
export class Database {
  #busy = false;
  #client: { close(): void } | undefined;
  async open(): Promise<void> {
    if (this.#client) return;
    if (this.#busy) throw new Error("already opening");
    this.#take();
    this.#client = await connect();
  }
  close(): void { this.#client?.close(); }
  #take(): void { this.#mark(); }
  #mark(): void { ${take} }
}`,
        ],
      ]);
    const kept = keepAnalysis();
    const found = ["this.#busy = true;", "", "this.#busy = true;"].map((take) => {
      const { findings } = analyze(texts(take), kept);
      assert.deepEqual(findings, analyze(texts(take)).findings);
      return findings.map(({ rule }) => rule);
    });
    assert.deepEqual(found, [[], ["double-init"], []]);
  });

  it("starts anew when values of the past outnumber those of the present", function () {
    this.timeout(30_000);
    const kept = keepAnalysis();
    const text = (n: number) =>
      Array.from(
        { length: 60 },
        (_, i) => `export function f${n}_${i}() { return g(${n * 1000 + i}, "${n}"); }`,
      ).join("\n");
    let largest = 0;
    for (let n = 0; n < 60; n += 1) {
      analyze(new Map([["a.ts", `${text(n)}\ndeclare function g(...all: unknown[]): void;`]]), kept);
      largest = Math.max(largest, kept.under([], new Map()).memory.values.size);
    }
    const { size } = (() => {
      const fresh = keepAnalysis();
      analyze(new Map([["a.ts", text(1)]]), fresh);
      return fresh.under([], new Map()).memory.values;
    })();
    assert.ok(largest < 4 * size + 12_000, `${largest} values, ${size} in one program`);
  });
});

function nameAt(facts: FileFacts | undefined, node: NodeId): string | undefined {
  for (const { blocks } of facts?.functions ?? []) {
    for (const { code } of blocks) {
      for (const i of code) if (i.op === "get" && i.node === node) return i.name;
    }
  }
  return undefined;
}

// --- programs that are edited

/** A file as functions and methods with their statements. */
interface Source {
  readonly name: string;
  readonly functions: readonly { readonly name: string; readonly body: readonly string[] }[];
  readonly methods: readonly { readonly name: string; readonly body: readonly string[] }[];
  /** Half a statement at its end. */
  readonly isBroken: boolean;
  readonly comment: boolean;
  /** The file whose class its own extends. */
  readonly base: string | undefined;
}

const names = ["save", "load", "send", "close", "retry"];
const locks = ["red", "green"];
const letters = ["a", "b", "c"];

const statement: fc.Arbitrary<string> = fc.letrec<{ one: string; many: string }>((tie) => ({
  one: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom(
      ...names.flatMap((name) => [`await ${name}();`, `${name}();`, `const r = ${name}(); await r;`]),
    ),
    fc.constantFrom(...names.map((name) => `await keeper.${name}(); keeper.field = ${name};`)),
    fc.constantFrom(...letters.flatMap((letter) => names.map((name) => `await ${letter}Keeper.${name}();`))),
    fc.constantFrom(
      ...letters.map((letter) => `((k: Keeper${letter}) => { k.save(); k.field.acquire(); })(foreign);`),
    ),
    fc.constantFrom(
      "if (flag()) throw new Error();",
      "if (flag()) return;",
      "const local = () => save(); await local();",
      "state.job = load; await state.job();",
      "if (!state.ready) { await load(); state.ready = send; }",
      "if (!state.ready) { state.busy = 1; state.ready = await load(); }",
      "if (send()) return;",
      "return state.busy;",
      "foreign.send();",
      "list.push(1);",
    ),
    fc
      .tuple(fc.constantFrom(...locks), tie("many"))
      .map(([lock, body]) => `await ${lock}.runExclusive(async () => { ${body} });`),
    fc
      .tuple(fc.constantFrom(...locks), tie("many"), fc.boolean())
      .map(([lock, body, isSafe]) =>
        isSafe
          ? `{ const free = await ${lock}.acquire(); try { ${body} } finally { free(); } }`
          : `{ const free = await ${lock}.acquire(); ${body} free(); }`,
      ),
  ),
  many: fc.array(tie("one"), { minLength: 1, maxLength: 2 }).map((list) => list.join(" ")),
})).one;

const body = fc.array(statement, { maxLength: 3 });
const declared = fc.uniqueArray(fc.record({ name: fc.constantFrom(...names), body }), {
  selector: ({ name }) => name,
  maxLength: 3,
});
const fileName = fc.constantFrom("a.ts", "b.ts", "c.ts", "d.test.ts");
const source: fc.Arbitrary<Source> = fc.record({
  name: fileName,
  functions: declared,
  methods: declared,
  isBroken: fc.constant(false),
  comment: fc.constant(false),
  base: fc.constantFrom(undefined, undefined, ...letters),
});
const sources = fc.uniqueArray(source, { selector: ({ name }) => name, minLength: 2, maxLength: 4 });

type Edit =
  | { readonly kind: "insert" | "replace"; readonly at: number; readonly into: number; readonly text: string }
  | {
      readonly kind: "remove" | "rename" | "break" | "comment" | "drop-file";
      readonly at: number;
      readonly into: number;
    }
  | { readonly kind: "add-file"; readonly source: Source };

const index = fc.nat({ max: 20 });
const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("insert" as const, "replace" as const),
      at: index,
      into: index,
      text: statement,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "remove" as const,
        "rename" as const,
        "break" as const,
        "break" as const,
        "comment" as const,
        "drop-file" as const,
      ),
      at: index,
      into: index,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("add-file" as const), source }) },
);

function edited(state: readonly Source[], change: Edit): readonly Source[] {
  if (change.kind === "add-file") {
    return [...state.filter(({ name }) => name !== change.source.name), change.source];
  }
  const chosen = state[change.at % Math.max(1, state.length)];
  if (!chosen) return state;
  if (change.kind === "drop-file") return state.filter((one) => one !== chosen);
  return state.map((one) => (one === chosen ? editedFile(one, change) : one));
}

/** `break` once more mends. */
function editedFile(file: Source, change: Exclude<Edit, { kind: "add-file" }>): Source {
  if (change.kind === "break") return { ...file, isBroken: !file.isBroken };
  if (change.kind === "comment") return { ...file, comment: !file.comment };
  const part = change.into % 2 === 0 ? "functions" : "methods";
  const at = change.into % Math.max(1, file[part].length);
  const next = file[part].flatMap((one, position) => {
    if (position !== at) return [one];
    switch (change.kind) {
      case "insert":
        return [{ ...one, body: [change.text, ...one.body] }];
      case "replace":
        return [{ ...one, body: [...one.body.slice(1), change.text] }];
      case "remove":
        return one.body.length > 0 ? [{ ...one, body: one.body.slice(1) }] : [];
      default: {
        const free = names.find((name) => !file[part].some((other) => other.name === name));
        return [{ ...one, name: free ?? one.name }];
      }
    }
  });
  return { ...file, [part]: next };
}

function textsOf(state: readonly Source[]): ReadonlyMap<string, string> {
  const shared = `import { Mutex } from "async-mutex";
export const red = new Mutex(), green = new Mutex();
export const state: any = { job: undefined };
export declare const foreign: any;
export const list: number[] = [];
export declare function flag(): boolean;`;
  const texts = new Map([["shared.ts", shared]]);
  for (const file of state) {
    const imports = state
      .filter((other) => other !== file)
      .flatMap((other) => {
        const wanted = other.functions
          .map(({ name }) => name)
          .filter((name) => !file.functions.some((own) => own.name === name));
        const letter = other.name[0];
        const all = [...wanted, `Keeper${letter}`, `keeper as ${letter}Keeper`];
        return [`import { ${all.join(", ")} } from "./${other.name}";`];
      });
    const members = file.methods.map(({ name, body }) => `  async ${name}() { ${body.join("\n")} }`);
    texts.set(
      file.name,
      [
        ...(file.comment ? ["// A comment moves all below."] : []),
        `import { red, green, state, foreign, list, flag } from "./shared.ts";`,
        ...imports,
        ...file.functions.map(({ name, body }) => `export async function ${name}() {\n${body.join("\n")}\n}`),
        `export class Keeper${file.name[0]}${file.base ? ` extends Keeper${file.base}` : ""} {\n  field = red;\n${members.join("\n")}\n}`,
        `export const keeper = new Keeper${file.name[0]}();`,
        ...(file.isBroken ? ["if ("] : []),
      ].join("\n"),
    );
  }
  return texts;
}
