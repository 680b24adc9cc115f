import {
  type ArrowFunction,
  type FunctionDeclaration,
  type FunctionExpression,
  type GetAccessorDeclaration,
  type MethodDeclaration,
  type Node,
  SyntaxKind,
} from "typescript/unstable/ast";
import type { FunctionId, FunctionKind, Temp } from "../facts.ts";
import type { NodeId } from "../ids.ts";
import { nodeIdOf } from "../syntax.ts";
import type { FunctionBuilder } from "./function-builder.ts";

export type FunctionNode =
  | ArrowFunction
  | FunctionExpression
  | FunctionDeclaration
  | MethodDeclaration
  | GetAccessorDeclaration;

/** Emits the closure of a function expression, method or declaration, and queues its body. */
export function lowerClosure(
  f: FunctionBuilder,
  node: Node,
  name: string,
  options: { readonly kind?: FunctionKind; readonly nodes?: readonly NodeId[] } = {},
): Temp {
  const to = f.temp();
  const id = queueFunction(f, node, name, options);
  f.emit({ op: "closure", to, function: id }, node);
  return to;
}

/** Queues the body of a function once, however often it is met. */
export function queueFunction(
  f: FunctionBuilder,
  node: Node,
  name: string,
  options: { readonly kind?: FunctionKind; readonly nodes?: readonly NodeId[] } = {},
): FunctionId {
  const { id, isNew } = f.file.functionAt(node);
  if (isNew) {
    f.file.pending.push({
      id,
      node,
      scope: f.scope,
      kind: options.kind ?? (node.kind === SyntaxKind.ArrowFunction ? "arrow" : "function"),
      name,
      parent: f.id,
      static: false,
      nodes: [nodeIdOf(node), ...(options.nodes ?? [])],
    });
  }
  return id;
}
