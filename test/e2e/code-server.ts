// Runs a VS Code server (code-server) on a free loopback port with a profile that is thrown away afterwards.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { root } from "@unknot/scripts/build.ts";
import type { ServerEnvironment } from "./install.ts";

const run = promisify(execFile);

/** User settings that make the workbench quiet and predictable. */
const quietSettings = {
  "security.workspace.trust.enabled": false,
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.enableExperiments": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.editor.enablePreview": false,
  "workbench.reduceMotion": "on",
  "chat.disableAIFeatures": true,
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "git.enabled": false,
  "npm.autoDetect": "off",
  "editor.minimap.enabled": false,
  "editor.cursorBlinking": "solid",
  "editor.accessibilitySupport": "off",
  "files.autoSave": "off",
  "debug.internalConsoleOptions": "neverOpen",
  "debug.onTaskErrors": "debugAnyway",
  "terminal.integrated.gpuAcceleration": "off",
  "terminal.integrated.enablePersistentSessions": false,
  "js/ts.tsserver.automaticTypeAcquisition.enabled": false,
  "typescript.disableAutomaticTypeAcquisition": true,
} as const;

const untrustedSettings = {
  "security.workspace.trust.enabled": true,
  "security.workspace.trust.startupPrompt": "never",
  "security.workspace.trust.banner": "never",
} as const;

export interface ServerOptions {
  readonly environment: ServerEnvironment;
  readonly vsix: string;
  /** More extensions, as `.vsix` files. */
  readonly guests?: readonly string[];
  /** Copied, so that a test may change it. */
  readonly workspace: string;
  /** Packages of this repository that the workspace's programs import. */
  readonly packages?: readonly string[];
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** The workspace is not trusted, and VS Code does not ask. */
  readonly untrusted?: boolean;
}

/** The folders of one throw-away profile. */
interface Folders {
  /** Holds all the others. */
  readonly top: string;
  readonly home: string;
  readonly data: string;
  readonly extensions: string;
  readonly workspace: string;
  readonly tmp: string;
}

export interface CodeServer {
  readonly url: string;
  readonly folders: Folders;
  readonly process: ChildProcess;
  /** What to print when a test failed: the ends of the server's and the extension host's logs. */
  logs(lines: number): string;
  /**
   * Ends the server as a user would, then everything that is left of it, and removes its folders. Gives the command
   * lines of what the extension had started and not ended by itself.
   */
  close(): Promise<readonly string[]>;
}

/** Installs the extension through VS Code's own command line, then starts the server and waits until it answers. */
export async function startCodeServer(options: ServerOptions): Promise<CodeServer> {
  const { environment } = options;
  const folders = makeFolders();
  writeFileSync(
    path.join(folders.data, "User", "settings.json"),
    JSON.stringify(
      { ...quietSettings, ...(options.untrusted ? untrustedSettings : {}), ...options.settings },
      null,
      2,
    ),
  );
  cpSync(options.workspace, folders.workspace, { recursive: true, verbatimSymlinks: true });
  for (const name of options.packages ?? []) {
    cpSync(path.join(root, "node_modules", name), path.join(folders.workspace, "node_modules", name), {
      recursive: true,
    });
  }

  const env = serverEnv(environment, folders, options.env);
  const profile = ["--user-data-dir", folders.data, "--extensions-dir", folders.extensions];
  for (const vsix of [options.vsix, ...(options.guests ?? [])]) {
    const installed = await run(
      environment.node,
      [environment.entry, ...profile, "--install-extension", path.resolve(vsix), "--force"],
      { env },
    );
    if (!/successfully installed/.test(installed.stdout + installed.stderr)) {
      throw new Error(`VS Code refused ${vsix}:\n${installed.stdout}${installed.stderr}`);
    }
  }

  const port = await freePort();
  const logFile = path.join(folders.top, "server.log");
  const log = openSync(logFile, "a");
  const child = spawn(
    environment.node,
    [
      environment.entry,
      ...profile,
      ...["--auth", "none", "--bind-addr", `127.0.0.1:${port}`],
      ...["--disable-telemetry", "--disable-update-check"],
      ...(options.untrusted ? [] : ["--disable-workspace-trust"]),
      ...["--disable-getting-started-override", "--disable-proxy", "--ignore-last-opened"],
      // Otherwise debuggees run on whatever Node a login shell finds.
      ...["--vscode-option", "force-disable-user-env"],
    ],
    { env, stdio: ["ignore", log, log], detached: true },
  );
  const close = async () => {
    const leftovers = await endGroup(child, folders);
    rmSync(folders.top, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    return leftovers;
  };
  const url = `http://127.0.0.1:${port}/`;
  try {
    await waitForAnswer(url, child, logFile);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url,
    folders,
    process: child,
    close,
    logs: (lines) => readLogs(folders, logFile, lines),
  };
}

function makeFolders(): Folders {
  // Short, because the server makes Unix sockets below it (limit about 107 characters).
  const top = mkdtempSync(path.join(tmpdir(), "uk-e2e-"));
  const folder = (name: string) => path.join(top, name);
  const folders = {
    top,
    home: folder("home"),
    data: folder("data"),
    extensions: folder("ext"),
    workspace: folder("ws"),
    tmp: folder("tmp"),
  };
  for (const each of Object.values(folders)) mkdirSync(each, { recursive: true });
  mkdirSync(path.join(folders.data, "User"), { recursive: true });
  return folders;
}

function serverEnv(
  environment: ServerEnvironment,
  folders: Folders,
  extra: Readonly<Record<string, string>> | undefined,
): NodeJS.ProcessEnv {
  const clean = Object.entries(process.env).filter(
    ([name]) => !/^(NODE_OPTIONS|VSCODE_|npm_|MOCHA_|ELECTRON_|UNKNOT_)/i.test(name),
  );
  return {
    ...Object.fromEntries(clean),
    HOME: folders.home,
    TMPDIR: folders.tmp,
    XDG_CONFIG_HOME: path.join(folders.home, "config"),
    XDG_CACHE_HOME: path.join(folders.home, "cache"),
    XDG_DATA_HOME: path.join(folders.home, "share"),
    XDG_RUNTIME_DIR: folders.tmp,
    PATH: `${path.dirname(environment.node)}${path.delimiter}${process.env["PATH"]}`,
    // Nothing is looked up outside this machine.
    EXTENSIONS_GALLERY: '{"serviceUrl":"https://127.0.0.1:9"}',
    ...extra,
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

async function waitForAnswer(url: string, child: ChildProcess, logFile: string): Promise<void> {
  const end = Date.now() + 60_000;
  while (Date.now() < end) {
    if (child.exitCode !== null) {
      throw new Error(`code-server ended with ${child.exitCode}\n${readFileSync(logFile, "utf8")}`);
    }
    const answer = await fetch(`${url}healthz`).catch(() => undefined);
    if (answer?.status === 200) return;
    await sleep(100);
  }
  throw new Error(`code-server did not answer within 60 s\n${readFileSync(logFile, "utf8")}`);
}

/** The server leads a process group of its own, so that nothing it started can stay behind in the end. */
async function endGroup(child: ChildProcess, folders: Folders): Promise<readonly string[]> {
  const { pid } = child;
  if (pid === undefined) return [];
  if (child.exitCode === null && child.signalCode === null) {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 5000);
    await gone;
    clearTimeout(late);
  }
  const end = Date.now() + 10_000;
  let leftovers = extensionProcesses(folders);
  while (leftovers.length > 0 && Date.now() < end) {
    await sleep(100);
    leftovers = extensionProcesses(folders);
  }
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group is gone.
  }
  return leftovers;
}

/** Command lines of running processes that name a file of the installed extension. */
function extensionProcesses(folders: Folders): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((id) => {
      try {
        return readFileSync(`/proc/${id}/cmdline`, "utf8").replaceAll("\0", " ");
      } catch {
        return "";
      }
    })
    .filter((line) => line.includes(path.join(folders.extensions, "unknot.")));
}

function readLogs(folders: Folders, logFile: string, lines: number): string {
  const end = (file: string) => readFileSync(file, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
  const top = path.join(folders.data, "logs");
  const parts = readdirSync(top, { recursive: true, encoding: "utf8" })
    .filter((file) => /remoteexthost\.log$|exthost.*Unknot.*\.log$|Unknot.*\.log$/.test(file))
    .map((file) => path.join(top, file));
  return [logFile, ...parts].map((file) => `--- ${path.basename(file)}\n${end(file)}`).join("\n");
}
