import {
  type CallExpression,
  type ElementAccessExpression,
  type Identifier,
  type NewExpression,
  type Node,
  type NodeArray,
  NodeFlags,
  type PropertyAccessExpression,
  type SpreadElement,
  type StringLiteral,
  SyntaxKind,
  type TaggedTemplateExpression,
  type TemplateExpression,
} from "typescript/unstable/ast";
import type { BlockId, Temp } from "../facts.ts";
import { nodeIdOf } from "../syntax.ts";
import type { FunctionBuilder } from "./function-builder.ts";
import { propertyName } from "./type-references.ts";

type Link = Node & { readonly expression: Node; readonly questionDotToken?: Node };

/**
 * `a.b(c)?.[d].e(f)`: the whole chain in one loop, from its innermost part out, because chains of calls grow long in
 * generated code. An optional link that meets null or undefined leaves the rest of its chain.
 */
export function lowerChain(f: FunctionBuilder, node: Node): Temp {
  const links: Link[] = [];
  let base = node;
  while (isLink(base)) {
    links.push(base);
    base = base.expression;
  }
  links.reverse();
  let value: Temp | undefined;
  /** The object that `value` was taken from, when it is a member. */
  let receiver: Temp | undefined;
  /** Where the chain ends early, once it has an optional link. */
  let short: { readonly at: BlockId; readonly result: Temp } | undefined;
  for (const [index, link] of links.entries()) {
    const special = index === 0 ? lowerSpecialCall(f, link, base) : undefined;
    if (special !== undefined) {
      value = special;
      continue;
    }
    value ??= lowerBase(f, base);
    if (link.questionDotToken) {
      short ??= { at: f.block(), result: f.temp() };
      const present = f.block();
      f.branch(value, "nullish", short.at, present);
      f.enter(present);
    }
    const before = value;
    value = lowerLink(f, link, value, receiver);
    receiver =
      link.kind === SyntaxKind.PropertyAccessExpression || link.kind === SyntaxKind.ElementAccessExpression
        ? before
        : link.kind === SyntaxKind.NonNullExpression || link.kind === SyntaxKind.ParenthesizedExpression
          ? receiver
          : undefined;
    const next = links[index + 1];
    if (short && !(next && (next.flags & NodeFlags.OptionalChain) !== 0)) {
      value = endOptional(f, link, value, short);
      short = undefined;
    }
  }
  return value ?? lowerBase(f, base);
}

function isLink(node: Node): node is Link {
  switch (node.kind) {
    case SyntaxKind.PropertyAccessExpression:
    case SyntaxKind.ElementAccessExpression:
    case SyntaxKind.CallExpression:
    case SyntaxKind.NonNullExpression:
    case SyntaxKind.ParenthesizedExpression:
      return true;
    default:
      return false;
  }
}

function lowerBase(f: FunctionBuilder, base: Node): Temp {
  return f.lower(f, base);
}

function lowerLink(f: FunctionBuilder, link: Link, value: Temp, receiver: Temp | undefined): Temp {
  switch (link.kind) {
    case SyntaxKind.PropertyAccessExpression: {
      const { name } = link as unknown as PropertyAccessExpression;
      const to = f.temp();
      f.emit({ op: "get", to, object: value, name: name.text, node: nodeIdOf(name), pattern: false }, name);
      return to;
    }
    case SyntaxKind.ElementAccessExpression: {
      const { argumentExpression } = link as unknown as ElementAccessExpression;
      // `a["b"]` is `a.b`; in `a[b]` the name means a variable.
      const isName = argumentExpression?.kind === SyntaxKind.Identifier;
      const known = argumentExpression && !isName ? propertyName(argumentExpression) : undefined;
      const to = f.temp();
      if (known === undefined) {
        const key = argumentExpression ? f.lower(f, argumentExpression) : f.undefined(link);
        f.emit({ op: "get-element", to, object: value, key }, link);
      } else {
        const node = nodeIdOf(argumentExpression);
        f.emit({ op: "get", to, object: value, name: known, node, pattern: false }, argumentExpression);
      }
      return to;
    }
    case SyntaxKind.CallExpression: {
      const call = link as unknown as CallExpression;
      const { temps, spread } = lowerArguments(f, call.arguments);
      const to = f.temp();
      f.emit(
        {
          op: "call",
          to,
          callee: value,
          ...(receiver === undefined ? {} : { receiver }),
          arguments: temps,
          spread,
          node: nodeIdOf(link),
        },
        link,
      );
      return to;
    }
    default:
      return value;
  }
}

function endOptional(
  f: FunctionBuilder,
  at: Node,
  value: Temp,
  short: { readonly at: BlockId; readonly result: Temp },
): Temp {
  const after = f.block();
  f.emit({ op: "move", to: short.result, from: value }, at);
  f.goto(after);
  f.enter(short.at);
  f.emit({ op: "move", to: short.result, from: f.undefined(at) }, at);
  f.goto(after);
  f.enter(after);
  return short.result;
}

/** `super(…)`, `import(…)`, `require("…")`. */
function lowerSpecialCall(f: FunctionBuilder, link: Link, base: Node): Temp | undefined {
  if (link.kind !== SyntaxKind.CallExpression) return undefined;
  const call = link as unknown as CallExpression;
  switch (base.kind) {
    case SyntaxKind.SuperKeyword: {
      const { temps, spread } = lowerArguments(f, call.arguments);
      const to = f.temp();
      f.emit({ op: "super-call", to, arguments: temps, spread }, link);
      return to;
    }
    case SyntaxKind.ImportKeyword: {
      const specifier = literalText(call.arguments[0]);
      if (specifier === undefined) for (const argument of call.arguments) f.lower(f, argument);
      const to = f.temp();
      f.emit(
        { op: "import", to, node: nodeIdOf(link), ...(specifier === undefined ? {} : { specifier }) },
        link,
      );
      return to;
    }
    case SyntaxKind.Identifier: {
      const specifier = literalText(call.arguments[0]);
      if ((base as Identifier).text !== "require" || specifier === undefined) return undefined;
      if (f.scope.value("require") !== undefined) return undefined;
      const to = f.temp();
      f.emit({ op: "require", to, specifier }, link);
      return to;
    }
    default:
      return undefined;
  }
}

export function lowerArguments(
  f: FunctionBuilder,
  list: NodeArray<Node> | undefined,
): { readonly temps: Temp[]; readonly spread: number[] } {
  const temps: Temp[] = [];
  const spread: number[] = [];
  for (const argument of list ?? []) {
    if (argument.kind === SyntaxKind.SpreadElement) {
      spread.push(temps.length);
      temps.push(lowerSpread(f, argument as SpreadElement));
    } else {
      temps.push(f.lower(f, argument));
    }
  }
  return { temps, spread };
}

/** Takes the values out of what is spread, before the next argument is evaluated. */
export function lowerSpread(f: FunctionBuilder, node: SpreadElement): Temp {
  const from = f.lower(f, node.expression);
  const to = f.temp();
  f.emit({ op: "spread", to, from }, node);
  return to;
}

export function lowerNew(f: FunctionBuilder, node: NewExpression): Temp {
  const callee = f.lower(f, node.expression);
  const { temps, spread } = lowerArguments(f, node.arguments);
  const to = f.temp();
  f.emit({ op: "new", to, callee, arguments: temps, spread, node: nodeIdOf(node) }, node);
  return to;
}

/** A tagged template is a call whose first argument is the array of strings. */
export function lowerTagged(f: FunctionBuilder, node: TaggedTemplateExpression): Temp {
  const tag = lowerChainWithReceiver(f, node.tag);
  const strings = f.temp();
  f.emit({ op: "array", to: strings, elements: [], spread: [] }, node.template);
  const values =
    node.template.kind === SyntaxKind.TemplateExpression
      ? (node.template as TemplateExpression).templateSpans.map((span) => f.lower(f, span.expression))
      : [];
  const to = f.temp();
  f.emit(
    {
      op: "call",
      to,
      callee: tag.value,
      ...(tag.receiver === undefined ? {} : { receiver: tag.receiver }),
      arguments: [strings, ...values],
      spread: [],
      node: nodeIdOf(node),
    },
    node,
  );
  return to;
}

function lowerChainWithReceiver(
  f: FunctionBuilder,
  node: Node,
): { readonly value: Temp; readonly receiver?: Temp } {
  if (node.kind !== SyntaxKind.PropertyAccessExpression) return { value: f.lower(f, node) };
  const { expression, name } = node as PropertyAccessExpression;
  const receiver = f.lower(f, expression);
  const value = f.temp();
  f.emit(
    { op: "get", to: value, object: receiver, name: name.text, node: nodeIdOf(name), pattern: false },
    name,
  );
  return { value, receiver };
}

function literalText(node: Node | undefined): string | undefined {
  switch (node?.kind) {
    case SyntaxKind.StringLiteral:
    case SyntaxKind.NoSubstitutionTemplateLiteral:
      return (node as StringLiteral).text;
    default:
      return undefined;
  }
}
