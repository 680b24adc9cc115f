import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** How the program's main thread spends its time after its tasks have locked each other out. */
export const pastimes = ["spin", "atomics", "breakpoint"] as const;
type Pastime = (typeof pastimes)[number];

/** A task of the program: what it is called, what it holds and wants, and where it waits. */
interface RandomTask {
  readonly name: string;
  readonly holds: string;
  readonly wants: string;
  /** Name of its file, and the 1-based line of the `acquire` that never ends. */
  readonly file: string;
  readonly line: number;
  /** Where the lock stands in that line, from 1. */
  readonly column: number;
}

export interface RandomProgram {
  readonly folder: string;
  readonly main: string;
  /** The line on which the main thread is for a breakpoint. */
  readonly breakpointLine: number;
  readonly tasks: readonly [RandomTask, RandomTask];
  /** The file that makes the locks, and the 1-based line of each. */
  readonly locks: { readonly file: string; readonly lineOf: (lock: string) => number };
  /** The launch configuration for a pastime. */
  readonly configuration: (pastime: Pastime) => string;
  remove(): void;
}

/**
 * Writes a workspace with a program that deadlocks: two tasks take two locks in opposite orders. Every name is made up
 * here, so nothing that shows them can have known them before.
 */
export function writeRandomProgram(): RandomProgram {
  const name = madeUpNames();
  const folder = mkdtempSync(path.join(tmpdir(), "unknot-random-"));
  const locks = { file: name(), one: name(), other: name() };
  const main = `${name()}.ts`;
  const tasks = [
    writeTask(folder, name(), locks.file, locks.one, locks.other, name()),
    writeTask(folder, name(), locks.file, locks.other, locks.one, name()),
  ] as const;
  const lockLines = [
    'import { Mutex } from "async-mutex";',
    "",
    ...blank(),
    `export const ${locks.one} = new Mutex();`,
    ...blank(),
    `export const ${locks.other} = new Mutex();`,
  ];
  write(folder, `${locks.file}.ts`, lockLines);
  const lines = [
    ...tasks.map((task) => `import { ${task.name} } from "./${task.file}";`),
    "",
    "const pastime = process.argv[2];",
    ...tasks.map((task) => `void ${task.name}();`),
    ...blank(),
    "// By now each task has its first lock and waits for the other.",
    "setTimeout(() => {",
    '  if (pastime === "spin") for (;;) {}',
    '  if (pastime === "atomics") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);',
    '  console.log("at the breakpoint");',
    "  setInterval(() => {}, 1000);",
    "}, 500);",
  ];
  write(folder, main, lines);
  writeFileSync(path.join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  const compilerOptions = {
    module: "nodenext",
    allowImportingTsExtensions: true,
    noEmit: true,
    strict: true,
  };
  writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  const configurations = Object.fromEntries(pastimes.map((pastime) => [pastime, `${name()} ${pastime}`]));
  const configuration = (pastime: Pastime) => configurations[pastime] ?? "";
  mkdirSync(path.join(folder, ".vscode"));
  writeFileSync(
    path.join(folder, ".vscode", "launch.json"),
    JSON.stringify({
      version: "0.2.0",
      configurations: pastimes.map((pastime) => ({
        type: "node",
        request: "launch",
        name: configuration(pastime),
        program: `\${workspaceFolder}/${main}`,
        args: [pastime],
      })),
    }),
  );
  return {
    folder,
    main,
    breakpointLine: lines.findIndex((line) => line.includes("at the breakpoint")) + 1,
    tasks,
    locks: {
      file: `${locks.file}.ts`,
      lineOf: (lock) => lockLines.findIndex((line) => line.includes(`const ${lock} =`)) + 1,
    },
    configuration,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Gives names that nobody has thought of before, each once. */
export function madeUpNames(): () => string {
  const used = new Set<string>();
  const name = (): string => {
    const syllables = Array.from({ length: 4 }, () => `${pick("bdfgklmnprstvz")}${pick("aeiou")}`);
    const made = syllables.join("");
    if (used.has(made)) return name();
    used.add(made);
    return made;
  };
  return name;
}

function writeTask(
  folder: string,
  name: string,
  locksFile: string,
  holds: string,
  wants: string,
  file: string,
): RandomTask {
  const lines = [
    'import { setImmediate as turn } from "node:timers/promises";',
    `import { ${holds}, ${wants} } from "./${locksFile}.ts";`,
    ...blank(),
    `export async function ${name}(): Promise<void> {`,
    `  const release = await ${holds}.acquire();`,
    "  await turn();",
    ...blank(),
    `  const releaseOther = await ${wants}.acquire();`,
    "  releaseOther();",
    "  release();",
    "}",
  ];
  write(folder, `${file}.ts`, lines);
  const line = lines.findIndex((text) => text.includes(`${wants}.acquire()`)) + 1;
  const column = (lines[line - 1]?.indexOf(wants) ?? 0) + 1;
  return { name, holds, wants, file: `${file}.ts`, line, column };
}

function write(folder: string, file: string, lines: readonly string[]): void {
  writeFileSync(path.join(folder, file), `${lines.join("\n")}\n`);
}

/** Up to twenty empty lines, so that no line number can be known before either. */
export function blank(): string[] {
  return Array.from({ length: 1 + Math.floor(Math.random() * 20) }, () => "");
}

function pick(letters: string): string {
  return letters[Math.floor(Math.random() * letters.length)] ?? "";
}
