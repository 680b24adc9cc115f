import type { OperationModel, OperationName } from "@unknot/models/model.ts";
import { definePass, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import { isSymbolic } from "../analysis/call-effects.ts";
import { callsWithScopes } from "../analysis/calls-with-scopes.ts";
import { contentOf } from "../analysis/capacities.ts";
import type { Contexts } from "../analysis/contexts.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { isLock, type ModelType, operationOf, opOf } from "../analysis/model-index.ts";
import { calleeName, functionAround, resourceName, valueName } from "../analysis/names.ts";
import { afterPause } from "../analysis/pauses.ts";
import { type FunctionKey, isWithin, type Location, parseKey } from "../analysis/places.ts";
import type { CallEffect } from "../analysis/semantics.ts";
import { isSettledBefore, variableOf } from "../analysis/settled-before.ts";
import { isStable } from "../analysis/stable-values.ts";
import type { Scope } from "../analysis/summary.ts";
import { alternatives, type Binding, type Fresh, plain, type Value, type Wait } from "../analysis/values.ts";
import type { Instruction } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { isSame } from "../program/ranges.ts";
import { capacityIn } from "./capacity.ts";
import type { HeldTooLong } from "./obligations.ts";
import { type Parallel, parallel } from "./parallel.ts";
import { identityOf } from "./resource-identity.ts";
import { type Cycle, cyclesOf } from "./wait-cycles.ts";
import type { Edge, End } from "./wait-edges.ts";

// Who waits while holding what? The pass collects edges "held -> wanted" from every place where a lock or queue slot
// is held, follows calls and callbacks, and looks for edges that close a circle.

export interface HoldAndWait {
  /** All edges that begin in this file. */
  readonly edges: readonly Edge[];
  /** The held and the wanted are the same resource. */
  readonly selfWaits: readonly Edge[];
  /** Circles over several resources, as seen from the edges of this file. */
  readonly cycles: readonly Cycle[];
  /** Every edge of this file whose end is no lock, but a queue that gets idle, a group of tasks or a channel. */
  readonly waits: readonly Edge[];
  /** What tasks of a queue wait for, anywhere in the program. */
  readonly ofTasks: readonly Edge[];
}

/** Bounds on what callers are told about their callees' edges. */
const maxRounds = 4;
const maxEdges = 4_000;

export const holdAndWait = definePass<HoldAndWait>({
  id: "hold-and-wait",
  run(view, resultOf) {
    const collector = new Collector(view, resultOf(parallel, view.world.files[0] ?? ""));
    const edges = collector.edges();
    const cycles = cyclesOf(view, edges, collector.contexts());
    const identity = (value: Value) => identityOf(view, collector.contexts(), value);
    const selfWaits = distinct(edges.filter((edge) => isSelfWait(edge, identity)));
    const waits = edges.filter((edge) => isLock(edge.held.model) && !takesLock(edge.op));
    const ofTasks = edges.filter((edge) => edge.held.model.kind === "queue" && takesLock(edge.op));
    return (file) => ({
      edges: edges.filter((edge) => edge.from.file === file),
      selfWaits: selfWaits.filter((edge) => edge.from.file === file),
      cycles: cycles.filter(({ edge }) => edge.from.file === file),
      waits: waits.filter((edge) => edge.from.file === file),
      ofTasks,
    });
  },
});

function takesLock(op: OperationName): boolean {
  return op === "acquire" || op === "scoped";
}

function isSelfWait(edge: Edge, identity: (value: Value) => Value): boolean {
  if (identity(edge.held.resource) !== identity(edge.wanted.resource)) return false;
  // Readers share.
  return ![edge.held, edge.wanted].every((end) => operationOf(end.model, end.operation)?.mode === "read");
}

/**
 * One edge per mistake; the shortest way stays. A lock is a mistake wherever it is held too long. A queue's is the wait
 * inside one of its tasks: whoever gives it such a task, or starts a recursion of them, has made none.
 */
function distinct(edges: readonly Edge[]): Edge[] {
  const found = new Map<string, Edge>();
  for (const edge of edges) {
    const { file, start } = edge.held.model.kind === "queue" ? edge.wanted.at : edge.from;
    const key = `${file}:${start} ${edge.held.resource.id}`;
    const known = found.get(key);
    if (!known || isShorter(edge, known)) found.set(key, edge);
  }
  return [...found.values()];
}

function isShorter(a: Edge, b: Edge): boolean {
  // An operation that waits for itself says most with least.
  const recursive = ({ held, wanted }: Edge) =>
    held.at.file === wanted.at.file && held.at.start === wanted.at.start;
  if (recursive(a) !== recursive(b)) return recursive(a);
  if (a.via.length !== b.via.length) return a.via.length < b.via.length;
  return a.from.file === b.from.file ? a.from.start < b.from.start : a.from.file < b.from.file;
}

/** A function waits for a callback of its caller while it holds something: `withClient(work)`. */
interface HeldCallback {
  readonly held: End;
  readonly wait: Extract<Wait, { kind: "call" }>;
  readonly function: FunctionKey;
  readonly gates: readonly Value[];
}

class Collector {
  readonly #view: ProgramView;
  readonly #parallel: Parallel;
  readonly #edges: Edge[] = [];
  readonly #callbacks: HeldCallback[] = [];

  constructor(view: ProgramView, beside: Parallel) {
    this.#view = view;
    this.#parallel = beside;
  }

  contexts(): Contexts {
    return this.#parallel.contexts();
  }

  #heldAt(key: FunctionKey, instruction: Instruction): readonly Value[] {
    return this.#parallel.heldAt(key, instruction);
  }

  edges(): readonly Edge[] {
    for (const { file, evaluation } of this.#view.solution.evaluations()) {
      this.#view.attempt(file, "hold-and-wait", () => this.#own(evaluation), undefined);
    }
    this.#fromCallbacks();
    this.#lift();
    return this.#edges.filter(
      (edge) => isStable(this.#view, edge.held.resource) && isStable(this.#view, edge.wanted.resource),
    );
  }

  // --- edges that a function shows by itself

  #own(evaluation: Evaluation): void {
    if (evaluation.facts.imprecise !== undefined) return;
    for (const held of this.#parallel.births.get(evaluation.key) ?? []) this.#fromBirth(evaluation, held);
    for (const [instruction, effect] of callsWithScopes(evaluation)) {
      for (const scope of effect.scopes) this.#fromScope(evaluation, instruction, scope);
    }
  }

  #fromBirth(evaluation: Evaluation, held: HeldTooLong): void {
    const { file } = parseKey(evaluation.key);
    const { made } = held.birth.handle;
    const end: End = {
      resource: plain(made.resource),
      model: made.model,
      operation: made.operation,
      at: held.at,
      text: held.resource,
      capacity: this.#capacityOf(made.model, made.resource),
    };
    for (const instruction of held.exploration.held) {
      const effect = evaluation.awaits.get(instruction);
      if (!effect || isOver(evaluation, instruction, instruction)) continue;
      for (const wait of effect.waits.list) {
        // A wrapper of a lock is known to run its callback under it, if it surely does (inferred-scopes.ts).
        if (wait.kind === "call" && !isLock(end.model)) {
          const gates = this.#heldAt(evaluation.key, instruction);
          this.#callbacks.push({ held: end, wait, function: evaluation.key, gates });
        }
        if (this.#isGuarded(wait)) continue;
        const at = { file, start: instruction.start, end: instruction.end };
        const { facts } = evaluation;
        const whole = { file, start: facts.start, end: facts.end };
        const isOneOfSeveral = isAmbiguous(wait, effect.waits.list);
        const path = [...wait.via, wait.at];
        const inside = path.some((step) => isWithin(step, whole));
        const gates = this.#heldAt(evaluation.key, instruction);
        const isStarted = ![...held.exploration.held].some((one) => isAt(path[0], file, one));
        const within = inside && !isStarted ? whole : at;
        this.#edge(evaluation.key, end, wait, wait.via, gates, within, {
          isStarted,
          ambiguous: isOneOfSeveral,
        });
      }
    }
  }

  #fromScope(evaluation: Evaluation, instruction: Instruction, scope: Scope): void {
    if (scope.callee.kind !== "function" && scope.callee.kind !== "union") return;
    // A callback that the callee itself made: its edges are known there, and lifted.
    if (
      scope.via.length > 0 &&
      alternatives(scope.callee).every((one) => one.kind === "function" && one.bound.length > 0)
    ) {
      return;
    }
    const { semantics } = this.#view.solution;
    const { file } = parseKey(evaluation.key);
    const at = { file, start: instruction.start, end: instruction.end };
    const site = semantics.values.site(evaluation.key, [at]);
    // More arguments come than a caller gives: the client, the transaction.
    const run = semantics.call({
      callee: scope.callee,
      arguments: scope.arguments,
      spreadFrom: scope.arguments.length,
      isNew: false,
      site,
      at,
    });
    const { waits } = semantics.awaited(run.result, site);
    const end: End = {
      resource: plain(scope.resource),
      model: scope.model,
      operation: scope.operation,
      at: scope.via[0] ?? scope.at,
      text: resourceName(this.#view, plain(scope.resource), scope.at),
      capacity: this.#capacityOf(scope.model, scope.resource),
    };
    const holdsOneOfSeveral = isAmbiguous(scope, evaluation.calls.get(instruction)?.scopes ?? []);
    for (const wait of waits.list) {
      const wantsOneOfSeveral = isAmbiguous(wait, waits.list);
      // Which of them it is may hang on the same condition: `[first, second] = a.id < b.id ? [a, b] : [b, a]`.
      if (holdsOneOfSeveral && wantsOneOfSeveral) continue;
      // The call of the callback itself is no step of the way.
      const via = wait.via.filter(
        (step, index) => !(index === 0 && step.start === at.start && step.file === at.file),
      );
      // Asking whether the lock is free before asking for it is a way to be re-entrant.
      if (this.#isGuarded(wait)) continue;
      const body = this.#bodyOf(scope.callee, [...via, wait.at]);
      const gates = this.#heldAt(evaluation.key, instruction);
      const awaited = body === undefined ? this.#awaitOf(scope.callee, wait) : undefined;
      if (awaited && isOver(awaited.evaluation, awaited.instruction, instruction, evaluation)) continue;
      const within = body ?? awaited?.at ?? at;
      this.#edge(evaluation.key, end, wait, via, gates, within, {
        isStarted: body === undefined,
        ambiguous: holdsOneOfSeveral || wantsOneOfSeveral,
      });
    }
  }

  /** The callback that holds, when a step of the way stands in it. */
  #bodyOf(callee: Value, path: readonly Location[]): Location | undefined {
    for (const one of alternatives(callee)) {
      const facts = one.kind === "function" ? this.#view.world.function(one.function) : undefined;
      if (!facts || one.kind !== "function") continue;
      const body = { file: parseKey(one.function).file, start: facts.start, end: facts.end };
      if (path.some((step) => isWithin(step, body))) return body;
    }
    return undefined;
  }

  /** The `await` of a callback which waits for something that was started outside of it. */
  #awaitOf(
    callee: Value,
    wait: Wait,
  ):
    | { readonly at: Location; readonly evaluation: Evaluation; readonly instruction: Instruction }
    | undefined {
    for (const one of alternatives(callee)) {
      const evaluation = one.kind === "function" ? this.#view.solution.evaluation(one.function) : undefined;
      for (const [i, { waits }] of evaluation?.awaits ?? []) {
        const isThere = waits.list.some((other) => other.kind === wait.kind && other.at === wait.at);
        if (!evaluation || !isThere) continue;
        const at = { file: parseKey(evaluation.key).file, start: i.start, end: i.end };
        return { at, evaluation, instruction: i };
      }
    }
    return undefined;
  }

  /** A function on the way to the wait asks such a resource about its state first. */
  #isGuarded(wait: Wait): boolean {
    if (wait.kind !== "operation") return false;
    const { solution, world } = this.#view;
    const around = [...wait.via, wait.at].flatMap((at) => functionAround(this.#view, at) ?? []);
    return around
      .flatMap((key) => [key, ...world.enclosing(key)])
      .some((key) =>
        solution.evaluation(key)?.uses.some((use) => {
          if (use.via.length > 0 || use.model.key !== wait.model.key) return false;
          const asks = opOf(use) === "query";
          return asks && (plain(use.resource) === plain(wait.resource) || isSymbolic(use.resource));
        }),
      );
  }

  #edge(
    key: FunctionKey,
    held: End,
    wait: Wait,
    via: readonly Location[],
    gates: readonly Value[],
    within: Location,
    { isStarted, ambiguous }: { readonly isStarted: boolean; readonly ambiguous: boolean },
  ): void {
    if (wait.kind !== "operation" || this.#edges.length >= maxEdges) return;
    const operation = operationOf(wait.model, wait.operation);
    if (!operation || !blocks(operation) || wait.model.givesUp || !holdable(held.model)) return;
    if (this.#letsInAgain(held)) return;
    const { asker, task } = this.#askerOf([...via, wait.at], isStarted, held.model);
    // A task that asked for the lock before this one did has it before, and is done with it.
    const isSame = plain(wait.resource) === held.resource;
    if (asker === "started" && isSame && !this.#asksLater([...via, wait.at], task)) return;
    const wanted: End = {
      resource: plain(wait.resource),
      model: wait.model,
      operation: wait.operation,
      at: wait.at,
      text: resourceName(this.#view, plain(wait.resource), wait.at),
      capacity: this.#capacityOf(wait.model, wait.resource),
    };
    const path = [...via, wait.at];
    this.#edges.push({
      held,
      wanted,
      op: operation.op,
      via,
      trace:
        asker === "started" ? this.#startedTrace(held, wanted, via, task) : this.#trace(held, wanted, via),
      // The last step that still stands in the code which holds.
      from: path.findLast((step) => isWithin(step, within)) ?? within,
      function: key,
      gates: new Set(gates.filter((gate) => gate !== held.resource && gate !== wanted.resource)),
      ambiguous,
      asker,
      task,
    });
  }

  /** A holder may acquire again: by its model, or by an option that it was made with. */
  #letsInAgain({ model, resource }: End): boolean {
    // The lock of one key is as the lock of all keys was made.
    const whole = model.keyed && resource.kind === "member" ? resource.of : resource;
    const own = contentOf(this.#view, whole);
    // Handed in, it is as who hands it in has made it.
    const content = own.kind === "parameter" ? identityOf(this.#view, this.contexts(), whole) : own;
    return model.reentrant || (isMade(content) && content.made.model.reentrant);
  }

  /** Who asks at the end of a path: `isStarted` says that its first step does not stand in the code that holds. */
  #askerOf(path: readonly Location[], isStarted: boolean, held: ModelType): Pick<Edge, "asker" | "task"> {
    const [first, ...rest] = path;
    if (!isLock(held) || rest.length === 0) return { asker: "call", task: undefined };
    const submit = path.find((step) => this.#isSubmit(step));
    if (submit) return { asker: "queue", task: submit };
    if (isStarted) return { asker: "started", task: first };
    const jump = rest.find((step, index) => !this.#leadsTo(path[index], step));
    return { asker: jump ? "started" : "call", task: jump };
  }

  #effectAt(at: Location | undefined): CallEffect | undefined {
    const key = at && functionAround(this.#view, at);
    const calls = key === undefined ? undefined : this.#view.solution.evaluation(key)?.calls;
    for (const [instruction, effect] of calls ?? []) if (isAt(at, at?.file ?? "", instruction)) return effect;
    return undefined;
  }

  /** A task is given to a queue there. */
  #isSubmit(at: Location): boolean {
    return (this.#effectAt(at)?.targets ?? []).some(
      (target) => target.kind === "operation" && target.operation.op === "submit",
    );
  }

  /** Whether a step stands in what the call before it runs; if not, it made a promise that was waited for there. */
  #leadsTo(call: Location | undefined, step: Location): boolean {
    const effect = this.#effectAt(call);
    const around = functionAround(this.#view, step);
    if (!effect || around === undefined) return true;
    const callbacks = [...effect.arguments, ...effect.scopes.map((scope) => scope.callee)].flatMap(
      alternatives,
    );
    const isKnown = effect.targets.every(({ kind }) => kind === "function" || kind === "operation");
    return (
      !isKnown ||
      effect.targets.some((target) => target.kind === "function" && target.function === around) ||
      callbacks.some((one) => one.kind !== "function" || one.function === around)
    );
  }

  /** Whether some function on the way of a task gets to its step only after a pause. */
  #asksLater(path: readonly Location[], task: Location | undefined): boolean {
    return path.slice((task ? path.indexOf(task) : -1) + 1).some((at) => {
      const key = functionAround(this.#view, at);
      const facts = key === undefined ? undefined : this.#view.world.function(key);
      return facts !== undefined && [...afterPause(facts)].some((i) => isAt(at, at.file, i));
    });
  }

  #capacityOf(model: ModelType, resource: Value): number | undefined {
    return capacityIn(this.#view, this.contexts(), model, resource);
  }

  // --- edges that only a caller can see whole

  /** What a callback waits for, each caller of a function says that holds something around it. */
  #fromCallbacks(): void {
    const { semantics } = this.#view.solution;
    let open = this.#callbacks;
    for (let round = 0; round < maxRounds && open.length > 0; round += 1) {
      const next: HeldCallback[] = [];
      for (const one of open) {
        for (const { caller, binding, instruction } of this.contexts().of(one.function)) {
          if (!caller || !binding || !instruction) continue;
          const held = { ...one.held, resource: plain(semantics.substitute(one.held.resource, binding)) };
          const gates = [...one.gates, ...this.#heldAt(caller, instruction)];
          const callee = semantics.substitute(one.wait.callee, binding);
          const { file } = parseKey(caller);
          const at = { file, start: instruction.start, end: instruction.end };
          const { list } = semantics.callWaits(one.wait, binding);
          for (const wait of list) {
            if (wait.kind === "call") next.push({ held, wait, function: caller, gates });
            if (this.#isGuarded(wait)) continue;
            const body = this.#bodyOf(callee, [...wait.via, wait.at]) ?? at;
            this.#edge(caller, held, wait, wait.via, gates, body, {
              isStarted: false,
              ambiguous: isAmbiguous(wait, list),
            });
          }
        }
      }
      open = next;
    }
  }

  /** An edge between parameters becomes one between the locks that a caller passes. */
  #lift(): void {
    let open = this.#edges.filter((edge) => needsCaller(edge));
    for (let round = 0; round < maxRounds && open.length > 0; round += 1) {
      const next: Edge[] = [];
      for (const edge of open) {
        for (const context of this.contexts().of(edge.function)) {
          const { caller, binding, instruction } = context;
          if (!caller || !binding || !instruction || this.#edges.length >= maxEdges) continue;
          const lifted = this.#substituted(edge, caller, binding, instruction);
          // A closure inside the caller changes nothing yet: its own callers may.
          if (
            lifted.held.resource !== edge.held.resource ||
            lifted.wanted.resource !== edge.wanted.resource
          ) {
            this.#edges.push(lifted);
          }
          if (needsCaller(lifted)) next.push(lifted);
        }
      }
      open = next;
    }
  }

  #substituted(edge: Edge, caller: FunctionKey, binding: Binding, instruction: Instruction): Edge {
    const { semantics } = this.#view.solution;
    const change = (end: End): End => {
      const resource = plain(semantics.substitute(end.resource, binding));
      const text = resource === end.resource ? end.text : (valueName(this.#view, resource) ?? end.text);
      const same = resource === end.resource;
      return {
        ...end,
        resource,
        text,
        capacity: same ? end.capacity : this.#capacityOf(end.model, resource),
      };
    };
    const held = change(edge.held);
    const wanted = change(edge.wanted);
    const { file } = parseKey(caller);
    const at = { file, start: instruction.start, end: instruction.end };
    return {
      ...edge,
      held,
      wanted,
      trace: this.#liftedTrace(edge, held, wanted, at),
      via: [at, ...edge.via],
      from: at,
      function: caller,
      gates: new Set(this.#heldAt(caller, instruction).filter((gate) => gate !== held.resource)),
    };
  }

  // --- words

  #startedTrace(
    held: End,
    wanted: End,
    via: readonly Location[],
    task: Location | undefined,
  ): ReportedStep[] {
    const calls = (list: readonly Location[], who: string) =>
      list.map((at, index) => ({
        at,
        what: `${index === 0 ? who : "which calls"} '${calleeName(this.#view, at)}'`,
      }));
    const start = task ? via.indexOf(task) : -1;
    return [
      ...via
        .slice(start, start + 1)
        .map((at) => ({ at, what: `'${calleeName(this.#view, at)}' is started here` })),
      { at: held.at, what: `'${held.text}' is ${verbOf(held)} here, and the task waited for` },
      ...calls(via.slice(0, start), "the holder calls"),
      ...calls(via.slice(start + 1), "the task calls"),
      { at: wanted.at, what: wantedText(wanted) },
    ];
  }

  #trace(held: End, wanted: End, via: readonly Location[]): ReportedStep[] {
    const first = held.model.kind === "queue" ? "its task calls" : "the holder calls";
    return [
      { at: held.at, what: `'${held.text}' is ${verbOf(held)} here` },
      ...via.map((at, index) => ({
        at,
        what: `${index === 0 ? first : "which calls"} '${calleeName(this.#view, at)}'`,
      })),
      { at: wanted.at, what: wantedText(wanted) },
    ];
  }

  /** The steps in the callee, with the names that the caller gave. */
  #liftedTrace(edge: Edge, held: End, wanted: End, at: Location): ReportedStep[] {
    const inner = edge.trace.map((step, index) => {
      if (step.at === edge.held.at) {
        const rest = edge.asker === "started" ? ", and the task waited for" : "";
        return { ...step, what: `'${held.text}' is ${verbOf(held)} here${rest}` };
      }
      if (index === edge.trace.length - 1) return { ...step, what: wantedText(wanted) };
      return step;
    });
    return [{ at, what: `'${held.text}' and '${wanted.text}' are passed on here` }, ...inner];
  }
}

/** An `await` of a promise that a variable holds, and that `around` has waited for before it gets to `from`. */
function isOver(
  { facts }: Evaluation,
  wait: Instruction,
  from: Instruction,
  around: Pick<Evaluation, "facts"> = { facts },
): boolean {
  const variable = wait.op === "await" ? variableOf(facts, wait.from) : undefined;
  return variable !== undefined && isSettledBefore(around.facts, variable, from);
}

/** `acquired`, `entered`, `waited for`: what happens at an end, in words. */
function verbOf(end: End): string {
  if (end.model.kind === "pool") return "asked for a client";
  switch (opOf(end)) {
    case "waitIdle":
    case "wait":
      return "waited for";
    case "bindWorker":
      return "given its worker";
    case "submit":
    case "map":
      return "given a task";
    default:
      return "acquired";
  }
}

function wantedText(wanted: End): string {
  switch (opOf(wanted)) {
    case "submit":
    case "map":
      return `a task is given to '${wanted.text}' here, and waited for`;
    case "wait":
      if (wanted.model.kind === "queue") return `a task of '${wanted.text}' is waited for here`;
      break;
    default:
      break;
  }
  return `'${wanted.text}' is ${verbOf(wanted)} here`;
}

/** Another resource is used at the same place. */
function isAmbiguous(one: Wait | Scope, list: readonly (Wait | Scope)[]): boolean {
  return (
    "resource" in one &&
    list.some(
      (other) =>
        "resource" in other &&
        other.at.file === one.at.file &&
        isSame(other.at, one.at) &&
        plain(other.resource) !== plain(one.resource),
    )
  );
}

function isAt(at: Location | undefined, file: FilePath, instruction: Instruction): boolean {
  return at?.file === file && isSame(at, instruction);
}

/** Operations that go on only when somebody else lets them. */
function blocks(operation: OperationModel): boolean {
  switch (operation.op) {
    case "acquire":
    case "scoped":
    case "submit":
    case "map":
    case "use":
      return true;
    case "send":
    case "recv":
    case "range":
    case "wait":
      return true;
    case "waitIdle":
      return operation.insideOwnTask === "hang";
    default:
      return false;
  }
}

function holdable(model: ModelType): boolean {
  return isLock(model) || model.kind === "queue" || model.kind === "pool";
}

function needsCaller(edge: Edge): boolean {
  return isSymbolic(edge.held.resource) || isSymbolic(edge.wanted.resource);
}

function isMade(value: Value): value is Fresh & { readonly made: { readonly type: "resource" } } {
  return value.kind === "fresh" && value.made.type === "resource";
}
