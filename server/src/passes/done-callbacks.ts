import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { parameterRemoval } from "../analysis/fixes.ts";
import { resourceName } from "../analysis/names.ts";
import { type FunctionKey, isWithin, type Location, parseKey } from "../analysis/places.ts";
import { plain } from "../analysis/values.ts";
import type { BlockId, FunctionFacts, Instruction, Range, VariableId } from "../program/facts.ts";
import { successors } from "../program/instructions.ts";

/** A callback that ends a lock's section, or its task in a queue, by calling its parameter, and that does not call it. */
export interface UncalledDone {
  readonly resource: string;
  /** It has a slot of a queue, and no lock. */
  readonly isTask: boolean;
  /** Without the parameter its promise would count. */
  readonly mayReturn: boolean;
  /** The parameter, by its name. */
  readonly parameter: string;
  readonly at: Location;
  /** `never`: nothing mentions it. `path`: one path does not. */
  readonly when: "never" | "path";
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const doneCallbacks = definePass<readonly UncalledDone[]>({
  id: "done-callbacks",
  run: (view) => (file) =>
    view
      .functionsOf(file)
      .flatMap((key) => view.attempt(file, "done-callbacks", () => uncalledIn(view, key), [])),
});

function uncalledIn(view: ProgramView, key: FunctionKey): readonly UncalledDone[] {
  const { file } = parseKey(key);
  const found: UncalledDone[] = [];
  for (const [instruction, { targets, arguments: given }] of view.solution.evaluation(key)?.calls ?? []) {
    for (const target of targets) {
      if (target.kind !== "operation" || target.operation.doneParam === undefined) continue;
      const callee = given[target.operation.fn ?? 0];
      if (callee?.kind !== "function") continue;
      const call = locationIn(file, instruction);
      const one = uncalled(view, callee.function, target.operation.doneParam, call);
      if (!one) continue;
      const mayReturn = target.operation.doneOnly !== true;
      found.push({
        ...one,
        resource: resourceName(view, plain(target.resource ?? callee), call),
        isTask: target.model?.kind === "queue",
        mayReturn,
        fixes: mayReturn ? one.fixes : [],
      });
    }
  }
  return found;
}

function uncalled(
  view: ProgramView,
  key: FunctionKey,
  index: number,
  call: Location,
): Omit<UncalledDone, "resource" | "isTask" | "mayReturn"> | undefined {
  const { file } = parseKey(key);
  const facts = view.world.function(key);
  const parameter = facts?.parameters[index];
  // A default or a rest parameter does not count towards the length of a function.
  if (!facts || !parameter || parameter.rest || facts.usesArguments || isDefaulted(view, file, parameter)) {
    return undefined;
  }
  const variable = parameter.variable;
  const fact = variable === undefined ? undefined : view.world.facts(file)?.variables[variable];
  if (fact?.captured) return undefined;
  const missed = variable === undefined ? { at: facts.body, any: false } : missedIn(facts, variable);
  if (!missed) return undefined;
  const name = fact?.name ?? "its parameter";
  const end = locationIn(file, missed.at);
  const removal =
    missed.any || facts.parameters.length > 1 || !isWithin(locationIn(file, facts), call)
      ? undefined
      : parameterRemoval(view, locationIn(file, parameter));
  return {
    parameter: name,
    at: locationIn(file, parameter),
    when: missed.any ? "path" : "never",
    trace: [
      { at: locationIn(file, parameter), what: `'${name}' is declared here, so it has to be called` },
      { at: end, what: `the callback ends here, and '${name}' was not called` },
    ],
    fixes: removal ? [{ title: `Remove '${name}'`, preferred: true, edits: [removal] }] : [],
  };
}

function isDefaulted(view: ProgramView, file: string, parameter: Range): boolean {
  return view.text(file)?.slice(parameter.start, parameter.end).includes("=") ?? false;
}

/** The end of a path that does not mention a variable. */
function missedIn(
  facts: FunctionFacts,
  variable: VariableId,
): { readonly at: Range; readonly any: boolean } | undefined {
  const mentions = (i: Instruction) => i.op === "load" && i.variable === variable;
  const any = facts.blocks.some((block) => block.code.some(mentions));
  const seen = new Set<BlockId>();
  const open: BlockId[] = [0 as BlockId];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const block = facts.blocks[id];
    if (!block || seen.has(id) || block.code.some(mentions)) continue;
    seen.add(id);
    if (block.end.kind === "return") return { at: block.end.at, any };
    open.push(...successors(block.end));
  }
  return undefined;
}
