import type {
  BlockId,
  FileFacts,
  FunctionFacts,
  Instruction,
  Range,
  Temp,
  VariableId,
} from "../program/facts.ts";
import { operands } from "../program/instructions.ts";
import { isSame } from "../program/ranges.ts";
import type { Evaluation } from "./evaluate.ts";
import type { PathStep } from "./explored-path.ts";
import { capturesIn, isOwnVariable, usesIn } from "./flow.ts";
import { type PathEnd, type Test, walkPaths } from "./walk-paths.ts";

// Where the functions go that settle a promise: `resolve` and `reject` of an executor, or what `Promise.withResolvers()`
// gives. Calling one counts as settling, and so does whatever lets somebody else call it later.

/** What a function has of a promise that it can settle. */
export interface Settling {
  /** Variables of functions around it that hold `resolve` or `reject`. */
  readonly captured?: ReadonlySet<VariableId>;
  /** The parameters of an executor. */
  readonly parameters?: readonly number[];
  /** `Promise.withResolvers()`. */
  readonly made?: Extract<Instruction, { readonly op: "call" }>;
}

/** A path that ends, or waits for the promise itself, without having let anybody settle it. */
export interface OpenPath {
  readonly how: PathEnd["how"] | "waits";
  readonly at: Range;
  readonly instruction?: Instruction;
  readonly value?: Temp;
  /** The conditions that lead there. */
  readonly steps: readonly PathStep[];
}

export interface Settlement {
  readonly open: readonly OpenPath[];
  /** What settles it or lets others settle it, on whatever path. */
  readonly mentions: readonly Instruction[];
  /** There were too many paths: nothing can be said. */
  readonly lost: boolean;
}

export function followSettlers(
  file: FileFacts,
  evaluation: Evaluation,
  settling: Settling,
  start: { readonly block: BlockId; readonly from: number },
): Settlement {
  const { facts } = evaluation;
  const held = holdersOf(file, facts, settling);
  const open = new Map<string, OpenPath>();
  const add = (path: OpenPath) => {
    const key = `${path.how} ${path.at.start}`;
    const known = open.get(key);
    if (!known || path.steps.length < known.steps.length) open.set(key, path);
  };
  const done = walkPaths<Way>(evaluation, [{ ...start, state: { steps: [], turns: [] } }], {
    step(way, i) {
      if (isMention(file, facts, held, i)) return undefined;
      if (i.op === "await" && held.promises.has(i.from)) {
        add({ how: "waits", at: i, instruction: i, steps: way.steps });
        return undefined;
      }
      return way;
    },
    keyOf: ({ turns }) => turns.map(({ start: at }) => at).join(","),
    decided: (way, test, isTaken) => sideOf(facts, way, test, isTaken),
    ends({ steps }, end) {
      const { value } = end;
      if (value !== undefined && (held.settlers.has(value) || held.objects.has(value))) return;
      add({ ...end, steps });
    },
  });
  const mentions = facts.blocks.flatMap(({ code }) => code.filter((i) => isMention(file, facts, held, i)));
  return { open: [...open.values()].sort((a, b) => a.at.start - b.at.start), mentions, lost: !done };
}

/** A path on its way. */
interface Way {
  readonly steps: readonly PathStep[];
  /** The loops that have had a turn. */
  readonly turns: readonly Instruction[];
}

function sideOf(facts: FunctionFacts, way: Way, end: Test, isTaken: boolean): Way | undefined {
  const { test, on } = end;
  const [at] = usesIn(facts).definitions(test);
  // As a rule one of the cases of a `switch` holds, unless it has something to do for the others.
  if (at && !isTaken && isCase(facts, at) && facts.blocks[end.no]?.code.length === 0) return undefined;
  // As a rule something is there to ask for `server?.close(resolve)`, and something in a list that a loop goes over.
  if (on === "nullish") return isTaken ? undefined : way;
  if (at?.op !== "next") {
    return at ? { ...way, steps: [...way.steps, { at, what: isTaken ? "taken" : "skipped" }] } : way;
  }
  if (way.turns.includes(at)) return isTaken ? way : undefined;
  return isTaken ? undefined : { ...way, turns: [...way.turns, at] };
}

/** The test of `case value:`, of which only the value is written. */
function isCase(facts: FunctionFacts, test: Instruction): boolean {
  if (test.op !== "binary" || test.operator !== "===") return false;
  const [value] = usesIn(facts).definitions(test.right);
  return value !== undefined && isSame(value, test);
}

/** Which temps and variables hold what, on whatever path. */
interface Holders {
  /** `resolve`, `reject`, and closures that may call them. */
  readonly settlers: ReadonlySet<Temp>;
  readonly variables: ReadonlySet<VariableId>;
  /** The object with all three. */
  readonly objects: ReadonlySet<Temp>;
  readonly promises: ReadonlySet<Temp>;
}

function holdersOf(file: FileFacts, facts: FunctionFacts, settling: Settling): Holders {
  const settlers = new Set<Temp>();
  const variables = new Set<VariableId>(settling.captured);
  const objects = new Set<Temp>(settling.made ? [settling.made.to] : []);
  const objectVariables = new Set<VariableId>();
  const promises = new Set<Temp>();
  const promiseVariables = new Set<VariableId>();
  const captures = capturesIn(file);
  const carry = (i: Instruction): void => {
    switch (i.op) {
      case "parameter":
        if (!i.rest && settling.parameters?.includes(i.index)) settlers.add(i.to);
        return;
      case "load":
        if (variables.has(i.variable)) settlers.add(i.to);
        if (objectVariables.has(i.variable)) objects.add(i.to);
        if (promiseVariables.has(i.variable)) promises.add(i.to);
        return;
      case "store":
        if (!isOwnVariable(file, facts, i.variable)) return;
        if (settlers.has(i.from)) variables.add(i.variable);
        if (objects.has(i.from)) objectVariables.add(i.variable);
        if (promises.has(i.from)) promiseVariables.add(i.variable);
        return;
      case "move":
        if (settlers.has(i.from)) settlers.add(i.to);
        if (objects.has(i.from)) objects.add(i.to);
        if (promises.has(i.from)) promises.add(i.to);
        return;
      case "get":
        if (!objects.has(i.object)) return;
        if (i.name === "promise") promises.add(i.to);
        else settlers.add(i.to);
        return;
      case "closure": {
        const inside = [...(captures.get(i.function) ?? [])];
        if (inside.some((one) => variables.has(one) || objectVariables.has(one))) settlers.add(i.to);
        return;
      }
      default:
    }
  };
  // A function that stands below may use what is made above, and the other way round.
  for (let before = -1, now = 0; now !== before; ) {
    before = now;
    for (const { code } of facts.blocks) for (const i of code) carry(i);
    now =
      settlers.size +
      variables.size +
      objects.size +
      objectVariables.size +
      promises.size +
      promiseVariables.size;
  }
  return { settlers, variables, objects, promises };
}

/** It calls a settler, or takes it out of our sight. */
function isMention(file: FileFacts, facts: FunctionFacts, held: Holders, i: Instruction): boolean {
  switch (i.op) {
    case "store": {
      if (!held.settlers.has(i.from) && !held.objects.has(i.from)) return false;
      // What nobody reads settles nothing.
      return !isOwnVariable(file, facts, i.variable) && isRead(file, i.variable);
    }
    case "move":
    case "unary":
    case "binary":
      return false;
    case "get":
      return held.settlers.has(i.object);
    default:
      return operands(i).some((temp) => held.settlers.has(temp) || held.objects.has(temp));
  }
}

function isRead(file: FileFacts, id: VariableId): boolean {
  if (file.variables[id]?.exported) return true;
  return file.functions.some(({ blocks }) =>
    blocks.some(({ code }) => code.some((i) => i.op === "load" && i.variable === id)),
  );
}
