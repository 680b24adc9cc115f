import {
  type ArrayTypeNode,
  type EntityName,
  type ExpressionWithTypeArguments,
  type FunctionTypeNode,
  type Identifier,
  type IntersectionTypeNode,
  type MethodSignatureDeclaration,
  ModifierFlags,
  type Node,
  type NodeArray,
  type ParenthesizedTypeNode,
  type PropertyAccessExpression,
  type PropertyName,
  type PropertySignatureDeclaration,
  SyntaxKind,
  type TypeElement,
  type TypeLiteralNode,
  type TypeNode,
  type TypeOperatorNode,
  type TypeReferenceNode,
  type UnionTypeNode,
} from "typescript/unstable/ast";
import type { TypeMember, TypeReference } from "../facts.ts";
import { nodeIdOf } from "../syntax.ts";
import { type FileBuilder, unwrap } from "./file-builder.ts";
import type { Scope } from "./scope.ts";

/** Types nest in generated code; nothing we model needs more. */
const maxDepth = 12;

/** A written type as far as it names something. */
export function lowerType(
  file: FileBuilder,
  scope: Scope,
  node: TypeNode | undefined,
  depth = 0,
): TypeReference {
  if (!node || depth > maxDepth) return { kind: "other" };
  switch (node.kind) {
    case SyntaxKind.TypeReference: {
      const reference = node as TypeReferenceNode;
      return named(file, scope, entityPath(reference.typeName), reference.typeArguments, depth);
    }
    case SyntaxKind.ArrayType:
      return {
        kind: "array",
        of: lowerType(file, scope, (node as ArrayTypeNode).elementType, depth + 1),
      };
    case SyntaxKind.ParenthesizedType:
      return lowerType(file, scope, (node as ParenthesizedTypeNode).type, depth + 1);
    case SyntaxKind.TypeOperator:
      return (node as TypeOperatorNode).operator === SyntaxKind.ReadonlyKeyword
        ? lowerType(file, scope, (node as TypeOperatorNode).type, depth + 1)
        : { kind: "other" };
    case SyntaxKind.UnionType:
      return {
        kind: "union",
        of: (node as UnionTypeNode).types.map((part) => lowerType(file, scope, part, depth + 1)),
      };
    case SyntaxKind.IntersectionType: {
      const parts = (node as IntersectionTypeNode).types.map((part) =>
        lowerType(file, scope, part, depth + 1),
      );
      return parts.find((part) => part.kind === "named") ?? { kind: "other" };
    }
    case SyntaxKind.FunctionType:
      return {
        kind: "function",
        returns: lowerType(file, scope, (node as FunctionTypeNode).type, depth + 1),
      };
    case SyntaxKind.TypeLiteral: {
      const type = file.newType();
      const members = (node as TypeLiteralNode).members;
      file.types[type] = { name: "", extends: [], members: [], ...file.range(node) };
      file.types[type] = {
        name: "",
        extends: [],
        members: lowerMembers(file, scope, members, depth + 1),
        ...file.range(node),
      };
      return { kind: "object", type };
    }
    case SyntaxKind.VoidKeyword:
    case SyntaxKind.StringKeyword:
    case SyntaxKind.NumberKeyword:
    case SyntaxKind.BooleanKeyword:
    case SyntaxKind.UndefinedKeyword:
    case SyntaxKind.NeverKeyword:
    case SyntaxKind.AnyKeyword:
    case SyntaxKind.UnknownKeyword:
    case SyntaxKind.ObjectKeyword:
    case SyntaxKind.SymbolKeyword:
    case SyntaxKind.BigIntKeyword:
      return { kind: "keyword", name: file.text.slice(file.start(node), node.end) };
    case SyntaxKind.LiteralType:
      return file.text.slice(file.start(node), node.end) === "null"
        ? { kind: "keyword", name: "null" }
        : { kind: "other" };
    default:
      return { kind: "other" };
  }
}

/** The type that an `extends` or `implements` clause names; `other` when it is an expression. */
export function lowerHeritage(
  file: FileBuilder,
  scope: Scope,
  node: ExpressionWithTypeArguments,
): TypeReference {
  const path: string[] = [];
  let inner = unwrap(node);
  while (inner.kind === SyntaxKind.PropertyAccessExpression) {
    const access = inner as PropertyAccessExpression;
    path.unshift(access.name.text);
    inner = unwrap(access.expression);
  }
  if (inner.kind !== SyntaxKind.Identifier) return { kind: "other" };
  path.unshift((inner as Identifier).text);
  return named(file, scope, path, node.typeArguments, 0);
}

/** Members of an interface or object type that have a name. */
export function lowerMembers(
  file: FileBuilder,
  scope: Scope,
  members: NodeArray<TypeElement>,
  depth = 0,
): TypeMember[] {
  return members.flatMap((member): TypeMember[] => {
    switch (member.kind) {
      case SyntaxKind.PropertySignature: {
        const property = member as PropertySignatureDeclaration;
        const name = propertyName(property.name);
        if (name === undefined) return [];
        return [
          {
            name,
            kind: "property",
            readonly: (property.modifierFlags & ModifierFlags.Readonly) !== 0,
            type: lowerType(file, scope, property.type, depth),
            node: nodeIdOf(member),
          },
        ];
      }
      case SyntaxKind.MethodSignature: {
        const method = member as MethodSignatureDeclaration;
        const name = propertyName(method.name);
        if (name === undefined) return [];
        return [
          {
            name,
            kind: "method",
            readonly: true,
            type: lowerType(file, scope, method.type, depth),
            node: nodeIdOf(member),
          },
        ];
      }
      default:
        return [];
    }
  });
}

/** The name of a property when it is written as one; undefined for computed names. */
export function propertyName(name: PropertyName | Node | undefined): string | undefined {
  switch (name?.kind) {
    case SyntaxKind.Identifier:
    case SyntaxKind.PrivateIdentifier:
    case SyntaxKind.StringLiteral:
    case SyntaxKind.NoSubstitutionTemplateLiteral:
    case SyntaxKind.NumericLiteral:
    case SyntaxKind.BigIntLiteral:
      return (name as Identifier).text;
    default:
      return undefined;
  }
}

function entityPath(name: EntityName): string[] {
  const path: string[] = [];
  let inner = name;
  while (inner.kind === SyntaxKind.QualifiedName) {
    path.unshift(inner.right.text);
    inner = inner.left;
  }
  path.unshift(inner.text);
  return path;
}

function named(
  file: FileBuilder,
  scope: Scope,
  path: readonly string[],
  typeArguments: NodeArray<TypeNode> | undefined,
  depth: number,
): TypeReference {
  const found = scope.type(path[0] ?? "");
  return {
    kind: "named",
    root:
      found === undefined
        ? { kind: "global" }
        : "type" in found
          ? { kind: "type", type: found.type }
          : { kind: "variable", variable: found.variable },
    path,
    arguments: (typeArguments ?? []).map((argument) => lowerType(file, scope, argument, depth + 1)),
  };
}
