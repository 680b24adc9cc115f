import {
  type ArrayLiteralExpression,
  type ComputedPropertyName,
  type Identifier,
  type JsxAttribute,
  type JsxAttributes,
  type JsxChild,
  type JsxElement,
  type JsxExpression,
  type JsxFragment,
  type JsxOpeningLikeElement,
  type JsxSelfClosingElement,
  type JsxSpreadAttribute,
  type Node,
  type ObjectLiteralElementLike,
  type ObjectLiteralExpression,
  type PropertyAssignment,
  type ShorthandPropertyAssignment,
  type SpreadAssignment,
  type SpreadElement,
  SyntaxKind,
  type TemplateExpression,
} from "typescript/unstable/ast";
import type { ObjectPart, Temp } from "../facts.ts";
import { nodeIdOf } from "../syntax.ts";
import { lowerSpread } from "./access.ts";
import { lowerClosure } from "./closures.ts";
import type { FunctionBuilder } from "./function-builder.ts";
import { propertyName } from "./type-references.ts";

export function lowerObject(f: FunctionBuilder, node: ObjectLiteralExpression): Temp {
  const parts = node.properties.flatMap((part) => lowerPart(f, part));
  const to = f.temp();
  f.emit({ op: "object", to, parts }, node);
  return to;
}

function lowerPart(f: FunctionBuilder, part: ObjectLiteralElementLike): ObjectPart[] {
  switch (part.kind) {
    case SyntaxKind.SpreadAssignment:
      return [{ kind: "spread", value: f.lower(f, (part as SpreadAssignment).expression) }];
    case SyntaxKind.ShorthandPropertyAssignment: {
      const { name } = part as ShorthandPropertyAssignment;
      return [{ kind: "property", name: (name as Identifier).text, value: f.lower(f, name) }];
    }
    case SyntaxKind.PropertyAssignment: {
      const { name, initializer } = part as PropertyAssignment;
      const known = propertyName(name);
      if (known === undefined) {
        const key = f.lower(f, (name as ComputedPropertyName).expression);
        return [{ kind: "computed", key, value: f.lower(f, initializer) }];
      }
      return [{ kind: "property", name: known, value: lowerNamed(f, initializer, known, part) }];
    }
    case SyntaxKind.MethodDeclaration: {
      const known = propertyName(part.name);
      const key =
        known === undefined ? f.lower(f, (part.name as ComputedPropertyName).expression) : undefined;
      const value = lowerClosure(f, part, known ?? "", { kind: "method" });
      return key === undefined
        ? [{ kind: "property", name: known ?? "", value }]
        : [{ kind: "computed", key, value }];
    }
    case SyntaxKind.GetAccessor:
    case SyntaxKind.SetAccessor: {
      const known = propertyName(part.name);
      const kind = part.kind === SyntaxKind.GetAccessor ? "getter" : "setter";
      const value = lowerClosure(f, part, known ?? "", { kind });
      return known === undefined ? [] : [{ kind: "accessor", name: known, value }];
    }
    default:
      return [];
  }
}

/** An anonymous function takes the name of the property, and TypeScript may name it by the property. */
function lowerNamed(f: FunctionBuilder, value: Node, name: string, property: Node): Temp {
  return value.kind === SyntaxKind.ArrowFunction || value.kind === SyntaxKind.FunctionExpression
    ? lowerClosure(f, value, name, { nodes: [nodeIdOf(property)] })
    : f.lower(f, value, name);
}

export function lowerArray(f: FunctionBuilder, node: ArrayLiteralExpression): Temp {
  const elements: (Temp | null)[] = [];
  const spread: number[] = [];
  for (const element of node.elements) {
    if (element.kind === SyntaxKind.OmittedExpression) elements.push(null);
    else if (element.kind === SyntaxKind.SpreadElement) {
      spread.push(elements.length);
      elements.push(lowerSpread(f, element as SpreadElement));
    } else elements.push(f.lower(f, element));
  }
  const to = f.temp();
  f.emit({ op: "array", to, elements, spread }, node);
  return to;
}

export function lowerTemplate(f: FunctionBuilder, node: TemplateExpression): Temp {
  const parts: Temp[] = [];
  const text = (value: string, at: Node): void => {
    if (value !== "") parts.push(f.constant({ type: "string", value }, at));
  };
  text(node.head.text, node.head);
  for (const span of node.templateSpans) {
    parts.push(f.lower(f, span.expression));
    text(span.literal.text, span.literal);
  }
  const to = f.temp();
  f.emit({ op: "template", to, parts }, node);
  return to;
}

export function lowerJsx(f: FunctionBuilder, node: Node): Temp {
  switch (node.kind) {
    case SyntaxKind.JsxElement: {
      const { openingElement, children } = node as JsxElement;
      return element(f, node, openingElement, children);
    }
    case SyntaxKind.JsxSelfClosingElement:
      return element(f, node, node as JsxSelfClosingElement, []);
    default:
      return emitJsx(f, node, undefined, [], lowerChildren(f, (node as JsxFragment).children));
  }
}

function element(
  f: FunctionBuilder,
  node: Node,
  opening: JsxOpeningLikeElement,
  children: readonly JsxChild[],
): Temp {
  const tag = lowerTag(f, opening.tagName);
  const attributes = lowerAttributes(f, opening.attributes);
  return emitJsx(f, node, tag, attributes, lowerChildren(f, children));
}

function emitJsx(
  f: FunctionBuilder,
  node: Node,
  tag: Temp | undefined,
  attributes: readonly { readonly name: string; readonly value: Temp }[],
  children: readonly Temp[],
): Temp {
  const to = f.temp();
  f.emit({ op: "jsx", to, ...(tag === undefined ? {} : { tag }), attributes, children }, node);
  return to;
}

/** `<div>` names an element of the page, `<Row>` and `<ui.Row>` a value. */
function lowerTag(f: FunctionBuilder, name: Node): Temp | undefined {
  if (name.kind === SyntaxKind.JsxNamespacedName) return undefined;
  if (name.kind === SyntaxKind.Identifier && /^[a-z]/.test((name as Identifier).text)) return undefined;
  return f.lower(f, name);
}

function lowerAttributes(
  f: FunctionBuilder,
  attributes: JsxAttributes,
): readonly { readonly name: string; readonly value: Temp }[] {
  return attributes.properties.flatMap((attribute) => {
    if (attribute.kind === SyntaxKind.JsxSpreadAttribute) {
      return [{ name: "", value: f.lower(f, (attribute as JsxSpreadAttribute).expression) }];
    }
    const { name, initializer } = attribute as JsxAttribute;
    const text = name.kind === SyntaxKind.Identifier ? name.text : "";
    return initializer ? [{ name: text, value: f.lower(f, initializer, text) }] : [];
  });
}

function lowerChildren(f: FunctionBuilder, children: readonly JsxChild[]): readonly Temp[] {
  return children.flatMap((child) => {
    if (child.kind === SyntaxKind.JsxText) return [];
    if (child.kind === SyntaxKind.JsxExpression) {
      const { expression } = child as JsxExpression;
      return expression ? [f.lower(f, expression)] : [];
    }
    return [f.lower(f, child)];
  });
}
