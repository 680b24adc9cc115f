import { definePass, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import { capacityOf, isExclusive } from "../analysis/capacities.ts";
import { loopBlocks } from "../analysis/contexts.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { isLock, operationOf, opOf } from "../analysis/model-index.ts";
import { calleeName } from "../analysis/names.ts";
import type { FunctionKey, Location } from "../analysis/places.ts";
import type { Value } from "../analysis/values.ts";
import type { Instruction } from "../program/facts.ts";
import { isSame } from "../program/ranges.ts";
import { holdAndWait } from "./hold-and-wait.ts";
import { awaitOutside } from "./lock-fixes.ts";
import { type Parallel, parallel } from "./parallel.ts";
import { identityOf } from "./resource-identity.ts";
import { type ResourceUses, resourceUses, type UseIn } from "./resource-uses.ts";
import type { Edge } from "./wait-edges.ts";

// A holder waits for somebody else, who cannot go on before it has the lock: a task that was started, the tasks of a
// queue, those that a group counts, the other end of a channel.

export interface WaitForOther {
  readonly of: "task" | "channel";
  readonly lock: string;
  /** Who is waited for: `refresh`, or the channel. */
  readonly other: string;
  readonly at: Location;
  /** What the holder does with a channel. */
  readonly op: "send" | "recv" | undefined;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

type Found = Omit<WaitForOther, "fixes">;

export const waitsForOthers = definePass<readonly WaitForOther[]>({
  id: "waits-for-others",
  run(view, resultOf) {
    let found: OtherEnds | undefined;
    const others = () => {
      const any = view.world.files[0] ?? "";
      found ??= otherEnds(view, resultOf(resourceUses, any), resultOf(parallel, any));
      return found;
    };
    const mended = (edge: Edge, wait: Found | undefined): readonly WaitForOther[] => {
      if (!wait) return [];
      const any = view.world.files[0] ?? "";
      // What a channel is for, and whether it may be used without the lock, the code does not say.
      const fix = wait.of === "task" ? awaitOutside(view, edge, resultOf(parallel, any)) : undefined;
      return [{ ...wait, fixes: fix ? [fix] : [] }];
    };
    return (file) => {
      const { selfWaits, waits, ofTasks } = resultOf(holdAndWait, file);
      return distinct([
        ...selfWaits.flatMap((edge) => mended(edge, startedTask(view, edge))),
        ...waits.flatMap((edge) => mended(edge, waitOf(view, edge, ofTasks, others()))),
      ]);
    };
  },
});

function distinct(found: readonly WaitForOther[]): readonly WaitForOther[] {
  const byPlace = new Map(found.map((one) => [`${one.at.start} ${one.lock}`, one]));
  return [...byPlace.values()];
}

/** A task that the holder waits for asks for the lock itself. */
function startedTask(view: ProgramView, edge: Edge): Found | undefined {
  if (edge.task === undefined || !isLock(edge.held.model) || !isExclusive(view, edge.held)) return undefined;
  const other = calleeName(view, edge.task);
  return { of: "task", lock: edge.held.text, other, at: edge.from, op: undefined, trace: edge.trace };
}

function waitOf(
  view: ProgramView,
  edge: Edge,
  ofTasks: readonly Edge[],
  others: OtherEnds,
): Found | undefined {
  const { held, wanted } = edge;
  if (!isExclusive(view, held)) return undefined;
  const said = { lock: held.text, other: wanted.text, at: edge.from };
  switch (edge.op) {
    case "waitIdle": {
      const task = ofTasks.find(
        (one) =>
          others.identity(one.held.resource) === others.identity(wanted.resource) &&
          others.identity(one.wanted.resource) === others.identity(held.resource),
      );
      if (!task) return undefined;
      return { of: "task", ...said, op: undefined, trace: [...edge.trace, ...task.trace] };
    }
    case "wait": {
      const member = others.counted(edge);
      if (!member) return undefined;
      const step = { at: member, what: `a task that '${wanted.text}' counts needs '${held.text}' here` };
      return { of: "task", ...said, op: undefined, trace: [...edge.trace, step] };
    }
    case "send":
    case "recv":
    case "range": {
      const isSend = edge.op === "send";
      if (isSend && !isUnbuffered(view, edge, others.identity(wanted.resource))) return undefined;
      const needs = others.ofChannel(edge);
      if (!needs) return undefined;
      const verb = isSend ? "receives from" : "sends to";
      const steps = needs.map((at) => ({
        at,
        what: `who ${verb} '${wanted.text}' needs '${held.text}' here`,
      }));
      return { of: "channel", ...said, op: isSend ? "send" : "recv", trace: [...edge.trace, ...steps] };
    }
    default:
      return undefined;
  }
}

/** A send that is only over when somebody receives. */
function isUnbuffered(view: ProgramView, { wanted }: Edge, channel: Value): boolean {
  const { completes } = operationOf(wanted.model, wanted.operation) ?? {};
  return completes === "onReceive" || capacityOf(view, channel) === 0;
}

interface OtherEnds {
  /** One name for a resource that several objects were handed. */
  identity(resource: Value): Value;
  /** Where a task that a group counts asks for the lock. */
  counted(edge: Edge): Location | undefined;
  /** Where each of those at the other end of a channel asks for the lock; undefined when one goes on without it. */
  ofChannel(edge: Edge): readonly Location[] | undefined;
}

function otherEnds(view: ProgramView, { byResource, escaped }: ResourceUses, beside: Parallel): OtherEnds {
  const identity = (value: Value) => identityOf(view, beside.contexts(), value);
  const byIdentity = new Map<Value, UseIn[]>();
  for (const [resource, uses] of byResource) {
    const same = identity(resource);
    byIdentity.set(same, [...(byIdentity.get(same) ?? []), ...uses]);
  }
  const usesOf = (resource: Value) => byIdentity.get(identity(resource)) ?? [];
  const takes = (key: FunctionKey, lock: Value) =>
    usesOf(lock).find((one) => one.by === key && /^(acquire|scoped)$/.test(opOf(one) ?? ""));
  return {
    identity,
    counted({ held, wanted, function: holder }) {
      for (const one of usesOf(wanted.resource)) {
        if (opOf(one) !== "done" || one.by === holder) continue;
        const taken = takes(one.by, held.resource);
        if (taken) return taken.at;
      }
      return undefined;
    },
    ofChannel(edge) {
      const { held, wanted } = edge;
      const other = edge.op === "send" ? /^(recv|tryRecv|range)$/ : /^(send|trySend)$/;
      if (escaped.has(wanted.resource)) return undefined;
      const ends = usesOf(wanted.resource).filter(
        (one) => one.via.length === 0 && other.test(opOf(one) ?? ""),
      );
      if (ends.length === 0) return undefined;
      const needs = ends.map((one) =>
        one.by === edge.function
          ? undefined
          : needAt(
              view,
              beside,
              one,
              (lock) => identity(lock) === identity(held.resource),
              takes(one.by, held.resource),
            ),
      );
      return needs.every((at) => at !== undefined) ? needs : undefined;
    },
  };
}

/** Where somebody at the other end of a channel has to have the lock: there, or before it comes back. */
function needAt(
  view: ProgramView,
  beside: Parallel,
  use: UseIn,
  isLockHeld: (lock: Value) => boolean,
  taken: UseIn | undefined,
): Location | undefined {
  const { by } = use;
  const facts = view.world.function(by);
  if (!facts) return undefined;
  const { blocks } = facts;
  const at = (place: Location) => (i: Instruction) => isSame(i, place);
  const instruction = blocks.flatMap((block) => block.code).find(at(use.at));
  if (!instruction) return undefined;
  const held = [...beside.contexts().gates(by), ...beside.heldAt(by, instruction)];
  if (held.some(isLockHeld)) return use.at;
  const loops = loopBlocks(facts);
  const inLoop = (place: Location) => blocks.some((block, id) => loops.has(id) && block.code.some(at(place)));
  if (!taken || taken.via.length > 0 || !inLoop(taken.at)) return undefined;
  // A loop over a channel asks for its iterator once, in front of the loop.
  return inLoop(use.at) || instruction.op === "iterate" ? taken.at : undefined;
}
