import type { Node, SourceFile } from "typescript/unstable/ast";
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
