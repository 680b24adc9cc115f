import type { Constant, Range } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { isSame } from "../program/ranges.ts";
import type { ModelType } from "./model-index.ts";
import type { ClassKey, FunctionKey, Location, VariableKey } from "./places.ts";

// What the analysis knows about a value: what it is (a function of the program, a lock of a library), and which one
// (a path of names from something that does not change: a module constant, `this`, a parameter, a creation site).
// Values are interned, so equal values are the same object.

export type Value =
  /** Nothing has flowed here yet. */
  | { readonly id: number; readonly depth: number; readonly kind: "nothing" }
  /** Anything. */
  | { readonly id: number; readonly depth: number; readonly kind: "unknown" }
  /** `resolve` or `reject` of a promise under construction: calling it never fails. */
  | { readonly id: number; readonly depth: number; readonly kind: "settler" }
  | { readonly id: number; readonly depth: number; readonly kind: "constant"; readonly constant: Constant }
  | {
      readonly id: number;
      readonly depth: number;
      readonly kind: "function";
      readonly function: FunctionKey;
      /** Activations of enclosing functions that it was made in, seen from outside of them. */
      readonly bound: readonly Binding[];
    }
  | { readonly id: number; readonly depth: number; readonly kind: "class"; readonly class: ClassKey }
  /** The namespace object of a file. */
  | { readonly id: number; readonly depth: number; readonly kind: "module"; readonly file: FilePath }
  /** A TypeScript namespace. */
  | {
      readonly id: number;
      readonly depth: number;
      readonly kind: "namespace";
      readonly function: FunctionKey;
    }
  /** What a package exports; an empty path is its namespace. */
  | {
      readonly id: number;
      readonly depth: number;
      readonly kind: "external";
      readonly module: string;
      readonly path: readonly string[];
    }
  | { readonly id: number; readonly depth: number; readonly kind: "global"; readonly path: readonly string[] }
  | {
      readonly id: number;
      readonly depth: number;
      readonly kind: "parameter";
      readonly function: FunctionKey;
      readonly index: number;
    }
  /** `this` in the methods of a class, or in a function that is in no class. */
  | {
      readonly id: number;
      readonly depth: number;
      readonly kind: "receiver";
      readonly of: ClassKey | FunctionKey;
    }
  | {
      readonly id: number;
      readonly depth: number;
      readonly kind: "member";
      readonly of: Value;
      readonly name: string;
      /** The resource of one key, which is no literal; the name says nothing then. */
      readonly key?: Value;
    }
  /** A variable that nothing in the program assigns: `declare const lock: Mutex`. */
  | {
      readonly id: number;
      readonly depth: number;
      readonly kind: "variable";
      readonly variable: VariableKey;
    }
  /** The same value, of which an annotation or TypeScript told the type. */
  | {
      readonly id: number;
      readonly depth: number;
      readonly kind: "typed";
      readonly of: Value;
      readonly type: NamedType;
    }
  /** Made at a site; two with the same site are the same within one activation of the site's function. */
  | {
      readonly id: number;
      readonly depth: number;
      readonly kind: "fresh";
      readonly site: Site;
      readonly made: Made;
    }
  | {
      readonly id: number;
      readonly depth: number;
      readonly kind: "promise";
      readonly of: Value;
      readonly waits: Waits;
      readonly rejects: boolean;
      /** False: what a callback returns that may be synchronous. */
      readonly sure: boolean;
    }
  | { readonly id: number; readonly depth: number; readonly kind: "union"; readonly of: readonly Value[] };

export type NamedType =
  | { readonly kind: "model"; readonly model: ModelType }
  | { readonly kind: "class"; readonly class: ClassKey };

export type Fresh = Extract<Value, { kind: "fresh" }>;
export type FunctionValue = Extract<Value, { kind: "function" }>;

/** One activation of a function, seen from its caller. */
export interface Binding {
  readonly function: FunctionKey;
  readonly arguments: readonly Value[];
  /** Arguments from here on are not known one by one (`f(...list)`). */
  readonly spreadFrom?: number;
  readonly receiver?: Value;
  readonly site: Site;
}

/** Where something comes into being: in an activation of `function`, through the calls `path`, innermost last. */
export interface Site {
  readonly id: number;
  readonly function: FunctionKey;
  readonly path: readonly Location[];
}

export type Made =
  | { readonly type: "instance"; readonly class: ClassKey }
  | {
      readonly type: "resource";
      readonly model: ModelType;
      readonly capacity?: number;
      readonly paused: boolean;
    }
  | { readonly type: "object"; readonly properties: ReadonlyMap<string, Value> }
  | { readonly type: "array"; readonly elements: readonly Value[] }
  /** The right to release, as an operation hands it out. */
  | {
      readonly type: "handle";
      readonly model: ModelType;
      readonly operation: string;
      readonly resource: Value;
    }
  /** A use of a resource that is described and has not happened yet. */
  | {
      readonly type: "query";
      readonly model: ModelType;
      readonly operation: string;
      readonly resource: Value;
      readonly at: Location;
      readonly via: readonly Location[];
      /** Only for callers that do not give this. */
      readonly unless?: Value;
    }
  /** What some call or `await` gave. */
  | {
      readonly type: "result";
      /** An `await` gave it, so it is no promise. */
      readonly settled?: true;
    };

/** Something that has to happen before a promise settles. */
export type Wait =
  | {
      readonly id: number;
      readonly kind: "operation";
      readonly model: ModelType;
      /** The member, or `()` when the resource itself is called. */
      readonly operation: string;
      readonly resource: Value;
      readonly at: Location;
      /** The calls that lead there, outermost first. */
      readonly via: readonly Location[];
      /** Only for callers that do not give this: `pool` in `(client ?? pool).query()`. */
      readonly unless?: Value;
    }
  /** A callback that is not known yet runs to its end. */
  | {
      readonly id: number;
      readonly kind: "call";
      readonly callee: Value;
      readonly arguments: readonly Value[];
      readonly at: Location;
      readonly via: readonly Location[];
    };

export interface Waits {
  readonly id: number;
  readonly list: readonly Wait[];
  /** There were more than the list holds. */
  readonly overflow: boolean;
}

const maxDepth = 9;
const maxUnion = 4;
const maxWaits = 24;
const maxPath = 4;
const maxVia = 5;

/** `Omit` that keeps the alternatives of a union apart. */
type Bare<T, K extends string> = T extends unknown ? Omit<T, K> : never;

/** Makes values; one per analysis. */
export class Values {
  readonly #compare: (a: Value, b: Value) => number;
  readonly #byKey = new Map<string, Value>();
  // The most frequent values have a way to them that builds no key.
  readonly #constants = new WeakMap<Constant, Value>();
  readonly #members = new Map<number, Map<string, Value>>();
  readonly #results: Value[] = [];
  readonly #settledResults: Value[] = [];
  /** Keys and paths are long; what is interned under them is named by their number. */
  readonly #numbers = new Map<string, number>();
  readonly #sites = new Map<string, Site>();
  readonly #siteList: Site[] = [];
  readonly #outerSites = new Map<string, Site | undefined>();
  readonly #siteOf = new WeakMap<object, Site>();
  readonly #waits = new Map<string, Wait>();
  readonly #waitSets = new Map<string, Waits>();
  readonly nothing: Value;
  readonly unknown: Value;
  readonly settler: Value;
  readonly undefined: Value;
  readonly noWaits: Waits;

  /** `compare` orders the alternatives of unions, the same way in every analysis. */
  constructor(compare: (a: Value, b: Value) => number) {
    this.#compare = compare;
    this.nothing = this.#intern("nothing", 0, { kind: "nothing" });
    this.unknown = this.#intern("unknown", 0, { kind: "unknown" });
    this.settler = this.#intern("settler", 0, { kind: "settler" });
    this.undefined = this.constant({ type: "undefined" });
    this.noWaits = this.waits([]);
  }

  #intern(key: string, depth: number, value: Bare<Value, "id" | "depth">): Value {
    const known = this.#byKey.get(key);
    if (known) return known;
    // Values that nest without end come from recursion.
    if (depth > maxDepth) return this.unknown;
    const made = { ...value, id: this.#byKey.size, depth } as Value;
    this.#byKey.set(key, made);
    return made;
  }

  #number(key: string): number {
    let known = this.#numbers.get(key);
    if (known === undefined) {
      known = this.#numbers.size;
      this.#numbers.set(key, known);
    }
    return known;
  }

  /** One text per path of places. */
  #pathKey(path: readonly Location[]): string {
    let text = "";
    for (const at of path) text += `${this.#number(at.file)}:${at.start}:${at.end}>`;
    return text;
  }

  constant(constant: Constant): Value {
    const key = `constant ${constant.type} ${"value" in constant ? String(constant.value) : ""}`;
    return this.#intern(key, 0, { kind: "constant", constant });
  }

  /** The same for a constant of an instruction, which is asked for at every evaluation. */
  constantInCode(constant: Constant): Value {
    const known = this.#constants.get(constant);
    if (known) return known;
    const made = this.constant(constant);
    this.#constants.set(constant, made);
    return made;
  }

  function(key: FunctionKey, bound: readonly Binding[] = []): Value {
    const bindings = bound.slice(0, 3);
    const text = bindings.map((binding) => this.#bindingKey(binding)).join(";");
    const depth = 1 + Math.max(-1, ...bindings.flatMap(bindingDepths));
    return this.#intern(`function ${this.#number(key)} ${text}`, depth, {
      kind: "function",
      function: key,
      bound: bindings,
    });
  }

  #bindingKey(binding: Binding): string {
    const values = binding.arguments.map((argument) => argument.id).join(",");
    return `${this.#number(binding.function)}(${values}/${binding.spreadFrom ?? ""}/${binding.receiver?.id ?? ""})${binding.site.id}`;
  }

  class(key: ClassKey): Value {
    return this.#intern(`class ${this.#number(key)}`, 0, { kind: "class", class: key });
  }

  module(file: FilePath): Value {
    return this.#intern(`module ${this.#number(file)}`, 0, { kind: "module", file });
  }

  namespace(key: FunctionKey): Value {
    return this.#intern(`namespace ${this.#number(key)}`, 0, { kind: "namespace", function: key });
  }

  external(module: string, path: readonly string[]): Value {
    if (path.length > maxPath) return this.unknown;
    return this.#intern(`external ${module} ${path.join(".")}`, 0, { kind: "external", module, path });
  }

  global(path: readonly string[]): Value {
    if (path.length > maxPath) return this.unknown;
    return this.#intern(`global ${path.join(".")}`, 0, { kind: "global", path });
  }

  parameter(key: FunctionKey, index: number): Value {
    return this.#intern(`parameter ${this.#number(key)} ${index}`, 0, {
      kind: "parameter",
      function: key,
      index,
    });
  }

  receiver(of: ClassKey | FunctionKey): Value {
    return this.#intern(`receiver ${this.#number(of)}`, 0, { kind: "receiver", of });
  }

  member(of: Value, name: string): Value {
    if (of.kind === "nothing" || of.kind === "unknown") return of;
    const known = this.#members.get(of.id)?.get(name);
    if (known) return known;
    const made = this.#intern(`member ${of.id} ${name}`, of.depth + 1, { kind: "member", of, name });
    const members = this.#members.get(of.id);
    if (members) members.set(name, made);
    else this.#members.set(of.id, new Map([[name, made]]));
    return made;
  }

  /** The resource of one key: `lock.acquire(id)`. Undefined when nothing says which key it is. */
  entry(of: Value, key: Value): Value | undefined {
    if (key.kind === "constant" && "value" in key.constant) {
      return this.member(of, `[${String(key.constant.value)}]`);
    }
    const root = rootOf(key);
    const isNamed = root.kind === "parameter" || root.kind === "receiver" || root.kind === "variable";
    if (!isNamed || of.kind === "nothing" || of.kind === "unknown") return undefined;
    const depth = Math.max(of.depth, key.depth) + 1;
    const known = plain(key);
    return this.#intern(`entry ${of.id} ${known.id}`, depth, { kind: "member", of, name: "[]", key: known });
  }

  variable(variable: VariableKey): Value {
    return this.#intern(`variable ${this.#number(variable)}`, 0, { kind: "variable", variable });
  }

  typed(of: Value, type: NamedType): Value {
    if (of.kind === "typed" || of.kind === "unknown" || of.kind === "nothing") return of;
    const key = type.kind === "model" ? type.model.key : type.class;
    return this.#intern(`typed ${of.id} ${this.#number(key)}`, of.depth, { kind: "typed", of, type });
  }

  site(key: FunctionKey, path: readonly Location[]): Site {
    const text = `${this.#number(key)} ${this.#pathKey(path)}`;
    const known = this.#sites.get(text);
    if (known) return known;
    const site = { id: this.#sites.size, function: key, path };
    this.#sites.set(text, site);
    this.#siteList.push(site);
    return site;
  }

  siteAt(id: number): Site | undefined {
    return this.#siteList[id];
  }

  /** The site of an instruction, which stands in one function only. */
  siteOf(instruction: object, key: FunctionKey, at: () => Location): Site {
    const known = this.#siteOf.get(instruction);
    if (known) return known;
    const site = this.site(key, [at()]);
    this.#siteOf.set(instruction, site);
    return site;
  }

  /** The site as seen by a caller of its function; undefined when the chain of calls gets too long to tell apart. */
  outerSite(site: Site, call: Site): Site | undefined {
    const key = `${call.id}>${site.id}`;
    if (this.#outerSites.has(key)) return this.#outerSites.get(key);
    const path = [...call.path, ...site.path];
    const outer = path.length > maxPath ? undefined : this.site(call.function, path);
    this.#outerSites.set(key, outer);
    return outer;
  }

  fresh(site: Site, made: Made): Value {
    switch (made.type) {
      case "instance":
        return this.#intern(`fresh ${site.id} instance ${this.#number(made.class)}`, 0, {
          kind: "fresh",
          site,
          made,
        });
      case "resource": {
        const key = `fresh ${site.id} resource ${made.model.key} ${made.capacity} ${made.paused}`;
        return this.#intern(key, 0, { kind: "fresh", site, made });
      }
      case "object": {
        const entries = [...made.properties].map(([name, value]) => `${name}=${value.id}`).join(",");
        const depth = 1 + Math.max(-1, ...[...made.properties.values()].map((value) => value.depth));
        return this.#intern(`fresh ${site.id} object ${entries}`, depth, { kind: "fresh", site, made });
      }
      case "array": {
        const elements = made.elements.map((element) => element.id).join(",");
        const depth = 1 + Math.max(-1, ...made.elements.map((element) => element.depth));
        return this.#intern(`fresh ${site.id} array ${elements}`, depth, { kind: "fresh", site, made });
      }
      case "handle": {
        const key = `fresh ${site.id} handle ${made.model.key} ${made.operation} ${made.resource.id}`;
        return this.#intern(key, made.resource.depth + 1, { kind: "fresh", site, made });
      }
      case "query": {
        const key = `fresh ${site.id} query ${made.model.key} ${made.operation} ${made.resource.id} ${made.unless?.id ?? ""} ${this.#pathKey([made.at, ...made.via])}`;
        return this.#intern(key, made.resource.depth + 1, { kind: "fresh", site, made });
      }
      case "result":
        return this.#result(site, made);
    }
  }

  #result(site: Site, made: Extract<Made, { type: "result" }>): Value {
    const settled = made.settled ?? false;
    const list = settled ? this.#settledResults : this.#results;
    const known = list[site.id];
    if (known) return known;
    const value = this.#intern(`fresh ${site.id} result ${settled}`, 0, { kind: "fresh", site, made });
    list[site.id] = value;
    return value;
  }

  promise(of: Value, waits: Waits, rejects: boolean, sure = true): Value {
    // A promise of a promise is one promise.
    if (of.kind === "promise") {
      return this.promise(of.of, this.bothWaits(waits, of.waits), rejects || of.rejects, sure);
    }
    const depth = 1 + Math.max(of.depth, ...waits.list.map(waitDepth));
    return this.#intern(`promise ${of.id} ${waits.id} ${rejects} ${sure}`, depth, {
      kind: "promise",
      of,
      waits,
      rejects,
      sure,
    });
  }

  operationWait(wait: Bare<Extract<Wait, { kind: "operation" }>, "id" | "kind">): Wait {
    const key = `operation ${wait.model.key} ${wait.operation} ${wait.resource.id} ${wait.unless?.id ?? ""} ${this.#pathKey([wait.at])} ${this.#pathKey(wait.via)}`;
    return this.#internWait(key, { ...wait, kind: "operation" });
  }

  callWait(wait: Bare<Extract<Wait, { kind: "call" }>, "id" | "kind">): Wait {
    const values = wait.arguments.map((argument) => argument.id).join(",");
    const key = `call ${wait.callee.id} ${values} ${this.#pathKey([wait.at])} ${this.#pathKey(wait.via)}`;
    return this.#internWait(key, { ...wait, kind: "call" });
  }

  #internWait(key: string, wait: Bare<Wait, "id">): Wait {
    const known = this.#waits.get(key);
    if (known) return known;
    const made = { ...wait, id: this.#waits.size } as Wait;
    this.#waits.set(key, made);
    return made;
  }

  /** The wait as a caller sees it, reached through one more call. */
  viaCall(wait: Wait, call: Location): Wait | undefined {
    if (wait.via.length >= maxVia) return undefined;
    const via = [call, ...wait.via];
    return wait.kind === "operation" ? this.operationWait({ ...wait, via }) : this.callWait({ ...wait, via });
  }

  /** Waits without repetition: of several ways to the same operation the shortest, then the first in the text. */
  waits(list: readonly Wait[], overflow = false): Waits {
    const byPlace = new Map<string, Wait>();
    for (const wait of list) {
      const key =
        wait.kind === "operation"
          ? `${wait.model.key} ${wait.operation} ${wait.resource.id} ${this.#pathKey([wait.at])}`
          : `${wait.callee.id} ${this.#pathKey([wait.at])}`;
      const known = byPlace.get(key);
      if (!known || shorter(wait, known)) byPlace.set(key, wait);
    }
    const sorted = [...byPlace.values()].sort((a, b) => (shorter(a, b) ? -1 : 1));
    const kept = sorted.slice(0, maxWaits);
    const tooMany = overflow || sorted.length > kept.length;
    const key = `${kept.map((wait) => wait.id).join(",")} ${tooMany}`;
    const known = this.#waitSets.get(key);
    if (known) return known;
    const made: Waits = { id: this.#waitSets.size, list: kept, overflow: tooMany };
    this.#waitSets.set(key, made);
    return made;
  }

  bothWaits(a: Waits, b: Waits): Waits {
    if (a === b || (b.list.length === 0 && !b.overflow)) return a;
    if (a.list.length === 0 && !a.overflow) return b;
    return this.waits([...a.list, ...b.list], a.overflow || b.overflow);
  }

  /** How many values there are; those that nobody needs any more stay. */
  get size(): number {
    return this.#byKey.size + this.#sites.size + this.#waits.size;
  }

  /** What flows where both may come from. Null and undefined beside something else do not count. */
  join(a: Value, b: Value): Value {
    if (a === b || b.kind === "nothing") return a;
    if (a.kind === "nothing") return b;
    if (isNothing(b)) return a;
    if (isNothing(a)) return b;
    if (a.kind === "unknown" || b.kind === "unknown") return this.unknown;
    if (a.kind === "promise" && b.kind === "promise") {
      const waits = this.bothWaits(a.waits, b.waits);
      return this.promise(this.join(a.of, b.of), waits, a.rejects || b.rejects, a.sure && b.sure);
    }
    const members = new Map<number, Value>();
    for (const value of [a, b]) {
      for (const member of value.kind === "union" ? value.of : [value]) members.set(member.id, member);
    }
    if (members.size > maxUnion) return this.unknown;
    const list = [...members.values()].sort(this.#compare);
    const depth = Math.max(...list.map((member) => member.depth));
    return this.#intern(`union ${list.map((member) => member.id).join(",")}`, depth, {
      kind: "union",
      of: list,
    });
  }
}

/** What an access path starts from. */
export function rootOf(value: Value): Value {
  let at = value;
  while (at.kind === "member" || at.kind === "typed") at = at.of;
  return at;
}

/** Whether a function makes it there, itself or by what it calls there. */
export function isMadeAt({ site }: Fresh, by: FunctionKey, at: Range): boolean {
  const [outermost] = site.path;
  return site.function === by && outermost !== undefined && isSame(outermost, at);
}

/** A parameter, or something in one. */
export function isOfCaller(value: Value): boolean {
  return rootOf(value).kind === "parameter";
}

/** Whatever it turns out to be is a promise. */
export function isSurelyPromise(value: Value | undefined): boolean {
  return value !== undefined && alternatives(value).every((part) => part.kind === "promise" && part.sure);
}

/** Null or undefined. */
export function isNothing(value: Value): boolean {
  return value.kind === "constant" && (value.constant.type === "undefined" || value.constant.type === "null");
}

/** What some call gave: it may be a promise. */
export function isOpenResult(value: Value): boolean {
  return value.kind === "fresh" && value.made.type === "result" && !value.made.settled;
}

/** The alternatives of a value. */
export function alternatives(value: Value): readonly Value[] {
  return value.kind === "union" ? value.of : [value];
}

/** The value without what TypeScript said of it: two that differ only in that are the same thing. */
export function plain(value: Value): Value {
  return value.kind === "typed" ? value.of : value;
}

function bindingDepths(binding: Binding): number[] {
  return [...binding.arguments.map((argument) => argument.depth), binding.receiver?.depth ?? 0];
}

function waitDepth(wait: Wait): number {
  return wait.kind === "operation" ? wait.resource.depth : wait.callee.depth;
}

function shorter(a: Wait, b: Wait): boolean {
  if (a.via.length !== b.via.length) return a.via.length < b.via.length;
  const [left, right] = [
    [...a.via, a.at],
    [...b.via, b.at],
  ];
  for (const [index, at] of left.entries()) {
    const other = right[index];
    if (!other || (at.file === other.file && at.start === other.start)) continue;
    return at.file === other.file ? at.start < other.start : at.file < other.file;
  }
  return (a.kind === "operation" ? a.operation : "") < (b.kind === "operation" ? b.operation : "");
}
