import {
  type BinaryExpression,
  type ConditionalExpression,
  type Identifier,
  type Node,
  type PostfixUnaryExpression,
  type PrefixUnaryExpression,
  SyntaxKind,
  tokenToString,
} from "typescript/unstable/ast";
import type { BlockId, Temp } from "../facts.ts";
import { unwrap } from "./file-builder.ts";
import type { FunctionBuilder } from "./function-builder.ts";
import { assign, nameOf, prepareTarget } from "./patterns.ts";

export function lowerBinary(f: FunctionBuilder, node: BinaryExpression): Temp {
  const operator = node.operatorToken.kind;
  switch (operator) {
    case SyntaxKind.EqualsToken:
      return lowerAssignment(f, node);
    case SyntaxKind.AmpersandAmpersandEqualsToken:
    case SyntaxKind.BarBarEqualsToken:
    case SyntaxKind.QuestionQuestionEqualsToken:
      return lowerLogicalAssignment(f, node);
    case SyntaxKind.AmpersandAmpersandToken:
    case SyntaxKind.BarBarToken:
    case SyntaxKind.QuestionQuestionToken:
      return lowerLogical(f, node);
    default:
      return operator >= SyntaxKind.FirstCompoundAssignment && operator <= SyntaxKind.LastCompoundAssignment
        ? lowerCompoundAssignment(f, node)
        : lowerOperands(f, node);
  }
}

/** Left operands nest as deep as a chain of `+` is long, so they are unrolled. */
function lowerOperands(f: FunctionBuilder, node: BinaryExpression): Temp {
  const spine: BinaryExpression[] = [];
  let left: Node = node;
  while (
    left.kind === SyntaxKind.BinaryExpression &&
    isPlain((left as BinaryExpression).operatorToken.kind)
  ) {
    spine.push(left as BinaryExpression);
    left = unwrap((left as BinaryExpression).left);
  }
  let value = f.lower(f, left);
  for (const link of spine.reverse()) {
    const right = f.lower(f, link.right);
    if (link.operatorToken.kind === SyntaxKind.CommaToken) {
      value = right;
      continue;
    }
    const to = f.temp();
    f.emit(
      { op: "binary", to, operator: tokenToString(link.operatorToken.kind) ?? "?", left: value, right },
      link,
    );
    value = to;
  }
  return value;
}

function isPlain(operator: SyntaxKind): boolean {
  switch (operator) {
    case SyntaxKind.EqualsToken:
    case SyntaxKind.AmpersandAmpersandToken:
    case SyntaxKind.BarBarToken:
    case SyntaxKind.QuestionQuestionToken:
      return false;
    default:
      return !(
        operator >= SyntaxKind.FirstCompoundAssignment && operator <= SyntaxKind.LastCompoundAssignment
      );
  }
}

/** `a`, `b` and `c` of `a && b && c`. */
function logicalOperands(node: BinaryExpression): readonly Node[] {
  const operator = node.operatorToken.kind;
  const operands: Node[] = [];
  let left: Node = node;
  while (
    left.kind === SyntaxKind.BinaryExpression &&
    (left as BinaryExpression).operatorToken.kind === operator
  ) {
    operands.push((left as BinaryExpression).right);
    left = unwrap((left as BinaryExpression).left);
  }
  return [left, ...operands.reverse()];
}

/** `a && b && c`: operands from left to right, each deciding whether the next is evaluated. */
function lowerLogical(f: FunctionBuilder, node: BinaryExpression): Temp {
  const operator = node.operatorToken.kind;
  const operands = logicalOperands(node);
  const result = f.temp();
  const after = f.block();
  for (const [index, operand] of operands.entries()) {
    const value = f.lower(f, operand);
    f.emit({ op: "move", to: result, from: value }, operand);
    if (index === operands.length - 1) break;
    const next = f.block();
    decide(f, operator, value, next, after);
    f.enter(next);
  }
  f.goto(after);
  f.enter(after);
  return result;
}

function decide(f: FunctionBuilder, operator: SyntaxKind, value: Temp, goOn: BlockId, stop: BlockId): void {
  switch (operator) {
    case SyntaxKind.AmpersandAmpersandToken:
    case SyntaxKind.AmpersandAmpersandEqualsToken:
      f.branch(value, "truthy", goOn, stop);
      return;
    case SyntaxKind.BarBarToken:
    case SyntaxKind.BarBarEqualsToken:
      f.branch(value, "truthy", stop, goOn);
      return;
    default:
      f.branch(value, "nullish", goOn, stop);
  }
}

function lowerAssignment(f: FunctionBuilder, node: BinaryExpression): Temp {
  const target = prepareTarget(f, node.left);
  const value = f.lower(f, node.right, assignedName(node.left));
  if (target) target.write(value);
  else assign(f, node.left, value);
  return value;
}

/** The left side is read before the right side is evaluated: `total += await f()` loses what happens meanwhile. */
function lowerCompoundAssignment(f: FunctionBuilder, node: BinaryExpression): Temp {
  const target = prepareTarget(f, node.left);
  const left = target?.read() ?? f.lower(f, node.left);
  const right = f.lower(f, node.right);
  const to = f.temp();
  const operator = (tokenToString(node.operatorToken.kind) ?? "?=").slice(0, -1);
  f.emit({ op: "binary", to, operator, left, right }, node);
  target?.write(to);
  return to;
}

function lowerLogicalAssignment(f: FunctionBuilder, node: BinaryExpression): Temp {
  const target = prepareTarget(f, node.left);
  const current = target?.read() ?? f.lower(f, node.left);
  const result = f.temp();
  const assigned = f.block();
  const after = f.block();
  f.emit({ op: "move", to: result, from: current }, node.left);
  decide(f, node.operatorToken.kind, current, assigned, after);
  f.enter(assigned);
  const value = f.lower(f, node.right, assignedName(node.left));
  target?.write(value);
  f.emit({ op: "move", to: result, from: value }, node.right);
  f.goto(after);
  f.enter(after);
  return result;
}

function assignedName(left: Node): string | undefined {
  const target = unwrap(left) as Node & { readonly name?: Identifier };
  return nameOf(target) ?? nameOf(target.name);
}

/** `a ? b : c ? d : e`, however long. */
export function lowerConditional(f: FunctionBuilder, node: ConditionalExpression): Temp {
  const result = f.temp();
  const after = f.block();
  let rest: Node = node;
  while (rest.kind === SyntaxKind.ConditionalExpression) {
    const { condition, whenTrue, whenFalse } = rest as ConditionalExpression;
    const yes = f.block();
    const no = f.block();
    lowerCondition(f, condition, yes, no);
    f.enter(yes);
    f.emit({ op: "move", to: result, from: f.lower(f, whenTrue) }, whenTrue);
    f.goto(after);
    f.enter(no);
    rest = unwrap(whenFalse);
  }
  f.emit({ op: "move", to: result, from: f.lower(f, rest) }, rest);
  f.goto(after);
  f.enter(after);
  return result;
}

/** Evaluates a condition for where it leads, so that each operand of `&&` and `||` has its own branch. */
export function lowerCondition(f: FunctionBuilder, node: Node, yes: BlockId, no: BlockId): void {
  const condition = unwrap(node);
  if (condition.kind === SyntaxKind.PrefixUnaryExpression) {
    const { operator, operand } = condition as PrefixUnaryExpression;
    if (operator === SyntaxKind.ExclamationToken) {
      f.nested(
        () => lowerCondition(f, operand, no, yes),
        () => f.branch(f.undefined(operand), "truthy", no, yes),
      );
      return;
    }
  }
  if (condition.kind === SyntaxKind.BinaryExpression) {
    const { operatorToken } = condition as BinaryExpression;
    if (
      operatorToken.kind === SyntaxKind.AmpersandAmpersandToken ||
      operatorToken.kind === SyntaxKind.BarBarToken
    ) {
      lowerLogicalCondition(f, condition as BinaryExpression, yes, no);
      return;
    }
    if (lowerNullTest(f, condition as BinaryExpression, yes, no)) return;
  }
  f.branch(f.lower(f, condition), "truthy", yes, no);
}

function lowerLogicalCondition(f: FunctionBuilder, node: BinaryExpression, yes: BlockId, no: BlockId): void {
  const operator = node.operatorToken.kind;
  const operands = logicalOperands(node);
  const and = operator === SyntaxKind.AmpersandAmpersandToken;
  for (const [index, operand] of operands.entries()) {
    const last = index === operands.length - 1;
    const next = last ? (and ? yes : no) : f.block();
    f.nested(
      () => (and ? lowerCondition(f, operand, next, no) : lowerCondition(f, operand, yes, next)),
      () => f.branch(f.undefined(operand), "truthy", yes, no),
    );
    if (!last) f.enter(next);
  }
}

/** `x == null`, `undefined !== x`: a branch on nullishness, which tells more than a comparison. */
function lowerNullTest(f: FunctionBuilder, node: BinaryExpression, yes: BlockId, no: BlockId): boolean {
  const operator = node.operatorToken.kind;
  const equal = operator === SyntaxKind.EqualsEqualsToken || operator === SyntaxKind.EqualsEqualsEqualsToken;
  if (
    !equal &&
    operator !== SyntaxKind.ExclamationEqualsToken &&
    operator !== SyntaxKind.ExclamationEqualsEqualsToken
  ) {
    return false;
  }
  const tested = isNothing(f, node.right) ? node.left : isNothing(f, node.left) ? node.right : undefined;
  if (!tested) return false;
  const value = f.lower(f, tested);
  f.branch(value, "nullish", equal ? yes : no, equal ? no : yes);
  return true;
}

function isNothing(f: FunctionBuilder, node: Node): boolean {
  const inner = unwrap(node);
  if (inner.kind === SyntaxKind.NullKeyword) return true;
  return nameOf(inner) === "undefined" && f.scope.value("undefined") === undefined;
}

export function lowerPrefix(f: FunctionBuilder, node: PrefixUnaryExpression): Temp {
  if (node.operator === SyntaxKind.PlusPlusToken || node.operator === SyntaxKind.MinusMinusToken) {
    return lowerUpdate(f, node.operand, node.operator, node).after;
  }
  const from = f.lower(f, node.operand);
  const to = f.temp();
  f.emit({ op: "unary", to, operator: tokenToString(node.operator) ?? "?", from }, node);
  return to;
}

export function lowerPostfix(f: FunctionBuilder, node: PostfixUnaryExpression): Temp {
  return lowerUpdate(f, node.operand, node.operator, node).before;
}

function lowerUpdate(
  f: FunctionBuilder,
  operand: Node,
  operator: SyntaxKind,
  at: Node,
): { readonly before: Temp; readonly after: Temp } {
  const target = prepareTarget(f, operand);
  const before = target?.read() ?? f.lower(f, operand);
  const one = f.constant({ type: "number", value: 1 }, at);
  const after = f.temp();
  f.emit(
    {
      op: "binary",
      to: after,
      operator: operator === SyntaxKind.PlusPlusToken ? "+" : "-",
      left: before,
      right: one,
    },
    at,
  );
  target?.write(after);
  return { before, after };
}
