// Child processes and worker threads of a traced program are traced, too, also those that do not inherit its options.
// They get a preload through NODE_OPTIONS, which it puts back as it was before their first line runs.
import childProcess from "node:child_process";
import { syncBuiltinESMExports } from "node:module";
import path from "node:path";
import workerThreads from "node:worker_threads";
import { type Callback, type Guard, type Wrapping, wrap, wrapFunction } from "@unknot/models/probe.ts";
import { editorPreload, tracerWorkerName } from "@unknot/protocol/wire.ts";
import { closeSync, existsSync, openSync, readSync, statSync } from "./own-fs.ts";
import { runtimeFolderPath } from "./runtime-folder.ts";

/** What the preload of a child process leaves for its tracer. */
export interface ChildFacts {
  /** The nearest traced process that started it. */
  readonly parent: number;
  /** It is a package manager or the like: it is not traced, what it starts is. */
  readonly passesOn: boolean;
  /** Our variables that its own lack, because its parent made them from nothing. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
}

const childFacts = Symbol.for("unknot.child");

/** What this process was told by who started it; undefined for one that nobody traced has started. */
export function takeChildFacts(): ChildFacts | undefined {
  const holder = process as { [childFacts]?: ChildFacts };
  const facts = holder[childFacts];
  delete holder[childFacts];
  return facts;
}

/** For a process that is not traced itself: its children are, as those of the process that started it. */
export function passOn(folder: string, { parent, variables = {} }: ChildFacts): void {
  const guard: Guard = (part, ...args) => {
    try {
      return part(...args);
    } catch {
      return undefined;
    }
  };
  const env = { ...process.env, ...variables };
  guard(() =>
    traceChildren({
      probe: { guard, replaces: () => {} },
      folder,
      pid: parent,
      env,
      runtimeFolder: runtimeFolderPath(env),
    }),
  );
  syncBuiltinESMExports();
}

export interface ChildrenOptions {
  readonly probe: Wrapping;
  /** The folder with the preloads. */
  readonly folder: string;
  /** The process that children are told to be the children of. */
  readonly pid: number;
  /** The variables of this process when it was started, with those that it was told. */
  readonly env: Environment;
  /** The folder in which this process registers. */
  readonly runtimeFolder: string;
}

type Environment = Readonly<Record<string, unknown>>;

/** Lets what this thread starts from now on be traced. Call `syncBuiltinESMExports` afterwards. */
export function traceChildren({ probe, folder, pid, env: started, runtimeFolder }: ChildrenOptions): void {
  const preload = path.join(folder, "child.cjs");
  const told = toldVariables(started);
  /** Variables for a child of which those of `env` are known. */
  const added = (env: Environment): Record<string, string> => {
    const missing = Object.entries(told).filter(([name]) => env[name] === undefined);
    // It has to register where we do.
    const elsewhere = ["TMPDIR", "TEMP", "TMP"].some((name) => env[name] !== started[name]);
    const variables = {
      ...Object.fromEntries(missing),
      ...(elsewhere ? { UNKNOT_RUNTIME_FOLDER: runtimeFolder } : {}),
    };
    return preloadVariables(preload, pid, env[nameIn(env, "NODE_OPTIONS")], variables);
  };
  const leadsToNode = createNodeFinder();
  const wanted = (file: unknown, words: unknown, env: Environment, cwd: unknown) =>
    existsSync(preload) &&
    !isReached(env) &&
    !isRestricted(words) &&
    !isRestricted(env[nameIn(env, "NODE_OPTIONS")]) &&
    leadsToNode(String(file), env, cwd);

  wrap(probe, childProcess.ChildProcess.prototype, "spawn", (_, [options, ...rest]) => {
    const { file, args, envPairs, cwd } = options as SpawnOptions;
    if (!Array.isArray(envPairs)) return undefined;
    const env = Object.fromEntries(envPairs.map(splitPair));
    if (!wanted(file, args, env, cwd)) return undefined;
    return { args: [{ ...(options as object), envPairs: withVariables(envPairs, added(env)) }, ...rest] };
  });

  const module = childProcess as unknown as Record<string, Callback>;
  for (const name of ["spawnSync", "execFileSync", "execSync"]) {
    const original = module[name];
    if (typeof original !== "function") continue;
    module[name] = wrapFunction(probe, original, (_, args) => {
      const at = args.findIndex((arg, index) => index > 0 && isOptions(arg));
      const options = at === -1 ? {} : (args[at] as { env?: Environment; shell?: unknown; cwd?: unknown });
      const env = options.env ?? process.env;
      const throughShell = name === "execSync" || Boolean(options.shell);
      const file = throughShell ? "sh" : args[0];
      if (!wanted(file, args.slice(0, 2).flat(), env, options.cwd)) return undefined;
      const changed = { ...options, env: { ...inherited(env), ...added(env) } };
      return { args: at === -1 ? [...args, changed] : args.with(at, changed) };
    });
  }

  workerThreads.Worker = tracedWorkers(probe, preload, (env) => added(env));
}

/**
 * The variables that let a child be traced, as a child of this process; it puts them back as `nodeOptions` says. Only its
 * tracer learns of `variables`.
 */
export function preloadVariables(
  preload: string,
  parent: number,
  nodeOptions: unknown,
  variables: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const given = typeof nodeOptions === "string" ? { nodeOptions } : {};
  const told = Object.keys(variables).length === 0 ? {} : { variables };
  // Versions before 12 take quotes for a part of the name.
  const quoted = /[\s"\\]/.test(preload) ? JSON.stringify(preload) : preload;
  return {
    UNKNOT_CHILD: JSON.stringify({ parent, ...given, ...told }),
    NODE_OPTIONS: `${given.nodeOptions === undefined ? "" : `${given.nodeOptions} `}--require ${quoted}`,
  };
}

/** What Node's own `spawn` has made of the program's options. */
interface SpawnOptions {
  readonly file: unknown;
  readonly args?: readonly string[];
  readonly envPairs?: readonly string[];
  readonly cwd?: unknown;
}

/** Whether the editor's preload is among the inherited options and has what it needs, or the editor is told to keep out. */
function isReached(env: Environment): boolean {
  if (env["UNKNOT_REGISTER"] === undefined) return false;
  return env["UNKNOT_TRACE"] === "0" || String(env[nameIn(env, "NODE_OPTIONS")]).includes(editorPreload);
}

/** Under Node's permission model a child could not read its preload, and would not start. */
function isRestricted(words: unknown): boolean {
  return /(^|[\s"'])--(experimental-)?permission\b/.test(
    Array.isArray(words) ? words.join(" ") : String(words),
  );
}

/** The variables of a child in the order in which it will see them, those that are put back in their places. */
function withVariables(pairs: readonly string[], own: Readonly<Record<string, string>>): readonly string[] {
  const left = new Map(Object.entries(own).map(([name, value]) => [fold(name), `${name}=${value}`]));
  const changed = pairs.map((pair) => {
    const name = fold(splitPair(pair)[0]);
    const replacement = left.get(name);
    left.delete(name);
    return replacement ?? pair;
  });
  return [...changed, ...left.values()];
}

/**
 * Threads inherit the preload, except those that are given options or variables of their own. The class is a proxy: it
 * stays the same class to those who extend it, compare prototypes or ask for its text.
 */
function tracedWorkers(
  probe: Wrapping,
  preload: string,
  added: (env: Environment) => Record<string, string>,
): typeof workerThreads.Worker {
  const { Worker } = workerThreads;
  const withPreload = (options: unknown): unknown => {
    if (!isOptions(options) || ownName(options) === tracerWorkerName || !existsSync(preload)) return options;
    const { execArgv, env } = options as { execArgv?: unknown; env?: unknown };
    if (isReached(isOptions(env) ? (env as Environment) : process.env)) return options;
    // Its variables would come back with the options taken out again, so one way is enough.
    if (isOptions(env))
      return withOption(options, "env", { ...inherited(env as Environment), ...added(env as Environment) });
    if (Array.isArray(execArgv))
      return withOption(options, "execArgv", [...execArgv, `--require=${preload}`]);
    return options;
  };
  const proxy: typeof Worker = new Proxy(Worker, {
    construct(target, [file, options, ...rest], newTarget: NewableFunction) {
      const changed = probe.guard(() => withPreload(options)) ?? options;
      const args = changed === options ? [file, options, ...rest] : [file, changed, ...rest];
      return Reflect.construct(target, args, newTarget === proxy ? target : newTarget);
    },
  });
  probe.replaces(proxy as unknown as Callback, Worker as unknown as Callback);
  Worker.prototype.constructor = proxy;
  return proxy;
}

/** The same options but for one; those of a class of its own may be inherited, or know their object. */
function withOption(options: object, name: string, value: unknown): object {
  const prototype: unknown = Object.getPrototypeOf(options);
  if (prototype === Object.prototype || prototype === null) return { ...options, [name]: value };
  return new Proxy(options, {
    get: (target, key) => (key === name ? value : Reflect.get(target, key, target)),
  });
}

/** What we were told and a child has to be told too, when its variables are made from nothing. */
function toldVariables(env: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      name.startsWith("UNKNOT_") && name !== "UNKNOT_CHILD" && typeof value === "string"
        ? [[name, value]]
        : [],
    ),
  );
}

const shells = /^(sh|bash|dash|zsh|ksh|ash|fish|cmd|powershell|pwsh)(\.exe)?$/i;

/** Tells whether a command is Node, a shell, or a script that one of the two runs: others see their variables as they are. */
function createNodeFinder(): (file: string, env: Environment, cwd: unknown) => boolean {
  const known = new Map<string, boolean>();
  const byFirstLine = (file: string): boolean => {
    const found = known.get(file);
    if (found !== undefined) return found;
    const leads = /^#!.*\b(node|sh|bash|dash|zsh)\b/.test(firstLine(file));
    if (known.size < 1000) known.set(file, leads);
    return leads;
  };
  return (file, env, cwd) => {
    const name = path.basename(file);
    if (file === process.execPath || /^node(\.exe)?$/i.test(name) || shells.test(name)) return true;
    if (process.platform === "win32") return /\.(cmd|bat)$/i.test(name);
    if (file.includes("/")) return byFirstLine(path.resolve(typeof cwd === "string" ? cwd : ".", file));
    const folders = String(env["PATH"] ?? "").split(path.delimiter);
    const there = folders.map((folder) => path.join(folder, file)).find(isFile);
    return there !== undefined && byFirstLine(there);
  };
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

function firstLine(file: string): string {
  let opened: number | undefined;
  try {
    opened = openSync(file, "r");
    const bytes = Buffer.alloc(128);
    const [line = ""] = bytes.toString("latin1", 0, readSync(opened, bytes)).split("\n", 1);
    return line;
  } catch {
    return "";
  } finally {
    if (opened !== undefined) closeSync(opened);
  }
}

function isOptions(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function ownName(options: object): unknown {
  return (options as { name?: unknown }).name;
}

/** As Node reads variables: inherited ones, too. */
function inherited(env: Environment): Record<string, unknown> {
  const all: Record<string, unknown> = {};
  for (const name in env) all[name] = env[name];
  return all;
}

function splitPair(pair: string): [name: string, value: string] {
  // Windows has variables whose name begins with the sign.
  const at = pair.indexOf("=", 1);
  return [pair.slice(0, at), pair.slice(at + 1)];
}

function fold(name: string): string {
  return process.platform === "win32" ? name.toUpperCase() : name;
}

/** The name under which a variable stands in `env`. */
function nameIn(env: Environment, name: string): string {
  if (process.platform !== "win32") return name;
  return Object.keys(env).find((each) => fold(each) === name) ?? name;
}
