import type {
  Block,
  BlockId,
  FileFacts,
  FunctionFacts,
  FunctionId,
  Instruction,
  Temp,
  VariableId,
} from "../program/facts.ts";
import type { NodeId } from "../program/ids.ts";
import { successors } from "../program/instructions.ts";
import { isSymbolic, modelTypeOf } from "./call-effects.ts";
import { constructorsOf } from "./calls.ts";
import { inferredScopes } from "./inferred-scopes.ts";
import { keptUnderKey, setsEntries } from "./kept-or-made.ts";
import { leaving, outermost } from "./leaving.ts";
import { isLogging } from "./logging.ts";
import { fieldOf, targetValue } from "./members.ts";
import {
  type ClassKey,
  classKey,
  type FunctionKey,
  functionKey,
  type Location,
  parseKey,
  type VariableKey,
  variableKey,
} from "./places.ts";
import type { AwaitEffect, CallEffect, Semantics } from "./semantics.ts";
import { receiverSymbol } from "./substitute.ts";
import { type FieldKey, type Summary, siteField, type Use } from "./summary.ts";
import { throwsIn } from "./throws.ts";
import { alternatives, isOpenResult, plain, type Site, type Value } from "./values.ts";

/** A name about which TypeScript may know more than syntax does. */
export interface Question {
  readonly node: NodeId;
  readonly name: string;
}

/** Everything that follows from one function's code and the summaries of others. */
export interface Evaluation {
  readonly key: FunctionKey;
  readonly facts: FunctionFacts;
  /** By temp. */
  readonly values: readonly Value[];
  readonly calls: ReadonlyMap<Instruction, CallEffect>;
  readonly awaits: ReadonlyMap<Instruction, AwaitEffect>;
  /** Blocks that can be reached, with what is known of throwing and never-ending calls. */
  readonly reached: readonly boolean[];
  readonly stores: ReadonlyMap<VariableKey, Value>;
  readonly fields: ReadonlyMap<FieldKey, Value>;
  readonly questions: readonly Question[];
  /** Every operation on a resource, its own and those of what it calls. */
  readonly uses: readonly Use[];
  /** What leaves our sight: handed to unknown code, stored where others reach it, returned. */
  readonly escapes: readonly Value[];
  /** What leaves our sight with each exported variable of a module, if others than the program may import it. */
  readonly exported: ReadonlyMap<VariableKey, readonly Value[]>;
  readonly summary: Summary;
}

/** Local values settle after one pass per nesting of loops that carry them. */
const maxPasses = 5;
const maxScopes = 32;
const maxUses = 64;
const maxEscapes = 48;

/** Evaluates one function with what is known of the others by now. */
export function evaluate(s: Semantics, key: FunctionKey, facts: FunctionFacts): Evaluation {
  const state = new FunctionState(s, key, facts);
  for (let pass = 0; pass < maxPasses; pass += 1) if (!state.pass()) break;
  return state.finish();
}

class FunctionState {
  readonly #s: Semantics;
  readonly #key: FunctionKey;
  readonly #file: string;
  readonly #inFile: FileFacts | undefined;
  readonly #id: FunctionId;
  readonly #facts: FunctionFacts;
  readonly #temps: Value[];
  readonly #mergeTemps: ReadonlySet<Temp>;
  readonly #locals = new Map<VariableId, Value>();
  readonly #calls = new Map<Instruction, CallEffect>();
  readonly #awaits = new Map<Instruction, AwaitEffect>();
  readonly #questions = new Map<NodeId, Question>();
  readonly #fields = new Map<FieldKey, Value>();
  readonly #escapes = new Map<number, Value>();
  readonly #uses: Use[] = [];
  /** Variables and temps that were read in this pass; a later change of one means another pass. */
  readonly #loaded = new Set<VariableId>();
  readonly #merged = new Set<Temp>();
  readonly #setsEntries: boolean;
  #changed = false;

  constructor(s: Semantics, key: FunctionKey, facts: FunctionFacts) {
    this.#s = s;
    this.#key = key;
    const { file, id } = parseKey(key);
    this.#file = file;
    this.#inFile = s.world.facts(file);
    this.#id = id as FunctionId;
    this.#facts = facts;
    this.#temps = new Array<Value>(facts.temps).fill(s.values.nothing);
    this.#mergeTemps = mergeTemps(facts);
    this.#setsEntries = setsEntries(s, key);
  }

  /** Goes through the code once; true when something became known that an earlier instruction may read. */
  pass(): boolean {
    this.#changed = false;
    this.#questions.clear();
    this.#fields.clear();
    this.#escapes.clear();
    this.#uses.length = 0;
    this.#loaded.clear();
    this.#merged.clear();
    for (const block of this.#facts.blocks) for (const instruction of block.code) this.#step(instruction);
    return this.#changed;
  }

  #read(temp: Temp): Value {
    if (this.#mergeTemps.has(temp)) this.#merged.add(temp);
    return this.#temps[temp] ?? this.#s.values.nothing;
  }

  #write(temp: Temp, value: Value): void {
    this.#temps[temp] = value;
  }

  #site(at: Instruction): Site {
    return this.#s.values.siteOf(at, this.#key, () => ({ file: this.#file, start: at.start, end: at.end }));
  }

  #location(at: Instruction): Location {
    const [location] = this.#site(at).path;
    if (!location) throw new Error("a site has a place");
    return location;
  }

  #step(i: Instruction): void {
    if (i.op === "move") this.#move(i.to, this.#read(i.from));
    else if (i.op === "next") this.#next(i);
    else {
      const value = this.#value(i);
      if (value && "to" in i) this.#write(i.to, value);
    }
  }

  /** The value of an instruction; undefined when it has none. */
  #value(i: Exclude<Instruction, { op: "move" | "next" }>): Value | undefined {
    const s = this.#s;
    const { values, world } = s;
    switch (i.op) {
      case "constant":
        return values.constantInCode(i.constant);
      case "this":
        return this.#receiver();
      case "super":
        return this.#superReceiver();
      case "parameter":
        if (i.rest) return values.unknown;
        return i.index < 2 && world.isExecutor(this.#key)
          ? values.settler
          : values.parameter(this.#key, i.index);
      case "load": {
        const value = this.#variable(i.variable);
        return (this.#setsEntries && keptUnderKey(s, value)) || value;
      }
      case "store":
        this.#store(i.variable, this.#read(i.from));
        return undefined;
      case "global":
        return values.global([i.name]);
      case "store-global":
        this.#escape(this.#read(i.from));
        return undefined;
      case "get": {
        const object = this.#read(i.object);
        const answer = s.reader.answer(this.#file, i.node);
        const value = s.member(object, i.name, answer);
        if (answer === undefined && this.#mayAsk(object)) {
          this.#questions.set(i.node, { node: i.node, name: i.name });
        }
        return value;
      }
      case "set":
        this.#set(this.#read(i.object), i.name, this.#read(i.from));
        return undefined;
      case "get-element":
        return this.#element(this.#read(i.object), this.#read(i.key));
      case "set-element":
        this.#escape(this.#read(i.from));
        return undefined;
      case "call":
      case "new": {
        const effect = s.call({
          callee: this.#read(i.callee),
          ...(i.op === "call" && i.receiver !== undefined ? { receiver: this.#read(i.receiver) } : {}),
          arguments: i.arguments.map((argument) => this.#read(argument)),
          ...(i.spread[0] === undefined ? {} : { spreadFrom: i.spread[0] }),
          isNew: i.op === "new",
          site: this.#site(i),
          at: this.#location(i),
        });
        this.#applyEffect(i, this.#onlyLogs(i, effect) ? { ...effect, throws: false } : effect);
        return effect.result;
      }
      case "super-call":
        return this.#superCall(i);
      case "await": {
        const { value, waits, rejects } = s.awaited(this.#read(i.from), this.#site(i));
        this.#awaits.set(i, { waits, rejects });
        return value;
      }
      case "closure":
        return values.function(functionKey(this.#file, i.function));
      case "class":
        return values.class(classKey(this.#file, i.class));
      case "namespace":
        return values.namespace(functionKey(this.#file, i.function));
      case "object": {
        const properties = new Map<string, Value>();
        for (const part of i.parts) {
          const value = this.#read(part.value);
          if (part.kind === "property") properties.set(part.name, value);
          else if (part.kind === "computed") this.#escape(value);
          else if (part.kind === "spread" && value.kind === "fresh" && value.made.type === "object") {
            for (const [name, inner] of value.made.properties) properties.set(name, inner);
          }
        }
        return values.fresh(this.#site(i), { type: "object", properties });
      }
      case "array": {
        const known = i.spread[0] ?? i.elements.length;
        const elements = i.elements
          .slice(0, known)
          .map((element) => (element === null ? values.undefined : this.#read(element)));
        for (const index of i.spread) {
          const element = i.elements[index];
          if (element !== null && element !== undefined) this.#escape(this.#read(element));
        }
        return values.fresh(this.#site(i), { type: "array", elements });
      }
      case "template":
        return this.#template(i.parts.map((part) => this.#read(part)));
      case "iterate": {
        const source = this.#read(i.from);
        if (i.over !== "keys") this.#iterate(i, source);
        return source;
      }
      case "spread":
        return this.#read(i.from);
      case "require":
        return targetValue(s, world.moduleOf(this.#file, i.specifier));
      case "import": {
        const module =
          i.specifier === undefined
            ? values.unknown
            : targetValue(s, world.moduleOf(this.#file, i.specifier));
        return values.promise(module, values.noWaits, true);
      }
      case "jsx":
        for (const { value } of i.attributes) this.#escape(this.#read(value));
        for (const child of i.children) this.#escape(this.#read(child));
        return values.unknown;
      case "opaque":
        for (const from of i.from) this.#escape(this.#read(from));
        return values.unknown;
      case "yield":
        if (i.from !== undefined) this.#escape(this.#read(i.from));
        return values.unknown;
      case "meta":
      case "unary":
      case "binary":
      case "rest":
      case "caught":
        return values.unknown;
      case "close-iterator":
      case "dispose":
        return undefined;
    }
  }

  // --- names

  #variable(id: VariableId): Value {
    const { values, world, reader } = this.#s;
    const fact = this.#inFile?.variables[id];
    if (!fact) return values.unknown;
    const key = variableKey(this.#file, id);
    if (fact.kind === "import") return targetValue(this.#s, world.importOf(this.#file, id));
    const described = world.describedAs(this.#file, id);
    if (described !== undefined) return values.external(this.#file, [described]);
    if (world.isAmbient(key)) return values.variable(key);
    const own = fact.function === this.#id;
    this.#loaded.add(id);
    const local = this.#locals.get(id) ?? values.nothing;
    // A variable that closures assign has more values than this function gives it.
    if (own && !(fact.captured && fact.assignments > 0)) return local;
    return values.join(local, reader.variable(key));
  }

  #store(id: VariableId, value: Value): void {
    const { values, world } = this.#s;
    const fact = this.#inFile?.variables[id];
    const type =
      fact?.type && this.#s.typeOf(value) === undefined ? world.typeOf(this.#file, fact.type) : undefined;
    const stored = type?.kind === "class" || type?.kind === "model" ? values.typed(value, type) : value;
    const before = this.#locals.get(id) ?? values.nothing;
    const after = values.join(before, stored);
    if (after === before) return;
    this.#locals.set(id, after);
    if (this.#loaded.has(id)) this.#changed = true;
  }

  #move(to: Temp, value: Value): void {
    const before = this.#temps[to] ?? this.#s.values.nothing;
    const after = this.#s.values.join(before, value);
    if (after === before) return;
    this.#write(to, after);
    // Blocks stand in order: only what a loop carries back was read before it was written.
    if (this.#merged.has(to)) this.#changed = true;
  }

  #receiver(): Value {
    const { values, world } = this.#s;
    const owner = world.thisOwner(this.#key);
    const facts = world.function(owner);
    if (facts?.kind === "module" || facts?.kind === "namespace") return values.unknown;
    const of = receiverSymbol(this.#s, this.#key);
    return facts?.class !== undefined && facts.static
      ? values.class(classKey(this.#file, facts.class))
      : values.receiver(of);
  }

  /** `this`, with the members of the superclass. */
  #superReceiver(): Value {
    const { values, world } = this.#s;
    const receiver = this.#receiver();
    const own = receiver.kind === "receiver" ? world.class(receiver.of as ClassKey) : undefined;
    if (receiver.kind !== "receiver" || !own) return values.unknown;
    const parent = world.superclass(receiver.of as ClassKey);
    if (parent) return values.typed(receiver, { kind: "class", class: parent });
    const model = world.modelBase(receiver.of as ClassKey);
    return model ? values.typed(receiver, { kind: "model", model }) : values.unknown;
  }

  #superCall(i: Extract<Instruction, { op: "super-call" }>): Value {
    const { values, world } = this.#s;
    const receiver = this.#receiver();
    const parent = receiver.kind === "receiver" ? world.superclass(receiver.of as ClassKey) : undefined;
    const given = i.arguments.map((argument) => this.#read(argument));
    if (!parent) for (const value of given) this.#escape(value);
    for (const key of parent ? constructorsOf(world, parent) : []) {
      const effect = this.#s.call({
        callee: values.function(key),
        receiver,
        arguments: given,
        ...(i.spread[0] === undefined ? {} : { spreadFrom: i.spread[0] }),
        isNew: false,
        site: this.#site(i),
        at: this.#location(i),
      });
      this.#applyEffect(i, effect);
    }
    return receiver;
  }

  // --- objects

  /** Whether TypeScript could know whose member it is when names alone do not say. */
  #mayAsk(object: Value): boolean {
    switch (object.kind) {
      case "unknown":
      case "fresh":
      case "parameter":
      case "receiver":
      case "member":
      case "variable":
      case "union":
        return this.#s.typeOf(object) === undefined;
      case "promise":
        return false;
      default:
        return false;
    }
  }

  #set(object: Value, name: string, value: Value): void {
    const { values } = this.#s;
    for (const part of alternatives(object)) {
      const key = this.#fieldKey(part, name);
      if (key) this.#fields.set(key, values.join(this.#fields.get(key) ?? values.nothing, value));
    }
    // What a field holds others can reach; what a fresh object holds goes where the object goes.
    if (!(object.kind === "fresh" && object.made.type === "object")) this.#escape(value);
  }

  #fieldKey(object: Value, name: string): FieldKey | undefined {
    if (object.kind === "class") return fieldOf(this.#s, object.class, name, true);
    if (object.kind === "fresh" && object.made.type === "object") return siteField(object.site.id, name);
    const type = this.#s.typeOf(object);
    return type?.kind === "class" ? fieldOf(this.#s, type.class, name, false) : undefined;
  }

  #element(object: Value, key: Value): Value {
    const { values } = this.#s;
    if (key.kind === "constant" && (key.constant.type === "string" || key.constant.type === "number")) {
      return this.#s.member(object, String(key.constant.value));
    }
    if (object.kind === "nothing") return values.nothing;
    // `locks[name] ??= new Mutex()`: a list of locks by name, as a `Map` is.
    const entry = this.#setsEntries && this.#isList(object) ? values.entry(plain(object), key) : undefined;
    return entry ?? values.unknown;
  }

  /** An object that was made empty: its properties are put in by key. */
  #isList(object: Value): boolean {
    const real = plain(object);
    const owner = real.kind === "member" ? this.#s.typeOf(real.of) : undefined;
    const content =
      real.kind === "member" && owner?.kind === "class"
        ? plain(this.#s.reader.field(fieldOf(this.#s, owner.class, real.name, real.of.kind === "class")))
        : real;
    return content.kind === "fresh" && content.made.type === "object" && content.made.properties.size === 0;
  }

  #template(parts: readonly Value[]): Value {
    const { values } = this.#s;
    const texts = parts.map((part) =>
      part.kind === "constant" && "value" in part.constant ? String(part.constant.value) : undefined,
    );
    return texts.every((text) => text !== undefined)
      ? values.constant({ type: "string", value: texts.join("") })
      : values.unknown;
  }

  // --- loops over channels and lists

  #iterate(i: Extract<Instruction, { op: "iterate" }>, source: Value): void {
    const member = i.over === "async" ? "[Symbol.asyncIterator]" : "[Symbol.iterator]";
    for (const part of alternatives(source)) {
      const model = modelTypeOf(this.#s, part);
      if (!model?.members.has(member)) continue;
      this.#uses.push({ model, operation: member, resource: plain(part), at: this.#location(i), via: [] });
    }
  }

  #next(i: Extract<Instruction, { op: "next" }>): void {
    const { values } = this.#s;
    const source = this.#read(i.iterator);
    this.#write(i.done, values.unknown);
    if (i.over === "async") {
      const model = modelTypeOf(this.#s, source);
      const member = "[Symbol.asyncIterator]";
      const waits = model?.members.has(member)
        ? values.waits([
            values.operationWait({
              model,
              operation: member,
              resource: plain(source),
              at: this.#location(i),
              via: [],
            }),
          ])
        : values.noWaits;
      this.#awaits.set(i, { waits, rejects: true });
    }
    if (source.kind === "fresh" && source.made.type === "array" && source.made.elements.length > 0) {
      const joined = source.made.elements.reduce<Value>((a, b) => values.join(a, b), values.nothing);
      const awaited = i.over === "async" ? this.#s.awaited(joined, this.#site(i)) : undefined;
      if (awaited) this.#awaits.set(i, awaited);
      this.#write(i.to, awaited?.value ?? joined);
      return;
    }
    this.#write(i.to, source.kind === "nothing" ? source : values.fresh(this.#site(i), { type: "result" }));
  }

  // --- effects

  /** A call of code that we do not see which writes to a log. */
  #onlyLogs(i: Instruction, { throws, targets }: CallEffect): boolean {
    const file = this.#inFile;
    return (
      throws &&
      i.op === "call" &&
      targets.every(({ kind }) => kind === "unknown" || kind === "symbolic") &&
      file !== undefined &&
      isLogging(file, this.#facts, i)
    );
  }

  #applyEffect(i: Instruction, effect: CallEffect): void {
    this.#calls.set(i, effect);
    for (const value of effect.escapes) this.#escape(value);
    this.#uses.push(...effect.uses);
  }

  #escape(value: Value): void {
    for (const one of leaving(value)) this.#escapes.set(one.id, one);
  }

  // --- the whole

  finish(): Evaluation {
    const { values } = this.#s;
    const facts = this.#facts;
    const reached = this.#reach();
    let returns: Value = values.nothing;
    let waits = values.noWaits;
    let leaves = false;
    let ends = false;
    for (const [index, block] of facts.blocks.entries()) {
      if (!reached.blocks[index]) continue;
      if (block.handler === undefined && this.#throws(block)) leaves = true;
      for (const instruction of block.code) {
        const effect = this.#awaits.get(instruction);
        if (effect) waits = values.bothWaits(waits, effect.waits);
      }
      if (block.end.kind !== "return" || !reached.ends[index]) continue;
      ends = true;
      const value = block.end.value === undefined ? values.undefined : this.#read(block.end.value);
      returns = values.join(returns, value);
      this.#escape(value);
    }
    // The promise of an async function takes over the promise that it returns.
    let rejects = leaves;
    if (facts.async && !facts.generator && returns.kind !== "nothing") {
      const site = values.site(this.#key, [{ file: this.#file, start: facts.start, end: facts.end }]);
      const isKnown =
        returns.kind === "promise" ||
        returns.kind === "union" ||
        (returns.kind === "fresh" && returns.made.type === "query");
      const inner = isKnown ? this.#s.awaited(returns, site) : undefined;
      if (inner) {
        returns = inner.value;
        waits = values.bothWaits(waits, inner.waits);
        rejects ||= inner.rejects;
      } else if (this.#mayBePromise(returns)) rejects = true;
    }
    const stores = new Map<VariableKey, Value>();
    const exported = new Map<VariableKey, readonly Value[]>();
    for (const [id, value] of this.#locals) {
      const fact = this.#inFile?.variables[id];
      if (!fact) continue;
      if (fact.captured || fact.exported || fact.kind === "export" || fact.function !== this.#id) {
        stores.set(variableKey(this.#file, id), value);
      }
      if (fact.function === 0 && (fact.exported || fact.kind === "export")) {
        exported.set(variableKey(this.#file, id), leaving(value));
      }
    }
    const scopes = [
      ...[...this.#calls.values()].flatMap((effect) => effect.scopes),
      ...inferredScopes({
        key: this.#key,
        facts,
        values: this.#temps,
        calls: this.#calls,
        awaits: this.#awaits,
        isCaptured: (id) => this.#inFile?.variables[id]?.captured ?? true,
      }),
    ];
    const imprecise = facts.imprecise !== undefined;
    return {
      key: this.#key,
      facts,
      values: this.#temps,
      calls: this.#calls,
      awaits: this.#awaits,
      reached: reached.blocks,
      stores,
      fields: this.#fields,
      questions: [...this.#questions.values()],
      uses: this.#uses,
      escapes: [...this.#escapes.values()],
      exported,
      summary: {
        returns: imprecise ? values.unknown : returns,
        waits: facts.generator || imprecise ? values.noWaits : waits,
        throws: facts.async || facts.generator ? false : leaves,
        rejects,
        ends: ends || leaves || imprecise,
        scopes: nearest(
          scopes.filter((scope) => mentionsCaller(scope.callee) || mentionsCaller(scope.resource)),
          maxScopes,
        ),
        uses: nearest(
          this.#uses.filter((use) => mentionsCaller(use.resource)),
          maxUses,
        ),
        escapes: outermost([...this.#escapes.values()].filter(isSymbolic)).slice(0, maxEscapes),
      },
    };
  }

  #mayBePromise(value: Value): boolean {
    switch (value.kind) {
      case "unknown":
        return true;
      case "fresh":
        return isOpenResult(value);
      case "parameter":
      case "member":
      case "receiver": {
        const type = this.#s.typeOf(value);
        return type === undefined || type.kind === "promise";
      }
      default:
        return false;
    }
  }

  /** Which blocks run, and which of them get to their end. */
  #reach(): { readonly blocks: readonly boolean[]; readonly ends: readonly boolean[] } {
    const { blocks } = this.#facts;
    const seen = new Array<boolean>(blocks.length).fill(false);
    const ends = new Array<boolean>(blocks.length).fill(false);
    const open: BlockId[] = [0 as BlockId];
    seen[0] = true;
    const visit = (to: BlockId) => {
      if (seen[to]) return;
      seen[to] = true;
      open.push(to);
    };
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      const block = blocks[id];
      if (!block) continue;
      if (block.handler !== undefined && this.#throws(block)) visit(block.handler);
      if (block.code.some((instruction) => this.#calls.get(instruction)?.ends === false)) continue;
      ends[id] = true;
      for (const to of successors(block.end)) visit(to);
    }
    return { blocks: seen, ends };
  }

  #throws(block: Block): boolean {
    return block.end.kind === "throw" || block.code.some((instruction) => this.#mayThrow(block, instruction));
  }

  #mayThrow(block: Block, instruction: Instruction): boolean {
    return throwsIn(block, instruction, this.#calls, this.#awaits);
  }
}

const mergeTempsOf = new WeakMap<FunctionFacts, ReadonlySet<Temp>>();

/** The temps that several instructions write. */
function mergeTemps(facts: FunctionFacts): ReadonlySet<Temp> {
  const known = mergeTempsOf.get(facts);
  if (known) return known;
  const found = new Set<Temp>();
  for (const block of facts.blocks) for (const i of block.code) if (i.op === "move") found.add(i.to);
  mergeTempsOf.set(facts, found);
  return found;
}

/**
 * Of too many the ones with the fewest calls between: what a recursive function adds in one round must not push out what
 * it added in the round before, or it never settles.
 */
function nearest<One extends { readonly via: readonly Location[] }>(
  list: readonly One[],
  most: number,
): One[] {
  if (list.length <= most) return [...list];
  return list.toSorted((a, b) => a.via.length - b.via.length).slice(0, most);
}

/** A parameter, `this`, or something reached from one: a caller knows more. */
function mentionsCaller(value: Value): boolean {
  switch (value.kind) {
    case "union":
      return value.of.some(mentionsCaller);
    case "function":
      return value.bound.some((binding) => binding.arguments.some(mentionsCaller));
    case "fresh":
      return value.made.type === "handle" && mentionsCaller(value.made.resource);
    default:
      return isSymbolic(value);
  }
}
