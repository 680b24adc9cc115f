import assert from "node:assert/strict";
import { writeTaskdump } from "@unknot/dump/formats/taskdump-writer.ts";
import { DumpBuilder } from "@unknot/dump/testing/dump-builder.ts";
import { capturedAtIn, changedText } from "./source-changes.ts";

describe("the sources of a dump", () => {
  it("are compared with the time when it was taken, the last one of several", () => {
    const write = (capturedAt: number) =>
      [...writeTaskdump(new DumpBuilder().task(1).build({ capturedAt }), { mode: "full" })].join("");
    const time = Date.UTC(2026, 10, 22, 17, 14, 27, 123);
    assert.equal(capturedAtIn(write(time)), time);
    assert.equal(capturedAtIn(write(time + 5000) + write(time)), time + 5000);
    assert.equal(capturedAtIn("goroutine 1 [running]:\n"), undefined);
    assert.equal(capturedAtIn('# captured yesterday by "me"\n'), undefined);
  });

  it("are named when they differ, not all of many", () => {
    assert.equal(changedText([]), undefined);
    assert.equal(
      changedText(["a.ts"]),
      "Source differs: a.ts was changed after the dump, so its lines may be others",
    );
    assert.equal(
      changedText(["a.ts", "b.ts", "c.ts", "d.ts"]),
      "Source differs: a.ts, b.ts, c.ts and 1 more were changed after the dump, so their lines may be others",
    );
  });
});
