import assert from "node:assert/strict";
import type { Dump } from "@unknot/protocol/dump.ts";
import { blockerSentence, blockersOf } from "./blockers.ts";
import { detect } from "./detectors/detect.ts";
import { lookupOf } from "./names.ts";
import { DumpBuilder, joins, waits, wants } from "./testing/dump-builder.ts";

function told(dump: Dump): string[] {
  const lookup = lookupOf(dump);
  return blockersOf({ ...dump, problems: detect(dump) }, 5).map((blocker) =>
    blockerSentence(lookup, blocker),
  );
}

describe("blockers", () => {
  it("ranks by all that waits behind, not by who waits next", () => {
    // Ten requests wait for a pool, whose only client is held by a task that waits for a lock that a slow task holds.
    const builder = new DumpBuilder()
      .resource("pool", 1, {
        name: "clients",
        capacity: 1,
        heldBy: [{ task: 50, forMs: 840_000, site: "orders.ts:41" }],
      })
      .mutex(2, "ledger", { task: 60, forMs: 845_000, site: "billing.ts:7" })
      .task(50, { name: "reserve", state: "mutex.lock", wait: wants(2) })
      .task(60, { name: "audit", at: "billing.ts:9", wait: waits() });
    for (let id = 1; id <= 10; id++)
      builder.task(id, { name: "handle", state: "pool.acquire", wait: wants(1) });
    assert.deepEqual(told(builder.build()), [
      "'ledger' is held for 14 min 5 s by 'audit' at billing.ts:7; 11 tasks wait behind",
      "'clients' is held for 14 min by 'reserve' at orders.ts:41; 10 tasks wait behind",
    ]);
  });

  it("tells how much of a pool is out, and since when", () => {
    const dump = new DumpBuilder()
      .resource("pool", 1, {
        name: "clients",
        capacity: 2,
        heldBy: [
          { task: 1, forMs: 10_000 },
          { task: 2, forMs: 90_000, site: "a.ts:5" },
        ],
      })
      .task(1, { name: "young", wait: waits() })
      .task(2, { name: "old", wait: waits() })
      .task(3, { wait: wants(1) })
      .build();
    assert.deepEqual(told(dump), [
      "All 2 of 'clients' are held, the oldest for 1 min 30 s by 'old' at a.ts:5; 1 task waits behind",
    ]);
  });

  it("says of a lock that it is held, however many may hold it", () => {
    const dump = new DumpBuilder()
      .resource("rwlock", 1, { name: "table", heldBy: [1] })
      .task(1, { name: "writer", at: "a.ts:5", wait: waits() })
      .task(2, { wait: wants(1) })
      .build();
    assert.deepEqual(told(dump), ["'table' is held for 50 s by 'writer' at a.ts:5; 1 task waits behind"]);
  });

  it("says where something was taken when nobody knows by whom, and that a channel is empty", () => {
    const dump = new DumpBuilder()
      .resource("mutex", 1, { name: "till", heldBy: [{ forMs: 9000, site: "shop.ts:7" }] })
      .resource("mutex", 2, { name: "safe", heldBy: [{ forMs: 8000 }] })
      .resource("channel", 3, { name: "letters", length: 0 })
      .task(1, { state: "mutex.lock", wait: wants(1) })
      .task(2, { state: "mutex.lock", wait: wants(2, "acquire", 2) })
      .task(3, { state: "chan receive", wait: wants(3, "receive", 1) })
      .build();
    assert.deepEqual(
      new Set(told(dump)),
      new Set([
        "'till' is held for 9 s by whoever got it from 'hold' at shop.ts:7; 1 task waits behind",
        "'safe' is held for 8 s by an unknown task; 1 task waits behind",
        "'letters' is empty; 1 task waits behind",
      ]),
    );
  });

  it("names a task that several await, and not one that has one caller", () => {
    const builder = new DumpBuilder()
      .task(1, { name: "connect", at: "db.ts:3", state: "IO wait", wait: waits(5000) })
      .task(9, { name: "main", wait: joins(8) })
      .task(8, { name: "start", wait: joins(2) });
    for (let id = 2; id <= 4; id++) builder.task(id, { name: "query", wait: joins(1) });
    assert.deepEqual(told(builder.build()), [
      "'connect' is in IO wait at db.ts:3 for 5 s; 5 tasks wait behind",
    ]);
  });

  it("leaves to a deadlock what is part of it", () => {
    const dump = new DumpBuilder()
      .mutex(1, "ledger", { task: 9, release: "task" })
      .mutex(2, "stock", { task: 7, release: "task" })
      .task(7, { state: "mutex.lock", wait: wants(1) })
      .task(9, { state: "mutex.lock", wait: wants(2) })
      .build();
    assert.equal(detect(dump)[0]?.verdict, "deadlock");
    assert.deepEqual(told(dump), []);
  });

  it("says nothing of timers, and of what nobody waits for", () => {
    const dump = new DumpBuilder()
      .resource("timer", 1)
      .mutex(2, "free")
      .mutex(3, "held", 1)
      .task(1, { state: "sleep", wait: wants(1, "sleep") })
      .build();
    assert.deepEqual(told(dump), []);
  });

  it("goes round rings of waits and over a chain of any length", () => {
    const builder = new DumpBuilder().mutex(1, "first", 1);
    for (let id = 1; id <= 2000; id++) {
      builder.mutex(id + 1, `lock ${id}`, id + 1).task(id, { wait: wants(id + 1) });
    }
    builder.task(2001, { wait: wants(1) });
    const dump = builder.build();
    const [worst] = blockersOf(dump, 1);
    assert.equal(worst?.heldUp, 2001);
  });

  it("counts as waiting for a task only tasks, not what it holds", () => {
    const dump = new DumpBuilder()
      .mutex(1, "till", 5)
      .task(5, { name: "keeper" })
      .task(6, { name: "one", wait: joins(5) })
      .task(7, { name: "other", wait: joins(5) })
      .task(8, { name: "customer", state: "mutex.lock", wait: wants(1) })
      .build();
    const keeper = blockersOf(dump, 5).find(({ of }) => "task" in of);
    assert.deepEqual([keeper?.waiting, keeper?.heldUp], [2, 3]);
  });
});
