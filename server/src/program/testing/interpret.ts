import type {
  Constant,
  FileFacts,
  FunctionFacts,
  FunctionId,
  Instruction,
  Temp,
  VariableId,
} from "../facts.ts";

// Runs facts as a program. Whatever the control-flow graph says about order, short circuit, exceptions or `finally`
// can be compared with what JavaScript does, see lowering.law.test.ts.

type Effect = { readonly kind: "await" | "yield"; readonly value: unknown };

/** What a generator that is told to return finds at its `yield`. */
class Abandon {
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
}

interface Activation {
  readonly function: FunctionId;
  readonly parent: Activation | undefined;
  readonly self: unknown;
  readonly variables: Map<VariableId, unknown>;
}

type Callable = (this: unknown, ...values: unknown[]) => unknown;

/** The function of a file by its name, as something to call. `globals` are the names that the file does not declare. */
export function runnable(
  file: FileFacts,
  name: string,
  globals: Readonly<Record<string, unknown>>,
): Callable {
  const interpreter = new Interpreter(file, globals);
  const id = file.functions.findIndex((facts) => facts.name === name) as FunctionId;
  return interpreter.closure(id, {
    function: 0 as FunctionId,
    parent: undefined,
    self: undefined,
    variables: new Map(),
  });
}

class Interpreter {
  readonly #file: FileFacts;
  readonly #globals: Readonly<Record<string, unknown>>;

  constructor(file: FileFacts, globals: Readonly<Record<string, unknown>>) {
    this.#file = file;
    this.#globals = globals;
  }

  closure(id: FunctionId, parent: Activation): Callable {
    const facts = this.#file.functions[id];
    if (!facts) throw new Error("no such function");
    const start = (self: unknown, values: readonly unknown[]) =>
      this.#run(
        facts,
        {
          function: id,
          parent,
          self: facts.kind === "arrow" ? parent.self : self,
          variables: new Map(),
        },
        values,
      );
    return function (this: unknown, ...values: unknown[]): unknown {
      const steps = start(this, values);
      if (facts.generator) return facts.async ? asyncGeneratorOf(steps) : generatorOf(steps);
      return facts.async ? promiseOf(steps) : resultOf(steps);
    };
  }

  *#run(
    facts: FunctionFacts,
    activation: Activation,
    values: readonly unknown[],
  ): Generator<Effect, unknown, unknown> {
    const temps: unknown[] = [];
    let abandoned: Abandon | undefined;
    let caught: unknown;
    let at = 0;
    for (;;) {
      const block = facts.blocks[at];
      if (!block) throw new Error(`no block ${at}`);
      try {
        let resumed: unknown;
        for (const instruction of block.code) {
          if (instruction.op === "caught") temps[instruction.to] = caught;
          else if (instruction.op === "yield") {
            const given = instruction.from === undefined ? undefined : temps[instruction.from];
            // An async generator awaits what it yields.
            const value = facts.async ? yield { kind: "await", value: given } : given;
            resumed = yield { kind: "yield", value };
            temps[instruction.to] = resumed;
          } else yield* this.#step(instruction, temps, activation, values);
        }
        const { end } = block;
        switch (end.kind) {
          case "goto":
            at = end.to;
            break;
          case "branch": {
            const test = temps[end.test];
            at = (end.on === "truthy" ? Boolean(test) : test === null || test === undefined)
              ? end.yes
              : end.no;
            break;
          }
          case "return": {
            if (end.value === undefined) return abandoned?.value;
            const value = temps[end.value];
            return facts.async && facts.generator ? yield { kind: "await", value } : value;
          }
          case "throw":
            throw temps[end.value];
          case "suspend":
            if (resumed instanceof Abandon) abandoned = resumed;
            at = resumed instanceof Abandon ? end.abandon : end.resume;
            break;
          case "unreachable":
            throw new Error("ran into unreachable code");
        }
      } catch (error) {
        if (block.handler === undefined) throw error;
        caught = error;
        at = block.handler;
      }
    }
  }

  *#step(
    i: Instruction,
    temps: unknown[],
    activation: Activation,
    values: readonly unknown[],
  ): Generator<Effect, void, unknown> {
    const read = (temp: Temp) => temps[temp];
    const write = (value: unknown) => {
      if ("to" in i) temps[i.to] = value;
    };
    const key = (temp: Temp) => read(temp) as PropertyKey;
    const list = (operands: readonly (Temp | null)[], spread: readonly number[]) =>
      operands.flatMap((temp, index) => {
        const value = temp === null ? undefined : read(temp);
        return spread.includes(index) ? [...(value as Iterable<unknown>)] : [value];
      });
    switch (i.op) {
      case "constant":
        return write(constantValue(i.constant));
      case "this":
        return write(activation.self);
      case "parameter":
        return write(i.rest ? values.slice(i.index) : values[i.index]);
      case "load":
        return write(this.#activationOf(activation, i.variable).variables.get(i.variable));
      case "store":
        this.#activationOf(activation, i.variable).variables.set(i.variable, read(i.from));
        return;
      case "global":
        if (!(i.name in this.#globals)) throw new ReferenceError(i.name);
        return write(this.#globals[i.name]);
      case "get":
        return write((read(i.object) as Record<string, unknown>)[i.name]);
      case "set":
        (read(i.object) as Record<string, unknown>)[i.name] = read(i.from);
        return;
      case "get-element":
        return write((read(i.object) as Record<PropertyKey, unknown>)[key(i.key)]);
      case "set-element":
        (read(i.object) as Record<PropertyKey, unknown>)[key(i.key)] = read(i.from);
        return;
      case "call": {
        const callee = read(i.callee) as Callable;
        const self = i.receiver === undefined ? undefined : read(i.receiver);
        return write(callee.apply(self, list(i.arguments, i.spread)));
      }
      case "new":
        return write(Reflect.construct(read(i.callee) as Callable, list(i.arguments, i.spread)));
      case "await":
        return write(yield { kind: "await", value: read(i.from) });
      case "closure":
        return write(this.closure(i.function, activation));
      case "object": {
        const object: Record<PropertyKey, unknown> = {};
        for (const part of i.parts) {
          if (part.kind === "property") object[part.name] = read(part.value);
          else if (part.kind === "computed") object[key(part.key)] = read(part.value);
          else if (part.kind === "spread") Object.assign(object, read(part.value));
        }
        return write(object);
      }
      case "array":
        return write(list(i.elements, i.spread));
      case "spread":
        return write([...(read(i.from) as Iterable<unknown>)]);
      case "template":
        return write(i.parts.map((part) => String(read(part))).join(""));
      case "unary":
        return write(unary(i.operator, read(i.from)));
      case "binary":
        return write(binary(i.operator, read(i.left), read(i.right)));
      case "move":
        return write(read(i.from));
      case "iterate":
        return write(iteratorOf(read(i.from), i.over));
      case "next": {
        const iterator = read(i.iterator) as Iterator<unknown>;
        const step = iterator.next();
        const { done, value } = (
          i.over === "async" ? yield { kind: "await", value: step } : step
        ) as IteratorResult<unknown>;
        temps[i.done] = done === true;
        // What a synchronous iterator gives to `for await` is awaited as well.
        return write(i.over === "async" && !done ? yield { kind: "await", value } : value);
      }
      case "close-iterator": {
        try {
          const result = (read(i.iterator) as Iterator<unknown>).return?.();
          if (i.over === "async") yield { kind: "await", value: result };
        } catch (error) {
          if (!i.quiet) throw error;
        }
        return;
      }
      case "dispose": {
        const object = read(i.from) as Record<string, Callable> | null | undefined;
        const result = object?.[i.async ? "disposeAsync" : "dispose"]?.call(object);
        if (i.async) yield { kind: "await", value: result };
        return;
      }
      default:
        throw new Error(`the interpreter does not know '${i.op}'`);
    }
  }

  #activationOf(activation: Activation, variable: VariableId): Activation {
    const owner = this.#file.variables[variable]?.function;
    let at: Activation | undefined = activation;
    while (at && at.function !== owner) at = at.parent;
    if (!at) throw new Error("a variable is out of scope");
    return at;
  }
}

function constantValue(constant: Constant): unknown {
  switch (constant.type) {
    case "undefined":
      return undefined;
    case "null":
      return null;
    default:
      return constant.value;
  }
}

function iteratorOf(value: unknown, over: "values" | "keys" | "async"): Iterator<unknown> {
  if (over === "keys") {
    const names: string[] = [];
    for (const name in value as object) names.push(name);
    return names[Symbol.iterator]();
  }
  const object = value as {
    [Symbol.iterator](): Iterator<unknown>;
    [Symbol.asyncIterator]?(): Iterator<unknown>;
  };
  return over === "async" && object[Symbol.asyncIterator]
    ? (object[Symbol.asyncIterator]?.() as Iterator<unknown>)
    : object[Symbol.iterator]();
}

function unary(operator: string, value: unknown): unknown {
  switch (operator) {
    case "!":
      return !value;
    case "-":
      return -(value as number);
    case "typeof":
      return typeof value;
    case "void":
      return undefined;
    default:
      throw new Error(`the interpreter does not know '${operator}'`);
  }
}

function binary(operator: string, left: unknown, right: unknown): unknown {
  const [a, b] = [left as number, right as number];
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "<":
      return a < b;
    case "===":
      return a === b;
    default:
      throw new Error(`the interpreter does not know '${operator}'`);
  }
}

function resultOf(steps: Generator<Effect, unknown, unknown>): unknown {
  const step = steps.next();
  if (!step.done) throw new Error("a synchronous function waits");
  return step.value;
}

async function promiseOf(steps: Generator<Effect, unknown, unknown>): Promise<unknown> {
  let step = steps.next();
  while (!step.done) step = await resume(steps, step.value);
  return step.value;
}

async function resume(
  steps: Generator<Effect, unknown, unknown>,
  effect: Effect,
): Promise<IteratorResult<Effect, unknown>> {
  let value: unknown;
  try {
    value = await effect.value;
  } catch (error) {
    return steps.throw(error);
  }
  return steps.next(value);
}

function generatorOf(steps: Generator<Effect, unknown, unknown>): Iterable<unknown> & Iterator<unknown> {
  let started = false;
  let done = false;
  const answer = (step: IteratorResult<Effect, unknown>): IteratorResult<unknown> => {
    done = step.done === true;
    return step.done ? { done: true, value: step.value } : { done: false, value: step.value.value };
  };
  return {
    next(value?: unknown) {
      if (done) return { done: true, value: undefined };
      started = true;
      return answer(steps.next(value));
    },
    return(value?: unknown) {
      if (done || !started) {
        done = true;
        return { done: true, value };
      }
      return answer(steps.next(new Abandon(value)));
    },
    [Symbol.iterator]() {
      return this;
    },
  };
}

function asyncGeneratorOf(
  steps: Generator<Effect, unknown, unknown>,
): AsyncIterable<unknown> & AsyncIterator<unknown> {
  let started = false;
  let done = false;
  const drive = async (first: () => IteratorResult<Effect, unknown>): Promise<IteratorResult<unknown>> => {
    let step = first();
    while (!step.done && step.value.kind === "await") step = await resume(steps, step.value);
    done = step.done === true;
    return step.done ? { done: true, value: step.value } : { done: false, value: step.value.value };
  };
  return {
    async next(value?: unknown) {
      if (done) return { done: true, value: undefined };
      started = true;
      return drive(() => steps.next(value));
    },
    async return(value?: unknown) {
      if (done || !started) {
        done = true;
        return { done: true, value };
      }
      return drive(() => steps.next(new Abandon(value)));
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
