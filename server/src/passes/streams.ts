import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { describeTemp, isDropped, memberCalled, usesIn } from "../analysis/flow.ts";
import { valueName } from "../analysis/names.ts";
import { lastEvents } from "../analysis/one-shot-events.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { alternatives, type Fresh, isMadeAt, plain, type Value } from "../analysis/values.ts";
import type { FunctionId, Instruction, Temp } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { operands } from "../program/instructions.ts";

// Streams that are made here, piped or waited for by their events, and never out of sight. `pipe` hands on what is
// read and no failure; an error that no listener hears of is an uncaught exception, and the target never ends.

/** Piped streams of which some have nobody to hear of their failure. */
export interface UnheardStreams {
  /** Those without a listener, in the order they are made. */
  readonly streams: readonly { readonly name: string; readonly at: Location }[];
  /** The event that somebody waits for. */
  readonly awaited?: { readonly event: string; readonly of: string };
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const streams = definePass<readonly UnheardStreams[]>({
  id: "streams",
  run: (view) => (file) => view.attempt(file, "streams", () => unheardIn(view, file), []),
});

/** What is known of one stream. */
interface Watched {
  readonly stream: Fresh;
  readonly name: string;
  readonly at: Location;
  /** Somebody listens for its errors, or may. */
  heard: boolean;
  /** It is piped to a terminal, which neither fails nor ends. */
  shown: boolean;
  awaited?: { readonly event: string; readonly at: Location };
  /** Where it is piped, or listened to: what a listener for errors would be put behind. */
  place?: { readonly at: Location; readonly in: FunctionKey };
}

interface Pipe {
  readonly from: Fresh | undefined;
  readonly to: Fresh | undefined;
  readonly at: Location;
}

const listens: ReadonlySet<string> = new Set([
  "on",
  "once",
  "addListener",
  "prependListener",
  "prependOnceListener",
]);

type CallInstruction = Extract<Instruction, { readonly op: "call" }>;

function unheardIn(view: ProgramView, file: FilePath): readonly UnheardStreams[] {
  const evaluations = view.functionsOf(file).flatMap((key) => view.solution.evaluation(key) ?? []);
  const records = new Map<Fresh, Watched>();
  for (const evaluation of evaluations) {
    for (const [instruction, effect] of evaluation.calls) {
      const stream = madeBy(evaluation, instruction, effect.result);
      if (stream && !records.has(stream))
        records.set(stream, recordOf(view, evaluation, instruction, stream));
    }
  }
  if (records.size === 0) return [];
  const pipes: Pipe[] = [];
  const listeners = new Set(evaluations.flatMap(listenersIn));
  for (const evaluation of evaluations) {
    const isSeen = !listeners.has(evaluation.key) && !view.world.isExecutor(evaluation.key);
    new Reader(view, evaluation, records, pipes, isSeen).read();
  }
  return chains(records, pipes).flatMap((chain) => worded(view, file, chain, pipes) ?? []);
}

/** Functions that some `on` or `once` is given. */
function listenersIn({ facts, calls }: Evaluation): readonly FunctionKey[] {
  return [...calls].flatMap(([i, effect]) => {
    const member = i.op === "call" ? memberCalled(facts, i) : undefined;
    if (member === undefined || !listens.has(member)) return [];
    return effect.arguments
      .flatMap(alternatives)
      .flatMap((one) => (one.kind === "function" ? [one.function] : []));
  });
}

function madeBy(evaluation: Evaluation, i: Instruction, result: Value): Fresh | undefined {
  if (result.kind !== "fresh" || result.made.type !== "resource") return undefined;
  const { kind, emitsErrors } = result.made.model;
  if (kind !== "stream" || !emitsErrors) return undefined;
  return result.site.path.length === 1 && isMadeAt(result, evaluation.key, i) ? result : undefined;
}

function recordOf(view: ProgramView, evaluation: Evaluation, i: Instruction, stream: Fresh): Watched {
  const { file } = parseKey(evaluation.key);
  const facts = view.world.facts(file);
  const call = i.op === "call" ? i : undefined;
  const [stored] = call ? usesIn(evaluation.facts).readers(call.to) : [];
  const variable = stored?.op === "store" ? facts?.variables[stored.variable]?.name : undefined;
  const made = facts && call ? describeTemp(facts, evaluation.facts, call.callee) : "the stream";
  const [callee] = call ? usesIn(evaluation.facts).definitions(call.callee) : [];
  return {
    stream,
    name: valueName(view, stream) ?? variable ?? made,
    at: locationIn(file, { start: i.start, end: callee?.end ?? i.end }),
    heard: false,
    shown: false,
  };
}

/** Reads what one function does with the streams of its file. */
class Reader {
  readonly #view: ProgramView;
  readonly #evaluation: Evaluation;
  readonly #records: ReadonlyMap<Fresh, Watched>;
  readonly #pipes: Pipe[];
  /** Somebody may see what the function returns. */
  readonly #isSeen: boolean;

  constructor(
    view: ProgramView,
    evaluation: Evaluation,
    records: ReadonlyMap<Fresh, Watched>,
    pipes: Pipe[],
    isSeen: boolean,
  ) {
    this.#view = view;
    this.#evaluation = evaluation;
    this.#records = records;
    this.#pipes = pipes;
    this.#isSeen = isSeen;
  }

  read(): void {
    for (const block of this.#evaluation.facts.blocks) {
      for (const i of block.code) this.#instruction(i);
      const { end } = block;
      const ends = end.kind === "throw" || (end.kind === "return" && this.#isSeen);
      if (ends && end.value !== undefined) this.#leaves(end.value);
    }
  }

  #instruction(i: Instruction): void {
    switch (i.op) {
      case "call":
        this.#call(i);
        return;
      case "get":
      case "await":
      case "unary":
      case "binary":
      case "move":
      case "dispose":
      case "next":
        return;
      case "store": {
        const { file } = parseKey(this.#evaluation.key);
        if (this.#view.world.facts(file)?.variables[i.variable]?.exported) this.#leaves(i.from);
        return;
      }
      case "set":
      case "set-element":
        this.#leaves(i.from);
        return;
      case "object":
        if (!this.#isTakenApart(i.to, 0)) for (const temp of operands(i)) this.#leaves(temp);
        return;
      default:
        for (const temp of operands(i)) this.#leaves(temp);
    }
  }

  /** An object of which only properties are read, here. */
  #isTakenApart(temp: Temp, depth: number): boolean {
    const { facts, key } = this.#evaluation;
    const { file } = parseKey(key);
    const uses = usesIn(facts);
    if (depth > 3 || uses.endsBlock(temp)) return false;
    return uses.readers(temp).every((reader) => {
      if (reader.op === "get") return true;
      if (reader.op !== "store") return false;
      const variable = this.#view.world.facts(file)?.variables[reader.variable];
      if (!variable || variable.captured || variable.exported) return false;
      const code = facts.blocks.flatMap((block) => block.code);
      return code.every(
        (i) => i.op !== "load" || i.variable !== reader.variable || this.#isTakenApart(i.to, depth + 1),
      );
    });
  }

  #call(i: CallInstruction): void {
    const member = memberCalled(this.#evaluation.facts, i);
    const [first, ...others] = i.arguments;
    const isPipe = member === "pipe" && i.spread.length === 0;
    if (first !== undefined && !isPipe) this.#leaves(first);
    for (const temp of others) this.#leaves(temp);
    const sources = i.receiver === undefined ? [] : this.#streams(i.receiver);
    for (const source of sources) this.#member(source, i, member);
    if (!isPipe || first === undefined) return;
    const targets = this.#streams(first);
    // Of a source that is not known, neither is what its `pipe` gives: the target, which a chain goes on with.
    if (sources.length === 0 && !isDropped(usesIn(this.#evaluation.facts), i.to)) this.#leaves(first);
    const at = this.#at(i);
    for (const target of targets) target.place ??= { at: this.#whole(first, at), in: this.#evaluation.key };
    for (const from of sources.length > 0 ? sources : [undefined]) {
      for (const to of targets.length > 0 ? targets : [undefined]) {
        this.#pipes.push({ from: from?.stream, to: to?.stream, at });
      }
      if (from && this.#isTerminal(first)) from.shown = true;
    }
  }

  #member(record: Watched, i: CallInstruction, member: string | undefined): void {
    const effect = this.#evaluation.calls.get(i);
    const isKnown = effect?.targets.every((target) => target.kind === "operation");
    if (member === undefined || !isKnown) {
      record.heard = true;
      return;
    }
    record.place ??= { at: this.#whole(i.receiver, this.#at(i)), in: this.#evaluation.key };
    if (!listens.has(member)) return;
    const [event, listener] = effect?.arguments ?? [];
    const name =
      event?.kind === "constant" && event.constant.type === "string" ? event.constant.value : undefined;
    if (name === undefined || name === "error") record.heard = true;
    else if (lastEvents.has(name) && listener && this.#settles(listener)) {
      record.awaited ??= { event: name, at: this.#at(i) };
    }
  }

  /** `resolve` itself, or a listener that calls it. */
  #settles(listener: Value): boolean {
    return alternatives(listener).some((part) => {
      if (part.kind === "settler") return true;
      const inner = part.kind === "function" ? this.#view.solution.evaluation(part.function) : undefined;
      return [...(inner?.calls.keys() ?? [])].some(
        (i) => i.op === "call" && inner?.values[i.callee]?.kind === "settler",
      );
    });
  }

  #isTerminal(temp: Temp): boolean {
    const value = this.#evaluation.values[temp];
    return value?.kind === "global" && /^process\.std(?:out|err)$/.test(value.path.join("."));
  }

  /** Somebody else has it, and may listen. */
  #leaves(temp: Temp): void {
    for (const record of this.#streams(temp)) record.heard = true;
  }

  #streams(temp: Temp): readonly Watched[] {
    const value = this.#evaluation.values[temp];
    return value ? alternatives(value).flatMap((part) => this.#records.get(plain(part) as Fresh) ?? []) : [];
  }

  #at(i: Instruction): Location {
    return locationIn(parseKey(this.#evaluation.key).file, i);
  }

  /** The expression that gives a temp. */
  #whole(temp: Temp | undefined, otherwise: Location): Location {
    const [definition] = temp === undefined ? [] : usesIn(this.#evaluation.facts).definitions(temp);
    return definition ? this.#at(definition) : otherwise;
  }
}

/** Streams that are piped into one another, and single ones that somebody waits for. */
function chains(
  records: ReadonlyMap<Fresh, Watched>,
  pipes: readonly Pipe[],
): readonly (readonly Watched[])[] {
  const group = new Map<Fresh, Set<Fresh>>([...records.keys()].map((one) => [one, new Set([one])]));
  for (const { from, to } of pipes) {
    const [a, b] = [from && group.get(from), to && group.get(to)];
    if (!a || !b || a === b) continue;
    for (const one of b) {
      a.add(one);
      group.set(one, a);
    }
  }
  const isPiped = (one: Fresh) => pipes.some(({ from, to }) => from === one || to === one);
  return [...new Set(group.values())].flatMap((set) => {
    const chain = [...set].flatMap((one) => records.get(one) ?? []).sort((a, b) => a.at.start - b.at.start);
    return chain.some((one) => one.awaited || isPiped(one.stream)) ? [chain] : [];
  });
}

function worded(
  view: ProgramView,
  file: FilePath,
  chain: readonly Watched[],
  pipes: readonly Pipe[],
): UnheardStreams | undefined {
  const unheard = chain.filter(({ heard }) => !heard);
  if (unheard.length === 0 || chain.some(({ shown }) => shown)) return undefined;
  const waiting = chain.find((one) => one.awaited);
  const members = new Set(chain.map(({ stream }) => stream));
  const steps = pipes.filter(({ from, to }) => (from && members.has(from)) || (to && members.has(to)));
  return {
    streams: unheard.map(({ name, at }) => ({ name, at })),
    ...(waiting?.awaited ? { awaited: { event: waiting.awaited.event, of: waiting.name } } : {}),
    trace: [
      ...unheard.map(({ name, at }) => ({
        at,
        what: `'${name}' is made here, and nobody listens for its errors`,
      })),
      ...distinct(steps.map(({ at }) => at)).map((at) => ({ at, what: "'pipe' hands on no failure" })),
      ...(waiting?.awaited
        ? [
            {
              at: waiting.awaited.at,
              what: `'${waiting.awaited.event}' of '${waiting.name}' is waited for here`,
            },
          ]
        : []),
    ],
    fixes: fixFor(view, file, unheard),
  };
}

function distinct(places: readonly Location[]): readonly Location[] {
  return [...new Map(places.map((at) => [at.start, at])).values()].sort((a, b) => a.start - b.start);
}

/** Each failure rejects the promise whose executor does the piping. */
function fixFor(view: ProgramView, file: FilePath, unheard: readonly Watched[]): readonly FixPlan[] {
  const ends = unheard.map(({ place }) => place && rejectAround(view, place.in));
  const [reject] = ends;
  const places = unheard.flatMap(({ place }) => place?.at ?? []);
  if (reject === undefined || ends.some((one) => one !== reject)) return [];
  const title = `Reject when ${namesOf(unheard)} ${unheard.length === 1 ? "fails" : "fail"}`;
  const edits = places.map((at) => ({
    file,
    start: at.end,
    end: at.end,
    newText: `.on("error", ${reject})`,
  }));
  return [{ title, preferred: true, edits }];
}

/** The name of `reject` where a function of an executor stands. */
function rejectAround(view: ProgramView, key: FunctionKey): string | undefined {
  const { file } = parseKey(key);
  const { variables } = view.world.facts(file) ?? { variables: [] };
  const inner = new Set<FunctionId>();
  for (const at of [key, ...view.world.enclosing(key)]) {
    const variable = view.world.function(at)?.parameters[1]?.variable;
    if (!view.world.isExecutor(at)) {
      inner.add(parseKey(at).id as FunctionId);
      continue;
    }
    const name = variable === undefined ? undefined : variables[variable]?.name;
    return variables.some((one) => one.name === name && inner.has(one.function)) ? undefined : name;
  }
  return undefined;
}

/** `'source'`, `'source' and 'target'`. */
export function namesOf(streams: readonly { readonly name: string }[]): string {
  const names = streams.map(({ name }) => `'${name}'`);
  const last = names.pop();
  return names.length === 0 ? `${last}` : `${names.join(", ")} and ${last}`;
}
