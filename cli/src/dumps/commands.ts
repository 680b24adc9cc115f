import { diffDumps } from "@unknot/dump/diff.ts";
import { parseFilter } from "@unknot/dump/filter.ts";
import { lookupOf } from "@unknot/dump/names.ts";
import { deadlockLabels } from "@unknot/dump/overview.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import { CliError } from "../cli-error.ts";
import { colorsFor, print, printable } from "../terminal.ts";
import { listTraced, takeDumps } from "../traced.ts";
import { dumpUntraced } from "./attach.ts";
import { diffText } from "./diff-text.ts";
import { psText } from "./ps-text.ts";
import { readDumpFile } from "./read-dump-file.ts";
import { type WriteOptions, writeDumps } from "./write-dumps.ts";

export interface DumpOptions extends WriteOptions {
  readonly output?: string;
  readonly filter?: string;
  readonly children?: boolean;
  readonly attach?: boolean;
}

export interface DiffOptions {
  readonly json?: boolean;
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
export async function diff(before: string, after: string, { json }: DiffOptions): Promise<void> {
  const [first] = await dumpsOf(before);
  const second = (await dumpsOf(after)).find((each) => each.process.threadId === first?.process.threadId);
  if (first === undefined || second === undefined) {
    throw new CliError(`'${before}' and '${after}' have no thread in common.`);
  }
  const changes = diffDumps(first, second);
  await print(
    json
      ? `${JSON.stringify({ version: 1, ...changes }, null, 2)}\n`
      : diffText(first, second, changes, { colors: colorsFor(process.stdout), base: process.cwd() }),
  );
}

/** The dumps of a process, one per thread, or of a file. What a user has to know goes to standard error. */
async function dumpsOf(
  source: string,
  { children = false, attach = false }: Pick<DumpOptions, "children" | "attach"> = {},
): Promise<readonly Dump[]> {
  if (/^\d+$/.test(source)) return dumpsOfProcess(Number(source), children, attach);
  const { dumps, notes } = await readDumpFile(source);
  for (const note of notes) process.stderr.write(`${printable(note)}\n`);
  return dumps;
}

/** Of a process that is not traced, if that is wanted, what can be had without the tracer. */
async function dumpsOfProcess(pid: number, children: boolean, attach: boolean): Promise<readonly Dump[]> {
  const isTraced = listTraced().some((thread) => thread.pid === pid);
  if (isTraced || !attach) return takeDumps(pid, { children });
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
  return {
    ...dump,
    tasks: dump.tasks.filter((task) => matches(task) && (!onlyDeadlocks || deadlocked.has(task.id))),
  };
}
