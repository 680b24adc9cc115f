import type { Dump } from "@unknot/protocol/dump.ts";
import { detect } from "../detectors/detect.ts";
import { count } from "../names.ts";
import { readDumps } from "./read.ts";

/**
 * The dumps of a file with their problems, and what a user has to know about it, one sentence each; when there is no
 * dump, why not. Go's dumps and older ones come without problems; finding them again needs nothing but the dump.
 */
export function loadDumps(text: string): {
  readonly dumps: readonly Dump[];
  readonly notes: readonly string[];
} {
  const { dumps, notes, unknown } = readDumps(text);
  const skipped = unknown === 0 ? [] : [`${count(unknown, "line")} of it were not understood and left out.`];
  if (dumps.length === 0) return { dumps, notes: [notes[0] ?? "This is no task dump."] };
  return {
    dumps: dumps.map((dump) =>
      // Of a part of a dump nothing can be told: who holds or lets go may have been left out.
      dump.problems.length > 0 || dump.filtered !== undefined ? dump : { ...dump, problems: detect(dump) },
    ),
    notes: [...notes, ...skipped],
  };
}
