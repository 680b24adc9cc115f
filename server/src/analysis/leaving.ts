import { plain, type Value } from "./values.ts";

/** What can be reached from a value that leaves our sight. */
export function leaving(value: Value): readonly Value[] {
  switch (value.kind) {
    case "nothing":
    case "unknown":
    case "settler":
    case "constant":
    case "class":
    case "module":
    case "namespace":
    case "external":
    case "global":
      return [];
    case "function":
      // Its body is in sight wherever it goes; what it was bound to is not.
      return value.bound.flatMap((binding) => binding.arguments.flatMap(leaving));
    case "fresh":
      if (value.made.type === "object")
        return [...[...value.made.properties.values()].flatMap(leaving), value];
      if (value.made.type === "array") return [...value.made.elements.flatMap(leaving), value];
      return [value];
    case "union":
      return value.of.flatMap(leaving);
    case "promise":
      return leaving(value.of);
    default:
      return [plain(value)];
  }
}

/** Whoever has an object has what is in it: of `a` and `a.b` only `a` counts, and paths stay short. */
export function outermost(escapes: readonly Value[]): Value[] {
  const short = new Set(escapes.map((value) => shortened(value)));
  return [...short].filter((value) => {
    for (let at = value; at.kind === "member" || at.kind === "typed"; ) {
      at = at.of;
      if (short.has(at)) return false;
    }
    return true;
  });
}

function shortened(value: Value): Value {
  let at = value;
  while (at.kind === "member" && at.of.kind === "member" && at.of.of.kind === "member") at = at.of;
  return at;
}
