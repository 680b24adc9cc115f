import type {
  ClassFact,
  ClassMember,
  FileFacts,
  FunctionFacts,
  FunctionId,
  TypeFact,
  TypeId,
  TypeMember,
  TypeReference,
  VariableFact,
  VariableId,
} from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { filesAside } from "./aside.ts";
import { executorsIn, type PartOfNew, partsOfNewIn, storesIn } from "./file-shapes.ts";
import type { ModelIndex, ModelType } from "./model-index.ts";
import {
  type ClassKey,
  classKey,
  type FunctionKey,
  functionKey,
  parseKey,
  type VariableKey,
  variableKey,
} from "./places.ts";
import type { FileRole } from "./roles.ts";

/** What a written or inferred type says. */
export type TypeInfo =
  | { readonly kind: "class"; readonly class: ClassKey }
  | { readonly kind: "model"; readonly model: ModelType }
  | { readonly kind: "interface"; readonly file: FilePath; readonly type: TypeId }
  | { readonly kind: "promise"; readonly of: TypeInfo | undefined }
  | { readonly kind: "array"; readonly of: TypeInfo | undefined }
  | { readonly kind: "function"; readonly returns: TypeInfo | undefined }
  /** `void`, `string`, …: known to be nothing of interest. */
  | { readonly kind: "plain" };

/** Where an import or export leads. */
export type ExportTarget =
  | { readonly kind: "variable"; readonly file: FilePath; readonly variable: VariableId }
  | { readonly kind: "type"; readonly file: FilePath; readonly type: TypeId }
  | { readonly kind: "module"; readonly file: FilePath }
  | { readonly kind: "external"; readonly module: string; readonly path: readonly string[] };

export interface MemberLookup {
  readonly owner: ClassKey;
  readonly member: ClassMember;
}

/** The facts of the program and what follows from names alone: imports, exports, classes, written types. */
export interface World {
  readonly graph: ModuleGraph;
  readonly models: ModelIndex;
  readonly files: readonly FilePath[];
  /** Module specifiers of packages that some file imports. */
  readonly imported: ReadonlySet<string>;
  facts(file: FilePath): FileFacts | undefined;
  function(key: FunctionKey): FunctionFacts | undefined;
  variable(key: VariableKey): VariableFact | undefined;
  class(key: ClassKey): ClassFact | undefined;
  /** What an import of this file means; undefined when it leads nowhere. */
  importOf(file: FilePath, variable: VariableId): ExportTarget | undefined;
  exportOf(file: FilePath, name: string): ExportTarget | undefined;
  /** The name under which a model describes a function or class of this file, which then counts more than its code. */
  describedAs(file: FilePath, variable: VariableId): string | undefined;
  /** The files of the program that a file imports or exports from, in the order written. */
  filesImportedBy(file: FilePath): readonly FilePath[];
  /** Those, and what it requires or imports while it runs. */
  filesLoadedBy(file: FilePath): readonly FilePath[];
  /** The modules that a file names. */
  specifiersIn(facts: FileFacts): ReadonlySet<string>;
  /** It stands beside the program: a test, or something that only tests load. See aside.ts. */
  isAside(file: FilePath): boolean;
  /** The module of a specifier: a file of the program or a package. */
  moduleOf(from: FilePath, specifier: string): ExportTarget | undefined;
  /** A written type. */
  typeOf(file: FilePath, reference: TypeReference | undefined): TypeInfo | undefined;
  /** The member of a class or of what it extends. */
  member(of: ClassKey, name: string, isStatic: boolean): MemberLookup | undefined;
  /** Members of the same name in classes that extend this one. */
  overrides(of: ClassKey, name: string): readonly MemberLookup[];
  superclass(of: ClassKey): ClassKey | undefined;
  /** The library type that a class extends, directly or through others. */
  modelBase(of: ClassKey): ModelType | undefined;
  /** It is written as the executor of a promise: `new Promise((resolve, reject) => …)`. */
  isExecutor(key: FunctionKey): boolean;
  /** The type of a parameter by the model of the constructor that is given its function in an object. */
  givenType(key: FunctionKey, parameter: number): TypeInfo | undefined;
  /** Nothing in its file assigns to it: it is declared only. */
  isAmbient(key: VariableKey): boolean;
  typeMember(file: FilePath, type: TypeId, name: string): { file: FilePath; member: TypeMember } | undefined;
  /** The function that TypeScript names by one of its nodes. */
  functionAt(file: FilePath, node: number): FunctionKey | undefined;
  /** The functions around a function, innermost first, itself left out. */
  enclosing(key: FunctionKey): readonly FunctionKey[];
  /** The function whose `this` it sees. */
  thisOwner(key: FunctionKey): FunctionKey;
  /** Who is told from now on; gives back who was told before. */
  watch(reader: WorldReader | undefined): WorldReader | undefined;
  /** The classes that name this one as their superclass. */
  childrenOf(of: ClassKey): readonly ClassKey[];
}

/** Told what the world is asked about, so that an answer can be kept until something of it changes. */
export interface WorldReader {
  file(file: FilePath): void;
  /** The classes that extend this one. */
  children(of: ClassKey): void;
}

/** Which files load which, and which of them stand beside the program. Programs that agree in that share it. */
export interface ModuleGraph {
  /** The last program that it is the graph of. */
  of: GraphSource;
  /** Filled as it is asked. */
  readonly modules: Map<FilePath, Map<string, ExportTarget | undefined>>;
  readonly imported: Map<FilePath, readonly FilePath[]>;
  readonly loaded: Map<FilePath, readonly FilePath[]>;
  aside: ReadonlySet<FilePath> | undefined;
}

interface GraphSource {
  readonly models: ModelIndex;
  readonly resolutions: number;
  readonly files: ReadonlyMap<FilePath, { readonly facts: FileFacts; readonly role: FileRole }>;
}

export interface WorldSource {
  readonly files: readonly FilePath[];
  facts(file: FilePath): FileFacts | undefined;
  resolveModule(from: FilePath, specifier: string): FilePath | undefined;
  /** Grows when specifiers may mean other files. */
  readonly resolutions: number;
  roleOf(file: FilePath): FileRole;
}

/** Something that was looked for, and the files that it was looked for in. */
interface Found<Value> {
  readonly value: Value;
  readonly files: readonly FilePath[];
}

/** Aliases and `extends` can form circles in code that does not compile. */
const maxHops = 20;

/** `before` is the graph of a program that this one may have come from by an edit. */
export function createWorld(source: WorldSource, models: ModelIndex, before?: ModuleGraph): World {
  const files = new Set(source.files);
  const factsOf = new Map<FilePath, FileFacts>();
  for (const file of source.files) {
    const facts = source.facts(file);
    if (facts) factsOf.set(file, facts);
  }
  const imported = new Set<string>();
  for (const facts of factsOf.values()) {
    for (const specifier of specifiersIn(facts)) imported.add(bareModule(specifier));
  }
  const graph = graphOf(source, models, factsOf, before);
  const { modules, loaded } = graph;
  const importsOf = new Map<FilePath, Map<VariableId, FileFacts["imports"][number]>>();
  const targets = new Map<VariableKey, Found<ExportTarget | undefined>>();
  const writtenTypes = new Map<TypeReference, Found<TypeInfo | undefined>>();
  const functionsAt = new Map<FilePath, Map<number, FunctionId>>();
  const executors = new Map<FilePath, ReadonlySet<FunctionId>>();
  const parts = new Map<FilePath, ReadonlyMap<FunctionId, PartOfNew>>();
  const stored = new Map<FilePath, Set<VariableId>>();
  const classParents = new Map<ClassKey, Found<ClassKey | "none" | "unknown">>();
  const children = new Map<ClassKey, ClassKey[]>();
  const membersOf = new Map<ClassKey, Map<string, ClassMember | undefined>>();
  let watching: WorldReader | undefined;

  const read = (file: FilePath): FileFacts | undefined => {
    watching?.file(file);
    return factsOf.get(file);
  };
  const unwatched = <Value>(find: () => Value): Value => {
    const outer = watching;
    watching = undefined;
    const value = find();
    watching = outer;
    return value;
  };
  /** What is found once is found again by whoever asks, who then has looked at the same files. */
  const remembered = <Key, Value>(
    cache: Map<Key, Found<Value>>,
    key: Key,
    find: () => Value,
    meanwhile?: Value,
  ): Value => {
    let known = cache.get(key);
    if (!known) {
      if (meanwhile !== undefined) cache.set(key, { value: meanwhile, files: [] });
      const outer = watching;
      const files = new Set<FilePath>();
      watching = { file: (file) => void files.add(file), children: (of) => outer?.children(of) };
      const value = find();
      watching = outer;
      known = { value, files: [...files] };
      cache.set(key, known);
    }
    if (watching) for (const file of known.files) watching.file(file);
    return known.value;
  };

  const world: World = {
    models,
    graph,
    files: [...factsOf.keys()],
    imported,
    facts: read,
    function(key) {
      const { file, id } = parseKey(key);
      return read(file)?.functions[id];
    },
    variable(key) {
      const { file, id } = parseKey(key);
      return read(file)?.variables[id];
    },
    class(key) {
      const { file, id } = parseKey(key);
      return read(file)?.classes[id];
    },
    moduleOf(from, specifier) {
      watching?.file(from);
      let own = modules.get(from);
      if (!own) {
        own = new Map();
        modules.set(from, own);
      }
      const known = own.get(specifier);
      if (known || own.has(specifier)) return known;
      const found = findModule(from, specifier);
      own.set(specifier, found);
      return found;
    },
    importOf(file, variable) {
      return remembered(targets, variableKey(file, variable), () => findImport(file, variable));
    },
    exportOf: (file, name) => exportOf(file, name, 0),
    describedAs,
    filesImportedBy(file) {
      const facts = read(file);
      const known = graph.imported.get(file);
      if (known) return known;
      const found = filesNamed(file, facts ? importedModules(facts) : []);
      graph.imported.set(file, found);
      return found;
    },
    filesLoadedBy(file) {
      const known = loaded.get(file);
      if (known) return known;
      const facts = factsOf.get(file);
      const found = filesNamed(file, facts ? specifiersIn(facts) : []);
      loaded.set(file, found);
      return found;
    },
    specifiersIn,
    isAside(file) {
      graph.aside ??= unwatched(() => filesAside(world.files, source.roleOf, world.filesLoadedBy));
      watching?.file(file);
      return graph.aside.has(file);
    },
    typeOf(file, reference) {
      if (!reference) return undefined;
      return remembered(writtenTypes, reference, () => typeOf(file, reference, 0));
    },
    member(of, name, isStatic) {
      for (let at: ClassKey | undefined = of, hops = 0; at && hops < maxHops; hops += 1) {
        const found = ownMember(at, name, isStatic);
        if (found) return { owner: at, member: found };
        at = world.superclass(at);
      }
      return undefined;
    },
    overrides(of, name) {
      const found: MemberLookup[] = [];
      const open = [...(children.get(of) ?? [])];
      const seen = new Set<ClassKey>([of]);
      const isAside = world.isAside(parseKey(of).file);
      watching?.children(of);
      for (let at = open.pop(); at; at = open.pop()) {
        if (seen.has(at)) continue;
        seen.add(at);
        watching?.children(at);
        // The stand-in that a test makes of a class is not what the program runs.
        if (world.isAside(parseKey(at).file) && !isAside) continue;
        const member = ownMember(at, name, false);
        if (member) found.push({ owner: at, member });
        open.push(...(children.get(at) ?? []));
      }
      return found;
    },
    superclass(of) {
      const parent = parentOf(of);
      return parent === "none" || parent === "unknown" ? undefined : parent;
    },
    modelBase(of) {
      let at: ClassKey | undefined = of;
      for (let hops = 0; at && hops < maxHops; hops += 1) {
        const type = typeOf(parseKey(at).file, world.class(at)?.extends, 0);
        if (type?.kind === "model") return type.model;
        at = world.superclass(at);
      }
      return undefined;
    },
    isExecutor(key) {
      const { file, id } = parseKey(key);
      watching?.file(file);
      let known = executors.get(file);
      if (!known) {
        known = new Set((read(file)?.functions ?? []).flatMap(executorsIn));
        executors.set(file, known);
      }
      return known.has(id as FunctionId);
    },
    givenType(key, parameter) {
      const { file, id } = parseKey(key);
      watching?.file(file);
      let known = parts.get(file);
      if (!known) {
        const found = (read(file)?.functions ?? []).flatMap(partsOfNewIn);
        known = new Map(found.map((part) => [part.function, part]));
        parts.set(file, known);
      }
      const part = known.get(id as FunctionId);
      const entry = part && models.global([part.callee]);
      if (!part || entry?.kind !== "constructor") return undefined;
      const given = entry.create.gives?.find(
        (one) => one.arg === part.arg && one.prop === part.prop && one.parameter === parameter,
      );
      const model = given && models.globalType(given.type);
      return model && { kind: "model", model };
    },
    isAmbient(key) {
      const { file, id } = parseKey(key);
      watching?.file(file);
      let known = stored.get(file);
      if (!known) {
        known = new Set((read(file)?.functions ?? []).flatMap((one) => [...storesIn(one)]));
        stored.set(file, known);
      }
      return !known.has(id as VariableId);
    },
    typeMember: (file, type, name) => typeMember(file, type, name, 0),
    functionAt(file, node) {
      const facts = read(file);
      if (!facts) return undefined;
      let known = functionsAt.get(file);
      if (!known) {
        known = new Map(
          facts.functions.flatMap((one, id) => one.nodes.map((at) => [at, id as FunctionId] as const)),
        );
        functionsAt.set(file, known);
      }
      const id = known.get(node);
      return id === undefined ? undefined : functionKey(file, id);
    },
    enclosing(key) {
      const { file } = parseKey(key);
      const found: FunctionKey[] = [];
      for (let at = world.function(key)?.parent; at !== undefined; ) {
        const around = functionKey(file, at);
        found.push(around);
        at = world.function(around)?.parent;
      }
      return found;
    },
    watch(reader) {
      const before = watching;
      watching = reader;
      return before;
    },
    childrenOf: (of) => children.get(of) ?? [],
    thisOwner(key) {
      let at = key;
      for (let facts = world.function(at); facts?.kind === "arrow" && facts.parent !== undefined; ) {
        at = functionKey(parseKey(at).file, facts.parent);
        facts = world.function(at);
      }
      return at;
    },
  };

  for (const [file, facts] of factsOf) {
    for (const id of facts.classes.keys()) {
      const key = classKey(file, id as never);
      const parent = parentOf(key);
      if (parent === "none" || parent === "unknown") continue;
      const known = children.get(parent);
      if (known) known.push(key);
      else children.set(parent, [key]);
    }
  }
  return world;

  function filesNamed(from: FilePath, named: Iterable<string>): readonly FilePath[] {
    return [...named].flatMap((specifier) => {
      const target = world.moduleOf(from, specifier);
      return target?.kind === "module" ? [target.file] : [];
    });
  }

  function findModule(from: FilePath, specifier: string): ExportTarget | undefined {
    const bare = bareModule(specifier);
    // A modelled package is itself, wherever its types lie; without types it resolves to nothing.
    if (models.modules.has(bare)) return { kind: "external", module: bare, path: [] };
    const found = source.resolveModule(from, specifier);
    if (found !== undefined && files.has(found)) return { kind: "module", file: found };
    // Declarations that carry models of their own.
    if (found !== undefined && models.modules.has(found))
      return { kind: "external", module: found, path: [] };
    return /^[./]/.test(specifier) ? undefined : { kind: "external", module: bare, path: [] };
  }

  function findImport(file: FilePath, variable: VariableId): ExportTarget | undefined {
    let known = importsOf.get(file);
    if (!known) {
      known = new Map((read(file)?.imports ?? []).map((fact) => [fact.variable, fact]));
      importsOf.set(file, known);
    }
    const fact = known.get(variable);
    return fact && exportFrom(world.moduleOf(file, fact.specifier), fact.imported, 0);
  }

  function exportFrom(
    module: ExportTarget | undefined,
    name: string,
    hops: number,
  ): ExportTarget | undefined {
    if (!module || hops > maxHops) return undefined;
    switch (module.kind) {
      case "external":
        return name === "*" || name === "="
          ? module
          : { kind: "external", module: module.module, path: [...module.path, name] };
      case "module":
        if (name === "*") return module;
        if (name === "=") return exportOf(module.file, "=", hops) ?? module;
        return (
          exportOf(module.file, name, hops) ??
          (name === "default" ? exportOf(module.file, "=", hops) : undefined)
        );
      default:
        return undefined;
    }
  }

  function exportOf(file: FilePath, name: string, hops: number): ExportTarget | undefined {
    const facts = read(file);
    if (!facts || hops > maxHops) return undefined;
    // What a model says of a file of the program counts more than its code.
    if (models.modules.has(file) && isDescribed(file, name)) {
      return { kind: "external", module: file, path: [name] };
    }
    let type: ExportTarget | undefined;
    for (const fact of facts.exports) {
      if (fact.kind === "star" || fact.name !== name) continue;
      if (fact.kind === "variable") {
        // `import { a } from "./a"; export { a }` leads on.
        const through = world.importOf(file, fact.variable);
        const described = describedAs(file, fact.variable);
        if (described !== undefined) return { kind: "external", module: file, path: [described] };
        return through ?? { kind: "variable", file, variable: fact.variable };
      }
      if (fact.kind === "from")
        return exportFrom(world.moduleOf(file, fact.specifier), fact.imported, hops + 1);
      type = { kind: "type", file, type: fact.type };
    }
    if (type) return type;
    if (name === "default") return undefined;
    for (const fact of facts.exports) {
      if (fact.kind !== "star") continue;
      const found = exportFrom(world.moduleOf(file, fact.specifier), name, hops + 1);
      // A package may or may not export the name; another `export *` may be the one.
      if (found && (found.kind !== "external" || factsOf.has(found.module))) return found;
    }
    return undefined;
  }

  function describedAs(file: FilePath, variable: VariableId): string | undefined {
    if (!models.modules.has(file)) return undefined;
    const fact = factsOf.get(file)?.variables[variable];
    // At the top of the file: what has the name further inside is something else.
    if (fact?.function !== 0 || fact.kind === "import") return undefined;
    return isDescribed(file, fact.name) ? fact.name : undefined;
  }

  function isDescribed(module: string, name: string): boolean {
    return models.exported(module, [name]) !== undefined || models.exportedType(module, [name]) !== undefined;
  }

  function typeOf(file: FilePath, reference: TypeReference | undefined, hops: number): TypeInfo | undefined {
    if (!reference || hops > maxHops) return undefined;
    switch (reference.kind) {
      case "named":
        return namedType(file, reference, hops);
      case "array":
        return { kind: "array", of: typeOf(file, reference.of, hops + 1) };
      case "function":
        return { kind: "function", returns: typeOf(file, reference.returns, hops + 1) };
      case "union": {
        const parts = reference.of.filter(
          (part) => !(part.kind === "keyword" && (part.name === "undefined" || part.name === "null")),
        );
        return parts.length === 1 ? typeOf(file, parts[0], hops + 1) : undefined;
      }
      case "object":
        return { kind: "interface", file, type: reference.type };
      case "keyword":
        return reference.name === "any" || reference.name === "unknown" || reference.name === "object"
          ? undefined
          : { kind: "plain" };
      case "other":
        return undefined;
    }
  }

  function namedType(
    file: FilePath,
    reference: Extract<TypeReference, { kind: "named" }>,
    hops: number,
  ): TypeInfo | undefined {
    const [name = "", ...rest] = reference.path;
    const argument = () => typeOf(file, reference.arguments[0], hops + 1);
    switch (reference.root.kind) {
      case "global": {
        if (rest.length > 0) return undefined;
        if (name === "Promise" || name === "PromiseLike") return { kind: "promise", of: argument() };
        if (name === "Array" || name === "ReadonlyArray") return { kind: "array", of: argument() };
        if (name === "Readonly" || name === "NonNullable" || name === "Required") return argument();
        const model = models.globalType(name);
        return model && { kind: "model", model };
      }
      case "type":
        return rest.length === 0 ? declaredType(file, reference.root.type, hops) : undefined;
      case "variable": {
        const facts = read(file)?.variables[reference.root.variable];
        if (facts?.kind === "import") {
          return targetType(world.importOf(file, reference.root.variable), rest, hops);
        }
        const described = describedAs(file, reference.root.variable);
        if (described !== undefined) {
          const model = models.exportedType(file, [described, ...rest]);
          return model && { kind: "model", model };
        }
        if (facts?.kind === "class" && rest.length === 0) {
          const id = classOfVariable(file, reference.root.variable);
          return id === undefined ? undefined : { kind: "class", class: id };
        }
        return undefined;
      }
    }
  }

  function targetType(
    target: ExportTarget | undefined,
    rest: readonly string[],
    hops: number,
  ): TypeInfo | undefined {
    const [next, ...further] = rest;
    switch (target?.kind) {
      case "external": {
        const model = models.exportedType(target.module, [...target.path, ...rest]);
        return model && { kind: "model", model };
      }
      case "module":
        return next === undefined
          ? undefined
          : targetType(exportOf(target.file, next, hops), further, hops + 1);
      case "type":
        return next === undefined ? declaredType(target.file, target.type, hops) : undefined;
      case "variable": {
        if (next !== undefined) return undefined;
        const id = classOfVariable(target.file, target.variable);
        return id === undefined ? undefined : { kind: "class", class: id };
      }
      case undefined:
        return undefined;
    }
  }

  function declaredType(file: FilePath, type: TypeId, hops: number): TypeInfo | undefined {
    const fact = read(file)?.types[type];
    if (!fact) return undefined;
    const model = models.modules.has(file) ? models.exportedType(file, [fact.name]) : undefined;
    if (model) return { kind: "model", model };
    if (fact.alias) return typeOf(file, fact.alias, hops + 1);
    return { kind: "interface", file, type };
  }

  function classOfVariable(file: FilePath, variable: VariableId): ClassKey | undefined {
    const facts = read(file);
    const name = facts?.variables[variable];
    if (!facts || name?.kind !== "class") return undefined;
    const id = facts.classes.findIndex((one) => one.node === name.node);
    return id < 0 ? undefined : classKey(file, id as never);
  }

  function parentOf(of: ClassKey): ClassKey | "none" | "unknown" {
    // Against circles while this one is being looked up it has no known parent.
    return remembered(classParents, of, () => findParent(of), "unknown");
  }

  function findParent(of: ClassKey): ClassKey | "none" | "unknown" {
    const { file } = parseKey(of);
    const fact = world.class(of);
    const type = typeOf(file, fact?.extends, 0);
    if (type?.kind === "class" && type.class !== of) return type.class;
    return fact?.superclass ? "unknown" : "none";
  }

  function ownMember(of: ClassKey, name: string, isStatic: boolean): ClassMember | undefined {
    watching?.file(parseKey(of).file);
    let known = membersOf.get(of);
    if (!known) {
      known = new Map();
      membersOf.set(of, known);
    }
    const key = isStatic ? `static ${name}` : name;
    if (!known.has(key)) known.set(key, findMember(of, name, isStatic));
    return known.get(key);
  }

  function findMember(of: ClassKey, name: string, isStatic: boolean): ClassMember | undefined {
    const members =
      world.class(of)?.members.filter((one) => one.name === name && one.static === isStatic) ?? [];
    // Overload signatures have no body; a getter says more than its setter.
    return (
      members.find((one) => one.function !== undefined && one.kind !== "setter") ??
      members.find((one) => one.kind !== "setter") ??
      members[0]
    );
  }

  function typeMember(
    file: FilePath,
    type: TypeId,
    name: string,
    hops: number,
  ): { file: FilePath; member: TypeMember } | undefined {
    const fact: TypeFact | undefined = read(file)?.types[type];
    if (!fact || hops > maxHops) return undefined;
    const own = fact.members.find((one) => one.name === name);
    if (own) return { file, member: own };
    for (const parent of fact.extends) {
      const base = typeOf(file, parent, hops + 1);
      if (base?.kind !== "interface") continue;
      const found = typeMember(base.file, base.type, name, hops + 1);
      if (found) return found;
    }
    return undefined;
  }
}

/** `node:timers/promises` and `timers/promises` are one module; `p-queue/dist/index.js` is none that models name. */
export function bareModule(specifier: string): string {
  return specifier.startsWith("node:") ? specifier.slice("node:".length) : specifier;
}

/** The graph of a program: that of the one before, when no file names other modules or has another role. */
function graphOf(
  { resolutions, roleOf }: WorldSource,
  models: ModelIndex,
  factsOf: ReadonlyMap<FilePath, FileFacts>,
  before: ModuleGraph | undefined,
): ModuleGraph {
  const files = new Map([...factsOf].map(([file, facts]) => [file, { facts, role: roleOf(file) }]));
  const of: GraphSource = { models, resolutions, files };
  const isSame =
    before?.of.models === models &&
    before.of.resolutions === resolutions &&
    before.of.files.size === files.size &&
    [...files].every(([file, { facts, role }]) => {
      const known = before.of.files.get(file);
      return known?.role === role && (known.facts === facts || loadsAlike(known.facts, facts));
    });
  if (!before || !isSame)
    return { of, modules: new Map(), imported: new Map(), loaded: new Map(), aside: undefined };
  before.of = of;
  return before;
}

function loadsAlike(a: FileFacts, b: FileFacts): boolean {
  const lists = (one: FileFacts) =>
    [importedModules(one), specifiersIn(one)].map((names) => [...names].join("\n"));
  return lists(a).join("\n\n") === lists(b).join("\n\n");
}

const importedOf = new WeakMap<FileFacts, ReadonlySet<string>>();

/** The modules that a file imports or exports from. */
function importedModules(facts: FileFacts): ReadonlySet<string> {
  const known = importedOf.get(facts);
  if (known) return known;
  const found = new Set([
    ...facts.imports.map(({ specifier }) => specifier),
    ...facts.bareImports,
    ...facts.exports.flatMap((fact) => ("specifier" in fact ? [fact.specifier] : [])),
  ]);
  importedOf.set(facts, found);
  return found;
}

const specifiers = new WeakMap<FileFacts, ReadonlySet<string>>();

/** The modules that a file imports, exports from or requires. */
function specifiersIn(facts: FileFacts): ReadonlySet<string> {
  const known = specifiers.get(facts);
  if (known) return known;
  const found = new Set([...importedModules(facts), ...requiredModules(facts)]);
  specifiers.set(facts, found);
  return found;
}

function requiredModules(facts: FileFacts): string[] {
  return facts.functions.flatMap((one) =>
    one.blocks.flatMap((block) =>
      block.code.flatMap((instruction) =>
        (instruction.op === "require" || instruction.op === "import") && instruction.specifier !== undefined
          ? [instruction.specifier]
          : [],
      ),
    ),
  );
}

export function variableKeyOf(target: Extract<ExportTarget, { kind: "variable" }>): VariableKey {
  return variableKey(target.file, target.variable);
}
