// CommonJS files that somebody other than Node compiles (ts-node, tsx, Babel, a test runner): what they read is left as it
// is, and what they make of it is rewritten. One who compiles asks a module for its `_compile`, so it shows then who it is,
// and files that Node compiles have no frame of ours in their stack traces.
import module from "node:module";
import util from "node:util";
import { type Callback, type Wrapping, wrapFunction } from "@unknot/models/probe.ts";

/** Who compiles CommonJS files. */
export interface Compilations {
  /** Whether somebody other than Node will compile a file that Node is reading now. */
  isTaken(file: string): boolean;
}

/**
 * Rewrites what is compiled by `compiled`, which gives undefined for what is to stay as it is. With `always`, what Node
 * compiles as well: no hooks are asked for it.
 */
export function watchCompilations(
  wrapping: Wrapping,
  compiled: (code: string, file: string) => string | undefined,
  always: boolean,
): Compilations {
  const { prototype } = module.Module as unknown as { readonly prototype: { _compile: unknown } };
  const descriptor = Object.getOwnPropertyDescriptor(prototype, "_compile");
  if (typeof descriptor?.value !== "function") return { isTaken: () => false };
  /** Files whose modules others have asked for their `_compile`, until they are compiled. */
  const taken = new Set<string>();
  let plain: unknown;
  let rewrites: unknown;
  const set = (value: unknown): void => {
    plain = value;
    rewrites =
      typeof value !== "function"
        ? value
        : wrapFunction(wrapping, value as Callback, (_, [code, file, ...rest]) => {
            if (typeof code !== "string" || typeof file !== "string") return undefined;
            taken.delete(file);
            const rewritten = compiled(code, file);
            return rewritten === undefined ? undefined : { args: [rewritten, file, ...rest] };
          });
  };
  set(descriptor.value);
  Object.defineProperty(prototype, "_compile", {
    configurable: true,
    enumerable: descriptor.enumerable === true,
    get(this: { readonly filename?: unknown }) {
      // Those who put another function in its place ask the prototype.
      if (this === prototype) return plain;
      const { filename } = this;
      if (typeof filename !== "string" || taken.has(filename)) return rewrites;
      if (!always && isAskedByNode()) return plain;
      taken.add(filename);
      return rewrites;
    },
    set(this: object, value: unknown) {
      if (this === prototype) set(value);
      else
        Object.defineProperty(this, "_compile", {
          value,
          configurable: true,
          enumerable: true,
          writable: true,
        });
    },
  });
  return { isTaken: (file) => taken.has(file) };
}

const { getCallSites } = util as Partial<typeof util>;

/** Whether code of Node's has called the function that calls this. */
function isAskedByNode(): boolean {
  const [, , asking] = getCallSites?.(3) ?? [];
  return asking?.scriptName.startsWith("node:") === true;
}
