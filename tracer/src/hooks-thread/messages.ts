// What the program's thread and the thread of its module hooks share. Node 20 asks module hooks in a thread of their own,
// and the program's thread may stand still meanwhile: each has to do its part without an answer of the other.
import type { MessagePort } from "node:worker_threads";
import type { InstalledPackage, PackageOfInterest } from "../installed-packages.ts";
import type { MapsFor } from "../rewriting.ts";
import type { FileSites } from "../site-registry.ts";

/** What the hooks' thread is told at its start. */
export interface HooksData {
  readonly port: MessagePort;
  /** `slots` numbers of 32 bits. */
  readonly shared: SharedArrayBuffer;
  readonly ownFolder: string;
  readonly transforms: boolean;
  readonly libraries: ReadonlySet<string>;
  readonly importable: ReadonlySet<string>;
  readonly packages: readonly PackageOfInterest[];
  readonly mapsFor: MapsFor;
  /** While nobody asks for maps: that packages are loaded without theirs. */
  readonly mapsPackages: boolean;
}

/** From the hooks' thread; they are there before the file is, that they are about. */
export type FromHooks =
  | { readonly kind: "transformed"; readonly file: FileSites; readonly needsPromises: boolean }
  | { readonly kind: "untouched"; readonly file: string; readonly reason: string }
  | { readonly kind: "reads"; readonly source: string }
  | { readonly kind: "found"; readonly number: number; readonly found: InstalledPackage };

/** The number of the next site. */
export const slotNextSite = 0;
/** 1 while a thread numbers sites. */
export const slotLock = 1;
/** Not 0 while the program's thread adds module hooks: what is loaded then is no file of the program. */
export const slotAddingHooks = 2;
/** 1 when somebody has asked Node to follow the maps of files. */
export const slotMapsAsked = 3;
export const slots = 4;

/** Numbers of what only the hooks' thread has found begin here. */
export const firstFoundByHooks = 1_000_000;

/** Runs `part` in one thread at a time. */
export function exclusively<Result>(shared: Int32Array, part: () => Result): Result {
  while (Atomics.compareExchange(shared, slotLock, 0, 1) !== 0) Atomics.wait(shared, slotLock, 1, 100);
  try {
    return part();
  } finally {
    Atomics.store(shared, slotLock, 0);
    Atomics.notify(shared, slotLock, 1);
  }
}
