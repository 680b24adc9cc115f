import type { Dump } from "@unknot/protocol/dump.ts";
import type { Handle } from "@unknot/protocol/handle.ts";
import { siteOf } from "./names.ts";

/** Handles of one kind that one test created by one call: what a loop has opened belongs together. */
export type SameHandles = readonly [Handle, ...Handle[]];

/** The handles of a dump, those that belong together in one list, in the order of the first of each. */
export function sameHandles(dump: Pick<Dump, "handles" | "sites">): readonly SameHandles[] {
  const groups = new Map<string, [Handle, ...Handle[]]>();
  for (const handle of dump.handles ?? []) {
    const stack = handle.stack.map((index) => siteOf(dump, index));
    const key = JSON.stringify([handle.kind, handle.test, stack]);
    const found = groups.get(key);
    if (found === undefined) groups.set(key, [handle]);
    else found.push(handle);
  }
  return [...groups.values()];
}
