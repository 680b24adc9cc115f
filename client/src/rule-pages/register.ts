import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import * as vscode from "vscode";

const scheme = "unknot-rule";

/** Where the pages of rules are for the language server's links: a rule's id comes into the place of `{rule}`. */
export const rulePageLinks = `${scheme}:/{rule}.md`;

/** The pages that ship with the extension. */
export interface RulePages {
  /** The page of a static rule; undefined for what is none. */
  linkTo(rule: string): vscode.Uri | undefined;
}

/** The pages in `folder`, `<id>.md` each. */
export function rulePagesIn(folder: string): RulePages & { readonly ids: readonly string[] } {
  const ids = readdirSync(folder)
    .filter((name) => name.endsWith(".md"))
    .map((name) => path.basename(name, ".md"));
  const known = new Set(ids);
  return {
    ids,
    linkTo: (rule) =>
      known.has(rule) ? vscode.Uri.parse(rulePageLinks.replace("{rule}", rule), true) : undefined,
  };
}

/** Opens rules' pages: those that problems link to, and one that the user picks. */
export function registerRulePages(folder: string): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.workspace.registerTextDocumentContentProvider(scheme, {
      provideTextDocumentContent: ({ path: name }) =>
        readFile(path.join(folder, path.posix.basename(name)), "utf8"),
    }),
    vscode.commands.registerCommand("unknot.explain", async (wanted?: string) => {
      const pages = rulePagesIn(folder);
      const rule = wanted ?? (await vscode.window.showQuickPick([...pages.ids], { placeHolder: "The rule" }));
      const page = rule === undefined ? undefined : pages.linkTo(rule);
      if (page) await vscode.commands.executeCommand("vscode.open", page);
    }),
  );
}
