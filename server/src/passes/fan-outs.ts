import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import { type CallbackArgument, limitConcurrency } from "../analysis/callback-fixes.ts";
import { type Costs, createCosts } from "../analysis/costs.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { describeTemp, usesIn } from "../analysis/flow.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { originOf } from "../analysis/shared-places.ts";
import { loadsOf } from "../analysis/task-life.ts";
import { rootOf } from "../analysis/values.ts";
import type { FunctionFacts, Instruction, Temp } from "../program/facts.ts";
import type { FilePath, NodeId } from "../program/ids.ts";

// `Promise.all(list.map(…))` starts one task per element at once. How many that are the caller decides, or the client.

type Call = Extract<Instruction, { readonly op: "call" }>;

export interface FanOut {
  /** As written: `orders`. */
  readonly list: string;
  readonly remote: "network" | "database" | "process";
  /** The list comes with a request: whoever sends it decides how long it is. */
  readonly isFromRequest: boolean;
  readonly at: Location;
  readonly call: Location;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const fanOuts = definePass<readonly FanOut[]>({
  id: "fan-outs",
  run(view) {
    const costs = createCosts(view);
    return (file) => {
      const found = view
        .functionsOf(file)
        .flatMap((key) => view.attempt(file, "fan-outs", () => candidatesIn(view, costs, key), []));
      const requests = requestsAmong(view, file, found);
      return found.map((one) => worded(view, file, one, requests.has(one)));
    };
  },
});

interface Candidate extends CallbackArgument {
  readonly join: Call;
  readonly call: Call;
  readonly list: Temp;
  readonly remote: FanOut["remote"];
  /** The name that the list is reached from, to ask for its type. */
  readonly root: NodeId | undefined;
}

function candidatesIn(view: ProgramView, costs: Costs, key: FunctionKey): readonly Candidate[] {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation || evaluation.facts.imprecise !== undefined) return [];
  const reader = { semantics: view.solution.semantics, evaluation };
  const found = new Map<number, Candidate>();
  for (const join of evaluation.calls.keys()) {
    if (join.op !== "call" || found.has(join.start)) continue;
    const [target] = evaluation.calls.get(join)?.targets ?? [];
    if (target?.kind !== "operation" || target.operation.op !== "join" || target.operation.needs === "any")
      continue;
    const given = join.arguments[target.operation.promises ?? 0];
    const call = given === undefined ? undefined : originOf(reader, given);
    const [callee] = call?.op === "call" ? usesIn(evaluation.facts).definitions(call.callee) : [];
    if (call?.op !== "call" || callee?.op !== "get" || callee.name !== "map" || call.receiver === undefined)
      continue;
    const callback = call.arguments[0] === undefined ? undefined : evaluation.values[call.arguments[0]];
    if (callback?.kind !== "function" || isLimited(view, callback.function)) continue;
    if (!isCallerSized(view, evaluation, call.receiver) || isGuarded(evaluation, call.receiver, view))
      continue;
    const remote = costs.remoteWork(callback.function);
    if (remote === undefined) continue;
    const root = rootLoad(evaluation, call.receiver);
    const argument = { evaluation, call, index: 0, callback: callback.function };
    found.set(join.start, { ...argument, join, list: call.receiver, remote, root });
  }
  return [...found.values()];
}

/** The callback itself waits for its turn. */
function isLimited(view: ProgramView, key: FunctionKey): boolean {
  const effects = view.solution.evaluation(key)?.calls.values() ?? [];
  return [...effects].some(({ targets }) =>
    targets.some(
      (target) =>
        target.kind === "operation" && ["submit", "acquire", "scoped", "use"].includes(target.operation.op),
    ),
  );
}

/** A parameter, something in one, or in what a request gave; not what is written here, cut or of a fixed size. */
function isCallerSized(view: ProgramView, evaluation: Evaluation, list: Temp): boolean {
  const value = evaluation.values[list];
  const root = value && rootOf(value);
  if (root?.kind !== "parameter") return false;
  const { key } = evaluation;
  if (root.function !== key && !view.world.enclosing(key).includes(root.function)) return false;
  // What is neither a name nor an array is a tuple, as far as lists go.
  const type = view.world.function(root.function)?.parameters[root.index]?.type;
  return type?.kind !== "other" || value?.kind === "member";
}

/** Something compares its length first. */
function isGuarded(evaluation: Evaluation, list: Temp, view: ProgramView): boolean {
  const facts = view.world.facts(parseKey(evaluation.key).file);
  if (!facts) return true;
  const text = describeTemp(facts, evaluation.facts, list);
  return evaluation.facts.blocks.some(({ code }) =>
    code.some(
      (i) =>
        i.op === "get" &&
        i.name === "length" &&
        describeTemp(facts, evaluation.facts, i.object) === text &&
        comparesSize(evaluation.facts, i.to),
    ),
  );
}

/** A length, also by a name of its own: `const { length } = ids`. */
function comparesSize(facts: FunctionFacts, length: Temp, depth = 0): boolean {
  return usesIn(facts)
    .readers(length)
    .some((reader) => {
      if (reader.op === "binary") return /[<>]/.test(reader.operator);
      if (reader.op !== "store" || depth > 2) return false;
      return loadsOf(facts, [reader.variable]).some((temp) => comparesSize(facts, temp, depth + 1));
    });
}

/** The name that an access path begins with. */
function rootLoad(evaluation: Evaluation, temp: Temp): NodeId | undefined {
  const [definition] = usesIn(evaluation.facts).definitions(temp);
  if (definition?.op === "get") return rootLoad(evaluation, definition.object);
  return definition?.op === "load" ? definition.node : undefined;
}

const requestTypes: ReadonlySet<string> = new Set([
  "Request",
  "IncomingMessage",
  "FastifyRequest",
  "HonoRequest",
  "NextRequest",
  "NextApiRequest",
]);

function requestsAmong(
  view: ProgramView,
  file: FilePath,
  found: readonly Candidate[],
): ReadonlySet<Candidate> {
  const open = found.flatMap((one) => (one.root === undefined ? [] : [{ one, root: one.root }]));
  const answers =
    open.length === 0
      ? []
      : view.types(
          file,
          open.map(({ root }) => root),
        );
  return new Set(
    open.flatMap(({ one }, index) => (requestTypes.has(answers[index]?.named?.name ?? "") ? [one] : [])),
  );
}

function worded(view: ProgramView, file: FilePath, one: Candidate, isFromRequest: boolean): FanOut {
  const { evaluation, join, call, list, remote } = one;
  const facts = view.world.facts(file);
  const name = facts ? describeTemp(facts, evaluation.facts, list) : "…";
  const [definition] = usesIn(evaluation.facts).definitions(join.callee);
  const fix = limitConcurrency(view, one);
  return {
    list: name,
    remote,
    isFromRequest,
    at: locationIn(file, definition ?? join),
    call: locationIn(file, join),
    trace: [
      { at: locationIn(file, call), what: `one task is started for each element of '${name}' at once` },
    ],
    fixes: fix ? [fix] : [],
  };
}
