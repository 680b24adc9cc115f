import fc from "fast-check";

type Form = "function" | "arrow" | "method" | "generator" | "parameters" | "expression";

/** How many functions may be called here, whether yields are allowed, and new names. */
interface Place {
  readonly callable: number;
  readonly yields: boolean;
  readonly loops: number;
  readonly fresh: () => string;
}

type Part = (place: Place) => string;

const helpers = `
async function run(f, x) {
  const made = f.call({ tag: "this" }, x);
  if (made !== null && typeof made === "object" && Symbol.asyncIterator in made) {
    let sum = 0;
    for await (const item of made) { log("item", item); sum += item; if (sum > 20) break; }
    return sum;
  }
  return await made;
}`;

function declare(form: Form, index: number, body: readonly Part[], fresh: () => string): string {
  const place: Place = { callable: index, yields: form === "generator", loops: 0, fresh };
  const text = body.map((part) => part(place)).join("\n  ");
  const name = `f${index}`;
  switch (form) {
    case "function":
      return `async function ${name}(x) {\n  "use strict";\n  log("${name}", x, this?.tag, arguments.length);\n  ${text}\n}`;
    case "arrow":
      return `const ${name} = async (x) => {\n  ${text}\n};`;
    case "method":
      return `class C${index} { #secret = ${index}; async m(x) {\n  log(this.#secret, new.target === undefined);\n  ${text}\n} }\nconst ${name} = (x) => new C${index}().m(x);`;
    case "generator":
      return `async function* ${name}(x) {\n  ${text}\n  yield x;\n}`;
    case "parameters":
      return `async function ${name}(x, { y = later(1) } = {}, ...rest) {\n  log(await y, rest.length);\n  ${text}\n}`;
    case "expression":
      return `const ${name} = async (x) => (log("${name}"), ${index === 0 ? "later(x)" : `run(f${index - 1}, x - 1)`});`;
  }
}

const knownStatements = new Map<number, fc.Arbitrary<Part>>();
const knownExpressions = new Map<number, fc.Arbitrary<Part>>();

/** The same arbitrary for the same depth: their number would grow exponentially else. */
function remembered(
  known: Map<number, fc.Arbitrary<Part>>,
  depth: number,
  make: (depth: number) => fc.Arbitrary<Part>,
): fc.Arbitrary<Part> {
  let arbitrary = known.get(depth);
  if (arbitrary === undefined) {
    arbitrary = make(depth);
    known.set(depth, arbitrary);
  }
  return arbitrary;
}

function statements(depth: number): fc.Arbitrary<Part> {
  return remembered(knownStatements, depth, makeStatements);
}

function expressions(depth: number): fc.Arbitrary<Part> {
  return remembered(knownExpressions, depth, makeExpressions);
}

function makeStatements(depth: number): fc.Arbitrary<Part> {
  const e = () => expressions(2);
  const simple: fc.Arbitrary<Part>[] = [
    fc.integer({ max: 99, min: 0 }).map((n) => () => `log(${n});`),
    e().map((value) => (place: Place) => `log(await ${value(place)});`),
    e().map((value) => (place: Place) => `${value(place)};`),
    e().map((value) => (place: Place) => {
      const name = place.fresh();
      return `const ${name} = ${value(place)}; ${name}?.then?.(() => log("${name}"), () => {}); log("kept"); await ${name};`;
    }),
    e().map((value) => (place: Place) => `if (x > 1) return ${value(place)};`),
    fc
      .constantFrom("{ return\n}", "return\n", "{ return }", "return /* nothing */\n")
      .map((nothing) => () => `if (x === 2) ${nothing}`),
    e().map((value) => (place: Place) => `if (x > 2) { return ${value(place)}\n}`),
    e().map((value) => (place: Place) => `if (x < 0) throw await ${value(place)};`),
    fc.constant((place: Place) => (place.yields ? "log(yield x);" : "log('no yield');")),
    e().map(
      (value) => (place: Place) =>
        place.yields ? `yield* [${value(place)}, 2];` : `log(typeof ${value(place)});`,
    ),
    e().map((value) => (place: Place) => `(async () => { log(await ${value(place)}); })();`),
    fc.constant((place: Place) => (place.loops > 0 ? "if (x-- % 2) continue;" : "x--;")),
    fc.constant((place: Place) => (place.loops > 0 ? "if (x-- > 2) break;" : "x++;")),
  ];
  if (depth === 0) return fc.oneof(...simple);
  const block = () => fc.array(statements(depth - 1), { minLength: 1, maxLength: 3 });
  const join = (parts: readonly Part[], place: Place) => parts.map((part) => part(place)).join(" ");
  const inLoop = (place: Place): Place => ({ ...place, loops: place.loops + 1 });
  return fc.oneof(
    { weight: 6, arbitrary: fc.oneof(...simple) },
    {
      weight: 2,
      arbitrary: fc.tuple(block(), block(), block()).map(
        ([body, caught, last]) =>
          (place: Place) =>
            `try { ${join(body, place)} } catch (e) { log("caught", String(e)); ${join(caught, place)} } finally { log("finally"); ${join(last, place)} }`,
      ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(block(), block()).map(
        ([body, last]) =>
          (place: Place) =>
            `try { ${join(body, place)} } finally { ${join(last, place)} }`,
      ),
    },
    {
      weight: 1,
      arbitrary: block().map((body) => (place: Place) => {
        const name = place.fresh();
        return `for (let ${name} = 0; ${name} < 2; ${name}++) { ${join(body, inLoop(place))} }`;
      }),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(e(), block()).map(([value, body]) => (place: Place) => {
        const name = place.fresh();
        return `l${name}: for await (const ${name} of [${value(place)}, later(2), 3]) { log(${name}); ${join(body, inLoop(place))} if (x > 90) continue l${name}; }`;
      }),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(e(), e()).map(
        ([one, two]) =>
          (place: Place) =>
            `for await (const item of (async function* () { yield ${one(place)}; try { yield ${two(place)}; } finally { log("closed"); } })()) if (item === 3) break; else log(item);`,
      ),
    },
    {
      weight: 1,
      arbitrary: block().map(
        (body) => (place: Place) =>
          `switch (await x) { case 3: ${join(body, { ...place, loops: 0 })} break; default: log("default"); }`,
      ),
    },
    {
      weight: 1,
      arbitrary: block().map(
        (body) => (place: Place) =>
          `{ const inner = async function (x) { ${join(body, { ...place, yields: false, loops: 0 })} }; log(await inner.call(this, x - 1)); }`,
      ),
    },
  );
}

function makeExpressions(depth: number): fc.Arbitrary<Part> {
  const leaves: fc.Arbitrary<Part>[] = [
    fc.integer({ max: 9, min: 0 }).map((n) => () => String(n)),
    fc.constant(() => "x"),
    fc.integer({ max: 9, min: 0 }).map((n) => () => `later(${n})`),
    fc.constant(() => "Promise.resolve(x)"),
    fc.constant(() => "thenable(x)"),
    fc.constant(() => "new Box(x).promise"),
    fc.constant(() => "Promise.reject(new Error('r' + x))"),
    fc.constant((place: Place) => (place.callable === 0 ? "later(x)" : `run(f${place.callable - 1}, x - 1)`)),
    fc.constant((place: Place) =>
      place.callable === 0 ? "null" : `f${Math.floor(place.callable / 2)}(x - 1)`,
    ),
    fc.constant(() => "new Promise((resolve) => setImmediate(resolve, x))"),
    fc.constant(() => "new Promise((resolve, reject) => { setImmediate(() => reject(new Error('t'))); })"),
  ];
  if (depth === 0) return fc.oneof(...leaves);
  const inner = () => expressions(depth - 1);
  return fc.oneof(
    { weight: 5, arbitrary: fc.oneof(...leaves) },
    {
      weight: 1,
      arbitrary: fc.tuple(inner(), inner()).map(
        ([a, b]) =>
          (p: Place) =>
            `Promise.all([${a(p)}, ${b(p)}])`,
      ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(inner(), inner()).map(
        ([a, b]) =>
          (p: Place) =>
            `Promise.race([${a(p)},\n${b(p)}])`,
      ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(inner(), inner()).map(
        ([a, b]) =>
          (p: Place) =>
            `Promise.allSettled([1, 2].map(async (i) => i > 1 ? ${a(p)} : ${b(p)}))`,
      ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(inner(), inner()).map(
        ([a, b]) =>
          (p: Place) =>
            `Promise.any([${a(p)}, ${b(p)}])`,
      ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(inner(), inner()).map(
        ([a, b]) =>
          (p: Place) =>
            `(await ${a(p)}, ${b(p)})`,
      ),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(inner(), inner()).map(
        ([a, b]) =>
          (p: Place) =>
            `(x ? ${a(p)} : ${b(p)})`,
      ),
    },
    { weight: 1, arbitrary: inner().map((a) => (p: Place) => `(await ${a(p)} ?? x)`) },
    { weight: 1, arbitrary: inner().map((a) => (p: Place) => `(async () => ${a(p)})()`) },
    {
      weight: 1,
      arbitrary: inner().map(
        (a) => (p: Place) => `Promise.resolve(${a(p)}).then((v) => { log("then"); return v; })`,
      ),
    },
  );
}

/**
 * Async programs that are told apart by what they log. Every program is the body of a function with the parameters
 * `log`, `later` (settles in a later turn), `thenable` and `Box` (a class with a promise in it); its functions call only
 * those before them, so that all end.
 */
export const programs: fc.Arbitrary<string> = fc
  .array(fc.array(statements(3), { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 })
  .chain((bodies) =>
    fc
      .array(fc.constantFrom<Form>("function", "arrow", "method", "generator", "parameters", "expression"), {
        minLength: bodies.length,
        maxLength: bodies.length,
      })
      .map((forms) => {
        let counter = 0;
        const fresh = () => `v${counter++}`;
        const lines = bodies.map((body, index) => declare(forms[index] ?? "function", index, body, fresh));
        return `${lines.join("\n")}\nreturn run(f${bodies.length - 1}, 3);\n${helpers}`;
      }),
  );
