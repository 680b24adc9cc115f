import type { AssignmentExpression, Node } from "oxc-parser";
import { type AnyFunction, eachChild, isFunction, namesOf, unwrap } from "./syntax.ts";

/** An assignment that stores what was worked out from the place's own value as it was before an await. */
export interface Update {
  /** What of the source reads the place before the await, and what names it: `this.total`, `total`. */
  readonly read: Node;
  readonly place: Place;
  /** The variable that kept the value since then, where there is one. */
  readonly kept?: string;
}

export type Place =
  | { readonly kind: "variable"; readonly name: string }
  /** A field of `this` or of a variable that is assigned once. */
  | { readonly kind: "field"; readonly object: string; readonly field: string };

/**
 * The updates in one function, or in the top level of a program: `total += await price()`, `total = total + await price()`,
 * and `const before = total; await …; total = before + 1`. Variables of the function itself are nobody else's. Where the
 * place is assigned elsewhere in the function, too, a kept value may be meant to be older.
 */
export function updatesIn(
  part: AnyFunction | (Node & { type: "Program" }),
  { isSteady, isDeclared }: Names,
): ReadonlyMap<AssignmentExpression, Update> {
  const body = part.type === "Program" ? part : part.body;
  const found = new Map<AssignmentExpression, Update>();
  if (body === null) return found;
  const local = part.type === "Program" ? new Set<string>() : namesDeclaredIn(part);
  const placeOf = (node: Node): Place | undefined => {
    const at = unwrap(node);
    if (at.type === "Identifier")
      return local.has(at.name) || !isDeclared(at.name) ? undefined : { kind: "variable", name: at.name };
    if (at.type !== "MemberExpression" || at.computed || at.optional) return undefined;
    const { property } = at;
    if (property.type !== "Identifier") return undefined;
    const object = unwrap(at.object);
    if (object.type === "ThisExpression") return { kind: "field", object: "this", field: property.name };
    if (object.type !== "Identifier" || !isSteady(object.name)) return undefined;
    return { kind: "field", object: object.name, field: property.name };
  };
  const isAt = (place: Place, node: Node): boolean => {
    const other = placeOf(node);
    return other !== undefined && nameOf(other) === nameOf(place);
  };

  /** What a value is worked out from: the operands of an operator, what is spread. */
  const sourcesOf = (value: Node): readonly Node[] => {
    const node = unwrap(value);
    switch (node.type) {
      case "BinaryExpression":
        return [...sourcesOf(node.left), ...sourcesOf(node.right)];
      case "ArrayExpression":
        return node.elements.flatMap((each) => (each?.type === "SpreadElement" ? each.argument : []));
      case "ObjectExpression":
        return node.properties.flatMap((each) => (each.type === "SpreadElement" ? each.argument : []));
      case "Identifier":
      case "MemberExpression":
        return [node];
      default:
        return [];
    }
  };
  const worksOut = (value: Node) => {
    const { type } = unwrap(value);
    return type === "BinaryExpression" || type === "ArrayExpression" || type === "ObjectExpression";
  };

  const assignments: AssignmentExpression[] = [];
  const kept: { readonly name: string; readonly read: Node; readonly place: Place; readonly loop: Node }[] =
    [];
  const loops = new Map<AssignmentExpression, Node>();
  const awaits: Node[] = [];
  const look = (node: Node, loop: Node): void => {
    if (node !== part && (isFunction(node) || node.type === "ClassBody")) return;
    if (node.type === "AssignmentExpression") {
      assignments.push(node);
      loops.set(node, loop);
    } else if (node.type === "AwaitExpression") awaits.push(node);
    else if (node.type === "VariableDeclaration" && node.kind === "const") {
      for (const { id, init } of node.declarations) {
        const place = init === null ? undefined : placeOf(init);
        if (id.type === "Identifier" && init !== null && place !== undefined)
          kept.push({ name: id.name, read: init, place, loop });
      }
    }
    eachChild(node, (child) => look(child, isLoop(node) ? node : loop));
  };
  look(body, body);
  const awaitsBetween = (start: number, end: number) =>
    awaits.some((each) => each.start >= start && each.end <= end);

  for (const node of assignments) {
    const place = placeOf(node.left);
    if (place === undefined) continue;
    if (node.operator !== "=") {
      const isUpdate = !/^(\|\||&&|\?\?)=$/.test(node.operator);
      if (isUpdate && awaitsBetween(node.right.start, node.right.end))
        found.set(node, { read: node.left, place });
      continue;
    }
    if (!worksOut(node.right)) continue;
    const sources = sourcesOf(node.right);
    const read = leftmost(node.right);
    if (isAt(place, read) && awaitsBetween(read.end, node.right.end)) {
      found.set(node, { read, place });
      continue;
    }
    const others = assignments.filter((each) => each !== node && isAt(place, each.left));
    const before = kept.find(
      (each) =>
        nameOf(each.place) === nameOf(place) &&
        each.loop === loops.get(node) &&
        awaitsBetween(each.read.end, node.end) &&
        sources.some((source) => source.type === "Identifier" && source.name === each.name),
    );
    if (before !== undefined && others.length === 0 && !isCounted(body, place, isAt))
      found.set(node, { read: before.read, place, kept: before.name });
  }
  return found;
}

/** What of a value is read first. */
function leftmost(value: Node): Node {
  const node = unwrap(value);
  switch (node.type) {
    case "BinaryExpression":
      return leftmost(node.left);
    case "ArrayExpression": {
      const [first] = node.elements;
      return first?.type === "SpreadElement" ? leftmost(first.argument) : node;
    }
    case "ObjectExpression": {
      const [first] = node.properties;
      return first?.type === "SpreadElement" ? leftmost(first.argument) : node;
    }
    default:
      return node;
  }
}

/** The place as the source names it. */
export function nameOf(place: Place): string {
  return place.kind === "variable" ? place.name : `${place.object}.${place.field}`;
}

/** `total++` somewhere in it. */
function isCounted(body: Node, place: Place, isAt: (place: Place, node: Node) => boolean): boolean {
  let found = false;
  const look = (node: Node): void => {
    if (node.type === "UpdateExpression" && isAt(place, node.argument)) found = true;
    eachChild(node, look);
  };
  look(body);
  return found;
}

function isLoop({ type }: Node): boolean {
  return /^(For|While|DoWhile)/.test(type);
}

/** What a function declares anywhere in it, and what functions in it do: a name that stands for two things is left alone. */
function namesDeclaredIn(node: Node): ReadonlySet<string> {
  const names = new Set<string>();
  const look = (each: Node): void => {
    if (isFunction(each)) {
      for (const parameter of each.params) for (const name of namesOf(parameter)) names.add(name);
      if (each.type !== "ArrowFunctionExpression" && each.id) names.add(each.id.name);
    } else if (each.type === "VariableDeclarator") for (const name of namesOf(each.id)) names.add(name);
    else if (each.type === "CatchClause" && each.param)
      for (const name of namesOf(each.param)) names.add(name);
    else if ((each.type === "ClassDeclaration" || each.type === "ClassExpression") && each.id)
      names.add(each.id.name);
    eachChild(each, look);
  };
  look(node);
  return names;
}

/** What is known of the variables of a program by their names. */
export interface Names {
  /** Declared at most once, and nothing assigns to it after that. */
  readonly isSteady: (name: string) => boolean;
  /** A variable of the program: to read it runs no code. */
  readonly isDeclared: (name: string) => boolean;
}

export function variableNames(program: Node): Names {
  const declared = new Map<string, number>();
  const assigned = new Set<string>();
  const declare = (name: string) => declared.set(name, (declared.get(name) ?? 0) + 1);
  const look = (node: Node): void => {
    if (isFunction(node)) {
      for (const parameter of node.params) for (const name of namesOf(parameter)) declare(name);
    } else if (node.type === "VariableDeclarator") for (const name of namesOf(node.id)) declare(name);
    else if (node.type === "AssignmentExpression") for (const name of namesOf(node.left)) assigned.add(name);
    else if (node.type === "UpdateExpression") for (const name of namesOf(node.argument)) assigned.add(name);
    else if (node.type === "ForOfStatement" || node.type === "ForInStatement")
      for (const name of namesOf(node.left)) assigned.add(name);
    eachChild(node, look);
  };
  look(program);
  return {
    isSteady: (name) => !assigned.has(name) && (declared.get(name) ?? 0) <= 1,
    isDeclared: (name) => declared.has(name),
  };
}
