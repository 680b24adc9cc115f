import type { ProgramView } from "./analyzer.ts";
import { type ModelType, operationOf } from "./model-index.ts";
import type { Value } from "./values.ts";

/** How many may hold a resource at once, or what a channel buffers, where it is made with a number; else undefined. */
export function capacityOf(view: ProgramView, resource: Value): number | undefined {
  const own = madeWith(resource) ?? ofKey(view, resource) ?? ofExternal(view, resource);
  return own ?? madeWith(contentOf(view, resource));
}

/** Of a resource that a package exports ready-made. */
function ofExternal(view: ProgramView, resource: Value): number | undefined {
  if (resource.kind !== "external") return undefined;
  const entry = view.world.models.exported(resource.module, resource.path);
  const capacity = entry?.kind === "instance" ? entry.create.capacity : undefined;
  return typeof capacity === "number" ? capacity : undefined;
}

/** Of the lock of one key, what its owner says of each. */
function ofKey(view: ProgramView, resource: Value): number | undefined {
  const owner = resource.kind === "member" ? view.solution.semantics.typeOf(resource.of) : undefined;
  if (resource.kind !== "member" || owner?.kind !== "model" || !owner.model.keyed) return undefined;
  if (resource.of.kind !== "global") return capacityOf(view, resource.of);
  const entry = view.world.models.global(resource.of.path);
  const capacity = entry?.kind === "instance" ? entry.create.capacity : undefined;
  return typeof capacity === "number" ? capacity : undefined;
}

/** Held by one task at a time by this operation, so that waiting for it while it is held ends only with the hold. */
export function isExclusive(
  view: ProgramView,
  held: {
    readonly model: ModelType;
    readonly operation: string;
    readonly resource: Value;
    readonly capacity?: number | undefined;
  },
): boolean {
  switch (held.model.kind) {
    case "mutex":
      return true;
    case "rwlock":
      return operationOf(held.model, held.operation)?.mode !== "read";
    case "semaphore":
    case "queue":
      return (held.capacity ?? capacityOf(view, held.resource)) === 1;
    default:
      return false;
  }
}

/** The capacity of what was made where the value comes from. */
function madeWith(value: Value): number | undefined {
  return value.kind === "fresh" && value.made.type === "resource" ? value.made.capacity : undefined;
}

/** The value of a field, for what is written there: `this.queue` may be known to be a queue of one. */
export function contentOf(view: ProgramView, resource: Value): Value {
  const { semantics } = view.solution;
  if (resource.kind !== "member") return resource;
  const type = semantics.typeOf(resource.of);
  if (type?.kind !== "class") return resource;
  return view.solution.field(type.class, resource.name);
}
