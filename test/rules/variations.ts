import { parseSync } from "oxc-parser";

// The same program written differently. A rule that says something else about it looks at words and not at meaning.
// Every change keeps the lines, because the expectations stand on them.

export interface Variation {
  readonly name: string;
  /** The text after the change; undefined when there is nothing to change. */
  readonly apply: (file: string, text: string) => string | undefined;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly newText: string;
}

export const variations: readonly Variation[] = [
  { name: "rename", apply: (file, text) => edited(text, rename(parse(file, text))) },
  { name: "alias-import", apply: (file, text) => edited(text, aliasImports(parse(file, text))) },
  { name: "namespace-import", apply: (file, text) => edited(text, namespaceImports(parse(file, text))) },
  { name: "destructure", apply: (file, text) => edited(text, destructure(parse(file, text), text)) },
  { name: "hold-in-object", apply: (file, text) => edited(text, holdInObject(parse(file, text), text)) },
  { name: "extract", apply: (file, text) => edited(text, extract(parse(file, text), text)) },
  { name: "extract-call", apply: (file, text) => edited(text, extractCalls(parse(file, text), text)) },
  { name: "wrap-in-try", apply: (file, text) => edited(text, wrapInTry(parse(file, text))) },
];

function parse(file: string, text: string): Node {
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  return program as unknown as Node;
}

function edited(text: string, edits: readonly Edit[]): string | undefined {
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

// --- the tree

function isNode(value: unknown): value is Node {
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

interface Visited {
  readonly node: Node;
  readonly parent: Node | undefined;
  readonly key: string;
}

function walk(root: Node): Visited[] {
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

function child(node: Node, key: string): Node | undefined {
  const value = node[key];
  return isNode(value) ? value : undefined;
}

function list(node: Node, key: string): Node[] {
  const value = node[key];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

function nameOf(node: Node | undefined): string {
  return typeof node?.["name"] === "string" ? node["name"] : "";
}

/** A place where a name means a binding, and not a property. */
function isReference({ node, parent, key }: Visited): boolean {
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
function replaceNames(
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

/** Names that variables, functions, parameters and classes declare; exported ones keep theirs. */
function declaredNames(program: Node): Set<string> {
  const names = new Set<string>();
  const kept = new Set<string>();
  const add = (pattern: Node | undefined) => {
    const open = pattern ? [pattern] : [];
    for (let node = open.pop(); node; node = open.pop()) {
      switch (node.type) {
        case "Identifier":
          names.add(nameOf(node));
          break;
        case "AssignmentPattern":
          if (child(node, "left")) open.push(child(node, "left") as Node);
          break;
        case "RestElement":
          if (child(node, "argument")) open.push(child(node, "argument") as Node);
          break;
        case "Property":
          if (child(node, "value")) open.push(child(node, "value") as Node);
          break;
        default:
          open.push(
            ...children(node).filter((one) => /Pattern|Property|Identifier|RestElement/.test(one.type)),
          );
      }
    }
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

// --- the changes

function rename(program: Node): Edit[] {
  const names = declaredNames(program);
  return replaceNames(program, new Map([...names].map((name) => [name, `${name}Renamed`])));
}

function imports(program: Node): Node[] {
  return list(program, "body").filter((node) => node.type === "ImportDeclaration" && !isRelative(node));
}

function isRelative(node: Node): boolean {
  const source = child(node, "source")?.["value"];
  return typeof source !== "string" || source.startsWith(".");
}

function aliasImports(program: Node): Edit[] {
  const names = imports(program).flatMap((node) =>
    list(node, "specifiers")
      .filter((one) => one.type !== "ImportNamespaceSpecifier")
      .map((one) => nameOf(child(one, "local"))),
  );
  return replaceNames(program, new Map(names.map((name) => [name, `${name}Alias`])));
}

function namespaceImports(program: Node): Edit[] {
  const edits: Edit[] = [];
  const replacement = new Map<string, string>();
  const keep = new Set<Node>();
  for (const [index, node] of imports(program).entries()) {
    const specifiers = list(node, "specifiers");
    if (specifiers.length === 0 || specifiers.some((one) => one.type === "ImportNamespaceSpecifier"))
      continue;
    const library = `library${index}`;
    for (const one of specifiers) {
      const local = child(one, "local");
      const imported = one.type === "ImportDefaultSpecifier" ? "default" : nameOf(child(one, "imported"));
      replacement.set(nameOf(local), `${library}.${imported}`);
      for (const inner of walk(one)) keep.add(inner.node);
    }
    const source = child(node, "source");
    if (!source) continue;
    edits.push({ start: node.start, end: source.start, newText: `import * as ${library} from ` });
  }
  return [...edits, ...replaceNames(program, replacement, keep)];
}

/** Constants that hold what a constructor or factory of a library makes. */
function resources(
  program: Node,
): { readonly declarator: Node; readonly name: string; readonly init: Node }[] {
  const fromLibrary = new Set(
    imports(program).flatMap((node) => list(node, "specifiers").map((one) => nameOf(child(one, "local")))),
  );
  return walk(program).flatMap(({ node, parent }) => {
    const init = child(node, "init");
    const id = child(node, "id");
    if (
      node.type !== "VariableDeclarator" ||
      parent?.["kind"] !== "const" ||
      !init ||
      id?.type !== "Identifier"
    )
      return [];
    if (init.type !== "NewExpression" && init.type !== "CallExpression") return [];
    if (!fromLibrary.has(nameOf(child(init, "callee"))) || id["typeAnnotation"]) return [];
    if (list(parent, "declarations").length > 1) return [];
    return [{ declarator: node, name: nameOf(id), init }];
  });
}

/** `const m = new Mutex()` becomes `const { m } = { m: new Mutex() }`. */
function destructure(program: Node, text: string): Edit[] {
  return resources(program).map(({ declarator, name, init }) => ({
    start: declarator.start,
    end: declarator.end,
    newText: `{ ${name} } = { ${name}: ${text.slice(init.start, init.end)} }`,
  }));
}

/** `const m = new Mutex()` becomes `const held = { m: new Mutex() }`, and `m` becomes `held.m`. */
function holdInObject(program: Node, text: string): Edit[] {
  const exported = new Set(
    list(program, "body").flatMap((node) =>
      node.type === "ExportNamedDeclaration"
        ? walk(node).flatMap(({ node: inner }) => (inner.type === "VariableDeclarator" ? [inner] : []))
        : [],
    ),
  );
  const found = resources(program).filter(({ declarator }) => !exported.has(declarator));
  const names = new Set(found.map(({ name }) => name));
  // A name that is declared twice would mean two things.
  const twice = [...names].filter(
    (name) =>
      walk(program).filter(({ node, key }) => nameOf(node) === name && (key === "id" || key === "params"))
        .length > 1,
  );
  const usable = found.filter(({ name }) => !twice.includes(name));
  const keep = new Set(usable.map(({ declarator }) => child(declarator, "id")).filter(isNode));
  const replacement = new Map(usable.map(({ name }) => [name, `${name}Holder.${name}`]));
  return [
    ...usable.map(({ declarator, name, init }) => ({
      start: declarator.start,
      end: declarator.end,
      newText: `${name}Holder = { ${name}: ${text.slice(init.start, init.end)} }`,
    })),
    ...replaceNames(program, replacement, keep).filter(
      ({ start }) => !usable.some(({ declarator }) => declarator.start <= start && start < declarator.end),
    ),
  ];
}

/** Async functions with a block, whose body can move into a closure without meaning something else. */
function bodies(program: Node): { readonly body: Node; readonly async: boolean }[] {
  return walk(program).flatMap(({ node, parent }) => {
    if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) return [];
    const body = child(node, "body");
    if (body?.type !== "BlockStatement" || node["generator"] === true) return [];
    if (parent?.type === "MethodDefinition" && parent["kind"] !== "method") return [];
    const inner = walk(body).map((one) => one.node);
    if (inner.some((one) => nameOf(one) === "arguments" || one.type === "Super")) return [];
    return [{ body, async: node["async"] === true }];
  });
}

/** `async f() { … }` becomes `async f() { const extracted = async () => { … }; return extracted(); }`. */
function extract(program: Node, text: string): Edit[] {
  return bodies(program).flatMap(({ body, async }, index) => {
    if (!async) return [];
    const end = body.end - 1;
    return [
      { start: body.start + 1, end: body.start + 1, newText: ` const extracted${index} = async () => {` },
      { start: end, end, newText: `${endsInComment(text, end) ? "\n" : ""}}; return extracted${index}(); ` },
    ];
  });
}

function endsInComment(text: string, at: number): boolean {
  const line = text.slice(text.lastIndexOf("\n", at - 1) + 1, at);
  return line.includes("//");
}

/** `await m.acquire()` becomes `await (() => m.acquire())()`. */
function extractCalls(program: Node, text: string): Edit[] {
  return walk(program).flatMap(({ node }) => {
    const call = node.type === "AwaitExpression" ? child(node, "argument") : undefined;
    if (call?.type !== "CallExpression") return [];
    const inner = walk(call).map((one) => one.node);
    if (inner.some((one) => one.type === "AwaitExpression" || one.type === "YieldExpression")) return [];
    if (inner.some((one) => /Function/.test(one.type)) || text.slice(call.start, call.end).includes("\n"))
      return [];
    return [
      { start: call.start, end: call.start, newText: "(() => " },
      { start: call.end, end: call.end, newText: ")()" },
    ];
  });
}

/** `{ … }` becomes `{ try { … } catch (error) { throw error; } finally { } }`. */
function wrapInTry(program: Node): Edit[] {
  return bodies(program).flatMap(({ body }) => [
    { start: body.start + 1, end: body.start + 1, newText: " try {" },
    { start: body.end - 1, end: body.end - 1, newText: "} catch (wrapped) { throw wrapped; } finally { } " },
  ]);
}
