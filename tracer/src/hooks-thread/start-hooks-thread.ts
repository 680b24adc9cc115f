import module from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { type Callback, type Wrapping, wrapFunction } from "@unknot/models/probe.ts";
import type { InstalledPackage, PackageOfInterest } from "../installed-packages.ts";
import type { RewritingOptions } from "../rewriting.ts";
import {
  exclusively,
  type FromHooks,
  firstFoundByHooks,
  type HooksData,
  slotAddingHooks,
  slotMapsAsked,
  slotNextSite,
  slots,
} from "./messages.ts";

/** The hooks' thread as the program's thread sees it. */
export interface HooksThread {
  /** Takes in what the other thread has said of the files that run now. */
  arrived(): void;
  /** What the other thread has found in `node_modules`. */
  found(number: number): InstalledPackage | undefined;
  numbering<Result>(part: () => Result): Result;
}

export interface HooksThreadOptions
  extends Wrapping,
    Pick<
      RewritingOptions,
      | "ownFolder"
      | "transforms"
      | "libraries"
      | "importable"
      | "nextSite"
      | "transformed"
      | "untouched"
      | "reads"
      | "mapsFor"
      | "mapsPackages"
    > {
  readonly instrumentations: { readonly packages: readonly PackageOfInterest[] };
  /** Called when somebody asks Node to follow the maps of files. */
  readonly whenMapsAsked: (heard: () => void) => void;
  /** The thread loads its first file. */
  readonly started: () => void;
  /** Called when the program asks for `node:test` first, if somebody wants to know. */
  readonly asksForNodeTest?: (() => void) | undefined;
}

/** ES modules are rewritten in the thread that Node loads them in, by `hooks.ts`. */
export function startHooksThread(options: HooksThreadOptions): HooksThread {
  const { guard, ownFolder, transforms, libraries, importable, instrumentations } = options;
  const { port1, port2 } = new MessageChannel();
  const buffer = new SharedArrayBuffer(slots * Int32Array.BYTES_PER_ELEMENT);
  const shared = new Int32Array(buffer);
  Atomics.store(shared, slotNextSite, options.nextSite());
  const known = new Map<number, InstalledPackage>();
  let { asksForNodeTest } = options;
  const take = (message: FromHooks) => {
    switch (message.kind) {
      case "transformed":
        options.transformed(message.file, message.needsPromises);
        break;
      case "untouched":
        options.untouched(message.file, message.reason);
        break;
      case "reads":
        options.reads(message.source);
        if (!/\bnode:test\b/.test(message.source)) break;
        asksForNodeTest?.();
        asksForNodeTest = undefined;
        break;
      case "found":
        known.set(message.number, message.found);
        break;
    }
  };
  const arrived = () => {
    for (;;) {
      const received = receiveMessageOnPort(port1) as { readonly message: FromHooks } | undefined;
      if (received === undefined) return;
      guard(() => take(received.message));
    }
  };
  port1.on("message", (message: FromHooks) => guard(() => take(message)));
  port1.unref();
  const { register } = module;
  const data: HooksData = {
    port: port2,
    shared: buffer,
    ownFolder,
    transforms,
    libraries,
    importable,
    packages: instrumentations.packages,
    mapsFor: options.mapsFor(),
    mapsPackages: options.mapsPackages(),
  };
  options.whenMapsAsked(() => Atomics.store(shared, slotMapsAsked, 1));
  const hooks = pathToFileURL(path.join(ownFolder, "module-hooks.cjs"));
  register(hooks, { data, transferList: [port2] });
  module.register = wrapFunction(options, register as Callback, () => {
    Atomics.add(shared, slotAddingHooks, 1);
    const done = () => void Atomics.sub(shared, slotAddingHooks, 1);
    return {
      returned() {
        try {
          register(hooks);
        } finally {
          done();
        }
      },
      threw: done,
    };
  }) as typeof register;
  options.started();
  return {
    arrived,
    found(number) {
      if (number < firstFoundByHooks) return undefined;
      if (!known.has(number)) arrived();
      return known.get(number);
    },
    numbering: (part) =>
      exclusively(shared, () => {
        arrived();
        try {
          return part();
        } finally {
          Atomics.store(shared, slotNextSite, options.nextSite());
        }
      }),
  };
}
