// Puts the rewriting of files between them and Node.
import module, { type RegisterHooksOptions } from "node:module";
import { type Bindings, type Callback, wrapFunction } from "@unknot/models/probe.ts";
import { isUnderDebugger } from "./debugger.ts";
import {
  type HooksThread,
  type HooksThreadOptions,
  startHooksThread,
} from "./hooks-thread/start-hooks-thread.ts";
import type { Instrumentations } from "./instrumentations.ts";
import { createRewriting, type FoundPackage, type Rewriting, type RewritingOptions } from "./rewriting.ts";

export interface LoaderOptions
  extends HooksThreadOptions,
    Omit<RewritingOptions, "guard" | "packages" | "keep" | "numbering" | "prelude"> {
  readonly instrumentations: Instrumentations;
}

/** The tracer's part between files and those who run them. */
export interface Loader extends Pick<Rewriting, "evaluated">, Pick<RewritingOptions, "numbering"> {
  /** What files of packages call when they have been evaluated; by the number their code carries. */
  packageFile(number: number): ((bindings: Bindings) => void) | undefined;
  /** What files do first that another thread has rewritten. */
  arrived(): void;
  /** From now on CommonJS files are transformed where they are compiled: behind those who change how they are read. */
  atCompilation(): void;
}

/** Whether Node asks module hooks in the thread of the program: from 22.15 and 23.5 on. */
export const hasHooksInThread = typeof module.registerHooks === "function";

export function installLoader(options: LoaderOptions): Loader {
  const { instrumentations } = options;
  const kept: FoundPackage[] = [];
  let thread: HooksThread | undefined;
  const numbering: Loader["numbering"] = (part) => (thread === undefined ? part() : thread.numbering(part));
  const rewriting = createRewriting({
    ...options,
    packages: instrumentations,
    keep: (found) => kept.push(found) - 1,
    numbering,
  });
  let compiles = false;
  const watchCompilation = () => {
    if (compiles || (hasHooksInThread && !options.transforms)) return;
    compiles = true;
    const { prototype } = module.Module as unknown as { prototype: { _compile: Callback } };
    prototype._compile = wrapFunction(options, prototype._compile, (_, [code, file, ...rest]) => {
      if (typeof code !== "string" || typeof file !== "string") return undefined;
      const compiled = rewriting.compiled(code, file);
      return compiled === undefined ? undefined : { args: [compiled, file, ...rest] };
    });
  };
  if (hasHooksInThread) registerInThread(options, rewriting, { compiles: () => compiles, watchCompilation });
  else {
    // It waits for a thread that a debugger may hold.
    if (isUnderDebugger())
      options.untouched("*.mjs", "Node 20 loads ES modules beside a debugger as they are");
    else thread = startHooksThread(options);
    watchCompilation();
  }
  return {
    packageFile(number) {
      const found = kept[number]?.found ?? thread?.found(number);
      return found === undefined ? undefined : (bindings) => instrumentations.patch(found, bindings);
    },
    numbering,
    arrived: () => thread?.arrived(),
    evaluated: rewriting.evaluated,
    atCompilation: watchCompilation,
  };
}

interface Compilation {
  readonly compiles: () => boolean;
  readonly watchCompilation: () => void;
}

function registerInThread(
  options: LoaderOptions,
  rewriting: Rewriting,
  { compiles, watchCompilation }: Compilation,
): void {
  const { guard } = options;
  let started = false;
  let { asksForNodeTest } = options;
  // It checks what it compiles, so its files are ours when they are compiled. It may have come before us.
  if (Symbol.for("ts-node.register.instance") in process) watchCompilation();
  const hooks: RegisterHooksOptions = {
    ...(asksForNodeTest === undefined
      ? {}
      : {
          resolve(specifier, context, nextResolve) {
            if (specifier === "node:test" && asksForNodeTest !== undefined) {
              const heard = asksForNodeTest;
              asksForNodeTest = undefined;
              guard(heard);
            }
            return nextResolve(specifier, context);
          },
        }),
    load(url, context, nextLoad) {
      if (!started) {
        started = true;
        guard(options.started);
      }
      const loaded = nextLoad(url, context);
      const source = guard(() => {
        if (url.includes("/node_modules/ts-node/")) watchCompilation();
        return rewriting.loaded(url, loaded, compiles());
      });
      return source === undefined ? loaded : { ...loaded, source };
    },
  };
  const { registerHooks } = module;
  let registered = registerHooks(hooks);
  // Hooks that are registered later come first, and may answer without asking those before them.
  module.registerHooks = wrapFunction(options, registerHooks, () => ({
    returned: () => {
      registered.deregister();
      registered = registerHooks(hooks);
    },
  })) as typeof registerHooks;
}
