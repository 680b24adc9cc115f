import module, { type RegisterHooksOptions } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Bindings, type Callback, type Wrapping, wrapFunction } from "@unknot/models/probe.ts";
import { exportedByGetters, liveExports, withLiveExports } from "./bindings.ts";
import { type BundledPart, exportedLocals, librariesInMap, readBundle } from "./bundles.ts";
import type { Evaluated } from "./evaluated-code.ts";
import { hooksName } from "./hooks-name.ts";
import type { BundledPackage, Instrumentations, InstrumentedPackage } from "./instrumentations.ts";
import { readFileSync } from "./own-fs.ts";
import type { FileSites, MapPlace } from "./site-registry.ts";
import { insertionMark } from "./transform/insertions.ts";
import { mapUrl, readMap, withoutMap } from "./transform/source-map.ts";
import { type ModuleKind, TransformError, type TransformInput, transform } from "./transform/transform.ts";

export interface LoaderOptions extends Wrapping {
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
  /** A file of the program is about to be loaded. */
  readonly reads: (source: string) => void;
  /** The thread loads its first file. */
  readonly started: () => void;
  /** Who maps positions of running code back. */
  readonly mapsFor: () => MapsFor;
  /** Called when the program asks for `node:test` first, if somebody wants to know. */
  readonly asksForNodeTest?: (() => void) | undefined;
  /** Code of a file runs with insertions, and without a map of them. */
  readonly runsUnmapped: (file: string, code: string) => void;
}

/**
 * Who maps positions of running code back: only Node, in stack traces, so that they are those of the file; or somebody
 * who follows the file's own map as well (a debugger, coverage, `--enable-source-maps`); or a test runner, whose maps
 * are of the code that it has made; or nobody.
 */
export type MapsFor = "stacks" | "originals" | "runner" | "nobody";

/** A larger file would take too long to map; lines of stack traces are right without. */
const mostMapped = 1 << 20;

/** The tracer's part between files and those who run them. */
export interface Loader {
  /** What files of packages call when they have been evaluated; by the number their code carries. */
  packageFile(number: number): ((bindings: Bindings) => void) | undefined;
  /** The code to evaluate for a file that no loader sees; undefined to leave it. */
  evaluated(code: Evaluated): string | undefined;
  /** From now on CommonJS files are transformed where they are compiled: behind those who change how they are read. */
  atCompilation(): void;
}

interface Loaded {
  readonly format?: string | null | undefined;
  readonly source?: unknown;
}

/** Puts the transform and the instrumentations between the files and Node. */
export function installLoader(options: LoaderOptions): Loader {
  const { guard } = options;
  const found: InstrumentedPackage[] = [];
  let started = false;
  let compiles = false;
  let { asksForNodeTest } = options;
  const watchCompilation = () => {
    if (compiles || !options.transforms) return;
    compiles = true;
    const { prototype } = module.Module as unknown as { prototype: { _compile: Callback } };
    prototype._compile = wrapFunction(options, prototype._compile, (_, [code, file, ...rest]) => {
      if (typeof code !== "string" || typeof file !== "string" || isPackages(file)) return undefined;
      const mapsFor = options.mapsFor();
      const transformed = transformFile(code, file, { kind: "commonjs", mapsFor }, options);
      const compiled = withOwnMap(code, transformed, mapsFor);
      if (transformed !== undefined && mapsFor === "runner") options.runsUnmapped(file, transformed);
      return compiled === undefined ? undefined : { args: [compiled, file, ...rest] };
    });
  };
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
        return rewrite(url, loaded, options, found, compiles);
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
  return {
    packageFile(number) {
      const entry = found[number];
      return entry === undefined ? undefined : (bindings) => options.instrumentations.patch(entry, bindings);
    },
    evaluated: (code) => rewriteEvaluated(code, options, found),
    atCompilation: watchCompilation,
  };
}

function rewrite(
  url: string,
  loaded: Loaded,
  options: LoaderOptions,
  found: InstrumentedPackage[],
  compiles: boolean,
): string | undefined {
  if (!url.startsWith("file:")) return undefined;
  const format = loaded.format ?? "unknown";
  if (!/^(module|commonjs|typescript|unknown)/.test(format)) return undefined;
  const file = fileURLToPath(url);
  if (file.startsWith(options.ownFolder + path.sep)) return undefined;
  if (isPackages(file)) {
    const entry = options.instrumentations.forFile(file);
    const source = entry === undefined ? undefined : textOf(loaded.source);
    if (entry === undefined || source === undefined) return undefined;
    return reported(source, file, entry, isModule(source, file, format), found);
  }
  const source = options.transforms ? textOf(loaded.source) : undefined;
  if (source === undefined || (compiles && kindOf(format) !== "module")) return undefined;
  options.guard(() => options.reads(source));
  const mapsFor = options.mapsFor();
  const typescript = format.includes("typescript") || /\.[cm]?ts$/.test(file);
  const bundle = options.guard(() => bundledIn(source, file, options, found));
  const how = { typescript, kind: kindOf(format), mapsFor };
  const transformed = transformFile(source, file, how, options, bundle);
  if (transformed !== undefined && mapsFor === "runner") options.runsUnmapped(file, transformed);
  return withOwnMap(source, transformed, mapsFor);
}

/** Stack traces have to look as they do without us: unless somebody asked for it, Node does not follow maps of files. */
function withOwnMap(source: string, transformed: string | undefined, mapsFor: MapsFor): string | undefined {
  if (mapsFor !== "stacks" && mapsFor !== "runner") return transformed;
  if (transformed === undefined) return mapUrl(source) === undefined ? undefined : withoutMap(source);
  return mapsFor === "runner" || source.length > mostMapped ? withoutMap(transformed) : transformed;
}

/** Smaller than any file with a library in it. */
const leastBundle = 2000;

type Bundled = Required<Pick<TransformInput, "reports" | "bundled" | "foreign">>;

/** What the transform has to know of the packages inside a bundle; undefined for a file that is none. */
function bundledIn(
  source: string,
  file: string,
  options: LoaderOptions,
  found: InstrumentedPackage[],
): Bundled | undefined {
  if (source.length < leastBundle) return undefined;
  const { instrumentations, libraries, untouched } = options;
  const bundle = readBundle(source, file);
  if (bundle === undefined || bundle.parts.length === 0) {
    const map = readMap(mapUrl(source), file)?.map ?? "";
    for (const library of librariesInMap(map, libraries))
      untouched(
        file,
        `what tasks wait for in ${library} is not seen: the bundle does not tell where it begins`,
      );
    return undefined;
  }
  const known = bundle.parts.flatMap((part) => {
    const entry = libraries.has(part.library) ? instrumentations.forBundled(part.library, file) : undefined;
    if (entry === undefined) return [];
    const number = found.push(entry) - 1;
    return [{ at: part.end, names: part.names, code: reportOf(part, source, entry, number) }];
  });
  return {
    bundled: new Set(known.flatMap(({ names }) => names)),
    reports: known,
    foreign: bundle.foreign,
  };
}

function reportOf(part: BundledPart, source: string, entry: BundledPackage, number: number): string {
  const { form, end } = part;
  if (form.is === "cjs") {
    const getters = exportedByGetters(source.slice(form.start, end), entry.instrumentation.exports);
    return `;${hooksName}.exportedCommonJs(${number},${form.module ?? `{exports:${form.exports}}`},${liveExports(getters)},true);`;
  }
  const original = path.join(entry.folder, part.file);
  const locals = exportedLocals(readFileSync(original, "utf8"), original, form.declared);
  return `;${hooksName}.exported(${number},${liveExports(locals)});`;
}

function textOf(source: unknown): string | undefined {
  if (typeof source === "string") return source;
  if (source instanceof Uint8Array)
    return Buffer.from(source.buffer, source.byteOffset, source.byteLength).toString();
  return source instanceof ArrayBuffer ? Buffer.from(source).toString() : undefined;
}

function isPackages(file: string): boolean {
  return file.includes(`${path.sep}node_modules${path.sep}`);
}

function rewriteEvaluated(
  { code, file, kind, firstColumn, map }: Evaluated,
  options: LoaderOptions,
  found: InstrumentedPackage[],
): string | undefined {
  if (isPackages(file)) {
    const entry = options.instrumentations.forFile(file);
    return entry === undefined ? undefined : reported(code, file, entry, kind === "module", found);
  }
  const mapsFor = options.mapsFor() === "originals" ? "originals" : "runner";
  return transformFile(code, file, { kind, mapsFor, firstColumn, map }, options);
}

interface HowItRuns {
  readonly typescript?: boolean;
  readonly kind: ModuleKind;
  readonly mapsFor: MapsFor;
  /** What is added to the columns of the first line. */
  readonly firstColumn?: number;
  /** The map of the code, when the code does not name it. */
  readonly map?: MapPlace | undefined;
}

function transformFile(
  source: string,
  file: string,
  { typescript = false, kind, mapsFor, firstColumn = 0, map }: HowItRuns,
  options: LoaderOptions,
  bundle?: Bundled,
): string | undefined {
  // What one of us has transformed comes with our marks: a loader that calls another.
  if (!options.transforms || source.includes(`${insertionMark}${hooksName}`)) return undefined;
  const first = options.nextSite();
  const hasMap = (mapsFor === "stacks" || mapsFor === "originals") && source.length <= mostMapped;
  try {
    const transformed = transform({
      source,
      file,
      typescript,
      kind,
      firstSite: first,
      libraries: options.libraries,
      ...bundle,
      ...(hasMap ? { map: { file, composed: mapsFor === "originals" } } : {}),
    });
    if (transformed === undefined) return undefined;
    const { code, skipped, needsPromises } = transformed;
    const sites =
      firstColumn === 0
        ? transformed.sites
        : transformed.sites.map((site) =>
            site.line === 1 ? { ...site, column: site.column + firstColumn } : site,
          );
    const url = map?.url ?? mapUrl(source);
    options.transformed(
      {
        file,
        first,
        sites,
        ...(url === undefined ? {} : { mapUrl: url }),
        ...(map?.base === undefined ? {} : { mapBase: map.base }),
        ...(mapsFor === "originals" ? { stacksAreMapped: true } : {}),
      },
      needsPromises,
    );
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

function isModule(source: string, file: string, format: string): boolean {
  return (
    format.startsWith("module") ||
    (format === "unknown" && (file.endsWith(".mjs") || /^\s*(import|export)\b/m.test(source)))
  );
}

/** The source of a package's file with a last statement that hands over what it exports. */
function reported(
  source: string,
  file: string,
  entry: InstrumentedPackage,
  asModule: boolean,
  found: InstrumentedPackage[],
): string | undefined {
  // Runners are large, and few of their files are of interest.
  const { exports } = entry.instrumentation;
  if (entry.isRunner && !exports.some((name) => source.includes(name))) return undefined;
  const number = found.length;
  const text = asModule
    ? withLiveExports(source, file, `${hooksName}.exported(${number},`, exports)
    : withExportsReport(source, number, exports);
  if (text !== undefined) found.push(entry);
  return text;
}

function withExportsReport(source: string, number: number, wanted: readonly string[]): string {
  const getters = liveExports(exportedByGetters(source, wanted));
  const statement = `\n;${hooksName}.exportedCommonJs(${number},module,${getters});`;
  // Older versions of jest hand over a file as a function of theirs.
  const end = /\n\}\}\);?$/.exec(source)?.index ?? source.length;
  return source.slice(0, end) + statement + source.slice(end);
}
