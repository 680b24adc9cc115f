// Test runners evaluate a program's files themselves: they give code to `node:vm`, in realms of their own, which no
// loader sees. What they give is transformed there, after all that they have done with it; positions stay as they are
// without us (positions.ts), because the maps that runners keep of their code are theirs.
import { syncBuiltinESMExports } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import type { Callback, Wrapping } from "@unknot/models/probe.ts";
import type { FunctionTexts } from "./function-text.ts";
import { hooksName } from "./hooks-name.ts";
import {
  type FindPositions,
  type Positions,
  patchCoverage,
  patchStackTraces,
  positionsOf,
} from "./positions.ts";
import type { MapPlace } from "./site-registry.ts";
import type { ModuleKind } from "./transform/transform.ts";

/** Code that somebody is about to evaluate as a file of the program. */
export interface Evaluated {
  readonly code: string;
  /** An absolute path. */
  readonly file: string;
  readonly kind: ModuleKind;
  /** What is added to the columns of the first line. */
  readonly firstColumn: number;
  /** The map of the code, when the code does not name it. */
  readonly map: MapPlace | undefined;
}

export interface EvaluatedCodeOptions {
  /** The code to run in its place; undefined to leave it. */
  readonly transform: (evaluated: Evaluated) => string | undefined;
  /** The tracer's own folder. */
  readonly ownFolder: string;
  /** What transformed code finds under the tracer's name, in every realm. */
  readonly globals: () => object;
  readonly texts: FunctionTexts;
  readonly probe: Wrapping;
}

export interface EvaluatedCode {
  /** Whether code that is evaluated is transformed: from the first call of `begin` on. */
  readonly isOn: boolean;
  begin(): void;
  /** The map of a file that will be evaluated, by the name that it will have. */
  hasMap(file: string, map: MapPlace): void;
  /** Code of a file of the program that runs with insertions, of which those who make stack traces have no map. */
  runs(file: string, code: string): void;
}

/** Whether somebody other than Node makes the stack traces (source-map-support, ts-node's own). */
export function othersMakeStacks(): boolean {
  const { prepareStackTrace } = Error;
  return typeof prepareStackTrace === "function" && !isNodesOwn(prepareStackTrace);
}

/** Node's own maps positions where it was told to, so it has to see those of the code that runs. */
function isNodesOwn(prepare: Callback): boolean {
  return prepare.name === "ErrorPrepareStackTrace";
}

interface Known {
  readonly code: string;
  readonly rewritten: string | undefined;
  readonly firstColumn: number;
  positions?: Positions;
}

export function createEvaluatedCode(options: EvaluatedCodeOptions): EvaluatedCode {
  const { probe, ownFolder } = options;
  const { guard } = probe;
  /** By the name that V8 knows the script by. */
  const known = new Map<string, Known>();
  const maps = new Map<string, MapPlace>();
  let isOn = false;
  let seesStacks = false;

  const rewrite = (
    code: unknown,
    name: unknown,
    firstColumn: unknown,
    kind: ModuleKind,
  ): string | undefined => {
    if (typeof code !== "string" || typeof name !== "string") return undefined;
    const file = fileOf(name);
    if (file === undefined || file.startsWith(ownFolder + path.sep)) return undefined;
    const before = known.get(name);
    // The same file is evaluated again for each file of tests.
    if (before?.code === code) return before.rewritten;
    const column = typeof firstColumn === "number" ? firstColumn : 0;
    const map = maps.get(name);
    const rewritten = guard(() => options.transform({ code, file, kind, firstColumn: column, map }));
    known.set(name, { code, rewritten, firstColumn: column });
    return rewritten;
  };

  const find: FindPositions = (script) => {
    // The inspector makes URLs of paths.
    const found =
      known.get(script) ?? (script.startsWith("file:") ? known.get(fileURLToPath(script)) : undefined);
    if (found?.rewritten === undefined) return undefined;
    found.positions ??= positionsOf({ code: found.rewritten, firstColumn: found.firstColumn });
    return found.positions;
  };

  const realms = new WeakSet<object>();
  /** Lets transformed code run in a context. */
  const prepare = (context: unknown): void => {
    guard(() => {
      if (typeof context !== "object" || context === null || realms.has(context)) return;
      realms.add(context);
      const run = (code: string): unknown => original.runInContext(code, context as vm.Context);
      const realmToString = run("Function.prototype.toString") as Callback;
      const ours = (run(realmCode) as PrepareRealm)(hooksName, options.globals(), options.texts.shown);
      options.texts.replaces(ours, realmToString);
      patchStackTraces(run("Error") as object, find, probe);
    });
  };
  const original = { runInContext: vm.runInContext, isContext: vm.isContext };

  const patch = (): void => {
    const target = vm as unknown as Record<string, Callback>;
    const replace = (name: string, change: (args: unknown[]) => void, after?: (result: unknown) => void) => {
      const old = target[name];
      if (typeof old !== "function") return;
      const { wrapper } = {
        wrapper(this: unknown, ...args: unknown[]): unknown {
          guard(() => change(args));
          const result: unknown = Reflect.apply(old, this, args);
          if (after !== undefined) after(result);
          return result;
        },
      };
      probe.replaces(wrapper, old);
      target[name] = wrapper;
    };
    /** `(code, options or file name)` at these places. */
    const rewriteArgs = (args: unknown[], at: number, kind: ModuleKind): void => {
      const given = args[at];
      const { filename, columnOffset } = (
        typeof given === "string" ? { filename: given } : (given ?? {})
      ) as ScriptOptions;
      args[0] = rewrite(args[0], filename, columnOffset, kind) ?? args[0];
    };
    replace("createContext", () => {}, prepare);
    replace("runInThisContext", (args) => rewriteArgs(args, 1, "script"));
    replace("runInContext", (args) => {
      prepare(args[1]);
      rewriteArgs(args, 2, "script");
    });
    replace("compileFunction", (args) => {
      const [, , given] = args as [unknown, unknown, ScriptOptions | undefined];
      if (given?.parsingContext !== undefined) prepare(given.parsingContext);
      rewriteArgs(args, 2, "commonjs");
    });
    replaceClass(target, "Script", probe, (args) => rewriteArgs(args, 1, "script"));
    replaceClass(target, "SourceTextModule", probe, (args) => {
      const [code, given] = args as [unknown, { identifier?: unknown; context?: unknown } | undefined];
      if (given?.context !== undefined) prepare(given.context);
      args[0] = rewrite(code, given?.identifier, 0, "module") ?? code;
    });
    // A script is compiled for no context in particular.
    const { runInContext } = vm.Script.prototype;
    vm.Script.prototype.runInContext = function (this: vm.Script, context, ...rest) {
      prepare(context);
      return Reflect.apply(runInContext, this, [context, ...rest]);
    };
    probe.replaces(vm.Script.prototype.runInContext, runInContext);
    const { runInNewContext } = vm.Script.prototype;
    vm.Script.prototype.runInNewContext = function (this: vm.Script, sandbox = {}, ...rest) {
      // `vm.constants.DONT_CONTEXTIFY`: there is nothing that could be given to the realm before it is made.
      if (typeof sandbox !== "object") {
        const context = vm.createContext(sandbox, ...rest);
        return Reflect.apply(vm.Script.prototype.runInContext, this, [context, ...rest]);
      }
      guard(() => {
        if (original.isContext(sandbox)) prepare(sandbox);
        else Object.defineProperty(sandbox, hooksName, { value: options.globals(), configurable: true });
      });
      return Reflect.apply(runInNewContext, this, [sandbox, ...rest]);
    };
    probe.replaces(vm.Script.prototype.runInNewContext, runInNewContext);
    syncBuiltinESMExports();
  };

  return {
    get isOn() {
      return isOn;
    },
    begin() {
      if (isOn) return;
      isOn = true;
      guard(patch);
      guard(() => {
        patchStackTraces(Error, find, probe);
        patchCoverage(find, probe);
      });
    },
    hasMap(file, map) {
      maps.set(file, map);
    },
    runs(file, code) {
      known.set(file, { code, rewritten: code, firstColumn: 0 });
      if (isOn || seesStacks) return;
      seesStacks = true;
      guard(() => patchStackTraces(Error, find, probe, isNodesOwn));
    },
  };
}

interface ScriptOptions {
  readonly filename?: unknown;
  readonly columnOffset?: unknown;
  readonly parsingContext?: unknown;
}

/** The file that a name means; undefined for what is no file. */
function fileOf(name: string): string | undefined {
  const [plain = ""] = name.split("?", 1);
  const file = plain.startsWith("file:") ? fileURLToPath(plain) : plain;
  return path.isAbsolute(file) ? path.normalize(file) : undefined;
}

function replaceClass(
  target: Record<string, Callback>,
  name: string,
  { guard, replaces }: Wrapping,
  change: (args: unknown[]) => void,
): void {
  const old = target[name];
  if (old === undefined) return;
  const proxy: Callback = new Proxy(old, {
    construct(_, args: unknown[], newTarget: unknown) {
      guard(() => change(args));
      return Reflect.construct(old, args, (newTarget === proxy ? old : newTarget) as Callback) as object;
    },
  });
  replaces(proxy, old);
  target[name] = proxy;
}

/**
 * Gives a realm the tracer under its name and the texts of functions as they were written. It runs there, so it uses
 * nothing of this realm, and it is no function of ours, whose text would be what the bundle makes of it.
 */
const realmCode = `(name, globals, shown) => {
  Object.defineProperty(globalThis, name, { value: globals });
  const { apply } = Reflect;
  const descriptor = Object.getOwnPropertyDescriptor(Function.prototype, "toString");
  const original = Function.prototype.toString;
  const textOf = (named) => apply(original, named, []);
  const { toString } = { toString() { return shown(this, textOf); } };
  Object.defineProperty(Function.prototype, "toString", { ...descriptor, value: toString });
  return toString;
}`;

type PrepareRealm = (name: string, globals: object, shown: FunctionTexts["shown"]) => Callback;
