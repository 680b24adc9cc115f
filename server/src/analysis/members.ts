import type { ModelType } from "./model-index.ts";
import {
  type ClassKey,
  classKey,
  type FunctionKey,
  functionKey,
  isClassKey,
  parseKey,
  variableKey,
} from "./places.ts";
import type { Semantics } from "./semantics.ts";
import { type Answered, classField, type FieldKey, siteField } from "./summary.ts";
import { alternatives, type Value } from "./values.ts";
import type { ExportTarget, TypeInfo } from "./world.ts";

/** `of.name`. `answer` is what TypeScript said about the name, where it was asked. */
export function memberOf(s: Semantics, of: Value, name: string, answer: Answered | undefined): Value {
  const { values } = s;
  if (of.kind === "union") {
    return of.of.reduce<Value>(
      (joined, part) => values.join(joined, memberOf(s, part, name, answer)),
      values.nothing,
    );
  }
  const known = ownMember(s, of, name);
  if (known !== undefined) return known;
  return answer === undefined ? values.member(of, name) : answeredMember(s, of, name, answer);
}

/** The member as far as names alone lead; undefined when nothing is known of the object. */
function ownMember(s: Semantics, of: Value, name: string): Value | undefined {
  const { world, values, reader } = s;
  switch (of.kind) {
    case "nothing":
      return of;
    case "constant":
    case "settler":
      return values.unknown;
    case "module":
      return targetValue(s, world.exportOf(of.file, name));
    case "namespace":
      return namespaceMember(s, of.function, name);
    case "external":
      return values.external(of.module, [...of.path, name]);
    case "global":
      // `navigator.locks.request`: a member of something that there is one of.
      return globalInstance(s, of.path)?.members.has(name)
        ? values.member(of, name)
        : values.global([...of.path, name]);
    case "function":
      return values.member(of, name);
    case "class":
      return classMember(s, of, of.class, name, true);
    case "fresh":
      if (of.made.type === "object") {
        const property = of.made.properties.get(name) ?? values.nothing;
        const key = siteField(of.site.id, name);
        const both = values.join(property, reader.field(key));
        return both.kind === "nothing" && reader.isUnassigned(key) ? values.member(of, name) : both;
      }
      if (of.made.type === "query") return values.member(of, name);
      if (of.made.type === "array" && /^\d+$/.test(name)) {
        return of.made.elements[Number(name)] ?? values.unknown;
      }
      break;
    default:
  }
  const type = s.typeOf(of);
  switch (type?.kind) {
    case "class":
      return classMember(s, of, type.class, name, false);
    case "model":
    case "promise":
    case "array":
    case "interface":
    case "function":
      return values.member(of, name);
    case "plain":
      return values.unknown;
    case undefined:
      return undefined;
  }
}

function answeredMember(s: Semantics, of: Value, name: string, answer: Answered): Value {
  const { world, values } = s;
  const owner = world.models.memberOwner(answer.symbol);
  if (owner) return values.member(values.typed(of, { kind: "model", model: owner }), name);
  return answer.function === undefined ? values.member(of, name) : values.function(answer.function);
}

/** What a field or getter of a class gives; methods give themselves. */
function classMember(s: Semantics, of: Value, owner: ClassKey, name: string, isStatic: boolean): Value {
  const { world, values, reader } = s;
  const found = world.member(owner, name, isStatic);
  if (found?.member.kind === "method") {
    // `super.mute()` means the method of the superclass and none that overrides it.
    const isSuper = of.kind === "typed" && of.of.kind === "receiver";
    const candidates = [found, ...(isStatic || isSuper ? [] : world.overrides(owner, name))].flatMap(
      ({ owner: at, member }) =>
        member.function === undefined ? [] : [functionKey(parseKey(at).file, member.function)],
    );
    // An abstract method without any implementation in the program.
    if (candidates.length === 0) return values.member(of, name);
    return candidates.reduce<Value>(
      (joined, key) => values.join(joined, values.function(key)),
      values.nothing,
    );
  }
  if (found?.member.kind === "getter" && found.member.function !== undefined) {
    const getter = functionKey(parseKey(found.owner).file, found.member.function);
    const returned = reader.summary(getter)?.returns ?? values.nothing;
    const site = values.site(getter, []);
    const value = s.substitute(returned, { function: getter, arguments: [], receiver: of, site });
    return value.kind === "unknown" ? values.member(of, name) : value;
  }
  const base = found || isStatic ? undefined : world.modelBase(owner);
  // `class Turnstile extends Mutex`: what the class does not have it has from the library.
  if (base) return values.member(values.typed(of, { kind: "model", model: base }), name);
  const key = fieldOf(s, owner, name, isStatic);
  const content = reader.field(key);
  if (content.kind === "nothing" && !reader.isUnassigned(key)) return content;
  // `this.alone = this.lock.runExclusive.bind(this.lock)`
  if (content.kind === "member" && s.typeOf(content.of)?.kind === "model") {
    const moved = ofReceiver(s, content, of);
    if (moved) return moved;
  }
  return isItself(content) || isShared(s, content, owner) ? content : values.member(of, name);
}

/** A path from `this`, for another object; undefined for other paths. */
function ofReceiver(s: Semantics, path: Value, receiver: Value): Value | undefined {
  if (path.kind === "receiver") return receiver;
  const of = path.kind === "member" ? ofReceiver(s, path.of, receiver) : undefined;
  return of && path.kind === "member" ? s.member(of, path.name) : undefined;
}

/** Made once outside of the class and only kept in a field: which instance holds it makes no difference. */
function isShared(s: Semantics, content: Value, owner: ClassKey): boolean {
  if (content.kind !== "fresh" || content.made.type !== "resource") return false;
  const maker = s.world.function(content.site.function);
  if (maker === undefined) return false;
  const ofClass =
    maker.class !== undefined && classKey(parseKey(content.site.function).file, maker.class) === owner;
  return !ofClass || maker.kind === "statics";
}

/** The field that a name means in a class: of the class that declares it. */
export function fieldOf(s: Semantics, of: ClassKey, name: string, isStatic: boolean): FieldKey {
  return classField(s.world.member(of, name, isStatic)?.owner ?? of, name, isStatic);
}

/** Functions, classes and exports are what they are, whichever object they were taken from. */
function isItself(value: Value): boolean {
  return alternatives(value).every((part) => {
    switch (part.kind) {
      case "function":
      case "class":
      case "external":
      case "global":
      case "module":
      case "namespace":
        return true;
      default:
        return false;
    }
  });
}

export function targetValue(s: Semantics, target: ExportTarget | undefined): Value {
  const { values, reader } = s;
  switch (target?.kind) {
    case "variable":
      return reader.variable(variableKey(target.file, target.variable));
    case "module":
      return values.module(target.file);
    case "external":
      return values.external(target.module, target.path);
    case "type":
    case undefined:
      return values.unknown;
  }
}

function namespaceMember(s: Semantics, of: FunctionKey, name: string): Value {
  const { file, id } = parseKey(of);
  const variables = s.world.facts(file)?.variables ?? [];
  const found = variables.findIndex((one) => one.function === id && one.name === name && one.exported);
  return found < 0 ? s.values.unknown : s.reader.variable(variableKey(file, found as never));
}

function globalInstance(s: Semantics, path: readonly string[]): ModelType | undefined {
  const entry = s.world.models.global(path);
  return entry?.kind === "instance" ? entry.type : undefined;
}

/** What kind of thing a value is, by how it was made or declared. */
export function typeOfValue(s: Semantics, value: Value): TypeInfo | undefined {
  const { world } = s;
  switch (value.kind) {
    case "typed":
      return value.type;
    case "variable":
      return world.typeOf(parseKey(value.variable).file, world.variable(value.variable)?.type);
    case "fresh":
      switch (value.made.type) {
        case "instance":
          return { kind: "class", class: value.made.class };
        case "resource":
          return { kind: "model", model: value.made.model };
        case "array":
          return { kind: "array", of: undefined };
        default:
          return undefined;
      }
    case "global": {
      const model = globalInstance(s, value.path);
      return model && { kind: "model", model };
    }
    case "promise":
      return { kind: "promise", of: undefined };
    case "external": {
      const entry = world.models.exported(value.module, value.path);
      return entry?.kind === "instance" ? { kind: "model", model: entry.type } : undefined;
    }
    case "receiver":
      return isClassKey(value.of) ? { kind: "class", class: value.of } : undefined;
    case "parameter": {
      const { file } = parseKey(value.function);
      const written = world.function(value.function)?.parameters[value.index]?.type;
      return written ? world.typeOf(file, written) : world.givenType(value.function, value.index);
    }
    case "member":
      return memberType(s, value.of, value.name);
    case "union": {
      // `limiter = defaultLimiter` as a parameter has the type of its default.
      const [first, ...others] = value.of
        .filter((part) => part.kind !== "parameter" || s.typeOf(part) !== undefined)
        .map((part) => s.typeOf(part));
      const same = others.every(
        (other) => other !== undefined && first !== undefined && sameType(first, other),
      );
      return same ? first : undefined;
    }
    default:
      return undefined;
  }
}

function memberType(s: Semantics, of: Value, name: string): TypeInfo | undefined {
  const { world, reader } = s;
  const isStatic = of.kind === "class";
  const owner: TypeInfo | undefined = of.kind === "class" ? { kind: "class", class: of.class } : s.typeOf(of);
  if (owner?.kind === "class") {
    const found = world.member(owner.class, name, isStatic);
    const declared = found && world.typeOf(parseKey(found.owner).file, found.member.type);
    if (found?.member.kind === "method") return { kind: "function", returns: declared };
    if (declared) return declared;
    const content = reader.field(fieldOf(s, owner.class, name, isStatic));
    return content.kind === "nothing" ? undefined : s.typeOf(content);
  }
  if (owner?.kind === "interface") {
    const found = world.typeMember(owner.file, owner.type, name);
    const declared = found && world.typeOf(found.file, found.member.type);
    return found?.member.kind === "method" ? { kind: "function", returns: declared } : declared;
  }
  return undefined;
}

function sameType(a: TypeInfo, b: TypeInfo): boolean {
  if (a.kind !== b.kind) return false;
  switch (a.kind) {
    case "class":
      return b.kind === "class" && a.class === b.class;
    case "model":
      return b.kind === "model" && a.model.key === b.model.key;
    case "interface":
      return b.kind === "interface" && a.file === b.file && a.type === b.type;
    default:
      return true;
  }
}
