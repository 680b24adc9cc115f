import path from "node:path";
import { tracerWorkerName } from "@unknot/protocol/wire.ts";

/** A resolved debug configuration; only what is read here is named. */
export interface Configuration {
  readonly type?: unknown;
  readonly request?: unknown;
  readonly name?: unknown;
  readonly program?: unknown;
  readonly runtimeExecutable?: unknown;
  readonly runtimeArgs?: unknown;
  readonly preLaunchTask?: unknown;
  readonly env?: unknown;
  readonly skipFiles?: unknown;
  /** Set for the sessions that js-debug starts by itself, one for each process and worker thread. */
  readonly __pendingTargetId?: unknown;
  /** Set by *Run Current File Traced*: the user has asked for it, whatever the settings say. */
  readonly __unknotTraced?: unknown;
}

/** What the settings say about tracing debug sessions. */
export interface TraceSettings {
  /** `unknot.trace.debugSessions` */
  readonly debugSessions: boolean;
  /** `unknot.trace.configurations`, by the name of the configuration. */
  readonly configurations: Readonly<Record<string, "always" | "never">>;
}

/** Where the tracer is. */
export interface TracerFiles {
  /** The shim, outside the extension's own folder. */
  readonly shim: string;
  /** The tracer's entry and the folder with all of its files. */
  readonly register: string;
  readonly folder: string;
}

/** Whether this configuration starts a Node program that is to be traced. */
export function wantsTrace(configuration: Configuration, settings: TraceSettings): boolean {
  const { type, request, name, runtimeExecutable } = configuration;
  if (type !== "pwa-node" && type !== "node-terminal") return false;
  if (request !== "launch" || isReported(configuration)) return false;
  if (
    typeof runtimeExecutable === "string" &&
    /^(deno|bun|bunx)(\.exe)?$/i.test(path.basename(runtimeExecutable))
  ) {
    return false;
  }
  if (refusesTrace(configuration)) return false;
  if (configuration.__unknotTraced === true) return true;
  const choice = typeof name === "string" ? settings.configurations[name] : undefined;
  return choice === undefined ? settings.debugSessions : choice === "always";
}

/**
 * The configuration with the tracer in it. `nodeOptions` is what an `envFile` sets as NODE_OPTIONS, which `env` would
 * hide.
 */
export function withTracer<Some extends Configuration>(
  configuration: Some,
  files: TracerFiles,
  launchId: string,
  nodeOptions?: string,
): Some {
  const env = record(configuration.env);
  const before = typeof env["NODE_OPTIONS"] === "string" ? env["NODE_OPTIONS"] : nodeOptions;
  return {
    ...withSkippedTracer(configuration, files),
    env: {
      ...env,
      NODE_OPTIONS: [before, nodeOptionsFor(files)].filter(Boolean).join(" "),
      UNKNOT_REGISTER: files.register,
      UNKNOT_SESSION: launchId,
    },
  };
}

/** The configuration with the tracer's files among those that stepping does not stop in. */
export function withSkippedTracer<Some extends Configuration>(
  configuration: Some,
  { folder, shim }: TracerFiles,
): Some {
  const skipFiles: readonly unknown[] = Array.isArray(configuration.skipFiles) ? configuration.skipFiles : [];
  return { ...configuration, skipFiles: [...skipFiles, `${asGlob(folder)}/**`, asGlob(shim)] };
}

/** What NODE_OPTIONS needs to have the tracer loaded. */
export function nodeOptionsFor({ shim }: TracerFiles): string {
  return `--require ${quoteForNodeOptions(shim)}`;
}

/** Whether the environment of a configuration says that its program is not to be traced, whatever else is said. */
export function refusesTrace({ env }: Configuration): boolean {
  return record(env)["UNKNOT_TRACE"] === "0";
}

/** Whether a JavaScript Debug Terminal, or auto attach, has found a process in a terminal. */
export function isFromTerminal({ type, request }: Configuration): boolean {
  return type === "node-terminal" && request === "attach";
}

/** Whether js-debug has started this session by itself, for a process or a thread of another. */
export function isReported({ __pendingTargetId }: Configuration): boolean {
  return __pendingTargetId !== undefined;
}

/** Whether js-debug reports the tracer's own worker thread, which it names `[worker 1] Unknot tracer`. */
export function isTracerWorker(configuration: Configuration): boolean {
  const { name } = configuration;
  return isReported(configuration) && typeof name === "string" && name.endsWith(`] ${tracerWorkerName}`);
}

/**
 * The thread that a debug session is for. js-debug names the session of a process `main.ts [4242]`, and those of its
 * worker threads `[worker 1] …`.
 */
export function threadOf(
  name: string,
  parent: string | undefined,
): { readonly pid: number; readonly threadId: number } | undefined {
  const worker = /^\[worker (\d+)\]/.exec(name)?.[1];
  const pid = /\[(\d+)\]$/.exec(worker === undefined ? name : (parent ?? ""))?.[1];
  return pid === undefined ? undefined : { pid: Number(pid), threadId: Number(worker ?? 0) };
}

/** The launch that a configuration belongs to: what `withTracer` put into its environment. */
export function launchOf(configuration: Configuration): string | undefined {
  const id = record(configuration.env)["UNKNOT_SESSION"];
  return typeof id === "string" ? id : undefined;
}

/**
 * Whether a Node that runs no TypeScript would be given this program as it is. Nothing is claimed for programs that a
 * task, a loader or another executable may prepare.
 */
export function runsTypeScriptAsIs(configuration: Configuration): boolean {
  const { type, program, runtimeExecutable, runtimeArgs, preLaunchTask } = configuration;
  if (type !== "pwa-node" || typeof program !== "string" || !/\.[cm]?ts$/.test(program)) return false;
  if (preLaunchTask !== undefined) return false;
  if (runtimeExecutable !== undefined && !isNode(runtimeExecutable)) return false;
  const flags = [
    ...(Array.isArray(runtimeArgs) ? runtimeArgs.map(String) : []),
    String(record(configuration.env)["NODE_OPTIONS"] ?? ""),
  ].join(" ");
  return !/(^|\s)(--import|--require|-r|--loader|--experimental-(loader|strip-types|transform-types))\b/.test(
    flags,
  );
}

/** Whether the configured executable is Node under its own name. */
export function isNode(executable: unknown): executable is string {
  return typeof executable === "string" && /^node(js)?\d*(\.exe)?$/i.test(path.basename(executable));
}

/** NODE_OPTIONS in the text of an `envFile`; undefined when it sets none. */
export function nodeOptionsOf(envFile: string): string | undefined {
  const found = /^\s*(?:export\s+)?NODE_OPTIONS\s*=\s*(.*?)\s*$/m.exec(envFile)?.[1];
  return found?.replace(/^(["'])(.*)\1$/, "$2");
}

/** NODE_OPTIONS splits at spaces, keeps what stands in double quotes together, and unescapes backslashes there. */
function quoteForNodeOptions(file: string): string {
  return `"${file.replace(/[\\"]/g, "\\$&")}"`;
}

/** A path as a glob that matches it: js-debug reads `skipFiles` as globs with forward slashes. */
function asGlob(file: string): string {
  return file.replaceAll("\\", "/").replace(/[()[\]{}!*?+@]/g, "?");
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
