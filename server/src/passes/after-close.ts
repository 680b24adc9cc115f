import type { Outcome } from "@unknot/models/model.ts";
import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import { isOrigin } from "../analysis/births.ts";
import { isAwaited } from "../analysis/contexts.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { statementMove, statementRemoval } from "../analysis/fixes.ts";
import { isDropped, usesIn } from "../analysis/flow.ts";
import { opOf } from "../analysis/model-index.ts";
import { calleeName, resourceName } from "../analysis/names.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import type { CallEffect, Target } from "../analysis/semantics.ts";
import { isStable } from "../analysis/stable-values.ts";
import { type Binding, plain, type Value } from "../analysis/values.ts";
import { alwaysPasses, reaches, type Way, walk } from "../analysis/walk.ts";
import type { BlockId, FunctionFacts, Instruction, Temp } from "../program/facts.ts";
import { isAwaitPoint, successors } from "../program/instructions.ts";
import { stepText } from "./leaks.ts";

/** A channel or writer is closed, and then sent to, or closed again. */
export interface UseAfterClose {
  /** As written: `results`. */
  readonly channel: string;
  readonly what: "send" | "close";
  readonly at: Location;
  readonly outcome: Outcome;
  /** Only after an exception, or from a task that runs on the side. */
  readonly isRare: boolean;
  /** The task that goes on sending: `produce`. */
  readonly sender?: string;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const afterClose = definePass<readonly UseAfterClose[]>({
  id: "after-close",
  run(view) {
    const code: Code = { view, done: new Map() };
    return (file) =>
      view
        .functionsOf(file)
        .flatMap((key) => view.attempt(file, "after-close", () => usesAfterClose(code, key), []));
  },
});

/** The program, and what its functions are known to do by now. */
interface Code {
  readonly view: ProgramView;
  readonly done: Map<string, readonly Use[]>;
}

interface Use {
  readonly instruction: Instruction;
  readonly resource: Value;
  readonly what: "send" | "close";
  readonly outcome: Outcome | undefined;
  /** The function itself does it. */
  readonly isDirect: boolean;
}

const maxDepth = 3;

function usesAfterClose(code: Code, key: FunctionKey): readonly UseAfterClose[] {
  const { view } = code;
  const evaluation = view.solution.evaluation(key);
  if (!evaluation || evaluation.facts.imprecise !== undefined) return [];
  const uses = usesOf(code, evaluation, maxDepth);
  const found = new Map<Instruction, UseAfterClose>();
  for (const close of uses) {
    if (close.what !== "close" || asks(evaluation, close.resource)) continue;
    const later = uses.filter((use) => use.resource === close.resource && harms(evaluation, use));
    for (const [use, way] of laterUses(evaluation, close, later)) {
      const known = found.get(use.instruction);
      const next = describe(view, evaluation, close, use, later, way);
      if (!known || (known.isRare && !next.isRare)) found.set(use.instruction, next);
    }
  }
  for (const one of stillSending(code, evaluation, uses)) {
    if (!found.has(one.instruction)) found.set(one.instruction, one.found);
  }
  return [...found.values()];
}

// --- what a function does to channels

/** The sends and closes of a function, and of what it calls where that always does it. */
function usesOf(code: Code, evaluation: Evaluation, depth: number): readonly Use[] {
  const { view } = code;
  return [...evaluation.calls].flatMap(([instruction, effect]): readonly Use[] => {
    const [target, ...others] = effect.targets;
    if (!target || others.length > 0) return [];
    if (target.kind === "operation") return directUse(view, instruction, target);
    if (target.kind !== "function" || depth === 0) return [];
    // What an asynchronous callee does may come later, unless it is waited for.
    const waits = "to" in instruction && isAwaited(evaluation.facts, instruction.to);
    const callee = view.solution.evaluation(target.function);
    if (!callee || callee.facts.generator || (callee.facts.async && !waits)) return [];
    return alwaysDone(code, callee, depth - 1).flatMap((use) => {
      const resource = plain(view.solution.semantics.substitute(use.resource, target.binding));
      return meansOne(view, resource) ? [{ ...use, instruction, resource, isDirect: false }] : [];
    });
  });
}

function directUse(
  view: ProgramView,
  instruction: Instruction,
  { operation, model, resource }: Extract<Target, { kind: "operation" }>,
): readonly Use[] {
  if (!resource || (model?.kind !== "channel" && model?.kind !== "stream")) return [];
  const real = plain(resource);
  if (!meansOne(view, real)) return [];
  const base = { instruction, resource: real, isDirect: true };
  switch (operation.op) {
    case "close":
      return [{ ...base, what: "close", outcome: operation.closeTwice }];
    case "send":
    case "trySend":
      return [{ ...base, what: "send", outcome: operation.afterClose }];
    default:
      return [];
  }
}

/** A name that means the same all the while; a writer is what `getWriter` handed out. */
function meansOne(view: ProgramView, value: Value): boolean {
  return isStable(view, value) || (value.kind === "fresh" && value.made.type === "handle");
}

/** What every way through a function does. */
function alwaysDone(code: Code, evaluation: Evaluation, depth: number): readonly Use[] {
  const label = `${depth} ${evaluation.key}`;
  const known = code.done.get(label);
  if (known) return known;
  const uses = usesOf(code, evaluation, depth);
  const always = uses.filter(
    ({ resource, what }) =>
      !asks(evaluation, resource) &&
      alwaysPasses(evaluation, undefined, (i) =>
        uses.some((use) => use.instruction === i && use.resource === resource && use.what === what),
      ),
  );
  code.done.set(label, always);
  return always;
}

const harmful: ReadonlySet<Outcome> = new Set(["throw", "reject", "false", "noop"]);

/** Closing again does no harm where nothing happens; a value that goes nowhere is lost, unless the answer is looked at. */
function harms(evaluation: Evaluation, { instruction, what, outcome }: Use): boolean {
  if (outcome === undefined || !harmful.has(outcome)) return false;
  if (outcome === "throw" || outcome === "reject") return true;
  if (what === "close") return false;
  return outcome === "noop" || ("to" in instruction && isIgnored(evaluation, instruction.to));
}

function isIgnored({ facts }: Evaluation, temp: Temp): boolean {
  const uses = usesIn(facts);
  return (
    !uses.endsBlock(temp) &&
    uses.readers(temp).every((reader) => reader.op === "await" && isDropped(uses, reader.to))
  );
}

/** `if (!channel.closed())`: it knows what it does. */
function asks(evaluation: Evaluation, resource: Value): boolean {
  return evaluation.uses.some((use) => plain(use.resource) === resource && opOf(use) === "query");
}

// --- on one path

function laterUses(
  evaluation: Evaluation,
  close: Use,
  later: readonly Use[],
): readonly (readonly [Use, Way])[] {
  const found = new Map<Use, Way>();
  // A close under a condition and a use under another may exclude each other; what always happens cannot.
  const isSure = alwaysPasses(
    evaluation,
    originIn(evaluation, close.resource),
    (i) => i === close.instruction,
  );
  walk(evaluation, close.instruction, (i, way) => {
    if (isRenewed(evaluation, close.resource, i)) return "stop";
    const open = way.steps.filter(({ what }) => what === "taken" || what === "skipped");
    if (open.length > 0 && !isSure) return "stop";
    const use = later.find((one) => one.instruction === i);
    if (!use) return "go";
    // The first mistake on a path is the one to mend. The same close again is one for each turn of some loop.
    if (use !== close && !found.has(use)) found.set(use, way);
    return "stop";
  });
  return [...found];
}

/** Where the function makes the resource; undefined when it comes from elsewhere. */
function originIn(evaluation: Evaluation, resource: Value): Instruction | undefined {
  return evaluation.facts.blocks.flatMap(({ code }) => code).find((i) => isOrigin(evaluation, resource, i));
}

/** From here on the name means another one. */
function isRenewed(evaluation: Evaluation, resource: Value, i: Instruction): boolean {
  if (isOrigin(evaluation, resource, i)) return true;
  return i.op === "set" && resource.kind === "member" && i.name === resource.name;
}

// --- from a task that was started before

interface Sender {
  readonly instruction: Instruction;
  readonly found: UseAfterClose;
}

/** Tasks that were started, send after their first await, and cannot have got there when the channel is closed. */
function stillSending(code: Code, evaluation: Evaluation, uses: readonly Use[]): readonly Sender[] {
  const { view } = code;
  const { file } = parseKey(evaluation.key);
  return uses.flatMap((close): readonly Sender[] => {
    if (close.what !== "close" || !close.isDirect || asks(evaluation, close.resource)) return [];
    return [...evaluation.calls].flatMap(([start, effect]): readonly Sender[] => {
      const task = taskOf(effect);
      if (!task || start === close.instruction || !reaches(evaluation.facts, start, close.instruction))
        return [];
      if (!runsThrough(evaluation, start, close)) return [];
      const send = lateSend(code, task.function, [task.binding], close.resource, false);
      if (!send) return [];
      const at = locationIn(file, close.instruction);
      const channel = resourceName(view, close.resource, at);
      const sender = calleeName(view, locationIn(file, start));
      return [
        {
          instruction: close.instruction,
          found: {
            channel,
            what: "send",
            at,
            outcome: send.outcome,
            isRare: true,
            sender,
            trace: [
              { at: locationIn(file, start), what: `'${sender}' is started here` },
              { at, what: `'${channel}' is closed here, and nothing has waited for '${sender}'` },
              { at: send.at, what: "this value is sent later" },
            ],
            fixes: [],
          },
        },
      ];
    });
  });
}

type FunctionTarget = Extract<Target, { kind: "function" }>;

function taskOf({ targets }: CallEffect): FunctionTarget | undefined {
  const [target, ...others] = targets;
  return others.length === 0 && target?.kind === "function" ? target : undefined;
}

/** From the start to the close nothing waits: the task is where its first await has left it. */
function runsThrough(evaluation: Evaluation, start: Instruction, close: Use): boolean {
  let arrives = false;
  let waits = false;
  walk(evaluation, start, (i, way) => {
    if (isRenewed(evaluation, close.resource, i) || way.steps.some(({ what }) => what === "throws"))
      return "stop";
    if (i === close.instruction) arrives = true;
    else if (isAwaitPoint(i)) {
      if (reaches(evaluation.facts, i, close.instruction)) waits = true;
    } else return "go";
    return "stop";
  });
  return arrives && !waits;
}

/** A send of the task that comes after its first await, or of what it calls. */
function lateSend(
  code: Code,
  key: FunctionKey,
  /** Of the call, and of the calls that led there. */
  bindings: readonly Binding[],
  resource: Value,
  isLate: boolean,
): { readonly at: Location; readonly outcome: Outcome } | undefined {
  const { semantics } = code.view.solution;
  const evaluation = code.view.solution.evaluation(key);
  if (!evaluation || evaluation.facts.generator || bindings.length > maxDepth + 1) return undefined;
  const { facts } = evaluation;
  const waits = facts.blocks.flatMap((block) => block.code.filter(isAwaitPoint));
  const comesLate = (i: Instruction) => isLate || waits.some((wait) => reaches(facts, wait, i));
  const inside = (value: Value) =>
    plain(bindings.reduce((inner, binding) => semantics.substitute(inner, binding), value));
  for (const use of usesOf(code, evaluation, 0)) {
    const { instruction, outcome } = use;
    if (use.what !== "send" || (outcome !== "throw" && outcome !== "reject")) continue;
    if (inside(use.resource) !== resource || !comesLate(instruction)) continue;
    // It looks whether the channel is closed, or is ready for the failure.
    if (asks(evaluation, use.resource) || isCaught(facts, instruction)) return undefined;
    return { at: locationIn(parseKey(key).file, instruction), outcome };
  }
  for (const [instruction, effect] of evaluation.calls) {
    const callee = taskOf(effect);
    if (!callee || isCaught(facts, instruction)) continue;
    const inner = [callee.binding, ...bindings];
    const found = lateSend(code, callee.function, inner, resource, comesLate(instruction));
    if (found) return found;
  }
  return undefined;
}

/** A failure there does not leave the function. */
function isCaught(facts: FunctionFacts, instruction: Instruction): boolean {
  const awaits = "to" in instruction ? usesIn(facts).readers(instruction.to) : [];
  return [instruction, ...awaits].some((i) =>
    facts.blocks.some(
      ({ handler, code }) => handler !== undefined && code.includes(i) && goesOn(facts, handler),
    ),
  );
}

/** Whether a handler lets the function end normally. */
function goesOn(facts: FunctionFacts, handler: BlockId): boolean {
  const seen = new Set<BlockId>();
  const open = [handler];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const end = facts.blocks[id]?.end;
    if (!end || seen.has(id)) continue;
    seen.add(id);
    if (end.kind === "return") return true;
    open.push(...successors(end));
  }
  return false;
}

// --- words

function describe(
  view: ProgramView,
  evaluation: Evaluation,
  close: Use,
  use: Use,
  later: readonly Use[],
  way: Way,
): UseAfterClose {
  const { file } = parseKey(evaluation.key);
  const at = locationIn(file, use.instruction);
  const closed = locationIn(file, close.instruction);
  const channel = resourceName(view, use.resource, use.isDirect ? at : closed);
  const steps = way.steps;
  const isRare =
    steps.some(({ what }) => what === "throws") || use.outcome === "noop" || use.outcome === "false";
  return {
    channel,
    what: use.what,
    at,
    outcome: use.outcome ?? "noop",
    isRare,
    trace: [
      { at: closed, what: `'${channel}' is closed here` },
      ...steps.map((step) => ({ at: locationIn(file, step.at), what: stepText[step.what] })),
      {
        at,
        what: use.what === "send" ? `'${channel}' is sent to after that` : `'${channel}' is closed again`,
      },
    ],
    fixes: steps.length === 0 ? fixesFor(view, evaluation, close, use, later) : [],
  };
}

function fixesFor(
  view: ProgramView,
  { facts, key }: Evaluation,
  close: Use,
  use: Use,
  later: readonly Use[],
): readonly FixPlan[] {
  if (!close.isDirect || !use.isDirect) return [];
  const { file } = parseKey(key);
  if (use.what === "close") {
    const edit = statementRemoval(view, facts, file, use.instruction);
    return edit ? [{ title: "Remove the second close", preferred: true, edits: [edit] }] : [];
  }
  const following = later.filter((one) => reaches(facts, close.instruction, one.instruction));
  const last = following.reduce((a, b) => (a.instruction.start < b.instruction.start ? b : a), use);
  const edits = statementMove(view, facts, file, close.instruction, last.instruction);
  return edits ? [{ title: "Close after the last send", preferred: true, edits }] : [];
}
