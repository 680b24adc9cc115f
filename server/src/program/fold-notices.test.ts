import assert from "node:assert/strict";
import { foldedText, foldNotices } from "./fold-notices.ts";

describe("notices of many files", () => {
  const message = "It extends 'base', which is not installed.";

  it("are one for the same message, however often a file has it", () => {
    const notices = ["/a", "/b", "/a", "/c"].map((file) => ({ file, message }));
    const other = { file: "/b", message: "It is empty." };
    assert.deepEqual(foldNotices([...notices, other]).map(foldedText), [
      `${message} (and 2 other files)`,
      "It is empty.",
    ]);
  });

  it("stay apart where they are about a place", () => {
    const at = { line: 1, column: 1 };
    const notices = [
      { file: "/a", message, at },
      { file: "/b", message, at },
      { file: "/b", message, at },
    ];
    assert.deepEqual(
      foldNotices(notices).map(({ notice, others }) => [notice.file, others]),
      [
        ["/a", 0],
        ["/b", 0],
      ],
    );
  });
});
