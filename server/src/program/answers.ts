import { type Node, type SourceFile, SyntaxKind } from "typescript/unstable/ast";
import {
  type Checker,
  type NodeHandle,
  type Project,
  SignatureKind,
  SymbolFlags,
  type Symbol as TsSymbol,
  type Type,
  TypeFlags,
} from "typescript/unstable/sync";
import { createCallbackAnswers } from "./callbacks.ts";
import type { FilePath, NodeId } from "./ids.ts";
import { folderOf, keyOf } from "./paths.ts";
import type { CallbackAnswer, SymbolAnswer, TypeAnswer } from "./program.ts";
import { nodeAt } from "./syntax.ts";

/** Turns TypeScript's symbols and types into answers, once per symbol and type of a snapshot. */
export interface Answers {
  symbols(project: Project, tree: SourceFile, nodes: readonly NodeId[]): readonly SymbolAnswer[];
  types(project: Project, tree: SourceFile, nodes: readonly NodeId[]): readonly TypeAnswer[];
  callbacks(
    project: Project,
    tree: SourceFile,
    calls: readonly NodeId[],
  ): readonly (readonly CallbackAnswer[])[];
}

export const unknownSymbol: SymbolAnswer = { kind: "unknown" };
export const unknownType: TypeAnswer = { unknown: true, thenable: "never", promise: false };
const noPromise: TypeAnswer = { unknown: false, thenable: "never", promise: false };

/**
 * Answers for one snapshot. `libraryFolder` holds TypeScript's own `lib.*.d.ts`; `spelled` gives a path from a
 * handle as the file system spells it.
 */
export function createAnswers(libraryFolder: FilePath, spelled: (file: FilePath) => FilePath): Answers {
  const symbolAnswers = new Map<number, SymbolAnswer>();
  const typeAnswers = new Map<Project, Map<number, TypeAnswer>>();
  const namedThenables = new Map<number, boolean>();

  const isLibrary = (file: FilePath): boolean => keyOf(folderOf(file)) === keyOf(libraryFolder);

  const answerSymbol = (checker: Checker, found: TsSymbol): SymbolAnswer => {
    const symbol = found.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found;
    const declaration = mainDeclaration(symbol);
    if (declaration === undefined || checker.isUnknownSymbol(symbol)) return unknownSymbol;
    const file = spelled(declaration.path);
    const owner = packageOf(file);
    const library = isLibrary(file);
    return {
      kind: "declared",
      name: nameOf(symbol, declaration),
      ...containers(symbol, declaration),
      file,
      node: declaration.index as NodeId,
      ...(owner === undefined || library ? {} : { package: owner }),
      library,
    };
  };

  const answerType = (project: Project, type: Type): TypeAnswer => {
    const { checker } = project;
    const plain = type.flags & TypeFlags.Instantiable ? checker.getBaseConstraintOfType(type) : type;
    if (plain === undefined || plain.isErrorType()) return unknownType;
    if (plain.flags & (TypeFlags.Any | TypeFlags.Unknown)) return unknownType;
    const members = plain.isUnionType() ? plain.getTypes() : [plain];
    const thenable = members.filter((member) => isThenable(checker, member));
    const named = nameOfType(type) ?? nameOfType(plain);
    return {
      unknown: false,
      thenable: thenable.length === 0 ? "never" : thenable.length === members.length ? "always" : "sometimes",
      promise: thenable.length > 0 && thenable.every(isPromise),
      ...(named === undefined ? {} : { named }),
    };
  };

  const isThenable = (checker: Checker, type: Type): boolean => {
    if (!(type.flags & (TypeFlags.Object | TypeFlags.Intersection | TypeFlags.Instantiable))) return false;
    // Type arguments do not change whether a class or interface has a `then`.
    const symbol = type.getSymbol();
    const known =
      symbol && symbol.flags & (SymbolFlags.Class | SymbolFlags.Interface) ? symbol.id : undefined;
    const before = known === undefined ? undefined : namedThenables.get(known);
    if (before !== undefined) return before;
    const then = checker.getPropertyOfType(type, "then");
    const answer = then !== undefined && !(then.flags & SymbolFlags.Optional) && takesCallback(checker, then);
    if (known !== undefined) namedThenables.set(known, answer);
    return answer;
  };

  /** `await` calls a `then` that takes a function; other methods of that name (a schema's `then`) are no promise. */
  const takesCallback = (checker: Checker, then: TsSymbol): boolean =>
    signatures(checker, checker.getTypeOfSymbol(then)).some((signature) => {
      const [parameter] = signature.getParameters();
      const type = parameter && checker.getTypeOfSymbol(parameter);
      return (
        type !== undefined && ((type.flags & TypeFlags.Any) !== 0 || signatures(checker, type).length > 0)
      );
    });

  const isPromise = (type: Type): boolean =>
    type.isIntersectionType()
      ? type.getTypes().some(isPromise)
      : isLibrarySymbol(type.getSymbol(), "Promise");

  const isLibrarySymbol = (symbol: TsSymbol | undefined, name: string): boolean =>
    symbol?.name === name && symbol.declarations.some((declaration) => isLibrary(declaration.path));

  const nameOfType = (type: Type): TypeAnswer["named"] => {
    const symbol = type.getSymbol();
    const declaration = symbol?.declarations[0];
    if (symbol === undefined || declaration === undefined) return undefined;
    if (!(symbol.flags & (SymbolFlags.Class | SymbolFlags.Interface))) return undefined;
    const file = spelled(declaration.path);
    const owner = packageOf(file);
    const library = isLibrary(file);
    return {
      name: nameOf(symbol, declaration),
      ...(owner === undefined || library ? {} : { package: owner }),
      library,
    };
  };

  const answerCallbacks = createCallbackAnswers({ isThenable, isLibrary, spelled, packageOf });

  return {
    callbacks: (project, tree, calls) =>
      batched(tree, calls, (asked) => answerCallbacks(project.checker, asked)).map((found) => found ?? []),
    symbols(project, tree, nodes) {
      const { checker } = project;
      const ask = (asked: readonly Node[]) => {
        const found = checker.getSymbolAtLocation(asked);
        return asked.map((node, index) => {
          // `{ save }` declares a property; asked is what the name in it leads to.
          const shorthand = [node, node.parent].find(
            ({ kind }) => kind === SyntaxKind.ShorthandPropertyAssignment,
          );
          return shorthand ? checker.getShorthandAssignmentValueSymbol(shorthand) : found[index];
        });
      };
      return batched(tree, nodes, ask).map((symbol) => {
        if (symbol === undefined) return unknownSymbol;
        return cached(symbolAnswers, symbol.id, () => answerSymbol(checker, symbol));
      });
    },
    types(project, tree, nodes) {
      const known = cached(typeAnswers, project, () => new Map<number, TypeAnswer>());
      return batched(tree, nodes, (asked) => project.checker.getTypeAtLocation(asked)).map((type) => {
        if (type === undefined) return unknownType;
        if (!(type.flags & needsLook)) return noPromise;
        return cached(known, type.id, () => answerType(project, type));
      });
    },
  };
}

/** Everything but primitives and their literals. */
const needsLook =
  TypeFlags.Any |
  TypeFlags.Unknown |
  TypeFlags.Object |
  TypeFlags.UnionOrIntersection |
  TypeFlags.Instantiable;

/** Small enough for an answer to come soon (the watchdog counts per request), large enough to make trips rare. */
const batchSize = 500;

/** Asks for these nodes and puts the answers back in their places. A node that TypeScript fails on has none. */
function batched<Answer>(
  tree: SourceFile,
  ids: readonly NodeId[],
  ask: (nodes: readonly Node[]) => readonly (Answer | undefined)[],
): readonly (Answer | undefined)[] {
  const answers: (Answer | undefined)[] = new Array(ids.length);
  const asked = ids.flatMap((id, place) => {
    const node = nodeAt(tree, id);
    return node === undefined ? [] : [{ node, place }];
  });
  for (let start = 0; start < asked.length; start += batchSize) {
    const batch = asked.slice(start, start + batchSize);
    const found = ask(batch.map(({ node }) => node));
    for (const [index, { place }] of batch.entries()) answers[place] = found[index];
  }
  return answers;
}

function cached<Key, Value>(cache: Map<Key, Value>, key: Key, make: () => Value): Value {
  const before = cache.get(key);
  if (before !== undefined) return before;
  const made = make();
  cache.set(key, made);
  return made;
}

function signatures(checker: Checker, type: Type | undefined) {
  if (type === undefined) return [];
  const members = type.isUnionType() ? type.getTypes() : [type];
  return members.flatMap((member) => checker.getSignaturesOfType(member, SignatureKind.Call));
}

const functionKinds: ReadonlySet<number> = new Set([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.Constructor,
]);

/**
 * The declaration that says most: of overloads the implementation, which comes last. None when the declarations are
 * members of different types (a method of a union).
 */
function mainDeclaration(symbol: TsSymbol): NodeHandle | undefined {
  const { declarations, valueDeclaration } = symbol;
  const [first] = declarations;
  if (declarations.length > 1 && symbol.checkFlags & syntheticFlags) return undefined;
  const last = declarations.findLast((declaration) => functionKinds.has(declaration.kind));
  if (last !== undefined && last.path === first?.path && !isDeclarationFile(last.path)) return last;
  return valueDeclaration ?? first;
}

/** `CheckFlags.SyntheticProperty | SyntheticMethod`: made for a union or an intersection; the typings leave it out. */
const syntheticFlags = 2 | 4;

function isDeclarationFile(file: FilePath): boolean {
  return /\.d\.(?:[^/.]+\.)?[cm]?ts$/.test(file);
}

/** The name as it is declared; `default` only where the declaration has none, `*` for a module. */
function nameOf(symbol: TsSymbol, declaration: NodeHandle | undefined): string {
  const { name } = symbol;
  if (name.startsWith('"')) return "*";
  const [, wellKnown] = /^__@(\w+)@\d+$/.exec(name) ?? [];
  if (wellKnown !== undefined) return `[Symbol.${wellKnown}]`;
  const [, hidden] = /^__#\d+@(#.+)$/.exec(name) ?? [];
  if (hidden !== undefined) return hidden;
  return name === "default" ? (declaredName(declaration?.resolve()) ?? name) : name;
}

interface Containers {
  readonly container?: string;
  readonly module?: string;
}

/** The class, interface or namespace around a symbol, and the ambient module (`declare module "x"`) around that. */
function containers(symbol: TsSymbol, declaration: NodeHandle): Containers {
  const parent = symbol.getParent();
  // A mapped type's member has no parent, and what an ambient module does not export does not lead to the module.
  if (parent === undefined) {
    const isLost = memberKinds.has(declaration.kind) || packageOf(declaration.path) === "node";
    return isLost ? containersInSyntax(declaration.resolve()) : {};
  }
  const module = moduleOf(parent);
  const around =
    module ??
    (packageOf(declaration.path) === "node" ? containersInSyntax(declaration.resolve()).module : undefined);
  return {
    ...(isSpoken(parent.name) ? { container: nameOf(parent, mainDeclaration(parent)) } : {}),
    ...(around === undefined ? {} : { module: around }),
  };
}

function moduleOf(symbol: TsSymbol): string | undefined {
  for (let around: TsSymbol | undefined = symbol; around !== undefined; around = around.getParent()) {
    // A module that is a file is named by its path.
    const [, module] = /^"(?!\/|[A-Za-z]:\/)(?:node:)?(.+)"$/.exec(around.name) ?? [];
    if (module !== undefined) return module;
  }
  return undefined;
}

const memberKinds: ReadonlySet<number> = new Set([
  SyntaxKind.MethodDeclaration,
  SyntaxKind.MethodSignature,
  SyntaxKind.PropertyDeclaration,
  SyntaxKind.PropertySignature,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
]);

const containerKinds: ReadonlySet<number> = new Set([
  SyntaxKind.ClassDeclaration,
  SyntaxKind.InterfaceDeclaration,
  SyntaxKind.ModuleDeclaration,
]);

function containersInSyntax(declaration: Node | undefined): Containers {
  let container: string | undefined;
  for (let node = declaration?.parent; node !== undefined; node = node.parent) {
    if (!containerKinds.has(node.kind)) continue;
    const name = declaredName(node);
    if (name === undefined || name === "global") break;
    if (node.kind === SyntaxKind.ModuleDeclaration && !isIdentifierText(node)) {
      return { ...(container === undefined ? {} : { container }), module: name.replace(/^node:/, "") };
    }
    container ??= name;
  }
  return container === undefined ? {} : { container };
}

function isIdentifierText(node: Node): boolean {
  return "name" in node && (node.name as Node).kind === SyntaxKind.Identifier;
}

/** TypeScript's own names for what has none: `__type`, `__object`; a module's name is quoted. */
function isSpoken(name: string): boolean {
  return !name.startsWith("__") && !name.startsWith('"');
}

function declaredName(node: Node | undefined): string | undefined {
  const name = node !== undefined && "name" in node ? (node.name as Node | undefined) : undefined;
  return name !== undefined && "text" in name ? String(name.text) : undefined;
}

/** The package that a file belongs to, and for a file of `@types` the package it describes. */
export function packageOf(file: FilePath): string | undefined {
  const name = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
  const described = /^@types\/(?:(.+)__)?(.+)$/.exec(name ?? "");
  if (described === null) return name;
  const [, scope, bare] = described;
  return scope === undefined ? bare : `@${scope}/${bare}`;
}
