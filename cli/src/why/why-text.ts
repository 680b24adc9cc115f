import { sameHandles } from "@unknot/dump/handles.ts";
import { count, formatDuration, handleName, quoted, siteOf, whereIs } from "@unknot/dump/names.ts";
import type { Dump, Site } from "@unknot/protocol/dump.ts";
import type { Task } from "@unknot/protocol/task.ts";
import { shown } from "../paths.ts";
import { type Colors, printable } from "../terminal.ts";
import type { Standing } from "./judge.ts";

const mostFrames = 6;
const mostListed = 30;

export interface TextOptions {
  readonly colors: Colors;
  /** The folder that places are shown relative to. */
  readonly base: string;
}

/** The answer: what keeps the command alive, and which tasks are left. */
export function whyText(standing: Exclude<Standing, { is: "going" }>, options: TextOptions): string {
  const blocks = standing.dumps.flatMap((dump) => {
    const found = [...handleBlocks(dump, options), ...taskBlocks(dump, options)];
    return found.length === 0 ? [] : [`${titleOf(dump, standing, options)}\n\n${found.join("\n")}`];
  });
  if (blocks.length === 0) {
    const processes = standing.dumps.map((dump) => titleOf(dump, standing, options)).join("\n");
    return `${processes}\n\n  nothing that the tracer knows keeps it alive\n`;
  }
  return blocks.join("\n");
}

function titleOf(
  { process, testRun }: Dump,
  standing: Exclude<Standing, { is: "going" }>,
  { base }: TextOptions,
): string {
  const thread = process.threadId === 0 ? "" : `, thread ${process.threadId}`;
  const who = `process ${process.pid}${thread} (${shown(printable(process.title), base)})`;
  if (standing.is === "cut") {
    return `unknot: ${who} was ended by force after its tests; without that, it would have gone on:`;
  }
  if (standing.is === "failed") {
    return `unknot: the tests failed, and ${who} ended while these still waited:`;
  }
  if (standing.is === "over") {
    return `unknot: the tests are done since ${formatDuration(testRun?.sinceMs ?? 0)}, and ${who} goes on:`;
  }
  const test =
    testRun?.state === "running" && testRun.test !== undefined ? ` in the test ${quoted(testRun.test)}` : "";
  return `unknot: nothing has happened for ${formatDuration(standing.quietMs)}${test}, and ${who} goes on:`;
}

function handleBlocks(dump: Dump, options: TextOptions): readonly string[] {
  return sameHandles(dump)
    .slice(0, mostListed)
    .map(([first, ...others]) => {
      const keeps = others.length === 0 ? "keeps" : `and ${others.length} more created there keep`;
      const frames = first.stack.flatMap((index) => siteOf(dump, index) ?? []);
      return block(`${handleName(first)} ${keeps} it alive`, "created", frames, first.test, options);
    });
}

function taskBlocks(dump: Dump, options: TextOptions): readonly string[] {
  const left = dump.tasks.filter((task) => task.state !== "running" && task.kind !== "main");
  return left.slice(0, mostListed).map((task) => {
    const at = whereIs(dump, task);
    const created = siteOf(dump, task.created);
    return block(
      `the task ${quoted(task.name)} is left, ${stateText(task)}`,
      "waits",
      [at, created].flatMap((site) => site ?? []),
      task.labels?.["test"],
      options,
    );
  });
}

function stateText({ state, wait }: Task): string {
  return wait === undefined ? state : `${state} for ${formatDuration(wait.sinceMs)}`;
}

function block(
  title: string,
  verb: string,
  frames: readonly Site[],
  test: string | undefined,
  { colors, base }: TextOptions,
): string {
  const lines = frames.slice(0, mostFrames).map((site) => {
    const name = site.function === undefined ? "" : `${printable(site.function)} `;
    return `      ${colors.dim("at")} ${name}${printable(shown(site.file, base))}:${site.line}:${site.column}`;
  });
  const more =
    frames.length > mostFrames ? [`      and ${count(frames.length - mostFrames, "frame")} more`] : [];
  const where = lines.length === 0 ? [`      ${verb} in code of Node or of a package`] : lines;
  const inTest = test === undefined ? [] : [`    in the test ${quoted(test)}`];
  return `${[`  ${colors.bold(title)}`, ...where, ...more, ...inTest].join("\n")}\n`;
}
