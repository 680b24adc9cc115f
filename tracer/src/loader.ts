// Puts the rewriting of files between them and Node.
import module, { type RegisterHooksOptions } from "node:module";
import { fileURLToPath } from "node:url";
import { type Bindings, wrapFunction } from "@unknot/models/probe.ts";
import { type Compilations, watchCompilations } from "./compilation.ts";
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
  const compilations = watchCompilations(options, rewriting.compiled, !hasHooksInThread);
  if (hasHooksInThread) registerInThread(options, rewriting, compilations);
  else if (isUnderDebugger())
    // It waits for a thread that a debugger may hold.
    options.untouched("*.mjs", "Node 20 loads ES modules beside a debugger as they are");
  else thread = startHooksThread(options);
  return {
    packageFile(number) {
      const found = kept[number]?.found ?? thread?.found(number);
      return found === undefined ? undefined : (bindings) => instrumentations.patch(found, bindings);
    },
    numbering,
    arrived: () => thread?.arrived(),
    evaluated: rewriting.evaluated,
  };
}

function registerInThread(options: LoaderOptions, rewriting: Rewriting, compilations: Compilations): void {
  const { guard } = options;
  let started = false;
  let { asksForNodeTest } = options;
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
        const compiles =
          context.conditions.includes("require") &&
          url.startsWith("file:") &&
          compilations.isTaken(fileURLToPath(url));
        return rewriting.loaded(url, loaded, compiles);
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
