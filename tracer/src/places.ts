import path from "node:path";
import { fileURLToPath } from "node:url";
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import type { Site } from "@unknot/protocol/dump.ts";
import { type FileSites, lastNotAfter } from "./site-registry.ts";
import type { SiteEntry } from "./transform/sites.ts";
import { readMap } from "./transform/source-map.ts";

/** A site with its place in the original source. */
export interface Placed {
  readonly site: Site;
  readonly entry: SiteEntry;
  /** The file it belongs to, in the order of loading from 0. */
  readonly fileIndex: number;
}

/** Finds sites by number. Source maps are read when the first site of their file is asked for. */
export function createPlaces(files: readonly FileSites[]): (site: number) => Placed | undefined {
  const known = new Map<number, Placed>();
  const mapOf = createMaps();
  return (number) => {
    const cached = known.get(number);
    if (cached !== undefined) return cached;
    const fileIndex = lastNotAfter(files, number);
    const file = files[fileIndex];
    const entry = file?.sites[number - file.first];
    if (file === undefined || entry === undefined) return undefined;
    const placed = { site: place(file.file, entry, mapOf(file)), entry, fileIndex };
    known.set(number, placed);
    return placed;
  };
}

/** Finds the original source of a place in a file that was loaded. */
export function createFramePlaces(files: readonly FileSites[]): (frame: Site) => Site {
  const mapOf = createMaps();
  return (frame) => {
    const file = files.find((each) => each.file === frame.file);
    if (file === undefined) return { ...frame, file: slashes(frame.file) };
    return place(file.file, { ...frame, flags: 0 }, mapOf(file));
  };
}

const stackPlaces = new WeakMap<readonly FileSites[], (frame: Site) => Site>();

/** The same for a place that a stack trace shows, which may be one of the original source. */
export function stackPlacesOf(files: readonly FileSites[]): (frame: Site) => Site {
  const known = stackPlaces.get(files);
  if (known !== undefined) return known;
  const places = createFramePlaces(files);
  const mapped = (frame: Site): Site => {
    const file = files.find((each) => each.file === frame.file);
    return file?.stacksAreMapped === true ? { ...frame, file: slashes(frame.file) } : places(frame);
  };
  stackPlaces.set(files, mapped);
  return mapped;
}

function createMaps(): (file: FileSites) => { readonly map: TraceMap; readonly base: string } | undefined {
  const maps = new Map<FileSites, { readonly map: TraceMap; readonly base: string } | undefined>();
  return (file) => {
    if (!maps.has(file)) {
      const found = readMap(file.mapUrl, file.file);
      maps.set(file, found === undefined ? undefined : parse({ ...found, base: file.mapBase ?? found.base }));
    }
    return maps.get(file);
  };
}

function parse(found: { map: string; base: string }): { map: TraceMap; base: string } | undefined {
  try {
    return { map: new TraceMap(found.map), base: found.base };
  } catch {
    return undefined;
  }
}

function place(file: string, entry: SiteEntry, mapped: { map: TraceMap; base: string } | undefined): Site {
  const name = entry.function === undefined ? {} : { function: entry.function };
  const original =
    mapped === undefined
      ? undefined
      : originalPositionFor(mapped.map, { line: entry.line, column: entry.column - 1 });
  if (mapped === undefined || original === undefined || original.source === null || original.line === null) {
    return { file: slashes(file), line: entry.line, column: entry.column, ...name };
  }
  return {
    file: sourceFile(original.source, mapped.base),
    line: original.line,
    column: original.column + 1,
    ...name,
  };
}

function sourceFile(source: string, base: string): string {
  if (source.startsWith("file:")) return slashes(fileURLToPath(source));
  if (/^\w[\w+.-]+:/.test(source)) return source;
  return slashes(path.resolve(base, source));
}

function slashes(file: string): string {
  return path.sep === "/" ? file : file.replaceAll(path.sep, "/");
}
