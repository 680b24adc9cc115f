import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { installPeers, peers } from "./peers.ts";
import { type Cost, measure, median } from "./process-cost.ts";

const unknot = fileURLToPath(new URL("../dist/npm/unknot.mjs", import.meta.url));

interface Tool {
  readonly name: string;
  readonly command: readonly string[];
  readonly cwd: string;
  /** What the report of a run says beside its findings; throws when it is none. A tool that failed is fast. */
  readonly remark: (report: string) => string;
}

/**
 * A check of a repository, with nothing kept from before (`unknot`) and again without any change (`unknot again`), beside
 * the two promise rules of other linters, in turns.
 */
export async function benchCheck(repository: string, runs: number): Promise<void> {
  installPeers();
  const cache = mkdtempSync(path.join(tmpdir(), "unknot-bench-"));
  try {
    const tools = toolsFor(repository, cache);
    const again = tools.find(({ name }) => name === "unknot again");
    if (again) await measure(again.command, again.cwd);
    const costs = new Map<string, Cost[]>(tools.map(({ name }) => [name, []]));
    for (let run = 0; run < runs; run += 1) {
      for (const { name, command, cwd } of tools) costs.get(name)?.push(await measure(command, cwd));
    }
    print(repository, runs, tools, costs);
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}

function toolsFor(repository: string, cache: string): readonly Tool[] {
  const check = ["check", repository, "--format", "json", "--fail-on", "error", "--stats"];
  const ours = (name: string, kept: string): Tool => ({
    name,
    command: ["env", `UNKNOT_CACHE=${kept}`, process.execPath, unknot, ...check],
    cwd: repository,
    remark(report) {
      JSON.parse(report);
      return "";
    },
  });
  const configOf = (file: string) => path.join(peers.folder, file);
  return [
    ours("unknot", "0"),
    ours("unknot again", cache),
    {
      name: "oxlint",
      command: [
        peers.command("oxlint"),
        ...["--type-aware", "--disable-nested-config", "--config", configOf("oxlint.json")],
        ...["--format", "json", repository],
      ],
      // It looks for its type-aware half in the packages of the current folder.
      cwd: peers.folder,
      remark(report) {
        const { diagnostics } = JSON.parse(report) as { diagnostics: { code?: string; filename: string }[] };
        const refused = diagnostics.filter(({ code }) => code?.includes("tsconfig-error"));
        const configurations = new Set(refused.map(({ filename }) => filename)).size;
        return configurations === 0
          ? ""
          : `without the files of ${configurations} tsconfig files, which it could not use`;
      },
    },
    {
      name: "eslint",
      command: [
        ...["env", "NODE_OPTIONS=--max-old-space-size=8192", peers.command("eslint")],
        ...["--no-config-lookup", "--config", configOf("eslint.config.js"), "--format", "json", "."],
      ],
      cwd: repository,
      remark(report) {
        const files = JSON.parse(report) as { readonly messages: readonly { readonly fatal?: boolean }[] }[];
        const unread = files.filter(({ messages }) => messages.some(({ fatal }) => fatal)).length;
        return unread === 0 ? "" : `without ${unread} of ${files.length} files, which it could not read`;
      },
    },
    {
      name: "biome",
      command: [
        ...[
          peers.command("biome"),
          "lint",
          `--config-path=${configOf("biome-promises.json")}`,
          "--reporter=json",
        ],
        ...["--only=nursery/noFloatingPromises", "--only=nursery/noMisusedPromises", "."],
      ],
      cwd: repository,
      remark(report) {
        const { summary } = JSON.parse(report) as { summary: { skipped: number } };
        return summary.skipped === 0 ? "" : `without ${summary.skipped} files, which it skipped`;
      },
    },
  ];
}

function print(
  repository: string,
  runs: number,
  tools: readonly Tool[],
  costs: ReadonlyMap<string, readonly Cost[]>,
): void {
  console.log(
    `check of ${repository} (${runs} runs each, medians; in brackets: how many times as much unknot takes)`,
  );
  const columns = [
    { of: (cost: Cost) => cost.cpuSeconds, unit: "s CPU" },
    { of: (cost: Cost) => cost.wallSeconds, unit: "s wall" },
    { of: (cost: Cost) => (cost.peakBytes ?? Number.NaN) / 1e6, unit: "MB at most" },
  ];
  for (const { name, remark } of tools) {
    const own = costs.get(name) ?? [];
    const cells = columns.map(({ of, unit }) => {
      const value = median(own.map(of));
      const ratio = median((costs.get("unknot") ?? []).map(of)) / value;
      const text = value.toFixed(unit.startsWith("MB") ? 0 : 1).padStart(6);
      return `${text} ${unit}${name.startsWith("unknot") ? "       " : ` [${ratio.toFixed(2)}]`}`;
    });
    const said = remarkOf(name, own, remark);
    console.log(`  ${name.padEnd(12)} ${cells.join("  ")}${said === "" ? "" : `  ${said}`}`);
  }
  const questions = /^questions.*$/m.exec(costs.get("unknot")?.[0]?.stderr ?? "")?.[0];
  if (questions !== undefined) console.log(`  unknot asked TypeScript: ${questions.replace(/^\w+\s+/, "")}`);
}

function remarkOf(name: string, costs: readonly Cost[], remark: Tool["remark"]): string {
  const [first] = costs;
  try {
    return remark(first?.stdout ?? "");
  } catch {
    throw new Error(
      `${name} ended with ${first?.exitCode} and printed no report: ${first?.stdout.slice(0, 500)}${first?.stderr.slice(0, 500)}`,
    );
  }
}
