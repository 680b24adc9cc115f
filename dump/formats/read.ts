import { readDumpJson } from "./dump-json.ts";
import type { ReadDumps } from "./read-dumps.ts";
import { readTaskdump } from "./taskdump-reader.ts";

/** Reads a dump file of any format that Unknot reads: `.taskdump` and Go's text, JSON. */
export function readDumps(text: string): ReadDumps {
  const start = text.startsWith("\ufeff") ? text.slice(1) : text;
  return /^\s*[[{]/.test(start) ? readDumpJson(start.trimStart()) : readTaskdump(start);
}
