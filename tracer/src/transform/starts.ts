// Which calls of a file start tasks, as far as its text tells.
import type { CallExpression, Expression, Node, Program } from "oxc-parser";
import { keyName } from "./names.ts";
import { calleeName, eachChild, isFunction, unwrap } from "./syntax.ts";

/** Names that functions, methods and fields have in the file which are asynchronous functions. */
export function asyncNames(program: Program): ReadonlySet<string> {
  const found = new Set<string>();
  const note = (value: Node | null | undefined, name: string | undefined): void => {
    const meant = value && unwrap(value);
    if (meant && isFunction(meant) && meant.async && name !== undefined) found.add(name);
  };
  const look = (node: Node): void => {
    switch (node.type) {
      case "FunctionDeclaration":
        note(node, node.id?.name);
        break;
      case "VariableDeclarator":
        note(node.init, node.id.type === "Identifier" ? node.id.name : undefined);
        break;
      case "AssignmentExpression":
        note(node.right, node.left.type === "Identifier" ? node.left.name : undefined);
        break;
      case "Property":
      case "MethodDefinition":
      case "PropertyDefinition":
        note(node.value, keyName(node.key, node.computed));
        break;
    }
    eachChild(node, look);
  };
  look(program);
  return found;
}

/** `start()` of `void start()` and of `start().catch(log)`: its promise is let go, or somebody hears of it later. */
export function startedAside(statement: Expression): CallExpression | undefined {
  const whole = unwrap(statement);
  const isLetGo = whole.type === "UnaryExpression" && whole.operator === "void";
  let node: Node = isLetGo ? unwrap(whole.argument) : whole;
  let reacts = isLetGo;
  for (let from = reactsTo(node); from !== undefined; from = reactsTo(node)) {
    node = from;
    reacts = true;
  }
  return reacts && node.type === "CallExpression" ? node : undefined;
}

/** `promise` of `promise.then(f)`. */
function reactsTo(node: Node): Node | undefined {
  if (node.type !== "CallExpression") return undefined;
  const callee = unwrap(node.callee);
  const name = calleeName(node);
  return callee.type === "MemberExpression" && (name === "then" || name === "catch" || name === "finally")
    ? unwrap(callee.object)
    : undefined;
}

/** Whether a part of it before the call is left out when something is missing: `a?.b()`. */
export function isOptional(call: CallExpression): boolean {
  let node: Node = call;
  for (;;) {
    if (node.type === "CallExpression") {
      if (node.optional) return true;
      node = node.callee;
    } else if (node.type === "MemberExpression") {
      if (node.optional) return true;
      node = node.object;
    } else return false;
  }
}
