import path from "node:path";

/** A path with forward slashes, relative to `base` when it is inside. */
export function shown(file: string, base: string): string {
  const relative = path.relative(base, file);
  const outside = relative === "" || relative.startsWith("..") || path.isAbsolute(relative);
  return slashes(outside ? file : relative);
}

export function slashes(file: string): string {
  return path.sep === "/" ? file : file.replaceAll(path.sep, "/");
}
