import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Finding } from "@unknot/protocol/finding.ts";
import { type AnalysisFailure, analyzeProgram } from "@unknot/server/analysis/analyze.ts";
import { keepAnalysis } from "@unknot/server/analysis/kept-analysis.ts";
import type { FileFacts } from "@unknot/server/program/facts.ts";
import { openProgram } from "@unknot/server/program/open-program.ts";
import { createInstalled } from "@unknot/server/project/installed.ts";
import { createManifests } from "@unknot/server/project/user-models.ts";
import { root } from "./fixtures.ts";

/** A folder of generated files that see the dependencies of the repository, or of another folder. */
export interface Workspace {
  /** With forward slashes. */
  readonly folder: string;
  write(file: string, text: string): void;
  /** What TypeScript says, by file. */
  typeErrors(): ReadonlyMap<string, readonly string[]>;
  /** What Unknot says, by file. */
  analyze(): {
    readonly findings: ReadonlyMap<string, readonly Finding[]>;
    readonly failures: readonly AnalysisFailure[];
  };
  /** What it says of these files when an editor has them open, some at a time. */
  analyzeOpen(files: readonly string[]): ReadonlyMap<string, readonly Finding[]>;
  remove(): void;
}

const openAtATime = 40;

const manifestsOf = createManifests();
const installedAt = createInstalled();
const installedFor = (facts: readonly FileFacts[]) => installedAt(manifestsOf(facts));

export function createWorkspace(dependencies = root): Workspace {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), "unknot-rules-"))).replaceAll("\\", "/");
  symlinkSync(path.join(dependencies, "node_modules"), path.join(folder, "node_modules"), "junction");
  const config = {
    compilerOptions: {
      target: "es2023",
      lib: ["es2024", "esnext.disposable", "dom"],
      module: "preserve",
      // ts-chan's declarations have no members under "nodenext": its re-exports lack extensions.
      moduleResolution: "bundler",
      types: ["node", "mocha"],
      typeRoots: [path.join(root, "node_modules", "@types")],
      strict: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      allowJs: true,
      checkJs: true,
      jsx: "preserve",
    },
    include: ["**/*"],
    exclude: ["node_modules"],
  };
  writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(config));
  return {
    folder,
    write(file, text) {
      const target = path.join(folder, file);
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, text);
    },
    typeErrors() {
      const tsc = path.join(root, "node_modules", "typescript", "bin", "tsc");
      const done = spawnSync(process.execPath, [tsc, "-p", folder, "--pretty", "false"], {
        cwd: folder,
        encoding: "utf8",
        maxBuffer: 64 * 1024 * 1024,
      });
      const errors = new Map<string, string[]>();
      for (const line of done.stdout.split("\n")) {
        const match = /^(.+?)\((\d+),\d+\): error (.*)$/.exec(line);
        if (!match) {
          if (/^error /.test(line)) throw new Error(line);
          continue;
        }
        const [, file = "", at = "", message = ""] = match;
        const list = errors.get(file) ?? [];
        list.push(`line ${at}: ${message}`);
        errors.set(file, list);
      }
      return errors;
    },
    analyze() {
      const program = openProgram();
      try {
        program.open([folder]);
        const { findings, failures } = analyzeProgram(program, program.files(), { installedFor });
        return { findings: byFile(findings, folder), failures };
      } finally {
        program.close();
      }
    },
    analyzeOpen(files) {
      const program = openProgram();
      try {
        program.open([folder]);
        const kept = keepAnalysis();
        const findings = files.flatMap((_, index) => {
          if (index % openAtATime > 0) return [];
          const open = files.slice(index, index + openAtATime).map((file) => `${folder}/${file}`);
          return analyzeProgram(program, open, { installedFor }, kept).findings;
        });
        const found = byFile(findings, folder);
        return new Map(files.map((file) => [file, found.get(file) ?? []]));
      } finally {
        program.close();
      }
    },
    remove() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function byFile(findings: readonly Finding[], folder: string): ReadonlyMap<string, readonly Finding[]> {
  const found = new Map<string, Finding[]>();
  for (const finding of findings) {
    const file = finding.at.file.slice(folder.length + 1);
    const list = found.get(file);
    if (list) list.push(finding);
    else found.set(file, [finding]);
  }
  return found;
}

/** A text with the edits of a fix applied. */
export function applyEdits(text: string, edits: Finding["fixes"][number]["edits"]): string {
  const lines = [0];
  for (const [index, letter] of [...text].entries()) if (letter === "\n") lines.push(index + 1);
  const offset = (line: number, column: number) => (lines[line - 1] ?? text.length) + column - 1;
  const sorted = [...edits].sort((a, b) => offset(b.at.line, b.at.column) - offset(a.at.line, a.at.column));
  let result = text;
  for (const { at, newText } of sorted) {
    result =
      result.slice(0, offset(at.line, at.column)) + newText + result.slice(offset(at.endLine, at.endColumn));
  }
  return result;
}
