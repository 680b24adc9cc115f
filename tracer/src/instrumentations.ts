import { syncBuiltinESMExports } from "node:module";
import timersPromises from "node:timers/promises";
import { instrumentations } from "@unknot/models/instrumentations.ts";
import type { Bindings, Instrumentation, Probe } from "@unknot/models/probe.ts";
import { patchTimersPromises } from "@unknot/models/timers-promises/instrument.ts";
import { isObject } from "@unknot/models/wrappers.ts";
import { bindingsOfCommonJs } from "./bindings.ts";
import {
  createInstalledPackages,
  type InstalledPackage,
  type InstalledPackages,
  type PackageOfInterest,
} from "./installed-packages.ts";
import { type IoWatch, watchIo } from "./io-waits.ts";

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

/** From where programs get what these packages export. */
export const importable: ReadonlySet<string> = new Set(
  known.flatMap(({ instrumentation: { library, alsoFrom = [] } }) => [library, ...alsoFrom]),
);

/** What is done with a package of interest. */
interface Instrumented extends PackageOfInterest {
  readonly instrumentation: Instrumentation;
  readonly seen?: (folder: string) => void;
}

/** Finds out which packages in `node_modules` are instrumented, and wraps what their files give. */
export interface Instrumentations extends InstalledPackages {
  /** All that there are, as another thread may be told. */
  readonly packages: readonly PackageOfInterest[];
  /** Wraps what a file gives, once. */
  patch(found: InstalledPackage, bindings: Bindings): void;
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
  const patched = new WeakSet<object>();
  const packages = ([...known, ...runners] as readonly KnownRunner[]).map((entry) => {
    const { instrumentation, versions, seen } = entry;
    const { library, exports } = instrumentation;
    const isRunner = runners.includes(entry);
    return { library, exports, versions, isRunner, instrumentation, ...(seen === undefined ? {} : { seen }) };
  });
  return {
    ...createInstalledPackages<Instrumented>({
      packages,
      seen: ({ seen }, folder) => seen?.(folder),
      refused,
    }),
    packages: packages.map(({ library, exports, versions, isRunner }) => ({
      library,
      exports,
      versions,
      isRunner,
    })),
    patch({ of: { library }, version }, bindings) {
      const instrumentation = packages.find((each) => each.library === library)?.instrumentation;
      if (instrumentation === undefined) return;
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
      if (libraries.has(library)) wrapped(`${library}@${version}`);
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
