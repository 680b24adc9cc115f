import { type Node, type SourceFile, SyntaxKind } from "typescript/unstable/ast";
import {
  type ClassFact,
  type ClassId,
  type ExportFact,
  type FileFacts,
  type FunctionFacts,
  type FunctionId,
  type FunctionKind,
  factsFormat,
  type ImportFact,
  type Range,
  type TypeFact,
  type TypeId,
  type TypeReference,
  type VariableFact,
  type VariableId,
  type VariableKind,
} from "../facts.ts";
import type { FilePath, NodeId } from "../ids.ts";
import { nodeIdOf } from "../syntax.ts";
import { Scope } from "./scope.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A function whose body is still to be lowered; the queue keeps deep nesting off the stack. */
export interface PendingFunction {
  readonly id: FunctionId;
  /** The function, or the class or namespace whose initialisers it runs. */
  readonly node: Node;
  /** Where it stands. */
  readonly scope: Scope;
  readonly kind: FunctionKind;
  readonly name: string;
  readonly parent: FunctionId;
  readonly class?: ClassId;
  readonly static: boolean;
  /** Other nodes by which TypeScript may name it: the variable or property it is assigned to. */
  readonly nodes: readonly NodeId[];
}

/** The facts of one file while they grow. */
export class FileBuilder {
  readonly sourceFile: SourceFile;
  readonly path: FilePath;
  readonly text: string;
  readonly variables: Mutable<VariableFact>[] = [];
  readonly functions: (FunctionFacts | undefined)[] = [];
  readonly classes: (ClassFact | undefined)[] = [];
  readonly types: (TypeFact | undefined)[] = [];
  readonly imports: ImportFact[] = [];
  readonly bareImports: string[] = [];
  readonly pending: PendingFunction[] = [];
  readonly #exports = new Map<string, ExportFact>();
  readonly #scopes = new Map<NodeId, Scope>();
  readonly #functionsOf = new Map<NodeId, FunctionId>();
  readonly #classesOf = new Map<NodeId, ClassId>();

  constructor(sourceFile: SourceFile, path: FilePath) {
    this.sourceFile = sourceFile;
    this.path = path;
    this.text = sourceFile.text;
  }

  /** What a reader would point at: the node without the comments and spaces before it. */
  range(node: Node): Range {
    return { start: this.start(node), end: node.end };
  }

  start(node: Node): number {
    // Nodes that TypeScript made out of JSDoc have no text of their own.
    return Math.min(node.getStart(this.sourceFile), node.end);
  }

  newVariable(
    name: string,
    kind: VariableKind,
    declaration: Node,
    at: Range,
    owner: FunctionId,
    type?: TypeReference,
  ): VariableId {
    const variable: Mutable<VariableFact> = {
      name,
      kind,
      node: nodeIdOf(declaration),
      function: owner,
      captured: false,
      assignments: 0,
      exported: false,
      start: at.start,
      end: at.end,
    };
    if (type) variable.type = type;
    this.variables.push(variable);
    return (this.variables.length - 1) as VariableId;
  }

  /** Records an export; the first of a kind and name stays (overloads, merged declarations). */
  addExport(key: string, fact: ExportFact): void {
    if (!this.#exports.has(key)) this.#exports.set(key, fact);
  }

  newType(): TypeId {
    this.types.push(undefined);
    return (this.types.length - 1) as TypeId;
  }

  /** The id of the function at a node, and whether it is asked for the first time. */
  functionAt(node: Node): { readonly id: FunctionId; readonly isNew: boolean } {
    const key = nodeIdOf(node);
    const known = this.#functionsOf.get(key);
    if (known !== undefined) return { id: known, isNew: false };
    const id = this.newFunction();
    this.#functionsOf.set(key, id);
    return { id, isNew: true };
  }

  newFunction(): FunctionId {
    this.functions.push(undefined);
    return (this.functions.length - 1) as FunctionId;
  }

  classAt(node: Node): { readonly id: ClassId; readonly isNew: boolean } {
    const key = nodeIdOf(node);
    const known = this.#classesOf.get(key);
    if (known !== undefined) return { id: known, isNew: false };
    this.classes.push(undefined);
    const id = (this.classes.length - 1) as ClassId;
    this.#classesOf.set(key, id);
    return { id, isNew: true };
  }

  /**
   * The scope of a node; made, and filled by `fill`, on the first call. The body of a `finally` is lowered several
   * times and has to mean the same variables each time.
   */
  scopeAt(node: Node, parent: Scope, fill: (scope: Scope) => void): Scope {
    const key = nodeIdOf(node);
    const known = this.#scopes.get(key);
    if (known) return known;
    const scope = new Scope(parent, parent.function);
    this.#scopes.set(key, scope);
    fill(scope);
    return scope;
  }

  finish({
    suppressions,
    disabledRules,
    tags,
  }: Pick<FileFacts, "suppressions" | "disabledRules" | "tags">): FileFacts {
    const functions = this.functions.map((facts) => present(facts));
    this.#countUses(functions);
    const writers = this.#writers(functions);
    return {
      format: factsFormat,
      path: this.path,
      language: /\.[cm]?jsx?$/.test(this.path) ? "javascript" : "typescript",
      module: this.sourceFile.externalModuleIndicator !== undefined,
      lines: this.sourceFile.getLineStarts(),
      imports: this.imports,
      bareImports: this.bareImports,
      exports: [...this.#exports.values()],
      variables: this.variables,
      functions: functions.map((facts, id) => ({
        ...facts,
        writtenByOthers: writtenByOthers(facts, id, writers),
      })),
      classes: this.classes.map((facts) => present(facts)),
      types: this.types.map((facts) => present(facts)),
      suppressions,
      disabledRules,
      tags,
      generated: isGenerated(this.text),
      hashbang: this.text.startsWith("#!"),
    };
  }

  /** The functions that assign a variable where it is not declared. */
  #writers(functions: readonly FunctionFacts[]): ReadonlyMap<VariableId, ReadonlySet<number>> {
    const found = new Map<VariableId, Set<number>>();
    for (const [id, { blocks }] of functions.entries()) {
      for (const i of blocks.flatMap(({ code }) => code)) {
        if (i.op !== "store" || i.initial || !this.variables[i.variable]?.captured) continue;
        found.set(i.variable, (found.get(i.variable) ?? new Set()).add(id));
      }
    }
    return found;
  }

  /** Copies of a `finally` body repeat an assignment, so places are counted and not instructions. */
  #countUses(functions: readonly FunctionFacts[]): void {
    const assigned = new Set<string>();
    for (const [id, facts] of functions.entries()) {
      for (const instruction of facts.blocks.flatMap((block) => block.code)) {
        if (instruction.op !== "load" && instruction.op !== "store") continue;
        const variable = this.variables[instruction.variable];
        if (!variable) continue;
        if (variable.function !== id) variable.captured = true;
        if (instruction.op === "load" || instruction.initial) continue;
        const place = `${instruction.variable} ${instruction.start}`;
        if (assigned.has(place)) continue;
        assigned.add(place);
        variable.assignments += 1;
      }
    }
  }
}

function writtenByOthers(
  { blocks }: FunctionFacts,
  id: number,
  writers: ReadonlyMap<VariableId, ReadonlySet<number>>,
): readonly VariableId[] {
  if (writers.size === 0) return [];
  const mentioned = new Set(
    blocks.flatMap(({ code }) =>
      code.flatMap((i) => (i.op === "load" || i.op === "store" ? [i.variable] : [])),
    ),
  );
  return [...mentioned].filter((variable) => [...(writers.get(variable) ?? [])].some((one) => one !== id));
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("a declaration was announced and never lowered");
  return value;
}

/** The convention of Go and of most code generators, looked for in the first lines only. */
function isGenerated(text: string): boolean {
  const head = text.slice(0, 2_000);
  return /^\s*(\/\/|\/?\*+)[^\n]*(@generated\b|code generated [^\n]* do not edit|this file (is|was) (auto(matically)?[- ]?)?generated)/im.test(
    head,
  );
}

/** The expression inside parentheses, assertions and non-null marks, which do nothing at run time. */
export function unwrap(node: Node): Node {
  let inner = node as Node & { readonly expression?: Node };
  for (;;) {
    switch (inner.kind) {
      case SyntaxKind.ParenthesizedExpression:
      case SyntaxKind.AsExpression:
      case SyntaxKind.SatisfiesExpression:
      case SyntaxKind.NonNullExpression:
      case SyntaxKind.TypeAssertionExpression:
      case SyntaxKind.ExpressionWithTypeArguments:
      case SyntaxKind.PartiallyEmittedExpression:
        if (!inner.expression) return inner;
        inner = inner.expression;
        break;
      default:
        return inner;
    }
  }
}
