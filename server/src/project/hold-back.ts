import { existsSync } from "node:fs";
import type { Finding } from "@unknot/protocol/finding.ts";
import type { FilePath } from "../program/ids.ts";
import { folderOf, resolvePath } from "../program/paths.ts";
import type { ProjectNotice } from "../program/program.ts";
import {
  applyBaseline,
  type BaselineEntry,
  baselineText,
  entriesOf,
  type Identity,
  nameInBaseline,
  readBaseline,
} from "./baseline.ts";
import { type Project, readText, toNotice } from "./projects.ts";
import { defaultBaselineName } from "./read-config.ts";

/** What to do with baselines; `file` stands in for every project's own. */
export interface BaselineChoice {
  readonly mode: "apply" | "ignore" | "write";
  readonly file?: FilePath;
  /** Look for entries about files that are gone, too. */
  readonly thorough?: boolean;
}

/** A baseline file and what it did. */
export interface BaselineReport {
  readonly file: FilePath;
  /** How many findings it holds back; after writing, how many it has. */
  readonly known: number;
  /** Entries about the files that were looked at, which are found no more. */
  readonly stale: readonly { readonly file: FilePath; readonly entry: BaselineEntry }[];
  /** What has to stand in it from now on, when it is to be written. */
  readonly text?: string;
}

export interface Identified {
  readonly finding: Finding;
  readonly identity: Identity;
}

/** Holds back what baselines know, or makes them anew. */
export function holdBack(
  files: readonly FilePath[],
  all: readonly Identified[],
  projectOf: (file: FilePath) => Project,
  baseline: BaselineChoice,
  looksFor: (file: FilePath, entry: BaselineEntry) => boolean,
  kept: ReadBaselines,
): {
  readonly findings: readonly Finding[];
  readonly reports: readonly BaselineReport[];
  readonly notices: readonly ProjectNotice[];
} {
  const findings = all.map(({ finding }) => finding);
  if (baseline.mode === "ignore") return { findings, reports: [], notices: [] };
  const byBaseline = new Map<FilePath, FilePath[]>();
  for (const file of files) {
    const target = baseline.file ?? ownBaseline(projectOf(file), baseline.mode);
    if (target !== undefined) byBaseline.set(target, [...(byBaseline.get(target) ?? []), file]);
  }
  const byFile = new Map<FilePath, Identified[]>();
  for (const one of all) {
    const { file } = one.finding.at;
    const known = byFile.get(file);
    if (known) known.push(one);
    else byFile.set(file, [one]);
  }
  const heldBack = new Set<Finding>();
  const reports: BaselineReport[] = [];
  const notices: ProjectNotice[] = [];
  for (const [target, covered] of byBaseline) {
    // What is to be written anew is read anew.
    const read = (baseline.mode === "apply" ? kept.get(target) : undefined) ?? readKnown(target);
    kept.set(target, read);
    if (read === "missing" && baseline.mode === "apply") {
      // The default file need not be there; one that was named should.
      if (baseline.file !== undefined || typeof projectOf(covered[0] ?? "").config.baseline === "string") {
        const message = `There is no baseline '${target}': make it with 'unknot check --write-baseline'.`;
        notices.push({ file: target, severity: "warning", message });
      }
      continue;
    }
    const { baseline: known, problems } = read === "missing" ? readBaseline(emptyBaseline) : read;
    if (baseline.mode === "apply") notices.push(...problems.map((problem) => toNotice(target, problem)));
    const folder = folderOf(target);
    const entries = new Map(known);
    const stale: { file: FilePath; entry: BaselineEntry }[] = [];
    let count = 0;
    for (const file of covered) {
      const name = nameInBaseline(folder, file);
      const found = byFile.get(file) ?? [];
      if (baseline.mode === "write") {
        // What was not looked at stays as it is.
        const others = (entries.get(name) ?? []).filter((entry) => !looksFor(file, entry));
        entries.set(name, [...others, ...entriesOf(found)]);
        continue;
      }
      const own = entries.get(name) ?? [];
      const applied = applyBaseline(found, own);
      const fresh = new Set(applied.fresh);
      for (const { finding } of found) if (!fresh.has(finding)) heldBack.add(finding);
      count += found.length - fresh.size;
      stale.push(...applied.stale.filter((entry) => looksFor(file, entry)).map((entry) => ({ file, entry })));
    }
    if (baseline.mode === "write" || baseline.thorough) {
      const looked = new Set(covered);
      for (const [name, gone] of [...entries]) {
        const file = resolvePath(folder, name);
        if (existsSync(file)) continue;
        entries.delete(name);
        if (!looked.has(file)) stale.push(...gone.map((entry) => ({ file, entry })));
      }
    }
    if (baseline.mode === "write") {
      count = [...entries.values()].flat().reduce((sum, entry) => sum + entry.count, 0);
    }
    reports.push({
      file: target,
      known: count,
      stale,
      ...(baseline.mode === "write" ? { text: baselineText(entries) } : {}),
    });
  }
  return { findings: findings.filter((finding) => !heldBack.has(finding)), reports, notices };
}

const emptyBaseline = baselineText(new Map());

/** Baselines by file, as they were read: parsing them at every keystroke would take too long. */
export type ReadBaselines = Map<FilePath, ReturnType<typeof readBaseline> | "missing">;

function readKnown(file: FilePath): ReturnType<typeof readBaseline> | "missing" {
  const text = readText(file);
  return typeof text === "string" ? readBaseline(text) : "missing";
}

function ownBaseline({ root, config }: Project, mode: BaselineChoice["mode"]): FilePath | undefined {
  if (config.baseline === false) return mode === "write" ? resolvePath(root, defaultBaselineName) : undefined;
  return resolvePath(root, config.baseline ?? defaultBaselineName);
}
