import type { Location } from "./places.ts";
import type { Binding, Made, Site, Value, Wait } from "./values.ts";

// An order of values that is the same in every analysis: which was interned first depends on what was analysed before.
// Places count by what stands first in their file and by nothing else, so an edit that only moves code changes no order.

/** Negative when the first comes before; 0 only for the same value. */
export function compareValues(a: Value, b: Value): number {
  if (a === b) return 0;
  return compareTexts(a.kind, b.kind) || compareContents(a, b);
}

function compareContents(a: Value, b: Value): number {
  switch (a.kind) {
    case "nothing":
    case "unknown":
    case "settler":
      return 0;
    case "constant":
      return compareTexts(JSON.stringify(a.constant), JSON.stringify(as(a.kind, b).constant));
    case "function": {
      const other = as(a.kind, b);
      return compareTexts(a.function, other.function) || compareLists(a.bound, other.bound, compareBindings);
    }
    case "class":
      return compareTexts(a.class, as(a.kind, b).class);
    case "module":
      return compareTexts(a.file, as(a.kind, b).file);
    case "namespace":
      return compareTexts(a.function, as(a.kind, b).function);
    case "external": {
      const other = as(a.kind, b);
      return compareTexts(a.module, other.module) || compareLists(a.path, other.path, compareTexts);
    }
    case "global":
      return compareLists(a.path, as(a.kind, b).path, compareTexts);
    case "parameter": {
      const other = as(a.kind, b);
      return compareTexts(a.function, other.function) || a.index - other.index;
    }
    case "receiver":
      return compareTexts(a.of, as(a.kind, b).of);
    case "member": {
      const other = as(a.kind, b);
      return (
        compareTexts(a.name, other.name) ||
        compareValues(a.of, other.of) ||
        compareOptional(a.key, other.key, compareValues)
      );
    }
    case "variable":
      return compareTexts(a.variable, as(a.kind, b).variable);
    case "typed": {
      const other = as(a.kind, b);
      const named = ({ type }: typeof a) => (type.kind === "model" ? type.model.key : type.class);
      return compareTexts(named(a), named(other)) || compareValues(a.of, other.of);
    }
    case "fresh": {
      const other = as(a.kind, b);
      return compareSites(a.site, other.site) || compareMade(a.made, other.made);
    }
    case "promise": {
      const other = as(a.kind, b);
      return (
        Number(a.rejects) - Number(other.rejects) ||
        Number(a.sure) - Number(other.sure) ||
        compareLists(a.waits.list, other.waits.list, compareWaits) ||
        Number(a.waits.overflow) - Number(other.waits.overflow) ||
        compareValues(a.of, other.of)
      );
    }
    case "union":
      return compareLists(a.of, as(a.kind, b).of, compareValues);
  }
}

/** The same kind has been found out. */
function as<K extends Value["kind"]>(_: K, value: Value): Extract<Value, { kind: K }> {
  return value as Extract<Value, { kind: K }>;
}

function compareMade(a: Made, b: Made): number {
  if (a === b) return 0;
  if (a.type !== b.type) return compareTexts(a.type, b.type);
  switch (a.type) {
    case "instance":
      return compareTexts(a.class, (b as typeof a).class);
    case "resource": {
      const other = b as typeof a;
      return (
        compareTexts(a.model.key, other.model.key) ||
        (a.capacity ?? -1) - (other.capacity ?? -1) ||
        Number(a.paused) - Number(other.paused)
      );
    }
    case "object": {
      const properties = ({ properties: all }: typeof a) => [...all];
      return compareLists(
        properties(a),
        properties(b as typeof a),
        ([name, one], [otherName, other]) => compareTexts(name, otherName) || compareValues(one, other),
      );
    }
    case "array":
      return compareLists(a.elements, (b as typeof a).elements, compareValues);
    case "handle": {
      const other = b as typeof a;
      return (
        compareTexts(a.model.key, other.model.key) ||
        compareTexts(a.operation, other.operation) ||
        compareValues(a.resource, other.resource)
      );
    }
    case "query": {
      const other = b as typeof a;
      return (
        compareTexts(a.model.key, other.model.key) ||
        compareTexts(a.operation, other.operation) ||
        compareLocations(a.at, other.at) ||
        compareLists(a.via, other.via, compareLocations) ||
        compareValues(a.resource, other.resource) ||
        compareOptional(a.unless, other.unless, compareValues)
      );
    }
    case "result":
      return Number(a.settled ?? false) - Number((b as typeof a).settled ?? false);
  }
}

function compareWaits(a: Wait, b: Wait): number {
  if (a === b) return 0;
  const byPlace =
    compareTexts(a.kind, b.kind) ||
    compareLocations(a.at, b.at) ||
    compareLists(a.via, b.via, compareLocations);
  if (byPlace !== 0) return byPlace;
  if (a.kind === "operation" && b.kind === "operation") {
    return (
      compareTexts(a.model.key, b.model.key) ||
      compareTexts(a.operation, b.operation) ||
      compareValues(a.resource, b.resource) ||
      compareOptional(a.unless, b.unless, compareValues)
    );
  }
  if (a.kind === "call" && b.kind === "call") {
    return compareValues(a.callee, b.callee) || compareLists(a.arguments, b.arguments, compareValues);
  }
  return 0;
}

function compareBindings(a: Binding, b: Binding): number {
  return (
    compareTexts(a.function, b.function) ||
    compareSites(a.site, b.site) ||
    compareLists(a.arguments, b.arguments, compareValues) ||
    (a.spreadFrom ?? -1) - (b.spreadFrom ?? -1) ||
    compareOptional(a.receiver, b.receiver, compareValues)
  );
}

function compareSites(a: Site, b: Site): number {
  if (a === b) return 0;
  return compareTexts(a.function, b.function) || compareLists(a.path, b.path, compareLocations);
}

function compareLocations(a: Location, b: Location): number {
  return compareTexts(a.file, b.file) || a.start - b.start || a.end - b.end;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareOptional<One>(
  a: One | undefined,
  b: One | undefined,
  compare: (a: One, b: One) => number,
): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return compare(a, b);
}

function compareLists<One>(
  a: readonly One[],
  b: readonly One[],
  compare: (a: One, b: One) => number,
): number {
  for (const [index, one] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const found = compare(one, other);
    if (found !== 0) return found;
  }
  return a.length - b.length;
}
