import { type FSWatcher, mkdirSync, readdirSync, readFileSync, watch } from "node:fs";
import path from "node:path";
import type { Registration } from "@unknot/protocol/wire.ts";
import type { Subscription } from "./event.ts";

export interface RegistrationWatch extends Subscription {
  /** Reads the folder now, for systems whose change events are late or lost. */
  rescan(): void;
}

/**
 * Calls `found` for each registration in the runtime folder, once, as soon as its file is complete. A file that is
 * no registration is passed over; `failed` hears why the folder can't be watched.
 */
export function watchRegistrations(
  folder: string,
  found: (registration: Registration) => void,
  failed: (why: string) => void,
): RegistrationWatch {
  const seen = new Set<string>();
  let watcher: FSWatcher | undefined;

  const read = (name: string) => {
    const registration = readRegistration(path.join(folder, name));
    if (!registration) return;
    // The same process id may come back with another process.
    const key = `${name} ${registration.startedAt}`;
    if (seen.has(key)) return;
    seen.add(key);
    found(registration);
  };
  const rescan = () => {
    try {
      for (const name of readdirSync(folder)) if (name.endsWith(".json")) read(name);
    } catch (error) {
      failed(`'${folder}' can't be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  };

  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    watcher = watch(folder, { persistent: false }, (_, name) => {
      if (name?.endsWith(".json")) read(name);
    });
    watcher.on("error", (error) => failed(`'${folder}' is no longer watched: ${error.message}`));
  } catch (error) {
    failed(`'${folder}' can't be watched: ${error instanceof Error ? error.message : String(error)}`);
  }
  rescan();
  return { rescan, dispose: () => watcher?.close() };
}

/** The registration in this file; undefined while it is being written and when it is something else. */
export function readRegistration(file: string): Registration | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
  return isRegistration(value) ? value : undefined;
}

function isRegistration(value: unknown): value is Registration {
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  return (
    ["version", "pid", "threadId", "startedAt"].every((name) => typeof fields[name] === "number") &&
    ["endpoint", "token", "title", "cwd", "node"].every((name) => typeof fields[name] === "string") &&
    (fields["session"] === undefined || typeof fields["session"] === "string")
  );
}
