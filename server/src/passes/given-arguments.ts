import type { Contexts } from "../analysis/contexts.ts";
import { plain, type Value } from "../analysis/values.ts";

type Parameter = Extract<Value, { kind: "parameter" }>;

/** What the calls that we see hand in for a parameter, each value once; the parameter itself where that is not known. */
export function givenFor(contexts: Contexts, parameter: Parameter): readonly Value[] {
  const given = contexts.of(parameter.function).map(({ binding }) => {
    const { spreadFrom = Number.POSITIVE_INFINITY, arguments: list = [] } = binding ?? {};
    const one = parameter.index < spreadFrom ? list[parameter.index] : undefined;
    return one ? plain(one) : parameter;
  });
  return [...new Set(given)];
}
