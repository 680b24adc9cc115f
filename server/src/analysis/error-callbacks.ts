import type { Instruction, Temp } from "../program/facts.ts";
import type { Evaluation } from "./evaluate.ts";
import { usesIn } from "./flow.ts";
import { parseKey } from "./places.ts";
import { alternatives } from "./values.ts";
import type { World } from "./world.ts";

// Functions that tell how they end by a callback and by a promise: whoever gives a callback hears of the failure, and
// does not look at the promise.

type CallInstruction = Extract<Instruction, { readonly op: "call" | "new" }>;

const errorNames = /^_?(?:e|er|err|error)(?:[A-Z_]\w*)?$/;
const callbackNames = /^_?(?:cb|callback|done|next)(?:[A-Z_]\w*)?$/;

/**
 * `redis.info((err, text) => …)`: the last argument is a function that is told of an error first, one that is made of
 * such a function (`timeout((err) => …)`), or the callback that this function was given.
 */
export function isGivenErrorCallback(world: World, evaluation: Evaluation, call: CallInstruction): boolean {
  const last = call.arguments.at(-1);
  if (last === undefined || call.spread.length > 0) return false;
  if (isErrorCallback(world, evaluation, last) || isOwnCallback(world, evaluation, last)) return true;
  const [made] = usesIn(evaluation.facts).definitions(last);
  return made?.op === "call" && made.arguments.some((one) => isErrorCallback(world, evaluation, one));
}

/** A function of the program with two parameters or one, the first of which is named like an error. */
function isErrorCallback(world: World, evaluation: Evaluation, temp: Temp): boolean {
  const value = evaluation.values[temp];
  if (value === undefined) return false;
  return alternatives(value).some((one) => {
    if (one.kind !== "function") return false;
    const variable = world.function(one.function)?.parameters[0]?.variable;
    const name = world.facts(parseKey(one.function).file)?.variables[variable ?? -1]?.name;
    return name !== undefined && errorNames.test(name);
  });
}

/** A parameter of this function, or of one around it, that is named like a callback. */
function isOwnCallback(world: World, { key, facts }: Evaluation, temp: Temp): boolean {
  const [load] = usesIn(facts).definitions(temp);
  if (load?.op !== "load") return false;
  const variable = world.facts(parseKey(key).file)?.variables[load.variable];
  return variable?.kind === "parameter" && callbackNames.test(variable.name);
}
