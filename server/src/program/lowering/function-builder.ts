import type { Node } from "typescript/unstable/ast";
import type {
  Block,
  BlockId,
  Constant,
  FunctionFacts,
  FunctionId,
  Instruction,
  Range,
  StatementList,
  Temp,
  Terminator,
} from "../facts.ts";
import type { NodeId } from "../ids.ts";
import { nodeIdOf } from "../syntax.ts";
import type { FileBuilder } from "./file-builder.ts";
import type { Scope } from "./scope.ts";
import { simplify } from "./simplify.ts";

/** An instruction without its place. */
export type Step = Instruction extends infer I ? (I extends Range ? Omit<I, "start" | "end"> : never) : never;

interface OpenBlock {
  readonly code: Instruction[];
  end: Terminator | undefined;
  handler: BlockId | undefined;
  readonly cleanup: boolean;
}

/** What surrounds the code being lowered and has a say when it is left. */
type Frame =
  | {
      readonly kind: "target";
      readonly labels: readonly string[];
      /** A `break` without label ends here. */
      readonly breakable: boolean;
      readonly breakTo?: BlockId;
      readonly continueTo?: BlockId;
    }
  | {
      readonly kind: "cleanup";
      /** Lowers the code that has to run first: a `finally` body, a disposal, the end of an iteration. */
      readonly emit: (throwing: boolean) => void;
      readonly handler: BlockId | undefined;
      /** Copies of that code, by where they lead. */
      readonly copies: Map<string, BlockId>;
    };

/** Each copy of a cleanup serves one way of leaving; nested ones multiply, and nobody writes this many. */
const maxCopies = 300;

/** Deeper nesting than people write; the stack of a thread holds a multiple of it. */
const maxDepth = 400;

export type LowerExpression = (f: FunctionBuilder, node: Node, name?: string) => Temp;

/** The control-flow graph of one function while it grows. */
export class FunctionBuilder {
  readonly file: FileBuilder;
  readonly id: FunctionId;
  /** Lowers an expression; `name` is what an anonymous function in this place is called. */
  readonly lower: LowerExpression;
  scope: Scope;
  readonly async: boolean;
  readonly generator: boolean;
  imprecise: string | undefined;
  usesArguments = false;
  /** Where exceptions of the code being lowered go. */
  handler: BlockId | undefined;
  readonly statements: StatementList[] = [];
  readonly #blocks: OpenBlock[] = [];
  #current: OpenBlock;
  #temps = 0;
  #frames: Frame[] = [];
  #returned: Temp | undefined;
  #copies = 0;
  #depth = 0;
  #cleaning = false;
  readonly #listed = new Set<NodeId>();

  constructor(
    file: FileBuilder,
    id: FunctionId,
    scope: Scope,
    flags: { readonly async: boolean; readonly generator: boolean },
    lower: LowerExpression,
  ) {
    this.file = file;
    this.id = id;
    this.scope = scope;
    this.lower = lower;
    this.async = flags.async;
    this.generator = flags.generator;
    this.#current = { code: [], end: undefined, handler: undefined, cleanup: false };
    this.#blocks.push(this.#current);
  }

  temp(): Temp {
    this.#temps += 1;
    return (this.#temps - 1) as Temp;
  }

  /** Appends an instruction; `at` is a node or a range. */
  emit(step: Step, at: Range | Node): void {
    const { start, end } = "kind" in at ? this.file.range(at) : at;
    this.#current.code.push({ ...step, start, end } as Instruction);
  }

  constant(constant: Constant, at: Range | Node): Temp {
    const to = this.temp();
    this.emit({ op: "constant", to, constant }, at);
    return to;
  }

  undefined(at: Range | Node): Temp {
    return this.constant({ type: "undefined" }, at);
  }

  // --- blocks

  /** A new block whose exceptions go where those of the code being lowered go. */
  block(): BlockId {
    return this.#blockWith(this.handler);
  }

  #blockWith(handler: BlockId | undefined): BlockId {
    this.#blocks.push({ code: [], end: undefined, handler, cleanup: this.#cleaning });
    return (this.#blocks.length - 1) as BlockId;
  }

  /** Goes on with `block`. What was current must have ended. */
  enter(block: BlockId): void {
    const next = this.#blocks[block];
    if (!next) throw new Error("no such block");
    this.#current = next;
  }

  goto(to: BlockId): void {
    this.#end({ kind: "goto", to });
  }

  branch(test: Temp, on: "truthy" | "nullish", yes: BlockId, no: BlockId): void {
    this.#end({ kind: "branch", test, on, yes, no });
  }

  throw(value: Temp, at: Range): void {
    this.#end({ kind: "throw", value, at });
  }

  #end(end: Terminator): void {
    this.#current.end ??= end;
    // Code after a jump is unreachable; it is lowered all the same, because closures in it must exist.
    this.#current = { code: [], end: undefined, handler: this.handler, cleanup: this.#cleaning };
    this.#blocks.push(this.#current);
  }

  // --- leaving

  withTarget(target: Omit<Extract<Frame, { kind: "target" }>, "kind">, lower: () => void): void {
    this.#frames.push({ kind: "target", ...target });
    lower();
    this.#frames.pop();
  }

  /**
   * Lowers `protectedCode` so that `cleanup` runs on every way out of it: once for the normal end if `onNormal`, once
   * per jump target, once for exceptions (`throwing`).
   */
  withCleanup(
    cleanup: (throwing: boolean) => void,
    options: { readonly at: Range; readonly onNormal: boolean },
    protectedCode: () => void,
  ): void {
    const outer = this.handler;
    const landing = this.block();
    const frame: Frame = { kind: "cleanup", emit: cleanup, handler: outer, copies: new Map() };
    this.#frames.push(frame);
    this.handler = landing;
    const start = this.block();
    this.goto(start);
    this.enter(start);
    protectedCode();
    this.#frames.pop();
    this.handler = outer;
    const after = this.block();
    this.goto(after);

    this.enter(landing);
    const caught = this.temp();
    this.emit({ op: "caught", to: caught }, options.at);
    if (this.#mayCopy()) this.#run(() => cleanup(true));
    this.throw(caught, options.at);

    this.enter(after);
    if (options.onNormal && this.#mayCopy()) this.#run(() => cleanup(false));
  }

  /** Lowers code that cleans up, in blocks that say so. */
  cleaningUp(lower: () => void): void {
    const before = this.#cleaning;
    this.#cleaning = true;
    lower();
    this.#cleaning = before;
  }

  #run(cleanup: () => void): void {
    this.cleaningUp(() => {
      const start = this.block();
      this.goto(start);
      this.enter(start);
      cleanup();
    });
    const after = this.block();
    this.goto(after);
    this.enter(after);
  }

  return(value: Temp | undefined, at: Range): void {
    const last = this.#frames.findLastIndex((frame) => frame.kind === "cleanup");
    if (last < 0) {
      this.#end(value === undefined ? { kind: "return", at } : { kind: "return", value, at });
      return;
    }
    // A cleanup runs between `return x` and the end, so the value waits in a temp that all returns share.
    this.#returned ??= this.temp();
    const returned = this.#returned;
    const from = value ?? this.undefined(at);
    this.emit({ op: "move", to: returned, from }, at);
    this.#leave(this.#frames.length, 0, "return", () => {
      this.#end({ kind: "return", value: returned, at });
    });
  }

  break(label: string | undefined): void {
    const depth = this.#frames.findLastIndex(
      (frame) =>
        frame.kind === "target" &&
        frame.breakTo !== undefined &&
        (label === undefined ? frame.breakable : frame.labels.includes(label)),
    );
    const frame = this.#frames[depth];
    if (frame?.kind === "target" && frame.breakTo !== undefined) this.#jump(depth, frame.breakTo);
  }

  continue(label: string | undefined): void {
    const depth = this.#frames.findLastIndex(
      (frame) =>
        frame.kind === "target" &&
        frame.continueTo !== undefined &&
        (label === undefined || frame.labels.includes(label)),
    );
    const frame = this.#frames[depth];
    if (frame?.kind === "target" && frame.continueTo !== undefined) this.#jump(depth, frame.continueTo);
  }

  /** Ends the current block after a `yield` instruction. */
  suspend(at: Range): void {
    const resume = this.block();
    const abandon = this.block();
    this.#end({ kind: "suspend", resume, abandon });
    this.enter(abandon);
    this.#leave(this.#frames.length, 0, "abandon", () => {
      this.#end({ kind: "return", at });
    });
    this.enter(resume);
  }

  #jump(depth: number, to: BlockId): void {
    this.#leave(this.#frames.length, depth + 1, `goto ${to}`, () => this.goto(to));
  }

  /** Runs the cleanups of the frames from `from` down to `to`, then `arrive`. */
  #leave(from: number, to: number, key: string, arrive: () => void): void {
    for (let depth = from - 1; depth >= to; depth -= 1) {
      const frame = this.#frames[depth];
      if (frame?.kind !== "cleanup") continue;
      let copy = frame.copies.get(key);
      if (copy === undefined) {
        copy = this.#blockWith(frame.handler);
        frame.copies.set(key, copy);
        this.goto(copy);
        const resumeAt = this.#current;
        this.#outside(depth, frame.handler, () => {
          this.enter(copy as BlockId);
          if (this.#mayCopy()) this.#run(() => frame.emit(false));
          this.#leave(depth, to, key, arrive);
        });
        this.#current = resumeAt;
      } else {
        this.goto(copy);
      }
      return;
    }
    arrive();
  }

  /** Lowers code as if it stood outside the frames from `depth` on. */
  #outside(depth: number, handler: BlockId | undefined, lower: () => void): void {
    const frames = this.#frames;
    const inner = this.handler;
    this.#frames = frames.slice(0, depth);
    this.handler = handler;
    lower();
    this.#frames = frames;
    this.handler = inner;
  }

  #mayCopy(): boolean {
    this.#copies += 1;
    if (this.#copies <= maxCopies) return true;
    this.imprecise ??= "nested finally blocks";
    return false;
  }

  // --- limits and places

  /** Runs `lower` one level deeper; past the limit it gives the fallback and marks the function. */
  nested<T>(lower: () => T, fallback: () => T): T {
    if (this.#depth >= maxDepth) {
      this.imprecise ??= "nested too deeply";
      return fallback();
    }
    this.#depth += 1;
    const result = lower();
    this.#depth -= 1;
    return result;
  }

  /** Remembers a list of statements as written, once. */
  list(owner: Node, range: Range, statements: readonly Node[]): void {
    const key = nodeIdOf(owner);
    if (this.#listed.has(key)) return;
    this.#listed.add(key);
    this.statements.push({ ...range, of: statements.map((statement) => this.file.range(statement)) });
  }

  finish(at: Range): Pick<FunctionFacts, "blocks" | "temps"> {
    if (!this.#current.end) this.#current.end = { kind: "return", at };
    const blocks = this.#blocks.map(
      (block): Block => ({
        code: block.code,
        end: block.end ?? { kind: "unreachable" },
        ...(block.handler === undefined ? {} : { handler: block.handler }),
        ...(block.cleanup ? { cleanup: true as const } : {}),
      }),
    );
    return { blocks: simplify(blocks), temps: this.#temps };
  }
}
