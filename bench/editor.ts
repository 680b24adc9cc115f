import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startClient, uriOf } from "@unknot/test/lsp/client.ts";
import { installPeers, peers } from "./peers.ts";
import { treeBytes, treeCpuSeconds } from "./process-cost.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Server {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly settings?: unknown;
}

/**
 * An editor's session with each language server: `file` is opened and its diagnostics awaited, then a statement in the
 * middle grows by a character at a time, with the diagnostics awaited each time; then nothing happens for `idleSeconds`.
 * CPU and memory are of all processes of a server.
 */
export async function benchEditor(
  repository: string,
  file: string,
  { edits, idleSeconds }: { readonly edits: number; readonly idleSeconds: number },
): Promise<void> {
  installPeers();
  console.log(`an editor with ${file} of ${repository} (${edits} edits)`);
  for (const server of serversFor(repository)) await session(server, repository, file, edits, idleSeconds);
}

function serversFor(repository: string): readonly Server[] {
  const oxlint = {
    run: "onType",
    typeAware: true,
    configPath: path.join(peers.folder, "oxlint.json"),
    disableNestedConfig: true,
  };
  const library = path.join(
    root,
    "node_modules",
    "@typescript",
    `typescript-${process.platform}-${process.arch}`,
  );
  return [
    {
      name: "unknot",
      command: [process.execPath, path.join(root, "dist", "extension", "server.mjs"), "--stdio"],
    },
    {
      name: "oxlint",
      command: [peers.command("oxlint"), "--lsp"],
      env: { OXLINT_TSGOLINT_PATH: peers.command("tsgolint") },
      settings: [{ workspaceUri: uriOf(repository), options: oxlint }],
    },
    { name: "TypeScript", command: [path.join(library, "lib", "tsc"), "--lsp", "--stdio"] },
  ];
}

async function session(
  { name, settings, ...options }: Server,
  repository: string,
  file: string,
  edits: number,
  idleSeconds: number,
): Promise<void> {
  const target = path.resolve(repository, file);
  const uri = uriOf(target);
  const lines = readFileSync(target, "utf8").split("\n");
  const middle = lines.findIndex((line, index) => index > lines.length / 2 && /;\s*$/.test(line)) + 1;
  const client = await startClient({
    ...options,
    folders: [repository],
    settings: Array.isArray(settings) ? settings[0].options : settings,
    initializationOptions: settings,
  });
  const pid = client.process.pid ?? 0;
  const measured = async (work: () => Promise<unknown>) => {
    const [cpu, wall] = [treeCpuSeconds(pid), performance.now()];
    await work();
    const tookMs = performance.now() - wall;
    // What is told first is not always the end of the work.
    await settled(pid);
    return { cpuSeconds: treeCpuSeconds(pid) - cpu, tookMs };
  };
  const first = await measured(async () => {
    await client.open(uri, lines.join("\n"));
    await client.diagnostics(uri);
  });
  let [cpuSeconds, longestMs] = [0, 0];
  for (let edit = 1; edit <= edits; edit += 1) {
    const typed = `console.log("${"x".repeat(edit)}");`;
    const one = await measured(async () => {
      await client.change(uri, [...lines.slice(0, middle), typed, ...lines.slice(middle)].join("\n"));
      await client.diagnostics(uri);
    });
    cpuSeconds += one.cpuSeconds;
    longestMs = Math.max(longestMs, one.tookMs);
  }
  const busy = treeBytes(pid);
  await sleep(idleSeconds * 1000);
  const memory = `${(busy / 1e6).toFixed(0)} MB${idleSeconds === 0 ? "" : `, ${(treeBytes(pid) / 1e6).toFixed(0)} MB after ${idleSeconds} s`}`;
  await client.stop();
  console.log(
    `  ${name.padEnd(12)} opened ${first.cpuSeconds.toFixed(2)} s CPU, ${(first.tookMs / 1000).toFixed(2)} s; an edit ${((1000 * cpuSeconds) / edits).toFixed(0)} ms CPU, at most ${longestMs.toFixed(0)} ms; ${memory}`,
  );
}

/** When no process of the tree has worked for a while. */
async function settled(pid: number): Promise<void> {
  let before = Number.NaN;
  for (let quiet = 0; quiet < 3; ) {
    await sleep(50);
    const now = treeCpuSeconds(pid);
    quiet = now === before ? quiet + 1 : 0;
    before = now;
  }
}
