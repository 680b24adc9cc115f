// Ten ways to hang, or to be wrong, as programs with made-up names. Nothing that shows them can have known a name or a
// line before.
import { rmSync } from "node:fs";
import { runs, writeDebugWorkspace } from "./debug-workspace.ts";
import { blank, madeUpNames } from "./random-program.ts";

export const scenarios = [
  "lock cycle",
  "exhausted pool",
  "queue that waits for itself",
  "channel that nobody closes",
  "lost wake-up",
  "blocked loop",
  "handle that keeps a test run alive",
  "leak that grows",
  "race between two requests",
  "worker thread that never answers",
] as const;
export type Scenario = (typeof scenarios)[number];

/** A line where somebody would see what is wrong. */
interface RightLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

export interface HangingProgram {
  /** The launch configuration. */
  readonly configuration: string;
  readonly main: string;
  readonly right: readonly RightLine[];
  /** Names of the program, by what they are for: rows are told by them. */
  readonly names: Readonly<Record<string, string>>;
}

export interface HangingPrograms {
  readonly folder: string;
  readonly of: (scenario: Scenario) => HangingProgram;
  remove(): void;
}

/** What a scenario makes: texts by file, with `// here` behind the lines that are right. */
interface Sketch {
  readonly files: Readonly<Record<string, readonly string[]>>;
  readonly main: string;
  readonly names?: Readonly<Record<string, string>>;
}

const mark = " // here";
const turn = 'import { setImmediate as turn } from "node:timers/promises";';
const alive = "setInterval(() => {}, 60_000);";

/** Writes all of them into one workspace. */
export function writeHangingPrograms(): HangingPrograms {
  const name = madeUpNames();
  const texts: Record<string, string> = {};
  const programs = new Map<Scenario, HangingProgram>();
  for (const scenario of scenarios) {
    const { files, main, names = {} } = sketches[scenario](name);
    const right: RightLine[] = [];
    for (const [file, lines] of Object.entries(files)) {
      for (const [index, line] of lines.entries()) {
        if (line.endsWith(mark)) right.push({ file, line: index + 1 });
      }
      // The mark would be a name, too.
      const text = lines.map((line) => (line.endsWith(mark) ? line.slice(0, -mark.length) : line));
      texts[file] = `${text.join("\n")}\n`;
    }
    programs.set(scenario, { configuration: `${name()} ${scenario}`, main, right, names });
  }
  const compilerOptions = {
    module: "nodenext",
    allowImportingTsExtensions: true,
    noEmit: true,
    strict: true,
  };
  texts["tsconfig.json"] = JSON.stringify({ compilerOptions });
  const folder = writeDebugWorkspace(texts, {
    configurations: [...programs.values()].map(({ configuration, main }) => runs(configuration, main)),
  });
  return {
    folder,
    of(scenario) {
      const found = programs.get(scenario);
      if (!found) throw new Error(`There is no program for '${scenario}'.`);
      return found;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const sketches: Readonly<Record<Scenario, (name: () => string) => Sketch>> = {
  "lock cycle"(name) {
    const [one, other, first, second, main] = [name(), name(), name(), name(), `${name()}.ts`];
    const task = (called: string, holds: string, wants: string) => [
      ...blank(),
      `async function ${called}(): Promise<void> {`,
      `  const release = await ${holds}.acquire();`,
      "  await turn();",
      `  const releaseOther = await ${wants}.acquire();${mark}`,
      "  releaseOther();",
      "  release();",
      "}",
    ];
    const lines = [
      'import { Mutex } from "async-mutex";',
      turn,
      ...blank(),
      `const ${one} = new Mutex();`,
      `const ${other} = new Mutex();`,
      ...task(first, one, other),
      ...task(second, other, one),
      `void ${first}();`,
      `void ${second}();`,
      alive,
    ];
    return { files: { [main]: lines }, main, names: { task: first } };
  },

  "exhausted pool"(name) {
    const [pool, handle, main] = [name(), name(), `${name()}.ts`];
    const lines = [
      'import { createPool } from "generic-pool";',
      turn,
      ...blank(),
      `const ${pool} = createPool({ create: async () => ({}), destroy: async () => {} }, { max: 2 });`,
      ...blank(),
      `async function ${handle}(): Promise<void> {`,
      `  const client = await ${pool}.acquire();${mark}`,
      `  await new Promise((resolve) => setTimeout(resolve, 600_000, client));${mark}`,
      `  await ${pool}.release(client);`,
      "}",
      ...blank(),
      `for (let request = 0; request < 20; request++) void ${handle}();`,
      alive,
    ];
    return { files: { [main]: lines }, main, names: { pool, handle } };
  },

  "queue that waits for itself"(name) {
    const [limit, outer, main] = [name(), name(), `${name()}.ts`];
    const lines = [
      'import pLimit from "p-limit";',
      turn,
      ...blank(),
      `const ${limit} = pLimit(1);`,
      ...blank(),
      `async function ${outer}(depth: number): Promise<void> {`,
      "  await turn();",
      ...blank(),
      `  if (depth > 0) await ${limit}(() => ${outer}(depth - 1));${mark}`,
      "}",
      `void ${limit}(() => ${outer}(1));`,
      alive,
    ];
    return { files: { [main]: lines }, main, names: { task: outer } };
  },

  "channel that nobody closes"(name) {
    const [jobs, consume, produce, main] = [name(), name(), name(), `${name()}.ts`];
    const lines = [
      'import { Chan } from "ts-chan";',
      ...blank(),
      `const ${jobs} = new Chan<number>(2);${mark}`,
      ...blank(),
      `async function ${consume}(): Promise<void> {`,
      `  for await (const job of ${jobs}) console.log(job);${mark}`,
      "}",
      `async function ${produce}(): Promise<void> {`,
      `  for (let job = 0; job < 5; job++) await ${jobs}.send(job);`,
      "}",
      ...blank(),
      alive,
      `await Promise.all([${consume}(), ${consume}(), ${produce}()]);`,
      'console.log("done");',
    ];
    return { files: { [main]: lines }, main, names: { task: consume, jobs } };
  },

  "lost wake-up"(name) {
    const [ready, wait, main] = [name(), name(), `${name()}.ts`];
    const lines = [
      'import { EventEmitter, once } from "node:events";',
      turn,
      ...blank(),
      `const ${ready} = new EventEmitter();`,
      `setTimeout(() => ${ready}.emit("ready"), 0);`,
      ...blank(),
      `async function ${wait}(): Promise<void> {`,
      "  await new Promise((resolve) => setTimeout(resolve, 200));",
      `  await once(${ready}, "ready");${mark}`,
      "}",
      ...blank(),
      alive,
      `await ${wait}();`,
    ];
    return { files: { [main]: lines }, main, names: { task: wait } };
  },

  "blocked loop"(name) {
    const [spin, main] = [name(), `${name()}.ts`];
    const lines = [
      ...blank(),
      `function ${spin}(until: number): number {`,
      "  let turns = 0;",
      `  while (Date.now() < until) turns++;${mark}`,
      "  return turns;",
      "}",
      ...blank(),
      `setTimeout(() => ${spin}(Date.now() + 3_600_000), 300);`,
    ];
    return { files: { [main]: lines }, main, names: { spin } };
  },

  "handle that keeps a test run alive"(name) {
    const [poll, start, main] = [name(), name(), `${name()}.test.ts`];
    const lines = [
      'import { test } from "node:test";',
      ...blank(),
      `function ${poll}(): void {}`,
      `function ${start}(): void {`,
      `  setInterval(${poll}, 30_000);${mark}`,
      "}",
      ...blank(),
      `test("${name()}", () => ${start}());`,
    ];
    return { files: { [main]: lines }, main };
  },

  "leak that grows"(name) {
    const [leak, kept, main] = [name(), name(), `${name()}.ts`];
    const lines = [
      ...blank(),
      `const ${kept}: (() => void)[] = [];`,
      `async function ${leak}(): Promise<void> {`,
      ...blank(),
      `  await new Promise<void>((resolve) => ${kept}.push(resolve));${mark}`,
      "}",
      `setInterval(() => void ${leak}(), 100);`,
    ];
    return { files: { [main]: lines }, main, names: { task: leak } };
  },

  "race between two requests"(name) {
    const [connection, connect, open, main] = [name(), name(), name(), `${name()}.ts`];
    const lines = [
      'import { createServer } from "node:http";',
      turn,
      ...blank(),
      `let ${connection}: object | undefined;`,
      `async function ${open}(): Promise<object> {`,
      "  await turn();",
      "  return {};",
      "}",
      ...blank(),
      `async function ${connect}(): Promise<object> {`,
      `  if (!${connection}) {${mark}`,
      `    ${connection} = await ${open}();${mark}`,
      "  }",
      `  return ${connection};`,
      "}",
      ...blank(),
      "createServer(async (_, response) => {",
      `  await ${connect}();`,
      '  response.end("ok");',
      '}).listen(0, "127.0.0.1");',
    ];
    return { files: { [main]: lines }, main, names: { connection, connect } };
  },

  "worker thread that never answers"(name) {
    const [lock, answer, ask] = [name(), name(), name()];
    const [main, worker] = [`${name()}.ts`, `${name()}.ts`];
    const inWorker = [
      'import { parentPort } from "node:worker_threads";',
      'import { Mutex } from "async-mutex";',
      ...blank(),
      `const ${lock} = new Mutex();`,
      ...blank(),
      `async function ${answer}(): Promise<number> {`,
      `  return ${lock}.runExclusive(async () => {`,
      ...blank(),
      `    return ${lock}.runExclusive(() => 42);${mark}`,
      "  });",
      "}",
      'parentPort?.on("message", async () => {',
      `  parentPort?.postMessage(await ${answer}());`,
      "});",
    ];
    const inMain = [
      'import { once } from "node:events";',
      'import { Worker } from "node:worker_threads";',
      ...blank(),
      `async function ${ask}(): Promise<unknown> {`,
      `  const worker = new Worker(new URL("./${worker}", import.meta.url));`,
      '  worker.postMessage("question");',
      '  return once(worker, "message");',
      "}",
      `console.log(await ${ask}());`,
    ];
    return { files: { [main]: inMain, [worker]: inWorker }, main, names: { task: answer } };
  },
};
