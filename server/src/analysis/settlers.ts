import type {
  BlockId,
  FileFacts,
  FunctionFacts,
  FunctionId,
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
// gives. Calling one counts as settling, and so does whatever lets somebody else call it later. The controller of a
// stream goes the same ways, and what closes the stream is what settles it.

/** What a function has of a promise that it can settle. */
export interface Settling {
  /** Variables of functions around it that hold `resolve` or `reject`. */
  readonly captured?: ReadonlySet<VariableId>;
  /** The parameters of an executor. */
  readonly parameters?: readonly number[];
  /** `Promise.withResolvers()`. */
  readonly made?: Extract<Instruction, { readonly op: "call" }>;
  /** The parameter that is the controller of a stream, and its members that only send. */
  readonly controller?: { readonly parameter: number; readonly sends: ReadonlySet<string> };
}

/** A path that ends, or waits for the promise itself, without having let anybody settle it. */
export interface OpenPath {
  readonly how: PathEnd["how"] | "waits";
  readonly at: Range;
  readonly instruction?: Instruction;
  readonly value?: Temp;
  /** The conditions that lead there. */
  readonly steps: readonly PathStep[];
  /** What has failed on the way to the handlers that it went through. */
  readonly caught: readonly Range[];
}

export interface Settlement {
  readonly open: readonly OpenPath[];
  /** What settles it or lets others settle it, on whatever path. */
  readonly mentions: readonly Instruction[];
  /** Where something is sent that leaves the stream open. */
  readonly sends: readonly Instruction[];
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
  const sends = facts.blocks.flatMap(({ code }) => code.filter((i) => isSend(held, i)));
  const done = walkPaths<Way>(evaluation, [{ ...start, state: { steps: [], turns: [], caught: [] } }], {
    step(way, i) {
      // A stream that takes nothing more has been closed, or its reader is gone.
      if (way.caught.some((at) => sends.some((send) => isSame(send, at)))) return undefined;
      if (isMention(file, facts, held, i)) return undefined;
      if (i.op === "await" && held.promises.has(i.from)) {
        add({ how: "waits", at: i, instruction: i, ...taken(way) });
        return undefined;
      }
      return way;
    },
    keyOf: ({ turns, caught }) => [...turns, ...caught].map(({ start: at }) => at).join(","),
    caught: (way, at) => ({ ...way, caught: [...way.caught, at] }),
    decided: (way, test, isTaken) => sideOf(facts, way, test, isTaken),
    ends(way, end) {
      const { value } = end;
      if (value !== undefined && isHolder(held, value)) return;
      add({ ...end, ...taken(way) });
    },
  });
  const mentions = facts.blocks.flatMap(({ code }) => code.filter((i) => isMention(file, facts, held, i)));
  return { open: [...open.values()].sort((a, b) => a.at.start - b.at.start), mentions, sends, lost: !done };
}

function taken({ steps, caught }: Way): Pick<OpenPath, "steps" | "caught"> {
  return { steps, caught };
}

/** A path on its way. */
interface Way {
  readonly steps: readonly PathStep[];
  /** The loops that have had a turn. */
  readonly turns: readonly Instruction[];
  readonly caught: readonly Range[];
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
  /** The object with all three, or the controller of a stream. */
  readonly objects: ReadonlySet<Temp>;
  /** Functions that only send: they settle nothing when they are called here, and may be called for ever elsewhere. */
  readonly senders: ReadonlySet<Temp>;
  readonly promises: ReadonlySet<Temp>;
}

function holdersOf(file: FileFacts, facts: FunctionFacts, settling: Settling): Holders {
  const settlers = new Set<Temp>();
  const variables = new Set<VariableId>(settling.captured);
  const objects = new Set<Temp>(settling.made ? [settling.made.to] : []);
  const objectVariables = new Set<VariableId>();
  const promises = new Set<Temp>();
  const promiseVariables = new Set<VariableId>();
  const senders = new Set<Temp>();
  const senderVariables = new Set<VariableId>();
  const sending = settling.controller?.sends;
  const captures = capturesIn(file);
  const carry = (i: Instruction): void => {
    switch (i.op) {
      case "parameter":
        if (!i.rest && settling.parameters?.includes(i.index)) settlers.add(i.to);
        if (!i.rest && settling.controller?.parameter === i.index) objects.add(i.to);
        return;
      case "load":
        if (senderVariables.has(i.variable)) senders.add(i.to);
        if (variables.has(i.variable)) settlers.add(i.to);
        if (objectVariables.has(i.variable)) objects.add(i.to);
        if (promiseVariables.has(i.variable)) promises.add(i.to);
        return;
      case "store":
        if (!isOwnVariable(file, facts, i.variable)) return;
        if (settlers.has(i.from)) variables.add(i.variable);
        if (senders.has(i.from)) senderVariables.add(i.variable);
        if (objects.has(i.from)) objectVariables.add(i.variable);
        if (promises.has(i.from)) promiseVariables.add(i.variable);
        return;
      case "move":
        if (settlers.has(i.from)) settlers.add(i.to);
        if (senders.has(i.from)) senders.add(i.to);
        if (objects.has(i.from)) objects.add(i.to);
        if (promises.has(i.from)) promises.add(i.to);
        return;
      case "get":
        if (!objects.has(i.object)) return;
        if (i.name === "promise") promises.add(i.to);
        else if (i.name !== undefined && sending?.has(i.name)) senders.add(i.to);
        else settlers.add(i.to);
        return;
      case "closure": {
        const inside = [...(captures.get(i.function) ?? [])];
        const isHeld = (one: VariableId) => variables.has(one) || objectVariables.has(one);
        if (!inside.some((one) => isHeld(one) || senderVariables.has(one))) return;
        const only = { objects: objectVariables, senders: senderVariables, sends: sending };
        const sendsOnly = !inside.some((one) => variables.has(one)) && onlySends(file, i.function, only);
        (sendsOnly ? senders : settlers).add(i.to);
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
      senders.size +
      senderVariables.size +
      promises.size +
      promiseVariables.size;
  }
  return { settlers, variables, objects, senders, promises };
}

/** `const send = (text) => controller.enqueue(encode(text))`: a closure that does nothing else with a controller, at once. */
function onlySends(
  file: FileFacts,
  id: FunctionId,
  only: {
    readonly objects: ReadonlySet<VariableId>;
    readonly senders: ReadonlySet<VariableId>;
    readonly sends: ReadonlySet<string> | undefined;
  },
): boolean {
  const facts = file.functions[id];
  // What waits in between may go on for ever, as long as a flag says so.
  if (!facts || only.sends === undefined || facts.async || facts.generator) return false;
  const uses = usesIn(facts);
  const captures = capturesIn(file);
  const isCalled = (temp: Temp) =>
    !uses.endsBlock(temp) &&
    uses
      .readers(temp)
      .every((reader) => reader.op === "call" && reader.callee === temp && !reader.arguments.includes(temp));
  const sendsHere = (temp: Temp) =>
    !uses.endsBlock(temp) &&
    uses.readers(temp).every((reader) => {
      if (reader.op === "get") return only.sends?.has(reader.name ?? "") === true && isCalled(reader.to);
      return reader.op === "call" && reader.receiver === temp && !reader.arguments.includes(temp);
    });
  return facts.blocks.every(({ code }) =>
    code.every((i) => {
      if (i.op === "load" && only.objects.has(i.variable)) return sendsHere(i.to);
      if (i.op === "load" && only.senders.has(i.variable)) return isCalled(i.to);
      if (i.op === "store") return !only.objects.has(i.variable) && !only.senders.has(i.variable);
      if (i.op !== "closure") return true;
      const inside = [...(captures.get(i.function) ?? [])];
      return !inside.some((one) => only.objects.has(one) || only.senders.has(one));
    }),
  );
}

function isHolder({ settlers, objects, senders }: Holders, temp: Temp): boolean {
  return settlers.has(temp) || objects.has(temp) || senders.has(temp);
}

function isSend(held: Holders, i: Instruction): boolean {
  return i.op === "call" && held.senders.has(i.callee);
}

/** It calls a settler, or takes it out of our sight. */
function isMention(file: FileFacts, facts: FunctionFacts, held: Holders, i: Instruction): boolean {
  switch (i.op) {
    case "store": {
      if (!isHolder(held, i.from)) return false;
      // What nobody reads settles nothing.
      return !isOwnVariable(file, facts, i.variable) && isRead(file, i.variable);
    }
    case "move":
    case "unary":
    case "binary":
      return false;
    case "get":
      return held.settlers.has(i.object);
    case "call":
      if (isSend(held, i)) return i.arguments.some((temp) => isHolder(held, temp));
      return operands(i).some((temp) => isHolder(held, temp));
    default:
      return operands(i).some((temp) => isHolder(held, temp));
  }
}

function isRead(file: FileFacts, id: VariableId): boolean {
  if (file.variables[id]?.exported) return true;
  return file.functions.some(({ blocks }) =>
    blocks.some(({ code }) => code.some((i) => i.op === "load" && i.variable === id)),
  );
}
