import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import { isLock, operationOf } from "../analysis/model-index.ts";
import { valueName } from "../analysis/names.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { type Fresh, plain, type Value } from "../analysis/values.ts";

/** Several locks or clients are asked for at once: when one request fails, nobody has what the others have got. */
export interface JoinedAcquires {
  readonly of: "lock" | "client";
  /** The resource, when it has a name. */
  readonly resource: string | undefined;
  readonly at: Location;
  readonly trace: readonly ReportedStep[];
}

export const joinedAcquires = definePass<readonly JoinedAcquires[]>({
  id: "joined-acquires",
  run: (view) => (file) =>
    view
      .functionsOf(file)
      .flatMap((key) => view.attempt(file, "joined-acquires", () => joinedIn(view, key), [])),
});

function joinedIn(view: ProgramView, key: FunctionKey): readonly JoinedAcquires[] {
  const { file } = parseKey(key);
  const found: JoinedAcquires[] = [];
  for (const [instruction, { targets, arguments: given }] of view.solution.evaluation(key)?.calls ?? []) {
    for (const target of targets) {
      if (target.kind !== "operation" || target.operation.op !== "join") continue;
      const { promises, needs, throws } = target.operation;
      if (needs === "any" || throws === false) continue;
      const list = given[promises ?? 0];
      const handles = elementsOf(list).flatMap((element) => handleOf(element) ?? []);
      // An element stands for as many as there are in the list.
      const several = handles.length > 1 || isCollected(list, instruction.start);
      const failing = handles.find(mayFail);
      if (!failing || !several) continue;
      const { model, resource } = failing.made;
      const of = isLock(model) ? "lock" : "client";
      const at = locationIn(file, instruction);
      const [asked] = failing.site.path;
      const what = of === "lock" ? "a lock" : "a client";
      found.push({
        of,
        resource: valueName(view, plain(resource)),
        at,
        trace: [
          ...(asked ? [{ at: asked, what: `${what} is asked for here, which may fail` }] : []),
          { at, what: `this fails with the first of them, and what the others have got is never given back` },
        ],
      });
    }
  }
  return found;
}

function elementsOf(list: Value | undefined): readonly Value[] {
  return list?.kind === "fresh" && list.made.type === "array" ? list.made.elements : [];
}

/** `keys.map(…)` gives one element for all; an array as written gives each. */
function isCollected(list: Value | undefined, join: number): boolean {
  const [made] = list?.kind === "fresh" ? list.site.path : [];
  const [element] = elementsOf(list);
  const [inner] = element?.kind === "promise" && element.of.kind === "fresh" ? element.of.site.path : [];
  return made !== undefined && inner !== undefined && made.start !== join && inner.start === made.start;
}

type Handle = Fresh & { readonly made: { readonly type: "handle" } };

function handleOf(element: Value): Handle | undefined {
  const value = element.kind === "promise" ? plain(element.of) : undefined;
  return value?.kind === "fresh" && value.made.type === "handle" ? (value as Handle) : undefined;
}

/** A pool may have no connection to give. A lock is there some time, unless the waiting for it ends before. */
function mayFail({ made }: Handle): boolean {
  const { model, operation } = made;
  const form = operationOf(model, operation)?.handle?.form;
  // The resource itself can still be told to release.
  if (form === undefined || form === "self") return false;
  return isLock(model) ? model.givesUp === true : model.kind === "pool";
}
