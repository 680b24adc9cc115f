import type { OperationModel, OperationName } from "@unknot/models/model.ts";
import { locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import { type Contexts, isAwaited, loopBlocks } from "../analysis/contexts.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { usesIn } from "../analysis/flow.ts";
import { operationOf, opOf } from "../analysis/model-index.ts";
import { functionAround, resourceName } from "../analysis/names.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { plain } from "../analysis/values.ts";
import { alwaysPasses, placeIn, reaches } from "../analysis/walk.ts";
import type { BlockId, Instruction } from "../program/facts.ts";
import { successors } from "../program/instructions.ts";
import { isSame } from "../program/ranges.ts";
import { defineOwnedPass, type OwnedResource } from "./owned-resources.ts";
import type { UseIn } from "./resource-uses.ts";

/** An operation on a channel that waits for the other side, which nobody has started by then. */
export interface BlockedOperation {
  /** As written: `numbers`. */
  readonly channel: string;
  readonly what: "send" | "receive";
  readonly at: Location;
  readonly capacity: number;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const blockedChannels = defineOwnedPass<BlockedOperation>("blocked-channels", "channel", blockedIn);

const sends: ReadonlySet<OperationName | undefined> = new Set(["send", "trySend"]);
const receives: ReadonlySet<OperationName | undefined> = new Set(["recv", "tryRecv", "range", "select"]);

function blockedIn(
  view: ProgramView,
  owned: OwnedResource,
  contexts: () => Contexts,
): readonly BlockedOperation[] {
  const owner = owned.resource.site.function;
  const evaluation = view.solution.evaluation(owner);
  if (!evaluation || evaluation.facts.imprecise !== undefined || evaluation.facts.generator) return [];
  const code = new OwnerCode(view, owned, evaluation, contexts);
  const found = [code.firstSend(), code.firstReceive()].filter((one) => one !== undefined);
  // The first one keeps the others from running.
  return found.sort((a, b) => a.at.start - b.at.start).slice(0, 1);
}

interface OwnOperation {
  readonly operation: OperationModel;
  /** In the function that makes the channel. */
  readonly instruction: Instruction;
  /** The operation itself, in what that calls. */
  readonly inner: Instruction;
  readonly at: Location;
}

/** The function that makes a channel, and what it and others do to it. */
class OwnerCode {
  readonly #view: ProgramView;
  readonly #owned: OwnedResource;
  readonly #evaluation: Evaluation;
  readonly #contexts: () => Contexts;

  constructor(view: ProgramView, owned: OwnedResource, evaluation: Evaluation, contexts: () => Contexts) {
    this.#view = view;
    this.#owned = owned;
    this.#evaluation = evaluation;
    this.#contexts = contexts;
  }

  /** A send that finds the buffer full, while nobody receives. */
  firstSend(): BlockedOperation | undefined {
    const { uses, resource } = this.#owned;
    for (const use of this.#own(sends)) {
      const { operation, instruction } = use;
      const capacity = operation.completes === "onReceive" ? 0 : resource.made.capacity;
      if (operation.op !== "send" || capacity === undefined || !this.#waits(use)) continue;
      const others = uses.filter((one) => !sends.has(opOf(one)) && opOf(one) !== "query");
      // With a buffer, what was received before made room.
      const isReceived = others.some((one) => this.#isAtWork(one, instruction, capacity > 0));
      if (isReceived || this.#fewestBefore(instruction) < capacity) continue;
      const fix = operation.completes === "onReceive" ? undefined : this.#room();
      return this.#blocked("send", instruction, use.at, capacity, fix ? [fix] : []);
    }
    return undefined;
  }

  /** A receive that nobody has sent anything for. */
  firstReceive(): BlockedOperation | undefined {
    const { uses } = this.#owned;
    const isClosed = uses.some((use) => opOf(use) === "close");
    for (const use of this.#own(receives)) {
      const { operation, instruction, at } = use;
      const isLoop = operation.op === "range";
      // A loop over a channel that nobody closes is a mistake of its own.
      if (isLoop ? !isClosed : operation.op !== "recv" || !this.#waits(use)) continue;
      const others = uses.filter((one) => !receives.has(opOf(one)) && opOf(one) !== "query");
      if (others.some((one) => this.#isAtWork(one, instruction, true))) continue;
      // Nobody ever sends: what the function is for we do not see.
      if (!others.some((one) => sends.has(opOf(one)))) continue;
      return this.#blocked("receive", instruction, at, this.#owned.resource.made.capacity ?? 0, []);
    }
    return undefined;
  }

  /** What the function does with the channel, itself or by what it calls and awaits, in the order written. */
  #own(ops: ReadonlySet<OperationName | undefined>): readonly OwnOperation[] {
    const { key, facts, awaits } = this.#evaluation;
    const { file } = parseKey(key);
    const code = facts.blocks.flatMap((block) => block.code);
    const direct = this.#owned.uses.flatMap((use): readonly OwnOperation[] => {
      const operation = operationOf(use.model, use.operation);
      const instruction = code.find((i) => isSame(i, use.at) && (i.op === "call" || i.op === "iterate"));
      if (use.by !== key || use.via.length > 0 || !operation || !instruction) return [];
      return [{ operation, instruction, inner: instruction, at: use.at }];
    });
    const through = [...awaits.values()].flatMap(({ waits }) =>
      waits.list.flatMap((wait): readonly OwnOperation[] => {
        if (wait.kind !== "operation" || plain(wait.resource) !== this.#owned.resource) return [];
        const [place, ...steps] = [...wait.via, wait.at];
        const operation = operationOf(wait.model, wait.operation);
        const instruction = code.find((i) => i.op === "call" && place?.file === file && isSame(i, place));
        const inner = this.#always(steps);
        return operation && instruction && inner ? [{ operation, instruction, inner, at: wait.at }] : [];
      }),
    );
    return [...direct, ...through]
      .filter(({ operation }) => ops.has(operation.op))
      .sort((a, b) => a.instruction.start - b.instruction.start);
  }

  /** The last of these calls, when every function on the way always comes to it. */
  #always(steps: readonly Location[]): Instruction | undefined {
    let last: Instruction | undefined;
    for (const step of steps) {
      const around = functionAround(this.#view, step);
      const evaluation = around && this.#view.solution.evaluation(around);
      if (!evaluation || !alwaysPasses(evaluation, undefined, (i) => i.op === "call" && isSame(i, step))) {
        return undefined;
      }
      last = evaluation.facts.blocks
        .flatMap(({ code }) => code)
        .find((i) => i.op === "call" && isSame(i, step));
    }
    return last;
  }

  /** It is awaited on the spot, and nothing can end the waiting. */
  #waits({ instruction, inner, operation }: OwnOperation): boolean {
    if (instruction.op !== "call" || inner.op !== "call") return false;
    // What else is given may be a signal.
    const given = operation.op === "send" ? (operation.receiver ?? 0) + 1 : (operation.receiver ?? -1) + 1;
    if (inner.arguments.length > given || inner.spread.length > 0) return false;
    const uses = usesIn(this.#evaluation.facts);
    const readers = uses.readers(instruction.to);
    return readers.length === 1 && readers[0]?.op === "await" && !uses.endsBlock(instruction.to);
  }

  /** Whether a use may be under way, or with `orOver` have happened, when control comes to an instruction. */
  #isAtWork(use: UseIn, at: Instruction, orOver: boolean): boolean {
    const { key, facts } = this.#evaluation;
    if (use.by !== key) return this.#mayRun(use.by, at, orOver, 0);
    const place = use.via[0] ?? use.at;
    const steps = facts.blocks.flatMap(({ code }) => code.filter((i) => isSame(i, place)));
    const calls = steps.filter((i) => i.op === "call" || i.op === "new" || i.op === "iterate");
    return calls.some((i) => {
      if (i === at || !reaches(facts, i, at)) return false;
      // A loop of the owner itself does not receive while it is somewhere else.
      return orOver || (i.op !== "iterate" && !isAwaited(facts, i.to));
    });
  }

  /** Whether a function may have been started before control comes to an instruction of the owner. */
  #mayRun(function_: FunctionKey, at: Instruction, orOver: boolean, depth: number): boolean {
    const { key, facts } = this.#evaluation;
    const known = this.#contexts().of(function_);
    if (known.length === 0 || depth > 4) return true;
    return known.some(({ caller, instruction, awaited }) => {
      if (caller === undefined || instruction === undefined) return true;
      if (caller !== key) return this.#mayRun(caller, at, orOver, depth + 1);
      // The call that waits somewhere inside may have started it before.
      if (instruction === at) return true;
      if (!reaches(facts, instruction, at)) return false;
      return orOver || !awaited;
    });
  }

  /** The fewest sends on any way from where the channel is made to an instruction. */
  #fewestBefore(at: Instruction): number {
    const { facts } = this.#evaluation;
    const own = new Set(this.#own(sends).map(({ instruction }) => instruction));
    const [made] = this.#owned.resource.site.path;
    const best = new Map<BlockId, number>();
    const open: { readonly block: BlockId; readonly from: number; readonly count: number }[] = [];
    for (const [id, { code }] of facts.blocks.entries()) {
      const position = code.findIndex((i) => made !== undefined && isSame(i, made));
      if (position >= 0) open.push({ block: id as BlockId, from: position + 1, count: 0 });
    }
    let fewest = Number.POSITIVE_INFINITY;
    for (let next = open.pop(); next; next = open.pop()) {
      const block = facts.blocks[next.block];
      if (!block || next.count >= fewest) continue;
      let { count } = next;
      let isThere = false;
      for (const i of block.code.slice(next.from)) {
        if (i === at) {
          fewest = Math.min(fewest, count);
          isThere = true;
          break;
        }
        if (own.has(i)) count += 1;
      }
      if (isThere) continue;
      const exits = successors(block.end);
      // An exception may come before anything of the block was sent.
      const all = [
        ...exits.map((to) => ({ to, count })),
        ...(block.handler === undefined ? [] : [{ to: block.handler, count: next.count }]),
      ];
      for (const { to, count: sent } of all) {
        if ((best.get(to) ?? Number.POSITIVE_INFINITY) <= sent) continue;
        best.set(to, sent);
        open.push({ block: to, from: 0, count: sent });
      }
    }
    return fewest === Number.POSITIVE_INFINITY ? 0 : fewest;
  }

  /** A buffer for all that is sent, when that can be counted and the size stands where the channel is made. */
  #room(): FixPlan | undefined {
    const { facts } = this.#evaluation;
    const { resource, uses } = this.#owned;
    const own = this.#own(sends);
    const loops = loopBlocks(facts);
    const isCounted = own.every(({ instruction }) => {
      const place = placeIn(facts, instruction);
      return place !== undefined && !loops.has(place.block);
    });
    const all = new Set(uses.filter((use) => sends.has(opOf(use))).map(({ at }) => at.start));
    const [made] = resource.site.path;
    const text = made && this.#view.text(made.file)?.slice(made.start, made.end);
    const [given] = /\((?:\d+)?\)$/.exec(text ?? "") ?? [];
    if (!made || given === undefined || !isCounted || all.size > own.length) return undefined;
    return {
      title: own.length === 1 ? "Make room for one value" : `Make room for ${own.length} values`,
      preferred: true,
      edits: [{ ...made, start: made.end - given.length, newText: `(${own.length})` }],
    };
  }

  #blocked(
    what: BlockedOperation["what"],
    instruction: Instruction,
    at: Location,
    capacity: number,
    fixes: readonly FixPlan[],
  ): BlockedOperation {
    const { resource, uses } = this.#owned;
    const place = locationIn(parseKey(this.#evaluation.key).file, instruction);
    const channel = resourceName(this.#view, resource, at);
    const [made] = resource.site.path;
    const later = uses.filter((use) => (what === "send" ? receives : sends).has(opOf(use)));
    return {
      channel,
      what,
      at: place,
      capacity,
      fixes,
      trace: [
        ...(made ? [{ at: made, what: `'${channel}' is made here` }] : []),
        { at: place, what: what === "send" ? "this send waits for a receiver" : "this waits for a value" },
        ...later.map((use) => ({
          at: use.via[0] ?? use.at,
          what: what === "send" ? "the receiver comes only here" : "the value is sent only here",
        })),
      ],
    };
  }
}
