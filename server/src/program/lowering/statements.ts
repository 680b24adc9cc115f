import {
  type Block,
  type CaseOrDefaultClause,
  type CatchClause,
  type ClassDeclaration,
  type ClassStaticBlockDeclaration,
  type DoStatement,
  type EnumDeclaration,
  type ExportAssignment,
  type ExpressionStatement,
  type ForInOrOfStatement,
  type ForInStatement,
  type ForOfStatement,
  type ForStatement,
  type FunctionDeclaration,
  type Identifier,
  type IfStatement,
  type LabeledStatement,
  type ModifierLike,
  type ModuleBlock,
  type ModuleDeclaration,
  type Node,
  NodeFlags,
  type ParameterDeclaration,
  type PropertyDeclaration,
  type ReturnStatement,
  type Statement,
  type SwitchStatement,
  SyntaxKind,
  type ThrowStatement,
  type TryStatement,
  type TypeNode,
  type VariableDeclarationList,
  type VariableStatement,
  type WhileStatement,
  type WithStatement,
} from "typescript/unstable/ast";
import type { BlockId, FunctionFacts, ParameterFact, Temp } from "../facts.ts";
import { nodeIdOf } from "../syntax.ts";
import { isParameterProperty, lowerClass } from "./classes.ts";
import { lowerClosure } from "./closures.ts";
import { declareBlock, declareList, declarePattern, declareVars, exportVariable } from "./declarations.ts";
import { lowerExpression } from "./expressions.ts";
import type { FileBuilder, PendingFunction } from "./file-builder.ts";
import { FunctionBuilder } from "./function-builder.ts";
import { lowerCondition } from "./operators.ts";
import { assign, bindPattern, nameOf, storeName, withDefault } from "./patterns.ts";
import { Scope } from "./scope.ts";
import { lowerType, propertyName } from "./type-references.ts";

/** Lowers the body of the module: function 0. */
export function lowerModule(file: FileBuilder): FunctionFacts {
  const { sourceFile } = file;
  const id = file.newFunction();
  const scope = new Scope(undefined, id);
  const f = new FunctionBuilder(file, id, scope, { async: true, generator: false }, lowerExpression);
  declareBlock(file, scope, sourceFile.statements);
  declareVars(file, scope, sourceFile.statements);
  const whole = { start: 0, end: sourceFile.end };
  f.list(sourceFile, whole, sourceFile.statements);
  lowerStatements(f, sourceFile.statements);
  exportNames(f, sourceFile.statements);
  return {
    name: "",
    kind: "module",
    async: true,
    generator: false,
    static: false,
    nodes: [nodeIdOf(sourceFile)],
    parameters: [],
    ...f.finish({ start: sourceFile.end, end: sourceFile.end }),
    statements: f.statements,
    usesArguments: f.usesArguments,
    // Known when the whole file is lowered.
    writtenByOthers: [],
    ...(f.imprecise === undefined ? {} : { imprecise: f.imprecise }),
    body: whole,
    concise: false,
    ...whole,
  };
}

/** What the kinds of function have in common; class and namespace nodes have only part of it. */
interface FunctionLike extends Node {
  readonly modifiers?: readonly ModifierLike[];
  readonly asteriskToken?: Node;
  readonly name?: Node;
  readonly parameters?: readonly ParameterDeclaration[];
  readonly type?: TypeNode;
  readonly body?: Node;
}

/** Lowers a queued function. */
export function lowerFunction(file: FileBuilder, pending: PendingFunction): FunctionFacts {
  const node = pending.node as FunctionLike;
  const initialisers = pending.kind === "fields" || pending.kind === "statics";
  const async = !initialisers && (node.modifiers ?? []).some((one) => one.kind === SyntaxKind.AsyncKeyword);
  const generator = !initialisers && node.asteriskToken !== undefined;
  const scope = new Scope(pending.scope, pending.id);
  const f = new FunctionBuilder(file, pending.id, scope, { async, generator }, lowerExpression);
  const { body } = node;
  let parameters: ParameterFact[] = [];
  if (initialisers) lowerInitialisers(f, pending);
  else {
    // A function expression sees its own name.
    if (node.kind === SyntaxKind.FunctionExpression && node.name) {
      const { text } = node.name as Identifier;
      const own = file.newVariable(text, "function", node, file.range(node.name), pending.id);
      scope.declareValue(text, own);
      const to = f.temp();
      f.emit({ op: "closure", to, function: pending.id }, node.name);
      f.emit({ op: "store", variable: own, from: to, initial: true }, node.name);
    }
    if (pending.kind !== "namespace") parameters = lowerParameters(f, node.parameters ?? []);
    lowerBody(f, body);
  }
  const bodyRange = body && !initialisers ? file.range(body) : file.range(node);
  const at = { start: Math.max(bodyRange.start, bodyRange.end - 1), end: bodyRange.end };
  return {
    name: pending.name,
    kind: pending.kind,
    async,
    generator,
    parent: pending.parent,
    ...(pending.class === undefined ? {} : { class: pending.class }),
    static: pending.static,
    nodes: pending.nodes,
    parameters,
    ...(node.type && !initialisers && pending.kind !== "namespace"
      ? { returnType: lowerType(file, scope, node.type) }
      : {}),
    ...f.finish(at),
    statements: f.statements,
    usesArguments: f.usesArguments,
    // Known when the whole file is lowered.
    writtenByOthers: [],
    ...(f.imprecise === undefined ? {} : { imprecise: f.imprecise }),
    body: bodyRange,
    concise: body !== undefined && !initialisers && body.kind !== SyntaxKind.Block,
    ...file.range(node),
  };
}

function lowerParameters(f: FunctionBuilder, parameters: readonly ParameterDeclaration[]): ParameterFact[] {
  const { file, scope } = f;
  const facts = parameters
    // `this: Type` is no parameter at run time.
    .filter((parameter) => nameOf(parameter.name) !== "this")
    .map((parameter, index) => {
      const variable = declarePattern(file, scope, parameter.name, "parameter", parameter);
      return { parameter, index, variable };
    });
  for (const { parameter, index } of facts) {
    const to = f.temp();
    f.emit({ op: "parameter", to, index, rest: parameter.dotDotDotToken !== undefined }, parameter.name);
    bindPattern(f, parameter.name, withDefault(f, to, parameter.initializer, nameOf(parameter.name)));
  }
  for (const { parameter, variable } of facts) {
    if (variable === undefined || !isParameterProperty(parameter)) continue;
    const object = f.temp();
    const value = f.temp();
    f.emit({ op: "this", to: object }, parameter.name);
    f.emit({ op: "load", to: value, variable, node: nodeIdOf(parameter.name) }, parameter.name);
    f.emit({ op: "set", object, name: nameOf(parameter.name) ?? "", from: value }, parameter.name);
  }
  return facts.map(({ parameter, variable }) => ({
    ...(variable === undefined ? {} : { variable }),
    ...(parameter.type ? { type: lowerType(file, scope, parameter.type) } : {}),
    rest: parameter.dotDotDotToken !== undefined,
    optional: parameter.questionToken !== undefined || parameter.initializer !== undefined,
    ...file.range(parameter),
  }));
}

function lowerBody(f: FunctionBuilder, body: Node | undefined): void {
  if (!body) return;
  if (body.kind === SyntaxKind.Block || body.kind === SyntaxKind.ModuleBlock) {
    const { statements } = body as Block | ModuleBlock;
    declareBlock(f.file, f.scope, statements);
    declareVars(f.file, f.scope, statements);
    f.list(body, f.file.range(body), statements);
    lowerStatements(f, statements);
  } else if (body.kind === SyntaxKind.ModuleDeclaration) {
    // `namespace a.b {}`
    declareBlock(f.file, f.scope, [body]);
    lowerStatements(f, [body]);
  } else f.return(f.lower(f, body), f.file.range(body));
}

/** `this.field = initialiser`, in order; static blocks among them. */
function lowerInitialisers(f: FunctionBuilder, pending: PendingFunction): void {
  const wanted = pending.kind === "statics";
  for (const member of (pending.node as ClassDeclaration).members) {
    if (member.kind === SyntaxKind.ClassStaticBlockDeclaration && wanted) {
      lowerScoped(f, member, () => {
        const { body } = member as ClassStaticBlockDeclaration;
        declareVars(f.file, f.scope, body.statements);
        lowerStatement(f, body);
      });
      continue;
    }
    if (member.kind !== SyntaxKind.PropertyDeclaration) continue;
    const field = member as PropertyDeclaration;
    const isStatic = (field.modifiers ?? []).some((one) => one.kind === SyntaxKind.StaticKeyword);
    if (isStatic !== wanted || !field.initializer) continue;
    const object = f.temp();
    f.emit({ op: "this", to: object }, field.name);
    const name = propertyName(field.name);
    const isFunction =
      field.initializer.kind === SyntaxKind.ArrowFunction ||
      field.initializer.kind === SyntaxKind.FunctionExpression;
    const full = pending.name && name ? `${pending.name}.${name}` : (name ?? "");
    const from = isFunction
      ? lowerClosure(f, field.initializer, full, { nodes: [nodeIdOf(field)] })
      : f.lower(f, field.initializer, name);
    if (name === undefined) {
      f.emit({ op: "set-element", object, key: f.undefined(field.name), from }, field.name);
    } else f.emit({ op: "set", object, name, from }, field.name);
  }
}

function lowerScoped(f: FunctionBuilder, node: Node, lower: () => void, fill?: (scope: Scope) => void): void {
  const outer = f.scope;
  f.scope = f.file.scopeAt(node, outer, fill ?? (() => undefined));
  lower();
  f.scope = outer;
}

function lowerBlock(f: FunctionBuilder, node: Node, statements: readonly Statement[]): void {
  f.list(node, f.file.range(node), statements);
  lowerScoped(
    f,
    node,
    () => lowerStatements(f, statements),
    (scope) => declareBlock(f.file, scope, statements),
  );
}

function lowerStatements(f: FunctionBuilder, statements: readonly Node[]): void {
  // Function declarations exist before the first statement runs.
  for (const statement of statements) {
    const inner = unlabelled(statement);
    if (inner.kind === SyntaxKind.FunctionDeclaration) hoist(f, inner as FunctionDeclaration);
  }
  // TypeScript's lists are linked: asking for the n-th element walks there.
  lowerFrom(f, [...statements], 0);
}

function lowerFrom(f: FunctionBuilder, statements: readonly Node[], from: number): void {
  for (let index = from; index < statements.length; index += 1) {
    const statement = statements[index];
    if (!statement) continue;
    const using = usingList(statement);
    lowerStatement(f, statement);
    if (!using) continue;
    lowerDisposal(f, using, () => lowerFrom(f, statements, index + 1));
    return;
  }
}

function unlabelled(node: Node): Node {
  let inner = node;
  while (inner.kind === SyntaxKind.LabeledStatement) inner = (inner as LabeledStatement).statement;
  return inner;
}

function hoist(f: FunctionBuilder, node: FunctionDeclaration): void {
  if (!node.body) return;
  const name = node.name?.text ?? "default";
  const variable = f.scope.value(name);
  const from = lowerClosure(f, node, name);
  if (variable !== undefined) {
    f.emit({ op: "store", variable, from, initial: true }, node.name ?? node);
  }
}

function usingList(node: Node): VariableDeclarationList | undefined {
  if (node.kind !== SyntaxKind.VariableStatement) return undefined;
  const list = (node as VariableStatement).declarationList;
  return (list.flags & NodeFlags.Using) !== 0 ? list : undefined;
}

/** The rest of a block after `using a = …, b = …`: they are disposed of on every way out, the last one first. */
function lowerDisposal(f: FunctionBuilder, list: VariableDeclarationList, rest: () => void): void {
  const isAsync = (list.flags & NodeFlags.BlockScoped) === NodeFlags.AwaitUsing;
  const names = list.declarations.flatMap((declaration) =>
    declaration.name.kind === SyntaxKind.Identifier ? [declaration.name as Identifier] : [],
  );
  const dispose = () => {
    for (const name of [...names].reverse()) {
      f.emit({ op: "dispose", from: f.lower(f, name), async: isAsync }, name);
    }
  };
  f.withCleanup(dispose, { at: f.file.range(list), onNormal: true }, rest);
}

function lowerStatement(f: FunctionBuilder, node: Node): void {
  f.nested(
    () => lowerKind(f, node, []),
    () => undefined,
  );
}

function lowerKind(f: FunctionBuilder, node: Node, labels: readonly string[]): void {
  switch (node.kind) {
    case SyntaxKind.ExpressionStatement:
      lowerExpressionStatement(f, (node as ExpressionStatement).expression);
      return;
    case SyntaxKind.VariableStatement:
      lowerDeclarations(f, (node as VariableStatement).declarationList);
      return;
    case SyntaxKind.Block:
      lowerLabelled(f, labels, () => lowerBlock(f, node, (node as Block).statements));
      return;
    case SyntaxKind.IfStatement:
      lowerLabelled(f, labels, () => lowerIf(f, node as IfStatement));
      return;
    case SyntaxKind.ReturnStatement: {
      const { expression } = node as ReturnStatement;
      f.return(expression && f.lower(f, expression), f.file.range(node));
      return;
    }
    case SyntaxKind.ThrowStatement:
      f.throw(f.lower(f, (node as ThrowStatement).expression), f.file.range(node));
      return;
    case SyntaxKind.BreakStatement:
      f.break((node as { readonly label?: Identifier }).label?.text);
      return;
    case SyntaxKind.ContinueStatement:
      f.continue((node as { readonly label?: Identifier }).label?.text);
      return;
    case SyntaxKind.LabeledStatement: {
      const { label, statement } = node as LabeledStatement;
      f.nested(
        () => lowerKind(f, statement, [...labels, label.text]),
        () => undefined,
      );
      return;
    }
    case SyntaxKind.WhileStatement:
      lowerWhile(f, node as WhileStatement, labels);
      return;
    case SyntaxKind.DoStatement:
      lowerDo(f, node as DoStatement, labels);
      return;
    case SyntaxKind.ForStatement:
      lowerFor(f, node as ForStatement, labels);
      return;
    case SyntaxKind.ForOfStatement:
    case SyntaxKind.ForInStatement:
      lowerForEach(f, node as ForInOrOfStatement, labels);
      return;
    case SyntaxKind.SwitchStatement:
      lowerSwitch(f, node as SwitchStatement, labels);
      return;
    case SyntaxKind.TryStatement:
      lowerLabelled(f, labels, () => lowerTry(f, node as TryStatement));
      return;
    case SyntaxKind.ClassDeclaration:
      lowerClassDeclaration(f, node as ClassDeclaration);
      return;
    case SyntaxKind.EnumDeclaration:
      lowerEnum(f, node as EnumDeclaration);
      return;
    case SyntaxKind.ModuleDeclaration:
      lowerNamespace(f, node as ModuleDeclaration);
      return;
    case SyntaxKind.ExportAssignment:
      lowerExportAssignment(f, node as ExportAssignment);
      return;
    case SyntaxKind.WithStatement:
      f.imprecise ??= "with statement";
      f.lower(f, (node as WithStatement).expression);
      lowerStatement(f, (node as WithStatement).statement);
      return;
    default:
  }
}

function lowerExpressionStatement(f: FunctionBuilder, expression: Node): void {
  const exported = commonJsExport(f, expression);
  const value = f.lower(f, expression, exported);
  if (exported === undefined) return;
  const { file, scope } = f;
  const name = exported === "" ? "=" : exported;
  const key = `exports ${name}`;
  const variable =
    scope.ownValue(key) ??
    file.newVariable(exported || "exports", "export", expression, file.range(expression), f.id);
  scope.declareValue(key, variable);
  exportVariable(file, name, variable, scope);
  f.emit({ op: "store", variable, from: value, initial: false }, expression);
}

/** `module.exports = x` gives "", `exports.x = y` and `module.exports.x = y` give "x". */
function commonJsExport(f: FunctionBuilder, node: Node): string | undefined {
  if (f.id !== 0 || node.kind !== SyntaxKind.BinaryExpression) return undefined;
  const { left, operatorToken } = node as Node & { readonly left: Node; readonly operatorToken: Node };
  if (operatorToken.kind !== SyntaxKind.EqualsToken) return undefined;
  const path = f.file.text.slice(f.file.start(left), left.end).replace(/\s+/g, "");
  const found = /^(?:module\.exports|exports\.([\w$]+)|module\.exports\.([\w$]+))$/.exec(path);
  if (!found || f.scope.value(path.startsWith("module") ? "module" : "exports") !== undefined)
    return undefined;
  return found[1] ?? found[2] ?? "";
}

function lowerDeclarations(f: FunctionBuilder, list: VariableDeclarationList): void {
  for (const declaration of list.declarations) {
    const { name, initializer } = declaration;
    if (!initializer) {
      // `let x;` in a loop is undefined again in each turn; `var x;` and `declare` do nothing.
      if ((list.flags & NodeFlags.BlockScoped) === NodeFlags.Let && name.kind === SyntaxKind.Identifier) {
        if (isAmbient(list)) continue;
        storeName(f, name as Identifier, f.undefined(name), true);
      }
      continue;
    }
    bindPattern(f, name, lowerInitialiser(f, initializer, name, declaration));
  }
}

function isAmbient(list: VariableDeclarationList): boolean {
  return (list.flags & NodeFlags.Ambient) !== 0;
}

function lowerInitialiser(f: FunctionBuilder, initializer: Node, name: Node, declaration: Node): Temp {
  const known = nameOf(name);
  const isFunction =
    initializer.kind === SyntaxKind.ArrowFunction || initializer.kind === SyntaxKind.FunctionExpression;
  return isFunction && known !== undefined
    ? lowerClosure(f, initializer, known, { nodes: [nodeIdOf(declaration)] })
    : f.lower(f, initializer, known);
}

/** A label on what is no loop: only `break` can name it. */
function lowerLabelled(f: FunctionBuilder, labels: readonly string[], lower: () => void): void {
  if (labels.length === 0) {
    lower();
    return;
  }
  const after = f.block();
  f.withTarget({ labels, breakable: false, breakTo: after }, lower);
  f.goto(after);
  f.enter(after);
}

function lowerIf(f: FunctionBuilder, node: IfStatement): void {
  const after = f.block();
  let rest: Statement | undefined = node;
  while (rest?.kind === SyntaxKind.IfStatement) {
    const { expression, thenStatement, elseStatement } = rest as IfStatement;
    const yes = f.block();
    const no = f.block();
    lowerCondition(f, expression, yes, no);
    f.enter(yes);
    lowerStatement(f, thenStatement);
    f.goto(after);
    f.enter(no);
    rest = elseStatement;
  }
  if (rest) lowerStatement(f, rest);
  f.goto(after);
  f.enter(after);
}

function lowerWhile(f: FunctionBuilder, node: WhileStatement, labels: readonly string[]): void {
  const head = f.block();
  const body = f.block();
  const after = f.block();
  f.goto(head);
  f.enter(head);
  lowerLoopCondition(f, node.expression, body, after);
  f.enter(body);
  f.withTarget({ labels, breakable: true, breakTo: after, continueTo: head }, () =>
    lowerStatement(f, node.statement),
  );
  f.goto(head);
  f.enter(after);
}

/** `while (true)` has no way out but `break`. */
function lowerLoopCondition(f: FunctionBuilder, condition: Node, body: BlockId, after: BlockId): void {
  if (condition.kind === SyntaxKind.TrueKeyword) f.goto(body);
  else if (condition.kind === SyntaxKind.NumericLiteral && Number((condition as Identifier).text) !== 0) {
    f.goto(body);
  } else lowerCondition(f, condition, body, after);
}

function lowerDo(f: FunctionBuilder, node: DoStatement, labels: readonly string[]): void {
  const body = f.block();
  const test = f.block();
  const after = f.block();
  f.goto(body);
  f.enter(body);
  f.withTarget({ labels, breakable: true, breakTo: after, continueTo: test }, () =>
    lowerStatement(f, node.statement),
  );
  f.goto(test);
  f.enter(test);
  lowerLoopCondition(f, node.expression, body, after);
  f.enter(after);
}

function lowerFor(f: FunctionBuilder, node: ForStatement, labels: readonly string[]): void {
  const { initializer, condition, incrementor, statement } = node;
  const list =
    initializer?.kind === SyntaxKind.VariableDeclarationList
      ? (initializer as VariableDeclarationList)
      : undefined;
  const loop = () => {
    const head = f.block();
    const body = f.block();
    const step = f.block();
    const after = f.block();
    f.goto(head);
    f.enter(head);
    if (condition) lowerLoopCondition(f, condition, body, after);
    else f.goto(body);
    f.enter(body);
    f.withTarget({ labels, breakable: true, breakTo: after, continueTo: step }, () =>
      lowerStatement(f, statement),
    );
    f.goto(step);
    f.enter(step);
    if (incrementor) f.lower(f, incrementor);
    f.goto(head);
    f.enter(after);
  };
  lowerScoped(
    f,
    node,
    () => {
      if (list) lowerDeclarations(f, list);
      else if (initializer) f.lower(f, initializer);
      if (list && (list.flags & NodeFlags.Using) !== 0) lowerDisposal(f, list, loop);
      else loop();
    },
    (scope) => {
      if (list && (list.flags & NodeFlags.BlockScoped) !== 0) declareList(f.file, scope, list);
    },
  );
}

function lowerForEach(
  f: FunctionBuilder,
  node: ForInStatement | ForOfStatement,
  labels: readonly string[],
): void {
  const over =
    node.kind === SyntaxKind.ForInStatement ? "keys" : node.awaitModifier !== undefined ? "async" : "values";
  const list =
    node.initializer.kind === SyntaxKind.VariableDeclarationList
      ? (node.initializer as VariableDeclarationList)
      : undefined;
  const at = f.file.range(node.expression);
  const source = f.lower(f, node.expression);
  const iterator = f.temp();
  f.emit({ op: "iterate", to: iterator, from: source, over }, at);
  const head = f.block();
  const body = f.block();
  const after = f.block();
  f.goto(head);
  f.enter(head);
  const value = f.temp();
  const done = f.temp();
  f.emit({ op: "next", to: value, done, iterator, over }, at);
  f.branch(done, "truthy", after, body);
  f.enter(body);
  const turn = () => {
    f.withTarget({ labels, breakable: false, continueTo: head }, () => {
      lowerScoped(
        f,
        node,
        () => {
          if (!list) assign(f, node.initializer, value);
          else bindPattern(f, list.declarations[0]?.name, value);
          const lower = () => lowerStatement(f, node.statement);
          if (list && (list.flags & NodeFlags.Using) !== 0) lowerDisposal(f, list, lower);
          else lower();
        },
        (scope) => {
          if (list && (list.flags & NodeFlags.BlockScoped) !== 0) declareList(f.file, scope, list);
        },
      );
      // The next turn: leaving the target without telling the iterator.
      f.continue(undefined);
    });
  };
  f.withTarget({ labels, breakable: true, breakTo: after }, () => {
    if (over === "keys") turn();
    else {
      f.withCleanup(
        (throwing) => f.emit({ op: "close-iterator", iterator, over, quiet: throwing }, at),
        { at, onNormal: false },
        turn,
      );
    }
  });
  f.goto(after);
  f.enter(after);
}

function lowerSwitch(f: FunctionBuilder, node: SwitchStatement, labels: readonly string[]): void {
  const subject = f.lower(f, node.expression);
  const clauses = [...node.caseBlock.clauses];
  const after = f.block();
  const bodies = clauses.map(() => f.block());
  const statements = clauses.flatMap((clause) => [...clause.statements]);
  const tests = () => {
    for (const [index, clause] of clauses.entries()) {
      const body = bodies[index];
      if (clause.kind !== SyntaxKind.CaseClause || body === undefined) continue;
      const candidate = f.lower(f, clause.expression);
      const test = f.temp();
      f.emit({ op: "binary", to: test, operator: "===", left: subject, right: candidate }, clause.expression);
      const next = f.block();
      f.branch(test, "truthy", body, next);
      f.enter(next);
    }
    const fallback = clauses.findIndex((clause) => clause.kind === SyntaxKind.DefaultClause);
    f.goto(bodies[fallback] ?? after);
  };
  lowerScoped(
    f,
    node.caseBlock,
    () => {
      for (const statement of statements) {
        if (statement.kind === SyntaxKind.FunctionDeclaration) hoist(f, statement as FunctionDeclaration);
      }
      tests();
      f.withTarget({ labels, breakable: true, breakTo: after }, () => {
        for (const [index, clause] of clauses.entries()) {
          const body = bodies[index];
          if (body === undefined) continue;
          f.enter(body);
          lowerClause(f, clause);
          f.goto(bodies[index + 1] ?? after);
        }
      });
    },
    (scope) => declareBlock(f.file, scope, statements),
  );
  f.enter(after);
}

function lowerClause(f: FunctionBuilder, clause: CaseOrDefaultClause): void {
  f.list(clause, f.file.range(clause), clause.statements);
  lowerStatements(f, clause.statements);
}

function lowerTry(f: FunctionBuilder, node: TryStatement): void {
  const { tryBlock, catchClause, finallyBlock } = node;
  const guarded = () => {
    if (catchClause) lowerCatch(f, tryBlock, catchClause);
    else lowerBlock(f, tryBlock, tryBlock.statements);
  };
  if (!finallyBlock) {
    guarded();
    return;
  }
  const at = f.file.range(finallyBlock);
  f.withCleanup(() => lowerBlock(f, finallyBlock, finallyBlock.statements), { at, onNormal: true }, guarded);
}

function lowerCatch(f: FunctionBuilder, tryBlock: Block, clause: CatchClause): void {
  const outer = f.handler;
  const landing = f.block();
  const after = f.block();
  f.handler = landing;
  const start = f.block();
  f.goto(start);
  f.enter(start);
  lowerBlock(f, tryBlock, tryBlock.statements);
  f.handler = outer;
  f.goto(after);
  f.enter(landing);
  const caught = f.temp();
  const binding = clause.variableDeclaration;
  f.emit({ op: "caught", to: caught }, f.file.range(clause));
  lowerScoped(
    f,
    clause,
    () => {
      f.cleaningUp(() => {
        const handling = f.block();
        f.goto(handling);
        f.enter(handling);
        if (binding) bindPattern(f, binding.name, caught);
        lowerBlock(f, clause.block, clause.block.statements);
      });
    },
    (scope) => {
      if (binding) declarePattern(f.file, scope, binding.name, "catch", binding);
    },
  );
  f.goto(after);
  f.enter(after);
}

function lowerClassDeclaration(f: FunctionBuilder, node: ClassDeclaration): void {
  const name = node.name?.text ?? "default";
  const from = lowerClass(f, node, node.name?.text ?? "");
  const variable = f.scope.value(name);
  if (variable !== undefined) f.emit({ op: "store", variable, from, initial: true }, node.name ?? node);
}

function lowerEnum(f: FunctionBuilder, node: EnumDeclaration): void {
  let count = 0;
  const parts = node.members.flatMap((member) => {
    const name = propertyName(member.name);
    const value = member.initializer
      ? f.lower(f, member.initializer)
      : f.constant({ type: "number", value: count }, member);
    count += 1;
    return name === undefined ? [] : [{ kind: "property" as const, name, value }];
  });
  const to = f.temp();
  f.emit({ op: "object", to, parts }, node);
  storeName(f, node.name, to, true);
}

function lowerNamespace(f: FunctionBuilder, node: ModuleDeclaration): void {
  if (!node.body || node.name.kind !== SyntaxKind.Identifier || node.name.text === "global") return;
  if ((node.flags & NodeFlags.Ambient) !== 0) return;
  const { id, isNew } = f.file.functionAt(node);
  if (isNew) {
    f.file.pending.push({
      id,
      node,
      scope: f.scope,
      kind: "namespace",
      name: node.name.text,
      parent: f.id,
      static: false,
      nodes: [nodeIdOf(node)],
    });
  }
  const to = f.temp();
  f.emit({ op: "namespace", to, function: id }, node.name);
  storeName(f, node.name, to, true);
}

function lowerExportAssignment(f: FunctionBuilder, node: ExportAssignment): void {
  const { file, scope } = f;
  const name = node.isExportEquals ? "=" : "default";
  // `export default save` exports the variable itself; anything else gets one of its own.
  const known = nameOf(node.expression);
  const existing = known === undefined ? undefined : scope.value(known);
  if (existing !== undefined) {
    exportVariable(file, name, existing, scope);
    return;
  }
  const variable = file.newVariable(name, "export", node, file.range(node), f.id);
  exportVariable(file, name, variable, scope);
  const isFunction =
    node.expression.kind === SyntaxKind.ArrowFunction ||
    node.expression.kind === SyntaxKind.FunctionExpression;
  const from = isFunction
    ? lowerClosure(f, node.expression, "default", { nodes: [nodeIdOf(node)] })
    : f.lower(f, node.expression, "default");
  f.emit({ op: "store", variable, from, initial: true }, node.expression);
}

/** `export { a as b }`, with or without `from`, and `export *`. */
function exportNames(f: FunctionBuilder, statements: readonly Statement[]): void {
  const { file, scope } = f;
  for (const statement of statements) {
    if (statement.kind !== SyntaxKind.ExportDeclaration) continue;
    const { exportClause, moduleSpecifier } = statement as Statement & {
      readonly exportClause?: Node & { readonly elements?: readonly ExportedName[]; readonly name?: Node };
      readonly moduleSpecifier?: Node;
    };
    const specifier = propertyName(moduleSpecifier);
    if (specifier !== undefined && !exportClause) {
      file.addExport(`star ${specifier}`, { kind: "star", specifier });
    } else if (specifier !== undefined && exportClause?.kind === SyntaxKind.NamespaceExport) {
      const name = propertyName(exportClause.name) ?? "";
      file.addExport(`value ${name}`, { kind: "from", name, imported: "*", specifier });
    } else {
      for (const element of exportClause?.elements ?? []) {
        const name = propertyName(element.name) ?? "";
        const local = propertyName(element.propertyName) ?? name;
        if (specifier !== undefined) {
          file.addExport(`value ${name}`, { kind: "from", name, imported: local, specifier });
          continue;
        }
        const variable = scope.value(local);
        const type = scope.ownType(local);
        if (variable !== undefined) exportVariable(file, name, variable, scope);
        if (type !== undefined) file.addExport(`type ${name}`, { kind: "type", name, type });
      }
    }
  }
}

type ExportedName = Node & { readonly name: Node; readonly propertyName?: Node };
