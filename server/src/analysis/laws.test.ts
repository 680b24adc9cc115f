import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Finding } from "@unknot/protocol/finding.ts";
import fc from "fast-check";
import { openParser, type Parser } from "../program/testing/facts-of.ts";
import { allRules } from "../rules/index.ts";
import { type AnalysisResult, analyzeProgram, analyzeWith } from "./analyze.ts";
import { defineRule } from "./analyzer.ts";
import { programOf } from "./testing/program-of.ts";

const rulesFolder = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), "rules");

describe("analysis", () => {
  let parser: Parser;
  before(() => {
    parser = openParser();
  });
  after(() => parser.close());

  const analyze = (texts: ReadonlyMap<string, string>): AnalysisResult => {
    const program = programOf(parser, texts);
    return analyzeProgram(program, program.files());
  };
  const analyzeText = (text: string): AnalysisResult => analyze(new Map([["main.ts", text]]));

  describe("findings do not depend on the order of files", () => {
    it("in which the program lists them", function () {
      this.timeout(60_000);
      fc.assert(
        fc.property(programs, fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }), (texts, order) => {
          const entries = [...texts];
          const shuffled = order.flatMap((index) => entries.slice(index, index + 1));
          assert.deepEqual(told(analyze(new Map(shuffled))), told(analyze(texts)), show(texts));
        }),
        { numRuns: 40, seed: 7 },
      );
    });

    it("in which they are solved: under other names the same mistakes are found", function () {
      this.timeout(60_000);
      fc.assert(
        fc.property(
          programs,
          fc.shuffledSubarray(["p", "q", "r", "s"], { minLength: 4 }),
          (texts, letters) => {
            const names = [...texts.keys()];
            const renamed = new Map(names.map((name, index) => [name, `${letters[index]}-renamed.ts`]));
            const back = new Map([...renamed].map(([from, to]) => [to, from]));
            const others = new Map(
              [...texts].map(([name, text]) => [
                renamed.get(name) ?? name,
                text.replace(/"\.\/(\w\.ts)"/g, (_, file: string) => `"./${renamed.get(file)}"`),
              ]),
            );
            assert.deepEqual(mistakes(analyze(others), back), mistakes(analyze(texts)), show(texts));
          },
        ),
        { numRuns: 60, seed: 7 },
      );
    });

    it("and the generated programs have findings of several rules", function () {
      this.timeout(60_000);
      const samples = fc.sample(programs, { numRuns: 60, seed: 7 });
      const rules = new Set(samples.flatMap((texts) => analyze(texts).findings.map(({ rule }) => rule)));
      assert.ok(rules.size >= 3, [...rules].join(", "));
    });
  });

  describe("reaches its fixed point", () => {
    const cases: readonly (readonly [title: string, text: string])[] = [
      [
        "for functions that call each other",
        `import { Mutex } from "async-mutex";
        const m = new Mutex();
        async function even(n) { return n === 0 || odd(n - 1); }
        async function odd(n) { await m.acquire(); return n !== 0 && even(n - 1); }`,
      ],
      [
        "for callbacks that are passed on for ever",
        `async function a(f) { return b(() => f(a)); }
        async function b(f) { return a(() => f(b)); }
        a(b);`,
      ],
      [
        "for objects that hold one another",
        `class Node { next = this; wrap() { return { of: this.next.wrap(), next: () => this.wrap() }; } }
        export const top = new Node().wrap();`,
      ],
      [
        "for values that nest deeper with every call",
        `export function nest(v) { return nest({ v, list: [v, () => nest(v)] }); }
        export let global = nest(1);
        export function grow() { global = nest({ global }); return global; }`,
      ],
      [
        "for a recursive function that uses more than a summary holds",
        `class Store {
          ${repeated(40, (n) => `readonly m${n} = new Map();`)}
          async run(list) {
            if (list.next) await this.run(list.next);
            ${repeated(40, (n) => `this.m${n}.set(list, ${n});`)}
          }
        }`,
      ],
    ];
    for (const [title, text] of cases) {
      it(title, () => {
        const { failures, statistics } = analyzeText(text);
        assert.deepEqual(failures, []);
        assert.equal(statistics.unsettled, 0);
      });
    }
  });

  describe("takes any code", () => {
    it("half-typed: every prefix of a fixture", function () {
      this.timeout(120_000);
      const files = globSync("*/fixtures/**/*.{ts,tsx}", { cwd: rulesFolder }).sort();
      assert.ok(files.length > 50);
      fc.assert(
        fc.property(fc.constantFrom(...files), fc.double({ min: 0, max: 1, noNaN: true }), (file, share) => {
          const text = readFileSync(path.join(rulesFolder, file), "utf8");
          const prefix = text.slice(0, Math.floor(share * text.length));
          assert.deepEqual(analyzeText(prefix).failures, [], prefix);
        }),
        { numRuns: 300, seed: 11 },
      );
    });

    const deep = 3_000;
    const repeat = (text: string, count = deep) => text.repeat(count);
    const hostile: readonly (readonly [title: string, text: () => string])[] = [
      [
        "a function of 5,000 lines",
        () =>
          `import { Mutex } from "async-mutex"; const m = new Mutex(); declare function load(): Promise<void>;
          export async function long() {\n${repeat("const r = await m.acquire(); if (x) { await load(); } r();\n", 5_000)}}`,
      ],
      [
        "deep blocks",
        () => `export async function f() { ${repeat("if (a) { ")} await b(); ${repeat("} ")} }`,
      ],
      [
        "deep try",
        () =>
          `export async function f() { ${repeat("try { ", 300)} await b(); ${repeat("} finally { c(); } ", 300)} }`,
      ],
      ["a long else chain", () => `export function f() { ${repeat("if (a) b(); else ")} c(); }`],
      ["deep calls", () => `${repeat("f(")}1${repeat(")")};`],
      ["deep functions", () => `${repeat("(async () => { await ")}1${repeat("; })()")};`],
      ["a long chain", () => `p${repeat(".then(f)")};`],
      ["a long sum", () => `export const a = 1${repeat(" + b")};`],
      ["deep arrays", () => `export const a = ${repeat("[")}${repeat("]")};`],
      ["deep patterns", () => `export const ${repeat("[")}a${repeat("]")} = b;`],
      ["a long list of statements", () => repeat("f();\n", 20_000)],
      [
        "thousands of functions with one lock, all of which call one function",
        () =>
          `import { Mutex } from "async-mutex"; const m = new Mutex(); declare function load(): Promise<void>;
          async function save() { await load(); }\n${repeat("export async function f() { const r = await m.acquire(); await save(); r(); }\n", 10_000)}`,
      ],
      ["nothing", () => ""],
      ["no code at all", () => "\u0000\u0001\ufffd{{{ ((( <<< \u2028"],
    ];
    for (const [title, text] of hostile) {
      it(title, function () {
        this.timeout(60_000);
        assert.deepEqual(analyzeText(text()).failures, []);
      });
    }
  });

  describe("loses no more than what fails", () => {
    const texts = new Map([
      ["broken.ts", `export async function work() { throw 1; } export function a() { work(); }`],
      ["sound.ts", `async function save() { throw 1; } export function b() { save(); }`],
    ]);
    const nameOf = (file: string) => path.basename(file);

    it("facts of one file", () => {
      const program = programOf(parser, texts);
      const { findings, failures } = analyzeProgram(
        {
          ...program,
          facts(file) {
            if (nameOf(file) === "broken.ts") throw new Error("injected");
            return program.facts(file);
          },
        },
        program.files(),
      );
      assert.deepEqual(
        findings.map(({ at }) => nameOf(at.file)),
        ["sound.ts"],
      );
      assert.deepEqual(
        failures.map(({ file }) => nameOf(file)),
        ["broken.ts"],
      );
      assert.match(failures[0]?.message ?? "", /injected/);
    });

    it("a rule in one file", () => {
      const program = programOf(parser, texts);
      const failing = defineRule({
        id: "failing",
        title: "Fails",
        severity: "warning",
        requires: [],
        run({ file }) {
          if (nameOf(file) === "broken.ts") throw new Error("injected");
        },
      });
      const { findings, failures } = analyzeWith([failing, ...allRules], program, program.files());
      assert.deepEqual(
        findings.map(({ at }) => nameOf(at.file)),
        ["broken.ts", "sound.ts"],
      );
      assert.deepEqual(
        failures.map(({ file, rule }) => [nameOf(file), rule]),
        [["broken.ts", "failing"]],
      );
    });

    it("answers of TypeScript", () => {
      const program = programOf(parser, texts);
      const { findings } = analyzeProgram(
        {
          ...program,
          symbols() {
            throw new Error("injected");
          },
          types() {
            throw new Error("injected");
          },
        },
        program.files(),
      );
      assert.deepEqual(
        findings.map(({ at }) => nameOf(at.file)),
        ["broken.ts", "sound.ts"],
      );
    });
  });

  it("ends soon when nobody wants it any more", () => {
    const long = Array.from(
      { length: 2_000 },
      (_, n) => `export async function f${n}() { await f${n + 1}(); }`,
    );
    const program = programOf(parser, new Map([["main.ts", long.join("\n")]]));
    let asked = 0;
    const { findings, statistics } = analyzeProgram(program, program.files(), {
      isCancelled: () => {
        asked += 1;
        return asked > 4;
      },
    });
    assert.deepEqual(findings, []);
    assert.ok(statistics.evaluations < 2_000, `${statistics.evaluations} evaluations`);
  });

  it("does not look for what will not be shown", () => {
    const text = `it("works", () => { foreign(); }); async function save() { throw 1; } it("saves", () => { save(); });`;
    const program = programOf(parser, new Map([["orders.test.ts", text]]));
    let asked = 0;
    const counting: typeof program = {
      ...program,
      types(file, nodes) {
        asked += nodes.length;
        return program.types(file, nodes);
      },
    };
    const all = analyzeProgram(counting, program.files());
    assert.deepEqual(
      all.findings.map(({ severity }) => severity),
      ["hint"],
    );
    assert.ok(asked > 0);
    asked = 0;
    const shown = analyzeProgram(counting, program.files(), { leastSeverity: "information" });
    assert.deepEqual([shown.findings, asked], [[], 0]);
  });
});

/** Findings without what depends on where the test keeps its files. */
function told({ findings, failures }: AnalysisResult): readonly string[] {
  assert.deepEqual(failures, []);
  const name = ({ file, line }: Finding["at"]) => `${path.basename(file)}:${line}`;
  return findings
    .map(({ rule, severity, at, message, trace }) =>
      [rule, severity, name(at), message, ...trace.map((step) => `${name(step.at)} ${step.what}`)].join(
        " | ",
      ),
    )
    .sort();
}

/** Rules and places. Which of several ways into a queue's wait is shown depends on names; where it waits does not. */
function mistakes({ findings }: AnalysisResult, back?: ReadonlyMap<string, string>): readonly string[] {
  const found = findings.map(({ rule, severity, at, trace }) => {
    const place = rule === "queue-self-wait" ? (trace.at(-1)?.at ?? at) : at;
    const file = path.basename(place.file);
    return `${rule} ${severity} ${back?.get(file) ?? file}:${place.line}`;
  });
  return [...new Set(found)].sort();
}

function show(texts: ReadonlyMap<string, string>): string {
  return [...texts].map(([name, text]) => `// ${name}\n${text}`).join("\n");
}

const locks = ["red", "green", "blue"];
const fileNames = ["a.ts", "b.ts", "c.ts"];

/** Statements over three shared locks, a limiter, a flag and the functions of all files, nested a few levels deep. */
const statement: fc.Arbitrary<string> = fc.letrec<{ one: string; many: string }>((tie) => ({
  one: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(...fileNames.flatMap((file) => [0, 1].map((n) => `await ${file[0]}${n}();`))),
    fc.constantFrom(...fileNames.flatMap((file) => [0, 1].map((n) => `${file[0]}${n}();`))),
    fc.constantFrom(
      "if (flag()) throw new Error();",
      "if (flag()) return;",
      "shared.last = a0;",
      "await shared.last();",
    ),
    fc
      .tuple(fc.constantFrom(...locks), tie("many"))
      .map(([lock, body]) => `await ${lock}.runExclusive(async () => { ${body} });`),
    fc
      .tuple(fc.constantFrom(...locks), tie("many"), fc.boolean())
      .map(([lock, body, safe]) =>
        safe
          ? `{ const r = await ${lock}.acquire(); try { ${body} } finally { r(); } }`
          : `{ const r = await ${lock}.acquire(); ${body} r(); }`,
      ),
    tie("many").map((body) => `await limit(async () => { ${body} });`),
    tie("many").map((body) => `try { ${body} } catch {}`),
  ),
  many: fc.array(tie("one"), { minLength: 1, maxLength: 2 }).map((list) => list.join(" ")),
})).one;

/** Three files that import one another, and a fourth with what they share. */
const programs: fc.Arbitrary<ReadonlyMap<string, string>> = fc
  .array(fc.array(statement, { minLength: 1, maxLength: 3 }), { minLength: 6, maxLength: 6 })
  .map((bodies) => {
    const shared = `import { Mutex } from "async-mutex"; import pLimit from "p-limit";
export const red = new Mutex(), green = new Mutex(), blue = new Mutex();
export const limit = pLimit(1);
export const shared: { last?: () => Promise<void> } = {};
export declare function flag(): boolean;`;
    const names = (file: string) => [`${file[0]}0`, `${file[0]}1`];
    const files = fileNames.map((file, index) => {
      const others = fileNames.filter((other) => other !== file);
      const imports = others.map((other) => `import { ${names(other).join(", ")} } from "./${other}";`);
      const functions = names(file).map(
        (name, n) =>
          `export async function ${name}(): Promise<void> {\n${bodies[2 * index + n]?.join("\n")}\n}`,
      );
      return [
        file,
        [...imports, `import { ${locks.join(", ")}, limit, shared, flag } from "./s.ts";`, ...functions].join(
          "\n",
        ),
      ] as const;
    });
    return new Map([...files, ["s.ts", shared]]);
  });

function repeated(times: number, text: (n: number) => string): string {
  return Array.from({ length: times }, (_, n) => text(n)).join(" ");
}
