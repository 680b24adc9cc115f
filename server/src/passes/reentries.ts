import { definePass, type ProgramView } from "../analysis/analyzer.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { extractMethod } from "../analysis/fixes.ts";
import { capturesIn, usesIn } from "../analysis/flow.ts";
import { isLock, operationOf } from "../analysis/model-index.ts";
import { functionAround } from "../analysis/names.ts";
import { classKey, functionKey, type Location, parseKey } from "../analysis/places.ts";
import type { FunctionFacts, FunctionId, Instruction, Range } from "../program/facts.ts";
import { isSame } from "../program/ranges.ts";
import { holdAndWait } from "./hold-and-wait.ts";
import type { Edge } from "./wait-edges.ts";

/** A lock that its holder asks for again. */
export interface Reentry {
  readonly edge: Edge;
  readonly fixes: readonly FixPlan[];
}

export const reentries = definePass<readonly Reentry[]>({
  id: "reentries",
  run: (view, resultOf) => (file) =>
    resultOf(holdAndWait, file)
      .selfWaits.filter(({ held }) => isLock(held.model))
      .map((edge) => {
        const fix = view.attempt(file, "reentries", () => withoutTheLock(view, edge), undefined);
        return { edge, fixes: fix ? [fix] : [] };
      }),
});

type CallInstruction = Extract<Instruction, { readonly op: "call" }>;

/**
 * What a method does under the lock as a method of its own, which the holder calls. Only where the method is nothing but
 * `return lock.runExclusive(() => …)`, is called as `await this.method(…)`, and nobody overrides it.
 */
function withoutTheLock(view: ProgramView, { wanted, via }: Edge): FixPlan | undefined {
  const [site, ...others] = via;
  const method = functionAround(view, wanted.at);
  const holder = site && functionAround(view, site);
  if (!site || others.length > 0 || !method || !holder) return undefined;
  const { file } = parseKey(method);
  const fileFacts = view.world.facts(file);
  const facts = view.world.function(method);
  if (!fileFacts || !facts || facts.class === undefined || facts.kind !== "method" || facts.static)
    return undefined;
  const name = facts.name.split(".").at(-1) ?? "";
  const owner = classKey(file, facts.class);
  if (parseKey(holder).file !== file || view.world.overrides(owner, name).length > 0) return undefined;
  const entry = callAt(facts, wanted.at);
  const fn = operationOf(wanted.model, wanted.operation)?.fn;
  const callback = entry && fn !== undefined ? closureOf(facts, entry, fn) : undefined;
  if (entry?.arguments.length !== 1 || callback === undefined) return undefined;
  const inner = view.world.function(functionKey(file, callback));
  if (inner?.kind !== "arrow" || inner.generator || inner.parameters.length > 0 || facts.usesArguments)
    return undefined;
  const use = calledOnThis(view.world.function(holder), site);
  const captures = capturesIn(fileFacts).get(callback);
  const isSimple = facts.parameters.every(({ variable, rest }) => variable !== undefined && !rest);
  if (!use || !isSimple) return undefined;
  return extractMethod(view, {
    file,
    name,
    lock: wanted.text,
    method: facts,
    entry,
    callback: inner,
    parameters: facts.parameters.flatMap((one) => {
      const variable = one.variable === undefined ? undefined : fileFacts.variables[one.variable];
      const isUsed = one.variable !== undefined && captures?.has(one.variable);
      return variable && isUsed ? [{ at: one, name: variable.name }] : [];
    }),
    use,
    usesPrivateNames:
      fileFacts.classes[facts.class]?.members.some((member) => member.name.startsWith("#")) ?? false,
    typed: fileFacts.language === "typescript",
  });
}

/** The call that stands at a place. */
export function callAt(facts: FunctionFacts, at: Range): CallInstruction | undefined {
  for (const { code } of facts.blocks) {
    const found = code.find((i) => i.op === "call" && isSame(i, at));
    if (found?.op === "call") return found;
  }
  return undefined;
}

/** The function that is written as an argument. */
export function closureOf(
  facts: FunctionFacts,
  call: CallInstruction,
  index: number,
): FunctionId | undefined {
  const given = call.arguments[index];
  const [made, ...others] = given === undefined ? [] : usesIn(facts).definitions(given);
  return made?.op === "closure" && others.length === 0 ? made.function : undefined;
}

/** The name in `await this.method()`. */
function calledOnThis(facts: FunctionFacts | undefined, site: Location): Range | undefined {
  const call = facts && callAt(facts, site);
  if (!facts || !call || call.receiver === undefined) return undefined;
  const uses = usesIn(facts);
  const readers = uses.readers(call.to);
  const isAwaited =
    readers.length > 0 && readers.every(({ op }) => op === "await") && !uses.endsBlock(call.to);
  const [receiver] = uses.definitions(call.receiver);
  const [callee] = uses.definitions(call.callee);
  return isAwaited && receiver?.op === "this" && callee?.op === "get" ? callee : undefined;
}
