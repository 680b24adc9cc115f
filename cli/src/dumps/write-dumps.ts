import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { gzipSync } from "node:zlib";
import { writeDumpJson } from "@unknot/dump/formats/dump-json.ts";
import { writeGoroutines } from "@unknot/dump/formats/goroutine-text.ts";
import { encodePprof, type PprofProfile } from "@unknot/dump/formats/pprof.ts";
import { writeTaskdump } from "@unknot/dump/formats/taskdump-writer.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import { CliError } from "../cli-error.ts";
import { fileProblem } from "./read-dump-file.ts";

export const dumpFormats = ["taskdump", "goroutine", "json", "pprof"] as const;
export type DumpFormat = (typeof dumpFormats)[number];

export interface WriteOptions {
  readonly format: DumpFormat;
  /** One block per task instead of one per group, so that everything can be read again. */
  readonly full?: boolean;
  /** Only tasks in a deadlock; for pprof, whose viewers leave out what is rare. */
  readonly onlyDeadlocks?: boolean;
  /** Which question a pprof profile answers. */
  readonly profile?: PprofProfile;
}

/** Writes dumps to a file, or to standard output without one. */
export async function writeDumps(
  dumps: readonly Dump[],
  options: WriteOptions,
  file: string | undefined,
): Promise<void> {
  if (file === undefined && options.format === "pprof" && process.stdout.isTTY) {
    throw new CliError("A pprof profile is no text: name a file with -o, or pipe it.");
  }
  const source = Readable.from(chunksOf(dumps, options), { objectMode: false });
  if (file === undefined) {
    await pipeline(source, process.stdout, { end: false });
    return;
  }
  try {
    await pipeline(source, createWriteStream(file));
  } catch (error) {
    throw new CliError(fileProblem(file, error));
  }
}

function* chunksOf(dumps: readonly Dump[], options: WriteOptions): Generator<string | Uint8Array> {
  switch (options.format) {
    case "taskdump":
      for (const dump of dumps) yield* writeTaskdump(dump, { mode: options.full ? "full" : "grouped" });
      return;
    case "goroutine":
      for (const dump of dumps) yield* writeGoroutines(dump);
      return;
    case "json": {
      const [only, ...others] = dumps;
      if (only !== undefined && others.length === 0) yield* writeDumpJson(only);
      else yield* jsonArray(dumps);
      return;
    }
    case "pprof": {
      const [dump, ...others] = dumps;
      if (dump === undefined) return;
      if (others.length > 0) {
        throw new CliError("A pprof profile holds one thread: name its file, or use --format json.");
      }
      const { profile = "tasks", onlyDeadlocks } = options;
      yield gzipSync(
        encodePprof(dump, { profile: profile === "tasks" && onlyDeadlocks ? "deadlock" : profile }),
      );
    }
  }
}

function* jsonArray(dumps: readonly Dump[]): Generator<string> {
  yield "[";
  for (const [index, dump] of dumps.entries()) {
    if (index > 0) yield ",";
    yield* writeDumpJson(dump);
  }
  yield "]\n";
}
