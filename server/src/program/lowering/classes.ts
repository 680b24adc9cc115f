import {
  type ClassElement,
  type ClassLikeDeclaration,
  type ComputedPropertyName,
  type ConstructorDeclaration,
  type Decorator,
  type Identifier,
  type MethodDeclaration,
  ModifierFlags,
  type ModifierLike,
  type Node,
  type PropertyDeclaration,
  SyntaxKind,
} from "typescript/unstable/ast";
import type { ClassFact, ClassId, ClassMember, FunctionId, FunctionKind, Temp } from "../facts.ts";
import { nodeIdOf } from "../syntax.ts";
import { unwrap } from "./file-builder.ts";
import type { FunctionBuilder } from "./function-builder.ts";
import { Scope } from "./scope.ts";
import { lowerHeritage, lowerType, propertyName } from "./type-references.ts";

/** Emits the class of a declaration or expression and queues its members. */
export function lowerClass(f: FunctionBuilder, node: ClassLikeDeclaration, name: string): Temp {
  const clauses = node.heritageClauses ?? [];
  const parent = clauses.find((clause) => clause.token === SyntaxKind.ExtendsKeyword)?.types[0];
  const decorators = evaluateDecorators(f, node);
  const superclass = parent && f.lower(f, parent.expression);
  for (const member of node.members) {
    evaluateDecorators(f, member as MethodDeclaration);
    for (const parameter of (member as MethodDeclaration).parameters ?? []) evaluateDecorators(f, parameter);
    const key = (member as MethodDeclaration).name;
    if (key?.kind === SyntaxKind.ComputedPropertyName) f.lower(f, (key as ComputedPropertyName).expression);
  }
  const { id, isNew } = f.file.classAt(node);
  if (isNew) {
    const scope = new Scope(f.scope, f.id);
    // A class expression sees its own name; a declaration's name is in the block already.
    if (node.kind === SyntaxKind.ClassExpression && node.name) {
      const own = f.file.newVariable(node.name.text, "class", node, f.file.range(node.name), f.id);
      scope.declareValue(node.name.text, own);
    }
    f.file.classes[id] = describe(f, node, { id, name, scope, decorators, parent });
  }
  const to = f.temp();
  f.emit({ op: "class", to, class: id, ...(superclass === undefined ? {} : { superclass }) }, node);
  return to;
}

interface ClassContext {
  readonly id: ClassId;
  readonly name: string;
  readonly scope: Scope;
  readonly decorators: readonly string[];
  readonly parent: Parameters<typeof lowerHeritage>[2] | undefined;
}

function describe(f: FunctionBuilder, node: ClassLikeDeclaration, context: ClassContext): ClassFact {
  const { file } = f;
  const { id, name, scope, decorators, parent } = context;
  const inherited = parent && lowerHeritage(file, scope, parent);
  const members: ClassMember[] = [];
  let constructorFunction: FunctionId | undefined;
  for (const member of node.members) {
    if (member.kind === SyntaxKind.Constructor) {
      const declared = member as ConstructorDeclaration;
      if (!declared.body) continue;
      constructorFunction = queueMember(f, context, member, name, "constructor", false);
      members.push(...parameterProperties(f, declared, scope));
      continue;
    }
    const described = describeMember(f, context, member);
    if (described) members.push(described);
  }
  const initialised = (isStatic: boolean) =>
    node.members.some(
      (member) =>
        (isStatic && member.kind === SyntaxKind.ClassStaticBlockDeclaration) ||
        (member.kind === SyntaxKind.PropertyDeclaration &&
          (member as PropertyDeclaration).initializer !== undefined &&
          hasFlag(member as PropertyDeclaration, ModifierFlags.Static) === isStatic),
    );
  const queueInitialisers = (kind: "fields" | "statics") => {
    const queued = file.newFunction();
    file.pending.push({
      id: queued,
      node,
      scope,
      kind,
      name,
      parent: f.id,
      class: id,
      static: kind === "statics",
      nodes: [],
    });
    return queued;
  };
  return {
    name,
    node: nodeIdOf(node),
    function: f.id,
    superclass: parent !== undefined,
    ...(inherited === undefined || inherited.kind === "other" ? {} : { extends: inherited }),
    implements: (node.heritageClauses ?? [])
      .filter((clause) => clause.token === SyntaxKind.ImplementsKeyword)
      .flatMap((clause) => clause.types.map((type) => lowerHeritage(file, scope, type))),
    abstract: hasFlag(node, ModifierFlags.Abstract),
    members,
    ...(constructorFunction === undefined ? {} : { constructorFunction }),
    ...(initialised(false) ? { fieldsFunction: queueInitialisers("fields") } : {}),
    ...(initialised(true) ? { staticsFunction: queueInitialisers("statics") } : {}),
    decorators,
    ...file.range(node.name ?? node),
  };
}

function describeMember(
  f: FunctionBuilder,
  context: ClassContext,
  member: ClassElement,
): ClassMember | undefined {
  const declared = member as MethodDeclaration;
  const name = propertyName(declared.name);
  const kind = memberKind(member);
  if (name === undefined || kind === undefined) {
    // A computed method still has a body that runs.
    if (kind !== undefined && kind !== "field" && declared.body) {
      queueMember(f, context, member, "", kind, hasFlag(declared, ModifierFlags.Static));
    }
    return undefined;
  }
  const isStatic = hasFlag(declared, ModifierFlags.Static);
  return {
    name,
    kind,
    static: isStatic,
    access: accessOf(declared, name),
    readonly: hasFlag(declared, ModifierFlags.Readonly),
    abstract: hasFlag(declared, ModifierFlags.Abstract),
    ...(kind !== "field" && declared.body
      ? { function: queueMember(f, context, member, name, kind, isStatic) }
      : {}),
    ...(declared.type ? { type: lowerType(f.file, context.scope, declared.type) } : {}),
    node: nodeIdOf(member),
    decorators: decoratorNames(declared),
    ...f.file.range(declared.name),
  };
}

function queueMember(
  f: FunctionBuilder,
  context: ClassContext,
  node: Node,
  name: string,
  kind: FunctionKind,
  isStatic: boolean,
): FunctionId {
  const { id } = f.file.functionAt(node);
  f.file.pending.push({
    id,
    node,
    scope: context.scope,
    kind,
    name: kind === "constructor" ? name : context.name && name ? `${context.name}.${name}` : name,
    parent: f.id,
    class: context.id,
    static: isStatic,
    nodes: [nodeIdOf(node)],
  });
  return id;
}

function memberKind(member: ClassElement): "method" | "getter" | "setter" | "field" | undefined {
  switch (member.kind) {
    case SyntaxKind.MethodDeclaration:
      return "method";
    case SyntaxKind.GetAccessor:
      return "getter";
    case SyntaxKind.SetAccessor:
      return "setter";
    case SyntaxKind.PropertyDeclaration:
      return "field";
    default:
      return undefined;
  }
}

/** `constructor(private readonly lock: Mutex)` declares a field. */
function parameterProperties(f: FunctionBuilder, node: ConstructorDeclaration, scope: Scope): ClassMember[] {
  return node.parameters.flatMap((parameter): ClassMember[] => {
    if (parameter.name.kind !== SyntaxKind.Identifier || !isParameterProperty(parameter)) return [];
    const name = (parameter.name as Identifier).text;
    return [
      {
        name,
        kind: "field",
        static: false,
        access: accessOf(parameter, name),
        readonly: hasFlag(parameter, ModifierFlags.Readonly),
        abstract: false,
        ...(parameter.type ? { type: lowerType(f.file, scope, parameter.type) } : {}),
        node: nodeIdOf(parameter),
        decorators: decoratorNames(parameter),
        ...f.file.range(parameter.name),
      },
    ];
  });
}

export function isParameterProperty(parameter: { readonly modifierFlags: ModifierFlags }): boolean {
  const declaring =
    ModifierFlags.Public |
    ModifierFlags.Private |
    ModifierFlags.Protected |
    ModifierFlags.Readonly |
    ModifierFlags.Override;
  return (parameter.modifierFlags & declaring) !== 0;
}

function accessOf(
  node: { readonly modifierFlags: ModifierFlags },
  name: string,
): "public" | "protected" | "private" {
  if (name.startsWith("#") || hasFlag(node, ModifierFlags.Private)) return "private";
  return hasFlag(node, ModifierFlags.Protected) ? "protected" : "public";
}

function hasFlag(node: { readonly modifierFlags: ModifierFlags }, flag: ModifierFlags): boolean {
  return (node.modifierFlags & flag) !== 0;
}

function evaluateDecorators(
  f: FunctionBuilder,
  node: { readonly modifiers?: readonly ModifierLike[] },
): readonly string[] {
  for (const modifier of node.modifiers ?? []) {
    if (modifier.kind === SyntaxKind.Decorator) f.lower(f, (modifier as Decorator).expression);
  }
  return decoratorNames(node);
}

function decoratorNames(node: { readonly modifiers?: readonly ModifierLike[] }): readonly string[] {
  return (node.modifiers ?? []).flatMap((modifier) => {
    if (modifier.kind !== SyntaxKind.Decorator) return [];
    let inner = unwrap((modifier as Decorator).expression) as Node & { readonly expression?: Node };
    if (inner.kind === SyntaxKind.CallExpression && inner.expression) inner = unwrap(inner.expression);
    return inner.kind === SyntaxKind.Identifier ? [(inner as Identifier).text] : [];
  });
}
