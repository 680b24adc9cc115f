import type { FileFacts, FunctionFacts, Instruction } from "../program/facts.ts";
import { describeTemp, memberCalled } from "./flow.ts";

const levels: ReadonlySet<string> = new Set([
  "debug",
  "error",
  "fatal",
  "info",
  "log",
  "notice",
  "silly",
  "trace",
  "verbose",
  "warn",
]);

/** `log`, `dbLogger`, and not `catalog`. */
const logger = /^#?(?:console|log|logger|\w*(?:Log|Logger|_log|_logger))$/;

/** A line for a log: no library of that kind throws, and a path that needs it to is none that anybody meets. */
export function isLogging(
  file: FileFacts,
  facts: FunctionFacts,
  call: Extract<Instruction, { readonly op: "call" }>,
): boolean {
  const name = memberCalled(facts, call);
  if (name === undefined || call.receiver === undefined || !levels.has(name)) return false;
  return logger.test(describeTemp(file, facts, call.receiver).split(".").at(-1) ?? "");
}
