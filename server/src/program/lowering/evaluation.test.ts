import assert from "node:assert/strict";
import fc from "fast-check";
import { openParser, type Parser } from "../testing/facts-of.ts";
import { runnable } from "../testing/interpret.ts";

// The law of the control-flow graph: run as a program, it does what JavaScript does, step for step.

describe("evaluation order of lowered code", () => {
  let parser: Parser;
  before(() => {
    parser = openParser();
  });
  after(() => parser.close());

  /** Runs a body natively and from its facts, with the same decisions, and compares what they did. */
  async function compare(body: string, seed: number): Promise<void> {
    const main = (code: string) => `async function main(c, p, it, ait, d, o) {\n${code}\n}`;
    const text = main(withUsing(body));
    const native = new Function(`${withoutUsing(main(body))}; return main;`)() as Main;
    const lowered = runnable(parser.facts(text), "main", {}) as Main;
    assert.deepEqual(await trace(lowered, seed), await trace(native, seed), text);
  }

  const table: readonly (readonly [title: string, body: string])[] = [
    ["arguments before the call, callee first", "o.m(c(1), await p(2), c(3));"],
    ["a compound assignment reads first", "let v = c(1); v += await p(2); return v;"],
    ["the right operand is evaluated last", "let v = 1; v = (await p(1)) + v; return v;"],
    ["a property target is evaluated before the value", "o.m(c(1)).x = await p(2); return o.x;"],
    ["a computed target is evaluated before the value", "o[c(1)] = c(2); return o;"],
    [
      "a variable as a key is no name",
      "const k = 'x', x = 'y'; o[k] = c(1); o[x] = c(2); return c(o[k]) + c(o[x]);",
    ],
    ["short circuit", "return c(1) && c(2) || c(3) && !c(4);"],
    ["nullish", "return c(1) ?? c(2) ?? await p(3);"],
    ["conditional chain", "return c(1) ? c(2) : c(3) ? c(4) : c(5);"],
    ["logical assignment", "let v = c(1); v ??= c(2); v ||= c(3); v &&= await p(4); return v;"],
    ["optional chain leaves the whole chain", "return c(1)?.m(c(2)).m(c(3))?.m(c(4));"],
    ["optional call", "const f = c(1); return o.none?.(c(2)), o.m?.(c(3)), (o?.m)(c(4));"],
    ["parentheses end an optional chain", "return (c(1)?.m(c(2)) ?? o).m(c(3));"],
    ["finally overrides return", "try { return c(1); } finally { if (c(2)) return c(3); c(4); }"],
    [
      "finally overrides throw",
      "for (let i = 0; i < 2; i++) { try { c(1); throw 1; } finally { c(2); continue; } }",
    ],
    [
      "finally and labels",
      "outer: for (const a of it(1)) { for (const b of it(2)) { try { if (c(3)) continue outer; if (c(4)) break outer; } finally { c(5); } } }",
    ],
    ["an iterator is closed on break", "for (const a of it(1)) { if (c(2)) break; c(3); }"],
    [
      "an iterator is closed on return",
      "for (const a of it(1)) { try { return c(2); } finally { await p(3); } }",
    ],
    ["an async iterator is closed on throw", "for await (const a of ait(1)) { if (c(2)) throw c(3); }"],
    ["for await over plain values", "for await (const a of [p(1), p(2)]) c(3);"],
    [
      "defaults only for undefined",
      "const f = (a = c(1), { b = c(2) } = {}, [e = c(3)] = [c(4)]) => [a, b, e]; return f(c(5));",
    ],
    [
      "destructuring assignment",
      "let a, b; [a = c(1), { m: b = c(2) }] = [undefined, o]; ({ x: a = c(3) } = o); return a;",
    ],
    [
      "switch falls through",
      "switch (c(1)) { case c(2): c(3); default: c(4); case c(5): c(6); break; case 9: c(7); }",
    ],
    [
      "switch with continue",
      "for (let i = 0; i < 2; i++) { switch (c(1)) { case true: continue; default: c(2); break; } c(3); }",
    ],
    ["do-while with continue", "let i = 0; do { if (c(1)) continue; c(2); } while (++i < 2 && c(3));"],
    ["catch binding and rethrow", "try { await p(1); c(2); } catch (e) { c(3); throw e; } finally { c(4); }"],
    [
      "using, disposed in reverse",
      "{ «using a = d(1)» «using b = d(2)» «await using e = d(3)» c(4); «»«»«» } c(5);",
    ],
    [
      "using in a loop",
      "for (const a of it(1)) { «using b = d(2)» if (c(3)) continue; if (c(4)) break; c(5); «» }",
    ],
    ["using and return", "«using a = d(1)» try { return await p(2); } finally { c(3); } «»"],
    [
      "generator abandoned",
      "function* g() { try { yield c(1); yield c(2); } finally { c(3); } } for (const a of g()) { c(4); break; }",
    ],
    [
      "async generator",
      "async function* g() { try { yield p(1); yield c(2); } finally { await p(3); } } for await (const a of g()) { if (c(4)) break; }",
    ],
    ["hoisted function", "return f(c(1)); function f(a) { return c(2) && a; }"],
    ["labelled block", "a: { if (c(1)) break a; c(2); } c(3);"],
    ["labelled if and try", "a: if (c(1)) { try { if (c(2)) break a; } finally { c(3); } c(4); } c(5);"],
    ["comma, void, typeof", "return (c(1), void c(2), typeof c(3));"],
    ["template", "return `a$" + "{c(1)}b$" + "{await p(2)}`;"],
    ["spread", "o.m(...it(1), c(2)); return [...it(3), c(4)];"],
    ["nested finally", "try { try { c(1); return c(2); } finally { c(3); } } finally { c(4); }"],
    ["for in", "for (const k in { a: c(1), b: c(2) }) { if (c(3)) continue; c(k); }"],
  ];

  for (const [title, body] of table) {
    it(title, async () => {
      for (let seed = 0; seed < 40; seed += 1) await compare(body, seed);
    });
  }

  it("holds for generated programs", async () => {
    await fc.assert(
      fc.asyncProperty(program(), fc.nat(1_000_000), async (body, seed) => {
        await compare(body, seed);
      }),
      { numRuns: 300, seed: 20261122 },
    );
  }).timeout(60_000);
});

type Main = (...values: unknown[]) => Promise<unknown>;

/** `«using x = …»` opens a scope that `«»` ends: Node 22 has no `using`, and esbuild's is wrong in loops. */
function withUsing(text: string): string {
  return text.replace(/«([^»]*)»/g, (_, declaration: string) => (declaration ? `${declaration};` : ""));
}

/** The same program in words that Node 22 knows; what is disposed of here never throws. */
function withoutUsing(text: string): string {
  const open: string[] = [];
  return text.replace(/«(?:(await )?using (\w+) = ([^»]+))?»/g, (_, wait = "", name = "", value = "") => {
    if (name === "") return ` } finally { ${open.pop()} }`;
    open.push(`${wait}${name}.${wait ? "disposeAsync" : "dispose"}();`);
    return `const ${name} = ${value}; try { `;
  });
}

/** What a program does: every call in order, and how it ends. The seed decides what calls return or throw. */
async function trace(main: Main, seed: number): Promise<readonly unknown[]> {
  const log: unknown[] = [];
  let state = seed * 2_654_435_761 + 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const object = {
    x: 1,
    m(...values: unknown[]) {
      log.push(["m", values.map(show)]);
      return random(4) === 0 ? undefined : object;
    },
  };
  const decide = (name: string, id: unknown): unknown => {
    log.push([name, show(id)]);
    if (log.length > 400) throw new Error("long enough");
    switch (random(8)) {
      case 0:
        throw new Error(`${name} ${String(show(id))}`);
      case 1:
        return undefined;
      case 2:
        return null;
      case 3:
        return 0;
      case 4:
        return object;
      default:
        return random(2) === 0;
    }
  };
  const c = (id: unknown) => decide("c", id);
  const p = async (id: unknown) => {
    const value = decide("p", id);
    await undefined;
    return value;
  };
  const d = (id: unknown) => {
    log.push(["d", id]);
    const dispose = () => {
      log.push(["dispose", id]);
    };
    const disposeAsync = async () => {
      await undefined;
      log.push(["async dispose", id]);
    };
    return { dispose, disposeAsync };
  };
  const iterator = (id: unknown) => {
    let count = 0;
    return {
      next() {
        count += 1;
        const value = decide("next", id);
        return count > 2 ? { done: true, value: undefined } : { done: false, value };
      },
      return() {
        log.push(["return", id]);
        return { done: true, value: undefined };
      },
    };
  };
  const iterable = (id: unknown) => ({ [Symbol.iterator]: () => iterator(id) });
  const asyncIterable = (id: unknown) => ({
    [Symbol.asyncIterator]: () => {
      const inner = iterator(id);
      return { next: async () => inner.next(), return: async () => inner.return() };
    },
  });
  try {
    log.push(["returned", show(await main(c, p, iterable, asyncIterable, d, object))]);
  } catch (error) {
    // The engine words its own errors by the text of the program.
    const own = error instanceof TypeError;
    log.push(["threw", own ? "TypeError" : error instanceof Error ? error.message : show(error)]);
  }
  return log;
}

function show(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(show);
  if (typeof value === "object" && value !== null) return "object" in value ? "?" : "object";
  return typeof value === "function" ? "function" : value;
}

// --- generated programs

/** Numbers its calls afterwards, so that a trace says which one ran. */
function program(): fc.Arbitrary<string> {
  return statements(3, { breakable: false, loop: false, labels: [], generator: false }).map((text) => {
    let id = 0;
    let name = 0;
    return text
      .replace(/#/g, () => {
        id += 1;
        return String(id);
      })
      .replace(/@(\d*)/g, () => {
        name += 1;
        return `n${name}`;
      });
  });
}

interface Context {
  readonly breakable: boolean;
  readonly loop: boolean;
  readonly labels: readonly string[];
  readonly generator: boolean;
}

function statements(depth: number, context: Context): fc.Arbitrary<string> {
  return fc.array(statement(depth, context), { minLength: 1, maxLength: 3 }).map((list) => list.join("\n"));
}

function statement(depth: number, context: Context): fc.Arbitrary<string> {
  const e = expression(Math.min(depth, 2), context.generator);
  const simple: fc.Arbitrary<string>[] = [
    e.map((value) => `${value};`),
    e.map((value) => `return ${value};`),
    e.map((value) => `throw ${value};`),
    e.map((value) => `if (${value}) return ${value};`),
    fc.tuple(e, e).map(([a, b]) => `{ let v = ${a}; v += ${b}; v ??= c(#); c(v); }`),
    e.map((value) => `{ const { x = ${value}, m: [y = c(#)] = [] } = { x: c(#) }; c(x); c(y); }`),
  ];
  if (context.breakable) simple.push(fc.constant("break;"));
  if (context.loop) simple.push(fc.constant("continue;"));
  for (const label of context.labels) simple.push(fc.constant(`if (c(#)) break ${label};`));
  if (depth === 0) return fc.oneof(...simple);
  const inner = statements(depth - 1, context);
  const looped = statements(depth - 1, { ...context, breakable: true, loop: true });
  const switched = statements(depth - 1, { ...context, breakable: true });
  const label = `l${depth}`;
  return fc.oneof(
    ...simple,
    fc.tuple(e, inner, inner).map(([test, yes, no]) => `if (${test}) { ${yes} } else { ${no} }`),
    fc.tuple(inner, inner).map(([a, b]) => `try { ${a} } catch (e) { c(#); ${b} }`),
    fc.tuple(inner, inner).map(([a, b]) => `try { ${a} } finally { ${b} }`),
    fc.tuple(inner, inner, inner).map(([a, b, f]) => `try { ${a} } catch { ${b} } finally { ${f} }`),
    fc.tuple(e, looped).map(([test, body]) => `for (let @1 = 0, i = 0; i < 2 && ${test}; i++) { ${body} }`),
    looped.map((body) => `for (const v of it(#)) { ${body} }`),
    looped.map((body) => `for await (const v of ait(#)) { ${body} }`),
    fc.tuple(e, looped).map(([test, body]) => `{ let i = 0; do { ${body} } while (i++ < 1 && ${test}); }`),
    fc
      .tuple(e, switched, switched)
      .map(([value, a, b]) => `switch (${value}) { case true: ${a} case c(#): ${b} default: c(#); }`),
    statements(depth - 1, { ...context, labels: [...context.labels, label] }).map(
      (body) => `${label}: { ${body} }`,
    ),
    inner.map((body) => `{ «using @ = d(#)» ${body} «» }`),
    inner.map((body) => `{ «await using @ = d(#)» ${body} «» }`),
    statements(depth - 1, { breakable: false, loop: false, labels: [], generator: false }).map(
      (body) => `await (async (a = c(#)) => { ${body} })(c(#));`,
    ),
    fc
      .tuple(statements(depth - 1, { breakable: false, loop: false, labels: [], generator: true }), looped)
      .map(([body, loop]) => `for await (const v of (async function* () { ${body} })()) { ${loop} }`),
  );
}

function expression(depth: number, generator: boolean): fc.Arbitrary<string> {
  const leaf = fc.constantFrom("c(#)", "await p(#)", "c(#)", "o", "null");
  if (depth === 0) return leaf;
  const e = expression(depth - 1, generator);
  const forms = [
    leaf,
    fc.tuple(e, e).map(([a, b]) => `(${a} && ${b})`),
    fc.tuple(e, e).map(([a, b]) => `(${a} || ${b})`),
    fc.tuple(e, e).map(([a, b]) => `(${a} ?? ${b})`),
    fc.tuple(e, e, e).map(([a, b, f]) => `(${a} ? ${b} : ${f})`),
    fc.tuple(e, e).map(([a, b]) => `(${a}, ${b})`),
    fc.tuple(e, e).map(([a, b]) => `o.m(${a}, ${b})`),
    fc.tuple(e, e).map(([a, b]) => `(${a})?.m?.(${b})?.m?.(c(#))`),
    fc.tuple(e, e).map(([a, b]) => `(o[\`${"$"}{${a}}\`] = ${b})`),
    fc.tuple(e, e).map(([a, b]) => `[${a}, ${b}]`),
    e.map((a) => `!${a}`),
    e.map((a) => `(o.x ??= ${a})`),
  ];
  if (generator) forms.push(e.map((a) => `(yield ${a})`));
  return fc.oneof(...forms);
}
