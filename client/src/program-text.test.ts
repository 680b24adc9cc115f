import assert from "node:assert/strict";
import { messageText } from "./program-text.ts";

describe("text of the program in a message", () => {
  it("can't become a link", () => {
    const hostile = "Nothing waits for '[here](command:workbench.action.quit)'.";
    assert.doesNotMatch(messageText(hostile), /\]\(/);
    assert.equal(messageText("a [b] (c) stays"), "a [b] (c) stays");
  });
});
