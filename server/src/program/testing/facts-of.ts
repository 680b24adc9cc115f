import type { SourceFile } from "typescript/unstable/ast";
import { API, type Snapshot } from "typescript/unstable/sync";
import type { FileFacts } from "../facts.ts";
import { lowerFile } from "../lowering/lower-file.ts";

/** Lowers texts, one TypeScript process for all of them. */
export interface Parser {
  facts(text: string, name?: string): FileFacts;
  close(): void;
}

export function openParser(): Parser {
  const files = new Map<string, string>();
  const api = new API({
    cwd: "/",
    fs: {
      readFile: (file) => files.get(file),
      fileExists: (file) => (files.has(file) ? true : undefined),
    },
  });
  let snapshot: Snapshot | undefined;
  let count = 0;
  return {
    facts(text, name = "test.ts") {
      count += 1;
      const folder = `/virtual/${count}`;
      const file = `${folder}/${name}`;
      const config = `${folder}/tsconfig.json`;
      files.set(file, text);
      const compilerOptions = {
        target: "esnext",
        noLib: true,
        allowJs: true,
        jsx: "preserve",
        noResolve: true,
      };
      files.set(config, JSON.stringify({ compilerOptions, files: [file] }));
      const next = api.updateSnapshot({ openProjects: [config] });
      snapshot?.dispose();
      snapshot = next;
      const tree: SourceFile | undefined = next.getProject(config)?.program.getSourceFile(file);
      if (!tree) throw new Error(`TypeScript did not read ${file}`);
      const facts = lowerFile(tree, file);
      const closed = api.updateSnapshot({ closeProjects: [config] } as never);
      snapshot.dispose();
      snapshot = closed;
      files.delete(file);
      return facts;
    },
    close() {
      snapshot?.dispose();
      api.close();
    },
  };
}
