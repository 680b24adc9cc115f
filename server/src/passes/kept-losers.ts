import { definePass, locationIn, type ProgramView } from "../analysis/analyzer.ts";
import { componentsOf, loopBlocks } from "../analysis/contexts.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import { usesIn } from "../analysis/flow.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { isSurelyPromise } from "../analysis/values.ts";
import { placeIn } from "../analysis/walk.ts";
import type { Block, BlockId, FunctionFacts, Instruction, Temp, VariableId } from "../program/facts.ts";

/** A race in a loop, with a promise that outlives the turns and keeps what each of them attached. */
export interface KeptLoser {
  /** The variable of the promise: `stopped`. */
  readonly promise: string;
  /** As written: `Promise.race`. */
  readonly race: string;
  readonly at: Location;
  /** Where the promise is made, if in sight. */
  readonly made: Location | undefined;
  /** All others in the race are timers, so that a turn keeps no value, and the clock counts the turns. */
  readonly isPoll: boolean;
}

export const keptLosers = definePass<readonly KeptLoser[]>({
  id: "kept-losers",
  run: (view) => (file) =>
    view.functionsOf(file).flatMap((key) => view.attempt(file, "kept-losers", () => losersIn(view, key), [])),
});

function losersIn(view: ProgramView, key: FunctionKey): readonly KeptLoser[] {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation || evaluation.facts.imprecise !== undefined) return [];
  const { facts } = evaluation;
  const { file } = parseKey(key);
  return [...evaluation.calls].flatMap(([call, { targets }]): readonly KeptLoser[] => {
    const [target, ...others] = targets;
    if (target?.kind !== "operation" || others.length > 0 || call.op !== "call") return [];
    const { operation, name } = target;
    if (operation.op !== "join" || operation.needs !== "any" || operation.promises === undefined) return [];
    const loop = endlessLoopAround(facts, call);
    const given = call.arguments[operation.promises];
    if (!loop || given === undefined) return [];
    const [list] = usesIn(facts).definitions(given);
    if (list?.op !== "array") return [];
    const elements = list.elements.flatMap((element) => element ?? []);
    return elements.flatMap((element) => {
      const load = loadOf(facts, element);
      if (!load || !isOlder(view, file, loop, load.variable) || !isPromise(view, evaluation, load)) return [];
      return [
        {
          promise: view.world.facts(file)?.variables[load.variable]?.name ?? "…",
          race: `Promise.${name}`,
          at: locationIn(file, call),
          made: madeAt(view, file, load.variable),
          isPoll: elements.every((other) => other === element || isTimer(evaluation, other)),
        },
      ];
    });
  });
}

type Load = Extract<Instruction, { op: "load" }>;

function loadOf(facts: FunctionFacts, temp: Temp): Load | undefined {
  const [only, ...others] = usesIn(facts).definitions(temp);
  return only?.op === "load" && others.length === 0 ? only : undefined;
}

/**
 * The blocks of a loop around an instruction whose turns nothing counts: no list that it goes through, and no comparison
 * that ends it.
 */
function endlessLoopAround(facts: FunctionFacts, instruction: Instruction): readonly Block[] | undefined {
  const place = placeIn(facts, instruction);
  if (!place || !loopBlocks(facts).has(place.block)) return undefined;
  // Where counted loops are left at once, what is still in a circle has one that is not counted.
  const uncounted = facts.blocks.map((block): Block => {
    const exit = exitOfCounted(facts, block);
    return exit === undefined ? block : { ...block, end: { kind: "goto", to: exit } };
  });
  const component = componentsOf(uncounted).find((ids) => ids.includes(place.block));
  const isCircle =
    component !== undefined && (component.length > 1 || leadsTo(uncounted[place.block], place.block));
  return isCircle ? component.flatMap((id) => facts.blocks[id] ?? []) : undefined;
}

function leadsTo(block: Block | undefined, to: BlockId): boolean {
  const end = block?.end;
  if (end?.kind === "goto") return end.to === to;
  return end?.kind === "branch" && (end.yes === to || end.no === to);
}

const comparisons: ReadonlySet<string> = new Set(["<", "<=", ">", ">="]);

/** Where a loop over a list, or one that ends by a comparison, goes on when it is over. */
function exitOfCounted(facts: FunctionFacts, { code, end }: Block): BlockId | undefined {
  if (end.kind !== "branch") return undefined;
  if (code.some((i) => i.op === "next" && i.over !== "async" && i.done === end.test)) return end.yes;
  const [test] = usesIn(facts).definitions(end.test);
  return test?.op === "binary" && comparisons.has(test.operator) ? end.no : undefined;
}

function isTimer({ facts, calls }: Evaluation, temp: Temp): boolean {
  const [call] = usesIn(facts).definitions(temp);
  const targets = (call && calls.get(call)?.targets) ?? [];
  return targets.some((target) => target.kind === "operation" && target.operation.op === "sleep");
}

/** Nothing in the loop gives the variable a new value. */
function isOlder(view: ProgramView, file: string, loop: readonly Block[], variable: VariableId): boolean {
  const fact = view.world.facts(file)?.variables[variable];
  if (!fact || (fact.captured && fact.assignments > 0)) return false;
  return !loop.some(({ code }) => code.some((i) => i.op === "store" && i.variable === variable));
}

function isPromise(view: ProgramView, { key, values }: Evaluation, load: Load): boolean {
  if (isSurelyPromise(values[load.to])) return true;
  const [type] = view.types(parseKey(key).file, [load.node]);
  return type !== undefined && !type.unknown && type.thenable === "always" && type.promise;
}

function madeAt(view: ProgramView, file: string, variable: VariableId): Location | undefined {
  const fact = view.world.facts(file)?.variables[variable];
  return fact && { file, start: fact.start, end: fact.end };
}
