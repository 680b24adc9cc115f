import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));
const source = path.join(root, "cli", "src", "main.ts");

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface UnknotOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Called with the running command. */
  readonly whileRunning?: (child: ChildProcess) => void;
  /** The Node that runs it, and what it runs. */
  readonly node?: string;
  /** Closes the command's standard output at once. */
  readonly readNothing?: boolean;
}

/** Runs the command from its sources, as a process of its own. */
export async function unknot(args: readonly string[], options: UnknotOptions = {}): Promise<Outcome> {
  const child = spawn(
    options.node ?? process.execPath,
    ["--disable-warning=ExperimentalWarning", source, ...args],
    {
      cwd: options.cwd ?? root,
      // Nothing is left behind in the home of whoever runs the tests.
      env: { ...process.env, NO_COLOR: "1", UNKNOT_CACHE: "0", ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  options.whileRunning?.(child);
  const ended = new Promise<Pick<Outcome, "code" | "signal">>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  if (options.readNothing) child.stdout.destroy();
  const output = options.readNothing ? "" : text(child.stdout);
  const [stdout, stderr, ending] = await Promise.all([output, text(child.stderr), ended]);
  return { ...ending, stdout, stderr };
}

/** A folder with these files, removed after the tests of the `describe` around it. */
export function temporaryFolder(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), "unknot-cli-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), content);
  }
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
