import { type Node, type SourceFile, SyntaxKind } from "typescript/unstable/ast";
import type { FileFacts, Range } from "../facts.ts";
import type { FilePath } from "../ids.ts";
import { positionOf } from "../lines.ts";
import { findDisabledRules } from "./disabled-rules.ts";
import { FileBuilder } from "./file-builder.ts";
import { lowerFunction, lowerModule } from "./statements.ts";
import { findSuppressions } from "./suppressions.ts";
import { findTags } from "./tags.ts";

/**
 * The facts of one file's syntax tree. Never throws on broken code: what a parser could not make sense of becomes an
 * instruction without meaning.
 */
export function lowerFile(sourceFile: SourceFile, path: FilePath): FileFacts {
  const file = new FileBuilder(sourceFile, path);
  const module = lowerModule(file);
  file.functions[0] = module;
  // Bodies wait in a queue, so that nested functions cost no stack.
  for (let next = file.pending.pop(); next; next = file.pending.pop()) {
    file.functions[next.id] = lowerFunction(file, next);
  }
  const lineOf = (offset: number) => positionOf(sourceFile.getLineStarts(), offset).line;
  let strings: Range[] | undefined;
  const literals = () => {
    strings ??= literalsIn(file);
    return strings;
  };
  return file.finish({
    suppressions: findSuppressions(file.text, lineOf, literals),
    disabledRules: findDisabledRules(file.text, lineOf, literals),
    tags: findTags(file),
  });
}

/** Strings, templates, regular expressions and JSX text: places where a comment is none. */
function literalsIn(file: FileBuilder): Range[] {
  const found: Range[] = [];
  const open: Node[] = [file.sourceFile];
  for (let node = open.pop(); node; node = open.pop()) {
    switch (node.kind) {
      case SyntaxKind.StringLiteral:
      case SyntaxKind.NoSubstitutionTemplateLiteral:
      case SyntaxKind.TemplateHead:
      case SyntaxKind.TemplateMiddle:
      case SyntaxKind.TemplateTail:
      case SyntaxKind.RegularExpressionLiteral:
      case SyntaxKind.JsxText:
        found.push(file.range(node));
        break;
      default:
        node.forEachChild((child) => {
          open.push(child);
          return undefined;
        });
    }
  }
  return found;
}
