import { readFile } from "node:fs/promises";
import { count } from "@unknot/dump/names.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import { sourceHash } from "@unknot/tracer/source-hash.ts";
import { shown } from "../paths.ts";

const mostNamed = 5;

/** What a reader of dumps has to know about the files that they speak of: which differ from what ran, or are not here. */
export async function sourceNotes(dumps: readonly Dump[], base: string): Promise<readonly string[]> {
  const hashes = new Map(dumps.flatMap(({ sources = [] }) => sources).map(({ file, hash }) => [file, hash]));
  const differing: string[] = [];
  let missing = 0;
  for (const [file, hash] of hashes) {
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text === undefined) missing++;
    else if (sourceHash(text) !== hash) differing.push(shown(file, base));
  }
  const more = differing.length - mostNamed;
  return [
    ...differing.slice(0, mostNamed).map((file) => `${file} is not what ran: lines may be elsewhere.`),
    ...(more > 0 ? [`So are ${count(more, "more file")}.`] : []),
    ...(missing > 0 && missing === hashes.size
      ? ["None of the files of this dump is here: --map /where/they/were=/where/they/are says where to look."]
      : []),
  ];
}
