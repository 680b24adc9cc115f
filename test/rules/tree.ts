import { parseSync } from "oxc-parser";

// Syntax trees of fixtures, for writing them differently.

export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly newText: string;
}

export function parse(file: string, text: string): Node {
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  return program as unknown as Node;
}

export function edited(text: string, edits: readonly Edit[]): string | undefined {
  if (edits.length === 0) return undefined;
  let result = text;
  // Of two insertions at one place the first stays in front.
  const sorted = edits.map((edit, index) => ({ ...edit, index }));
  sorted.sort((a, b) => b.start - a.start || b.end - a.end || b.index - a.index);
  for (const { start, end, newText } of sorted) {
    result = result.slice(0, start) + newText + result.slice(end);
  }
  return result;
}

export function isNode(value: unknown): value is Node {
  return (
    typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string"
  );
}

function children(node: Node): Node[] {
  return Object.entries(node).flatMap(([key, value]) => {
    if (key === "parent") return [];
    if (Array.isArray(value)) return value.filter(isNode);
    return isNode(value) ? [value] : [];
  });
}

export interface Visited {
  readonly node: Node;
  readonly parent: Node | undefined;
  readonly key: string;
}

export function walk(root: Node): Visited[] {
  const found: Visited[] = [];
  const open: Visited[] = [{ node: root, parent: undefined, key: "" }];
  for (let at = open.pop(); at; at = open.pop()) {
    found.push(at);
    for (const [key, value] of Object.entries(at.node)) {
      for (const child of Array.isArray(value) ? value : [value]) {
        if (isNode(child)) open.push({ node: child, parent: at.node, key });
      }
    }
  }
  return found;
}

export function child(node: Node, key: string): Node | undefined {
  const value = node[key];
  return isNode(value) ? value : undefined;
}

export function list(node: Node, key: string): Node[] {
  const value = node[key];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

export function nameOf(node: Node | undefined): string {
  return typeof node?.["name"] === "string" ? node["name"] : "";
}

/** A place where a name means a binding, and not a property. */
export function isReference({ node, parent, key }: Visited): boolean {
  if (node.type !== "Identifier" || !parent) return false;
  switch (parent.type) {
    case "MemberExpression":
      return key === "object" || parent["computed"] === true;
    case "TSQualifiedName":
      return key === "left";
    case "Property":
      return key === "value" || parent["computed"] === true;
    case "MethodDefinition":
    case "PropertyDefinition":
    case "AccessorProperty":
    case "TSPropertySignature":
    case "TSMethodSignature":
    case "TSEnumMember":
    case "TSAbstractMethodDefinition":
    case "TSAbstractPropertyDefinition":
      return key !== "key" || parent["computed"] === true;
    case "ImportSpecifier":
      return key === "local";
    case "ExportSpecifier":
      return key === "local";
    case "LabeledStatement":
    case "BreakStatement":
    case "ContinueStatement":
    case "TSNamedTupleMember":
      return false;
    case "TSIndexSignature":
    case "TSFunctionType":
    case "TSMethodSignature2":
      return false;
    default:
      return true;
  }
}

/** Edits that put something else in the place of a name, wherever it means one of these bindings. */
export function replaceNames(
  program: Node,
  replacement: ReadonlyMap<string, string>,
  keep: ReadonlySet<Node> = new Set(),
): Edit[] {
  const edits: Edit[] = [];
  for (const visited of walk(program)) {
    const { node, parent, key } = visited;
    const newName = replacement.get(nameOf(node));
    if (newName === undefined || keep.has(node) || !isReference(visited)) continue;
    const at = { start: node.start, end: node.start + nameOf(node).length };
    if (parent?.type === "Property" && parent["shorthand"] === true) {
      // `{ m }` becomes `{ m: renamed }`; key and value are one name in the text.
      if (key === "value") edits.push({ ...at, newText: `${nameOf(node)}: ${newName}` });
      continue;
    }
    const inDefault = parent?.type === "AssignmentPattern" && key === "left";
    const holder = inDefault ? walk(program).find((one) => one.node === parent)?.parent : undefined;
    if (holder?.type === "Property" && holder["shorthand"] === true) {
      edits.push({ ...at, newText: `${nameOf(node)}: ${newName}` });
    } else if (parent?.type === "ImportSpecifier" && child(parent, "imported")?.start === node.start) {
      edits.push({ ...at, newText: `${nameOf(node)} as ${newName}` });
    } else if (parent?.type === "ExportSpecifier" && child(parent, "exported")?.start === node.start) {
      edits.push({ ...at, newText: `${newName} as ${nameOf(node)}` });
    } else edits.push({ ...at, newText: newName });
  }
  const seen = new Set<number>();
  return edits.filter(({ start }) => !seen.has(start) && seen.add(start));
}

/** The names that a pattern binds. */
export function bindingNames(pattern: Node): string[] {
  const names: string[] = [];
  const open: Node[] = [pattern];
  const inside = (node: Node, key: string) => {
    const found = child(node, key);
    if (found) open.push(found);
  };
  for (let node = open.pop(); node; node = open.pop()) {
    switch (node.type) {
      case "Identifier":
        names.push(nameOf(node));
        break;
      case "AssignmentPattern":
        inside(node, "left");
        break;
      case "RestElement":
        inside(node, "argument");
        break;
      case "Property":
        inside(node, "value");
        break;
      default:
        open.push(
          ...children(node).filter((one) => /Pattern|Property|Identifier|RestElement/.test(one.type)),
        );
    }
  }
  return names;
}

/** Names that variables, functions, parameters and classes declare; exported ones keep theirs. */
export function declaredNames(program: Node): Set<string> {
  const names = new Set<string>();
  const kept = new Set<string>();
  const add = (pattern: Node | undefined) => {
    for (const name of pattern ? bindingNames(pattern) : []) names.add(name);
  };
  for (const { node, parent, key } of walk(program)) {
    switch (node.type) {
      case "VariableDeclarator":
        add(child(node, "id"));
        break;
      case "FunctionDeclaration":
      case "TSDeclareFunction":
      case "FunctionExpression":
      case "ArrowFunctionExpression":
      case "ClassDeclaration":
        add(child(node, "id"));
        for (const parameter of list(node, "params")) {
          // A parameter property is a field too.
          if (parameter.type === "TSParameterProperty") keep(child(parameter, "parameter"));
          else add(parameter);
        }
        break;
      case "CatchClause":
        add(child(node, "param"));
        break;
      default:
    }
    const declaration = node.type === "ExportNamedDeclaration" ? child(node, "declaration") : undefined;
    if (declaration) {
      kept.add(nameOf(child(declaration, "id")));
      for (const one of list(declaration, "declarations"))
        for (const inner of walk(one)) {
          if (inner.key === "id") for (const name of walk(inner.node)) kept.add(nameOf(name.node));
        }
    }
    // Names in a function type or a declared signature bind nothing.
    if (
      parent &&
      /^TS(FunctionType|MethodSignature|CallSignature|ConstructSignature)/.test(parent.type) &&
      key === "params"
    ) {
      kept.add(nameOf(node));
    }
  }
  function keep(node: Node | undefined): void {
    for (const { node: inner } of node ? walk(node) : []) kept.add(nameOf(inner));
  }
  for (const name of kept) names.delete(name);
  names.delete("");
  return names;
}

/** How many variables, functions, classes and parameters of a file bear a name. */
export function declarationsOf(program: Node, name: string): number {
  let count = 0;
  for (const { node } of walk(program)) {
    const patterns = [
      ...(/^(VariableDeclarator|Function|ArrowFunction|Class)/.test(node.type) ? [child(node, "id")] : []),
      ...(/^(Function|ArrowFunction)/.test(node.type) ? list(node, "params") : []),
      ...(node.type === "CatchClause" ? [child(node, "param")] : []),
    ];
    for (const pattern of patterns) {
      if (pattern) count += bindingNames(pattern).filter((one) => one === name).length;
    }
  }
  return count;
}
