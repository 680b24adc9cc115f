import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { insertAwait } from "../analysis/fixes.ts";
import { capturesIn, describeTemp, usesIn } from "../analysis/flow.ts";
import { isLock } from "../analysis/model-index.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import { initialStore } from "../analysis/shared-places.ts";
import { plain } from "../analysis/values.ts";
import type { BlockId, FileFacts, FunctionFacts, Instruction, Temp, VariableId } from "../program/facts.ts";
import type { FilePath, NodeId } from "../program/ids.ts";
import { operands, successors } from "../program/instructions.ts";
import { mayWait, returnedStarts } from "./returns-before-release.ts";

// `return unpack(dir)` in front of `finally { await rm(dir) }`: does the task that is returned still use what ends here?
// Locks and clients of pools are followed in `returns-before-release`; this is about whatever has a name in the function.

type Call = Extract<Instruction, { readonly op: "call" }>;

/** A task whose promise is returned, and something that it uses, which `finally` or `using` ends before. */
export interface ReturnBeforeEnd {
  /** The task as written: `unpack`. */
  readonly task: string;
  /** The variable: `dir`. */
  readonly resource: string;
  /** What ends it, as written: `rm`, `handle.close`; undefined at the end of `using`. */
  readonly by: string | undefined;
  /** The name of the method alone says that it ends something. */
  readonly isGuess: boolean;
  /** A callback that may be synchronous, too. */
  readonly mayBeOver: boolean;
  readonly at: Location;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const returnsBeforeEnd = definePass<readonly ReturnBeforeEnd[]>({
  id: "returns-before-end",
  run: (view) => (file) => {
    const found = view
      .functionsOf(file)
      .flatMap((key) => view.attempt(file, "returns-before-end", () => candidatesIn(view, key), []));
    const asked = [
      ...new Set(
        found.flatMap(({ task, receiver, ask }) => [
          ...(ask ? [task.node] : []),
          ...(receiver ? [receiver] : []),
        ]),
      ),
    ];
    const answers = asked.length === 0 ? [] : view.types(file, asked);
    const typeOf = (node: NodeId) => answers[asked.indexOf(node)];
    return found.flatMap((one) => {
      const { ask, task, receiver } = one;
      const type = ask ? typeOf(task.node) : undefined;
      // `callback: (page: Page) => T | Promise<T>`: whoever passes it may go on with what it is given.
      const mayBeOver = type?.thenable === "sometimes" && isOfCaller(one);
      if (ask && !(type?.promise && (type.thenable === "always" || mayBeOver))) return [];
      // Node closes a file only when what its handle was asked for is done.
      if (receiver !== undefined && typeOf(receiver)?.named?.name === "FileHandle") return [];
      return [worded(view, file, one, mayBeOver)];
    });
  },
});

/** Whether a function of a file returns from a place that a `finally` or `using` stands around. */
export function hasCleanups({ functions }: FileFacts): boolean {
  return functions.some(({ blocks }) =>
    blocks.some(({ cleanup, code }) => cleanup && code.some(({ op }) => op === "call" || op === "dispose")),
  );
}

/** The task is a callback that the function was given. */
function isOfCaller({ evaluation, task }: Candidate): boolean {
  const targets = evaluation.calls.get(task)?.targets ?? [];
  return targets.length > 0 && targets.every(({ kind }) => kind === "symbolic");
}

/** Something that ends a variable's content. */
interface End {
  readonly variable: VariableId;
  readonly instruction: Instruction;
  readonly by: string | undefined;
  readonly isGuess: boolean;
}

interface Candidate {
  readonly evaluation: Evaluation;
  /** The call whose promise is returned. */
  readonly task: Call;
  readonly end: End;
  /** The variable, where the task is a method of its content. */
  readonly receiver: NodeId | undefined;
  /** Whether it gives a promise only its type can say. */
  readonly ask: boolean;
}

function candidatesIn(view: ProgramView, key: FunctionKey): readonly Candidate[] {
  const evaluation = view.solution.evaluation(key);
  const facts = view.world.facts(parseKey(key).file);
  if (!evaluation || !facts || evaluation.facts.imprecise !== undefined || evaluation.facts.generator)
    return [];
  const found = new Map<number, Candidate>();
  for (const { value, behind } of returnsIn(evaluation)) {
    const ends = behind.flatMap((i) => endOf(view, facts, evaluation, i));
    if (ends.length === 0) continue;
    for (const calls of returnedStarts(evaluation, value)) {
      const [task] = calls;
      const end = ends.find(({ variable }) => calls.some((call) => uses(facts, evaluation, call, variable)));
      if (!task || !end || found.has(task.start)) continue;
      const pending = isPending(view, evaluation, task, calls.at(-1) ?? task);
      const receiver = receiverIn(evaluation.facts, calls, end.variable);
      if (pending !== "no")
        found.set(task.start, { evaluation, task, end, receiver, ask: pending === "ask" });
    }
  }
  return [...found.values()];
}

/** What is returned from inside of cleanups, and the instructions that run behind it. */
function returnsIn({ facts, reached }: Evaluation): { value: Temp; behind: readonly Instruction[] }[] {
  const { blocks } = facts;
  const returned = new Set(blocks.flatMap(({ end }) => (end.kind === "return" ? [end.value] : [])));
  return blocks.flatMap(({ code, end, cleanup }, index) => {
    if (!reached[index] || cleanup) return [];
    return code.flatMap((i, position) => {
      if (i.op !== "move" || !returned.has(i.to)) return [];
      const behind = code.slice(position + 1);
      const seen = new Set<BlockId>();
      const open = [...successors(end)];
      for (let id = open.pop(); id !== undefined; id = open.pop()) {
        const block = blocks[id];
        if (!block || seen.has(id)) continue;
        seen.add(id);
        behind.push(...block.code);
        open.push(...successors(block.end));
      }
      return [{ value: i.from, behind }];
    });
  });
}

const fileModules: ReadonlySet<string> = new Set(["fs", "fs/promises", "fs-extra", "graceful-fs"]);
const removing: ReadonlySet<string> = new Set([
  "rm",
  "rmSync",
  "rmdir",
  "rmdirSync",
  "unlink",
  "unlinkSync",
  "remove",
  "removeSync",
]);

/**
 * Methods that end at once whatever is under way. `end`, `quit` and `stop` often come behind what was asked before, as
 * the end of a queue.
 */
const ending: ReadonlySet<string> = new Set([
  "abort",
  "close",
  "destroy",
  "dispose",
  "free",
  "kill",
  "release",
  "releaseLock",
  "rollback",
  "terminate",
]);

function endOf(view: ProgramView, facts: FileFacts, evaluation: Evaluation, i: Instruction): readonly End[] {
  const by = i.op === "call" ? describeTemp(facts, evaluation.facts, i.callee) : undefined;
  const ended: readonly Ended[] =
    i.op === "dispose"
      ? [{ temp: i.from, within: evaluation, isGuess: false }]
      : i.op === "call"
        ? endedBy(view, evaluation, i, 0)
        : [];
  return ended.flatMap(({ temp, within, isGuess }) => {
    const variable = variableOf(facts, evaluation, within.facts, temp);
    return variable === undefined ? [] : [{ variable, instruction: i, by, isGuess }];
  });
}

interface Ended {
  readonly temp: Temp;
  /** The function that the temp is of: a closure may end what it captures. */
  readonly within: Evaluation;
  readonly isGuess: boolean;
}

const maxDepth = 2;

/** What a call ends: its receiver, a file or folder, or what a function of the program ends that has it. */
function endedBy(view: ProgramView, evaluation: Evaluation, call: Call, depth: number): readonly Ended[] {
  const [path] = call.arguments;
  const here = { within: evaluation, isGuess: false };
  if (path !== undefined && removesFile(evaluation, call)) return [{ ...here, temp: path }];
  const [get] = usesIn(evaluation.facts).definitions(call.callee);
  if (get?.op === "get" && call.receiver !== undefined && ending.has(get.name)) {
    const meant = meaningOf(view, evaluation, call);
    if (meant !== "no") return [{ ...here, temp: call.receiver, isGuess: meant === "unknown" }];
  }
  const [target, ...others] = evaluation.calls.get(call)?.targets ?? [];
  if (target?.kind !== "function" || others.length > 0 || depth === maxDepth) return [];
  const inner = view.solution.evaluation(target.function);
  if (!inner) return [];
  const ended = [...inner.calls.keys()].flatMap((i) =>
    i.op === "call" ? endedBy(view, inner, i, depth + 1) : [],
  );
  return [
    ...(view.world.enclosing(inner.key).includes(evaluation.key) ? ended : []),
    ...call.arguments.flatMap((temp, index) => {
      const given = ended.find((one) => isParameter(one, index));
      return given ? [{ ...here, temp, isGuess: given.isGuess }] : [];
    }),
  ];
}

function isParameter({ temp, within }: Ended, index: number): boolean {
  const value = within.values[temp];
  const real = value && plain(value);
  return real?.kind === "parameter" && real.function === within.key && real.index === index;
}

function removesFile(evaluation: Evaluation, call: Call): boolean {
  const callee = evaluation.values[call.callee];
  if (callee?.kind !== "external") return false;
  const isFiles = fileModules.has(callee.module.replace(/^node:/, ""));
  return (isFiles && removing.has(callee.path.at(-1) ?? "")) || callee.module === "rimraf";
}

/** What a model says of a method by such a name: a lock has rules of its own, and the end of a channel loses nothing. */
function meaningOf(view: ProgramView, evaluation: Evaluation, call: Call): "ends" | "no" | "unknown" {
  const held = call.receiver === undefined ? undefined : evaluation.values[call.receiver];
  const real = held && plain(held);
  if (real?.kind === "fresh" && real.made.type === "handle") return isLock(real.made.model) ? "no" : "ends";
  for (const target of evaluation.calls.get(call)?.targets ?? []) {
    if (target.kind === "operation") {
      const { op } = target.operation;
      if (target.model && isLock(target.model)) return "no";
      return op === "release" || (op === "shutdown" && target.name !== "close") ? "ends" : "no";
    }
    // What an own method does, and whether it waits for what is under way, its body says.
    if (target.kind === "function" && view.solution.evaluation(target.function)) return "no";
  }
  return "unknown";
}

/** The variable of this function that a temp holds the content of, and that has one content only. */
function variableOf(
  facts: FileFacts,
  { key }: Evaluation,
  within: FunctionFacts,
  temp: Temp,
): VariableId | undefined {
  const [load] = usesIn(within).definitions(temp);
  const variable = load?.op === "load" ? facts.variables[load.variable] : undefined;
  if (load?.op !== "load" || variable?.function !== parseKey(key).id) return undefined;
  return variable.assignments < 2 ? load.variable : undefined;
}

/** Whether a call is made on a variable's content, or is given it, or a function that has it. */
function uses(file: FileFacts, evaluation: Evaluation, call: Call, variable: VariableId): boolean {
  const { facts } = evaluation;
  const has = (temp: Temp, depth: number): boolean =>
    usesIn(facts)
      .definitions(temp)
      .some((i) => depth < 6 && holds(i, depth));
  const holds = (i: Instruction, depth: number): boolean => {
    switch (i.op) {
      case "load":
        return i.variable === variable || ofVariable(i.variable, depth);
      case "get":
      case "get-element":
        return has(i.object, depth + 1);
      case "closure":
        return capturesIn(file).get(i.function)?.has(variable) ?? false;
      case "call":
        return joinsPaths(evaluation, i) && i.arguments.some((one) => has(one, depth + 1));
      // What it gives is not the thing itself.
      case "await":
      case "new":
      case "unary":
        return false;
      default:
        return operands(i).some((one) => has(one, depth + 1));
    }
  };
  const ofVariable = (other: VariableId, depth: number): boolean => {
    if (file.variables[other]?.assignments !== 0) return false;
    const stored = initialStore(facts, other);
    return stored !== undefined && has(stored, depth + 1);
  };
  const receivers = (temp: Temp | undefined, depth: number): boolean => {
    if (temp === undefined || depth > 6) return false;
    const [definition] = usesIn(facts).definitions(temp);
    if (definition?.op === "call" && receivers(definition.receiver, depth + 1)) return true;
    return has(temp, 0);
  };
  return receivers(call.receiver, 0) || call.arguments.some((one) => has(one, 0));
}

/** `join(dir, "file")` */
function joinsPaths({ values }: Evaluation, call: Call): boolean {
  const callee = values[call.callee];
  return (
    callee?.kind === "external" &&
    callee.module.replace(/^node:/, "") === "path" &&
    /^(?:join|resolve|normalize)$/.test(callee.path.at(-1) ?? "")
  );
}

/** The use of a variable that a call is a method of: what its type is, may tell that its end waits. */
function receiverIn(facts: FunctionFacts, calls: readonly Call[], variable: VariableId): NodeId | undefined {
  const loads = calls.flatMap(({ receiver }) =>
    receiver === undefined ? [] : usesIn(facts).definitions(receiver),
  );
  const load = loads.find((i) => i.op === "load" && i.variable === variable);
  return load?.op === "load" ? load.node : undefined;
}

/** Whether the task may go on behind its return; `root` is the call that a chain begins with. */
function isPending(view: ProgramView, evaluation: Evaluation, task: Call, root: Call): "yes" | "no" | "ask" {
  const effect = evaluation.calls.get(root);
  const functions = (effect?.targets ?? []).flatMap((one) => (one.kind === "function" ? [one.function] : []));
  if (functions.length > 0 && functions.length === effect?.targets.length) {
    return functions.every((one) => mayWait(view, one, 0)) ? "yes" : "no";
  }
  const result = evaluation.calls.get(task)?.result;
  return result?.kind === "promise" && result.sure ? "yes" : "ask";
}

function worded(
  view: ProgramView,
  file: FilePath,
  { evaluation, task, end }: Candidate,
  mayBeOver: boolean,
): ReturnBeforeEnd {
  const facts = view.world.facts(file);
  const name = facts ? describeTemp(facts, evaluation.facts, task.callee) : "…";
  const resource = facts?.variables[end.variable]?.name ?? "…";
  const { by } = end;
  return {
    task: name,
    resource,
    by,
    isGuess: end.isGuess,
    mayBeOver,
    at: locationIn(file, task),
    trace: [
      { at: locationIn(file, task), what: `'${name}' is started here, and its promise returned` },
      {
        at: locationIn(file, end.instruction),
        what:
          by === undefined
            ? `'${resource}' is disposed of here, and nothing has waited for '${name}'`
            : `'${by}' ends '${resource}' here, and nothing has waited for '${name}'`,
      },
    ],
    fixes: evaluation.facts.async ? [insertAwait(locationIn(file, task), `Await '${name}'`, true)] : [],
  };
}
