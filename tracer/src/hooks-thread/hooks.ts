// The module hooks of Node 20, in the thread that it asks them in.
import { AsyncLocalStorage } from "node:async_hooks";
import type { InitializeHook, LoadHook } from "node:module";
import { hooksName } from "../hooks-name.ts";
import { createInstalledPackages } from "../installed-packages.ts";
import { createRewriting, type Rewriting } from "../rewriting.ts";
import {
  exclusively,
  type FromHooks,
  firstFoundByHooks,
  type HooksData,
  slotAddingHooks,
  slotMapsAsked,
  slotNextSite,
} from "./messages.ts";

interface Hooks {
  readonly shared: Int32Array;
  readonly rewriting: Rewriting;
  readonly tell: (message: FromHooks) => void;
}

let hooks: Hooks | undefined;

/** Set below the first of the calls for a file: these hooks are added again behind each that the program adds. */
const below = new AsyncLocalStorage<true>();

export const initialize: InitializeHook<HooksData | undefined> = (given) => {
  // Once more, because others were added: those that are added last are asked first, and may answer alone.
  if (given === undefined) return;
  const { port, shared: buffer, ...data } = given;
  port.unref();
  const shared = new Int32Array(buffer);
  const tell = (message: FromHooks) => port.postMessage(message);
  const untouched = (file: string, reason: string) => tell({ kind: "untouched", file, reason });
  let found = firstFoundByHooks;
  const rewriting = createRewriting({
    ...data,
    mapsFor: () => (Atomics.load(shared, slotMapsAsked) === 0 ? data.mapsFor : "originals"),
    mapsPackages: () => data.mapsPackages && Atomics.load(shared, slotMapsAsked) === 0,
    packages: createInstalledPackages({ packages: data.packages, seen() {}, refused: untouched }),
    keep({ found: { of, version } }) {
      const number = found++;
      tell({ kind: "found", number, found: { of, version } });
      return number;
    },
    guard(part, ...args) {
      try {
        return part(...args);
      } catch {
        return undefined;
      }
    },
    nextSite: () => Atomics.load(shared, slotNextSite),
    numbering: (part) => exclusively(shared, part),
    transformed(file, needsPromises) {
      tell({ kind: "transformed", file, needsPromises });
      Atomics.store(shared, slotNextSite, file.first + file.sites.length);
    },
    untouched,
    reads: (source) => tell({ kind: "reads", source }),
    // What makes stack traces is in the other thread.
    othersMakeStacks: () => false,
    runsUnmapped() {},
    prelude: `${hooksName}.arrived()`,
  });
  hooks = { shared, rewriting, tell };
};

export const load: LoadHook = async (url, context, nextLoad) => {
  if (below.getStore()) return nextLoad(url, context);
  const loaded = await below.run(true, () => nextLoad(url, context));
  if (hooks === undefined || Atomics.load(hooks.shared, slotAddingHooks) !== 0) return loaded;
  try {
    const source = hooks.rewriting.loaded(url, loaded, true);
    return source === undefined ? loaded : { ...loaded, source };
  } catch (error) {
    hooks.tell({ kind: "untouched", file: url, reason: `error of the tracer: ${String(error)}` });
    return loaded;
  }
};
