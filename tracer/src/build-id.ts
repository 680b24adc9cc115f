import { readFileSync, statSync } from "node:fs";
import path from "node:path";

/**
 * What tells which build runs: `UNKNOT_BUILD`, else the commit of the repository around a folder. Undefined where
 * neither is there, as in most containers.
 */
export function buildId(
  folder: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  const given = env["UNKNOT_BUILD"];
  if (given) return given.slice(0, longest);
  try {
    const commit = commitOf(folder);
    return commit === undefined ? undefined : `commit ${commit.slice(0, 12)}`;
  } catch {
    return undefined;
  }
}

const longest = 200;

function commitOf(folder: string): string | undefined {
  const git = gitFolder(folder);
  if (git === undefined) return undefined;
  const head = readFileSync(path.join(git, "HEAD"), "utf8").trim();
  if (!head.startsWith("ref: ")) return asCommit(head);
  const ref = head.slice("ref: ".length);
  // A linked work tree has a HEAD of its own, and its branches where the others are.
  const shared = tryRead(path.join(git, "commondir"));
  const common = shared === undefined ? git : path.resolve(git, shared.trim());
  const packed = new RegExp(`^([0-9a-f]{40,64}) ${ref.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`, "m");
  return (
    asCommit(tryRead(path.join(common, ref))?.trim()) ??
    asCommit(packed.exec(tryRead(path.join(common, "packed-refs")) ?? "")?.[1])
  );
}

function gitFolder(folder: string): string | undefined {
  for (let at = folder; ; at = path.dirname(at)) {
    const git = path.join(at, ".git");
    const stats = statSync(git, { throwIfNoEntry: false });
    if (stats?.isDirectory()) return git;
    if (stats?.isFile()) {
      const elsewhere = /^gitdir: (.+)$/m.exec(readFileSync(git, "utf8"))?.[1];
      return elsewhere === undefined ? undefined : path.resolve(at, elsewhere);
    }
    if (at === path.dirname(at)) return undefined;
  }
}

function asCommit(text: string | undefined): string | undefined {
  return text !== undefined && /^[0-9a-f]{40,64}$/.test(text) ? text : undefined;
}

function tryRead(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
