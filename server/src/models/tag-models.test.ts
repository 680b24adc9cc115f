import assert from "node:assert/strict";
import fc from "fast-check";
import { openParser, type Parser } from "../program/testing/facts-of.ts";
import { modelsOfTags } from "./tag-models.ts";

describe("models in tags", () => {
  let parser: Parser;
  before(() => {
    parser = openParser();
  });
  after(() => parser.close());

  const read = (text: string, name = "locks.ts") => {
    const facts = parser.facts(text, name);
    const { models, problems } = modelsOfTags([facts]);
    return {
      ...(models[0] ?? {}),
      path: facts.path,
      problems: problems.map(({ line, column, message }) => `${line}:${column} ${message}`),
    };
  };

  it("makes a type of a class whose members have tags", () => {
    const { types, modules, path, problems } = read(`
export class Gate {
  /** @unknot acquire */
  async enter(): Promise<void> {}
  /** @unknot release unheld=throw double=stealsHold */
  leave(): void {}
  /**
   * Runs work.
   * @param work something
   * @unknot scoped fn=1
   */
  within = (name: string, work: () => Promise<void>): Promise<void> => work();
  /** @unknot query */
  static count(): number { return 0; }
}`);
    assert.deepEqual(problems, []);
    assert.deepEqual(modules, [path]);
    assert.deepEqual(types, {
      Gate: {
        kind: "mutex",
        create: [{ new: "Gate", capacity: 1 }],
        members: {
          enter: { op: "acquire", await: true, handle: { form: "self", release: ["leave"] } },
          leave: { op: "release", unheld: "throw", double: "stealsHold" },
          within: { op: "scoped", await: true, fn: 1 },
        },
        statics: { count: { op: "query" } },
      },
    });
  });

  it("tells the form of what is handed out from what else is said of it", () => {
    const { types, problems } = read(`
export class Gate {
  /** @unknot acquire handle.double=noop */
  async enter(): Promise<() => void> { return () => {}; }
  /** @unknot acquire handle.index=1 */
  async pair(): Promise<[number, () => void]> { return [1, () => {}]; }
  /** @unknot acquire handle.release=free handle.asyncRelease */
  async lease(): Promise<Lease> { throw new Error(); }
  /** @unknot tryAcquire handle.double=noop */
  tryEnter(): (() => void) | undefined { return undefined; }
  /** @unknot tryAcquire */
  ask(): boolean { return true; }
}
export class Turnstile {
  /** @unknot acquire handle.double=throw */
  async enter(): Promise<void> {}
  /** @unknot release */
  leave(): void {}
}
interface Lease { free(): Promise<void> }`);
    assert.deepEqual(problems, []);
    const handlesOf = (name: string) =>
      Object.values(types?.[name]?.members ?? {}).map(({ handle }) => handle);
    assert.deepEqual(handlesOf("Gate"), [
      { form: "fn", double: "noop" },
      { form: "tuple", index: 1 },
      { form: "object", release: ["free"], asyncRelease: true },
      { form: "fn", double: "noop" },
      undefined,
    ]);
    assert.deepEqual(handlesOf("Turnstile")[0], { form: "self", release: ["leave"], double: "throw" });
  });

  it("takes the kind and the capacity from the class", () => {
    const { types, problems } = read(`
/** @unknot semaphore capacity=arg0.max keyed reentrant=false */
export class Slots {
  /** @unknot acquire key=0 amount=arg1 handle=tuple handle.index=1 handle.double=noop */
  take(key: string, amount: number): Promise<[number, () => void]> { throw new Error(key + amount); }
}`);
    assert.deepEqual(problems, []);
    assert.deepEqual(types?.["Slots"], {
      kind: "semaphore",
      keyed: true,
      reentrant: false,
      create: [{ new: "Slots", capacity: { arg: 0, prop: "max" } }],
      members: {
        take: {
          op: "acquire",
          await: true,
          key: 0,
          amount: { arg: 1 },
          handle: { form: "tuple", index: 1, double: "noop" },
        },
      },
      statics: {},
    });
  });

  it("takes the kind and the capacity from a member where the class says nothing", () => {
    const { types, problems } = read(`
export class Lanes {
  /** @unknot submit key=0 fn=1 capacity=1 */
  add<T>(lane: string, task: () => Promise<T>): Promise<T> { return task(); }
}`);
    assert.deepEqual(problems, []);
    assert.deepEqual(types?.["Lanes"], {
      kind: "queue",
      create: [{ new: "Lanes", capacity: 1 }],
      members: { add: { op: "submit", await: true, key: 0, fn: 1 } },
      statics: {},
    });
  });

  it("knows queues and channels by what their members do", () => {
    const { types } = read(`
export interface Work { /** @unknot submit */ add<T>(task: () => Promise<T>): Promise<T>; }
export interface Pipe { /** @unknot send value=0 */ push(value: number): Promise<void>; }
/** @unknot queue capacity=2 */
export function makeWork(): Work { throw new Error(); }`);
    assert.equal(types?.["Work"]?.kind, "queue");
    assert.equal(types?.["Pipe"]?.kind, "channel");
    assert.deepEqual(types?.["Work"]?.create?.at(-1), { call: "makeWork", capacity: 2 });
  });

  it("makes a resource of a function that has one to itself, and an operation of one that gets one", () => {
    const { types, functions, problems } = read(`
/** @unknot scoped */
export const alone = async <T>(work: () => Promise<T>): Promise<T> => work();
/** @unknot submit fn=1 capacity=3 */
export function enqueue<T>(name: string, work: () => Promise<T>): Promise<T> { return work(); }
/** @unknot release receiver=0 */
export function free(lock: object): void {}`);
    assert.deepEqual(problems, []);
    assert.deepEqual(types?.["alone"], {
      kind: "mutex",
      create: [{ global: "alone", capacity: 1 }],
      call: { op: "scoped", await: true, fn: 0 },
      members: {},
    });
    assert.deepEqual(types?.["enqueue"]?.create, [{ global: "enqueue", capacity: 3 }]);
    assert.deepEqual(functions, { free: { op: "release", receiver: 0 } });
  });

  it("describes the module of an ambient declaration", () => {
    const { modules, types } = read(
      `declare module "ancient-lock" {
  /** @unknot mutex */
  export class Lock {
    /** @unknot scoped */
    hold(work: () => Promise<void>): Promise<void>;
  }
}`,
      "types.d.ts",
    );
    assert.deepEqual(modules, ["ancient-lock"]);
    assert.equal(types?.["Lock"]?.members["hold"]?.op, "scoped");
  });

  const mistakes: readonly (readonly [what: string, text: string, problems: readonly RegExp[]])[] = [
    ["an unknown word", "/** @unknot aquire */\nexport function f() {}", [/^1:13 'op' cannot be 'aquire'/]],
    [
      "an unknown field",
      "/** @unknot scoped fm=0 */\nexport function f(g: () => void) {}",
      [/^1:20 The tag has no field 'fm'/],
    ],
    [
      "a value of the wrong kind",
      "/** @unknot scoped fn=first */\nexport function f(g: () => void) {}",
      [/^1:20 'fn' is a whole number/],
    ],
    [
      "a value that is none of those allowed",
      "/** @unknot acquire handle=fun */\nexport function f() {}",
      [/^1:21 'form' cannot be 'fun'/],
    ],
    [
      "a handle whose form can't be told",
      "/** @unknot scoped handle.double=noop */\nexport function f(g: () => void) {}",
      [/^1:20 'handle' needs the field 'form'/],
    ],
    ["no word", "/** @unknot */\nexport function f() {}", [/^1:5 A tag says what it is/]],
    ["nothing below it", "/** @unknot acquire */\n\nif (1) {}", [/^1:5 A tag speaks about a class/]],
    [
      "a function inside another",
      "function g() {\n  /** @unknot acquire */\n  function f() {}\n}",
      [/^2:7 A tag speaks about/],
    ],
    [
      "an argument that is not there",
      "/** @unknot scoped fn=2 */\nexport function f(g: () => void) {}",
      [/^1:13 'fn' names an argument that 'f' does not take/],
    ],
    [
      "a kind above a method",
      "class A {\n  /** @unknot mutex */\n  f() {}\n}",
      [/^2:15 'mutex' says what a type is/],
    ],
    ["a release of nothing", "/** @unknot release */\nexport function f() {}", [/^1:13 'release' ends what/]],
  ];
  for (const [what, text, expected] of mistakes) {
    it(`points at ${what}`, () => {
      const { problems } = read(text);
      assert.equal(problems.length, expected.length, problems.join("\n"));
      for (const [index, wanted] of expected.entries()) assert.match(problems[index] ?? "", wanted);
    });
  }

  it("keeps what is right beside what is wrong", () => {
    const { types, problems } = read(`
export class Gate {
  /** @unknot scoped */
  within(work: () => void): void { work(); }
  /** @unknot aquire */
  enter(): void {}
}`);
    assert.equal(problems.length, 1);
    assert.deepEqual(Object.keys(types?.["Gate"]?.members ?? {}), ["within"]);
  });

  it("takes any text without throwing, and points into its line", () => {
    const words = fc.constantFrom(
      "acquire",
      "scoped",
      "mutex",
      "fn",
      "handle",
      "=",
      ".",
      "0",
      "arg0",
      ",",
      " ",
    );
    const text = fc.oneof(
      fc.array(words, { maxLength: 12 }).map((list) => list.join("")),
      fc.string().map((one) => one.replace(/[\r\n\u2028\u2029]|\*\//g, "")),
    );
    fc.assert(
      fc.property(text, fc.constantFrom("class A {}", "function f(g: () => void) {}"), (tag, declaration) => {
        const line = `/** @unknot ${tag} */ export ${declaration}`;
        for (const problem of read(line).problems) {
          const [, column = 0] = /^1:(\d+) /.exec(problem)?.map(Number) ?? [];
          assert.ok(column >= 1 && column <= line.length + 1, `${line}\n${problem}`);
        }
      }),
    );
  });

  it("reads no tag in strings, line comments and names of packages", () => {
    const { problems, types } = read(`
// @unknot acquire
/** See @unknot/protocol, or write @unknot in a comment. */
export const text = "/** @unknot acquire */";
export function f() { return text; }`);
    assert.deepEqual(problems, []);
    assert.equal(types, undefined);
  });
});
