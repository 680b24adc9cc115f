import { type Node, type SourceFile, SyntaxKind } from "typescript/unstable/ast";
import type { NodeId } from "./program.ts";

// What we use of TypeScript's node table beyond its typings. The fields exist at run time in 7.0.2 and are marked
// internal there; `syntax.test.ts` fails when a new version changes them.
interface TableNode {
  readonly index: number;
}
interface TableFile {
  readonly nodes: { readonly length: number };
  getOrCreateNodeAtIndex(index: number): Node;
}

/** The place of a node in the node table of its file. */
export function nodeIdOf(node: Node): NodeId {
  return (node as unknown as TableNode).index as NodeId;
}

/** The kind that the table gives to a list of nodes; a list has no symbol and no type. */
const listKind = 0xff_ff_ff_ff;

/** The node at a place of the table; undefined when the table has none there. */
export function nodeAt(sourceFile: SourceFile, id: NodeId): Node | undefined {
  const table = sourceFile as unknown as TableFile;
  if (!(id > 0 && id < table.nodes.length)) return undefined;
  const node = table.getOrCreateNodeAtIndex(id);
  return (node.kind as number) === listKind ? undefined : node;
}

const textKinds: ReadonlySet<number> = new Set([
  SyntaxKind.StringLiteral,
  SyntaxKind.NoSubstitutionTemplateLiteral,
  SyntaxKind.TemplateHead,
  SyntaxKind.TemplateMiddle,
  SyntaxKind.TemplateTail,
]);

/** False where a line starts inside a string, a template or the text of JSX: a comment there would be text. */
export function startsInCode(sourceFile: SourceFile, line: number): boolean {
  const offset = sourceFile.getLineStarts()[line - 1];
  if (offset === undefined) return false;
  let node: Node | undefined = sourceFile;
  while (node !== undefined) {
    if (node.kind === SyntaxKind.JsxText) return false;
    if (textKinds.has(node.kind) && node.getStart(sourceFile) < offset) return false;
    node = node.forEachChild((child) => (child.pos <= offset && offset < child.end ? child : undefined));
  }
  return true;
}
