import { type LastDump, type Registration, wireVersion } from "./wire.ts";

// What is found in the runtime folder may be of another version, half written, or something else altogether.

/** Whether what was read is the registration of a thread; of any version, which decides whether it can be asked. */
export function isRegistration(value: unknown): value is Registration {
  const fields = fieldsOf(value);
  return (
    ["version", "pid", "threadId", "startedAt"].every((name) => typeof fields[name] === "number") &&
    ["endpoint", "token", "title", "cwd", "node"].every((name) => typeof fields[name] === "string") &&
    (fields["pprof"] === undefined || typeof fields["pprof"] === "string") &&
    (fields["session"] === undefined || typeof fields["session"] === "string")
  );
}

/** Whether what was read is the last dump of a thread. */
export function isLastDump(value: unknown): value is LastDump {
  const fields = fieldsOf(value);
  return (
    fields["version"] === wireVersion &&
    typeof fields["startedAt"] === "number" &&
    typeof fields["session"] === "string" &&
    fieldsOf(fields["dump"])["format"] === "unknot-dump"
  );
}

/** Whether a process is there; one of another user is. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
