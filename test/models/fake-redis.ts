// As much of a Redis client as libraries of locks ask of one: keys that exist or not, and their scripts, told by what
// those do. Time does not pass in it.
type Told = (error: Error | null, result?: unknown) => void;

export interface FakeRedis {
  evalsha(...given: readonly unknown[]): Promise<unknown> | undefined;
  eval(...given: readonly unknown[]): Promise<unknown> | undefined;
  set(key: string, value: unknown, ...options: readonly unknown[]): Promise<"OK" | null>;
}

/** Arguments may come one by one or in a list, and a callback behind them. */
export function fakeRedis(): FakeRedis {
  const values = new Map<string, unknown>();
  return {
    evalsha: (...given) => answer(given, () => Promise.reject(new Error("NOSCRIPT No matching script."))),
    eval: (...given) => answer(given, (args) => Promise.resolve(runScript(values, args))),
    set(key, value, ...options) {
      if (options.includes("NX") && values.has(key)) return Promise.resolve(null);
      values.set(key, value);
      return Promise.resolve("OK");
    },
  };
}

function answer(
  given: readonly unknown[],
  command: (args: readonly unknown[]) => Promise<unknown>,
): Promise<unknown> | undefined {
  const told = given.at(-1);
  const result = command(given.flat().filter((each) => typeof each !== "function"));
  if (typeof told !== "function") return result;
  result.then(
    (value) => (told as Told)(null, value),
    (error: Error) => (told as Told)(error),
  );
  return undefined;
}

function runScript(values: Map<string, unknown>, [script, count, ...rest]: readonly unknown[]): number {
  const keys = rest.slice(0, Number(count)).map(String);
  const value = rest[Number(count)];
  const text = String(script).toLowerCase();
  if (text.includes('"exists"')) {
    if (keys.some((key) => values.has(key))) return 0;
    for (const key of keys) values.set(key, value);
    return keys.length;
  }
  const own = keys.filter((key) => values.get(key) === value);
  if (/["']del["']/.test(text)) for (const key of own) values.delete(key);
  return own.length;
}

/** The same as text of JavaScript, for programs. */
export const fakeRedisText = [answer, runScript, fakeRedis].map(String).join("\n");
