import path from "node:path";

/** `tests/pool.test.ts > a pool > gives clients back`; the file is relative to the folder the tests are run in. */
export function testName(file: string, titles: readonly string[]): string {
  const shown = path.isAbsolute(file) ? path.relative(process.cwd(), file).replaceAll("\\", "/") : file;
  return [...(shown === "" ? [] : [shown]), ...titles].join(" > ");
}
