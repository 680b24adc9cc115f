import assert from "node:assert/strict";
import { pathOf, rangeOf } from "./locations.ts";

describe("locations", () => {
  it("give documents a path", () => {
    const cases: readonly (readonly [string, string, string | undefined])[] = [
      ["file:///a/b%20c.ts", "typescript", "/a/b c.ts"],
      ["file:///a/%C3%A9.ts", "typescript", "/a/é.ts"],
      ["untitled:Untitled-1", "typescript", "/srv/^untitled-Untitled-1.ts"],
      ["untitled:Untitled-1", "typescriptreact", "/srv/^untitled-Untitled-1.tsx"],
      ["untitled:Un%2Ftitled%201", "javascript", "/srv/^untitled-Un-titled-1.js"],
      ["untitled:/a/new.ts", "typescript", "/a/new.ts"],
      ["untitled:Untitled-1", "python", undefined],
      ["git:/a.ts?HEAD", "typescript", undefined],
      ["vscode-notebook-cell:/a.ipynb#1", "typescript", undefined],
      [
        "file://server/share/a.ts",
        "typescript",
        process.platform === "win32" ? "//server/share/a.ts" : undefined,
      ],
    ];
    if (process.platform === "win32") return;
    for (const [uri, language, expected] of cases)
      assert.equal(pathOf(uri, language, "/srv/"), expected, uri);
  });

  it("count from zero, the end exclusive", () => {
    assert.deepEqual(rangeOf({ file: "/a.ts", line: 1, column: 1, endLine: 2, endColumn: 3 }), {
      start: { line: 0, character: 0 },
      end: { line: 1, character: 2 },
    });
  });
});
