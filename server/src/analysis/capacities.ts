import type { ProgramView } from "./analyzer.ts";
import type { Value } from "./values.ts";

/** How many may hold a resource at once, or what a channel buffers, where it is made with a number; else undefined. */
export function capacityOf(view: ProgramView, resource: Value): number | undefined {
  return madeWith(resource) ?? madeWith(contentOf(view, resource));
}

/** The capacity of what was made where the value comes from. */
export function madeWith(value: Value): number | undefined {
  return value.kind === "fresh" && value.made.type === "resource" ? value.made.capacity : undefined;
}

/** The value of a field, for what is written there: `this.queue` may be known to be a queue of one. */
function contentOf(view: ProgramView, resource: Value): Value {
  const { semantics } = view.solution;
  if (resource.kind !== "member") return resource;
  const type = semantics.typeOf(resource.of);
  if (type?.kind !== "class") return resource;
  return view.solution.field(type.class, resource.name);
}
