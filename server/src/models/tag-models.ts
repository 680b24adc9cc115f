import { type Field, records, type Shape } from "@unknot/models/format.ts";
import type {
  CreateModel,
  HandleModel,
  Model,
  ModelKind,
  OperationModel,
  TypeModel,
} from "@unknot/models/model.ts";
import type { FileFacts, TagFact, TaggedDeclaration } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { positionOf } from "../program/lines.ts";
import { type Complaint, complaintsAbout, parseJson } from "./json-shape.ts";

// Models that code carries itself: `@unknot acquire handle=fn` above a declaration says what an entry of a model file
// would say. The words are those of the format.

/** Something that is wrong with a tag, by line and column from 1. */
export interface TagProblem {
  readonly file: FilePath;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export interface TagModels {
  readonly models: readonly Model[];
  readonly problems: readonly TagProblem[];
}

/** The models that the tags of files make. `named` gives the modules by which others than the program import a file. */
export function modelsOfTags(
  all: readonly FileFacts[],
  named: (file: FilePath) => readonly string[] = () => [],
): TagModels {
  const models: Model[] = [];
  const problems: TagProblem[] = [];
  for (const facts of all) {
    if (facts.tags.length === 0) continue;
    const made = modelsOfFile(facts, named(facts.path));
    models.push(...made.models);
    for (const { offset, message } of made.complaints) {
      problems.push({ file: facts.path, ...positionOf(facts.lines, offset), message });
    }
  }
  return { models, problems };
}

/** A tag that says what the format allows. */
interface ReadTag {
  readonly on: TaggedDeclaration;
  readonly word: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly offset: number;
}

function modelsOfFile(
  facts: FileFacts,
  modules: readonly string[],
): { readonly models: readonly Model[]; readonly complaints: readonly Complaint[] } {
  const complaints: Complaint[] = [];
  const byModule = new Map<string, ReadTag[]>();
  for (const tag of facts.tags) {
    const read = readTag(tag, complaints);
    if (!read) continue;
    const module = read.on.module ?? "";
    byModule.set(module, [...(byModule.get(module) ?? []), read]);
  }
  const models = [...byModule].map(([module, tags]): Model => {
    const described = describe(tags, complaints);
    return { unknot: 1, modules: module === "" ? [facts.path, ...modules] : [module], ...described };
  });
  return { models, complaints };
}

// --- reading

const kinds = wordsOf(records["type"]?.["kind"]);

function wordsOf(field: Field | undefined): readonly string[] {
  return field?.shape.is === "string" ? (field.shape.values ?? []) : [];
}

/** What a tag may say of a type besides its kind. */
const typeFields: Readonly<Record<string, Field>> = {
  kind: { shape: { is: "string", values: kinds }, about: "", required: true },
  ...pick("type", ["reentrant", "keyed"]),
  ...pick("create", ["capacity"]),
};

/** A function without a receiver is a resource of its own, of a kind and with a capacity. */
const operationFields: Readonly<Record<string, Field>> = {
  ...records["operation"],
  ...pick("create", ["capacity"]),
  kind: { shape: { is: "string", values: kinds }, about: "" },
};

/** Of what an acquire hands out, the form can be told. */
const recordsOfAcquire: typeof records = {
  ...records,
  handle: pick("handle", Object.keys(records["handle"] ?? {})),
};

function pick(record: string, names: readonly string[]): Record<string, Field> {
  const fields = records[record] ?? {};
  return Object.fromEntries(
    names.flatMap((name) => {
      const field = fields[name];
      return field ? [[name, { ...field, required: false }]] : [];
    }),
  );
}

function readTag(tag: TagFact, complaints: Complaint[]): ReadTag | undefined {
  const { on, textStart } = tag;
  const fail = (offset: number, message: string) => {
    complaints.push({ offset, message });
    return undefined;
  };
  if (!on) {
    return fail(
      tag.start,
      "A tag speaks about a class, an interface, a function or a method: put it above one.",
    );
  }
  const [first, ...parts] = [...tag.text.matchAll(/\S+/g)];
  if (!first) return fail(tag.start, "A tag says what it is: '@unknot acquire', '@unknot mutex'.");
  const word = first[0];
  const isType = on.kind === "class" || on.kind === "interface" || kinds.includes(word);
  const known = isType ? typeFields : operationFields;
  const written = jsonOf(isType ? "kind" : "op", word, textStart + first.index, parts, known, textStart);
  const parsed = parseJson(written.text, { comments: false });
  if (!parsed.ok) return fail(textStart, "A tag is a word and fields like 'fn=0'.");
  const wrong = complaintsAbout(
    parsed.root,
    { ...(isAcquire(word) ? recordsOfAcquire : records), tag: known },
    "tag",
    "The tag",
  );
  for (const { offset, message } of wrong) fail(written.source(offset), message);
  if (wrong.length > 0) return undefined;
  const { [isType ? "kind" : "op"]: _, ...fields } = JSON.parse(written.text) as Record<string, unknown>;
  const far = "parameters" in on ? beyond(fields, on.parameters) : undefined;
  if (far !== undefined) {
    return fail(textStart, `'${far}' names an argument that '${on.name}' does not take.`);
  }
  return { on, word, fields, offset: textStart };
}

/** A field that is the index of an argument, and too high. */
function beyond(fields: Readonly<Record<string, unknown>>, parameters: number): string | undefined {
  const indexes = ["fn", "fnArray", "key", "value", "receiver", "callback", "promises"];
  return indexes.find((name) => typeof fields[name] === "number" && (fields[name] as number) >= parameters);
}

interface Written {
  readonly text: string;
  /** Where in the file something of the JSON was written. */
  source(offset: number): number;
}

/** A tag as JSON: `op fn=0 handle=fn handle.double=noop`. */
function jsonOf(
  wordField: string,
  word: string,
  wordAt: number,
  parts: readonly RegExpExecArray[],
  known: Readonly<Record<string, Field>>,
  base: number,
): Written {
  const nested = new Map<string, string[]>([[wordField, [JSON.stringify(word)]]]);
  const places = new Map<string, number>([[wordField, wordAt]]);
  for (const part of parts) {
    const [path = "", ...rest] = part[0].split("=");
    const [name = "", inner] = path.split(".");
    const value = rest.length === 0 ? "true" : rest.join("=");
    const shape = inner === undefined ? known[name]?.shape : fieldOf(known[name]?.shape, inner)?.shape;
    const json = jsonValue(value, shape);
    const content =
      inner !== undefined
        ? `${JSON.stringify(inner)}: ${json}`
        : shape?.is === "record" && shape.name === "handle"
          ? `"form": ${json}`
          : json;
    nested.set(name, [...(nested.get(name) ?? []), content]);
    if (!places.has(name)) places.set(name, base + part.index);
  }
  let text = "{ ";
  const marks: { readonly at: number; readonly source: number }[] = [];
  for (const [index, [name, contents]] of [...nested].entries()) {
    marks.push({ at: text.length, source: places.get(name) ?? base });
    const isRecord = contents.some((content) => /^"\w+": /.test(content));
    const value = isRecord ? `{ ${contents.join(", ")} }` : contents.at(-1);
    text += `${index === 0 ? "" : ", "}${JSON.stringify(name)}: ${value}`;
  }
  return {
    text: `${text} }`,
    source: (offset) => marks.findLast(({ at }) => at <= offset + 2)?.source ?? base,
  };
}

function fieldOf(shape: Shape | undefined, name: string): Field | undefined {
  return shape?.is === "record" ? records[shape.name]?.[name] : undefined;
}

function jsonValue(value: string, shape: Shape | undefined): string {
  switch (shape?.is) {
    case "list":
      return `[${value
        .split(",")
        .map((one) => JSON.stringify(one))
        .join(", ")}]`;
    case "integer":
    case "boolean":
      return /^(?:\d+|true|false)$/.test(value) ? value : JSON.stringify(value);
    case "record":
    case "either": {
      // `arg0`, `arg1.concurrency`: taken from an argument.
      const [, index, prop] = /^arg(\d+)(?:\.(\w+))?$/.exec(value) ?? [];
      if (index !== undefined) {
        return `{ "arg": ${index}${prop === undefined ? "" : `, "prop": ${JSON.stringify(prop)}`} }`;
      }
      return /^\d+$/.test(value) ? value : JSON.stringify(value);
    }
    default:
      return JSON.stringify(value);
  }
}

// --- making

type Described = Pick<Model, "types" | "functions">;

function describe(tags: readonly ReadTag[], complaints: Complaint[]): Described {
  const types: Record<string, TypeModel> = {};
  const functions: Record<string, OperationModel> = {};
  const owners = new Set(
    tags.flatMap(({ on }) =>
      on.kind === "class" || on.kind === "interface" ? [on.name] : "owner" in on ? [on.owner] : [],
    ),
  );
  for (const owner of owners) {
    const type = typeOf(owner, tags, complaints);
    if (type) types[owner] = type;
  }
  for (const tag of tags) {
    if (tag.on.kind !== "function") continue;
    if (kinds.includes(tag.word)) addFactory(types, tag, complaints);
    else addFunction(types, functions, tag, complaints);
  }
  return { types, functions };
}

function typeOf(owner: string, tags: readonly ReadTag[], complaints: Complaint[]): TypeModel | undefined {
  const own = tags.find(({ on }) => (on.kind === "class" || on.kind === "interface") && on.name === owner);
  const ofMembers = tags.filter(({ on }) => "owner" in on && on.owner === owner);
  const inKind = ofMembers.find(({ word }) => kinds.includes(word));
  if (inKind) {
    complaints.push({
      offset: inKind.offset,
      message: `'${inKind.word}' says what a type is: put it above '${owner}', and here what the member does.`,
    });
    return undefined;
  }
  // Where the class has no tag of its own, that of a member may say what it would.
  const said = (field: string) =>
    ofMembers.map(({ fields }) => fields[field]).find((one) => one !== undefined);
  const kind = (own?.word ?? said("kind") ?? kindOf(ofMembers)) as ModelKind;
  const { capacity = said("capacity"), ...rest } = own?.fields ?? {};
  const releasing = ofMembers.filter(({ word }) => word === "release").map(({ on }) => on.name);
  const membersOf = (which: "method" | "static") =>
    Object.fromEntries(
      ofMembers
        .filter(({ on }) => on.kind === which)
        .map((tag) => [tag.on.name, operationOf(tag, releasing)] as const),
    );
  // An interface is known by its name where TypeScript or an annotation tells it; a class also where it is made.
  const create: CreateModel = { new: owner, ...capacityField(kind, capacity) };
  return {
    kind,
    ...(rest as Pick<TypeModel, "reentrant" | "keyed">),
    create: [create],
    members: membersOf("method"),
    statics: membersOf("static"),
  };
}

/** What a class is by what its members do. */
function kindOf(tags: readonly ReadTag[]): ModelKind {
  const has = (...words: readonly string[]) => tags.some(({ word }) => words.includes(word));
  if (has("submit", "map")) return "queue";
  if (has("send", "trySend", "recv", "tryRecv", "range")) return "channel";
  if (has("add", "done")) return "waitgroup";
  if (has("settle", "waitEvent")) return "event";
  return "mutex";
}

function capacityField(kind: ModelKind, capacity: unknown): Pick<CreateModel, "capacity"> {
  if (capacity !== undefined) return { capacity: capacity as NonNullable<CreateModel["capacity"]> };
  return kind === "mutex" ? { capacity: 1 } : {};
}

/** Operations that are over only when their promise settles, where they give one. */
const waiting: ReadonlySet<string> = new Set([
  ...["acquire", "scoped", "use", "shutdown", "send", "recv", "select", "submit", "map", "stop"],
  ...["waitIdle", "waitEvent", "join", "wait", "run", "sleep"],
]);

function operationOf({ on, word, fields }: ReadTag, releasing: readonly string[]): OperationModel {
  const { kind: _, capacity: __, handle: said, ...rest } = fields as Partial<OperationModel> & typeof fields;
  const promise = "promise" in on ? on.promise : "no";
  const awaits = promise === "yes" || (promise === "unknown" && waiting.has(word));
  const handle = handleOf(word, said, releasing);
  const isScoped = word === "scoped" || word === "submit";
  return {
    op: word,
    ...(awaits ? { await: true } : {}),
    ...(isScoped && !("fnArray" in rest) ? { fn: 0 } : {}),
    ...(handle === undefined ? {} : { handle }),
    ...rest,
  } as OperationModel;
}

function isAcquire(word: string): boolean {
  return word === "acquire" || word === "tryAcquire";
}

/** How the right to release is handed out: what a tag says of it, and for the rest what can be told. */
function handleOf(
  word: string,
  said: Partial<HandleModel> | undefined,
  releasing: readonly string[],
): HandleModel | undefined {
  if (said?.form !== undefined) return { ...said, form: said.form };
  const told = isAcquire(word) ? toldHandle(word, said, releasing) : undefined;
  return told && { ...told, ...said };
}

function toldHandle(
  word: string,
  said: Partial<HandleModel> = {},
  releasing: readonly string[],
): HandleModel | undefined {
  // Each of these belongs to one form only.
  if (said.index !== undefined) return { form: "tuple" };
  if (said.param !== undefined) return { form: "callback" };
  const isOwn = said.release?.every((name) => releasing.includes(name)) ?? releasing.length > 0;
  if (isOwn) return { form: "self", release: releasing };
  if (said.release !== undefined) return { form: "object" };
  return word === "acquire" || Object.keys(said).length > 0 ? { form: "fn" } : undefined;
}

/** Operations that need no resource. */
const free: ReadonlySet<string> = new Set(["run", "spawn", "sleep", "join", "settle", "exit", "chain"]);

/** A function that works on an argument, on nothing, or on something that only it knows. */
function addFunction(
  types: Record<string, TypeModel>,
  functions: Record<string, OperationModel>,
  tag: ReadTag,
  complaints: Complaint[],
): void {
  const { on, word, fields } = tag;
  const operation = operationOf(tag, []);
  if (operation.receiver !== undefined || free.has(word)) {
    functions[on.name] = operation;
    return;
  }
  if (word === "release" || word === "done" || word === "close") {
    complaints.push({
      offset: tag.offset,
      message: `'${word}' ends what another function began: name the argument that is the resource ('receiver=0'), or make both members of a class.`,
    });
    return;
  }
  const kind = (fields["kind"] as ModelKind | undefined) ?? kindOf([tag]);
  types[on.name] = {
    kind,
    create: [{ global: on.name, ...capacityField(kind, fields["capacity"]) }],
    call: operation,
    members: {},
  };
}

/** `@unknot queue` above a function that makes one: its result has a type whose members have tags. */
function addFactory(types: Record<string, TypeModel>, tag: ReadTag, complaints: Complaint[]): void {
  const name = "returns" in tag.on ? tag.on.returns?.match(/^[\w$]+/)?.[0] : undefined;
  const type = name !== undefined && Object.hasOwn(types, name) ? types[name] : undefined;
  if (name === undefined || !type) {
    complaints.push({
      offset: tag.offset,
      message: `'${tag.word}' says what a type is: put it above the class or interface that '${tag.on.name}' returns.`,
    });
    return;
  }
  const create: CreateModel = { call: tag.on.name, ...capacityField(type.kind, tag.fields["capacity"]) };
  types[name] = { ...type, create: [...(type.create ?? []), create] };
}
