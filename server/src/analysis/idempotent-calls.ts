import type { Instruction } from "../program/facts.ts";
import type { Evaluation } from "./evaluate.ts";
import type { FunctionKey } from "./places.ts";
import type { Solution } from "./solve.ts";
import type { Value } from "./values.ts";

// Calls that do nothing the second time, by what their libraries say.

/** By module and export: the option that must be true; `true` when it needs none. */
const idempotent: Readonly<Record<string, Readonly<Record<string, string | true>>>> = {
  // https://nodejs.org/api/fs.html
  fs: { mkdir: "recursive", rm: "force", access: true, stat: true, lstat: true, chmod: true },
  "fs-extra": { ensureDir: true, mkdirp: true, remove: true, pathExists: true },
  mkdirp: { default: true, mkdirp: true },
};

const maxDepth = 3;

/** Whether it makes no difference that a call is made again; also of a function that makes only such calls. */
export function isIdempotent(solution: Solution, evaluation: Evaluation, i: Instruction, depth = 0): boolean {
  const effect = i.op === "call" ? evaluation.calls.get(i) : undefined;
  if (i.op !== "call" || !effect || effect.targets.length === 0) return false;
  return effect.targets.every((target) =>
    target.kind === "function"
      ? depth < maxDepth && doesNothingElse(solution, target.function, depth + 1)
      : isListed(evaluation.values[i.callee], effect.arguments),
  );
}

function doesNothingElse(solution: Solution, key: FunctionKey, depth: number): boolean {
  const evaluation = solution.evaluation(key);
  const code = evaluation?.facts.blocks.flatMap((block) => block.code) ?? [];
  const writes = code.some(({ op }) => op === "set" || op === "set-element" || op === "store-global");
  const calls = code.filter(({ op }) => op === "call" || op === "new");
  if (!evaluation || writes || calls.length === 0) return false;
  return calls.every((one) => isIdempotent(solution, evaluation, one, depth));
}

function isListed(callee: Value | undefined, given: readonly Value[]): boolean {
  if (callee?.kind !== "external") return false;
  const module = callee.module.replace(/^node:/, "").replace(/^fs\/promises$/, "fs");
  const option = idempotent[module]?.[callee.path.filter((name) => name !== "promises").at(-1) ?? ""];
  if (option === undefined || option === true) return option === true;
  return given.some((value) => {
    const found = value.kind === "fresh" && value.made.type === "object" && value.made.properties.get(option);
    return found && found.kind === "constant" && found.constant.type === "boolean" && found.constant.value;
  });
}
