import assert from "node:assert/strict";
import path from "node:path";
import type { Severity } from "@unknot/protocol/finding.ts";
import { openParser, type Parser } from "../program/testing/facts-of.ts";
import { type AnalysisResult, analyzeProgram } from "./analyze.ts";
import { programOf } from "./testing/program-of.ts";

describe("tests beside a program", () => {
  let parser: Parser;
  before(() => {
    parser = openParser();
  });
  after(() => parser.close());

  const analyze = (
    texts: Readonly<Record<string, string>>,
    leastSeverity: Severity = "hint",
    files?: readonly string[],
  ): AnalysisResult => {
    const program = programOf(parser, new Map(Object.entries(texts)));
    const wanted = program.files().filter((file) => files?.includes(path.basename(file)) ?? true);
    const result = analyzeProgram(program, wanted, { leastSeverity });
    assert.deepEqual(result.failures, []);
    return result;
  };
  const told = ({ findings }: AnalysisResult) =>
    findings.map(({ rule, at }) => `${path.basename(at.file)}:${at.line} ${rule}`);

  const bank = `import { Mutex } from "async-mutex";
const lock = new Mutex();
export async function save() { const release = await lock.acquire(); release(); }
export class Bank { open() { return 1; } async close() { this.open(); } }`;
  const forgets = `import { Mutex } from "async-mutex";
const lock = new Mutex();
it("takes", async () => { await lock.acquire(); });`;
  const plain = `it("adds", () => { const list = [1]; list.push(2); [1, 2].forEach((n) => list.push(n)); });`;

  it("are not solved where none of their findings would be shown", () => {
    const all = analyze({ "bank.ts": bank, "a.test.ts": plain });
    const shown = analyze({ "bank.ts": bank, "a.test.ts": plain }, "warning");
    assert.equal(all.statistics.functions - shown.statistics.functions, 3);
    assert.equal(all.statistics.files, shown.statistics.files);
  });

  const holding: Readonly<Record<string, string>> = {
    "a member of a lock": forgets,
    "a string that names one": forgets.replace("lock.acquire", 'lock["acquire"]'),
    "a name taken out of one": forgets.replace(
      "await lock.acquire()",
      "const { acquire } = lock; await lock.acquire()",
    ),
  };
  for (const [title, text] of Object.entries(holding)) {
    it(`are solved when they mention ${title}`, () => {
      assert.deepEqual(told(analyze({ "a.test.ts": text }, "warning")), ["a.test.ts:3 lock-not-released"]);
    });
  }

  it("are solved when what takes is a function of the program, of a helper, or exported under another name", () => {
    const take = `import { Mutex } from "async-mutex"; const lock = new Mutex();
export async function grab() { return lock.acquire(); }
export { grab as seize };`;
    const test = (name: string, from: string) =>
      `import { ${name} } from "./${from}";\nit("takes", async () => { await ${name}(); });`;
    for (const [name, from] of [
      ["grab", "take.ts"],
      ["seize", "take.ts"],
      ["steal", "helper.test.ts"],
    ] as const) {
      const helper = `export { seize as steal } from "./take.ts"; it("helps", () => {});`;
      const found = analyze(
        { "take.ts": take, "helper.test.ts": helper, "a.test.ts": test(name, from) },
        "warning",
      );
      assert.deepEqual(told(found), ["a.test.ts:2 lock-not-released"], name);
    }
  });

  it("change nothing about the program", () => {
    const program = {
      "state.ts": `export class State { job; work = () => this.job(); }
export const state = new State();
export async function fail() { throw new Error(); }
export function start() { state.work(); }`,
      "bank.ts": bank,
    };
    const test = `import { state, fail, start } from "./state.ts"; import { Bank } from "./bank.ts";
class Mock extends Bank { open() { throw new Error(); } }
it("fails", () => { state.job = fail; start(); new Mock().close(); });`;
    const alone = analyze(program);
    const beside = analyze({ ...program, "a.test.ts": test });
    const source = (list: readonly string[]) => list.filter((one) => !one.startsWith("a.test.ts"));
    assert.deepEqual(source(told(beside)), told(alone));
    assert.deepEqual(
      told(analyze({ ...program, "a.test.ts": test }, "hint", ["state.ts", "bank.ts"])),
      told(alone),
    );
  });

  it("are part of the program when it loads them", () => {
    const fixture = `export async function fail() { throw new Error(); }`;
    const source = `import { fail } from "./fail.test.ts"; export function start() { fail(); }`;
    const found = analyze({ "fail.test.ts": fixture, "a.ts": source }, "warning", ["a.ts"]);
    assert.deepEqual(told(found), ["a.ts:1 floating-task"]);
  });
});
