import { syncBuiltinESMExports } from "node:module";
import path from "node:path";
import timersPromises from "node:timers/promises";
import { instrumentations } from "@unknot/models/instrumentations.ts";
import type { Bindings, Instrumentation, Probe } from "@unknot/models/probe.ts";
import { patchTimersPromises } from "@unknot/models/timers-promises/instrument.ts";
import { isObject } from "@unknot/models/wrappers.ts";
import satisfies from "semver/functions/satisfies.js";
import { bindingsOfCommonJs } from "./bindings.ts";
import { type IoWatch, watchIo } from "./io-waits.ts";
import { existsSync, readFileSync } from "./own-fs.ts";

/** An instrumentation with the versions that its model claims. */
export interface KnownInstrumentation {
  readonly instrumentation: Instrumentation;
  readonly versions: string;
}

/** A test runner: it is no library that tasks wait in. */
export interface KnownRunner extends KnownInstrumentation {
  /** Called once for each copy of the package, before the first of its files runs. */
  readonly seen?: (folder: string) => void;
}

const known: readonly KnownInstrumentation[] = instrumentations;

/** The packages that have an instrumentation. */
export const libraries: ReadonlySet<string> = new Set(
  known.map(({ instrumentation }) => instrumentation.library),
);

/** An installed package that is instrumented. */
export interface InstrumentedPackage {
  readonly instrumentation: Instrumentation;
  readonly version: string;
  readonly isRunner: boolean;
}

/** One that is inside a bundle, with the folder where the same version is installed. */
export interface BundledPackage extends InstrumentedPackage {
  readonly folder: string;
}

/** Finds out which packages in `node_modules` are instrumented, and wraps what their files give. */
export interface Instrumentations {
  /** The instrumentation for a file of a package; undefined for other packages and versions that nobody has read. */
  forFile(file: string): InstrumentedPackage | undefined;
  /**
   * The instrumentation for a package that is inside a bundle, by the version that is installed around it; undefined
   * where none is, and for a version that nobody has read.
   */
  forBundled(library: string, bundle: string): BundledPackage | undefined;
  /** Wraps what a file gives, once. */
  patch(found: InstrumentedPackage, bindings: Bindings): void;
}

export interface InstrumentationsOptions {
  readonly runners: readonly KnownRunner[];
  readonly probe: Probe;
  /** A package was wrapped: `async-mutex@0.5.0`. */
  readonly wrapped: (name: string) => void;
  /** A package that has an instrumentation, but not for this version. */
  readonly refused: (file: string, reason: string) => void;
}

export function createInstrumentations({
  runners,
  probe,
  wrapped,
  refused,
}: InstrumentationsOptions): Instrumentations {
  const byFolder = new Map<string, InstrumentedPackage | undefined>();
  const patched = new WeakSet<object>();
  const all: readonly KnownRunner[] = [...known, ...runners];
  const inFolder = (name: string, folder: string): InstrumentedPackage | undefined => {
    const entry = all.find(({ instrumentation }) => instrumentation.library === name);
    if (entry === undefined) return undefined;
    if (byFolder.has(folder)) return byFolder.get(folder);
    const version = versionOf(folder);
    const fits = version !== undefined && satisfies(version, entry.versions);
    if (!fits)
      refused(folder, `${name} ${version ?? "of unknown version"} is not known: ${entry.versions} is`);
    const isRunner = runners.includes(entry);
    const found = fits ? { instrumentation: entry.instrumentation, version, isRunner } : undefined;
    byFolder.set(folder, found);
    if (fits) entry.seen?.(folder);
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
    patch({ instrumentation, version }, bindings) {
      // What has two names is new under both.
      const fresh = instrumentation.exports.filter((name) => {
        const value = bindings.get(name);
        return isObject(value) && !patched.has(value);
      });
      for (const name of fresh) {
        const value = bindings.get(name);
        if (isObject(value)) patched.add(value);
      }
      if (fresh.length === 0) return;
      instrumentation.patch(
        { get: (name) => (fresh.includes(name) ? bindings.get(name) : undefined), replace: bindings.replace },
        probe,
      );
      if (libraries.has(instrumentation.library)) wrapped(`${instrumentation.library}@${version}`);
    },
  };
}

/** Wraps what was loaded before. */
export function instrumentLoaded(
  modules: Readonly<Record<string, { exports: unknown } | undefined>>,
  { forFile, patch }: Instrumentations,
): void {
  for (const [file, module] of Object.entries(modules)) {
    const found = module === undefined ? undefined : forFile(file);
    if (module !== undefined && found !== undefined) patch(found, bindingsOfCommonJs(module));
  }
}

/** Wraps what comes with Node itself. */
export function instrumentBuiltins(probe: Probe): IoWatch {
  patchTimersPromises(timersPromises, probe);
  const watch = watchIo(probe);
  syncBuiltinESMExports();
  return watch;
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
