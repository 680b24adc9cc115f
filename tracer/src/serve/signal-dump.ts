import { appendFileSync, statSync, writeSync } from "node:fs";
import path from "node:path";
import { writeDumpJson } from "@unknot/dump/formats/dump-json.ts";
import { writeTaskdump } from "@unknot/dump/formats/taskdump-writer.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import { writeWhole } from "../runtime-folder.ts";

/**
 * Writes a dump that a signal asked for. Into a folder: a file of its own. To a `.json` file: in place of what is
 * there. To another file: behind what is there, as task dumps may follow one another. Without a file: to standard
 * error. Throws when the file can't be written.
 */
export function writeSignalDump(dump: Dump, file: string | undefined): void {
  if (file === undefined) {
    for (const chunk of writeTaskdump(dump, { mode: "grouped" })) writeFully(2, chunk);
    return;
  }
  const target = isFolder(file) ? path.join(file, nameFor(dump)) : file;
  if (target.endsWith(".json")) {
    const { pid, threadId } = dump.process;
    // Threads do not overwrite one another.
    const own =
      threadId === 0 || isFolder(file) ? target : target.replace(/\.json$/, `-${pid}-${threadId}.json`);
    writeWhole(own, writeDumpJson(dump));
    return;
  }
  let text = "";
  for (const chunk of writeTaskdump(dump, { mode: "full" })) text += chunk;
  // In one piece, so that threads that write at the same time do not mix.
  appendFileSync(target, text, { mode: 0o600 });
}

function isFolder(file: string): boolean {
  return file.endsWith("/") || statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
}

function nameFor({ process: { pid, threadId }, capturedAt }: Dump): string {
  const time = new Date(capturedAt).toISOString().replaceAll(":", "-");
  return `unknot-${pid}-${threadId}-${time}.taskdump`;
}

const mostTries = 200;

/** A pipe that is full refuses for a moment; after some tries the rest is left out. */
function writeFully(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let at = 0, tries = 0; at < bytes.length && tries < mostTries; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      tries++;
      Atomics.wait(pause, 0, 0, 10);
    }
  }
}
