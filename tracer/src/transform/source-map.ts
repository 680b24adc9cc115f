import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import remapping, { type SourceMapInput } from "@jridgewell/remapping";

export interface ComposeOptions {
  /** The file's path, against which a map that it names is found. */
  readonly file: string;
}

const comment = /^[ \t]*\/\/[#@][ \t]*sourceMappingURL=(\S+)[ \t]*$/gm;

/**
 * Appends the map of a transformed file as a comment, composed with the map that the file brought along. The comment
 * comes last, so it is the one that counts.
 */
export function composeMap(code: string, own: { toString(): string }, { file }: ComposeOptions): string {
  const before = readMap(mapUrl(code), file);
  const map = before === undefined ? own.toString() : compose(own.toString(), before.map, before.base);
  const url = `data:application/json;charset=utf-8;base64,${Buffer.from(map).toString("base64")}`;
  return `${code}\n//# sourceMappingURL=${url}`;
}

/** What a file names as its source map; the last one counts. */
export function mapUrl(code: string): string | undefined {
  return [...code.matchAll(comment)].at(-1)?.[1];
}

/** The map at a URL that a file names, and the folder its sources are relative to; undefined when it is not there. */
export function readMap(url: string | undefined, file: string): { map: string; base: string } | undefined {
  if (url === undefined) return undefined;
  try {
    if (url.startsWith("data:")) {
      const comma = url.indexOf(",");
      const data = url.slice(comma + 1);
      const encoded = url.slice(0, comma).endsWith(";base64");
      const map = encoded ? Buffer.from(data, "base64").toString() : decodeURIComponent(data);
      return { map, base: path.dirname(file) };
    }
    const target = url.startsWith("file:")
      ? fileURLToPath(url)
      : path.resolve(path.dirname(file), decodeURIComponent(url));
    return { map: readFileSync(target, "utf8"), base: path.dirname(target) };
  } catch {
    // Packages often name maps they do not ship; the file's own positions are shown then.
    return undefined;
  }
}

function compose(own: string, before: string, base: string): string {
  const parsed = JSON.parse(before) as { sources?: (string | null)[]; sourceRoot?: string };
  const root = parsed.sourceRoot === undefined ? base : path.resolve(base, asPath(parsed.sourceRoot));
  const absolute = {
    ...parsed,
    sourceRoot: undefined,
    sources: (parsed.sources ?? []).map((source) =>
      source === null || /^\w[\w+.-]+:/.test(source)
        ? source
        : pathToFileURL(path.resolve(root, source)).href,
    ),
  };
  const composed = remapping([own, absolute] as unknown as SourceMapInput[], () => null);
  return composed.toString();
}

function asPath(root: string): string {
  return root.startsWith("file:") ? fileURLToPath(root) : root;
}
