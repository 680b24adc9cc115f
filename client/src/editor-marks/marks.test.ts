import assert from "node:assert/strict";
import { DumpBuilder, wants } from "@unknot/dump/testing/dump-builder.ts";
import { launched } from "../testing/launched.ts";
import { marksOf } from "./marks.ts";

const stuck = () =>
  new DumpBuilder()
    .mutex(1, "ledger", { task: 9, release: "task" })
    .mutex(2, "stock", { task: 7, release: "task" })
    .task(7, { name: "reserve", state: "mutex.lock", at: "orders.ts:41", wait: wants(1) })
    .task(9, { name: "charge", state: "mutex.lock", at: "billing.ts:77", wait: wants(2) })
    .task(10, { name: "refund", state: "mutex.lock", at: "orders.ts:41", wait: wants(1, "acquire", 12_000) })
    .task(11, { name: "busy", state: "running", at: "orders.ts:5" });

describe("marks of lines", () => {
  it("count all that wait at a line, and say for what", () => {
    const marks = marksOf(launched(stuck()));
    assert.deepEqual(marks.get("/app/orders.ts"), [
      {
        line: 41,
        text: "2 tasks wait here, the oldest for 40 s",
        details: [
          "1 × reserve: mutex.lock for mutex 'ledger' (deadlock D1)",
          "1 × refund: mutex.lock for mutex 'ledger'",
        ],
        deadlock: true,
      },
    ]);
    assert.equal(marks.get("/app/billing.ts")?.[0]?.text, "1 task waits here for 40 s");
  });

  it("are there while the program lives", () => {
    assert.equal(marksOf(launched(stuck(), { kind: "ended" })).size, 0);
    assert.equal(marksOf(launched(stuck(), { kind: "file", file: "/x.taskdump" })).size, 0);
  });
});
