import type { OperationModel } from "@unknot/models/model.ts";
import type {
  Block,
  BlockId,
  FunctionFacts,
  FunctionId,
  Instruction,
  Range,
  Temp,
  VariableId,
} from "../program/facts.ts";
import { operands } from "../program/instructions.ts";
import { type Birth, isOrigin, type Place } from "./births.ts";
import { assigned, knownBefore, knownOf, placeOfTest, tested } from "./conditions.ts";
import type { Evaluation } from "./evaluate.ts";
import {
  decide,
  type Known,
  Path,
  type PathStep,
  type State,
  stateKey,
  tempPlace,
  variableKeyText,
  variablePlace,
} from "./explored-path.ts";
import { capturesIn, usesIn } from "./flow.ts";
import { opOf } from "./model-index.ts";
import { type FunctionKey, parseKey } from "./places.ts";
import type { CallEffect, Target } from "./semantics.ts";
import type { Solution } from "./solve.ts";
import type { Use } from "./summary.ts";
import { throwsIn } from "./throws.ts";
import { alternatives, plain, rootOf, type Value } from "./values.ts";

// Follows one obligation - a lock that has to be given back - from where it arises along every path of its function.
// A path knows which variables hold the right to release, and what the conditions passed so far say about others.

export interface Leak {
  readonly how: "normal" | "exception";
  /** The statement or call at which the function is left. */
  readonly at: Range;
  readonly instruction?: Instruction;
  readonly path: readonly PathStep[];
}

export interface Exploration {
  readonly leaks: readonly Leak[];
  /** Instructions that run while the lock is held, on some path. */
  readonly held: ReadonlySet<Instruction>;
  /** Where it is released, in the order found; more than once where paths know different things. */
  readonly releases: readonly Release[];
  /** Where a generator pauses while it is held. */
  readonly pauses: readonly Pause[];
  /** It is awaited, or there was nothing to await. */
  readonly taken: boolean;
  /** Where the resource is released although nothing has waited for it to be acquired. */
  readonly early: readonly Instruction[];
  /** What is returned while it is held. */
  readonly returned: readonly Temp[];
  /** It was given a callback or listener, and may live on in that. */
  readonly listens: boolean;
  /** Ownership may have gone elsewhere, or there were too many paths: nothing can be said about leaks. */
  readonly lost: boolean;
}

/** The end of a hold on one path. */
export interface Release {
  readonly instruction: Instruction;
  /** This function does it itself, and not something that it calls. */
  readonly direct: boolean;
  readonly path: readonly PathStep[];
  /** Where the path goes on, and what is known there. */
  readonly state: State;
  readonly next: number;
}

/** A `yield` on one path. Whoever iterates may stop there: `state` is where the generator goes on then. */
export interface Pause {
  readonly at: Range;
  readonly path: readonly PathStep[];
  readonly state: State;
  readonly next: number;
}

/** More paths than this, and we say nothing. */
const maxStates = 1_500;
const maxDepth = 4;

/** Members of an emitter, which a client is: they do not throw. */
const addsListener: ReadonlySet<string> = new Set(["on", "once", "addListener"]);
const subscribes: ReadonlySet<string> = new Set(["subscribe", "pSubscribe", "sSubscribe"]);
const removesListener: ReadonlySet<string> = new Set(["off", "removeListener", "removeAllListeners"]);

/** What happens to a handle that a function is given. */
/** Tests in a row that are looked through for a release. */
const maxTests = 3;

type Fate = "released" | "kept" | "lost";

/** Explores all paths from a birth. */
export function explore(solution: Solution, evaluation: Evaluation, birth: Birth): Exploration {
  const explorer = new Explorer(solution, evaluation, birth, 0, new Set());
  for (const [index, block] of evaluation.facts.blocks.entries()) {
    const position = block.code.indexOf(birth.instruction);
    if (position < 0 || !evaluation.reached[index]) continue;
    const places = new Map([[tempPlace(birth.instruction.to), birth.place]]);
    const known = knownBefore(evaluation.facts, index as BlockId, position);
    explorer.start(index as BlockId, position + 1, places, !birth.place.promise, known);
  }
  explorer.run();
  return explorer.result();
}

/** What would happen to the hold if a release had not been there: whether there is another one behind it. */
export function exploreBehind(
  solution: Solution,
  evaluation: Evaluation,
  birth: Birth,
  { state, next }: Pick<Release, "state" | "next">,
): Exploration {
  const explorer = new Explorer(solution, evaluation, birth, 0, new Set());
  explorer.resume(state, next);
  explorer.run();
  return explorer.result();
}

class Explorer {
  readonly #solution: Solution;
  readonly #evaluation: Evaluation;
  readonly #facts: FunctionFacts;
  readonly #birth: Birth;
  readonly #resource: Value;
  readonly #depth: number;
  readonly #busy: Set<string>;
  readonly #open: { readonly state: State; readonly from: number }[] = [];
  readonly #seen = new Set<string>();
  readonly #leaks: Leak[] = [];
  readonly #held = new Set<Instruction>();
  readonly #releases = new Map<string, Release>();
  readonly #pauses = new Map<string, Pause>();
  readonly #early = new Set<Instruction>();
  readonly #returned = new Set<Temp>();
  #taken = false;
  #listens = false;
  #lost = false;
  #states = 0;

  constructor(
    solution: Solution,
    evaluation: Evaluation,
    birth: Birth,
    depth: number,
    busy: Set<string>,
    resource: Value = birth.handle.made.resource,
  ) {
    this.#solution = solution;
    this.#evaluation = evaluation;
    this.#facts = evaluation.facts;
    this.#birth = birth;
    this.#resource = plain(resource);
    this.#depth = depth;
    this.#busy = busy;
  }

  start(
    block: BlockId,
    from: number,
    places: ReadonlyMap<string, Place>,
    held: boolean,
    known: ReadonlyMap<string, Known> = new Map(),
  ): void {
    const state: State = { block, held, foreign: false, places, known, from: undefined, step: undefined };
    this.resume(state, from);
  }

  resume(state: State, from: number): void {
    if (state.held) this.#taken = true;
    this.#open.push({ state, from });
  }

  run(): void {
    for (let next = this.#open.pop(); next; next = this.#open.pop()) {
      this.#states += 1;
      if (this.#states > maxStates) {
        this.#lost = true;
        return;
      }
      this.#block(next.state, next.from);
    }
  }

  result(): Exploration {
    return {
      leaks: this.#leaks,
      held: this.#held,
      releases: [...this.#releases.values()],
      pauses: [...this.#pauses.values()],
      taken: this.#taken,
      early: [...this.#early],
      returned: [...this.#returned],
      listens: this.#listens,
      lost: this.#lost,
    };
  }

  /** What a callee does with a handle: releases it on every normal path, leaves it alone, or something else. */
  fate(): Fate {
    if (this.#lost) return "lost";
    const normal = this.#leaks.some((leak) => leak.how === "normal");
    if (!normal) return "released";
    return this.#releases.size === 0 ? "kept" : "lost";
  }

  #block(state: State, from: number): void {
    const block = this.#facts.blocks[state.block];
    if (!block) return;
    const path = new Path(state);
    for (const instruction of block.code.slice(from)) {
      // Fields stay what they were: `if (this.lock) await this.lock.acquire(); … if (this.lock) this.lock.release()`.
      path.relearn(assigned(this.#facts, path.known, instruction));
      if (!this.#step(path, block, instruction)) return;
    }
    this.#end(path, block);
  }

  /** False when the path ends here: released, handed over, or never coming back. */
  #step(path: Path, block: Block, i: Instruction): boolean {
    if (isOrigin(this.#evaluation, this.#resource, i)) path.foreign = true;
    if (path.held && !path.foreign) this.#held.add(i);
    // Taken again in a loop: the new hold is followed from the first birth on.
    if (i === this.#birth.instruction) return false;
    const effect = this.#evaluation.calls.get(i);
    if (effect) {
      const fate = this.#callFate(path, i, effect);
      if (fate === "released") return this.#release(path, block, i);
      if (fate === "lost") {
        this.#lend(path, block, i, effect);
        return this.#lose();
      }
    }
    const mayThrow = throwsIn(block, i, this.#evaluation.calls, this.#evaluation.awaits);
    if (path.held && mayThrow && !this.#listensHere(path, i)) {
      this.#throw(path, block, i);
    }
    if (effect && !effect.ends) return false;
    return this.#flow(path, block, i);
  }

  /** `await work(client)`: who gives it back afterwards has it while the callback runs. */
  #lend(path: Path, block: Block, i: Instruction, { targets }: CallEffect): void {
    if (i.op !== "call" || !path.held || path.foreign || this.#depth > 0) return;
    if (!targets.every((target) => target.kind === "symbolic")) return;
    const behind = new Explorer(this.#solution, this.#evaluation, this.#birth, this.#depth + 1, this.#busy);
    const id = this.#facts.blocks.indexOf(block) as BlockId;
    behind.resume(path.state(id, undefined), block.code.indexOf(i) + 1);
    behind.run();
    if (behind.result().releases.length === 0) return;
    for (const reader of usesIn(this.#facts).readers(i.to)) if (reader.op === "await") this.#held.add(reader);
  }

  #release(path: Path, block: Block, i: Instruction): false {
    const state: State = path.state(this.#facts.blocks.indexOf(block) as BlockId, {
      at: i,
      what: "released",
    });
    const direct = i.op === "dispose" || (i.op === "call" && this.#isDirect(path, i));
    const next = block.code.indexOf(i) + 1;
    const key = `${next} ${stateKey(state)}`;
    if (this.#releases.has(key)) return false;
    this.#releases.set(key, { instruction: i, direct, path: path.steps(), state, next });
    return false;
  }

  #isDirect(path: Path, call: Extract<Instruction, { op: "call" }>): boolean {
    const targets = this.#evaluation.calls.get(call)?.targets ?? [];
    return (
      this.#isHandleCall(path, call) ||
      targets.every((target) => this.#releasesResource(target) || this.#isGivenBack(path, call, target))
    );
  }

  /** Where the handle goes in an instruction that is no call. */
  #flow(path: Path, block: Block, i: Instruction): boolean {
    switch (i.op) {
      case "load": {
        const place = path.places.get(variablePlace(i.variable));
        path.set(tempPlace(i.to), place);
        return true;
      }
      case "store":
        return this.#store(path, i);
      case "move":
        path.set(tempPlace(i.to), path.places.get(tempPlace(i.from)));
        return true;
      case "await": {
        const place = path.places.get(tempPlace(i.from));
        if (place?.promiseIn !== undefined) return this.#lose();
        if (place?.promise) {
          path.held = true;
          this.#taken = true;
          path.set(tempPlace(i.to), { promise: false, path: place.path });
          // The promise itself gives nothing more.
          path.set(tempPlace(i.from), undefined);
        } else path.set(tempPlace(i.to), place);
        return true;
      }
      case "get": {
        const place = path.places.get(tempPlace(i.object));
        if (!place) return true;
        if (place.promise) {
          if (place.promiseIn !== i.name) return this.#lose();
          path.set(tempPlace(i.to), { promise: true, path: place.path });
          return true;
        }
        const [next, ...rest] = place.path;
        if (next === i.name) path.set(tempPlace(i.to), { promise: false, path: rest });
        else if (next === undefined && this.#isRelease(i.name)) {
          // `const { release } = client`: from here on it has two names.
          if (!this.#isOnlyCallee(i.to)) return this.#lose();
          path.set(tempPlace(i.to), place);
        }
        return true;
      }
      case "object": {
        for (const part of i.parts) {
          const place = path.places.get(tempPlace(part.value));
          if (!place) continue;
          if (part.kind !== "property" || place.promise) return this.#lose();
          path.set(tempPlace(i.to), { promise: false, path: [part.name, ...place.path] });
        }
        return !i.parts.some((part) => this.#carries(path, part.value)) || this.#lose();
      }
      case "set":
      case "set-element": {
        // A property of the client is set, which it stays one with; but not the one by which it is released.
        const place = path.places.get(tempPlace(i.object));
        const isOwn = place && !place.promise && place.path.length === 0 && i.op === "set";
        const stays = isOwn && !this.#isRelease(i.name);
        const touched = operands(i).filter((temp) => !(stays && temp === i.object));
        return (
          !touched.some((temp) => path.places.has(tempPlace(temp)) || this.#carries(path, temp)) ||
          this.#lose()
        );
      }
      case "dispose":
        return !path.places.has(tempPlace(i.from)) || this.#release(path, block, i);
      case "unary":
      case "binary":
      case "closure":
      case "constant":
      case "call":
      case "new":
      case "super-call":
        return true;
      default:
        // Everything else that touches the handle takes it out of our sight.
        for (const temp of operands(i)) {
          if (path.places.has(tempPlace(temp)) || this.#carries(path, temp)) return this.#lose();
        }
        return true;
    }
  }

  #isOnlyCallee(temp: Temp): boolean {
    return usesIn(this.#facts)
      .readers(temp)
      .every((reader) => reader.op === "call" && reader.callee === temp && !reader.arguments.includes(temp));
  }

  #store(path: Path, i: Extract<Instruction, { op: "store" }>): boolean {
    const file = this.#solution.semantics.world.facts(parseKey(this.#evaluation.key).file);
    const variable = file?.variables[i.variable];
    const place = path.places.get(tempPlace(i.from));
    const name = variablePlace(i.variable);
    if (place) {
      if (variable?.function !== parseKey(this.#evaluation.key).id) return this.#lose();
      // A closure that is already out of sight may release it.
      if (variable.captured && this.#capturedElsewhere(i.variable)) return this.#lose();
      path.set(name, place);
      if (!place.promise) path.know(variableKeyText(i.variable), "truthy");
      return true;
    }
    // `lock = await lock.extend()`: the right to release goes over to what comes out.
    if (this.#isThing() && path.places.has(name) && this.#comesOutOf(i.from, i.variable)) return this.#lose();
    path.set(name, undefined);
    return true;
  }

  /** What a method of the variable's value gives. */
  #comesOutOf(temp: Temp, variable: VariableId): boolean {
    const uses = usesIn(this.#facts);
    return uses.definitions(temp).some((i) => {
      if (i.op === "await" || i.op === "move") return this.#comesOutOf(i.from, variable);
      return (
        i.op === "call" &&
        i.receiver !== undefined &&
        uses.definitions(i.receiver).some((of) => of.op === "load" && of.variable === variable)
      );
    });
  }

  // --- calls

  #callFate(path: Path, i: Instruction, effect: CallEffect): "nothing" | "released" | "lost" {
    const call = i.op === "call" || i.op === "new" || i.op === "super-call" ? i : undefined;
    if (!call) return "nothing";
    if (call.op === "call" && this.#isHandleCall(path, call)) return "released";
    let kept = true;
    for (const target of effect.targets) {
      const fate = this.#targetFate(path, call, effect, target);
      if (fate === "lost") return "lost";
      if (fate === "released") {
        if (effect.targets.length > 1) return "lost";
        kept = false;
      }
    }
    return kept ? "nothing" : "released";
  }

  #isHandleCall(path: Path, call: Extract<Instruction, { op: "call" }>): boolean {
    const place = path.places.get(tempPlace(call.callee));
    if (!place || place.promise || place.path.length > 0) return false;
    return this.#birth.form.form !== "object" || this.#isReleaseGet(call.callee);
  }

  #isReleaseGet(callee: Temp): boolean {
    return usesIn(this.#facts)
      .definitions(callee)
      .every((definition) => definition.op === "get" && this.#isRelease(definition.name));
  }

  #isRelease(name: string): boolean {
    return this.#birth.form.form === "object" && (this.#birth.form.release ?? []).includes(name);
  }

  #targetFate(
    path: Path,
    call: Extract<Instruction, { op: "call" | "new" | "super-call" }>,
    effect: CallEffect,
    target: Target,
  ): "nothing" | "released" | "lost" {
    if (this.#releasesResource(target) || this.#isGivenBack(path, call, target)) {
      if (path.held) return "released";
      this.#early.add(call);
      return "nothing";
    }
    const given = [...call.arguments.entries()].filter(([, temp]) => path.places.has(tempPlace(temp)));
    const receiver = call.op === "call" ? call.receiver : undefined;
    const receiverIsHandle = receiver !== undefined && path.places.has(tempPlace(receiver));
    switch (target.kind) {
      case "function": {
        if (receiverIsHandle || (call.spread.length > 0 && given.length > 0)) return "lost";
        for (const [index, temp] of given) {
          const place = path.places.get(tempPlace(temp));
          const fate = place ? this.#parameterFate(target.function, index, place) : "lost";
          if (fate !== "kept") return fate;
        }
        if (call.arguments.some((temp) => this.#carries(path, temp))) return "lost";
        const captured = this.#capturedFate(path, target.function);
        if (captured !== "kept") return captured;
        // A method that gives back the same lock by its resource, and not one that it took itself.
        const own = effect.uses.filter((use) => use.via.length > 0 && plain(use.resource) === this.#resource);
        const { kind } = rootOf(this.#resource);
        // Of what is the same everywhere, summaries do not speak.
        const isShared = kind === "fresh" || kind === "variable";
        const ends = this.#releasesOnly(own) || (isShared && this.#givesBack(target.function));
        return ends ? "released" : "nothing";
      }
      case "operation":
      case "create":
      case "symbolic":
      case "unknown":
        if (given.length > 0) return "lost";
        // `client.query()` uses a client; `acquired.then()` takes the handle somewhere.
        if (receiverIsHandle && !(this.#isThing() && path.held)) return "lost";
        if (receiverIsHandle && this.#isListening(call)) this.#listens = true;
        return call.arguments.some((temp) => this.#carries(path, temp)) ? "lost" : "nothing";
    }
  }

  /** What is handed out is of use itself, and more than the right to release. */
  #isThing(): boolean {
    return this.#birth.form.form === "object" || this.#birth.form.form === "resource";
  }

  /** `client.on("notification", show)`: it goes on working when this function has ended. */
  #isListening(call: Extract<Instruction, { op: "call" | "new" | "super-call" }>): boolean {
    if (call.op !== "call") return false;
    return (
      this.#isNamed(call.callee, addsListener) ||
      this.#isNamed(call.callee, subscribes) ||
      call.arguments.some((temp) => this.#evaluation.values[temp]?.kind === "function")
    );
  }

  /** A release by the resource's own method; a pool that is shut down takes its clients along. */
  #isEnd(name: string, op: OperationModel["op"] | undefined): boolean {
    return op === "shutdown" || this.#releaseNames().includes(name);
  }

  #isNamed(callee: Temp, names: ReadonlySet<string>): boolean {
    return usesIn(this.#facts)
      .definitions(callee)
      .some((definition) => definition.op === "get" && names.has(definition.name));
  }

  /** `client.on("error", show)`, with or without the types of the client. */
  #listensHere(path: Path, i: Instruction): boolean {
    if (i.op !== "call" || i.receiver === undefined || !path.places.has(tempPlace(i.receiver))) return false;
    return this.#isNamed(i.callee, addsListener) || this.#isNamed(i.callee, removesListener);
  }

  #releaseNames(): readonly string[] {
    const { form } = this.#birth;
    return form.form === "self" || form.form === "resource"
      ? [...(form.release ?? []), ...this.#birth.alsoReleasedBy]
      : this.#birth.alsoReleasedBy;
  }

  #releasesResource(target: Target): boolean {
    if (target.kind !== "operation" || target.resource === undefined) return false;
    return this.#isEnd(target.name, target.operation.op) && plain(target.resource) === this.#resource;
  }

  /** `locks.release(lock)`, whatever the lock's key is. */
  #isGivenBack(
    path: Path,
    { arguments: given }: { readonly arguments: readonly Temp[] },
    target: Target,
  ): boolean {
    const [first] = given;
    const place = first === undefined ? undefined : path.places.get(tempPlace(first));
    return (
      this.#birth.form.form === "object" &&
      target.kind === "operation" &&
      this.#releaseNames().includes(target.name) &&
      place?.promise === false &&
      place.path.length === 0
    );
  }

  /** A closure that mentions a variable which holds the handle, or that gives the resource back by its name. */
  #carries(path: Path, temp: Temp): boolean {
    const value = this.#evaluation.values[temp];
    if (!value) return false;
    return alternatives(value).some(
      (part) =>
        part.kind === "function" &&
        (this.#reachesHolder(path, part.function) || (path.held && this.#givesBack(part.function))),
    );
  }

  /** Releases the resource without having acquired it. */
  #givesBack(key: FunctionKey): boolean {
    const uses = this.#solution.evaluation(key)?.uses ?? [];
    return this.#releasesOnly(uses.filter((use) => plain(use.resource) === this.#resource));
  }

  #releasesOnly(uses: readonly Use[]): boolean {
    const operations = uses.map((use) => ({
      name: use.operation,
      op: opOf(use),
    }));
    const takes = operations.some(({ op }) => op === "acquire");
    return !takes && operations.some(({ name, op }) => this.#isEnd(name, op));
  }

  #capturedHolders(path: Path, key: FunctionKey): VariableId[] {
    const { file, id } = parseKey(key);
    const facts = this.#solution.semantics.world.facts(file);
    if (!facts || file !== parseKey(this.#evaluation.key).file) return [];
    const captures = capturesIn(facts).get(id as never);
    return captures ? [...captures].filter((variable) => path.places.has(variablePlace(variable))) : [];
  }

  /** A closure mentions a holder, or another closure of this function that does. */
  #reachesHolder(path: Path, key: FunctionKey): boolean {
    const { file } = parseKey(key);
    const facts = this.#solution.semantics.world.facts(file);
    if (!facts || file !== parseKey(this.#evaluation.key).file) return false;
    const captures = capturesIn(facts);
    const seen = new Set<FunctionId>();
    const open = [parseKey(key).id as FunctionId];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (seen.has(id)) continue;
      seen.add(id);
      for (const variable of captures.get(id) ?? []) {
        if (path.places.has(variablePlace(variable))) return true;
        open.push(...this.#closuresIn(variable));
      }
    }
    return false;
  }

  /** The closures of this function that are stored in a variable. */
  #closuresIn(variable: VariableId): FunctionId[] {
    const uses = usesIn(this.#facts);
    return this.#facts.blocks.flatMap((block) =>
      block.code.flatMap((i) => {
        if (i.op !== "store" || i.variable !== variable) return [];
        return uses.definitions(i.from).flatMap((from) => (from.op === "closure" ? [from.function] : []));
      }),
    );
  }

  /** Whether some closure over a variable is used other than by calling it here. */
  #capturedElsewhere(variable: VariableId): boolean {
    const { file } = parseKey(this.#evaluation.key);
    const facts = this.#solution.semantics.world.facts(file);
    if (!facts) return true;
    const captures = capturesIn(facts);
    const uses = usesIn(this.#facts);
    return this.#facts.blocks.some((block) =>
      block.code.some((i) => {
        if (i.op !== "closure" || !captures.get(i.function)?.has(variable)) return false;
        return !this.#onlyCalled(uses, i.to, 0);
      }),
    );
  }

  #onlyCalled(uses: ReturnType<typeof usesIn>, temp: Temp, depth: number): boolean {
    if (depth > 4 || uses.endsBlock(temp)) return false;
    return uses.readers(temp).every((reader) => {
      if (reader.op === "call") return reader.callee === temp && !reader.arguments.includes(temp);
      if (reader.op !== "store") return false;
      return this.#facts.blocks.every((block) =>
        block.code.every(
          (i) => i.op !== "load" || i.variable !== reader.variable || this.#onlyCalled(uses, i.to, depth + 1),
        ),
      );
    });
  }

  #parameterFate(key: FunctionKey, index: number, place: Place): Fate {
    return this.#inside(
      key,
      `parameter ${index} ${place.promise} ${place.path.join(".")}`,
      (explorer, evaluation) => {
        for (const [id, block] of evaluation.facts.blocks.entries()) {
          for (const [position, i] of block.code.entries()) {
            if (i.op !== "parameter" || i.index !== index || i.rest) continue;
            explorer.start(id as BlockId, position + 1, new Map([[tempPlace(i.to), place]]), !place.promise);
            return true;
          }
        }
        return false;
      },
    );
  }

  /** What a closure does to a handle in a variable that it captures. */
  #capturedFate(path: Path, key: FunctionKey): Fate {
    for (const variable of this.#capturedHolders(path, key)) {
      const place = path.places.get(variablePlace(variable));
      if (!place) continue;
      const label = `captured ${variable} ${place.promise} ${place.path.join(".")}`;
      const fate = this.#inside(key, label, (explorer) => {
        explorer.start(0 as BlockId, 0, new Map([[variablePlace(variable), place]]), !place.promise);
        return true;
      });
      if (fate !== "kept") return fate;
    }
    const isDirect = this.#capturedHolders(path, key).length > 0;
    return isDirect || !this.#reachesHolder(path, key) ? "kept" : "lost";
  }

  #inside(
    key: FunctionKey,
    label: string,
    begin: (explorer: Explorer, evaluation: Evaluation) => boolean,
  ): Fate {
    const text = `${key} ${label}`;
    const evaluation = this.#solution.evaluation(key);
    if (!evaluation || this.#depth >= maxDepth || this.#busy.has(text)) return "lost";
    if (evaluation.facts.generator || evaluation.facts.imprecise !== undefined) return "lost";
    this.#busy.add(text);
    const explorer = new Explorer(
      this.#solution,
      evaluation,
      this.#birth,
      this.#depth + 1,
      this.#busy,
      this.#resource,
    );
    const begun = begin(explorer, evaluation);
    explorer.run();
    this.#busy.delete(text);
    return begun ? explorer.fate() : "lost";
  }

  #lose(): false {
    this.#lost = true;
    return false;
  }

  // --- ends

  #throw(path: Path, block: Block, i: Instruction): void {
    const step: PathStep = { at: i, what: "throws" };
    if (block.handler === undefined) this.#leak(path, { how: "exception", at: i, instruction: i }, step);
    else this.#goto(path, block.handler, step);
  }

  #end(path: Path, block: Block): void {
    const { end } = block;
    switch (end.kind) {
      case "goto":
        this.#goto(path, end.to, undefined);
        return;
      case "branch":
        this.#branch(path, end);
        return;
      case "return":
        if (path.held && end.value !== undefined) this.#returned.add(end.value);
        if (
          end.value !== undefined &&
          (path.places.has(tempPlace(end.value)) || this.#carries(path, end.value))
        ) {
          this.#lost = true;
        } else if (path.held) {
          this.#leak(path, { how: "normal", at: end.at }, { at: end.at, what: "ends" });
        }
        return;
      case "throw":
        if (path.places.has(tempPlace(end.value))) this.#lost = true;
        else if (block.handler !== undefined) this.#goto(path, block.handler, { at: end.at, what: "throws" });
        else if (path.held && !isRethrow(this.#facts, end.value)) {
          this.#leak(path, { how: "exception", at: end.at }, { at: end.at, what: "throws" });
        } else if (path.held) {
          const cause = path.lastThrow();
          this.#leak(path, { how: "exception", at: cause?.at ?? end.at }, { at: end.at, what: "throws" });
        }
        return;
      case "suspend":
        if (path.held) this.#pause(path, block, end.abandon);
        this.#goto(path, end.resume, undefined);
        return;
      case "unreachable":
        return;
    }
  }

  #pause(path: Path, block: Block, abandon: BlockId): void {
    const at = block.code.at(-1);
    const state = path.state(abandon, undefined);
    const key = stateKey(state);
    if (at && !this.#pauses.has(key)) this.#pauses.set(key, { at, path: path.steps(), state, next: 0 });
  }

  #branch(path: Path, end: Extract<Block["end"], { kind: "branch" }>): void {
    const place = path.places.get(tempPlace(end.test));
    const known = place && !place.promise ? "truthy" : knownOf(this.#facts, path.known, end.test);
    const decided = known === undefined ? undefined : decide(end.on, known);
    if (path.held && (this.#asksResource(end.test) || this.#asksHandle(path, end))) {
      this.#lost = true;
      return;
    }
    const at = placeOfTest(this.#facts, end.test);
    const go = (to: BlockId, what: "taken" | "skipped") => {
      const next = path.clone();
      next.relearn(tested(this.#facts, path.known, end.test, end.on, what === "taken"));
      this.#goto(next, to, decided === undefined ? { at, what } : undefined);
    };
    if (decided !== false) go(end.yes, "taken");
    if (decided !== true) go(end.no, "skipped");
  }

  /** `if (lock.isLocked())`: what the answer is while it is held, models do not say. */
  #asksResource(test: Temp): boolean {
    return usesIn(this.#facts)
      .definitions(test)
      .some((definition) => {
        if (definition.op === "unary") return this.#asksResource(definition.from);
        return (this.#evaluation.calls.get(definition)?.targets ?? []).some(
          (target) =>
            target.kind === "operation" &&
            target.operation.op === "query" &&
            target.resource !== undefined &&
            plain(target.resource) === this.#resource,
        );
      });
  }

  /** `if (!client.isReleased) client.release()`: what it knows of itself decides whether it is still to be given back. */
  #asksHandle(path: Path, { test, yes, no }: Extract<Block["end"], { kind: "branch" }>): boolean {
    const isFlag = (asked: Temp): boolean =>
      usesIn(this.#facts)
        .definitions(asked)
        .some((definition) => {
          if (definition.op === "unary") return definition.operator === "!" && isFlag(definition.from);
          if (definition.op === "binary") {
            const sides = [definition.left, definition.right];
            return sides.some((side) => this.#isBoolean(side)) && sides.some(isFlag);
          }
          const place = definition.op === "get" ? path.places.get(tempPlace(definition.object)) : undefined;
          return place !== undefined && !place.promise && place.path.length === 0;
        });
    return isFlag(test) && [yes, no].some((side) => this.#looksReleasing(side, 0));
  }

  #isBoolean(temp: Temp): boolean {
    const value = this.#evaluation.values[temp];
    return value?.kind === "constant" && value.constant.type === "boolean";
  }

  /** A release is next, or follows another test: `if (!client.isBusy && !client.isReleased)`. */
  #looksReleasing(at: BlockId, depth: number): boolean {
    const block = this.#facts.blocks[at];
    if (!block || depth > maxTests) return false;
    if (block.code.some((i) => i.op === "get" && this.#isRelease(i.name))) return true;
    return (
      block.end.kind === "branch" &&
      [block.end.yes, block.end.no].some((side) => this.#looksReleasing(side, depth + 1))
    );
  }

  #goto(path: Path, to: BlockId, step: PathStep | undefined): void {
    const state = path.state(to, step);
    const key = stateKey(state);
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#open.push({ state, from: 0 });
  }

  #leak(path: Path, leak: Omit<Leak, "path">, last: PathStep): void {
    if (!path.held) return;
    if (this.#leaks.some((known) => known.how === leak.how && known.at.start === leak.at.start)) return;
    this.#leaks.push({ ...leak, path: [...path.steps(), last] });
  }
}

/** A `throw` that only passes on what was caught: after `finally`, or `catch (e) { throw e; }`. */
function isRethrow(facts: FunctionFacts, value: Temp): boolean {
  return usesIn(facts)
    .definitions(value)
    .every((definition) => definition.op === "caught");
}
