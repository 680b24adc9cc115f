import { definePass, locationIn, type ProgramView } from "../analysis/analyzer.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { closeAfter } from "../analysis/fixes.ts";
import { operationOf } from "../analysis/model-index.ts";
import { valueName } from "../analysis/names.ts";
import { type FunctionKey, type Location, parseKey, type VariableKey } from "../analysis/places.ts";
import { publicVariables } from "../analysis/public-variables.ts";
import type { Use } from "../analysis/summary.ts";
import type { Fresh, Value } from "../analysis/values.ts";
import type { FunctionFacts } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";

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

interface UseIn extends Use {
  readonly by: FunctionKey;
}

/** Channels that are owned by what we see, with all that is done to them anywhere in the program. */
export const channels = definePass<readonly OpenChannel[]>({
  id: "channels",
  run(view) {
    const uses = new Map<Value, UseIn[]>();
    const escaped = new Set<Value>();
    const isPublic = publicVariables(view);
    for (const key of view.solution.functions) {
      view.attempt(
        parseKey(key).file,
        "channels",
        () => collect(view, key, uses, escaped, isPublic),
        undefined,
      );
    }
    const open = new Map<FilePath, OpenChannel[]>();
    for (const [resource, list] of uses) {
      const { file } = parseKey((resource as Fresh).site.function);
      const found = view.attempt(
        file,
        "channels",
        () => neverClosed(view, resource as Fresh, list, escaped),
        undefined,
      );
      if (found) open.set(file, [...(open.get(file) ?? []), found]);
    }
    return (file) => (open.get(file) ?? []).sort((a, b) => a.at.start - b.at.start);
  },
});

function collect(
  view: ProgramView,
  key: FunctionKey,
  uses: Map<Value, UseIn[]>,
  escaped: Set<Value>,
  isPublic: (variable: VariableKey) => boolean,
): void {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation) return;
  for (const [variable, values] of evaluation.exported) {
    if (values.some(isChannel) && isPublic(variable)) for (const value of values) escaped.add(value);
  }
  for (const value of evaluation.escapes) escaped.add(value);
  for (const use of evaluation.uses) {
    if (use.model.kind !== "channel" || use.resource.kind !== "fresh") continue;
    const known = uses.get(use.resource);
    if (known) known.push({ ...use, by: key });
    else uses.set(use.resource, [{ ...use, by: key }]);
  }
}

function isChannel(value: Value): boolean {
  return value.kind === "fresh" && value.made.type === "resource" && value.made.model.kind === "channel";
}

function neverClosed(
  view: ProgramView,
  resource: Fresh,
  uses: readonly UseIn[],
  escaped: ReadonlySet<Value>,
): OpenChannel | undefined {
  if (resource.made.type !== "resource" || escaped.has(resource)) return undefined;
  const operation = (use: Use) => operationOf(use.model, use.operation);
  if (uses.some((use) => operation(use)?.op === "close")) return undefined;
  const owner = resource.site.function;
  const atTop = isModule(view, owner);
  const ranges = uses.filter((use) => operation(use)?.op === "range" && operation(use)?.ends === "onClose");
  // A channel of a module may live as long as the process, unless a module itself waits for its end.
  const waiting = atTop ? ranges.filter(({ by, via }) => isModule(view, by) && via.length === 0) : ranges;
  if (waiting.length === 0 || ranges.some((use) => leavesEarly(view, use))) return undefined;
  const [made] = resource.site.path;
  if (!made) return undefined;
  const sends = uses.filter((use) => operation(use)?.op === "send" || operation(use)?.op === "trySend");
  const name = valueName(view, resource) ?? localName(view, owner, made) ?? "the channel";
  return {
    name,
    at: made,
    loops: places(waiting),
    sends: places(sends),
    fixes: fixesFor(view, owner, name, sends),
  };
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

/** The loop has a `break`, `return` or jump out of it. */
function leavesEarly(view: ProgramView, use: Use): boolean {
  for (const facts of view.world.facts(use.at.file)?.functions ?? []) {
    const code = facts.blocks.flatMap((block) => block.code);
    for (const i of code) {
      if (i.op !== "iterate" || i.start !== use.at.start || i.end !== use.at.end) continue;
      return code.some((step) => step.op === "close-iterator" && step.iterator === i.to && !step.quiet);
    }
  }
  return true;
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
function fixesFor(view: ProgramView, owner: FunctionKey, name: string, sends: readonly UseIn[]): FixPlan[] {
  const { file } = parseKey(owner);
  const facts = view.world.function(owner);
  if (!facts || sends.length === 0 || !/^[\w$]+$/.test(name)) return [];
  if (sends.some((use) => use.by !== owner || use.via.length > 0)) return [];
  const fix = closeAfter(
    view,
    facts,
    file,
    sends.map((use) => locationIn(file, use.at)),
    name,
  );
  return fix ? [fix] : [];
}
