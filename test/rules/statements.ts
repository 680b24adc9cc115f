import { bindingNames, child, isReference, list, type Node, nameOf, walk } from "./tree.ts";

// The top-level statements of a fixture, as far as a variation moves them about.

export interface Statement {
  readonly kind: "import" | "function" | "variable" | "class" | "copied" | "export" | "other";
  /** With `export`. */
  readonly whole: Node;
  /** Without it. */
  readonly node: Node;
  readonly names: readonly string[];
  readonly exported: boolean;
  /** Names that stand in it and may mean another statement's. */
  readonly mentions: ReadonlySet<string>;
  readonly assigns: ReadonlySet<string>;
  /** Whole lines, with the comments above. */
  readonly start: number;
  readonly end: number;
}

/** Comments about more than a line: code that leaves their stretch would mean something else. */
const aboutStretches =
  /\/\*\s*(?:eslint|oxlint|biome)-|unknot-ignore-file|(?:eslint|oxlint)-enable|biome-ignore-(?:all|start)/;

/** Undefined where statements share a line, or comments speak about stretches of the file. */
export function statementsOf(program: Node, text: string): readonly Statement[] | undefined {
  if (aboutStretches.test(text) || text.startsWith("#!")) return undefined;
  const found: Statement[] = [];
  for (const whole of list(program, "body")) {
    const start = found.at(-1)?.end ?? 0;
    if (whole.start < start) return undefined;
    const lineEnd = text.indexOf("\n", whole.end);
    const isExport = whole.type === "ExportNamedDeclaration";
    const node = (isExport ? child(whole, "declaration") : undefined) ?? whole;
    found.push({
      kind: isExport && node === whole ? "export" : kindOf(node),
      whole,
      node,
      names: namesOf(node),
      exported: node !== whole,
      mentions: new Set(
        walk(node)
          .filter((one) => isReference(one))
          .map((one) => nameOf(one.node)),
      ),
      assigns: new Set(walk(node).flatMap((one) => assignedIn(one.node))),
      start,
      end: lineEnd < 0 ? text.length : lineEnd + 1,
    });
  }
  return found;
}

function kindOf(node: Node): Statement["kind"] {
  switch (node.type) {
    case "ImportDeclaration":
      return "import";
    case "FunctionDeclaration":
      return "function";
    case "VariableDeclaration":
      return "variable";
    case "ClassDeclaration":
      return "class";
    // Says the same wherever it stands.
    case "TSDeclareFunction":
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
      return "copied";
    default:
      return "other";
  }
}

function namesOf(node: Node): readonly string[] {
  switch (node.type) {
    case "ImportDeclaration":
      return list(node, "specifiers").map((one) => nameOf(child(one, "local")));
    case "VariableDeclaration":
      return list(node, "declarations").flatMap((one) => bindingNames(child(one, "id") ?? one));
    default:
      return [nameOf(child(node, "id"))].filter((name) => name !== "");
  }
}

function assignedIn(node: Node): readonly string[] {
  if (node.type === "UpdateExpression") return [nameOf(child(node, "argument"))];
  if (node.type === "AssignmentExpression") {
    const target = child(node, "left");
    return target ? walk(target).map((one) => nameOf(one.node)) : [];
  }
  return [];
}

/** The text without some of its stretches; lines stay where they are. */
export function without(
  text: string,
  stretches: readonly { readonly start: number; readonly end: number }[],
) {
  let result = "";
  let at = 0;
  for (const { start, end } of [...stretches].sort((a, b) => a.start - b.start)) {
    result += text.slice(at, start) + text.slice(start, end).replace(/[^\n]/g, "");
    at = end;
  }
  return result + text.slice(at);
}
