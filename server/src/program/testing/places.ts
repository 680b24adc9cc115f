import { type Node, type SourceFile, SyntaxKind } from "typescript/unstable/ast";
import { API } from "typescript/unstable/sync";
import { findExecutable } from "../executable.ts";
import type { NodeId } from "../ids.ts";
import { nodeIdOf } from "../syntax.ts";

/** Finds the ids of nodes by their text. */
export interface Places {
  /** The id of the outermost expression or name that reads `text`, of several the one numbered `which`, -1 for the last. */
  idOf(file: string, source: string, text: string, which?: number): NodeId;
  close(): void;
}

/** Parses files on its own: the same text gives the same ids in every program. */
export function openPlaces(): Places {
  const files = new Map<string, string>();
  const api = new API({
    cwd: "/",
    tsserverPath: findExecutable(),
    fs: { readFile: (file) => files.get(file), fileExists: (file) => files.has(file) || undefined },
  });
  const trees = new Map<string, SourceFile>();
  let count = 0;

  const parse = (name: string, source: string): SourceFile => {
    count += 1;
    const file = `/places/${count}/${name}`;
    const config = `/places/${count}/tsconfig.json`;
    files.set(file, source);
    files.set(
      config,
      JSON.stringify({ compilerOptions: { allowJs: true, noLib: true, noResolve: true }, files: [file] }),
    );
    const tree = api
      .updateSnapshot({ openProjects: [config] })
      .getProject(config)
      ?.program.getSourceFile(file);
    if (tree === undefined) throw new Error(`${name} does not parse`);
    return tree;
  };

  return {
    idOf(file, source, text, which = 0) {
      const key = `${file}\n${source}`;
      const tree = trees.get(key) ?? parse(file.slice(file.lastIndexOf("/") + 1), source);
      trees.set(key, tree);
      const found: Node[] = [];
      const visit = (node: Node): void => {
        if (node.kind !== SyntaxKind.ExpressionStatement && node.getText(tree) === text) found.push(node);
        else node.forEachChild((child) => void visit(child));
      };
      tree.forEachChild((child) => void visit(child));
      const node = found.at(which);
      if (node === undefined) throw new Error(`'${text}' (${which}) is not in ${source}`);
      return nodeIdOf(node);
    },
    close: () => api.close(),
  };
}
