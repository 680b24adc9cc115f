import {
  type ArrayBindingPattern,
  type BindingElement,
  type BindingName,
  type ClassDeclaration,
  type EnumDeclaration,
  type FunctionDeclaration,
  type Identifier,
  type ImportDeclaration,
  type ImportEqualsDeclaration,
  type InterfaceDeclaration,
  type LabeledStatement,
  ModifierFlags,
  type ModuleDeclaration,
  type Node,
  NodeFlags,
  type StringLiteral,
  SyntaxKind,
  type TypeAliasDeclaration,
  type VariableDeclaration,
  type VariableDeclarationList,
  type VariableStatement,
} from "typescript/unstable/ast";
import type { ImportFact, VariableId, VariableKind } from "../facts.ts";
import type { FileBuilder } from "./file-builder.ts";
import type { Scope } from "./scope.ts";
import { lowerHeritage, lowerMembers, lowerType, propertyName } from "./type-references.ts";

/** Declares what the statements of one block declare in it: everything but `var`, which belongs to the function. */
export function declareBlock(file: FileBuilder, scope: Scope, statements: readonly Node[]): void {
  const types: (() => void)[] = [];
  for (const statement of statements) declareStatement(file, scope, statement, types);
  // Members of a type may mention any name of the block.
  for (const fill of types) fill();
}

function declareStatement(file: FileBuilder, scope: Scope, node: Node, types: (() => void)[]): void {
  switch (node.kind) {
    case SyntaxKind.VariableStatement: {
      const statement = node as VariableStatement;
      const list = statement.declarationList;
      if ((list.flags & NodeFlags.BlockScoped) === 0) return;
      declareList(file, scope, list);
      if (isExported(statement)) exportList(file, scope, list);
      return;
    }
    case SyntaxKind.LabeledStatement:
      declareStatement(file, scope, (node as LabeledStatement).statement, types);
      return;
    case SyntaxKind.FunctionDeclaration: {
      const { name, modifierFlags } = node as FunctionDeclaration;
      declareNamed(file, scope, node, name, "function", modifierFlags);
      return;
    }
    case SyntaxKind.ClassDeclaration: {
      const { name, modifierFlags } = node as ClassDeclaration;
      declareNamed(file, scope, node, name, "class", modifierFlags);
      return;
    }
    case SyntaxKind.EnumDeclaration: {
      const { name, modifierFlags } = node as EnumDeclaration;
      declareNamed(file, scope, node, name, "enum", modifierFlags);
      return;
    }
    case SyntaxKind.ModuleDeclaration: {
      const { name, modifierFlags } = node as ModuleDeclaration;
      // `declare module "x"` and `declare global` name no value of this file.
      if (name.kind === SyntaxKind.Identifier && (node as ModuleDeclaration).body && name.text !== "global") {
        declareNamed(file, scope, node, name, "namespace", modifierFlags);
      }
      return;
    }
    case SyntaxKind.ImportDeclaration:
    case SyntaxKind.JSImportDeclaration:
      declareImport(file, scope, node as ImportDeclaration);
      return;
    case SyntaxKind.ImportEqualsDeclaration:
      declareImportEquals(file, scope, node as ImportEqualsDeclaration);
      return;
    case SyntaxKind.InterfaceDeclaration:
      declareInterface(file, scope, node as InterfaceDeclaration, types);
      return;
    case SyntaxKind.TypeAliasDeclaration:
    case SyntaxKind.JSTypeAliasDeclaration:
      declareAlias(file, scope, node as TypeAliasDeclaration, types);
      return;
    default:
  }
}

/** Declares the `var`s of a function body, wherever they stand in it. */
export function declareVars(file: FileBuilder, scope: Scope, body: readonly Node[]): void {
  const open: Node[] = [...body].reverse();
  for (let node = open.pop(); node; node = open.pop()) {
    switch (node.kind) {
      case SyntaxKind.VariableDeclarationList: {
        const list = node as VariableDeclarationList;
        if ((list.flags & NodeFlags.BlockScoped) !== 0) break;
        declareList(file, scope, list);
        const statement = list.parent;
        if (statement.kind === SyntaxKind.VariableStatement && isExported(statement as VariableStatement)) {
          exportList(file, scope, list);
        }
        break;
      }
      case SyntaxKind.VariableStatement:
      case SyntaxKind.Block:
      case SyntaxKind.IfStatement:
      case SyntaxKind.DoStatement:
      case SyntaxKind.WhileStatement:
      case SyntaxKind.ForStatement:
      case SyntaxKind.ForInStatement:
      case SyntaxKind.ForOfStatement:
      case SyntaxKind.WithStatement:
      case SyntaxKind.SwitchStatement:
      case SyntaxKind.CaseBlock:
      case SyntaxKind.CaseClause:
      case SyntaxKind.DefaultClause:
      case SyntaxKind.LabeledStatement:
      case SyntaxKind.TryStatement:
      case SyntaxKind.CatchClause: {
        const children: Node[] = [];
        node.forEachChild((child) => {
          children.push(child);
          return undefined;
        });
        open.push(...children.reverse());
        break;
      }
      default:
    }
  }
}

/** Declares the names of `const a = 1, { b } = c`. */
export function declareList(file: FileBuilder, scope: Scope, list: VariableDeclarationList): void {
  const kind = listKind(list);
  for (const declaration of list.declarations) {
    declarePattern(file, scope, declaration.name, kind, declaration);
  }
}

export function listKind(list: VariableDeclarationList): VariableKind {
  switch (list.flags & NodeFlags.BlockScoped) {
    case NodeFlags.AwaitUsing:
      return "await using";
    case NodeFlags.Using:
      return "using";
    case NodeFlags.Const:
      return "const";
    case NodeFlags.Let:
      return "let";
    default:
      return "var";
  }
}

/** Declares every name of a binding; the type belongs to it only when it is a plain name. */
export function declarePattern(
  file: FileBuilder,
  scope: Scope,
  name: BindingName | undefined,
  kind: VariableKind,
  declaration: Node & { readonly type?: VariableDeclaration["type"] },
): VariableId | undefined {
  if (name?.kind === SyntaxKind.Identifier) {
    return declareName(file, scope, name as Identifier, kind, declaration);
  }
  const open: Node[] = name ? [name] : [];
  for (let node = open.pop(); node; node = open.pop()) {
    const { elements } = node as ArrayBindingPattern;
    for (const element of elements as readonly BindingElement[]) {
      if (element.kind !== SyntaxKind.BindingElement || !element.name) continue;
      if (element.name.kind === SyntaxKind.Identifier) {
        declareName(file, scope, element.name as Identifier, kind, element);
      } else open.push(element.name);
    }
  }
  return undefined;
}

function declareName(
  file: FileBuilder,
  scope: Scope,
  name: Identifier,
  kind: VariableKind,
  declaration: Node & { readonly type?: VariableDeclaration["type"] },
): VariableId {
  const known = scope.ownValue(name.text);
  // `var x` again, a parameter that is also a `var`, a function declared twice.
  if (known !== undefined) return known;
  const variable = file.newVariable(
    name.text,
    kind,
    declaration,
    file.range(name),
    scope.function,
    declaration.type && lowerType(file, scope, declaration.type),
  );
  scope.declareValue(name.text, variable);
  return variable;
}

function declareNamed(
  file: FileBuilder,
  scope: Scope,
  node: Node,
  name: Node | undefined,
  kind: VariableKind,
  modifiers: ModifierFlags,
): void {
  const isDefault = (modifiers & ModifierFlags.Default) !== 0;
  const text = name?.kind === SyntaxKind.Identifier ? (name as Identifier).text : isDefault ? "default" : "";
  if (text === "") return;
  let variable = scope.ownValue(text);
  if (variable === undefined) {
    variable = file.newVariable(text, kind, node, file.range(name ?? node), scope.function);
    scope.declareValue(text, variable);
  }
  if ((modifiers & ModifierFlags.Export) !== 0) {
    exportVariable(file, isDefault ? "default" : text, variable, scope);
  }
}

function exportList(file: FileBuilder, scope: Scope, list: VariableDeclarationList): void {
  const open: BindingName[] = list.declarations.map((declaration) => declaration.name);
  for (let name = open.pop(); name; name = open.pop()) {
    if (name.kind === SyntaxKind.Identifier) {
      const { text } = name as Identifier;
      const variable = scope.ownValue(text);
      if (variable !== undefined) exportVariable(file, text, variable, scope);
      continue;
    }
    for (const element of (name as ArrayBindingPattern).elements as readonly BindingElement[]) {
      if (element.kind === SyntaxKind.BindingElement && element.name) open.push(element.name);
    }
  }
}

/** Exports of a namespace stay inside the file's variables; only those of the module are exports of the file. */
export function exportVariable(file: FileBuilder, name: string, variable: VariableId, scope: Scope): void {
  const fact = file.variables[variable];
  if (fact) fact.exported = true;
  if (scope.function !== 0) return;
  file.addExport(`value ${name}`, { kind: "variable", name, variable });
}

function isExported(node: { readonly modifierFlags: ModifierFlags }): boolean {
  return (node.modifierFlags & ModifierFlags.Export) !== 0;
}

function declareImport(file: FileBuilder, scope: Scope, node: ImportDeclaration): void {
  const specifier = (node.moduleSpecifier as StringLiteral).text;
  const clause = node.importClause;
  if (typeof specifier !== "string") return;
  if (!clause) {
    file.bareImports.push(specifier);
    return;
  }
  const clauseTypeOnly = clause.phaseModifier === SyntaxKind.TypeKeyword;
  const add = (name: Identifier, imported: string, typeOnly: boolean, declaration: Node): void => {
    const variable = file.newVariable(name.text, "import", declaration, file.range(name), scope.function);
    scope.declareValue(name.text, variable);
    const fact: ImportFact = { variable, specifier, imported, typeOnly, ...file.range(name) };
    file.imports.push(fact);
  };
  if (clause.name) add(clause.name, "default", clauseTypeOnly, clause);
  const bindings = clause.namedBindings;
  if (bindings?.kind === SyntaxKind.NamespaceImport) add(bindings.name, "*", clauseTypeOnly, bindings);
  else if (bindings) {
    for (const element of bindings.elements) {
      add(
        element.name,
        propertyName(element.propertyName) ?? element.name.text,
        clauseTypeOnly || element.isTypeOnly,
        element,
      );
    }
  }
}

function declareImportEquals(file: FileBuilder, scope: Scope, node: ImportEqualsDeclaration): void {
  const reference = node.moduleReference;
  const variable = file.newVariable(node.name.text, "import", node, file.range(node.name), scope.function);
  scope.declareValue(node.name.text, variable);
  if (reference.kind !== SyntaxKind.ExternalModuleReference) return;
  const { expression } = reference as Node & { readonly expression: Node };
  const specifier = propertyName(expression);
  if (specifier === undefined) return;
  file.imports.push({
    variable,
    specifier,
    imported: "=",
    typeOnly: node.isTypeOnly,
    ...file.range(node.name),
  });
}

function declareInterface(
  file: FileBuilder,
  scope: Scope,
  node: InterfaceDeclaration,
  types: (() => void)[],
): void {
  const name = node.name.text;
  const known = scope.ownType(name);
  const type = known ?? file.newType();
  const before = known === undefined ? undefined : file.types[known];
  scope.declareType(name, type);
  file.types[type] = before ?? { name, extends: [], members: [], ...file.range(node) };
  exportType(file, scope, node, name, type);
  types.push(() => {
    // Interfaces of one name merge.
    const merged = file.types[type];
    file.types[type] = {
      name,
      extends: [
        ...(merged?.extends ?? []),
        ...(node.heritageClauses ?? []).flatMap((clause) =>
          clause.types.map((parent) => lowerHeritage(file, scope, parent)),
        ),
      ],
      members: [...(merged?.members ?? []), ...lowerMembers(file, scope, node.members)],
      ...file.range(node),
    };
  });
}

function declareAlias(
  file: FileBuilder,
  scope: Scope,
  node: TypeAliasDeclaration,
  types: (() => void)[],
): void {
  const name = node.name.text;
  const type = file.newType();
  scope.declareType(name, type);
  file.types[type] = { name, extends: [], members: [], ...file.range(node) };
  exportType(file, scope, node, name, type);
  types.push(() => {
    file.types[type] = {
      name,
      alias: lowerType(file, scope, node.type),
      extends: [],
      members: [],
      ...file.range(node),
    };
  });
}

function exportType(
  file: FileBuilder,
  scope: Scope,
  node: { readonly modifierFlags: ModifierFlags },
  name: string,
  type: Parameters<Scope["declareType"]>[1],
): void {
  if (scope.function !== 0 || !isExported(node)) return;
  const exported = (node.modifierFlags & ModifierFlags.Default) !== 0 ? "default" : name;
  file.addExport(`type ${exported}`, { kind: "type", name: exported, type });
}
