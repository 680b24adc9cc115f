import type { Range } from "./facts.ts";

export function isSame(a: Range, b: Range): boolean {
  return a.start === b.start && a.end === b.end;
}

export function contains(outer: Range, inner: Range): boolean {
  return outer.start <= inner.start && inner.end <= outer.end;
}
