import assert from "node:assert/strict";
import type { Finding } from "@unknot/protocol/finding.ts";
import type { CodeAction, TextDocumentEdit } from "vscode-languageserver";
import { type ActionContext, actionsFor, type ShownFinding } from "./actions.ts";
import { toDiagnostic } from "./diagnostics.ts";
import { rangeOf } from "./locations.ts";

const uriOf = (file: string) => `file://${file}`;

function shownAt(line: number, column: number, change: Partial<Finding> = {}): ShownFinding {
  const finding: Finding = {
    rule: "floating-task",
    severity: "warning",
    at: { file: "/a.ts", line, column, endLine: line, endColumn: column + 4 },
    message: "Nothing waits for 'save'.",
    trace: [],
    fixes: [],
    ...change,
  };
  const supports = { related: true, link: true, tags: true };
  return { finding, diagnostic: toDiagnostic(finding, { uriOf, supports }), commentable: true };
}

const context = (text: string): ActionContext => ({
  text,
  uriOf,
  versionOf: (uri) => (uri === "file:///a.ts" ? 7 : undefined),
  versioned: true,
});

/** The text after an action, which changes one document only. */
function applied(text: string, action: CodeAction | undefined): string {
  const [change] = (action?.edit?.documentChanges ?? []) as TextDocumentEdit[];
  const [edit] = change?.edits ?? [];
  assert.ok(edit && "newText" in edit);
  const lines = text.split("\n");
  const { start, end } = edit.range;
  assert.deepEqual(start, end);
  const line = lines[start.line] ?? "";
  lines[start.line] = line.slice(0, start.character) + edit.newText + line.slice(start.character);
  return lines.join("\n");
}

describe("actions", () => {
  const ignored = (text: string, line: number): string => {
    const column = (text.split("\n")[line - 1] ?? "").search(/\S/) + 1;
    const shown = shownAt(line, column);
    const actions = actionsFor([shown], rangeOf(shown.finding.at), context(text));
    assert.deepEqual(
      actions.map(({ title }) => title),
      ["Ignore 'floating-task' here"],
    );
    return applied(text, actions[0]);
  };

  it("ignore with a comment above, indented like the line", () => {
    assert.equal(ignored("f();", 1), "// unknot-ignore-next-line floating-task\nf();");
    assert.equal(ignored("{\n\t f();\n}", 2), "{\n\t // unknot-ignore-next-line floating-task\n\t f();\n}");
    assert.equal(
      ignored("{\r\n  f();\r\n}", 2),
      "{\r\n  // unknot-ignore-next-line floating-task\r\n  f();\r\n}",
    );
  });

  it("ignore with one more rule in the comment that is there", () => {
    const cases = [
      ["// unknot-ignore-next-line lock-reentry", "// unknot-ignore-next-line lock-reentry, floating-task"],
      [
        "// unknot-ignore-next-line lock-reentry -- it is fine",
        "// unknot-ignore-next-line lock-reentry, floating-task -- it is fine",
      ],
      [
        "/* unknot-ignore-next-line lock-reentry */",
        "/* unknot-ignore-next-line lock-reentry, floating-task */",
      ],
    ];
    for (const [before, after] of cases) assert.equal(ignored(`${before}\nf();`, 2), `${after}\nf();`);
  });

  it("do not write a comment where it would be text, nor to ignore a comment", () => {
    const inText = { ...shownAt(2, 1), commentable: false };
    const unused = shownAt(2, 1, { rule: "unused-suppression" });
    for (const shown of [inText, unused]) {
      assert.deepEqual(actionsFor([shown], rangeOf(shown.finding.at), context("`\nf()`")), []);
    }
  });

  it("offer fixes first, the preferred one before the others, in every file they change", () => {
    const at = { file: "/b.ts", line: 1, column: 1, endLine: 1, endColumn: 1 };
    const shown = shownAt(1, 1, {
      fixes: [
        { title: "Mark it", preferred: false, edits: [{ at: { ...at, file: "/a.ts" }, newText: "void " }] },
        {
          title: "Await it",
          preferred: true,
          edits: [
            { at: { ...at, file: "/a.ts" }, newText: "await " },
            { at, newText: "// b\n" },
          ],
        },
      ],
    });
    const actions = actionsFor([shown], rangeOf(shown.finding.at), context("f();"));
    assert.deepEqual(
      actions.map(({ title, isPreferred }) => [title, isPreferred]),
      [
        ["Await it", true],
        ["Mark it", false],
        ["Ignore 'floating-task' here", undefined],
      ],
    );
    assert.deepEqual(
      actions[0]?.edit?.documentChanges?.map((change) => "textDocument" in change && change.textDocument),
      [
        { uri: "file:///a.ts", version: 7 },
        { uri: "file:///b.ts", version: null },
      ],
    );
    const plain = actionsFor([shown], rangeOf(shown.finding.at), { ...context("f();"), versioned: false });
    assert.deepEqual(Object.keys(plain[0]?.edit?.changes ?? {}), ["file:///a.ts", "file:///b.ts"]);
  });

  it("are for the findings that touch the range", () => {
    const shown = [shownAt(1, 1), shownAt(2, 1), shownAt(3, 1)];
    const at = (line: number, character: number) => ({ line, character });
    const lines = (start: [number, number], end: [number, number]) =>
      actionsFor(shown, { start: at(...start), end: at(...end) }, context("f();\ng();\nh();")).map(
        ({ diagnostics }) => diagnostics?.[0]?.range.start.line,
      );
    assert.deepEqual(lines([1, 2], [1, 2]), [1]);
    assert.deepEqual(lines([0, 4], [1, 0]), [0, 1]);
    assert.deepEqual(lines([0, 5], [0, 9]), []);
    assert.deepEqual(lines([0, 0], [9, 0]), [0, 1, 2]);
  });
});
