import { readFileSync } from "node:fs";
import type { Dump, SourceFile } from "@unknot/protocol/dump.ts";
import { sourcesOf } from "../places.ts";
import type { FileSites } from "../site-registry.ts";
import { sourceHash } from "../source-hash.ts";

/** What the files of a program were when they were loaded, so that somebody elsewhere can tell whether his are the same. */
export interface Sources {
  /** A file was loaded a moment ago. */
  loaded(file: FileSites): void;
  /** The files that a dump's places are in, as far as they are known. */
  of(dump: Pick<Dump, "sites">): readonly SourceFile[];
}

export function createSources(): Sources {
  const hashes = new Map<string, string>();
  /** Files that were made from others; maps are read when somebody asks. */
  const mapped: FileSites[] = [];
  const read = (file: string): void => {
    try {
      hashes.set(file, sourceHash(readFileSync(file, "utf8")));
    } catch {
      // Not there as a file: nothing to compare with.
    }
  };
  return {
    loaded(file) {
      if (file.mapUrl !== undefined) mapped.push(file);
      else read(file.file);
    },
    of({ sites }) {
      for (const file of mapped.splice(0)) {
        for (const { source, content } of sourcesOf(file)) {
          if (hashes.has(source)) continue;
          if (content === undefined) read(source);
          else hashes.set(source, sourceHash(content));
        }
      }
      const files = new Set(sites.map(({ file }) => file));
      return [...files].flatMap((file) => {
        const hash = hashes.get(file);
        return hash === undefined ? [] : { file, hash };
      });
    },
  };
}
