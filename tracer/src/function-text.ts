import type { Callback } from "@unknot/models/probe.ts";
import { Identity } from "./stamp.ts";
import { insertionMark, withoutInsertions } from "./transform/insertions.ts";

let nextOriginal: Callback;

/** What a function stands for, in a private field as in `stamp.ts`: a quarter of the price of an entry in a `WeakMap`. */
class Wrapper extends Identity {
  // biome-ignore lint/style/useReadonlyClassProperties: write() sets it on functions that are no instances
  #original: Callback = nextOriginal;

  static original(wrapper: Callback): Callback | undefined {
    return #original in wrapper ? (wrapper as unknown as Wrapper).#original : undefined;
  }

  static write(wrapper: Callback, original: Callback): void {
    nextOriginal = original;
    if (#original in wrapper) (wrapper as unknown as Wrapper).#original = original;
    else new Wrapper(wrapper);
  }
}

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
  const descriptor = Object.getOwnPropertyDescriptor(Function.prototype, "toString");
  const original = Function.prototype.toString;
  const shown = (self: unknown, textOf: (named: unknown) => string): string => {
    const text = textOf(
      (typeof self === "function" ? Wrapper.original(self as Callback) : undefined) ?? self,
    );
    return text.includes(insertionMark) ? withoutInsertions(text) : text;
  };
  const textOf = (named: unknown): string => Reflect.apply(original, named, []);
  const { toString: patched } = {
    toString(this: unknown): string {
      return shown(this, textOf);
    },
  };
  Wrapper.write(patched, original);
  if (descriptor !== undefined)
    Object.defineProperty(Function.prototype, "toString", { ...descriptor, value: patched });
  return {
    shown,
    replaces(wrapper, replaced) {
      Wrapper.write(wrapper, Wrapper.original(replaced) ?? replaced);
      // Called for each callback that is handed to a library; mostly they are alike, and changing a function is dear. Not
      // by a look at the properties themselves, which would be cheaper: they may be getters of the program.
      for (const key of ["name", "length"] as const) {
        const property = Object.getOwnPropertyDescriptor(replaced, key);
        if (property !== undefined && property.value !== wrapper[key])
          Object.defineProperty(wrapper, key, property);
      }
      // An async function is one to those who look, too.
      const prototype = Object.getPrototypeOf(replaced);
      if (Object.getPrototypeOf(wrapper) !== prototype) Object.setPrototypeOf(wrapper, prototype);
    },
    restore() {
      if (Function.prototype.toString === patched && descriptor !== undefined) {
        Object.defineProperty(Function.prototype, "toString", descriptor);
      }
    },
  };
}
