import { execFileSync } from "node:child_process";
import path from "node:path";
import { CliError } from "../cli-error.ts";
import { slashes } from "../paths.ts";

/**
 * The files that differ from `ref`, or from where the current branch left it, and those that git does not know yet;
 * deleted ones left out. Absolute. Throws a CliError where git can't tell.
 */
export function changedFiles(folder: string, ref: string | undefined): readonly string[] {
  const root = git(folder, ["rev-parse", "--show-toplevel"]).trim();
  const base = ref === undefined ? "HEAD" : commonCommit(folder, ref);
  const changed = git(folder, ["diff", "--name-only", "-z", "--no-ext-diff", "--diff-filter=d", base, "--"]);
  const fresh = git(root, ["ls-files", "-z", "--others", "--exclude-standard"]);
  const names = [...changed.split("\0"), ...fresh.split("\0")].filter((name) => name !== "");
  return [...new Set(names)].map((name) => slashes(path.resolve(root, name)));
}

/** What the others did since then is not ours. A shallow clone may not know it. */
function commonCommit(folder: string, ref: string): string {
  // Also keeps a ref that begins with a dash from being an option.
  const commit = git(folder, ["rev-parse", "--verify", "--end-of-options", ref]).trim();
  try {
    return git(folder, ["merge-base", commit, "HEAD"]).trim();
  } catch {
    return commit;
  }
}

function git(folder: string, args: readonly string[]): string {
  try {
    // A file monitor is a program that a repository may name: it is not started.
    return execFileSync("git", ["-c", "core.fsmonitor=false", "-C", folder, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 256 * 1024 * 1024,
    });
  } catch (error) {
    const { code, stderr = "" } = error as { readonly code?: unknown; readonly stderr?: string };
    if (code === "ENOENT") throw new CliError("--changed needs git, which is not installed.");
    const [reason = ""] = stderr.split("\n");
    throw new CliError(`git can't tell what has changed: ${reason.replace(/^fatal: /, "")}.`);
  }
}
