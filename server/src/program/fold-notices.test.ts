import assert from "node:assert/strict";
import { foldedText, foldNotices } from "./fold-notices.ts";

describe("notices of many files", () => {
  const message = "It extends 'base', which is not installed.";

  it("are one for the same message, however often a file has it", () => {
    const notices = ["/a.json", "/b.json", "/a.json", "/c.json"].map((file) => ({ file, message }));
    const other = { file: "/b.json", message: "It is empty." };
    assert.deepEqual(foldNotices([...notices, other]).map(foldedText), [
      `${message} (and 2 other files)`,
      "It is empty.",
    ]);
  });

  it("stay apart for sources, of which every one is to be known", () => {
    const notices = ["/a/index.ts", "/b/index.ts"].map((file) => ({
      file,
      message: "'index.ts' is too large.",
    }));
    assert.deepEqual(
      foldNotices(notices).map(({ notice, others }) => [notice.file, others]),
      [
        ["/a/index.ts", 0],
        ["/b/index.ts", 0],
      ],
    );
    assert.equal(new Set(foldNotices(notices).map(({ key }) => key)).size, 2);
  });

  it("stay apart where they are about a place", () => {
    const at = { line: 1, column: 1 };
    const notices = [
      { file: "/a.json", message, at },
      { file: "/b.json", message, at },
      { file: "/b.json", message, at },
    ];
    assert.deepEqual(
      foldNotices(notices).map(({ notice, others }) => [notice.file, others]),
      [
        ["/a.json", 0],
        ["/b.json", 0],
      ],
    );
  });
});
