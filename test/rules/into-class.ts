import path from "node:path";
import { type Statement, statementsOf } from "./statements.ts";
import {
  child,
  declarationsOf,
  type Edit,
  edited,
  list,
  type Node,
  nameOf,
  parse,
  replaceNames,
  walk,
} from "./tree.ts";

// The functions and variables of a module as members of a class of which there is one object.

type Files = ReadonlyMap<string, string>;

/** What libraries make is set in the constructor. */
export const intoClass = (files: Files) => inOneClass(files, "set");

/** What constructors of libraries make is handed in, as Nest does it. */
export const inject = (files: Files) => inOneClass(files, "handed in");

type Form = "set" | "handed in";

function inOneClass(files: Files, form: Form): Files | undefined {
  const result = new Map<string, string>();
  let changed = false;
  for (const [file, text] of files) {
    const isImported = [...files].some(([other, content]) => other !== file && imports(content, file));
    const made = path.extname(file) === ".ts" && !isImported ? asClass(file, text, form) : undefined;
    changed ||= made !== undefined;
    for (const [name, content] of made ?? [[file, text] as const]) result.set(name, content);
  }
  return changed ? result : undefined;
}

function imports(text: string, file: string): boolean {
  return text.includes(`/${path.basename(file)}"`);
}

function asClass(file: string, text: string, form: Form): Files | undefined {
  const program = parse(file, text);
  const all = statementsOf(program, text);
  if (!all) return undefined;
  const members = all.filter(isMember);
  const [first] = members;
  const last = members.at(-1);
  const names = new Set(members.flatMap((one) => one.names));
  if (!first || !last || !members.some((one) => one.kind === "function" || isFunctionConstant(one)))
    return undefined;
  // A name that means something else further inside, a type made of a value, or a `this` of another function: the
  // members would not be what their names say.
  if ([...names].some((name) => declarationsOf(program, name) > 1)) return undefined;
  if (walk(program).some(({ node }) => node.type === "TSTypeQuery")) return undefined;
  if (members.some(({ node }) => hasOwnThis(node, names))) return undefined;
  const outside = all.filter((one) => !members.includes(one));
  if (outside.some((one) => one.kind !== "other" && mentionsAny(one, names))) return undefined;
  const between = outside.filter((one) => one.start > first.start && one.start < last.start);
  // What stands between members moves in front of the class, on its line.
  if (between.some((one) => one.kind === "other" || text.slice(one.start, one.end).includes("//")))
    return undefined;
  // Before the class there is no object yet.
  if (outside.some((one) => one.start < first.start && mentionsAny(one, names))) return undefined;

  const taken = new Set(members.filter((one) => isTaken(one, all, form)));
  if (form === "handed in" && taken.size === 0) return undefined;
  const seen = new Set(outside.filter((one) => one.kind === "other").flatMap((one) => [...one.mentions]));
  const edits: Edit[] = between.map(({ start, end }) => ({ start, end, newText: blank(text, start, end) }));
  const inits: string[] = [];
  const parameters: string[] = [];
  const values: string[] = [];
  for (const one of members) {
    const [name = ""] = one.names;
    const access = one.exported || seen.has(name) ? "" : "private ";
    if (one.kind === "function") {
      edits.push(...method(one, access, isValue(program, name)));
      continue;
    }
    const { declarator, id, init } = partsOf(one);
    const readonly = one.node["kind"] === "const" ? "readonly " : "";
    const given = init ? text.slice(init.start, init.end) : "";
    if (!taken.has(one)) {
      edits.push({ start: one.whole.start, end: declarator.start, newText: `${access}${readonly}` });
      continue;
    }
    const end = one.whole.end;
    if (form === "set") {
      edits.push({ start: one.whole.start, end, newText: `${access}${readonly}${name};` });
      inits.push(`this.${name} = ${given};`);
    } else {
      edits.push({ start: one.whole.start, end, newText: "" });
      parameters.push(`${access || "public "}${readonly}${name}: ${typeText(text, init ?? id)}`);
      values.push(given);
    }
  }
  const inside = (at: number) => members.some((one) => one.whole.start <= at && at < one.whole.end);
  const isTakenAt = (at: number) => [...taken].some((one) => one.whole.start <= at && at < one.whole.end);
  const declared = new Set(
    members.flatMap((one) => (one.kind === "function" ? [child(one.node, "id")] : [partsOf(one).id])),
  ) as ReadonlySet<Node>;
  const replaced = (owner: string) =>
    replaceNames(program, new Map([...names].map((name) => [name, `${owner}.${name}`])), declared);
  edits.push(...replaced("this").filter(({ start }) => inside(start) && !isTakenAt(start)));
  edits.push(...replaced("moved").filter(({ start }) => !inside(start)));
  const constructorText =
    form === "handed in"
      ? ` constructor(${parameters.join(", ")}) {}`
      : inits.length > 0
        ? ` constructor() { ${inits.join(" ")} }`
        : "";
  const lifted = between.map(({ start, whole }) =>
    text
      .slice(start, whole.end)
      .trim()
      .replace(/\s*\n\s*/g, " "),
  );
  const opening = [...lifted, `class Moved {${constructorText} `].join(" ");
  edits.push({ start: first.start, end: first.start, newText: opening });
  const isUsed = outside.some((one) => mentionsAny(one, names));
  const construction = `export const moved = new Moved(${values.join(", ")});\n`;
  // Where nothing here uses the object, it is made in a file of its own.
  const isApart = form === "handed in" && !isUsed;
  edits.push({
    start: last.end,
    end: last.end,
    newText: isApart ? "} export { Moved };\n" : `} ${construction}`,
  });
  const home = edited(text.endsWith("\n") ? text : `${text}\n`, edits) ?? text;
  if (!isApart) return new Map([[file, home]]);
  const base = path.basename(file);
  const other = path.posix.join(path.posix.dirname(file), `makes-${base}`);
  const needed = all.filter(({ kind }) => kind === "import");
  const importing = needed.map(({ whole }) => text.slice(whole.start, whole.end)).join("\n");
  return new Map([
    [file, home],
    [other, `${importing}\nimport { Moved } from "./${base}";\n${construction}`],
  ]);
}

/** Functions with one body, and variables one at a time. */
function isMember(one: Statement): boolean {
  if (one.kind === "function") return one.names.length === 1 && one.whole.type !== "ExportDefaultDeclaration";
  if (one.kind !== "variable" || one.node["declare"] === true) return false;
  if (!/^(const|let)$/.test(String(one.node["kind"]))) return false;
  const { id } = partsOf(one);
  return list(one.node, "declarations").length === 1 && id.type === "Identifier";
}

function partsOf(one: Statement): { readonly declarator: Node; readonly id: Node; readonly init?: Node } {
  const [declarator = one.node] = list(one.node, "declarations");
  const init = child(declarator, "init");
  return { declarator, id: child(declarator, "id") ?? declarator, ...(init ? { init } : {}) };
}

function isFunctionConstant(one: Statement): boolean {
  return one.kind === "variable" && partsOf(one).init?.type === "ArrowFunctionExpression";
}

function mentionsAny(one: Statement, names: ReadonlySet<string>): boolean {
  return [...one.mentions].some((name) => names.has(name));
}

/** `this` or `arguments`, or a function with a `this` of its own that uses what becomes a member. */
function hasOwnThis(node: Node, names: ReadonlySet<string>): boolean {
  return walk(node).some(({ node: inner, parent }) => {
    if (inner.type === "ThisExpression" || nameOf(inner) === "arguments") return true;
    const isFunction = /^Function(Expression|Declaration)$/.test(inner.type) && inner !== node;
    const ownThis = isFunction || /^Class/.test(inner.type);
    return ownThis && parent !== undefined && walk(inner).some((one) => names.has(nameOf(one.node)));
  });
}

/** Used otherwise than to call it: a method would lose its `this`. */
function isValue(program: Node, name: string): boolean {
  return walk(program).some(
    ({ node, parent, key }) =>
      nameOf(node) === name &&
      node.type === "Identifier" &&
      key !== "id" &&
      !(key === "callee" && /^(Call|New)Expression$/.test(parent?.type ?? "")),
  );
}

/** `async function f() { … }` becomes `async f() { … }`, or `f = async () => { … };` where it is used as a value. */
function method(one: Statement, access: string, asValue: boolean): Edit[] {
  const { whole, node } = one;
  const id = child(node, "id") ?? node;
  const body = child(node, "body") ?? node;
  const name = nameOf(id);
  const isAsync = node["async"] === true ? "async " : "";
  const star = node["generator"] === true ? "*" : "";
  if (!asValue || star !== "") {
    return [{ start: whole.start, end: id.end, newText: `${access}${isAsync}${star}${name}` }];
  }
  return [
    { start: whole.start, end: id.end, newText: `${access}readonly ${name} = ${isAsync}` },
    { start: body.start, end: body.start, newText: "=> " },
    { start: whole.end, end: whole.end, newText: ";" },
  ];
}

/** A constant whose value no other initialiser reads before the constructor runs, written on one line. */
function isTaken(one: Statement, all: readonly Statement[], form: Form): boolean {
  if (one.kind !== "variable" || one.node["kind"] !== "const") return false;
  const { id, init } = partsOf(one);
  if (!init || id["typeAnnotation"] || walk(init).some(({ node }) => /Function/.test(node.type)))
    return false;
  const imported = new Set(all.filter(({ kind }) => kind === "import").flatMap(({ names }) => names));
  if (!imported.has(nameOf(child(init, "callee")))) return false;
  // Only a class can be written as a type.
  if (init.type !== "NewExpression" && (form === "handed in" || init.type !== "CallExpression")) return false;
  const members = new Set(all.filter(isMember).flatMap(({ names }) => names));
  if (walk(init).some(({ node }) => members.has(nameOf(node)))) return false;
  return !all.some((other) => isMember(other) && other !== one && readsAtOnce(other, one.names[0] ?? ""));
}

function readsAtOnce(one: Statement, name: string): boolean {
  const { init } = one.kind === "variable" ? partsOf(one) : {};
  return (
    init !== undefined && !/Function/.test(init.type) && walk(init).some(({ node }) => nameOf(node) === name)
  );
}

function typeText(text: string, init: Node): string {
  const callee = child(init, "callee");
  const given = child(init, "typeArguments");
  return `${nameOf(callee)}${given ? text.slice(given.start, given.end) : ""}`;
}

function blank(text: string, start: number, end: number): string {
  return text.slice(start, end).replace(/[^\n]/g, "");
}
