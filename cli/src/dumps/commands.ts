import { diffDumps } from "@unknot/dump/diff.ts";
import { parseFilter } from "@unknot/dump/filter.ts";
import { type Move, movePaths } from "@unknot/dump/moved.ts";
import { lookupOf } from "@unknot/dump/names.ts";
import { deadlockLabels } from "@unknot/dump/overview.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import { CliError } from "../cli-error.ts";
import { colorsFor, print, printable } from "../terminal.ts";
import { listTraced, takeDumps } from "../traced.ts";
import { dumpUntraced } from "./attach.ts";
import { diffText } from "./diff-text.ts";
import { sourceNotes } from "./moved-sources.ts";
import { psText } from "./ps-text.ts";
import { readDumpFile } from "./read-dump-file.ts";
import { type WriteOptions, writeDumps } from "./write-dumps.ts";

export interface DumpOptions extends WriteOptions {
  readonly output?: string;
  readonly filter?: string;
  readonly children?: boolean;
  readonly map?: readonly Move[];
  readonly attach?: boolean;
  readonly prove?: boolean;
}

export interface DiffOptions {
  readonly json?: boolean;
  readonly map?: readonly Move[];
}

/** `unknot ps` */
export async function ps({ json }: { readonly json?: boolean }): Promise<void> {
  const processes = listTraced();
  if (json) {
    // The token opens the process; it is not for listings.
    const listed = processes.map(({ token: _token, endpoint: _endpoint, ...each }) => each);
    await print(`${JSON.stringify(listed, null, 2)}\n`);
    return;
  }
  if (processes.length === 0) {
    process.stderr.write("No process is traced: start one with 'unknot run -- program.ts'.\n");
    return;
  }
  await print(psText(processes, Date.now()));
}

/** `unknot dump <process|file>` */
export async function dump(source: string, options: DumpOptions): Promise<void> {
  const dumps = await dumpsOf(source, options);
  await writeDumps(
    dumps.map((each) => selected(each, options)),
    options,
    options.output,
  );
}

/** `unknot diff <before> <after>` */
export async function diff(before: string, after: string, { json, ...options }: DiffOptions): Promise<void> {
  const first = await dumpsOf(before, options);
  const second = await dumpsOf(after, options);
  const pairs = first.flatMap((each) => {
    const later = second.find(({ process: { threadId } }) => threadId === each.process.threadId);
    return later === undefined ? [] : { before: each, after: later, changes: diffDumps(each, later) };
  });
  if (pairs.length === 0) throw new CliError(`'${before}' and '${after}' have no thread in common.`);
  if (json) {
    const values = pairs.map(({ changes, after: { process: about } }) => ({
      version: 1,
      ...(pairs.length === 1 ? {} : { threadId: about.threadId }),
      ...changes,
    }));
    await print(`${JSON.stringify(values.length === 1 ? values[0] : values, null, 2)}\n`);
    return;
  }
  const how = { colors: colorsFor(process.stdout), base: process.cwd() };
  await print(pairs.map((pair) => diffText(pair.before, pair.after, pair.changes, how)).join("\n"));
}

/** The dumps of a process, one per thread, or of a file. What a user has to know goes to standard error. */
async function dumpsOf(
  source: string,
  {
    children = false,
    attach = false,
    prove = false,
    map = [],
  }: Pick<DumpOptions, "children" | "attach" | "prove" | "map"> = {},
): Promise<readonly Dump[]> {
  const isProcess = /^\d+$/.test(source);
  const ofProcesses = Object.entries({ attach, prove, children }).find(([, isSet]) => isSet);
  if (!isProcess && ofProcesses !== undefined) {
    throw new CliError(`--${ofProcesses[0]} is for a process: '${source}' names a dump file.`);
  }
  const { dumps, notes } = isProcess
    ? { dumps: await dumpsOfProcess(Number(source), { children, attach, prove }), notes: [] }
    : await readDumpFile(source);
  const moved = dumps.map((each) => movePaths(each, map));
  for (const note of [...notes, ...(await sourceNotes(moved, process.cwd()))])
    process.stderr.write(`${printable(note)}\n`);
  return moved;
}

/** Of a process that is not traced, if that is wanted, what can be had without the tracer. */
async function dumpsOfProcess(
  pid: number,
  {
    children,
    attach,
    prove,
  }: { readonly children: boolean; readonly attach: boolean; readonly prove: boolean },
): Promise<readonly Dump[]> {
  const isTraced = listTraced().some((thread) => thread.pid === pid);
  if (isTraced || !attach) return takeDumps(pid, { children, proves: prove });
  const found = await dumpUntraced(pid);
  process.stderr.write(
    `Process ${pid} was started without Unknot: these are its suspended functions. Not known: ${found.coverage.blind.join("; ")}.\n`,
  );
  return [found];
}

function selected(dump: Dump, { filter, onlyDeadlocks }: DumpOptions): Dump {
  if (filter === undefined && !onlyDeadlocks) return dump;
  const parsed = parseFilter(filter ?? "");
  if (!parsed.ok) throw new CliError(`${parsed.message} It is at character ${parsed.at + 1} of the filter.`);
  const matches = parsed.bind({ ...lookupOf(dump), problems: dump.problems });
  const deadlocked = deadlockLabels(dump.problems);
  const words = [dump.filtered?.by, filter, onlyDeadlocks ? "deadlock:any" : undefined];
  return {
    ...dump,
    filtered: { by: words.filter(Boolean).join(" "), of: dump.filtered?.of ?? dump.tasks.length },
    tasks: dump.tasks.filter((task) => matches(task) && (!onlyDeadlocks || deadlocked.has(task.id))),
  };
}
