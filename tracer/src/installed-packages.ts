// Which packages in `node_modules` are instrumented: asked in the thread of the program and in that of its module hooks.
import path from "node:path";
import satisfies from "semver/functions/satisfies.js";
import { existsSync, readFileSync } from "./own-fs.ts";

/** A package whose files say what they export. It can be told to another thread. */
export interface PackageOfInterest {
  readonly library: string;
  /** Exports of interest; a file that gives none of them is left alone. */
  readonly exports: readonly string[];
  readonly versions: string;
  /** A test runner: it is no library that tasks wait in. */
  readonly isRunner: boolean;
}

export interface InstalledPackage<Of extends PackageOfInterest = PackageOfInterest> {
  readonly of: Of;
  readonly version: string;
}

/** One that is inside a bundle, with the folder where the same version is installed. */
export interface BundledPackage<Of extends PackageOfInterest = PackageOfInterest>
  extends InstalledPackage<Of> {
  readonly folder: string;
}

export interface InstalledPackages<Of extends PackageOfInterest = PackageOfInterest> {
  /** The package of a file; undefined for other packages and versions that nobody has read. */
  forFile(file: string): InstalledPackage<Of> | undefined;
  /**
   * A package that is inside a bundle, by the version that is installed around it; undefined where none is, and for a
   * version that nobody has read.
   */
  forBundled(library: string, bundle: string): BundledPackage<Of> | undefined;
}

export interface InstalledPackagesOptions<Of extends PackageOfInterest> {
  readonly packages: readonly Of[];
  /** Called once for each copy of a package, before the first of its files runs. */
  readonly seen: (of: Of, folder: string) => void;
  /** One of the packages, but not in this version. */
  readonly refused: (file: string, reason: string) => void;
}

export function createInstalledPackages<Of extends PackageOfInterest>({
  packages,
  seen,
  refused,
}: InstalledPackagesOptions<Of>): InstalledPackages<Of> {
  const byFolder = new Map<string, InstalledPackage<Of> | undefined>();
  const inFolder = (name: string, folder: string): InstalledPackage<Of> | undefined => {
    const of = packages.find(({ library }) => library === name);
    if (of === undefined) return undefined;
    if (byFolder.has(folder)) return byFolder.get(folder);
    const version = versionOf(folder);
    const fits = version !== undefined && satisfies(version, of.versions);
    if (!fits) refused(folder, `${name} ${version ?? "of unknown version"} is not known: ${of.versions} is`);
    const found = fits ? { of, version } : undefined;
    byFolder.set(folder, found);
    if (fits) seen(of, folder);
    return found;
  };
  return {
    forFile(file) {
      const place = packageOf(file);
      return place === undefined ? undefined : inFolder(place.name, place.folder);
    },
    forBundled(library, bundle) {
      const key = `${library} in ${bundle}`;
      if (byFolder.has(key)) return undefined;
      for (let folder = path.dirname(bundle); ; folder = path.dirname(folder)) {
        const candidate = path.join(folder, "node_modules", library);
        if (existsSync(path.join(candidate, "package.json"))) {
          const found = inFolder(library, candidate);
          return found === undefined ? undefined : { ...found, folder: candidate };
        }
        if (folder === path.dirname(folder)) break;
      }
      byFolder.set(key, undefined);
      refused(bundle, `${library} in this bundle is of unknown version: it is not installed around it`);
      return undefined;
    },
  };
}

/** The package a file belongs to, by the last `node_modules` of its path. */
function packageOf(file: string): { readonly name: string; readonly folder: string } | undefined {
  const parts = file.split(path.sep);
  const at = parts.lastIndexOf("node_modules");
  const first = at < 0 ? undefined : parts[at + 1];
  if (first === undefined) return undefined;
  const second = first.startsWith("@") ? parts[at + 2] : undefined;
  const name = second === undefined ? first : `${first}/${second}`;
  return { name, folder: parts.slice(0, at + (second === undefined ? 2 : 3)).join(path.sep) };
}

function versionOf(folder: string): string | undefined {
  try {
    const { version } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as {
      version?: unknown;
    };
    return typeof version === "string" ? version : undefined;
  } catch {
    return undefined;
  }
}
