import { syncBuiltinESMExports } from "node:module";
import path from "node:path";
import timersPromises from "node:timers/promises";
import { instrumentation as asyncLock } from "@unknot/models/async-lock/instrument.ts";
import asyncLockModel from "@unknot/models/async-lock/model.json" with { type: "json" };
import { instrumentation as asyncMutex } from "@unknot/models/async-mutex/instrument.ts";
import asyncMutexModel from "@unknot/models/async-mutex/model.json" with { type: "json" };
import { instrumentation as asyncSema } from "@unknot/models/async-sema/instrument.ts";
import asyncSemaModel from "@unknot/models/async-sema/model.json" with { type: "json" };
import { instrumentation as awaitLock } from "@unknot/models/await-lock/instrument.ts";
import awaitLockModel from "@unknot/models/await-lock/model.json" with { type: "json" };
import { instrumentation as genericPool } from "@unknot/models/generic-pool/instrument.ts";
import genericPoolModel from "@unknot/models/generic-pool/model.json" with { type: "json" };
import { instrumentation as pLimit } from "@unknot/models/p-limit/instrument.ts";
import pLimitModel from "@unknot/models/p-limit/model.json" with { type: "json" };
import { instrumentation as pQueue } from "@unknot/models/p-queue/instrument.ts";
import pQueueModel from "@unknot/models/p-queue/model.json" with { type: "json" };
import { instrumentation as pgPool } from "@unknot/models/pg-pool/instrument.ts";
import pgPoolModel from "@unknot/models/pg-pool/model.json" with { type: "json" };
import type { Bindings, Instrumentation, Probe } from "@unknot/models/probe.ts";
import { instrumentation as sapphireAsyncQueue } from "@unknot/models/sapphire-async-queue/instrument.ts";
import sapphireAsyncQueueModel from "@unknot/models/sapphire-async-queue/model.json" with { type: "json" };
import { instrumentation as semaphoreAsyncAwait } from "@unknot/models/semaphore-async-await/instrument.ts";
import semaphoreAsyncAwaitModel from "@unknot/models/semaphore-async-await/model.json" with { type: "json" };
import { instrumentation as tarn } from "@unknot/models/tarn/instrument.ts";
import tarnModel from "@unknot/models/tarn/model.json" with { type: "json" };
import { patchTimersPromises } from "@unknot/models/timers-promises/instrument.ts";
import { instrumentation as tsChan } from "@unknot/models/ts-chan/instrument.ts";
import tsChanModel from "@unknot/models/ts-chan/model.json" with { type: "json" };
import { instrumentation as waitgroup } from "@unknot/models/waitgroup/instrument.ts";
import waitgroupModel from "@unknot/models/waitgroup/model.json" with { type: "json" };
import satisfies from "semver/functions/satisfies.js";
import { readFileSync } from "./own-fs.ts";

/** An instrumentation with the versions that its model claims. */
export interface KnownInstrumentation {
  readonly instrumentation: Instrumentation;
  readonly versions: string;
}

const known: readonly KnownInstrumentation[] = [
  { instrumentation: asyncMutex, versions: asyncMutexModel.versions },
  { instrumentation: pLimit, versions: pLimitModel.versions },
  { instrumentation: pQueue, versions: pQueueModel.versions },
  { instrumentation: tsChan, versions: tsChanModel.versions },
  { instrumentation: asyncLock, versions: asyncLockModel.versions },
  { instrumentation: asyncSema, versions: asyncSemaModel.versions },
  { instrumentation: awaitLock, versions: awaitLockModel.versions },
  { instrumentation: genericPool, versions: genericPoolModel.versions },
  { instrumentation: pgPool, versions: pgPoolModel.versions },
  { instrumentation: sapphireAsyncQueue, versions: sapphireAsyncQueueModel.versions },
  { instrumentation: semaphoreAsyncAwait, versions: semaphoreAsyncAwaitModel.versions },
  { instrumentation: tarn, versions: tarnModel.versions },
  { instrumentation: waitgroup, versions: waitgroupModel.versions },
];

/** The packages that have an instrumentation. */
export const libraries: ReadonlySet<string> = new Set(
  known.map(({ instrumentation }) => instrumentation.library),
);

/** An installed package that is instrumented. */
export interface InstrumentedPackage {
  readonly instrumentation: Instrumentation;
  readonly version: string;
}

/** Finds out which packages in `node_modules` are instrumented, and wraps what their files give. */
export interface Instrumentations {
  /** The instrumentation for a file of a package; undefined for other packages and versions that nobody has read. */
  forFile(file: string): InstrumentedPackage | undefined;
  /** Wraps what a file gives, once. */
  patch(found: InstrumentedPackage, bindings: Bindings): void;
}

export interface InstrumentationsOptions {
  /** Instrumentations besides those of the models: of what is no library that tasks wait in. */
  readonly others: readonly KnownInstrumentation[];
  readonly probe: Probe;
  /** A package was wrapped: `async-mutex@0.5.0`. */
  readonly wrapped: (name: string) => void;
  /** A package that has an instrumentation, but not for this version. */
  readonly refused: (file: string, reason: string) => void;
}

export function createInstrumentations({
  others,
  probe,
  wrapped,
  refused,
}: InstrumentationsOptions): Instrumentations {
  const byFolder = new Map<string, InstrumentedPackage | undefined>();
  const patched = new WeakSet<object>();
  const all = [...known, ...others];
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
      const found = fits ? { instrumentation: entry.instrumentation, version } : undefined;
      byFolder.set(place.folder, found);
      return found;
    },
    patch({ instrumentation, version }, bindings) {
      const fresh = instrumentation.exports.filter((name) => {
        const value = bindings.get(name);
        if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
        const isNew = !patched.has(value);
        patched.add(value);
        return isNew;
      });
      if (fresh.length === 0) return;
      instrumentation.patch(
        { get: (name) => (fresh.includes(name) ? bindings.get(name) : undefined), replace: bindings.replace },
        probe,
      );
      if (libraries.has(instrumentation.library)) wrapped(`${instrumentation.library}@${version}`);
    },
  };
}

/** Wraps what comes with Node itself. */
export function instrumentBuiltins(probe: Probe): void {
  patchTimersPromises(timersPromises, probe);
  syncBuiltinESMExports();
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
