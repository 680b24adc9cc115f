import type {
  AssignmentExpression,
  AwaitExpression,
  CallExpression,
  Expression,
  ForOfStatement,
  Node,
  Program,
  Statement,
  VariableDeclaration,
} from "oxc-parser";
import { hooksName } from "../hooks-name.ts";
import { keyName, member, targetName } from "./names.ts";
import type { RareSyntax } from "./rare-syntax.ts";
import {
  type SiteEntry,
  siteFunction,
  siteGenerator,
  siteGivesHandle,
  siteModule,
  siteOwnsHandle,
  siteReleasesHere,
} from "./sites.ts";
import { asyncNames, isOptional, startedAside } from "./starts.ts";
import {
  type AnyFunction,
  calleeName,
  clashInBlock,
  containsFunction,
  eachChild,
  firstCall,
  givesBackHere,
  hasTopLevelAwait,
  isFunction,
  isOnlyCalled,
  isOnlyCalledOrReturned,
  listeningOfExecutor,
  literalNames,
  mayBePromise,
  settlesNothing,
  timerOfExecutor,
  unwrap,
  valuesOf,
} from "./syntax.ts";
import { type Names, nameOf, type Update, updatesIn, variableNames } from "./updates.ts";

/** Where the visitor puts its code: text is only ever added, on the line where it stands. */
export interface Insertions {
  /** Before what begins at this offset; of several at one place the first given is the outermost. */
  open(offset: number, text: string): void;
  /** After what ends at this offset; of several at one place the first given is the innermost. */
  close(offset: number, text: string): void;
}

export interface Surroundings {
  readonly source: string;
  readonly insertions: Insertions;
  /** The number the first site gets. */
  readonly firstSite: number;
  /** The place of an offset. */
  readonly placeOf: (offset: number) => { readonly line: number; readonly column: number };
  /** Packages whose objects are resources. */
  readonly libraries: ReadonlySet<string>;
  /** Somebody wants the value of its last statement. */
  readonly hasValue: boolean;
  /** The names of what parts of them declare in a bundle, and of functions that give their exports there. */
  readonly bundled: ReadonlySet<string>;
  /** Where top-level statements begin that are not looked at. */
  readonly foreign: ReadonlySet<number>;
  /** A name that the source does not use. */
  readonly token: string;
}

export interface Visited {
  readonly sites: readonly SiteEntry[];
  /**
   * Awaits promises that were kept, combines them, or drops those of async functions: whose they are can only be known by
   * watching promises.
   */
  readonly needsPromises: boolean;
  /** Functions that stay as they are, with the reason. */
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  /** What not everybody runs that takes the file. */
  readonly syntax: ReadonlySet<RareSyntax>;
}

/** Where the visitor is. */
interface Scope {
  /** The variable with the task's row, in a function or module whose awaits are traced. */
  readonly token?: string;
  readonly kind: "async" | "generator" | "module" | "other";
  /** The function's name, as sites carry it. */
  readonly name?: string;
  /** The name of the nearest function around that is named in the source. */
  readonly named?: string;
  readonly className?: string;
  /** What uses of a handle are looked for in. */
  readonly body: Node;
  /** Whether statements with calls are marked, so that tasks know where they were created. */
  readonly marks: boolean;
  /** Awaits so far, to see whether a try block has one. */
  waits: number;
  finalizers: number;
  /** Return statements so far. */
  returns: number;
  /** The line that the last mark stands for. */
  markedLine: number;
}

/**
 * Stores the site of the next call. Not with a plain assignment: from one V8 takes a name for functions that stand
 * before it in the same expression, and shows it in stack traces.
 */
function markOf(site: number): string {
  const mark = `${hooksName}.h[2]`;
  return `${mark}-=${mark}-${site}`;
}

/** Classes of the language: their objects are no resources. */
const plainClasses = new Set(
  `Array ArrayBuffer BigInt64Array BigUint64Array Blob Boolean DataView Date Error EvalError Float32Array Float64Array Function Headers
   Int16Array Int32Array Int8Array Intl Map Number Object Promise Proxy RangeError ReferenceError RegExp Request Response Set
   SharedArrayBuffer String SyntaxError TextDecoder TextEncoder TypeError URIError URL URLSearchParams Uint16Array Uint32Array
   Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet AggregateError FormData Event CustomEvent`.split(
    /\s+/,
  ),
);

/** Functions of Node that make streams. */
const streamMakers = new Set([
  "createReadStream",
  "createWriteStream",
  "createInterface",
  "createConnection",
]);

/** `createReadStream`, `fs.createReadStream`, `Readable.from`. */
function isStreamMaker(called: Node): boolean {
  if (called.type === "Identifier") return streamMakers.has(called.name);
  if (called.type !== "MemberExpression" || called.computed || called.property.type !== "Identifier")
    return false;
  const { property, object } = called;
  if (streamMakers.has(property.name)) return true;
  return property.name === "from" && object.type === "Identifier" && object.name === "Readable";
}

const combinations: Readonly<Record<string, string>> = {
  all: "all",
  allSettled: "settled",
  race: "any",
  any: "any",
};

/** Walks a program and inserts the calls of the tracer's hooks. */
export function visitProgram(program: Program, surroundings: Surroundings): Visited {
  const { source, insertions, firstSite, placeOf, libraries, hasValue, bundled, foreign, token } =
    surroundings;
  const { open, close } = insertions;
  /** What a traced function will return. */
  const resultName = `${token}r`;
  /** What is there as long as its code can go on. */
  const lifeName = `${token}l`;
  const sites: SiteEntry[] = [];
  const skipped: { name: string; reason: string }[] = [];
  const syntax = new Set<RareSyntax>();
  const imported = importedFrom(program, libraries, bundled);
  const shadowsPromise = declaresPromise(program);
  let needsPromises = imported.size > 0;
  /** Assignments that may overwrite what others have stored during an await. */
  const updates = new Map<AssignmentExpression, Update>();
  let variables: Names | undefined;
  const noteUpdates = (part: Parameters<typeof updatesIn>[0]): void => {
    variables ??= variableNames(program);
    for (const [node, update] of updatesIn(part, variables)) updates.set(node, update);
  };
  /** The names of what is called and not awaited. */
  const dropped = new Set<string>();
  let plainNames: ReadonlySet<string> | undefined;
  let startable: ReadonlySet<string> | undefined;
  /** Calls whose promise is let go, or has its handlers at once. */
  const startedHere = new Set<Node>();
  let lastResourceVariable = 0;
  /** Calls of timers in executors of promises, noted when the executor is met. */
  const timerCalls = new Set<Node>();
  /** Calls that wait for what settles a promise, with what is put around them. */
  const listening = new Map<Node, readonly [before: string, after: string]>();
  /** Awaits whose value is returned at once. */
  const returned = new Set<Node>();
  /**
   * What an async generator returns. It waits for that without a place of its own: V8 shows where something was called
   * last, so nothing may be called around it.
   */
  const bare = new Set<Node>();
  /** Calls that are awaited themselves. */
  const awaitedCalls = new Set<Node>();
  /** Functions that are given to a call, with the name that is called. */
  const callbacks = new Map<Node, string | undefined>();
  /** Methods begin at their name, which is not part of their function. */
  const starts = new Map<Node, number>();

  const site = (offset: number, scope: Pick<Scope, "name">, more: Partial<SiteEntry> = {}): number => {
    const { line, column } = placeOf(offset);
    const name = more.function ?? scope.name;
    sites.push({ line, column, flags: 0, ...more, ...(name === undefined ? {} : { function: name }) });
    return firstSite + sites.length - 1;
  };

  const children = (node: Node, scope: Scope): void => eachChild(node, (child) => visit(child, scope));

  /** `hint` is the name that the value of an expression will have. */
  const visit = (node: Node, scope: Scope, hint?: string): void => {
    if (isFunction(node)) {
      visitFunction(node, scope, hint);
      return;
    }
    switch (node.type) {
      case "BlockStatement":
      case "StaticBlock":
        visitList(node.body, node.type === "StaticBlock" ? otherScope(scope, node) : scope);
        return;
      case "SwitchStatement":
        visit(node.discriminant, scope);
        for (const each of node.cases) {
          if (each.test !== null) visit(each.test, scope);
          visitList(each.consequent, scope);
        }
        return;
      case "AwaitExpression":
        visitAwait(node, scope);
        return;
      case "YieldExpression":
        visitYield(node, scope);
        return;
      case "ReturnStatement":
        visitReturn(node, scope);
        return;
      case "TryStatement":
        visitTry(node, scope);
        return;
      case "ForOfStatement":
        if (scope.token !== undefined && awaitsItems(node)) {
          visitAwaitingLoop(node, scope, scope.token, node);
          return;
        }
        visitHead(node.left, scope);
        visit(node.right, scope);
        visitSingle(node.body, scope);
        return;
      case "ExpressionStatement":
        // The main function's failure has nobody else to go to, and its program may drop nothing else.
        if (scope.body.type !== "Program") noteDropped(node.expression);
        noteStarted(node.expression);
        children(node, scope);
        return;
      case "LabeledStatement":
        visitLabeled(node, scope);
        return;
      case "CallExpression":
        visitCall(node, scope, hint);
        return;
      case "NewExpression":
        visitNew(node, scope, hint);
        return;
      case "ClassDeclaration":
      case "ClassExpression":
        visitClass(node, scope, hint);
        return;
      case "VariableDeclaration":
        visitVariables(node, scope);
        return;
      case "AssignmentExpression":
        visit(node.left, scope);
        visitAssigned(node, scope);
        return;
      case "ObjectExpression":
        for (const property of node.properties) {
          if (property.type === "SpreadElement") visit(property, scope);
          else {
            if (property.computed) visit(property.key, scope);
            const key = keyName(property.key, property.computed);
            if (property.method) starts.set(property.value, property.key.start);
            visitNamed(property.value, scope, key === undefined ? undefined : member(hint, key));
          }
        }
        return;
      case "ArrayExpression":
        for (const element of node.elements) if (element !== null) visitPart(element, scope);
        return;
      case "ParenthesizedExpression":
      case "TSAsExpression":
      case "TSSatisfiesExpression":
      case "TSNonNullExpression":
      case "TSTypeAssertion":
        if (node.type === "TSTypeAssertion") syntax.add("typescript");
        visit(node.expression, scope, hint);
        return;
      case "ExportDefaultDeclaration":
        visit(node.declaration, scope, "default");
        return;
      case "ImportDeclaration":
      case "ExportAllDeclaration":
        return;
      case "TSModuleDeclaration":
        if (hasCode(node)) syntax.add("typescript");
        children(node, scope);
        return;
      case "TSEnumDeclaration":
        if (!node.declare) syntax.add("typescript");
        children(node, scope);
        return;
      case "TSImportEqualsDeclaration":
        if (node.importKind !== "type") syntax.add("typescript");
        return;
      case "TSParameterProperty":
      case "TSExportAssignment":
        syntax.add("typescript");
        children(node, scope);
        return;
      case "Decorator":
        syntax.add("decorator");
        children(node, scope);
        return;
      case "IfStatement":
        visit(node.test, scope);
        visitSingle(node.consequent, scope);
        if (node.alternate !== null) visitSingle(node.alternate, scope);
        return;
      case "WhileStatement":
      case "DoWhileStatement":
        visit(node.test, scope);
        visitSingle(node.body, scope);
        return;
      case "ForStatement":
        if (node.init !== null) visitHead(node.init, scope);
        if (node.test !== null) visit(node.test, scope);
        if (node.update !== null) visit(node.update, scope);
        visitSingle(node.body, scope);
        return;
      case "ForInStatement":
        visitHead(node.left, scope);
        visit(node.right, scope);
        visitSingle(node.body, scope);
        return;
      default:
        children(node, scope);
    }
  };

  const noteStarted = (expression: Expression): void => {
    const call = startedAside(expression);
    if (call !== undefined) startedHere.add(call);
  };

  const noteDropped = (expression: Node): void => {
    const node = unwrap(expression);
    const isVoid = node.type === "UnaryExpression" && node.operator === "void";
    const call = isVoid ? unwrap(node.argument) : node;
    if (call.type !== "CallExpression") return;
    // Nobody writes `void` before a call that gives no promise.
    needsPromises ||= isVoid;
    const name = calleeName(call);
    if (name !== undefined) dropped.add(name);
  };

  /** Of an update, the value as it was read and as it is now are looked at before the new one is stored. */
  const visitAssigned = (node: AssignmentExpression, scope: Scope): void => {
    const update = scope.token === undefined ? undefined : updates.get(node);
    if (update === undefined) {
      visitNamed(node.right, scope, targetName(node.left, scope.className));
      return;
    }
    const { place, read, kept } = update;
    const now =
      place.kind === "variable"
        ? place.name
        : `${hooksName}.own(${place.object},${JSON.stringify(place.field)})`;
    const at = site(node.start, scope, { name: nameOf(place) });
    open(node.right.start, `${hooksName}.kept(${at},${site(read.start, scope)},${kept ?? now},`);
    visit(node.right, scope);
    close(node.right.end, `,${now})`);
  };

  const visitNamed = (node: Node, scope: Scope, name: string | undefined): void => visit(node, scope, name);

  /** Statements of a block: a statement that makes a call is preceded by the mark of where it does. */
  const visitList = (statements: readonly Node[], scope: Scope): void => {
    for (const statement of statements) {
      if (foreign.has(statement.start)) continue;
      markBefore(statement, scope);
      visit(statement, scope);
    }
  };

  const markBefore = (statement: Node, scope: Scope): void => {
    if (!scope.marks) return;
    const call = firstCall(headOf(statement));
    if (call === undefined) return;
    open(statement.start, `${markOf(site(call.start, scope))};`);
    scope.markedLine = placeOf(call.start).line;
  };

  /** A statement that stands where no other may be put before it. */
  const visitSingle = (statement: Node, scope: Scope): void => {
    if (scope.marks && statement.type === "ExpressionStatement") {
      const call = firstCall(statement.expression);
      if (call !== undefined) {
        open(statement.start, `${markOf(site(call.start, scope))},`);
        scope.markedLine = placeOf(call.start).line;
      }
    }
    visit(statement, scope);
  };

  /** A part of a larger expression: a call on a line of its own gets a mark of its own. */
  const visitPart = (node: Node, scope: Scope, hint?: string): void => {
    const call = unwrap(node);
    const isCall = call.type === "CallExpression" || call.type === "NewExpression";
    const first = scope.marks && isCall && call === node ? firstCall(call) : undefined;
    const line = first === undefined ? 0 : placeOf(first.start).line;
    if (first === undefined || line === scope.markedLine) {
      visit(node, scope, hint);
      return;
    }
    scope.markedLine = line;
    open(node.start, `(${markOf(site(first.start, scope))},`);
    visit(node, scope, hint);
    close(node.end, ")");
  };

  const visitVariables = (node: VariableDeclaration, scope: Scope): void => {
    const { token: row } = scope;
    if (node.kind === "await using" && row !== undefined) {
      scope.waits++;
      const at = site(node.start, scope);
      open(node.start, `using ${token}u${++lastResourceVariable}=${hooksName}.used(${row});`);
      visitDeclarators(node, scope);
      close(node.end, `;using ${token}u${++lastResourceVariable}=${hooksName}.using(${row},${at});`);
      return;
    }
    visitDeclarators(node, scope);
  };

  /** What stands between the brackets of a loop: no statement has a place there. */
  const visitHead = (node: Node, scope: Scope): void => {
    if (node.type === "VariableDeclaration") visitDeclarators(node, scope);
    else visit(node, scope);
  };

  const visitDeclarators = (node: VariableDeclaration, scope: Scope): void => {
    if (node.kind === "using" || node.kind === "await using") syntax.add("using");
    for (const declarator of node.declarations) {
      visit(declarator.id, scope);
      if (declarator.init === null) continue;
      const name = declarator.id.type === "Identifier" ? declarator.id.name : undefined;
      const value = unwrap(declarator.init);
      if (value.type === "AwaitExpression") visitAwait(value, scope, handleOf(declarator.id), name);
      else visitPart(declarator.init, scope, name);
    }
  };

  const visitAwait = (node: AwaitExpression, scope: Scope, handle?: string, name?: string): void => {
    const { token: row } = scope;
    const { argument } = node;
    const awaited = unwrap(argument);
    needsPromises ||= isKept(awaited);
    if (row === undefined) {
      visit(argument, scope, name);
      return;
    }
    scope.waits++;
    const called = awaited.type === "CallExpression" ? awaited : undefined;
    if (called !== undefined) awaitedCalls.add(called);
    const callee = called === undefined ? undefined : calleeName(called);
    const at = site(node.start, scope, {
      flags:
        takes(called, handle, scope) | (called !== undefined && returned.has(node) ? siteGivesHandle : 0),
      ...(callee === undefined ? {} : { callee }),
    });
    open(node.start, `${hooksName}.woke(${row},`);
    open(argument.start, `${hooksName}.wait(${row},${at},`);
    visit(argument, scope, name);
    close(argument.end, ")");
    close(node.end, ")");
  };

  /** Who can give back what an awaited call takes. */
  const takes = (called: CallExpression | undefined, handle: string | undefined, scope: Scope): number => {
    if (called === undefined) return 0;
    if (handle !== undefined && isOnlyCalled(scope.body, handle)) return siteOwnsHandle;
    if (handle !== undefined && isOnlyCalledOrReturned(scope.body, handle)) return siteGivesHandle;
    return givesBackHere(scope.body, called, source) ? siteReleasesHere : 0;
  };

  /** Whether the awaited value may be a promise that was made before, by something else than this expression. */
  const isKept = (awaited: Node): boolean => {
    switch (awaited.type) {
      case "CallExpression":
      case "NewExpression":
      case "ImportExpression":
      case "TaggedTemplateExpression":
        return false;
      case "Identifier":
        plainNames ??= literalNames(program);
        return awaited.name !== "undefined" && !plainNames.has(awaited.name);
      default:
        return mayBePromise(awaited);
    }
  };

  const visitYield = (node: Node & { type: "YieldExpression" }, scope: Scope): void => {
    const { token: row } = scope;
    if (row === undefined || scope.kind !== "generator") {
      children(node, scope);
      return;
    }
    scope.waits++;
    const at = site(node.start, scope);
    open(node.start, `${hooksName}.resume(${row},`);
    if (node.argument === null) {
      close(node.end, ` ${hooksName}.pause(${row},${at},void 0))`);
      return;
    }
    open(node.argument.start, `${hooksName}.pause(${row},${at},`);
    visit(node.argument, scope);
    close(node.argument.end, ")");
    close(node.end, ")");
  };

  /**
   * `return value` in an async function becomes `result = value; break out of the try`, and the function returns its
   * result behind the `finally`. V8 gives no position to a return that passes through a `finally`: a debugger that
   * steps over it, or out of the function, would lose its way.
   */
  const visitReturn = (node: Node & { type: "ReturnStatement" }, scope: Scope): void => {
    const { argument } = node;
    // In a finally block another result may be on its way, which holds when this return is cut off in turn.
    const breaks = scope.kind === "async" && scope.finalizers === 0;
    if (breaks) {
      scope.returns++;
      open(node.start, "{/*");
      // Not before what comes here but behind the word: a return may end with it.
      // Without a value, too: a result may be there that a finally block has cut off.
      close(node.start + "return".length, `*/${resultName}=${argument === null ? "void 0" : "("}`);
    }
    if (argument !== null) visitReturned(argument, scope);
    if (breaks && argument !== null) close(argument.end, ")");
    if (breaks) close(node.end, `;break ${token}}`);
  };

  /** An assignment of functions, other than of what a call gives, would give them a name. */
  const visitReturned = (argument: Node, scope: Scope): void => {
    const gives =
      scope.kind === "async" &&
      (scope.finalizers > 0 || mayBePromise(argument) || containsFunction(argument));
    // `return a, b` gives one value, and would give a call two arguments.
    const isSequence = argument.type === "SequenceExpression";
    if (gives) open(argument.start, giveOf(argument, scope) + (isSequence ? "(" : ""));
    returned.add(unwrap(argument));
    if (scope.kind === "generator") for (const value of valuesOf(argument)) bare.add(value);
    visit(argument, scope);
    if (gives) close(argument.end, isSequence ? "))" : ")");
  };

  const giveOf = (argument: Node, scope: Scope): string => {
    const flags = unwrap(argument).type === "CallExpression" ? siteGivesHandle : 0;
    return `${hooksName}.give(${scope.token},${site(argument.start, scope, { flags })},`;
  };

  const visitTry = (node: Node & { type: "TryStatement" }, scope: Scope): void => {
    const before = scope.waits;
    visitList(node.block.body, scope);
    const { handler, finalizer } = node;
    if (handler !== null) {
      resumeAt(handler.body.start + 1, scope, before);
      if (handler.param !== null) visit(handler.param, scope);
      visitList(handler.body.body, scope);
    }
    if (finalizer !== null) {
      resumeAt(finalizer.start + 1, scope, before);
      scope.finalizers++;
      visitList(finalizer.body, scope);
      scope.finalizers--;
    }
  };

  /** An await in the block before may have failed: here the task goes on. */
  const resumeAt = (offset: number, scope: Scope, before: number): void => {
    if (scope.token !== undefined && scope.waits > before) open(offset, `${hooksName}.back(${scope.token});`);
  };

  const visitLabeled = (node: Node & { type: "LabeledStatement" }, scope: Scope): void => {
    let inner: Statement = node.body;
    while (inner.type === "LabeledStatement") inner = inner.body;
    if (inner.type === "ForOfStatement" && awaitsItems(inner) && scope.token !== undefined) {
      visitAwaitingLoop(inner, scope, scope.token, node);
    } else visitSingle(node.body, scope);
  };

  /** `whole` is the loop with its labels. */
  const visitAwaitingLoop = (node: ForOfStatement, scope: Scope, row: string, whole: Node): void => {
    if (node.await) visitForAwait(node, scope, row, whole);
    else visitForUsing(node, scope, row, whole);
  };

  /** `for (await using item of items)`: at the end of each round it waits for what gives the item back. */
  const visitForUsing = (node: ForOfStatement, scope: Scope, row: string, whole: Node): void => {
    scope.waits++;
    const at = site(node.left.start, scope);
    open(whole.start, "{");
    visitHead(node.left, scope);
    visit(node.right, scope);
    open(
      node.body.start,
      `{${hooksName}.back(${row});using ${token}u${++lastResourceVariable}=${hooksName}.using(${row},${at});`,
    );
    visitSingle(node.body, scope);
    close(node.body.end, "}");
    close(whole.end, `${hooksName}.back(${row});}`);
  };

  const visitForAwait = (node: ForOfStatement, scope: Scope, row: string, whole: Node): void => {
    needsPromises = true;
    scope.waits++;
    const at = site(node.right.start, scope);
    open(whole.start, "{");
    visitHead(node.left, scope);
    open(node.right.start, `${hooksName}.iterate(${row},${at},`);
    visit(node.right, scope);
    close(node.right.end, ")");
    const { body } = node;
    const head = `${hooksName}.woke(${row},0);try{`;
    const tail = `}finally{${hooksName}.again(${row},${at})}`;
    if (body.type === "BlockStatement") {
      if (body.end - body.start === 2) close(body.start + 1, head + tail);
      else {
        open(body.start + 1, head);
        visitList(body.body, scope);
        close(body.end - 1, tail);
      }
    } else {
      open(body.start, `{${head}`);
      visitSingle(body, scope);
      close(body.end, `${tail}}`);
    }
    close(whole.end, `${hooksName}.back(${row});}`);
  };

  const visitCall = (node: CallExpression, scope: Scope, hint: string | undefined): void => {
    const [before = "", after = ""] = listening.get(node) ?? [];
    const isStart = !scope.marks && scope.kind === "other" && startsTask(node);
    if (isStart) openStart(node, site(node.start, scope));
    if (before !== "") open(node.start, before);
    visitPlainCall(node, scope, hint);
    if (after !== "") close(node.end, after);
    if (isStart) close(node.end, node.arguments.length === 0 ? "))" : ")");
  };

  const openStart = (node: CallExpression, at: number): void => {
    const last = node.arguments.at(-1);
    if (last === undefined) {
      open(node.start, `${hooksName}.started((${hooksName}.from(${at}),`);
      return;
    }
    const value = last.type === "SpreadElement" ? last.argument : last;
    open(node.start, `${hooksName}.started(`);
    open(value.start, `${hooksName}.from(${at},`);
    close(value.end, ")");
  };

  /** Which calls in functions without marks start tasks is guessed by names. */
  const startsTask = (node: CallExpression): boolean => {
    if (isOptional(node)) return false;
    if (startedHere.has(node)) return true;
    const name = calleeName(node);
    startable ??= asyncNames(program);
    return name !== undefined && startable.has(name);
  };

  const visitPlainCall = (node: CallExpression, scope: Scope, hint: string | undefined): void => {
    const combination = shadowsPromise || bare.has(node) ? undefined : combinationOf(node);
    const makes =
      combination === undefined && !bare.has(node) && !timerCalls.has(node) && makesResource(node);
    if (combination !== undefined) {
      needsPromises = true;
      const join = awaitedCalls.has(node) ? "joinAwaited" : "join";
      open(node.start, `${hooksName}.${join}("${combinations[combination]}",`);
    } else if (makes) open(node.start, `${hooksName}.made(${site(node.start, scope, named(hint))},`);
    const isTimer = timerCalls.has(node);
    if (isTimer) open(node.start, `${hooksName}.timer(`);
    visit(node.callee, scope);
    for (const [index, argument] of node.arguments.entries()) {
      callbacks.set(unwrap(argument), calleeName(node));
      if (combination !== undefined) {
        open(argument.start, `${hooksName}.keep(${hooksName}.first(),`);
        visit(argument, scope);
        close(argument.end, ")");
      } else visitPart(argument, scope, index === 0 ? hint : undefined);
    }
    if (combination !== undefined || makes || isTimer) close(node.end, ")");
  };

  const combinationOf = (node: CallExpression): string | undefined => {
    const { callee } = node;
    if (node.optional || node.arguments.length !== 1 || node.arguments[0]?.type === "SpreadElement")
      return undefined;
    if (callee.type !== "MemberExpression" || callee.computed || callee.object.type !== "Identifier")
      return undefined;
    if (callee.object.name !== "Promise" || callee.property.type !== "Identifier") return undefined;
    return Object.hasOwn(combinations, callee.property.name) ? callee.property.name : undefined;
  };

  const makesResource = ({ callee }: CallExpression): boolean => {
    let called = unwrap(callee);
    // `(0, imported.default)(…)`
    if (called.type === "SequenceExpression") called = called.expressions.at(-1) ?? called;
    if (isStreamMaker(called)) return true;
    while (called.type === "MemberExpression") called = unwrap(called.object);
    return called.type === "Identifier" && imported.has(called.name);
  };

  const visitNew = (node: Node & { type: "NewExpression" }, scope: Scope, hint: string | undefined): void => {
    const callee = unwrap(node.callee);
    const [executor] = node.arguments;
    if (callee.type === "Identifier" && callee.name === "Promise" && !shadowsPromise) {
      const timer =
        executor === undefined || executor.type === "SpreadElement" ? undefined : timerOfExecutor(executor);
      if (timer !== undefined) {
        open(node.start, `${hooksName}.sleeps(`);
        timerCalls.add(timer);
      }
      const around = timer === undefined && executor?.type !== "SpreadElement" ? aroundPromise(executor) : "";
      if (around !== "") open(node.start, `${hooksName}.${around}(`);
      for (const argument of node.arguments) visit(argument, scope, hint);
      if (timer !== undefined || around !== "") close(node.end, ")");
      return;
    }
    const makes =
      callee.type === "Identifier" ? !plainClasses.has(callee.name) : callee.type === "MemberExpression";
    if (makes) open(node.start, `${hooksName}.made(${site(node.start, scope, named(hint))},`);
    // `new new X()()`: what is called with `new` must stay what it is.
    if (callee.type !== "NewExpression") visit(node.callee, scope);
    for (const argument of node.arguments) visitPart(argument, scope);
    if (makes) close(node.end, ")");
  };

  /** What is called around a promise that no timer settles. */
  const aroundPromise = (executor: Expression | undefined): string => {
    if (executor === undefined) return "";
    if (settlesNothing(executor)) return "never";
    const found = listeningOfExecutor(executor);
    if (found === undefined) return "";
    const { call, on, event, beginsStatement } = found;
    const via = `${hooksName}.via(${on}${event === undefined ? "" : `,${JSON.stringify(event)}`}),`;
    listening.set(call, beginsStatement ? [via, ""] : [`(${via}`, ")"]);
    return "waits";
  };

  const visitClass = (
    node: Node & { type: "ClassDeclaration" | "ClassExpression" },
    scope: Scope,
    hint: string | undefined,
  ): void => {
    const className = node.id?.name ?? hint;
    for (const decorator of node.decorators ?? []) visit(decorator, scope);
    if (node.superClass !== null) visit(node.superClass, scope);
    for (const element of node.body.body) {
      switch (element.type) {
        case "MethodDefinition":
        case "PropertyDefinition":
        case "AccessorProperty": {
          if (element.type === "AccessorProperty") syntax.add("accessor");
          for (const decorator of element.decorators ?? []) visit(decorator, scope);
          if (element.computed) visit(element.key, scope);
          const key = keyName(element.key, element.computed);
          if (element.type === "MethodDefinition") starts.set(element.value, element.key.start);
          const inside = otherScope({ ...scope, ...(className === undefined ? {} : { className }) }, element);
          if (element.value !== null)
            visit(element.value, inside, key === undefined ? undefined : member(className, key));
          break;
        }
        case "StaticBlock":
          visit(element, scope);
          break;
      }
    }
  };

  const otherScope = (outer: Scope, body: Node): Scope => ({
    kind: "other",
    body,
    marks: false,
    waits: 0,
    finalizers: 0,
    returns: 0,
    markedLine: 0,
    ...(outer.className === undefined ? {} : { className: outer.className }),
    ...(outer.named === undefined ? {} : { named: outer.named }),
  });

  const visitFunction = (node: AnyFunction, outer: Scope, hint: string | undefined): void => {
    const ownName = (node.type === "ArrowFunctionExpression" ? undefined : node.id?.name) ?? hint;
    const name = ownName ?? callbackName(node, outer);
    const { body } = node;
    const plain: Scope = {
      ...otherScope(outer, body ?? node),
      ...(name === undefined ? {} : { name }),
      ...(ownName === undefined ? {} : { named: ownName }),
    };
    for (const parameter of node.params) visit(parameter, plain);
    if (body === null) return;
    if (!node.async) {
      if (body.type === "BlockStatement") visitList(body.body, plain);
      else visitCallback(body, plain, outer);
      return;
    }
    noteUpdates(node);
    const scope: Scope = { ...plain, token, kind: node.generator ? "generator" : "async", marks: true, body };
    const hook = node.generator
      ? "enterGenerator"
      : node.params.some((parameter) => firstCall(parameter) !== undefined)
        ? "enterBlind"
        : "enter";
    const enter = () => {
      const entry = site(starts.get(node) ?? node.start, scope, {
        flags: siteFunction | (node.generator ? siteGenerator : 0),
        ...(name === undefined ? {} : { function: name }),
      });
      return `const ${lifeName}=[],${token}=${hooksName}.${hook}(${entry},${lifeName});let ${resultName};${token}:try{`;
    };
    const leave = `}finally{${hooksName}.leave(${token},${lifeName})}`;
    const result = `return ${resultName};`;
    if (body.type !== "BlockStatement") {
      const call = firstCall(body);
      const gives = mayBePromise(body) || containsFunction(body);
      open(
        body.start,
        `{${enter()}${call === undefined ? "" : `${markOf(site(call.start, scope))};`}${resultName}=(${
          gives ? giveOf(body, scope) : ""
        }`,
      );
      scope.markedLine = call === undefined ? 0 : placeOf(call.start).line;
      returned.add(unwrap(body));
      visit(body, scope);
      close(body.end, `${gives ? ")" : ""});${leave}${result}}`);
      return;
    }
    const clash = clashInBlock(body.body);
    if (clash !== undefined) {
      skipped.push({
        name: name ?? "(anonymous)",
        reason: `'${clash}' is declared twice in function '${name ?? "(anonymous)"}'`,
      });
      visitList(body.body, plain);
      return;
    }
    const statements = afterDirectives(body.body);
    const [first] = statements;
    if (first === undefined) return;
    const directives = body.body.length - statements.length;
    const at = directives === 0 ? body.start + 1 : (body.body[directives - 1]?.end ?? body.start + 1);
    open(at, `${directives === 0 ? "" : ";"}${enter()}`);
    visitList(statements, scope);
    // Who comes to the end may have been on the way out with a value, when a `finally` failed and was caught.
    close(body.end - 1, scope.returns > 0 ? `;${resultName}=void 0;${leave}${result}` : leave);
  };

  /** `runExclusive callback in reserve`. */
  const callbackName = (node: AnyFunction, { named: around }: Scope): string | undefined => {
    if (around === undefined || !callbacks.has(node)) return undefined;
    const called = callbacks.get(node);
    return `${called === undefined ? "" : `${called} `}callback in ${around}`;
  };

  /** The body of `(item) => start(item)`: inside a function that is traced, the call is what starts tasks. */
  const visitCallback = (body: Node, scope: Scope, outer: Scope): void => {
    const call = outer.marks ? firstCall(body) : undefined;
    if (unwrap(body).type === "UnaryExpression") noteDropped(body);
    if (call !== undefined) open(body.start, `(${hooksName}.at(${site(call.start, outer)}),`);
    visit(body, scope);
    if (call !== undefined) close(body.end, ")");
  };

  const visitModule = (): void => {
    const statements = afterDirectives(program.body);
    const [first] = statements;
    const last = statements.at(-1);
    if (first === undefined || last === undefined) return;
    const awaits = program.sourceType === "module" && hasTopLevelAwait(program);
    const scope: Scope = {
      ...otherScope(
        { kind: "other", body: program, marks: false, waits: 0, finalizers: 0, returns: 0, markedLine: 0 },
        program,
      ),
      kind: awaits ? "module" : "other",
      marks: !hasValue,
      ...(awaits ? { token } : {}),
    };
    if (awaits) {
      noteUpdates(program);
      const entry = site(first.start, scope, { flags: siteFunction | siteModule });
      open(first.start, `const ${token}=${hooksName}.enterModule(${entry});`);
    }
    visitList(statements, scope);
    if (awaits) close(last.end, `;${hooksName}.leave(${token});`);
    else if (scope.markedLine !== 0) close(last.end, `;${markOf(0)};`);
  };

  visitModule();
  needsPromises ||= sites.some(
    ({ flags, function: name }) =>
      (flags & siteFunction) !== 0 &&
      name !== undefined &&
      dropped.has(name.slice(name.lastIndexOf(".") + 1)),
  );
  return { sites, needsPromises, skipped, syntax };
}

/** Whether a loop waits between its rounds. */
function awaitsItems({ await: isAsync, left }: ForOfStatement): boolean {
  return isAsync || (left.type === "VariableDeclaration" && left.kind === "await using");
}

/** Whether something is left of a namespace when types are gone. */
function hasCode(node: Node): boolean {
  switch (node.type) {
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
      return false;
    case "TSModuleDeclaration":
      return !node.declare && node.body !== null && node.body.body.some(hasCode);
    case "ExportNamedDeclaration":
      return node.declaration === null ? node.exportKind !== "type" : hasCode(node.declaration);
    default:
      return !("declare" in node && node.declare);
  }
}

/** What a statement evaluates before the statements inside it. */
function headOf(statement: Node): Node | null | undefined {
  switch (statement.type) {
    case "ExpressionStatement":
      return statement.expression;
    case "VariableDeclaration":
      return statement;
    case "ReturnStatement":
      return statement.argument;
    case "IfStatement":
    case "WhileStatement":
      return statement.test;
    case "ForStatement":
      return statement.init;
    case "ForOfStatement":
    case "ForInStatement":
      return statement.right;
    case "SwitchStatement":
      return statement.discriminant;
    case "ExportNamedDeclaration":
      return statement.declaration?.type === "VariableDeclaration" ? statement.declaration : undefined;
    case "ExportDefaultDeclaration":
      return statement.declaration;
    case "LabeledStatement":
      return headOf(statement.body);
    default:
      return undefined;
  }
}

function afterDirectives(statements: readonly Node[]): readonly Node[] {
  const first = statements.findIndex(
    (statement) =>
      statement.type !== "ExpressionStatement" || !("directive" in statement) || !statement.directive,
  );
  return first < 0 ? [] : statements.slice(first);
}

/** The variable that a declaration gives the release function of a lock: itself or the second of a pair. */
function handleOf(id: Node): string | undefined {
  if (id.type === "Identifier") return id.name;
  if (id.type !== "ArrayPattern") return undefined;
  const second = id.elements[1];
  return second?.type === "Identifier" ? second.name : undefined;
}

function named(name: string | undefined): Partial<SiteEntry> {
  return name === undefined || name === "default" ? {} : { name };
}

/** The local names of what is imported or required from some packages. */
function importedFrom(
  program: Program,
  libraries: ReadonlySet<string>,
  bundled: ReadonlySet<string>,
): ReadonlySet<string> {
  const names = new Set<string>(bundled);
  for (const statement of outermost(program.body)) {
    if (statement.type === "ImportDeclaration" && libraries.has(statement.source.value)) {
      for (const specifier of statement.specifiers) names.add(specifier.local.name);
    } else if (statement.type === "VariableDeclaration") {
      for (const { id, init } of statement.declarations) {
        if (init === null || !(requires(init, libraries) || givesBundled(init, bundled))) continue;
        if (id.type === "Identifier") names.add(id.name);
        else if (id.type === "ObjectPattern") {
          for (const property of id.properties) {
            if (property.type === "Property" && property.value.type === "Identifier")
              names.add(property.value.name);
          }
        }
      }
    }
  }
  return names;
}

/** The statements of a file, also where a test runner has made it the body of one function. */
function outermost(body: Program["body"]): Program["body"] {
  const [only, ...others] = afterDirectives(body);
  if (only?.type !== "ExpressionStatement" || others.length > 0) return body;
  const wrapper = unwrap(only.expression);
  if (wrapper.type !== "ArrowFunctionExpression" || wrapper.body.type !== "BlockStatement") return body;
  return wrapper.body.body.flatMap((each) => (each.type === "BlockStatement" ? each.body : each));
}

const imports = /^(require|__vi_import__|__vite_ssr_import__|__vite_ssr_dynamic_import__)$/;
/** What compilers put around an import. */
const interop = /^_*(interop\w*|import(Star|Default))$/;

/** `require_queue()` and `__toESM(require_queue())`, as a bundler writes them. */
function givesBundled(node: Node, bundled: ReadonlySet<string>): boolean {
  const value = unwrap(node);
  if (value.type === "MemberExpression") return givesBundled(value.object, bundled);
  if (bundled.size === 0 || value.type !== "CallExpression" || value.callee.type !== "Identifier")
    return false;
  if (bundled.has(value.callee.name)) return true;
  const [first] = value.arguments;
  return first !== undefined && first.type !== "SpreadElement" && givesBundled(first, bundled);
}

function requires(node: Node, libraries: ReadonlySet<string>): boolean {
  const value = unwrap(node);
  if (value.type === "MemberExpression") return requires(value.object, libraries);
  if (value.type === "AwaitExpression") return requires(value.argument, libraries);
  if (value.type !== "CallExpression" || value.callee.type !== "Identifier") return false;
  const [first] = value.arguments;
  if (first !== undefined && interop.test(value.callee.name)) return requires(first, libraries);
  return (
    imports.test(value.callee.name) &&
    first?.type === "Literal" &&
    typeof first.value === "string" &&
    libraries.has(first.value)
  );
}

/** Whether `Promise` may be something else than the language's own. */
function declaresPromise(program: Program): boolean {
  let found = false;
  const look = (node: Node, parent: Node | undefined, key: string): void => {
    if (node.type === "Identifier" && node.name === "Promise") {
      found ||=
        key === "id" ||
        key === "params" ||
        key === "local" ||
        key === "param" ||
        parent?.type === "ArrayPattern" ||
        parent?.type === "RestElement" ||
        (parent?.type === "AssignmentPattern" && key === "left") ||
        (parent?.type === "AssignmentExpression" && key === "left");
    }
    if (node.type === "ObjectPattern") {
      for (const property of node.properties) {
        if (property.type === "Property" && property.value.type === "Identifier") {
          found ||= property.value.name === "Promise";
        }
      }
    }
    eachChild(node, (child, childKey) => look(child, node, childKey));
  };
  look(program, undefined, "");
  return found;
}
