import {
  type ArrayBindingPattern,
  type ArrayLiteralExpression,
  type BinaryExpression,
  type BindingElement,
  type ComputedPropertyName,
  type ElementAccessExpression,
  type Identifier,
  type Node,
  type ObjectBindingPattern,
  type ObjectLiteralExpression,
  type PropertyAccessExpression,
  type PropertyAssignment,
  type ShorthandPropertyAssignment,
  type SpreadAssignment,
  type SpreadElement,
  SyntaxKind,
} from "typescript/unstable/ast";
import type { Temp } from "../facts.ts";
import { nodeIdOf } from "../syntax.ts";
import { unwrap } from "./file-builder.ts";
import type { FunctionBuilder } from "./function-builder.ts";
import { propertyName } from "./type-references.ts";

/** Binds a declared name or pattern to a value. */
export function bindPattern(f: FunctionBuilder, pattern: Node | undefined, value: Temp): void {
  switch (pattern?.kind) {
    case SyntaxKind.Identifier:
      storeName(f, pattern as Identifier, value, true);
      return;
    case SyntaxKind.ObjectBindingPattern:
      for (const element of (pattern as ObjectBindingPattern).elements)
        bindElement(f, element, value, undefined);
      return;
    case SyntaxKind.ArrayBindingPattern:
      for (const [index, element] of (pattern as ArrayBindingPattern).elements.entries()) {
        bindElement(f, element, value, index);
      }
      return;
    default:
  }
}

function bindElement(
  f: FunctionBuilder,
  element: BindingElement,
  value: Temp,
  index: number | undefined,
): void {
  if (element.kind !== SyntaxKind.BindingElement || !element.name) return;
  f.nested(
    () => {
      let taken: Temp;
      if (element.dotDotDotToken) {
        taken = f.temp();
        f.emit({ op: "rest", to: taken, object: value }, element);
      } else if (index === undefined) {
        taken = takeProperty(f, (element.propertyName ?? element.name) as Node, value);
      } else {
        taken = takeIndex(f, element, value, index);
      }
      bindPattern(f, element.name, withDefault(f, taken, element.initializer, nameOf(element.name)));
    },
    () => undefined,
  );
}

/** Something that can stand left of `=`. Its parts are evaluated when it is prepared, before the right side. */
export interface Target {
  /** The current value, for `+=` and the like. */
  read(): Temp;
  write(value: Temp): void;
}

/** Evaluates what an assignment target needs; undefined for patterns, which evaluate as they take apart. */
export function prepareTarget(f: FunctionBuilder, node: Node): Target | undefined {
  const target = unwrap(node);
  switch (target.kind) {
    case SyntaxKind.Identifier:
      return {
        read: () => f.lower(f, target),
        write: (value) => storeName(f, target as Identifier, value, false),
      };
    case SyntaxKind.PropertyAccessExpression: {
      const access = target as PropertyAccessExpression;
      const object = f.lower(f, access.expression);
      const name = access.name.text;
      return {
        read: () => {
          const to = f.temp();
          f.emit({ op: "get", to, object, name, node: nodeIdOf(access.name), pattern: false }, access.name);
          return to;
        },
        write: (value) => f.emit({ op: "set", object, name, from: value }, access.name),
      };
    }
    case SyntaxKind.ElementAccessExpression: {
      const access = target as ElementAccessExpression;
      const object = f.lower(f, access.expression);
      const key = f.lower(f, access.argumentExpression);
      return {
        read: () => {
          const to = f.temp();
          f.emit({ op: "get-element", to, object, key }, access);
          return to;
        },
        write: (value) => f.emit({ op: "set-element", object, key, from: value }, access),
      };
    }
    default:
      return undefined;
  }
}

/** Assigns to a name, a property or a pattern (`[a, b.c] = value`, `({ a, b: c = 1 } = value)`). */
export function assign(f: FunctionBuilder, node: Node, value: Temp): void {
  const pattern = unwrap(node);
  f.nested(
    () => {
      switch (pattern.kind) {
        case SyntaxKind.ObjectLiteralExpression:
          for (const part of (pattern as ObjectLiteralExpression).properties) assignProperty(f, part, value);
          return;
        case SyntaxKind.ArrayLiteralExpression:
          for (const [index, element] of (pattern as ArrayLiteralExpression).elements.entries()) {
            assignElement(f, element, value, index);
          }
          return;
        // In a pattern: `target = default`.
        case SyntaxKind.BinaryExpression: {
          const { left, right } = pattern as BinaryExpression;
          assign(f, left, withDefault(f, value, right, nameOf(left)));
          return;
        }
        default:
          prepareTarget(f, pattern)?.write(value);
      }
    },
    () => undefined,
  );
}

function assignProperty(f: FunctionBuilder, part: Node, value: Temp): void {
  switch (part.kind) {
    case SyntaxKind.ShorthandPropertyAssignment: {
      const shorthand = part as ShorthandPropertyAssignment;
      const taken = takeProperty(f, shorthand.name, value);
      assign(f, shorthand.name, withDefault(f, taken, shorthand.objectAssignmentInitializer, undefined));
      return;
    }
    case SyntaxKind.PropertyAssignment: {
      const property = part as PropertyAssignment;
      assign(f, property.initializer, takeProperty(f, property.name, value));
      return;
    }
    case SyntaxKind.SpreadAssignment: {
      const to = f.temp();
      f.emit({ op: "rest", to, object: value }, part);
      assign(f, (part as SpreadAssignment).expression, to);
      return;
    }
    default:
  }
}

function assignElement(f: FunctionBuilder, element: Node, value: Temp, index: number): void {
  if (element.kind === SyntaxKind.OmittedExpression) return;
  if (element.kind === SyntaxKind.SpreadElement) {
    const to = f.temp();
    f.emit({ op: "rest", to, object: value }, element);
    assign(f, (element as SpreadElement).expression, to);
    return;
  }
  assign(f, element, takeIndex(f, element, value, index));
}

function takeProperty(f: FunctionBuilder, name: Node, object: Temp): Temp {
  const to = f.temp();
  const known = propertyName(name);
  if (known === undefined) {
    const key = f.lower(f, (name as ComputedPropertyName).expression);
    f.emit({ op: "get-element", to, object, key }, name);
  } else {
    f.emit({ op: "get", to, object, name: known, node: nodeIdOf(name), pattern: true }, name);
  }
  return to;
}

function takeIndex(f: FunctionBuilder, element: Node, object: Temp, index: number): Temp {
  const to = f.temp();
  f.emit({ op: "get", to, object, name: String(index), node: nodeIdOf(element), pattern: true }, element);
  return to;
}

/** `value`, or `initializer` where it is undefined. */
export function withDefault(
  f: FunctionBuilder,
  value: Temp,
  initializer: Node | undefined,
  name: string | undefined,
): Temp {
  if (!initializer) return value;
  const to = f.temp();
  const missing = f.block();
  const given = f.block();
  const after = f.block();
  const test = f.temp();
  const nothing = f.undefined(initializer);
  f.emit({ op: "binary", to: test, operator: "===", left: value, right: nothing }, initializer);
  f.branch(test, "truthy", missing, given);
  f.enter(missing);
  f.emit({ op: "move", to, from: f.lower(f, initializer, name) }, initializer);
  f.goto(after);
  f.enter(given);
  f.emit({ op: "move", to, from: value }, initializer);
  f.goto(after);
  f.enter(after);
  return to;
}

export function storeName(f: FunctionBuilder, name: Identifier, value: Temp, initial: boolean): void {
  const variable = f.scope.value(name.text);
  if (variable === undefined) {
    f.emit({ op: "store-global", name: name.text, from: value }, name);
    return;
  }
  f.emit({ op: "store", variable, from: value, initial }, name);
}

export function nameOf(node: Node | undefined): string | undefined {
  return node?.kind === SyntaxKind.Identifier ? (node as Identifier).text : undefined;
}
