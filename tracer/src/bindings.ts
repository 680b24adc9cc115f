import type { Bindings } from "@unknot/models/probe.ts";
import { parseSync } from "oxc-parser";

/** For each exported name how to read it and, when the module may assign it, how to replace it. */
export type LiveExports = Readonly<
  Record<string, readonly [get: () => unknown, set?: (value: unknown) => void]>
>;

/**
 * The source of an ES module with a last line by which what it exports can be read and replaced where it is declared;
 * `report` is the beginning of a call. What is declared `const` under a name of `wanted` becomes a `let`, in place.
 * Undefined when it declares nothing that it exports.
 */
export function withLiveExports(
  source: string,
  file: string,
  report: string,
  wanted: readonly string[],
): string | undefined {
  const { module, program, errors } = parseSync(file, source, { sourceType: "module", lang: "js" });
  if (errors.length > 0) return undefined;
  const imported = new Set(
    module.staticImports.flatMap((statement) => statement.entries.map((entry) => entry.localName.value)),
  );
  const locals = new Map<string, string>();
  for (const { exportName, localName, moduleRequest, isType } of module.staticExports.flatMap(
    (statement) => statement.entries,
  )) {
    const local = localName.name;
    if (isType || local === null || moduleRequest !== null || imported.has(local)) continue;
    const name = exportName.kind === "Default" ? "default" : exportName.name;
    if (name === null) continue;
    locals.set(name, local);
    // A bundler that splits a package gives names of its own to what its parts export.
    if (!locals.has(local)) locals.set(local, local);
  }
  if (locals.size === 0) return undefined;
  const entries = [...locals].map(
    ([name, local]) => `${JSON.stringify(name)}:[()=>${local},($value)=>{${local}=$value}]`,
  );
  const freed = new Set(wanted.flatMap((name) => locals.get(name) ?? []));
  let text = source;
  for (const statement of program.body) {
    const declared = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    if (declared?.type !== "VariableDeclaration" || declared.kind !== "const") continue;
    const isFreed = declared.declarations.some(({ id }) => id.type === "Identifier" && freed.has(id.name));
    if (isFreed) text = `${text.slice(0, declared.start)}let  ${text.slice(declared.start + 5)}`;
  }
  return `${text}\n;${report}{${entries.join()}});`;
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

/**
 * The source of a CommonJS module with a last call that hands it over. What a bundler exports by getters can be replaced only where it is declared.
 */
export function withExportsReport(source: string, report: string, wanted: readonly string[]): string {
  const getters = /\b__export\(\w+, \{([^}]*)\}\)/.exec(source)?.[1] ?? "";
  const entries = [...getters.matchAll(/(\w+): \(\) => (\w+)/g)].flatMap(([, name = "", local = ""]) =>
    wanted.includes(name) ? [`${name}:[()=>${local},($value)=>{${local}=$value}]`] : [],
  );
  const statement = `\n;${report}module,{${entries.join()}});`;
  // Older versions of jest hand over a file as a function of theirs.
  const end = /\n\}\}\);?$/.exec(source)?.index ?? source.length;
  return source.slice(0, end) + statement + source.slice(end);
}

/**
 * What a CommonJS module exports as bindings: its own plain properties, the function that it exports itself, and what
 * `live` tells.
 */
export function bindingsOfCommonJs(module: { exports: unknown }, live: LiveExports = {}): Bindings {
  const plain = plainBindings(module);
  const declared = bindingsOfModule(live);
  return {
    get: (name) => plain.get(name) ?? declared.get(name),
    replace: (name, value) => (Object.hasOwn(live, name) ? declared : plain).replace(name, value),
  };
}

function plainBindings(module: { exports: unknown }): Bindings {
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
