import { constants } from "node:os";
import { type MutingRule, rulesOf } from "@unknot/protocol/muting.ts";
import { type LoopbackAddress, loopbackAddress } from "./loopback.ts";

/** What `UNKNOT_…` variables say; docs/tests-and-production.md describes them. */
export interface Options {
  /** `UNKNOT_MODE=lean`: only libraries are wrapped, and the program's own files run as they are. */
  readonly mode: "full" | "lean";
  /** Why it is lean, as a dump says it. */
  readonly leanBecause: string | undefined;
  /** `UNKNOT_MAX_TASKS`: live tasks, operations and joins that the table holds at most. */
  readonly maxTasks: number;
  /** `UNKNOT_SESSION`: who started the program. */
  readonly session: string | undefined;
  /** `UNKNOT_LAST_DUMP=always`: leave a last dump even when all is well. */
  readonly alwaysLastDump: boolean;
  /** `UNKNOT_REPORT_STDERR`: what is printed on standard error. */
  readonly prints: "nothing" | "exit" | "all";
  /** `UNKNOT_MUTED`: rules for problems that are not printed there, as JSON. */
  readonly muted: readonly MutingRule[];
  /** `UNKNOT_TESTS=1`: what keeps the process alive is watched, and the tests that it runs. */
  readonly watchesTests: boolean;
  /** `UNKNOT_DUMP_SIGNAL`: the signal that writes a dump. */
  readonly dumpSignal: NodeJS.Signals | undefined;
  /** `UNKNOT_DUMP_FILE`: where to; standard error if not given. */
  readonly dumpFile: string | undefined;
  /** `UNKNOT_PPROF`: where `/debug/pprof/` is served; `refused` for an address that others could reach. */
  readonly pprof: LoopbackAddress | "refused" | undefined;
  /** `UNKNOT_GROWTH`: milliseconds between two counts of the tasks that wait at one place, which it gives in seconds. */
  readonly growthEveryMs: number;
  /** `UNKNOT_CHILDREN=0`: what the program starts is not traced, unless it inherits Node's options. */
  readonly tracesChildren: boolean;
  /**
   * `UNKNOT_SOURCE_MAPS`: `0` leaves columns and source lines of stack traces as they are in the code that runs; `1`
   * leads them on through the maps of compiled files, as for a debugger.
   */
  readonly sourceMaps: "none" | "own" | "composed";
  /** A sentence about each variable that says nothing known, and so has no effect. */
  readonly refused: readonly string[];
}

/** A signal by its name, with or without `SIG`; undefined for what no program can listen to. */
function signalOf(name: string | undefined): NodeJS.Signals | undefined {
  if (!name) return undefined;
  const full = (name.startsWith("SIG") ? name : `SIG${name}`) as NodeJS.Signals;
  return full in constants.signals && full !== "SIGKILL" && full !== "SIGSTOP" ? full : undefined;
}

function mutingRules(text: string | undefined): readonly MutingRule[] {
  try {
    return rulesOf(JSON.parse(text || "[]"));
  } catch {
    return [];
  }
}

/** Coverage counts branches of the code that runs, so that has to be the program's own, unless `UNKNOT_MODE=full`. */
function leanReason(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const mode = env["UNKNOT_MODE"];
  if (mode === "lean") return "lean mode";
  if (mode === "full") return undefined;
  const flags = [...process.execArgv, env["NODE_OPTIONS"] ?? ""];
  const measured =
    Boolean(env["NODE_V8_COVERAGE"]) || flags.some((each) => each.includes("--experimental-test-coverage"));
  return measured ? "code coverage is measured" : undefined;
}

interface Check {
  readonly fits: (text: string) => boolean;
  readonly allowed: string;
}

function oneOf(...words: readonly string[]): Check {
  return { fits: (text) => words.includes(text), allowed: words.join(" or ") };
}

const checks: Readonly<Record<string, Check>> = {
  UNKNOT_CHILDREN: oneOf("0", "1"),
  UNKNOT_DUMP_SIGNAL: {
    fits: (text) => signalOf(text) !== undefined,
    allowed: "the name of a signal that a program can listen to, such as SIGUSR2",
  },
  UNKNOT_GROWTH: { fits: (text) => Number(text) > 0, allowed: "a number of seconds, such as 10" },
  UNKNOT_LAST_DUMP: oneOf("always"),
  UNKNOT_MAX_TASKS: {
    fits: (text) => Number.isInteger(Number(text)) && Number(text) > 0,
    allowed: "a whole number above 0",
  },
  UNKNOT_MODE: oneOf("lean", "full"),
  UNKNOT_MUTED: { fits: isList, allowed: "a list of rules in JSON" },
  UNKNOT_REPORT_STDERR: oneOf("0", "1"),
  UNKNOT_SOURCE_MAPS: oneOf("0", "1"),
  UNKNOT_TESTS: oneOf("0", "1"),
};

function isList(text: string): boolean {
  try {
    return Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
}

const mostShown = 60;

function refusedIn(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(checks).flatMap(([name, { fits, allowed }]) => {
    const text = env[name];
    if (!text || fits(text)) return [];
    return `'${name}' is ${JSON.stringify(text.slice(0, mostShown))} and has no effect: it is ${allowed}`;
  });
}

const defaultMaxTasks = 2 ** 20;
const defaultGrowthEveryMs = 10_000;
/** Counting takes a while with a million tasks. */
const leastGrowthEveryMs = 100;

export function readOptions(env: Readonly<Record<string, string | undefined>>): Options {
  const max = Number(env["UNKNOT_MAX_TASKS"]);
  const growth = Number(env["UNKNOT_GROWTH"]) * 1000;
  const report = env["UNKNOT_REPORT_STDERR"];
  const leanBecause = leanReason(env);
  return {
    mode: leanBecause === undefined ? "full" : "lean",
    leanBecause,
    maxTasks: Number.isInteger(max) && max > 0 ? Math.min(max, 2 ** 21 - 1) : defaultMaxTasks,
    session: env["UNKNOT_SESSION"] || undefined,
    alwaysLastDump: env["UNKNOT_LAST_DUMP"] === "always",
    prints: report === "0" ? "nothing" : report === "1" ? "all" : "exit",
    muted: mutingRules(env["UNKNOT_MUTED"]),
    dumpSignal: signalOf(env["UNKNOT_DUMP_SIGNAL"]),
    dumpFile: env["UNKNOT_DUMP_FILE"] || undefined,
    pprof: env["UNKNOT_PPROF"] ? (loopbackAddress(env["UNKNOT_PPROF"]) ?? "refused") : undefined,
    watchesTests: env["UNKNOT_TESTS"] === "1",
    growthEveryMs: growth > 0 ? Math.max(growth, leastGrowthEveryMs) : defaultGrowthEveryMs,
    tracesChildren: env["UNKNOT_CHILDREN"] !== "0",
    sourceMaps:
      env["UNKNOT_SOURCE_MAPS"] === "0" ? "none" : env["UNKNOT_SOURCE_MAPS"] === "1" ? "composed" : "own",
    refused: refusedIn(env),
  };
}
