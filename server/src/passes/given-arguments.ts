import type { ProgramView } from "../analysis/analyzer.ts";
import type { Contexts } from "../analysis/contexts.ts";
import { plain, rootOf, type Value } from "../analysis/values.ts";

/**
 * What the calls that we see hand in for a parameter or for something reached from one (`options.lock`), each value
 * once; the value itself where that is not known. Undefined for what no caller hands in.
 */
export function givenFor(view: ProgramView, contexts: Contexts, value: Value): readonly Value[] | undefined {
  const root = rootOf(value);
  if (root.kind !== "parameter") return undefined;
  const given = contexts.of(root.function).map(({ binding }) => {
    const { spreadFrom = Number.POSITIVE_INFINITY, arguments: list = [] } = binding ?? {};
    const one = root.index < spreadFrom ? list[root.index] : undefined;
    return one ? plain(reached(view, value, one)) : value;
  });
  return [...new Set(given)];
}

/** The same path from something else. */
function reached(view: ProgramView, path: Value, root: Value): Value {
  switch (path.kind) {
    case "member":
      if (path.key) return path;
      return view.solution.semantics.member(reached(view, path.of, root), path.name);
    case "typed":
      return reached(view, path.of, root);
    default:
      return root;
  }
}
