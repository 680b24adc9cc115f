import type { Callback } from "@unknot/models/probe.ts";
import { insertionMark, withoutInsertions } from "./transform/insertions.ts";

/**
 * Makes `Function.prototype.toString` give the text that the author wrote: programs send functions elsewhere by their
 * text (`page.evaluate`, worker pools), read parameter names from it, or compare it.
 */
export interface FunctionTexts {
  /** Says that one function stands for another: it gets its text, name, length and prototype. */
  replaces(wrapper: Callback, original: Callback): void;
  /** What a function of another realm shows, of which `text` is the text there. */
  shown(named: unknown, text: (named: unknown) => string): string;
  restore(): void;
}

export function patchFunctionTexts(): FunctionTexts {
  const originals = new WeakMap<Callback, Callback>();
  const descriptor = Object.getOwnPropertyDescriptor(Function.prototype, "toString");
  const original = Function.prototype.toString;
  const shown = (self: unknown, textOf: (named: unknown) => string): string => {
    const text = textOf(originals.get(self as Callback) ?? self);
    return text.includes(insertionMark) ? withoutInsertions(text) : text;
  };
  const textOf = (named: unknown): string => Reflect.apply(original, named, []);
  const { toString: patched } = {
    toString(this: unknown): string {
      return shown(this, textOf);
    },
  };
  originals.set(patched, original);
  if (descriptor !== undefined)
    Object.defineProperty(Function.prototype, "toString", { ...descriptor, value: patched });
  return {
    shown,
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
