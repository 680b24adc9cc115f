import { type FSWatcher, mkdirSync, readdirSync, readFileSync, rmSync, watch } from "node:fs";
import path from "node:path";
import { isAlive, isLastDump, isRegistration } from "@unknot/protocol/registration.ts";
import type { LastDump, Registration } from "@unknot/protocol/wire.ts";
import type { Subscription } from "./event.ts";

export interface RuntimeFolderWatch extends Subscription {
  /** Offers again what nobody has taken yet. */
  rescan(): void;
}

/**
 * Offers what traced threads write into the runtime folder: their registrations, and the last dumps of those that
 * ended. `offer` says whether it takes one; a last dump that was taken is removed. Files that are something else, or
 * not complete yet, are passed over. `failed` hears why the folder can't be watched.
 */
export function watchRuntimeFolder(
  folder: string,
  offer: (found: Registration | LastDump) => boolean,
  failed: (why: string) => void,
): RuntimeFolderWatch {
  const taken = new Set<string>();
  let watcher: FSWatcher | undefined;

  const read = (name: string) => {
    const file = path.join(folder, name);
    const found = readThread(file);
    if (!found) return;
    // The same process id may come back with another process, and a thread may leave a dump more than once.
    const key = `${name} ${found.startedAt} ${"dump" in found ? found.dump.capturedAt : ""}`;
    if (taken.has(key)) return;
    // What it is offered to may ask for the others while it decides.
    taken.add(key);
    if (!offer(found)) taken.delete(key);
    else if ("dump" in found) rmSync(file, { force: true });
  };
  const rescan = () => {
    try {
      for (const name of readdirSync(folder)) if (name.endsWith(".json")) read(name);
    } catch (error) {
      failed(`'${folder}' can't be read: ${describe(error)}`);
    }
  };

  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    watcher = watch(folder, { persistent: false }, (_, name) => {
      if (name?.endsWith(".json")) read(name);
    });
    watcher.on("error", (error) => failed(`'${folder}' is no longer watched: ${describe(error)}`));
  } catch (error) {
    failed(`'${folder}' can't be watched: ${describe(error)}`);
  }
  rescan();
  return { rescan, dispose: () => watcher?.close() };
}

/** The threads that are registered in the runtime folder now, of processes that live; the youngest first. */
export function registeredThreads(folder: string): readonly Registration[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch {
    // Nothing was ever traced.
    return [];
  }
  return names
    .flatMap((name): Registration[] => {
      const found = readThread(path.join(folder, name));
      return found && !("dump" in found) && isAlive(found.pid) ? [found] : [];
    })
    .sort((one, other) => other.startedAt - one.startedAt);
}

/** Whether a thread is still registered and its process alive: at its end it takes its registration away. */
export function remainsRegistered(folder: string, { pid, threadId, startedAt }: Registration): boolean {
  const found = readThread(path.join(folder, `${pid}-${threadId}.json`));
  return found?.startedAt === startedAt && isAlive(pid);
}

function readThread(file: string): Registration | LastDump | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    // Gone again, or still being written.
    return undefined;
  }
  return isRegistration(value) || isLastDump(value) ? value : undefined;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
