// Questions about syntax that several parts of the transform ask. Nothing here changes anything.
import {
  type ArrowFunctionExpression,
  type CallExpression,
  type Expression,
  type Function as FunctionNode,
  type Node,
  type Program,
  visitorKeys,
} from "oxc-parser";

export type AnyFunction = FunctionNode | ArrowFunctionExpression;

/** Calls `visit` for each child of a node, in the order of the source. Types are no children. */
export function eachChild(node: Node, visit: (child: Node, key: string) => void): void {
  for (const key of visitorKeys[node.type] ?? []) {
    const value = (node as unknown as Record<string, unknown>)[key];
    if (Array.isArray(value)) {
      for (const each of value) if (isNode(each) && !isTypeOnly(each)) visit(each, key);
    } else if (isNode(value) && !isTypeOnly(value)) visit(value, key);
  }
}

function isNode(value: unknown): value is Node {
  return (
    typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string"
  );
}

const typesWithCode = new Set([
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "TSTypeAssertion",
  "TSInstantiationExpression",
  "TSEnumDeclaration",
  "TSEnumBody",
  "TSEnumMember",
  "TSModuleDeclaration",
  "TSModuleBlock",
  "TSExportAssignment",
  "TSParameterProperty",
]);

function isTypeOnly(node: Node): boolean {
  return node.type.startsWith("TS") && !typesWithCode.has(node.type);
}

export function isFunction(node: Node): node is AnyFunction {
  return (
    node.type === "FunctionDeclaration" ||
    node.type === "FunctionExpression" ||
    node.type === "ArrowFunctionExpression"
  );
}

/** Whether an expression makes functions or classes. */
export function containsFunction(node: Node): boolean {
  if (isFunction(node) || node.type === "ClassExpression") return true;
  let found = false;
  eachChild(node, (child) => {
    found ||= containsFunction(child);
  });
  return found;
}

/** The expression without parentheses and type assertions. */
export function unwrap(node: Node): Node {
  switch (node.type) {
    case "ParenthesizedExpression":
    case "TSAsExpression":
    case "TSSatisfiesExpression":
    case "TSNonNullExpression":
    case "TSTypeAssertion":
    case "TSInstantiationExpression":
      return unwrap(node.expression);
    default:
      return node;
  }
}

/** The expressions that may give an expression its value. */
export function valuesOf(node: Node): readonly Node[] {
  const value = unwrap(node);
  switch (value.type) {
    case "ConditionalExpression":
      return [...valuesOf(value.consequent), ...valuesOf(value.alternate)];
    case "LogicalExpression":
      return [...valuesOf(value.left), ...valuesOf(value.right)];
    case "SequenceExpression":
      return value.expressions.slice(-1).flatMap(valuesOf);
    default:
      return [value];
  }
}

/** Objects whose methods start no tasks: calls of them are not worth a mark. */
const quiet = new Set(["console", "Math", "JSON", "Number", "String", "Symbol", "Reflect", "performance"]);

/** The first call in an expression that may start a task, not looking into functions and classes. */
export function firstCall(node: Node | null | undefined): Node | undefined {
  if (node === null || node === undefined || isFunction(node)) return undefined;
  switch (node.type) {
    case "ClassDeclaration":
    case "ClassExpression":
      return undefined;
    case "CallExpression":
    case "NewExpression": {
      const callee = unwrap(node.callee);
      const isQuiet =
        callee.type === "Super" ||
        (callee.type === "MemberExpression" &&
          callee.object.type === "Identifier" &&
          quiet.has(callee.object.name));
      if (!isQuiet) return node;
      break;
    }
    case "TaggedTemplateExpression":
    case "ImportExpression":
      return node;
  }
  let found: Node | undefined;
  eachChild(node, (child) => {
    found ??= firstCall(child);
  });
  return found;
}

/** Whether an expression may have a promise for its value. */
export function mayBePromise(node: Node): boolean {
  switch (node.type) {
    case "Literal":
    case "TemplateLiteral":
    case "UnaryExpression":
    case "BinaryExpression":
    case "UpdateExpression":
    case "ArrowFunctionExpression":
    case "FunctionExpression":
    case "ClassExpression":
    case "ObjectExpression":
    case "ArrayExpression":
    case "AwaitExpression":
    case "MetaProperty":
      return false;
    case "Identifier":
      return node.name !== "undefined";
    case "ConditionalExpression":
      return mayBePromise(node.consequent) || mayBePromise(node.alternate);
    case "LogicalExpression":
      return mayBePromise(node.left) || mayBePromise(node.right);
    case "SequenceExpression": {
      const last = node.expressions.at(-1);
      return last === undefined || mayBePromise(last);
    }
    case "AssignmentExpression":
      return node.operator !== "=" || mayBePromise(node.right);
    default: {
      const inner = unwrap(node);
      return inner === node || mayBePromise(inner);
    }
  }
}

/** Whether a module awaits at its top. */
export function hasTopLevelAwait(node: Node): boolean {
  if (isFunction(node)) return false;
  if (node.type === "PropertyDefinition" || node.type === "StaticBlock") {
    return node.type === "PropertyDefinition" && node.computed && hasTopLevelAwait(node.key);
  }
  if (node.type === "AwaitExpression" || (node.type === "ForOfStatement" && node.await)) return true;
  if (node.type === "VariableDeclaration" && node.kind === "await using") return true;
  let found = false;
  eachChild(node, (child) => {
    found ||= hasTopLevelAwait(child);
  });
  return found;
}

/**
 * Why a function body cannot be put into a block: functions are visible differently there than directly in a function.
 * Undefined when it can.
 */
export function clashInBlock(body: readonly Node[]): string | undefined {
  const functions = new Set<string>();
  for (const statement of body) {
    if (statement.type !== "FunctionDeclaration" || statement.id === null) continue;
    if (functions.has(statement.id.name)) return statement.id.name;
    functions.add(statement.id.name);
  }
  if (functions.size === 0) return undefined;
  let clash: string | undefined;
  const look = (node: Node): void => {
    if (isFunction(node) || node.type === "ClassDeclaration" || node.type === "ClassExpression") return;
    if (node.type === "VariableDeclaration" && node.kind === "var") {
      for (const { id } of node.declarations) {
        for (const name of namesOf(id)) if (functions.has(name)) clash ??= name;
      }
    }
    eachChild(node, look);
  };
  for (const statement of body) look(statement);
  return clash;
}

/** The names a pattern binds. */
export function namesOf(pattern: Node): readonly string[] {
  switch (pattern.type) {
    case "Identifier":
      return [pattern.name];
    case "AssignmentPattern":
      return namesOf(pattern.left);
    case "RestElement":
      return namesOf(pattern.argument);
    case "ArrayPattern":
      return pattern.elements.flatMap((element) => (element === null ? [] : namesOf(element)));
    case "ObjectPattern":
      return pattern.properties.flatMap((property) =>
        namesOf(property.type === "RestElement" ? property : property.value),
      );
    default:
      return [];
  }
}

/**
 * Whether a name in a function is only ever called there, in the function itself: then nobody else can call what it
 * stands for. Tests (`if (release)`) and assignments of an await are fine, everything else lets it out.
 */
export function isOnlyCalled(body: Node, name: string): boolean {
  return isOnlyUsed(body, name, isHarmless);
}

/** The same for a name that may also be returned: then the function's caller is the only other one that can call it. */
export function isOnlyCalledOrReturned(body: Node, name: string): boolean {
  return isOnlyUsed(
    body,
    name,
    (node, parent, key) => parent?.type === "ReturnStatement" || isHarmless(node, parent, key),
  );
}

function isOnlyUsed(body: Node, name: string, isFine: typeof isHarmless): boolean {
  let only = true;
  const look = (node: Node, parent: Node | undefined, key: string, inside: boolean): void => {
    if (node.type === "Identifier" && node.name === name && isReference(parent, key)) {
      if (inside || !isFine(node, parent, key)) only = false;
      return;
    }
    const nested = inside || (node !== body && isFunction(node)) || node.type === "ClassBody";
    eachChild(node, (child, childKey) => look(child, node, childKey, nested));
  };
  look(body, undefined, "", false);
  return only;
}

function isReference(parent: Node | undefined, key: string): boolean {
  if (parent === undefined) return true;
  if (parent.type === "MemberExpression") return key === "object" || parent.computed;
  if (
    parent.type === "Property" ||
    parent.type === "PropertyDefinition" ||
    parent.type === "MethodDefinition"
  ) {
    // `{ release }` is a reference: its key and its value are the same text, and the value is visited too.
    return key !== "key" || parent.computed;
  }
  return (
    parent.type !== "LabeledStatement" &&
    parent.type !== "BreakStatement" &&
    parent.type !== "ContinueStatement"
  );
}

function isHarmless(node: Node, parent: Node | undefined, key: string): boolean {
  switch (parent?.type) {
    case "CallExpression":
      return key === "callee";
    case "VariableDeclarator":
      return key === "id";
    case "ArrayPattern":
      return true;
    case "AssignmentExpression":
      return key === "left" && isAwaitOrNothing(parent.right);
    case "IfStatement":
    case "ConditionalExpression":
      return key === "test";
    case "LogicalExpression":
      return key === "left" && parent.operator === "&&";
    case "UnaryExpression":
      return node.type === "Identifier" && (parent.operator === "!" || parent.operator === "typeof");
    default:
      return false;
  }
}

function isAwaitOrNothing(node: Node): boolean {
  const value = unwrap(node);
  return (
    value.type === "AwaitExpression" ||
    (value.type === "Literal" && value.value === null) ||
    (value.type === "Identifier" && value.name === "undefined")
  );
}

const givesBack = new Set(["release", "unlock", "signal", "free"]);

/** Whether a function gives back the resource that this call takes: `m.acquire()` and `m.release()`, same `m`. */
export function givesBackHere(body: Node, call: CallExpression, source: string): boolean {
  const taken = receiverText(call, source);
  if (taken === undefined) return false;
  let found = false;
  const look = (node: Node): void => {
    if (node !== body && isFunction(node)) return;
    if (node.type === "CallExpression") {
      const callee = unwrap(node.callee);
      const method = callee.type === "MemberExpression" && !callee.computed ? callee.property : undefined;
      if (method?.type === "Identifier" && givesBack.has(method.name)) {
        found ||= receiverText(node, source) === taken;
      }
    }
    if (!found) eachChild(node, look);
  };
  look(body);
  return found;
}

function receiverText(call: CallExpression, source: string): string | undefined {
  const callee = unwrap(call.callee);
  if (callee.type !== "MemberExpression") return undefined;
  return source.slice(callee.object.start, callee.object.end);
}

/** The name by which a call calls: `save` for `save()` and `this.repository.save()`. */
export function calleeName(call: CallExpression): string | undefined {
  const callee = unwrap(call.callee);
  if (callee.type === "Identifier") return callee.name;
  if (callee.type !== "MemberExpression") return undefined;
  const { property } = callee;
  if (property.type === "PrivateIdentifier") return `#${property.name}`;
  return !callee.computed && property.type === "Identifier" ? property.name : undefined;
}

const timers = new Set(["setTimeout", "setImmediate", "setInterval"]);

/** The call of a timer in `new Promise((resolve) => setTimeout(resolve, ms))` and the like; undefined for others. */
export function timerOfExecutor(executor: Expression): CallExpression | undefined {
  const node = unwrap(executor);
  if (!isFunction(node) || node.async || node.body === null) return undefined;
  const [resolve] = node.params;
  if (resolve?.type !== "Identifier") return undefined;
  const calls: CallExpression[] = [];
  let uses = 0;
  const look = (child: Node, nested: boolean): void => {
    if (child.type === "Identifier" && child.name === resolve.name) uses++;
    if (child.type === "CallExpression" && !nested && timers.has(calleeName(child) ?? "")) calls.push(child);
    eachChild(child, (grandchild) => look(grandchild, nested || isFunction(child)));
  };
  look(node.body, false);
  const [call] = calls;
  const callback = call?.arguments[0];
  if (call === undefined || calls.length > 1 || callback === undefined || uses !== 1) return undefined;
  if (callback.type === "Identifier") return callback.name === resolve.name ? call : undefined;
  if (!isFunction(callback) || callback.body === null) return undefined;
  let calledInside = false;
  const find = (child: Node): void => {
    if (child.type === "CallExpression" && child.callee.type === "Identifier") {
      calledInside ||= child.callee.name === resolve.name;
    }
    eachChild(child, find);
  };
  find(callback.body);
  return calledInside ? call : undefined;
}

/** What the executor of a promise waits in: the call that is given what settles it. */
export interface Listening {
  readonly call: CallExpression;
  /** The object whose method is called, or the function; a plain name, which may be looked at twice. */
  readonly on: string;
  /** The event that is listened for. */
  readonly event?: string;
  /** A statement begins with it: where the one before has no semicolon, no parenthesis may come here. */
  readonly beginsStatement: boolean;
}

const listeners = new Set(["on", "once", "addListener", "prependListener", "addEventListener"]);

/**
 * `new Promise((resolve) => socket.once("connect", resolve))`, `new Promise((resolve) => dns.lookup(host, () => resolve()))`:
 * the first call in the executor itself that is given `resolve`, or a function that uses it.
 */
export function listeningOfExecutor(executor: Expression): Listening | undefined {
  const node = unwrap(executor);
  if (!isFunction(node) || node.async || node.generator || node.body === null) return undefined;
  const [resolve] = node.params;
  if (resolve?.type !== "Identifier") return undefined;
  const mentions = (part: Node): boolean => {
    let found = false;
    const look = (child: Node): void => {
      found ||= child.type === "Identifier" && child.name === resolve.name;
      if (!found) eachChild(child, look);
    };
    look(part);
    return found;
  };
  let listening: Omit<Listening, "beginsStatement"> | undefined;
  let beginsStatement = false;
  let statement = -1;
  const look = (child: Node): void => {
    if (listening !== undefined || isFunction(child)) return;
    if (child.type === "ExpressionStatement") statement = child.start;
    if (child.type === "CallExpression" && !child.optional) {
      const given = child.arguments.some(
        (argument) => (argument.type === "Identifier" || isFunction(argument)) && mentions(argument),
      );
      if (given) listening = listeningOf(child, resolve.name);
      if (listening !== undefined) beginsStatement = statement === child.start;
    }
    eachChild(child, look);
  };
  look(node.body);
  return listening && { ...listening, beginsStatement };
}

function listeningOf(call: CallExpression, resolve: string): Omit<Listening, "beginsStatement"> | undefined {
  const { callee } = call;
  if (callee.type === "Identifier") return callee.name === resolve ? undefined : { call, on: callee.name };
  if (callee.type !== "MemberExpression" || callee.computed || callee.optional) return undefined;
  if (callee.object.type !== "Identifier" || callee.property.type !== "Identifier") return undefined;
  const on = callee.object.name;
  if (!listeners.has(callee.property.name)) return { call, on };
  const [event] = call.arguments;
  return event?.type === "Literal" && typeof event.value === "string"
    ? { call, on, event: event.value }
    : undefined;
}

/** Whether a function is given nothing to settle a promise with, or does nothing: `new Promise(() => {})`. */
export function settlesNothing(executor: Expression): boolean {
  const node = unwrap(executor);
  if (!isFunction(node)) return false;
  if (node.body?.type === "BlockStatement" && node.body.body.length === 0) return true;
  return node.type === "ArrowFunctionExpression" && node.params.length === 0;
}

/** Names that are only ever given plain values: awaiting one is awaiting no promise. */
export function literalNames(program: Program): ReadonlySet<string> {
  const literals = new Set<string>();
  const others = new Set<string>();
  const look = (node: Node): void => {
    if (node.type === "VariableDeclarator" && node.id.type === "Identifier" && node.init) {
      (node.init.type === "Literal" ? literals : others).add(node.id.name);
    } else if (
      node.type === "AssignmentExpression" &&
      node.left.type === "Identifier" &&
      node.operator === "="
    ) {
      if (unwrap(node.right).type !== "Literal") others.add(node.left.name);
    } else if (isFunction(node)) {
      for (const parameter of node.params) for (const name of namesOf(parameter)) others.add(name);
    }
    eachChild(node, look);
  };
  look(program);
  return new Set([...literals].filter((name) => !others.has(name)));
}
