import { locationIn, type ProgramView } from "../analysis/analyzer.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { closeAfter } from "../analysis/fixes.ts";
import { type ModelType, operationOf } from "../analysis/model-index.ts";
import { valueName } from "../analysis/names.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import type { Use } from "../analysis/summary.ts";
import type { BlockId, FunctionFacts, Instruction } from "../program/facts.ts";
import { defineOwnedPass, type OwnedResource } from "./owned-resources.ts";
import type { UseIn } from "./resource-uses.ts";

/** A channel that somebody receives from until it is closed, and that nobody closes. */
export interface OpenChannel {
  /** The variable that holds it: `results`. */
  readonly name: string;
  /** Where it is made. */
  readonly at: Location;
  readonly loops: readonly Location[];
  readonly sends: readonly Location[];
  readonly fixes: readonly FixPlan[];
}

/** Channels that are received from and never closed. */
export const channels = defineOwnedPass<OpenChannel>("channels", "channel", neverClosed);

function neverClosed(view: ProgramView, { resource, uses }: OwnedResource): readonly OpenChannel[] {
  const operation = (use: Use) => operationOf(use.model, use.operation);
  if (uses.some((use) => operation(use)?.op === "close")) return [];
  const owner = resource.site.function;
  const atTop = isModule(view, owner);
  const ranges = uses.filter((use) => operation(use)?.op === "range" && operation(use)?.ends === "onClose");
  // A channel of a module may live as long as the process, unless a module itself waits for its end.
  const waiting = atTop ? ranges.filter(({ by, via }) => isModule(view, by) && via.length === 0) : ranges;
  if (waiting.length === 0 || ranges.some((use) => leavesEarly(view, use))) return [];
  const [made] = resource.site.path;
  if (!made) return [];
  const sends = uses.filter((use) => operation(use)?.op === "send" || operation(use)?.op === "trySend");
  const name = valueName(view, resource) ?? localName(view, owner, made) ?? "the channel";
  return [
    {
      name,
      at: made,
      loops: places(waiting),
      sends: places(sends),
      fixes: fixesFor(view, owner, name, sends, resource.made.model),
    },
  ];
}

function isModule(view: ProgramView, key: FunctionKey): boolean {
  return view.world.function(key)?.kind === "module";
}

function places(uses: readonly Use[]): Location[] {
  const found = new Map(uses.map((use) => [`${use.at.file}:${use.at.start}`, use.at]));
  return [...found.values()].sort((a, b) =>
    a.file === b.file ? a.start - b.start : a.file < b.file ? -1 : 1,
  );
}

/** The loop has a `break`, `return`, `throw` or jump out of it. */
function leavesEarly(view: ProgramView, use: Use): boolean {
  for (const facts of view.world.facts(use.at.file)?.functions ?? []) {
    const code = facts.blocks.flatMap((block) => block.code);
    for (const i of code) {
      if (i.op !== "iterate" || i.start !== use.at.start || i.end !== use.at.end) continue;
      const closes = (step: Instruction) => step.op === "close-iterator" && step.iterator === i.to;
      // An exception closes it, too: one that the loop itself throws is a way out.
      const throws = facts.blocks.some(
        ({ end, handler }) => end.kind === "throw" && onwardFrom(facts, handler).some(closes),
      );
      return throws || code.some((step) => closes(step) && !("quiet" in step && step.quiet));
    }
  }
  return true;
}

/** The code that runs from a block on, up to where ways part. */
function onwardFrom(facts: FunctionFacts, from: BlockId | undefined): readonly Instruction[] {
  const seen = new Set<BlockId>();
  let code: readonly Instruction[] = [];
  for (let id = from; id !== undefined && !seen.has(id); ) {
    seen.add(id);
    const block = facts.blocks[id];
    code = [...code, ...(block?.code ?? [])];
    id = block?.end.kind === "goto" ? block.end.to : undefined;
  }
  return code;
}

/** The variable that the call at a place is stored in. */
function localName(view: ProgramView, key: FunctionKey, made: Location): string | undefined {
  const { file } = parseKey(key);
  const facts: FunctionFacts | undefined = view.world.function(key);
  const code = facts?.blocks.flatMap((block) => block.code) ?? [];
  for (const i of code) {
    if ((i.op !== "new" && i.op !== "call") || i.start !== made.start || i.end !== made.end) continue;
    const store = code.find((step) => step.op === "store" && step.from === i.to);
    if (store?.op === "store") return view.world.facts(file)?.variables[store.variable]?.name;
  }
  return undefined;
}

/** Closing is safe behind the last send when the owner itself, and nobody else, sends. */
function fixesFor(
  view: ProgramView,
  owner: FunctionKey,
  name: string,
  sends: readonly UseIn[],
  { members }: ModelType,
): FixPlan[] {
  const { file } = parseKey(owner);
  const facts = view.world.function(owner);
  const [close] = [...members].find(([, { op }]) => op === "close") ?? [];
  if (!facts || close === undefined || sends.length === 0 || !/^[\w$]+$/.test(name)) return [];
  if (sends.some((use) => use.by !== owner || use.via.length > 0)) return [];
  const fix = closeAfter(
    view,
    facts,
    file,
    sends.map((use) => locationIn(file, use.at)),
    `${name}.${close}()`,
    `Close '${name}' after the last send`,
  );
  return fix ? [fix] : [];
}
