import type { BlockId, FunctionFacts, Instruction, VariableId } from "../program/facts.ts";
import { operands, successors } from "../program/instructions.ts";
import { isSymbolic } from "./call-effects.ts";
import { isLock, opOf } from "./model-index.ts";
import type { FunctionKey } from "./places.ts";
import type { CallEffect } from "./semantics.ts";
import type { Scope } from "./summary.ts";
import { alternatives, type Fresh, plain, rootOf, type Value, type Waits } from "./values.ts";

/** What is known of a function when its instructions have their values. */
export interface Evaluated {
  readonly key: FunctionKey;
  readonly facts: FunctionFacts;
  readonly values: readonly Value[];
  readonly calls: ReadonlyMap<Instruction, CallEffect>;
  readonly awaits: ReadonlyMap<Instruction, { readonly waits: Waits }>;
  /** Closures mention the variable. */
  readonly isCaptured: (variable: VariableId) => boolean;
}

type Handle = Fresh & { readonly made: { readonly type: "handle" } };

/**
 * The callbacks of its caller that a function runs between its own acquire and release: such a wrapper is a scoped
 * acquire, as good as one of a library. One that also runs the callback elsewhere, because somebody up the stack may
 * hold the lock, is none; neither is one whose right to release goes where we do not see it.
 */
export function inferredScopes(of: Evaluated): readonly Scope[] {
  const awaited = [...of.awaits].flatMap(([at, { waits }]) =>
    waits.list.flatMap((wait) =>
      wait.kind === "call" && isSymbolic(wait.callee) ? [{ instruction: at, wait }] : [],
    ),
  );
  if (awaited.length === 0) return [];
  return [...handlesIn(of)].flatMap((handle): readonly Scope[] => {
    const { model, operation, resource } = handle.made;
    const all = of.facts.blocks.flatMap((block) => block.code);
    const taken = all.filter((i) => i.op === "await" && of.values[i.to] === handle);
    const released = all.filter((i) => releases(of, handle, i));
    if (taken.length === 0 || released.length === 0 || all.some((i) => loses(of, handle, i))) return [];
    const stops = new Set(taken);
    const outside = new Set([...reachable(of.facts, [], stops), ...reachable(of.facts, released, stops)]);
    return awaited.flatMap(({ instruction, wait }): readonly Scope[] => {
      const runs = [...of.calls].filter(([, effect]) => runsIt(effect, wait.callee));
      if (outside.has(instruction) || runs.some(([call]) => outside.has(call))) return [];
      const { callee, at, via } = wait;
      return [{ model, operation, resource, callee, arguments: wait.arguments, at, via }];
    });
  });
}

/** Rights to release a lock that come into being here. */
function handlesIn({ key, calls }: Evaluated): ReadonlySet<Handle> {
  const found = new Set<Handle>();
  for (const { result } of calls.values()) {
    const value = result.kind === "promise" ? result.of : result;
    if (value.kind !== "fresh" || value.made.type !== "handle" || value.site.function !== key) continue;
    if (isLock(value.made.model)) found.add(value as Handle);
  }
  return found;
}

/** It calls the handle, hands it on, or releases the resource. */
function releases({ calls, values }: Evaluated, handle: Handle, i: Instruction): boolean {
  if (i.op === "dispose") return isOf(values[i.from], handle);
  const effect = calls.get(i);
  if (!effect) return false;
  if (i.op === "call" && isOf(values[i.callee], handle)) return true;
  if (effect.arguments.some((argument) => isOf(argument, handle))) return true;
  const { resource } = handle.made;
  return effect.uses.some((use) => plain(use.resource) === plain(resource) && opOf(use) === "release");
}

function isOf(value: Value | undefined, handle: Handle): boolean {
  return value !== undefined && alternatives(value).some((one) => rootOf(one) === handle);
}

/** The handle goes into an object, a field, a closure's variable: it may be released anywhere. */
function loses({ values, isCaptured }: Evaluated, handle: Handle, i: Instruction): boolean {
  switch (i.op) {
    case "store":
      return isCaptured(i.variable) && isOf(values[i.from], handle);
    case "await":
    case "move":
    case "load":
    case "get":
    case "rest":
    case "call":
    case "new":
    case "dispose":
    case "unary":
    case "binary":
      return false;
    default:
      return operands(i).some((temp) => isOf(values[temp], handle));
  }
}

/** Its promise waits for the callback, or it calls it. */
function runsIt({ targets, result }: CallEffect, callee: Value): boolean {
  return (
    targets.some((target) => target.kind === "symbolic" && target.callee === callee) ||
    (result.kind === "promise" &&
      result.waits.list.some((wait) => wait.kind === "call" && wait.callee === callee))
  );
}

/** What can run behind these instructions (none: from the beginning) before one of `stops` has. */
function reachable(
  { blocks }: FunctionFacts,
  from: readonly Instruction[],
  stops: ReadonlySet<Instruction>,
): ReadonlySet<Instruction> {
  const found = new Set<Instruction>();
  const entered = new Set<BlockId>();
  const open: { readonly block: BlockId; readonly at: number }[] = [];
  const enter = (block: BlockId) => {
    if (entered.has(block)) return;
    entered.add(block);
    open.push({ block, at: 0 });
  };
  if (from.length === 0) enter(0 as BlockId);
  for (const [id, { code }] of blocks.entries()) {
    for (const [at, i] of code.entries()) {
      if (from.includes(i)) open.push({ block: id as BlockId, at: at + 1 });
    }
  }
  for (let next = open.pop(); next; next = open.pop()) {
    const block = blocks[next.block];
    if (!block) continue;
    if (block.handler !== undefined) enter(block.handler);
    const rest = block.code.slice(next.at);
    const stop = rest.findIndex((i) => stops.has(i));
    for (const i of stop < 0 ? rest : rest.slice(0, stop)) found.add(i);
    if (stop < 0) for (const to of successors(block.end)) enter(to);
  }
  return found;
}
