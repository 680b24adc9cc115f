import { randomUUID } from "node:crypto";
import path from "node:path";
import type { Dump } from "@unknot/protocol/dump.ts";
import { preloadVariables } from "@unknot/tracer/children.ts";
import { CliError, exitCodes } from "../cli-error.ts";
import { findNode } from "../run/find-node.ts";
import { findProgram } from "../run/find-program.ts";
import { registerFile } from "../run/register-file.ts";
import { endLike, runProgram, type Start } from "../run/run-program.ts";
import { colorsFor } from "../terminal.ts";
import { sessionProcesses, takeDumpsOfSession, takeLastDumps } from "../traced.ts";
import { judge, type Look, type Patience, type Standing } from "./judge.ts";
import { whyText } from "./why-text.ts";

export interface WhyOptions {
  /** Seconds that a command may go on after its tests. */
  readonly wait: number;
}

const lookEveryMs = 250;
const graceMs = 2000;

/**
 * `unknot why -- <test command>`: runs it and says what keeps it alive after its tests, then ends it. Ends this process
 * as the command ended; with the code for problems when it had to be ended.
 */
export async function why(words: readonly string[], { wait }: WhyOptions): Promise<never> {
  const session = `why-${randomUUID()}`;
  const patience: Patience = {
    overMs: wait * 1000,
    restingMs: Math.max(5000, wait * 1000),
    quietMs: Math.max(10_000, wait * 1000),
  };
  if (words.length === 0) throw new CliError("Say what to run: unknot why -- npm test");
  const command = startOf(words, process.cwd());
  let found: Standing | undefined;
  const answer = (standing: Exclude<Standing, { is: "going" }>) => {
    process.stderr.write(
      `\n${whyText(standing, { colors: colorsFor(process.stderr), base: process.cwd() })}\n`,
    );
  };
  const stop = watch(session, patience, (standing) => {
    answer(standing);
    if (standing.is !== "over") return;
    found = standing;
    endSession(session);
  });
  const ending = await runProgram({
    ...command,
    env: {
      ...command.env,
      ...preloadVariables(
        path.join(path.dirname(registerFile()), "child.cjs"),
        process.pid,
        command.env["NODE_OPTIONS"],
      ),
      UNKNOT_SESSION: session,
      UNKNOT_TESTS: "1",
      UNKNOT_LAST_DUMP: "always",
      UNKNOT_REPORT_STDERR: process.env["UNKNOT_REPORT_STDERR"] ?? "1",
    },
  }).finally(stop);
  const last = takeLastDumps(session).map((state) => ofTests(state.dump));
  if (found !== undefined) process.exit(exitCodes.problem);
  const cutOff = last.filter(wasCutOff);
  const failed = ending.code !== 0 ? last.filter((dump) => !cutOff.includes(dump) && hasLeftTasks(dump)) : [];
  if (cutOff.length > 0) answer({ is: "cut", dumps: cutOff });
  if (failed.length > 0) answer({ is: "failed", dumps: failed });
  for (const line of unknownRunners(last))
    process.stderr.write(`unknot: ${line}. Its tests have no names here.\n`);
  if (last.length === 0)
    process.stderr.write("unknot: no traced program was seen: nothing is known of it.\n");
  return endLike(ending);
}

/** A runner that ends its process by force (`mocha --exit`; some always do) hides what would have kept it alive. */
function wasCutOff({ loop, testRun, handles = [] }: Dump): boolean {
  return testRun !== undefined && loop.state !== "ended" && handles.length > 0;
}

/** `vitest 1.6.1 is not known: …`; a runner has several packages, and one of them is enough to say so. */
function unknownRunners(dumps: readonly Dump[]): readonly string[] {
  const reasons = dumps.flatMap(({ coverage }) =>
    coverage.untouched.flatMap(({ file, reason }) =>
      /\/node_modules\/(mocha|vitest|jest-runtime|playwright)$/.test(file) ? reason : [],
    ),
  );
  return [...new Set(reasons)];
}

/** The packages of test runners. */
const runners =
  /\/node_modules\/(mocha|vitest|vite|vite-node|tinypool|playwright|playwright-core|jest|jest-[^/]+|@(vitest|jest|playwright)\/[^/]+)\//;

/** What ends by itself may take so long. */
const momentMs = 1000;

/** Without what a runner has opened for itself (outside of tests, or in a test in its own code only), or just now. */
function ofTests(dump: Dump): Dump {
  const files = (stack: readonly number[]) => stack.flatMap((index) => dump.sites[index]?.file ?? []);
  const handles = dump.handles?.filter(({ kind, ageMs, test, stack }) => {
    if ((kind === "request" || kind === "immediate") && ageMs < momentMs) return false;
    return test === undefined
      ? files(stack).some((file) => !file.includes("/node_modules/"))
      : stack.length === 0 || files(stack).some((file) => !runners.test(file));
  });
  return handles === undefined ? dump : { ...dump, handles };
}

/** A process of tests has ended while tasks of them waited; the tracer tells it of those that ended by themselves. */
function hasLeftTasks({ loop, testRun, tasks }: Dump): boolean {
  return (
    testRun !== undefined &&
    loop.state !== "ended" &&
    tasks.some((task) => task.labels?.["test"] !== undefined)
  );
}

/** What to start: a file or an installed command by our Node, so that it can be traced; else a command of the system. */
function startOf(words: readonly string[], folder: string): Start & { readonly env: NodeJS.ProcessEnv } {
  const node = findNode(folder);
  const bins = [path.dirname(node), ...binFolders(folder)];
  const env = { ...process.env, PATH: [...bins, process.env["PATH"] ?? ""].join(path.delimiter) };
  const [first, ...rest] = words;
  const isNode = first !== undefined && /^node(\.exe)?$/.test(path.basename(first));
  if (isNode) return { node, args: rest, env };
  try {
    const program = findProgram(words, folder);
    return { node, args: [...program.nodeOptions, program.file, ...program.args], env };
  } catch (error) {
    if (first === undefined) throw error;
    return { node: first, args: rest, env };
  }
}

function binFolders(folder: string): readonly string[] {
  const found = path.join(folder, "node_modules", ".bin");
  const above = path.dirname(folder);
  return above === folder ? [found] : [found, ...binFolders(above)];
}

/** Looks at the threads of a session from time to time and tells when there is something to say, each thing once. */
function watch(
  session: string,
  patience: Patience,
  tell: (standing: Exclude<Standing, { is: "going" }>) => void,
): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let before: Look | undefined;
  let told: Look | undefined;
  const look = async () => {
    const started = performance.now();
    const dumps = (await takeDumpsOfSession(session)).map((state) => state.dump);
    if (stopped) return;
    const judged = judge(dumps, started, before, patience);
    before = judged.look;
    if (judged.standing.is !== "going" && told !== judged.look) {
      told = judged.look;
      tell(judged.standing);
      if (judged.standing.is === "over") return;
    }
    timer = setTimeout(() => void look(), Math.max(lookEveryMs, 10 * (performance.now() - started)));
  };
  timer = setTimeout(() => void look(), lookEveryMs);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** Ends the processes of a session, those that do not listen by force. */
function endSession(session: string): void {
  const end = (signal: NodeJS.Signals) => {
    for (const pid of sessionProcesses(session)) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    }
  };
  end("SIGTERM");
  setTimeout(() => end("SIGKILL"), graceMs).unref();
}
