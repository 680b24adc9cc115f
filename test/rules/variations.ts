import { inject, intoClass } from "./into-class.ts";
import { moveFunctions, moveResources, moveToNamespace } from "./move-to-file.ts";
import {
  child,
  declarationsOf,
  declaredNames,
  type Edit,
  edited,
  isNode,
  list,
  type Node,
  nameOf,
  parse,
  replaceNames,
  walk,
} from "./tree.ts";

// The same program written differently. A rule that says something else about it looks at words and not at meaning.
// Every change keeps the lines, because the expectations stand on them.

export interface Variation {
  readonly name: string;
  /** Texts by path in the fixture after the change; undefined when there is nothing to change. */
  readonly apply: (files: ReadonlyMap<string, string>) => ReadonlyMap<string, string> | undefined;
}

export const variations: readonly Variation[] = [
  { name: "rename", apply: inEachFile((program) => rename(program)) },
  { name: "alias-import", apply: inEachFile((program) => aliasImports(program)) },
  { name: "namespace-import", apply: inEachFile((program) => namespaceImports(program)) },
  { name: "destructure", apply: inEachFile(destructure) },
  { name: "hold-in-object", apply: inEachFile(holdInObject) },
  { name: "extract", apply: inEachFile(extract) },
  { name: "extract-call", apply: inEachFile(extractCalls) },
  { name: "wrap-in-try", apply: inEachFile((program) => wrapInTry(program)) },
  { name: "move-resources", apply: moveResources },
  { name: "move-functions", apply: moveFunctions },
  { name: "move-to-namespace", apply: moveToNamespace },
  { name: "into-class", apply: intoClass },
  { name: "inject", apply: inject },
];

function inEachFile(change: (program: Node, text: string) => readonly Edit[]): Variation["apply"] {
  return (files) => {
    const after = new Map(
      [...files].map(([file, text]) => [file, edited(text, change(parse(file, text), text)) ?? text]),
    );
    return [...files].every(([file, text]) => after.get(file) === text) ? undefined : after;
  };
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
  const twice = [...names].filter((name) => declarationsOf(program, name) > 1);
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
