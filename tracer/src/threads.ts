import path from "node:path";
import type { Facts } from "./facts.ts";
import { existsSync } from "./own-fs.ts";

/** The program's worker threads that nobody traces: those that have not registered. */
export function blindThreads(facts: Facts, pid: number, folder: string | undefined): string[] {
  const unseen = [...facts.threads].filter(
    (id) => folder === undefined || !existsSync(path.join(folder, `${pid}-${id}.json`)),
  );
  return unseen.length === 0 ? [] : [`worker_threads (${unseen.length})`];
}
