import { type FunctionLikeDeclaration, ModifierFlags, type Node, SyntaxKind } from "typescript/unstable/ast";
import type { TagFact, TaggedDeclaration } from "../facts.ts";
import type { FileBuilder } from "./file-builder.ts";
import { propertyName } from "./type-references.ts";

/** `@unknot acquire handle=fn` at the beginning of a line of a documentation comment. */
const tagged = /^[ \t]*(?:\/\*\*|\*)?[ \t]*@unknot(?![\w/-])[ \t]*([^\n\r]*?)[ \t]*(?:\*\/|$)/gm;

/** The tags of a file, with the declarations that they stand above. */
export function findTags(file: FileBuilder): TagFact[] {
  if (!/@unknot(?![\w/-])/.test(file.text)) return [];
  const found = new Map<number, TagFact>();
  const open: { readonly node: Node; readonly place: Place }[] = [{ node: file.sourceFile, place: {} }];
  // Outer nodes first: what stands before a declaration stands before its first word, too.
  for (let at = 0; at < open.length; at += 1) {
    const { node, place } = open[at] as (typeof open)[number];
    for (const tag of tagsBefore(file, node)) {
      const on = declaredBy(file, node, place);
      const known = found.get(tag.start);
      if (!known || (!known.on && on)) found.set(tag.start, { ...tag, ...(on ? { on } : {}) });
    }
    const inner = placeWithin(node, place);
    node.forEachChild((child) => {
      open.push({ node: child, place: inner });
      return undefined;
    });
  }
  return [...found.values()].sort((a, b) => a.start - b.start);
}

/** What a declaration stands in. */
interface Place {
  /** The class or interface. */
  readonly owner?: string;
  readonly module?: string;
  /** Inside a function, where nothing can be named from outside. */
  readonly local?: true;
}

function tagsBefore(file: FileBuilder, node: Node): TagFact[] {
  const start = file.start(node);
  if (node.pos >= start || node.kind === SyntaxKind.SourceFile) return [];
  const before = file.text.slice(node.pos, start);
  if (!before.includes("@unknot")) return [];
  // Of several comments the last one documents the declaration.
  const last = [...before.matchAll(/\/\*\*[\s\S]*?\*\/|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g)].findLast(([text]) =>
    text.startsWith("/**"),
  );
  if (!last) return [];
  const from = node.pos + last.index;
  return [...last[0].matchAll(tagged)].map((match) => {
    const text = match[1] ?? "";
    const at = from + match.index + match[0].indexOf("@unknot");
    const content = text === "" ? at + "@unknot".length : file.text.indexOf(text, at + "@unknot".length);
    return { start: at, end: content + text.length, text, textStart: content };
  });
}

function placeWithin(node: Node, place: Place): Place {
  switch (node.kind) {
    case SyntaxKind.ClassDeclaration:
    case SyntaxKind.InterfaceDeclaration: {
      const owner = propertyName(named(node));
      return owner === undefined ? place : { ...place, owner };
    }
    case SyntaxKind.ModuleDeclaration: {
      const name = named(node);
      const module = name?.kind === SyntaxKind.StringLiteral ? propertyName(name) : undefined;
      return module === undefined ? { ...place, local: true } : { module };
    }
    case SyntaxKind.FunctionDeclaration:
    case SyntaxKind.FunctionExpression:
    case SyntaxKind.ArrowFunction:
    case SyntaxKind.MethodDeclaration:
    case SyntaxKind.Constructor:
    case SyntaxKind.GetAccessor:
    case SyntaxKind.SetAccessor:
      return { local: true };
    default:
      return place;
  }
}

function named(node: Node): Node | undefined {
  return (node as { readonly name?: Node }).name;
}

function declaredBy(file: FileBuilder, node: Node, place: Place): TaggedDeclaration | undefined {
  if (place.local) return undefined;
  const base = place.module === undefined ? {} : { module: place.module };
  switch (node.kind) {
    case SyntaxKind.ClassDeclaration:
    case SyntaxKind.InterfaceDeclaration: {
      const name = propertyName(named(node));
      const kind = node.kind === SyntaxKind.ClassDeclaration ? "class" : "interface";
      return name === undefined ? undefined : { ...base, kind, name };
    }
    case SyntaxKind.FunctionDeclaration: {
      const name = propertyName(named(node));
      return name === undefined ? undefined : { ...base, kind: "function", name, ...signature(file, node) };
    }
    case SyntaxKind.VariableStatement: {
      // `export const lock = async () => …`
      const list = (node as { readonly declarationList?: { readonly declarations?: readonly Node[] } })
        .declarationList?.declarations;
      const [only, second] = list ?? [];
      const name = propertyName(only && named(only));
      const callable = only && callableOf(only);
      if (!callable || second || name === undefined) return undefined;
      return { ...base, kind: "function", name, ...signature(file, callable) };
    }
    case SyntaxKind.MethodDeclaration:
    case SyntaxKind.MethodSignature:
    case SyntaxKind.PropertyDeclaration:
    case SyntaxKind.PropertySignature: {
      const member = memberName(file, named(node));
      const isProperty =
        node.kind === SyntaxKind.PropertyDeclaration || node.kind === SyntaxKind.PropertySignature;
      const callable = isProperty ? callableOf(node) : node;
      if (place.owner === undefined || member === undefined || !callable) return undefined;
      const isStatic = ((node as FunctionLikeDeclaration).modifierFlags & ModifierFlags.Static) !== 0;
      return {
        ...base,
        kind: isStatic ? "static" : "method",
        owner: place.owner,
        name: member,
        ...signature(file, callable),
      };
    }
    default:
      return undefined;
  }
}

/** The function that a variable or property is given, or that its type describes. */
function callableOf(node: Node): Node | undefined {
  const { initializer, type } = node as { readonly initializer?: Node; readonly type?: Node };
  return [initializer, type].find(
    (one) =>
      one?.kind === SyntaxKind.ArrowFunction ||
      one?.kind === SyntaxKind.FunctionExpression ||
      one?.kind === SyntaxKind.FunctionType,
  );
}

/** `[Symbol.asyncIterator]` is written like that in models, too. */
function memberName(file: FileBuilder, name: Node | undefined): string | undefined {
  if (name?.kind !== SyntaxKind.ComputedPropertyName) return propertyName(name);
  return file.text.slice(file.start(name), name.end);
}

type Signature = Pick<
  Extract<TaggedDeclaration, { readonly promise: unknown }>,
  "promise" | "parameters" | "returns"
>;

function signature(file: FileBuilder, node: Node): Signature {
  const {
    parameters = [],
    type,
    modifierFlags = 0,
  } = node as {
    readonly parameters?: readonly Node[];
    readonly type?: Node;
    readonly modifierFlags?: number;
  };
  const written = type ? file.text.slice(file.start(type), type.end) : undefined;
  const isAsync = (modifierFlags & ModifierFlags.Async) !== 0;
  const isPromise = isAsync || /^Promise(?:Like)?\b/.test(written ?? "");
  const last = parameters.at(-1) as { readonly dotDotDotToken?: Node } | undefined;
  return {
    promise: isPromise ? "yes" : written === undefined ? "unknown" : "no",
    parameters: last?.dotDotDotToken ? Number.MAX_SAFE_INTEGER : parameters.length,
    ...(written === undefined ? {} : { returns: written }),
  };
}
