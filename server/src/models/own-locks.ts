import type { Model, OperationModel, TypeModel } from "@unknot/models/model.ts";
import type { ClassFact, ClassMember, FileFacts, FunctionFacts, TypeReference } from "../program/facts.ts";

// Programs bring their own mutex: a class of some thirty lines that is named so and has the members that such classes
// have. What it says by its name, its members and their declared results is enough to follow it like one of a library.

const lockNames = /(?:^|[a-z\d_])Mutex(?:[A-Z_]\w*)?$|^(?:Async|Simple)?Lock(?:_\w*)?$/;
/** A lock of this name lets in more than one, or the holder again, or is another one for every key, or has locks. */
const otherKinds =
  /rw|read|write|shared|keyed|multi|reentrant|recursive|map|pool|manager|registry|factory|store/i;
const holderKept = /owner|holder|reentr|recurs|depth|nest/i;

const acquiring: ReadonlySet<string> = new Set(["acquire", "acquireLock", "lock", "obtainLock"]);
const releasing: ReadonlySet<string> = new Set(["release", "releaseLock", "unlock"]);
const running: ReadonlySet<string> = new Set(["runExclusive", "withLock", "runLocked"]);
const releaserNames = /release|unlock/i;

/** Models of the classes of the program that are locks by their shape, except those that carry tags. */
export function modelsOfOwnLocks(all: readonly FileFacts[]): readonly Model[] {
  return all.flatMap((facts): Model[] => {
    const candidates = facts.classes.filter(({ name }) => lockNames.test(name) && !otherKinds.test(name));
    if (candidates.length === 0 || facts.tags.length > 0) return [];
    // Whoever asks for the context of a task may let it in again.
    if (facts.imports.some(({ specifier }) => /^(?:node:)?async_hooks$/.test(specifier))) return [];
    const types = candidates.flatMap((one) => {
      const type = lockType(facts, one);
      return type ? [[one.name, type] as const] : [];
    });
    return types.length === 0 ? [] : [{ unknot: 1, modules: [facts.path], types: Object.fromEntries(types) }];
  });
}

function lockType(facts: FileFacts, found: ClassFact): TypeModel | undefined {
  if (found.superclass || found.abstract || found.members.some(({ name }) => holderKept.test(name))) {
    return undefined;
  }
  if (!makesPromises(facts, found)) return undefined;
  // One that takes a number may be a semaphore.
  const made =
    found.constructorFunction === undefined ? undefined : facts.functions[found.constructorFunction];
  if (made && made.parameters.length > 0) return undefined;
  const methods = found.members.flatMap((member): Method[] => {
    const body = member.function === undefined ? undefined : facts.functions[member.function];
    return body && member.kind === "method" && !member.static ? [{ member, body }] : [];
  });
  const releases = methods.filter(({ member, body }) => releasing.has(member.name) && !needsMore(body));
  const release = releases.map(({ member }) => member.name);
  const operations = methods.flatMap(({ member, body }): [string, OperationModel][] => {
    if (member.access === "private") return [];
    const operation = acquiring.has(member.name)
      ? acquireOf(body, release)
      : running.has(member.name)
        ? scopedOf(body)
        : undefined;
    return operation ? [[member.name, operation]] : [];
  });
  if (operations.length === 0) return undefined;
  return {
    kind: "mutex",
    reentrant: false,
    create: [{ new: found.name, capacity: 1 }],
    members: {
      ...Object.fromEntries(operations),
      ...Object.fromEntries(release.map((name) => [name, { op: "release" as const }])),
    },
  };
}

/** Whoever has to wait gets a promise that is made by hand. The lock of a door has none: `await lock.unlock()`. */
function makesPromises({ functions }: FileFacts, found: ClassFact): boolean {
  const own = [found.constructorFunction, found.fieldsFunction, ...found.members.map((one) => one.function)];
  return own.some((id) =>
    functions[id ?? -1]?.blocks.some(({ code }) =>
      code.some((i) => i.op === "global" && i.name === "Promise"),
    ),
  );
}

interface Method {
  readonly member: ClassMember;
  readonly body: FunctionFacts;
}

/** `acquire(): Promise<() => void>`, or `lock(): Promise<void>` beside `unlock()`. */
function acquireOf(body: FunctionFacts, release: readonly string[]): OperationModel | undefined {
  if (needsMore(body)) return undefined;
  const result = promised(body.returnType);
  if (isReleaser(result)) return { op: "acquire", await: true, handle: { form: "fn" } };
  const isNothing =
    result === undefined ? body.returnType === undefined && body.async : result.kind === "keyword";
  if (!isNothing || release.length === 0) return undefined;
  return { op: "acquire", await: true, handle: { form: "self", release: [...release] } };
}

/** `runExclusive(work: () => Promise<T>): Promise<T>` */
function scopedOf(body: FunctionFacts): OperationModel | undefined {
  const isPromised = body.async || promised(body.returnType) !== undefined;
  const typed = body.parameters.findIndex(({ type }) => type?.kind === "function");
  const fn = typed >= 0 ? typed : body.parameters.length === 1 ? 0 : undefined;
  return isPromised && fn !== undefined ? { op: "scoped", await: true, fn } : undefined;
}

/** It cannot be called without telling it more than how long to wait: a key, perhaps. */
function needsMore({ parameters }: FunctionFacts): boolean {
  return parameters.some(({ optional, rest }) => !optional && !rest);
}

/** `T` of `Promise<T>`. */
function promised(type: TypeReference | undefined): TypeReference | undefined {
  return type?.kind === "named" && type.path.join(".") === "Promise" ? type.arguments[0] : undefined;
}

function isReleaser(type: TypeReference | undefined): boolean {
  return type?.kind === "function" || (type?.kind === "named" && releaserNames.test(type.path.at(-1) ?? ""));
}
