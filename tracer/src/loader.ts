import module, { registerHooks } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Bindings, type Wrapping, wrap } from "@unknot/models/probe.ts";
import { liveExportsCode } from "./bindings.ts";
import { hooksName } from "./hooks-name.ts";
import type { Instrumentations, InstrumentedPackage } from "./instrumentations.ts";
import type { FileSites } from "./site-registry.ts";
import { insertionMark } from "./transform/insertions.ts";
import { mapUrl, withoutMap } from "./transform/source-map.ts";
import { type ModuleKind, TransformError, transform } from "./transform/transform.ts";

export interface LoaderOptions {
  /** False in lean mode: the program's own files run as they are. */
  readonly transforms: boolean;
  readonly libraries: ReadonlySet<string>;
  readonly instrumentations: Instrumentations;
  /** The tracer's own folder: its files are never touched. */
  readonly ownFolder: string;
  /** The number of the next site. */
  readonly nextSite: () => number;
  /** A file was transformed; called before it runs. */
  readonly transformed: (file: FileSites, needsPromises: boolean) => void;
  readonly untouched: (file: string, reason: string) => void;
  /** The thread loads its first file. */
  readonly started: () => void;
  /** Who maps positions of running code back. */
  readonly mapsFor: () => MapsFor;
  /** Called when the program asks for `node:test` first, if somebody wants to know. */
  readonly asksForNodeTest?: (() => void) | undefined;
  readonly guard: <Result>(part: () => Result) => Result | undefined;
  readonly replaces: Wrapping["replaces"];
}

/**
 * Who maps positions of running code back: only Node, in stack traces, so that they are those of the file; or somebody
 * who follows the file's own map as well (a debugger, coverage, `--enable-source-maps`); or nobody.
 */
export type MapsFor = "stacks" | "originals" | "nobody";

/** A larger file would take too long to map; lines of stack traces are right without. */
const mostMapped = 1 << 20;

/** What files of packages call when they have been evaluated; by the number their code carries. */
export type PackageFiles = (number: number) => ((bindings: Bindings) => void) | undefined;

interface Loaded {
  readonly format?: string | null | undefined;
  readonly source?: unknown;
}

/** Puts the transform and the instrumentations between the files and Node. */
export function installLoader(options: LoaderOptions): PackageFiles {
  const { guard } = options;
  const found: InstrumentedPackage[] = [];
  let started = false;
  let { asksForNodeTest } = options;
  const compilers = createCompilerWatch(options);
  registerHooks({
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
      const source = guard(() => rewrite(url, loaded, options, found, compilers));
      return source === undefined ? loaded : { ...loaded, source };
    },
  });
  return (number) => {
    const entry = found[number];
    return entry === undefined ? undefined : (bindings) => options.instrumentations.patch(entry, bindings);
  };
}

function rewrite(
  url: string,
  loaded: Loaded,
  options: LoaderOptions,
  found: InstrumentedPackage[],
  compilers: CompilerWatch,
): string | undefined {
  if (!url.startsWith("file:")) return undefined;
  const format = loaded.format ?? "unknown";
  if (!/^(module|commonjs|typescript|unknown)/.test(format)) return undefined;
  const file = fileURLToPath(url);
  if (file.startsWith(options.ownFolder + path.sep)) return undefined;
  if (file.includes(`${path.sep}node_modules${path.sep}`)) {
    compilers.loaded(file);
    const entry = options.instrumentations.forFile(file);
    const source = entry === undefined ? undefined : textOf(loaded.source);
    if (entry === undefined || source === undefined) return undefined;
    found.push(entry);
    return withReport(source, file, format, found.length - 1);
  }
  const source = options.transforms ? textOf(loaded.source) : undefined;
  if (source === undefined || compilers.takes(file, format)) return undefined;
  return rewriteOwn(source, file, format, options);
}

function rewriteOwn(
  source: string,
  file: string,
  format: string,
  options: LoaderOptions,
): string | undefined {
  const mapsFor = options.mapsFor();
  const transformed = transformFile(source, file, format, mapsFor, options);
  if (mapsFor !== "stacks") return transformed;
  // Stack traces have to look as they do without us: unless somebody asked for it, Node does not follow maps of files.
  if (transformed === undefined) return mapUrl(source) === undefined ? undefined : withoutMap(source);
  return source.length > mostMapped ? withoutMap(transformed) : transformed;
}

/** Knows whether `require` hands TypeScript to a compiler that checks what it gets: such a file is ours when compiled. */
interface CompilerWatch {
  /** A file of a package is loaded. */
  loaded(file: string): void;
  /** Whether this file of the program is going to be compiled. */
  takes(file: string, format: string): boolean;
}

const tsNode = `${path.sep}node_modules${path.sep}ts-node${path.sep}`;

function createCompilerWatch(options: LoaderOptions): CompilerWatch {
  const { transforms, guard, replaces } = options;
  let watches = false;
  const watch = () => {
    if (watches || !transforms) return;
    watches = true;
    // It calls the `_compile` that it finds with what it has made of the file.
    const { prototype } = module as unknown as { readonly prototype: object };
    wrap({ guard, replaces }, prototype, "_compile", (_, [source, file, ...rest]) => {
      if (typeof source !== "string" || typeof file !== "string" || !isTypeScript(file)) return undefined;
      const rewritten = rewriteOwn(source, file, "commonjs", options);
      return rewritten === undefined ? undefined : { args: [rewritten, file, ...rest] };
    });
  };
  // It may have come before us.
  if (Symbol.for("ts-node.register.instance") in process) watch();
  return {
    loaded(file) {
      if (file.includes(tsNode)) watch();
    },
    takes: (file, format) => watches && !format.startsWith("module") && isTypeScript(file),
  };
}

function isTypeScript(file: string): boolean {
  return /\.[cm]?tsx?$/.test(file) && !file.includes(`${path.sep}node_modules${path.sep}`);
}

function textOf(source: unknown): string | undefined {
  if (typeof source === "string") return source;
  if (source instanceof Uint8Array)
    return Buffer.from(source.buffer, source.byteOffset, source.byteLength).toString();
  return source instanceof ArrayBuffer ? Buffer.from(source).toString() : undefined;
}

function transformFile(
  source: string,
  file: string,
  format: string,
  mapsFor: MapsFor,
  options: LoaderOptions,
): string | undefined {
  // What one of us has transformed comes with our marks: a loader that calls another.
  if (source.includes(`${insertionMark}${hooksName}`)) return undefined;
  const first = options.nextSite();
  try {
    const transformed = transform({
      source,
      file,
      typescript: format.includes("typescript") || /\.[cm]?ts$/.test(file),
      kind: kindOf(format),
      firstSite: first,
      libraries: options.libraries,
      ...(mapsFor === "nobody" || source.length > mostMapped
        ? {}
        : { map: { file, composed: mapsFor === "originals" } }),
    });
    if (transformed === undefined) return undefined;
    const { code, sites, skipped, needsPromises } = transformed;
    const map = mapUrl(source);
    options.transformed({ file, first, sites, ...(map === undefined ? {} : { mapUrl: map }) }, needsPromises);
    for (const { reason } of skipped) options.untouched(file, reason);
    return code;
  } catch (error) {
    options.untouched(
      file,
      error instanceof TransformError ? error.message : `error of the tracer: ${String(error)}`,
    );
    if (!(error instanceof TransformError)) throw error;
    return undefined;
  }
}

function kindOf(format: string): ModuleKind {
  if (format.startsWith("module")) return "module";
  return format.startsWith("commonjs") ? "commonjs" : "unknown";
}

/** The source of a package's file with a last line that hands over what it exports. */
function withReport(source: string, file: string, format: string, number: number): string | undefined {
  const report = `${hooksName}.exported(${number},`;
  const isModule =
    format.startsWith("module") ||
    (format === "unknown" && (file.endsWith(".mjs") || /^\s*(import|export)\b/m.test(source)));
  if (!isModule) return `${source}\n;${hooksName}.exportedCommonJs(${number},module);`;
  const live = liveExportsCode(source, file, report);
  return live === undefined ? undefined : source + live;
}
