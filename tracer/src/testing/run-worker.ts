// Runs programs in a thread of their own, so that unhandled rejections can be told apart from the tests'.
import { parentPort, workerData } from "node:worker_threads";
import { hooksName } from "../hooks-name.ts";
import { firstRow, headNextRow, rowState, stateFree, stateResting } from "../layout.ts";
import { createRuntime } from "../runtime.ts";
import { createTables } from "../tables.ts";

const { watches } = workerData as { watches: boolean };
const tables = createTables();
const nothing = () => {};
const { hooks, core } = createRuntime({
  watches: () => {},
  overwrites: () => {},
  tables,
  startMs: 0,
  maxTasks: 1 << 20,
  grew: nothing,
  waited: nothing,
  active: nothing,
  guard: (part, ...args) => part(...args),
  events: {
    settled: nothing,
    holderEnded: nothing,
    awaited: nothing,
    answered: nothing,
    made: nothing,
    iterates: () => 0,
    iteration: () => 0,
    loopWaited: () => false,
    iterated: nothing,
    asks: nothing,
    promised: nothing,
  },
});
Object.defineProperty(globalThis, hooksName, { value: hooks });
if (watches) core.watchPromises();

let log: unknown[] = [];
process.on("unhandledRejection", (reason) => log.push(["unhandled", String(reason)]));
process.on("rejectionHandled", () => log.push(["handled"]));

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (
  ...args: string[]
) => (...args: unknown[]) => Promise<unknown>;

class Box {
  readonly promise: Promise<unknown>;
  constructor(value: unknown) {
    this.promise = new Promise((resolve) => queueMicrotask(() => resolve(value)));
  }
}

async function run(code: string): Promise<string> {
  log = [];
  const mine = log;
  const note = (...parts: unknown[]) => mine.push(parts.map(describe));
  const later = (value: unknown) => new Promise((resolve) => setImmediate(() => resolve(value)));
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what it is for
  const thenable = (value: unknown) => ({ then: (resolve: (value: unknown) => void) => resolve(value) });
  const ended = new AsyncFunction("log", "later", "thenable", "Box", code)(note, later, thenable, Box).then(
    (value) => mine.push(["fulfilled", describe(value)]),
    (error) => mine.push(["rejected", String(error)]),
  );
  // Until nothing has happened for a while: what comes later must not be taken for the next program's.
  for (let quiet = 0, turns = 0, seen = 0; quiet < 40 && turns < 2000; turns++) {
    await new Promise((resolve) => setImmediate(resolve));
    quiet = mine.length === seen ? quiet + 1 : 0;
    seen = mine.length;
  }
  void ended;
  log = [];
  return JSON.stringify(mine);
}

function describe(value: unknown): unknown {
  if (value instanceof Error) return String(value);
  if (value instanceof Promise) return "a promise";
  if (Array.isArray(value)) return value.map(describe);
  return typeof value === "object" && value !== null ? Object.keys(value) : String(value);
}

/** Rows in use, but for those of async generators that nobody asks for more: the language has no end for these. */
function liveRows(): number {
  let live = 0;
  for (let row = firstRow; row < (tables.header[headNextRow] as number); row++) {
    const state = core.get(row, rowState);
    if (state !== stateFree && state !== stateResting) live++;
  }
  return live;
}

parentPort?.on("message", async ({ id, code }: { id: number; code: string }) => {
  try {
    const before = liveRows();
    const result = await run(code);
    parentPort?.postMessage({ id, result, live: liveRows() - before });
  } catch (error) {
    parentPort?.postMessage({ id, result: `does not run: ${String(error)}`, live: 0 });
  }
});
