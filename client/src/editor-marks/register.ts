import * as vscode from "vscode";
import { uriOf } from "../places.ts";
import type { Launches } from "../sessions/launches.ts";
import { type LineMark, marksOf } from "./marks.ts";

/** Programs change faster than anybody reads. */
const drawEveryMs = 500;

const setting = "showWaitingTasks";

/** Writes behind each line how many tasks of the running programs wait there, and marks those of a deadlock. */
export function registerEditorMarks(launches: Launches, deadlockIcon: vscode.Uri): vscode.Disposable {
  const waiting = vscode.window.createTextEditorDecorationType({
    after: {
      margin: "0 0 0 3ch",
      color: new vscode.ThemeColor("editorCodeLens.foreground"),
      fontStyle: "italic",
    },
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedOpen,
  });
  const deadlocked = vscode.window.createTextEditorDecorationType({
    gutterIconPath: deadlockIcon,
    gutterIconSize: "contain",
    overviewRulerColor: new vscode.ThemeColor("editorOverviewRuler.errorForeground"),
    overviewRulerLane: vscode.OverviewRulerLane.Center,
  });
  const isOn = () => vscode.workspace.getConfiguration("unknot").get(setting, true);
  const drawn = new WeakMap<vscode.TextEditor, string>();

  const draw = () => {
    const marks = isOn() ? marksByUri(launches) : new Map<string, readonly LineMark[]>();
    for (const editor of vscode.window.visibleTextEditors) {
      const own = marks.get(editor.document.uri.toString()) ?? [];
      const next = JSON.stringify(own);
      if (next === (drawn.get(editor) ?? "[]")) continue;
      drawn.set(editor, next);
      editor.setDecorations(
        waiting,
        own.flatMap((mark) => decorationOf(editor.document, mark)),
      );
      editor.setDecorations(
        deadlocked,
        own.flatMap((mark) => (mark.deadlock ? (lineOf(editor.document, mark)?.range ?? []) : [])),
      );
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const drawSoon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      draw();
    }, drawEveryMs);
  };
  const lookOrNot = () => {
    launches.watch("editors", isOn() && vscode.window.visibleTextEditors.length > 0);
    drawSoon();
  };
  lookOrNot();
  return vscode.Disposable.from(
    waiting,
    deadlocked,
    { dispose: () => clearTimeout(timer) },
    launches.onChange(drawSoon),
    vscode.window.onDidChangeVisibleTextEditors(lookOrNot),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(`unknot.${setting}`)) lookOrNot();
    }),
  );
}

function marksByUri(launches: Launches): ReadonlyMap<string, readonly LineMark[]> {
  return new Map(
    [...marksOf(launches.list())].flatMap(([file, marks]) => {
      const uri = uriOf({ file });
      return uri ? [[uri.toString(), marks] as const] : [];
    }),
  );
}

function decorationOf(document: vscode.TextDocument, mark: LineMark): vscode.DecorationOptions[] {
  const line = lineOf(document, mark);
  if (!line) return [];
  // Names of the program are in it, and are text.
  const hoverMessage = new vscode.MarkdownString();
  for (const detail of mark.details) hoverMessage.appendText(`${detail}\n`);
  const contentText = mark.deadlock ? `${mark.text} (deadlock)` : mark.text;
  return [{ range: line.range, hoverMessage, renderOptions: { after: { contentText } } }];
}

/** The line of a mark; the text may be shorter now than the program that runs. */
function lineOf(document: vscode.TextDocument, { line }: LineMark): vscode.TextLine | undefined {
  return line >= 1 && line <= document.lineCount ? document.lineAt(line - 1) : undefined;
}
