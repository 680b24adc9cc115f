import picomatch from "picomatch";
import type { FilePath } from "../program/ids.ts";
import { ignoresCase } from "../program/paths.ts";

/**
 * What glob patterns below a folder mean: a pattern without a slash holds at any depth, one that names a folder for all
 * that is in it, one with `!` before it takes out, and of several the last that fits decides. With `exact` the patterns
 * that take in hold only for what they spell out.
 */
export function createMatcher(
  folder: FilePath,
  patterns: readonly string[],
  { exact = false }: { readonly exact?: boolean } = {},
): (file: FilePath) => boolean {
  const tests = patterns.flatMap((pattern) => {
    const taken = pattern.startsWith("!");
    const test = testOf(taken ? pattern.slice(1) : pattern, exact && !taken);
    return test === undefined ? [] : [{ taken, test }];
  });
  const prefix = folder.endsWith("/") ? folder : `${folder}/`;
  return (file) => {
    if (tests.length === 0 || !file.startsWith(prefix)) return false;
    const name = file.slice(prefix.length);
    const last = tests.findLast(({ test }) => test(name));
    return last !== undefined && !last.taken;
  };
}

type Test = (name: string) => boolean;

/** Configurations are asked about each file, and compiling a pattern takes longer than all its answers. */
const compiled = new Map<string, Test | undefined>();
const mostCompiled = 10_000;

function testOf(pattern: string, exact: boolean): Test | undefined {
  const key = `${exact} ${pattern}`;
  if (compiled.has(key)) return compiled.get(key);
  if (compiled.size >= mostCompiled) compiled.clear();
  const test = compile(pattern, exact);
  compiled.set(key, test);
  return test;
}

function compile(pattern: string, exact: boolean): Test | undefined {
  const plain = pattern.replace(/^(?:\.?\/)+/, "").replace(/\/+$/, "");
  if (plain === "") return undefined;
  const anchored = pattern.startsWith("/") || pattern.startsWith("./") || plain.includes("/");
  const from = anchored || exact ? plain : `**/${plain}`;
  try {
    return picomatch(exact ? from : [from, `${from}/**`], { dot: true, nocase: ignoresCase, nonegate: true });
  } catch {
    // Too long to be meant: it fits nothing.
    return undefined;
  }
}
