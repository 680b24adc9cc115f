import type {
  BlockId,
  FileFacts,
  FunctionFacts,
  Instruction,
  Range,
  Temp,
  VariableId,
} from "../program/facts.ts";
import { isAwaitPoint, operands, written } from "../program/instructions.ts";
import type { Evaluation } from "./evaluate.ts";
import { capturesIn, isOwnVariable, usesIn } from "./flow.ts";
import { walkPaths } from "./walk-paths.ts";

// The life of a started promise, or of an array of them, in the function that starts it: who looks at it first, and
// what the function waits for until then. Whatever takes it out of our sight counts as looking.

/** The first thing on a path that hears how a task ends. */
export interface Look {
  readonly kind:
    | "awaited"
    /** `.then`, `.catch`, `.finally`: the promise itself has a handler from here on. */
    | "handler"
    /** An argument, a part of an object or array, captured by a closure, stored where others see it. */
    | "handed"
    | "returned"
    /** `void task`: nobody is to look. */
    | "discarded"
    /** Of an array: a loop over it begins. */
    | "iterated"
    /** Of an array: one element is taken out. */
    | "indexed";
  readonly at: Range;
  readonly instruction?: Instruction;
}

/** On some path the function waits here, and only then somebody looks. */
export interface Gap {
  readonly wait: Instruction;
  readonly look: Look;
}

export interface TaskLife {
  readonly looks: readonly Look[];
  /** In the order of the text. */
  readonly gaps: readonly Gap[];
  /** The local variables that hold it, in the order in which they came to. */
  readonly variables: readonly VariableId[];
  /** There were too many paths: nothing can be said. */
  readonly lost: boolean;
}

/** What is followed from where: the promise in a temp, or the array that a variable holds by now. */
export interface TaskStart {
  readonly block: BlockId;
  /** The first instruction behind the start. */
  readonly from: number;
  readonly temp?: Temp;
  readonly variable?: VariableId;
  /** An array of promises. */
  readonly many: boolean;
}

interface Held {
  readonly temps: ReadonlySet<Temp>;
  readonly variables: ReadonlySet<VariableId>;
  /** The first wait of the path. */
  readonly wait: Instruction | undefined;
}

/** `takesTime` says of an await point whether other tasks can get on while it waits. */
export function followTask(
  file: FileFacts,
  evaluation: Evaluation,
  start: TaskStart,
  takesTime: (i: Instruction) => boolean,
): TaskLife {
  const life = new Life(file, evaluation.facts, start.many, takesTime);
  const state: Held = {
    temps: new Set(start.temp === undefined ? [] : [start.temp]),
    variables: new Set(start.variable === undefined ? [] : [start.variable]),
    wait: undefined,
  };
  if (start.variable !== undefined) life.variables.add(start.variable);
  const done = walkPaths(evaluation, [{ block: start.block, from: start.from, state }], {
    step: (held, i) => life.step(held, i),
    keyOf: ({ temps, variables, wait }) =>
      `${[...temps].sort((a, b) => a - b)} ${[...variables].sort((a, b) => a - b)} ${wait?.start ?? ""}`,
    isPresent: (held, temp) => held.temps.has(temp),
    ends(held, { how, at, value }) {
      if (value === undefined || !held.temps.has(value)) return;
      life.look(held, { kind: how === "returns" ? "returned" : "handed", at });
    },
  });
  return {
    looks: [...life.looks.values()],
    gaps: [...life.gaps.values()].sort(
      (a, b) => a.wait.start - b.wait.start || a.look.at.start - b.look.at.start,
    ),
    variables: [...life.variables],
    lost: !done,
  };
}

/** `then`, `catch`, `finally`. */
export function isHandlerName(name: string): boolean {
  return name === "then" || name === "catch" || name === "finally";
}

/** Members of an array that neither show nor hand on what is in it. */
const harmless: ReadonlySet<string> = new Set(["push", "length"]);

class Life {
  readonly looks = new Map<string, Look>();
  readonly gaps = new Map<string, Gap>();
  readonly variables = new Set<VariableId>();
  readonly #file: FileFacts;
  readonly #facts: FunctionFacts;
  readonly #many: boolean;
  readonly #takesTime: (i: Instruction) => boolean;

  constructor(file: FileFacts, facts: FunctionFacts, many: boolean, takesTime: (i: Instruction) => boolean) {
    this.#file = file;
    this.#facts = facts;
    this.#many = many;
    this.#takesTime = takesTime;
  }

  look({ wait }: Held, look: Look): undefined {
    const key = `${look.kind} ${look.at.start} ${look.at.end}`;
    if (!this.looks.has(key)) this.looks.set(key, look);
    if (wait) this.gaps.set(`${wait.start} ${key}`, { wait, look });
    return undefined;
  }

  step(held: Held, i: Instruction): Held | undefined {
    const found = this.#lookOf(held, i);
    if (found) return this.look(held, { kind: found, at: i, instruction: i });
    const waited =
      held.wait === undefined && isAwaitPoint(i) && this.#takesTime(i) ? { ...held, wait: i } : held;
    switch (i.op) {
      case "load":
        return stillHeld(withTemp(held, i.to, held.variables.has(i.variable)));
      case "store":
        return stillHeld(this.#stored(held, i));
      case "move":
        return stillHeld(withTemp(held, i.to, held.temps.has(i.from)));
      default:
        // In the next turn of a loop the same call starts another task.
        return written(i).reduce<Held | undefined>(
          (left, to) => left && stillHeld(withTemp(left, to, false)),
          waited,
        );
    }
  }

  #stored(held: Held, { variable, from }: Extract<Instruction, { op: "store" }>): Held {
    const variables = new Set(held.variables);
    if (held.temps.has(from)) {
      variables.add(variable);
      this.variables.add(variable);
    } else variables.delete(variable);
    return { ...held, variables };
  }

  #lookOf(held: Held, i: Instruction): Look["kind"] | undefined {
    const has = (temp: Temp) => held.temps.has(temp);
    switch (i.op) {
      case "load":
      case "move":
      case "binary":
        return undefined;
      case "store":
        return has(i.from) && !this.#isLocal(i.variable) ? "handed" : undefined;
      case "closure":
        return this.#captures(held, i) ? "handed" : undefined;
      case "unary":
        return has(i.from) && i.operator === "void" ? "discarded" : undefined;
      case "await":
        return has(i.from) ? (this.#many ? "handed" : "awaited") : undefined;
      case "get":
        if (!has(i.object) || (this.#many && harmless.has(i.name))) return undefined;
        return !this.#many && isHandlerName(i.name) ? "handler" : "handed";
      case "iterate":
        return has(i.from) ? (this.#many && i.over !== "keys" ? "iterated" : "handed") : undefined;
      case "get-element":
        return has(i.object) ? (this.#many ? "indexed" : "handed") : has(i.key) ? "handed" : undefined;
      case "call":
        return i.arguments.some(has) ||
          has(i.callee) ||
          (!this.#many && i.receiver !== undefined && has(i.receiver))
          ? "handed"
          : undefined;
      default:
        return operands(i).some(has) ? "handed" : undefined;
    }
  }

  /** A variable of this function that no closure sees. */
  #isLocal(id: VariableId): boolean {
    return isOwnVariable(this.#file, this.#facts, id) && this.#file.variables[id]?.captured === false;
  }

  #captures({ variables }: Held, { function: id }: Extract<Instruction, { op: "closure" }>): boolean {
    const captured = capturesIn(this.#file).get(id);
    return captured !== undefined && [...variables].some((variable) => captured.has(variable));
  }
}

function withTemp(held: Held, temp: Temp, has: boolean): Held {
  if (held.temps.has(temp) === has) return held;
  const temps = new Set(held.temps);
  if (has) temps.add(temp);
  else temps.delete(temp);
  return { ...held, temps };
}

/** What nothing holds any more nobody can look at. */
function stillHeld(held: Held): Held | undefined {
  return held.temps.size + held.variables.size > 0 ? held : undefined;
}

/**
 * Whether nothing in a function could look at a value, on whatever path: it is at most tested or overwritten. `many`: it
 * is an array of promises, which may also be added to and counted.
 */
export function isNeverLookedAt(
  file: FileFacts,
  facts: FunctionFacts,
  temp: Temp,
  many = false,
  depth = 0,
): boolean {
  const uses = usesIn(facts);
  if (depth > 8 || leavesBy(facts, temp)) return false;
  return uses.readers(temp).every((reader) => {
    switch (reader.op) {
      case "unary":
        return reader.operator !== "void";
      case "binary":
        return true;
      case "move":
        return isNeverLookedAt(file, facts, reader.to, many, depth + 1);
      case "store":
        return isVariableNeverLookedAt(file, facts, reader.variable, many, depth);
      case "get":
        return many && harmless.has(reader.name);
      case "call":
        // `started.push(load())`
        return many && reader.receiver === temp && !reader.arguments.includes(temp);
      default:
        return false;
    }
  });
}

/** The same of what a variable holds. */
export function isVariableNeverLookedAt(
  file: FileFacts,
  facts: FunctionFacts,
  id: VariableId,
  many: boolean,
  depth = 0,
): boolean {
  const variable = file.variables[id];
  if (!variable || !isOwnVariable(file, facts, id)) return false;
  if (variable.captured || variable.kind.includes("using")) return false;
  return loadsOf(facts, [id]).every((to) => isNeverLookedAt(file, facts, to, many, depth + 1));
}

/** Where variables are read. */
export function loadsOf(facts: FunctionFacts, variables: readonly VariableId[]): readonly Temp[] {
  return facts.blocks.flatMap(({ code }) =>
    code.flatMap((i) => (i.op === "load" && variables.includes(i.variable) ? [i.to] : [])),
  );
}

/** Whether a function returns or throws a value. */
export function leavesBy(facts: FunctionFacts, temp: Temp): boolean {
  return facts.blocks.some(
    ({ end }) => (end.kind === "return" || end.kind === "throw") && end.value === temp,
  );
}
