import type { Callback } from "@unknot/models/probe.ts";
import { insertionMark, withoutInsertions } from "./transform/insertions.ts";

/**
 * Makes `Function.prototype.toString` give the text that the author wrote: programs send functions elsewhere by their
 * text (`page.evaluate`, worker pools), read parameter names from it, or compare it.
 */
export interface FunctionTexts {
  /** Says that one function stands for another: it gets its text, name, length and prototype. */
  replaces(wrapper: Callback, original: Callback): void;
  restore(): void;
}

export function patchFunctionTexts(): FunctionTexts {
  const originals = new WeakMap<Callback, Callback>();
  const descriptor = Object.getOwnPropertyDescriptor(Function.prototype, "toString");
  const original = Function.prototype.toString;
  const { toString: patched } = {
    toString(this: unknown): string {
      const named = originals.get(this as Callback) ?? this;
      const text: string = Reflect.apply(original, named, []);
      return text.includes(insertionMark) ? withoutInsertions(text) : text;
    },
  };
  originals.set(patched, original);
  if (descriptor !== undefined)
    Object.defineProperty(Function.prototype, "toString", { ...descriptor, value: patched });
  return {
    replaces(wrapper, replaced) {
      originals.set(wrapper, originals.get(replaced) ?? replaced);
      for (const key of ["name", "length"]) {
        const property = Object.getOwnPropertyDescriptor(replaced, key);
        if (property !== undefined) Object.defineProperty(wrapper, key, property);
      }
      // An async function is one to those who look, too.
      Object.setPrototypeOf(wrapper, Object.getPrototypeOf(replaced));
    },
    restore() {
      if (Function.prototype.toString === patched && descriptor !== undefined) {
        Object.defineProperty(Function.prototype, "toString", descriptor);
      }
    },
  };
}
