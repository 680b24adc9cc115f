import {
  type ArrayLiteralExpression,
  type AwaitExpression,
  type BinaryExpression,
  type ClassExpression,
  type ConditionalExpression,
  type DeleteExpression,
  type FunctionExpression,
  type Identifier,
  type JsxExpression,
  type NewExpression,
  type Node,
  type ObjectLiteralExpression,
  type PostfixUnaryExpression,
  type PrefixUnaryExpression,
  type StringLiteral,
  SyntaxKind,
  type TaggedTemplateExpression,
  type TemplateExpression,
  type TypeOfExpression,
  type VoidExpression,
  type YieldExpression,
} from "typescript/unstable/ast";
import type { Temp } from "../facts.ts";
import { nodeIdOf } from "../syntax.ts";
import { lowerChain, lowerNew, lowerTagged } from "./access.ts";
import { lowerClass } from "./classes.ts";
import { lowerClosure } from "./closures.ts";
import { unwrap } from "./file-builder.ts";
import type { FunctionBuilder } from "./function-builder.ts";
import { lowerArray, lowerJsx, lowerObject, lowerTemplate } from "./literals.ts";
import { lowerBinary, lowerConditional, lowerPostfix, lowerPrefix } from "./operators.ts";

/** Emits the code of an expression and says where its value is. */
export function lowerExpression(f: FunctionBuilder, node: Node, name?: string): Temp {
  return f.nested(
    () => lower(f, unwrap(node), name ?? ""),
    () => opaque(f, node, []),
  );
}

function lower(f: FunctionBuilder, node: Node, name: string): Temp {
  switch (node.kind) {
    case SyntaxKind.Identifier:
      return lowerName(f, node as Identifier);
    case SyntaxKind.StringLiteral:
    case SyntaxKind.NoSubstitutionTemplateLiteral:
      return f.constant({ type: "string", value: (node as StringLiteral).text }, node);
    case SyntaxKind.NumericLiteral:
      return f.constant({ type: "number", value: Number((node as StringLiteral).text) }, node);
    case SyntaxKind.BigIntLiteral:
      return f.constant({ type: "bigint", value: (node as StringLiteral).text }, node);
    case SyntaxKind.RegularExpressionLiteral:
      return f.constant({ type: "regexp", value: (node as StringLiteral).text }, node);
    case SyntaxKind.TrueKeyword:
      return f.constant({ type: "boolean", value: true }, node);
    case SyntaxKind.FalseKeyword:
      return f.constant({ type: "boolean", value: false }, node);
    case SyntaxKind.NullKeyword:
      return f.constant({ type: "null" }, node);
    case SyntaxKind.OmittedExpression:
      return f.undefined(node);
    case SyntaxKind.ThisKeyword:
    case SyntaxKind.SuperKeyword: {
      const to = f.temp();
      f.emit({ op: node.kind === SyntaxKind.ThisKeyword ? "this" : "super", to }, node);
      return to;
    }
    case SyntaxKind.MetaProperty: {
      const to = f.temp();
      f.emit({ op: "meta", to, name: f.file.text.slice(f.file.start(node), node.end) }, node);
      return to;
    }
    case SyntaxKind.PropertyAccessExpression:
    case SyntaxKind.ElementAccessExpression:
    case SyntaxKind.CallExpression:
      return lowerChain(f, node);
    case SyntaxKind.NewExpression:
      return lowerNew(f, node as NewExpression);
    case SyntaxKind.TaggedTemplateExpression:
      return lowerTagged(f, node as TaggedTemplateExpression);
    case SyntaxKind.BinaryExpression:
      return lowerBinary(f, node as BinaryExpression);
    case SyntaxKind.PrefixUnaryExpression:
      return lowerPrefix(f, node as PrefixUnaryExpression);
    case SyntaxKind.PostfixUnaryExpression:
      return lowerPostfix(f, node as PostfixUnaryExpression);
    case SyntaxKind.ConditionalExpression:
      return lowerConditional(f, node as ConditionalExpression);
    case SyntaxKind.AwaitExpression: {
      const from = f.lower(f, (node as AwaitExpression).expression);
      const to = f.temp();
      f.emit({ op: "await", to, from, node: nodeIdOf(node) }, node);
      return to;
    }
    case SyntaxKind.YieldExpression:
      return lowerYield(f, node as YieldExpression);
    case SyntaxKind.TypeOfExpression:
      return unary(f, node, "typeof", (node as TypeOfExpression).expression);
    case SyntaxKind.VoidExpression:
      return unary(f, node, "void", (node as VoidExpression).expression);
    case SyntaxKind.DeleteExpression:
      return unary(f, node, "delete", (node as DeleteExpression).expression);
    case SyntaxKind.TemplateExpression:
      return lowerTemplate(f, node as TemplateExpression);
    case SyntaxKind.ArrowFunction:
    case SyntaxKind.FunctionExpression:
      return lowerClosure(f, node, (node as FunctionExpression).name?.text ?? name);
    case SyntaxKind.ClassExpression:
      return lowerClass(f, node as ClassExpression, (node as ClassExpression).name?.text ?? name);
    case SyntaxKind.ObjectLiteralExpression:
      return lowerObject(f, node as ObjectLiteralExpression);
    case SyntaxKind.ArrayLiteralExpression:
      return lowerArray(f, node as ArrayLiteralExpression);
    case SyntaxKind.JsxElement:
    case SyntaxKind.JsxSelfClosingElement:
    case SyntaxKind.JsxFragment:
      return lowerJsx(f, node);
    case SyntaxKind.JsxExpression: {
      const { expression } = node as JsxExpression;
      return expression ? f.lower(f, expression, name) : f.undefined(node);
    }
    default:
      return lowerUnknown(f, node);
  }
}

function lowerName(f: FunctionBuilder, node: Identifier): Temp {
  const { text } = node;
  const variable = f.scope.value(text);
  const to = f.temp();
  if (variable !== undefined) {
    f.emit({ op: "load", to, variable, node: nodeIdOf(node) }, node);
  } else if (text === "undefined" || text === "") {
    // TypeScript puts an empty name where code is missing: `f(a, )` while typing.
    f.emit({ op: "constant", to, constant: { type: "undefined" } }, node);
  } else if (text === "arguments") {
    f.usesArguments = true;
    f.emit({ op: "meta", to, name: text }, node);
  } else {
    f.emit({ op: "global", to, name: text, node: nodeIdOf(node) }, node);
  }
  return to;
}

function lowerYield(f: FunctionBuilder, node: YieldExpression): Temp {
  const from = node.expression && f.lower(f, node.expression);
  const to = f.temp();
  const delegate = node.asteriskToken !== undefined;
  f.emit({ op: "yield", to, delegate, ...(from === undefined ? {} : { from }) }, node);
  f.suspend(f.file.range(node));
  return to;
}

function unary(f: FunctionBuilder, node: Node, operator: string, operand: Node): Temp {
  const from = f.lower(f, operand);
  const to = f.temp();
  f.emit({ op: "unary", to, operator, from }, node);
  return to;
}

/** Syntax that we do not know: its expressions run, and what they give leaves our sight. */
function lowerUnknown(f: FunctionBuilder, node: Node): Temp {
  const children: Node[] = [];
  node.forEachChild((child) => {
    if (isExpressionKind(child.kind)) children.push(child);
    return undefined;
  });
  return opaque(
    f,
    node,
    children.map((child) => f.lower(f, child)),
  );
}

function isExpressionKind(kind: SyntaxKind): boolean {
  switch (kind) {
    case SyntaxKind.Identifier:
    case SyntaxKind.CallExpression:
    case SyntaxKind.PropertyAccessExpression:
    case SyntaxKind.ElementAccessExpression:
    case SyntaxKind.NewExpression:
    case SyntaxKind.AwaitExpression:
    case SyntaxKind.BinaryExpression:
    case SyntaxKind.ArrowFunction:
    case SyntaxKind.FunctionExpression:
    case SyntaxKind.ParenthesizedExpression:
      return true;
    default:
      return false;
  }
}

function opaque(f: FunctionBuilder, node: Node, from: readonly Temp[]): Temp {
  const to = f.temp();
  f.emit({ op: "opaque", to, from }, node);
  return to;
}
