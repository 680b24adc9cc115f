import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface NodeVersion {
  readonly major: number;
  readonly minor: number;
  /** `20.20.2` */
  readonly text: string;
}

/** Asks an executable for its version; undefined when it is not Node or can't be run. */
export async function askNodeVersion(
  executable: string,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string | undefined,
): Promise<NodeVersion | undefined> {
  try {
    const { stdout } = await run(executable, ["--version"], {
      // Options of the program could end this process with an error.
      env: { ...env, NODE_OPTIONS: "" },
      timeout: 5000,
      windowsHide: true,
      ...(cwd === undefined ? {} : { cwd }),
    });
    return parseNodeVersion(stdout);
  } catch {
    return undefined;
  }
}

/** Reads `v22.23.3`. */
export function parseNodeVersion(output: string): NodeVersion | undefined {
  const [, text, major, minor] = /^v((\d+)\.(\d+)\.\d+)/.exec(output.trim()) ?? [];
  if (text === undefined) return undefined;
  return { text, major: Number(major), minor: Number(minor) };
}

/** Whether the tracer can hook into this Node's module loader (`module.registerHooks`). */
export function canBeTraced({ major, minor }: NodeVersion): boolean {
  return (major === 22 && minor >= 15) || (major === 23 && minor >= 5) || major >= 24;
}

/** Whether this Node runs TypeScript files by itself, without a flag. */
export function runsTypeScript({ major, minor }: NodeVersion): boolean {
  return (major === 22 && minor >= 18) || (major === 23 && minor >= 6) || major >= 24;
}
