import { syncBuiltinESMExports } from "node:module";
import path from "node:path";
import timersPromises from "node:timers/promises";
import { instrumentations } from "@unknot/models/instrumentations.ts";
import type { Bindings, Instrumentation, Probe } from "@unknot/models/probe.ts";
import { patchTimersPromises } from "@unknot/models/timers-promises/instrument.ts";
import { isObject } from "@unknot/models/wrappers.ts";
import satisfies from "semver/functions/satisfies.js";
import { bindingsOfCommonJs } from "./bindings.ts";
import { watchIo } from "./io-waits.ts";
import { readFileSync } from "./own-fs.ts";

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

/** Finds out which packages in `node_modules` are instrumented, and wraps what their files give. */
export interface Instrumentations {
  /** The instrumentation for a file of a package; undefined for other packages and versions that nobody has read. */
  forFile(file: string): InstrumentedPackage | undefined;
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
  return {
    forFile(file) {
      const place = packageOf(file);
      if (place === undefined) return undefined;
      const entry = all.find(({ instrumentation }) => instrumentation.library === place.name);
      if (entry === undefined) return undefined;
      if (byFolder.has(place.folder)) return byFolder.get(place.folder);
      const version = versionOf(place.folder);
      const fits = version !== undefined && satisfies(version, entry.versions);
      if (!fits) {
        refused(
          place.folder,
          `${place.name} ${version ?? "of unknown version"} is not known: ${entry.versions} is`,
        );
      }
      const isRunner = runners.includes(entry);
      const found = fits ? { instrumentation: entry.instrumentation, version, isRunner } : undefined;
      byFolder.set(place.folder, found);
      if (fits) entry.seen?.(place.folder);
      return found;
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

/** Wraps what comes with Node itself; the result is called with the source of each file of the program. */
export function instrumentBuiltins(probe: Probe): (source: string) => void {
  patchTimersPromises(timersPromises, probe);
  const reads = watchIo(probe);
  syncBuiltinESMExports();
  return reads;
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
