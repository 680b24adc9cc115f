import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { describeTemp, usesIn } from "../analysis/flow.ts";
import { type FunctionKey, functionKey, type Location, parseKey } from "../analysis/places.ts";
import { followSettlers, type OpenPath, type Settlement } from "../analysis/settlers.ts";
import { addLast } from "../analysis/task-fixes.ts";
import type { BlockId, FileFacts, FunctionFacts, Instruction, Range, VariableId } from "../program/facts.ts";
import { isSame } from "../program/ranges.ts";
import { stepText } from "./leaks.ts";
import { headOf } from "./task-lives.ts";
import { whenSteps } from "./unsettled-promises.ts";

/**
 * A stream whose source ends without having closed it: `new ReadableStream({ start(controller) { … } })`, where `start`
 * gives the controller to nobody (Streams Standard, "Underlying source API").
 */
export interface OpenStream {
  readonly at: Location;
  /** On which path, as the end of a sentence: "when 'read()' fails"; empty where there is only one. */
  readonly when: string;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const openStreams = definePass<readonly OpenStream[]>({
  id: "open-streams",
  run: (view) => (file) =>
    view.functionsOf(file).flatMap((key) => view.attempt(file, "open-streams", () => openIn(view, key), [])),
});

type New = Extract<Instruction, { readonly op: "new" }>;

/** The callback that is all there is of a source. */
interface Source {
  readonly evaluation: Evaluation;
  readonly parameter: number;
  /** Members of the controller that leave the stream open. */
  readonly sends: ReadonlySet<string>;
}

function openIn(view: ProgramView, key: FunctionKey): readonly OpenStream[] {
  const maker = view.solution.evaluation(key);
  const file = view.world.facts(parseKey(key).file);
  if (!maker || !file) return [];
  return maker.facts.blocks.flatMap(({ code }, index) =>
    maker.reached[index]
      ? code.flatMap((i) => {
          const source = i.op === "new" ? sourceOf(view, maker, i) : undefined;
          return i.op === "new" && source ? leftOpen(view, file, maker, i, source) : [];
        })
      : [],
  );
}

/** The source that a stream is made with, where it is one callback that is called once. */
function sourceOf(view: ProgramView, { key, facts }: Evaluation, i: New): Source | undefined {
  const uses = usesIn(facts);
  const [callee] = uses.definitions(i.callee);
  const entry = callee?.op === "global" ? view.world.models.global([callee.name]) : undefined;
  if (entry?.kind !== "constructor") return undefined;
  const written = (entry.create.gives ?? []).flatMap((given) => {
    const argument = given.source === undefined ? undefined : i.arguments[given.arg];
    const [object] = argument === undefined ? [] : uses.definitions(argument);
    if (object?.op !== "object") return [];
    // What is spread into it may be the other callback.
    if (object.parts.some(({ kind }) => kind !== "property")) return [undefined];
    const part = object.parts.find((one) => one.kind === "property" && one.name === given.prop);
    return part?.kind === "property" ? [{ given, value: part.value }] : [];
  });
  const [only, ...others] = written;
  if (!only || others.length > 0 || only.given.source !== "once") return undefined;
  const [closure] = uses.definitions(only.value);
  const type = view.world.models.globalType(only.given.type);
  if (closure?.op !== "closure" || !type) return undefined;
  const evaluation = view.solution.evaluation(functionKey(parseKey(key).file, closure.function));
  if (!evaluation || evaluation.facts.imprecise !== undefined) return undefined;
  if (evaluation.facts.generator || evaluation.facts.usesArguments) return undefined;
  const sends = [...type.members].flatMap(([name, { op }]) =>
    op === "send" || op === "trySend" ? name : [],
  );
  return { evaluation, parameter: only.given.parameter, sends: new Set(sends) };
}

function leftOpen(
  view: ProgramView,
  file: FileFacts,
  maker: Evaluation,
  made: New,
  { evaluation, parameter, sends: members }: Source,
): readonly OpenStream[] {
  const { facts } = evaluation;
  const settlement = followSettlers(
    file,
    evaluation,
    { controller: { parameter, sends: members } },
    { block: 0 as BlockId, from: 0 },
  );
  // A source that sends nothing may be there to stay open.
  if (settlement.lost || settlement.sends.length === 0) return [];
  const controller = facts.parameters[parameter]?.variable;
  const path = settlement.open.find(
    (one) =>
      one.how === "returns" &&
      isDecidedHere(file, facts, one, settlement, controller) &&
      one.caught.every((at) => isFailing(facts, at)),
  );
  if (!path) return [];
  const at = headOf(maker, made);
  const name = controller === undefined ? undefined : file.variables[controller]?.name;
  const isPlain = settlement.mentions.length === 0 && path.steps.length === 0 && path.caught.length === 0;
  const fix =
    isPlain && name !== undefined
      ? addLast(view, file.path, facts, `${name}.close()`, "Close the stream after the last value")
      : undefined;
  return [
    {
      at,
      when: whenOpen(view, file, facts, path, settlement),
      trace: [
        { at, what: "the stream is made here" },
        ...settlement.sends.map((send) => ({
          at: locationIn(file.path, send),
          what: "a value is sent here",
        })),
        ...[
          ...path.steps.map((step) => ({ at: step.at, what: stepText[step.what] })),
          ...path.caught.map((one) => ({ at: one, what: stepText.throws })),
        ]
          .sort((a, b) => a.at.start - b.at.start)
          .map((step) => ({ at: locationIn(file.path, step.at), what: step.what })),
        {
          at: locationIn(file.path, path.at),
          what: "this is the end, and nothing has closed the stream or can do so later",
        },
      ],
      fixes: fix ? [fix] : [],
    },
  ];
}

function whenOpen(
  view: ProgramView,
  file: FileFacts,
  facts: FunctionFacts,
  path: OpenPath,
  { mentions }: Settlement,
): string {
  const failed = path.caught.at(-1);
  const failing = failed && codeOf(facts).find((i) => i.op === "await" && isSame(i, failed));
  if (failing?.op === "await") return `when '${describeTemp(file, facts, failing.from)}' fails`;
  if (failed) return "when something fails";
  return mentions.length === 0 ? "" : whenSteps(view, file, facts, path);
}

function codeOf({ blocks }: FunctionFacts): readonly Instruction[] {
  return blocks.flatMap(({ code }) => code);
}

/** A wait that fails, or what the source throws by itself: other calls in a `try` are there by the way. */
function isFailing(facts: FunctionFacts, at: Range): boolean {
  const code = codeOf(facts).filter((i) => isSame(i, at));
  return (
    code.some(({ op }) => op === "await") ||
    facts.blocks.some(({ end }) => end.kind === "throw" && isSame(end.at, at))
  );
}

/**
 * Whether nobody else can have decided that the path is taken. `cancel()` of a source sets a flag when its reader has gone,
 * and a signal or an error may say that: then there is nothing left to close.
 */
function isDecidedHere(
  file: FileFacts,
  facts: FunctionFacts,
  { steps }: OpenPath,
  { mentions }: Settlement,
  controller: VariableId | undefined,
): boolean {
  const uses = usesIn(facts);
  const isOwn = (variable: number): boolean => {
    const found = file.variables[variable];
    if (!found || found.kind === "catch") return false;
    const isFixed = found.assignments === 0;
    // Who closes it on some condition of the maker's has chosen not to otherwise.
    if (file.functions[found.function] !== facts) return isFixed && mentions.length === 0;
    return isFixed || !found.captured;
  };
  // A test for nothing is no step of a path.
  const tested = facts.blocks.flatMap(({ end }) =>
    end.kind === "branch" && end.on === "nullish" ? uses.definitions(end.test) : [],
  );
  return codeOf(facts).every((i) => {
    const isAsked = tested.includes(i) || steps.some(({ at }) => at.start <= i.start && i.end <= at.end);
    if (!isAsked) return true;
    switch (i.op) {
      case "load":
        return isOwn(i.variable);
      case "get":
        // What the stream itself says of its reader, `controller.desiredSize`, is no decision either.
        return uses.definitions(i.object).every((from) => {
          if (from.op !== "load" || from.variable === controller) return false;
          return file.functions[file.variables[from.variable]?.function ?? -1] === facts;
        });
      case "call":
      case "new":
      case "await":
        return tested.includes(i);
      default:
        return true;
    }
  });
}
