import { bundledModels } from "@unknot/models/index.ts";
import semver from "semver";
import { type InstalledVersions, packageOf } from "../models/at-versions.ts";
import type { FilePath } from "../program/ids.ts";
import { readText } from "./projects.ts";

/** Reads the versions of the packages that models describe; keeps what it has read. */
export function createInstalled(): (manifests: readonly FilePath[]) => InstalledVersions {
  const described = new Set(bundledModels.flatMap(({ modules }) => modules.map(packageOf)));
  const known = new Map<FilePath, string | undefined>();
  const versionAt = (manifest: FilePath): string | undefined => {
    if (!known.has(manifest)) known.set(manifest, readVersion(manifest));
    return known.get(manifest);
  };
  return (manifests) => {
    const installed = new Map<string, string[]>();
    for (const manifest of manifests) {
      const name = /.*\/node_modules\/(.+)\/package\.json$/.exec(manifest)?.[1];
      const version = name !== undefined && described.has(name) ? versionAt(manifest) : undefined;
      if (name === undefined || version === undefined) continue;
      const all = installed.get(name) ?? [];
      if (!all.includes(version)) installed.set(name, [...all, version]);
    }
    return installed;
  };
}

function readVersion(manifest: FilePath): string | undefined {
  const text = readText(manifest);
  if (typeof text !== "string") return undefined;
  try {
    const { version } = JSON.parse(text) as { readonly version?: unknown };
    return typeof version === "string" ? (semver.valid(version) ?? undefined) : undefined;
  } catch {
    return undefined;
  }
}
