// What files become before they run. Node asks for it in the program's thread or, where it runs module hooks in a thread
// of their own, there.
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Wrapping } from "@unknot/models/probe.ts";
import { exportedByGetters, liveExports, withLiveExports } from "./bindings.ts";
import { type BundledPart, exportedLocals, librariesInMap, readBundle } from "./bundles.ts";
import type { Evaluated } from "./evaluated-code.ts";
import { hooksName } from "./hooks-name.ts";
import type { BundledPackage, InstalledPackage, InstalledPackages } from "./installed-packages.ts";
import { readFileSync } from "./own-fs.ts";
import type { FileSites, MapPlace } from "./site-registry.ts";
import { insertionMark } from "./transform/insertions.ts";
import { isRefused } from "./transform/rare-syntax.ts";
import { mapUrl, readMap, withoutMap } from "./transform/source-map.ts";
import { type ModuleKind, TransformError, type TransformInput, transform } from "./transform/transform.ts";

export interface RewritingOptions {
  readonly guard: Wrapping["guard"];
  /** False in lean mode: the program's own files run as they are. */
  readonly transforms: boolean;
  readonly libraries: ReadonlySet<string>;
  /** From where programs get what these export. */
  readonly importable: ReadonlySet<string>;
  readonly packages: InstalledPackages;
  /** Keeps what a file of a package belongs to, and gives the number that the file will hand over its exports by. */
  readonly keep: (found: FoundPackage) => number;
  /** The tracer's own folder: its files are never touched. */
  readonly ownFolder: string;
  /** The number of the next site. */
  readonly nextSite: () => number;
  /** Sites are numbered while this runs: by one thread at a time. */
  readonly numbering: <Result>(part: () => Result) => Result;
  /** A file was transformed; called before it runs. */
  readonly transformed: (file: FileSites, needsPromises: boolean) => void;
  readonly untouched: (file: string, reason: string) => void;
  /** A file of the program is about to be loaded. */
  readonly reads: (source: string) => void;
  /** Who maps positions of running code back. */
  readonly mapsFor: () => MapsFor;
  /** Whether somebody other than Node makes stack traces. */
  readonly othersMakeStacks: () => boolean;
  /** Code of a file runs with insertions, and those who make stack traces have no map of them. */
  readonly runsUnmapped: (file: string, code: string) => void;
  /** Node maps positions of packages, too, which it does not without us: Node 20 has one switch for all files. */
  readonly mapsPackages: () => boolean;
  /** What a transformed file does first. */
  readonly prelude?: string;
}

/** Where an instrumented file comes from. */
export interface FoundPackage {
  readonly found: InstalledPackage;
  /** The file itself, or the bundle that has it inside. */
  readonly file: string;
  readonly isBundled: boolean;
}

/**
 * Who maps positions of running code back: only Node, in stack traces, so that they are those of the file; or somebody
 * who follows the file's own map as well (a debugger, coverage, `--enable-source-maps`); or a test runner, whose maps
 * are of the code that it has made; or nobody.
 */
export type MapsFor = "stacks" | "originals" | "runner" | "nobody";

/** A larger file would take too long to map; lines of stack traces are right without. */
const mostMapped = 1 << 20;

interface Loaded {
  readonly format?: string | null | undefined;
  readonly source?: unknown;
}

/** Each gives the code to run in place of a file's, undefined to leave it. */
export interface Rewriting {
  /** A file that was read to be loaded; `compiles` when CommonJS files are rewritten where they are compiled. */
  loaded(url: string, loaded: Loaded, compiles: boolean): string | undefined;
  /** CommonJS code that is about to be compiled. */
  compiled(code: string, file: string): string | undefined;
  /** A file that no loader sees. */
  evaluated(code: Evaluated): string | undefined;
}

export function createRewriting(options: RewritingOptions): Rewriting {
  return {
    loaded: (url, loaded, compiles) => rewrite(url, loaded, options, compiles),
    compiled: (code, file) => rewriteCompiled(code, file, options),
    evaluated: (code) => rewriteEvaluated(code, options),
  };
}

function rewrite(
  url: string,
  loaded: Loaded,
  options: RewritingOptions,
  compiles: boolean,
): string | undefined {
  if (!url.startsWith("file:")) return undefined;
  const format = loaded.format ?? "unknown";
  if (!/^(module|commonjs|typescript|unknown)/.test(format)) return undefined;
  const file = fileURLToPath(url);
  if (file.startsWith(options.ownFolder + path.sep)) return undefined;
  if (isPackages(file, options)) return ofPackage(textOf(loaded.source), file, options, format);
  const source = options.transforms ? textOf(loaded.source) : undefined;
  if (source === undefined || (compiles && kindOf(format) !== "module")) return undefined;
  options.guard(() => options.reads(source));
  const mapsFor = options.mapsFor();
  const typescript = format.includes("typescript") || /\.[cm]?ts$/.test(file);
  const bundle = options.guard(() => bundledIn(source, file, options));
  const how = { typescript, kind: kindOf(format), mapsFor };
  return toRun(source, file, transformFile(source, file, how, options, bundle), mapsFor, options);
}

function rewriteCompiled(code: string, file: string, options: RewritingOptions): string | undefined {
  if (!path.isAbsolute(file) || file.startsWith(options.ownFolder + path.sep)) return undefined;
  if (isPackages(file, options)) return ofPackage(code, file, options, "commonjs");
  // What was rewritten when it was loaded has its map as well.
  if (!options.transforms || isOurs(code)) return undefined;
  options.guard(() => options.reads(code));
  const mapsFor = options.mapsFor();
  const bundle = options.guard(() => bundledIn(code, file, options));
  const transformed = transformFile(code, file, { kind: "commonjs", mapsFor }, options, bundle);
  return toRun(code, file, transformed, mapsFor, options);
}

function toRun(
  source: string,
  file: string,
  transformed: string | undefined,
  mapsFor: MapsFor,
  { guard, runsUnmapped, othersMakeStacks }: RewritingOptions,
): string | undefined {
  if (transformed !== undefined)
    guard(() => {
      if (mapsFor === "runner" || othersMakeStacks()) runsUnmapped(file, transformed);
    });
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
  { packages, keep, libraries, untouched }: RewritingOptions,
): Bundled | undefined {
  if (source.length < leastBundle) return undefined;
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
    const entry = libraries.has(part.library) ? packages.forBundled(part.library, file) : undefined;
    if (entry === undefined) return [];
    const number = keep({ found: entry, file, isBundled: true });
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
    const getters = exportedByGetters(source.slice(form.start, end), entry.of.exports);
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

/** Whether a file is none of the program: one of a package, or of an extension of the editor that has started it. */
function isPackages(file: string, { ownFolder }: RewritingOptions): boolean {
  if (file.includes(`${path.sep}node_modules${path.sep}`)) return true;
  const extensions = extensionsAround(ownFolder);
  return extensions !== undefined && file.startsWith(extensions + path.sep);
}

/**
 * Where the editor keeps its extensions, when the tracer is one's: beside `unknot.unknot-0.1.0` are test runners that
 * start programs by a file of their own.
 */
export function extensionsAround(ownFolder: string): string | undefined {
  const extension = path.resolve(ownFolder, "..", "..", "..");
  return /^unknot\.unknot-\d/.test(path.basename(extension)) ? path.dirname(extension) : undefined;
}

function rewriteEvaluated(
  { code, file, kind, firstColumn, map }: Evaluated,
  options: RewritingOptions,
): string | undefined {
  if (isPackages(file, options)) return reported(code, file, options, kind);
  const mapsFor = options.mapsFor() === "originals" ? "originals" : "runner";
  return transformFile(code, file, { kind, mapsFor, firstColumn, map }, options);
}

/** What one of us has transformed comes with our marks. */
function isOurs(source: string): boolean {
  return source.includes(`${insertionMark}${hooksName}`);
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
  how: HowItRuns,
  options: RewritingOptions,
  bundle?: Bundled,
): string | undefined {
  // A loader that calls another.
  if (!options.transforms || isOurs(source)) return undefined;
  try {
    return options.numbering(() => transformNumbered(source, file, how, options, bundle));
  } catch (error) {
    options.untouched(
      file,
      error instanceof TransformError ? error.message : `error of the tracer: ${String(error)}`,
    );
    if (!(error instanceof TransformError)) throw error;
    return undefined;
  }
}

function transformNumbered(
  source: string,
  file: string,
  { typescript = false, kind, mapsFor, firstColumn = 0, map }: HowItRuns,
  options: RewritingOptions,
  bundle?: Bundled,
): string | undefined {
  const first = options.nextSite();
  const hasMap = (mapsFor === "stacks" || mapsFor === "originals") && source.length <= mostMapped;
  const transformed = transform({
    source,
    file,
    typescript,
    kind,
    firstSite: first,
    libraries: options.importable,
    ...bundle,
    ...(hasMap ? { map: { file, composed: mapsFor === "originals" } } : {}),
    ...(options.prelude === undefined ? {} : { prelude: options.prelude }),
  });
  if (transformed === undefined) return undefined;
  const { code, skipped, needsPromises, syntax } = transformed;
  const refused = [...syntax].find((each) => (typescript || each !== "typescript") && isRefused(each));
  if (refused !== undefined)
    throw new TransformError(`Node ${process.versions.node} does not run its syntax (${refused})`);
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

function ofPackage(
  source: string | undefined,
  file: string,
  options: RewritingOptions,
  format: string,
): string | undefined {
  const handsOver = reported(source, file, options, format);
  const code = handsOver ?? source;
  return options.mapsPackages() && code !== undefined && mapUrl(code) !== undefined
    ? withoutMap(code)
    : handsOver;
}

/** The source of a package's file with a last statement that hands over what it exports. */
function reported(
  source: string | undefined,
  file: string,
  { packages, keep }: RewritingOptions,
  format: string,
): string | undefined {
  const found = source === undefined ? undefined : packages.forFile(file);
  // Those who hook into the compilation get what they have rewritten when it was loaded.
  if (source === undefined || found === undefined || source.includes(`;${hooksName}.exported`))
    return undefined;
  const { exports, isRunner } = found.of;
  // Runners are large, and few of their files are of interest.
  if (isRunner && !exports.some((name) => source.includes(name))) return undefined;
  const number = keep({ found, file, isBundled: false });
  return isModule(source, file, format)
    ? withLiveExports(source, file, `${hooksName}.exported(${number},`, exports)
    : withExportsReport(source, number, exports);
}

function withExportsReport(source: string, number: number, wanted: readonly string[]): string {
  const getters = liveExports(exportedByGetters(source, wanted));
  const statement = `\n;${hooksName}.exportedCommonJs(${number},module,${getters});`;
  // Older versions of jest hand over a file as a function of theirs.
  const end = /\n\}\}\);?$/.exec(source)?.index ?? source.length;
  return source.slice(0, end) + statement + source.slice(end);
}
