import type { Era, Model, OperationModel, TypeModel } from "@unknot/models/model.ts";
import semver from "semver";

/** The installed versions of packages, by name; several where parts of a program have their own. */
export type InstalledVersions = ReadonlyMap<string, readonly string[]>;

/** Library models, as far as they describe what is installed. A package that is not there counts as the newest described. */
export function atVersions(models: readonly Model[], installed: InstalledVersions): readonly Model[] {
  return models.flatMap((model): readonly Model[] => {
    const { versions } = model;
    // Global names come with no package.
    if (versions === undefined || model.modules.length === 0) return [model];
    if (semver.validRange(versions) === null) return [model];
    // The modules of one model may come from packages of their own: pg and pg-pool.
    const byVersions = new Map<string, { modules: string[]; versions: readonly string[] }>();
    for (const module of model.modules) {
      const all = [...(installed.get(packageOf(module)) ?? [newestIn(versions)])].sort();
      const known = byVersions.get(all.join(" ")) ?? { modules: [], versions: all };
      known.modules.push(module);
      byVersions.set(all.join(" "), known);
    }
    return [...byVersions.values()].flatMap(
      (one) => describing({ ...model, modules: one.modules }, one.versions) ?? [],
    );
  });
}

/** The package that has a module: `mysql2` for `mysql2/promise`. */
export function packageOf(module: string): string {
  return module
    .split("/")
    .slice(0, module.startsWith("@") ? 2 : 1)
    .join("/");
}

const withPrereleases = { includePrerelease: true };

/** What holds for all of these versions; undefined when the model describes none of them. */
function describing(model: Model, installed: readonly string[]): Model | undefined {
  const range = model.versions ?? "*";
  const versions = installed.filter((version) => semver.satisfies(version, range, withPrereleases));
  return versions.length === 0 ? undefined : restricted(model, versions);
}

function restricted(model: Model, versions: readonly string[]): Model {
  const types = Object.entries(model.types ?? {}).filter(([, type]) => isThere(type, versions));
  return {
    ...model,
    ...(model.types
      ? { types: Object.fromEntries(types.map(([name, type]) => [name, typeAt(type, versions)])) }
      : {}),
    ...(model.functions ? { functions: operationsAt(model.functions, versions) } : {}),
  };
}

function typeAt(type: TypeModel, versions: readonly string[]): TypeModel {
  return {
    ...type,
    members: operationsAt(type.members, versions),
    ...(type.call ? { call: operationAt(type.call, versions) } : {}),
    ...(type.statics ? { statics: operationsAt(type.statics, versions) } : {}),
  };
}

function operationsAt(
  operations: Readonly<Record<string, OperationModel>>,
  versions: readonly string[],
): Readonly<Record<string, OperationModel>> {
  return Object.fromEntries(
    Object.entries(operations)
      .filter(([, operation]) => isThere(operation, versions))
      .map(([name, operation]) => [name, operationAt(operation, versions)]),
  );
}

function isThere(era: Era, versions: readonly string[]): boolean {
  return versions.every((version) => isThereAt(era, version));
}

/** Whether a version of the library has what is described. */
export function isThereAt({ since, until }: Era, version: string): boolean {
  return (
    (since === undefined || semver.gte(version, since)) && (until === undefined || semver.lt(version, until))
  );
}

/** Guards by version are decided; where the versions differ, nothing is said of what becomes of dropped tasks. */
function operationAt(operation: OperationModel, versions: readonly string[]): OperationModel {
  const { dropped, ...rest } = operation;
  if (dropped === undefined || typeof dropped === "string") return operation;
  const [first, ...others] = versions.map((installed) =>
    dropped.flatMap(({ when, ...outcome }) => {
      const { version, ...guard } = when ?? {};
      if (version !== undefined && !semver.satisfies(installed, version, withPrereleases)) return [];
      return [{ ...outcome, ...(guard.create ? { when: guard } : {}) }];
    }),
  );
  const agree = others.every((other) => JSON.stringify(other) === JSON.stringify(first));
  return first && agree ? { ...rest, dropped: first } : rest;
}

/** A version at the upper end of a range like `>=6.0.0 <11.0.0`. */
function newestIn(range: string): string {
  const ends = new semver.Range(range).set.flat().filter(({ operator }) => operator.startsWith("<"));
  const [end] = ends.map((one) => one.semver).sort(semver.rcompare);
  if (!end) return "999999.0.0";
  const { major, minor, patch } = end;
  if (end.prerelease.length > 0) return `${major}.${minor}.${patch}-0`;
  if (patch > 0) return `${major}.${minor}.${patch - 1}`;
  return minor > 0 ? `${major}.${minor - 1}.999999` : `${major - 1}.999999.999999`;
}
