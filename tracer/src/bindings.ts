import type { Bindings } from "@unknot/models/probe.ts";
import { parseSync } from "oxc-parser";

/** For each exported name how to read it and, when the module may assign it, how to replace it. */
export type LiveExports = Readonly<
  Record<string, readonly [get: () => unknown, set?: (value: unknown) => void]>
>;

/**
 * Code to append to an ES module so that what it exports can be read and replaced where it is declared; `report` is the
 * beginning of a call. Undefined when it declares nothing that it exports.
 */
export function liveExportsCode(source: string, file: string, report: string): string | undefined {
  const { module, errors } = parseSync(file, source, { sourceType: "module", lang: "js" });
  if (errors.length > 0) return undefined;
  const imported = new Set(
    module.staticImports.flatMap((statement) => statement.entries.map((entry) => entry.localName.value)),
  );
  const entries = module.staticExports.flatMap((statement) =>
    statement.entries.flatMap(({ exportName, localName, moduleRequest, isType }) => {
      const local = localName.name;
      if (isType || local === null || moduleRequest !== null || imported.has(local)) return [];
      const name = exportName.kind === "Default" ? "default" : exportName.name;
      if (name === null) return [];
      return [`${JSON.stringify(name)}:[()=>${local},($value)=>{${local}=$value}]`];
    }),
  );
  return entries.length === 0 ? undefined : `\n;${report}{${entries.join()}});`;
}

/** The exports of an ES module as bindings. */
export function bindingsOfModule(exports: LiveExports): Bindings {
  const find = (name: string) => {
    if (Object.hasOwn(exports, name)) return exports[name];
    const byDefault = exports["default"];
    return byDefault !== undefined && functionName(byDefault[0]()) === name ? byDefault : undefined;
  };
  return {
    get: (name) => find(name)?.[0](),
    replace(name, value) {
      try {
        const set = find(name)?.[1];
        set?.(value);
        return set !== undefined;
      } catch {
        // `export const` can't be assigned.
        return false;
      }
    },
  };
}

/** What a CommonJS module exports as bindings: its own plain properties, or the function that it exports itself. */
export function bindingsOfCommonJs(module: { exports: unknown }): Bindings {
  const keyOf = (name: string): string | undefined => {
    const { exports } = module;
    if (typeof exports !== "object" && typeof exports !== "function") return undefined;
    if (exports === null) return undefined;
    const own = (key: string) => Object.getOwnPropertyDescriptor(exports, key)?.value as unknown;
    if (own(name) !== undefined && name !== "name" && name !== "length") return name;
    return functionName(own("default")) === name ? "default" : undefined;
  };
  return {
    get(name) {
      const key = keyOf(name);
      if (key !== undefined) return (module.exports as Record<string, unknown>)[key];
      const { exports } = module;
      return typeof exports === "function" && (name === "default" || functionName(exports) === name)
        ? exports
        : undefined;
    },
    replace(name, value) {
      const { exports } = module;
      const key = keyOf(name);
      const isItself = name === "default" || functionName(exports) === name;
      if (typeof exports === "function" && (key === undefined || key === "default") && isItself) {
        if (typeof value !== "function") return false;
        for (const each of Reflect.ownKeys(exports)) {
          if (each === "length" || each === "name" || each === "prototype") continue;
          const descriptor = Object.getOwnPropertyDescriptor(exports, each);
          if (descriptor !== undefined) Object.defineProperty(value, each, descriptor);
        }
        if (key === "default") (value as unknown as Record<string, unknown>)["default"] = value;
        module.exports = value;
        return true;
      }
      if (key === undefined) return false;
      return Reflect.set(exports as object, key, value);
    },
  };
}

function functionName(value: unknown): string | undefined {
  if (typeof value !== "function") return undefined;
  const name: unknown = Object.getOwnPropertyDescriptor(value, "name")?.value;
  return typeof name === "string" ? name : undefined;
}
