import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { preloadVariables } from "@unknot/tracer/children.ts";
import { CliError, exitCodes, reasonOf } from "../cli-error.ts";
import { fileProblem } from "../dumps/read-dump-file.ts";
import { writeDumps } from "../dumps/write-dumps.ts";
import { createMuting, mutedIn } from "../muted.ts";
import { colorsFor, printable } from "../terminal.ts";
import { takeDumpsOfSession, takeLastDumps } from "../traced.ts";
import { findNode } from "./find-node.ts";
import { findCommand, findProgram } from "./find-program.ts";
import { registerFile } from "./register-file.ts";
import {
  createPastProblems,
  hasSureProblem,
  type LastState,
  reportOf,
  seenText,
  statesAtEnd,
} from "./report.ts";
import { endLike, runProgram, type Start } from "./run-program.ts";

export interface RunOptions {
  readonly report?: string;
  readonly dumpOnExit?: string;
  readonly failOnProblem?: boolean;
}

/** `unknot run -- program args`: ends this process as the program ended. Throws a CliError when it can't start. */
export async function run(words: readonly string[], options: RunOptions): Promise<never> {
  const command = startOf(words, process.cwd());
  const session = `run-${randomUUID()}`;
  const muted = mutedIn(process.cwd());
  // Before the program runs, so that a wrong path does not cost a whole run.
  for (const file of [options.report, options.dumpOnExit]) if (file !== undefined) reserve(file);

  let hanging: readonly LastState[] = [];
  const past = createPastProblems();
  const wantsDump =
    options.report !== undefined || options.dumpOnExit !== undefined || options.failOnProblem === true;
  const keep = (states: readonly LastState[]) => {
    past.see(states);
    hanging = past.addTo(states);
    writeReport(hanging, options);
  };
  const stopWatching = wantsDump ? keepDumps(session, keep) : () => {};
  const ending = await runProgram(
    {
      ...command,
      env: {
        ...command.env,
        UNKNOT_SESSION: session,
        UNKNOT_LAST_DUMP: "always",
        // Problems are told at once, beside the program's own output.
        UNKNOT_REPORT_STDERR: process.env["UNKNOT_REPORT_STDERR"] ?? "1",
        ...(muted.length === 0 ? {} : { UNKNOT_MUTED: JSON.stringify(muted) }),
      },
    },
    {
      beforeSignal: async () => {
        const states = await takeDumpsOfSession(session, { proves: wantsDump });
        if (states.length > 0) hanging = past.addTo(states);
        await writeResults(hanging, options);
      },
    },
  );
  stopWatching();
  const states = past.addTo(statesAtEnd(takeLastDumps(session), hanging));
  if (states.length === 0)
    process.stderr.write("unknot: no traced program was seen: nothing is known of it.\n");
  await writeResults(states, options);
  const report = reportOf(states, createMuting());
  if (process.env["UNKNOT_REPORT_STDERR"] !== "0") process.stderr.write(seenText(report));
  if (options.failOnProblem && hasSureProblem(report)) process.exit(exitCodes.problem);
  return endLike(ending);
}

/** A program by our Node and the tracer; of a command of the system, such as npx, the Node programs that it starts. */
function startOf(words: readonly string[], folder: string): Start {
  const { env } = process;
  // What is started by the name `node` has to be the same Node.
  const first = (node: string) => ({ PATH: path.dirname(node) + path.delimiter + (env["PATH"] ?? "") });
  const command = findCommand(words, folder);
  if (command !== undefined) {
    const preload = path.join(path.dirname(registerFile()), "child.cjs");
    const traced = preloadVariables(preload, process.pid, env["NODE_OPTIONS"]);
    return { node: command, args: words.slice(1), env: { ...env, ...first(findNode(folder)), ...traced } };
  }
  const program = findProgram(words, folder);
  const node = findNode(folder, program.file);
  return {
    node,
    args: ["--require", registerFile(), ...program.nodeOptions, program.file, ...program.args],
    env: { ...env, ...(node === process.execPath ? {} : first(node)) },
  };
}

/**
 * A terminal, `timeout` and service managers send their signal to the whole group of processes: the program may have
 * ended before anybody can ask it. So its dumps are taken from time to time, and the report is kept up to date; the
 * tracer answers from a thread of its own. The more there is to tell, the longer the pauses.
 */
function keepDumps(session: string, keep: (states: readonly LastState[]) => void): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const schedule = (afterMs: number) => {
    timer = setTimeout(() => void look(), afterMs);
    timer.unref();
  };
  const look = async () => {
    const started = performance.now();
    const states = await takeDumpsOfSession(session);
    if (stopped) return;
    if (states.length > 0) keep(states);
    schedule(Math.max(1000, 20 * (performance.now() - started)));
  };
  schedule(300);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

function writeReport(states: readonly LastState[], { report }: RunOptions): void {
  if (report === undefined) return;
  try {
    writeFileSync(report, `${JSON.stringify(reportOf(states, createMuting()), null, 2)}\n`);
  } catch (error) {
    tell(error);
  }
}

async function writeResults(states: readonly LastState[], options: RunOptions): Promise<void> {
  writeReport(states, options);
  if (options.dumpOnExit === undefined) return;
  const format = options.dumpOnExit.endsWith(".json") ? "json" : "taskdump";
  const dumps = states.map((state) => state.dump);
  try {
    await writeDumps(dumps, { format, full: true }, options.dumpOnExit);
  } catch (error) {
    tell(error);
  }
}

/** The program's own ending is worth more than our files. */
function tell(error: unknown): void {
  process.stderr.write(`${colorsFor(process.stderr).red("unknot:")} ${printable(reasonOf(error))}\n`);
}

function reserve(file: string): void {
  try {
    writeFileSync(file, "");
  } catch (error) {
    throw new CliError(fileProblem(file, error));
  }
}
