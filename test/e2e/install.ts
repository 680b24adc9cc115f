// Installs what the end-to-end tests need, into `.e2e/`: code-server (the VS Code workbench and its server, from the
// npm registry) with a Node 24 of its own, and Chromium from Debian. Finished steps are skipped.
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const codeServerVersion = "4.139.1";
const nodePackage = `node-linux-${process.arch}`;
const nodeVersion = "24.21.0";

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));

/** A VS Code server that any browser can show. */
export interface ServerEnvironment {
  readonly folder: string;
  /** The Node 24 that runs code-server. */
  readonly node: string;
  /** code-server's entry module. */
  readonly entry: string;
}

/** Where the pieces of an installed environment are. */
interface Environment extends ServerEnvironment {
  readonly chromium: string;
}

/** What was installed, or one sentence that says why this machine can't have it. */
export type Installed<What = Environment> =
  | { readonly ok: true; readonly environment: What }
  | { readonly ok: false; readonly why: string };

/** Installs what is missing and says where everything is; throws when a step that should work fails. */
export function install(folder?: string): Installed {
  const system = isPossibleHere() ?? installSystemPackages(["chromium"]);
  if (!system.ok) return system;
  const chromium = findChromium();
  if (chromium === undefined) {
    // Ubuntu's package of that name only points to a snap, which a container can't run.
    const why = "apt-get's chromium brings no browser that starts (Ubuntu's is a snap): set CHROMIUM to one";
    return { ok: false, why };
  }
  const server = installServer(folder);
  return server.ok ? { ok: true, environment: { ...server.environment, chromium } } : server;
}

/** The same without a browser. */
export function installServer(folder = path.join(root, ".e2e")): Installed<ServerEnvironment> {
  const system = isPossibleHere() ?? installSystemPackages([]);
  if (!system.ok) return system;
  mkdirSync(folder, { recursive: true });
  installCodeServer(folder);
  return {
    ok: true,
    environment: {
      folder,
      node: path.join(folder, "node_modules", nodePackage, "bin", "node"),
      entry: path.join(folder, "node_modules", "code-server", "out", "node", "entry.js"),
    },
  };
}

type Possible = { readonly ok: true } | { readonly ok: false; readonly why: string };

function isPossibleHere(): Possible | undefined {
  if (process.platform === "linux" && ["x64", "arm64"].includes(process.arch)) return undefined;
  return {
    ok: false,
    why: `that needs Linux on x64 or arm64, and this is ${process.platform}-${process.arch}`,
  };
}

/** What compiles two small native modules, and a browser if one is wanted. */
function installSystemPackages(more: readonly "chromium"[]): Possible {
  const wanted = [
    ...(more.includes("chromium") && !findChromium() ? ["chromium", "fonts-dejavu-core"] : []),
    ...(onPath("python3") ? [] : ["python3"]),
    ...(onPath("make") ? [] : ["make"]),
    ...(onPath("g++") ? [] : ["g++"]),
  ];
  if (wanted.length > 0) {
    if (!onPath("apt-get")) {
      return {
        ok: false,
        why: `that needs ${wanted.join(", ")}, which only apt-get (Debian, Ubuntu) installs here`,
      };
    }
    const asRoot = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
    if (asRoot.length > 0 && spawnSync("sudo", ["-n", "true"]).status !== 0) {
      return {
        ok: false,
        why: `that needs ${wanted.join(", ")}: run apt-get install ${wanted.join(" ")} as root`,
      };
    }
    console.error(`Installing ${wanted.join(", ")} (apt-get)…`);
    run([...asRoot, "apt-get", "update", "-q"]);
    run([
      ...asRoot,
      "env",
      "DEBIAN_FRONTEND=noninteractive",
      "apt-get",
      "install",
      "-y",
      "-q",
      "--no-install-recommends",
      ...wanted,
    ]);
  }
  return { ok: true };
}

function findChromium(): string | undefined {
  const named = process.env["CHROMIUM"];
  const candidates = named
    ? [named]
    : ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];
  return candidates
    .map((name) => (path.isAbsolute(name) ? name : onPath(name)))
    .find((file) => file !== undefined && spawnSync(file, ["--version"]).status === 0);
}

function onPath(name: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(path.delimiter)
    .map((folder) => path.join(folder, name))
    .find((file) => existsSync(file));
}

/**
 * No install script of any package runs. Two native modules are built afterwards: without spdlog every Output channel
 * stays empty, without native-watchdog the extension host logs an error when it starts.
 */
function installCodeServer(folder: string): void {
  const modules = path.join(folder, "node_modules");
  const code = path.join(modules, "code-server", "lib", "vscode");
  const node = path.join(modules, nodePackage);
  const stamp = path.join(folder, `.installed-${codeServerVersion}-${nodeVersion}`);
  // npm runs on the Node that started us until Node 24 is there, then on that.
  const env = { ...process.env, PATH: `${path.join(node, "bin")}${path.delimiter}${process.env["PATH"]}` };
  const npm = (cwd: string, ...args: readonly string[]) =>
    run(["npm", ...args, "--no-audit", "--no-fund", "--loglevel=error"], { cwd, env });
  if (!existsSync(stamp)) {
    console.error("Installing code-server and Node 24 (about a minute, 800 MB)…");
    for (const old of globSync(".installed-*", { cwd: folder })) rmSync(path.join(folder, old));
    writeFileSync(path.join(folder, "package.json"), '{ "private": true }\n');
    npm(
      folder,
      "install",
      "--ignore-scripts",
      "--no-package-lock",
      `${nodePackage}@${nodeVersion}`,
      `code-server@${codeServerVersion}`,
    );
    // What code-server's own postinstall does; both folders have a shrinkwrap, so their versions are fixed.
    npm(code, "install", "--ignore-scripts", "--omit=dev");
    npm(path.join(code, "extensions"), "install", "--ignore-scripts", "--omit=dev");
    writeFileSync(stamp, "");
  }
  for (const name of ["spdlog", "native-watchdog"]) {
    const built = globSync(`node_modules/@vscode/${name}/build/Release/*.node`, { cwd: code }).length > 0;
    // The headers come with the Node package, so nothing is downloaded for the build.
    if (!built) npm(code, "rebuild", `@vscode/${name}`, `--nodedir=${node}`);
  }
}

function run(
  [command = "", ...args]: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): void {
  const done = spawnSync(command, args, { ...options, stdio: ["ignore", 2, 2] });
  if (done.error) throw done.error;
  if (done.status !== 0)
    throw new Error(`'${command} ${args.join(" ")}' ended with ${done.status ?? done.signal}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const installed = install();
  console.log(installed.ok ? `installed in ${installed.environment.folder}` : installed.why);
  // scripts/test.ts tells "this system can't" from "something broke".
  if (!installed.ok) process.exitCode = 3;
}
