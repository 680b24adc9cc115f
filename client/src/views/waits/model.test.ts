import assert from "node:assert/strict";
import { DumpBuilder, joins, waits, wants } from "@unknot/dump/testing/dump-builder.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import { deadlocked, drawn, flat, loaded } from "../../testing/sketches.ts";
import { queryOf, rowsOfPage } from "./model.ts";

const rowsFor = (dump: Dump, filter = "", options = {}) =>
  loaded(dump, queryOf({ filter }), rowsOfPage, options);

function pool(waiters: number): Dump {
  const builder = new DumpBuilder()
    .resource("pool", 1, {
      name: "clients",
      created: "pool.ts:3",
      capacity: 2,
      heldBy: [
        { task: 50, site: "orders.ts:41", forMs: 9000 },
        { task: 51, site: "orders.ts:41", forMs: 4000 },
      ],
    })
    .task(50, { name: "reserve", state: "IO wait", at: "orders.ts:43", wait: waits() })
    .task(51, { name: "reserve", state: "IO wait", at: "orders.ts:43", wait: waits() });
  for (let id = 1; id <= waiters; id++)
    builder.task(id, { name: "handle", state: "pool.acquire", at: "http.ts:5", wait: wants(1) });
  return builder.build();
}

describe("the rows of the Waits view", () => {
  it("name what is waited for, who holds it and who waits, in order", () => {
    assert.deepEqual(drawn(rowsFor(pool(2)), 1), [
      "'clients' | pool · 2 of 2 held · 2 wait, the longest 40 s > pool.ts:3",
      "  holds it: reserve | held for 9 s since orders.ts:41 · IO wait · orders.ts:43 · 40 s · task 50 > orders.ts:41",
      "  holds it: reserve | held for 4 s since orders.ts:41 · IO wait · orders.ts:43 · 40 s · task 51 > orders.ts:41",
      "  1. handle | pool.acquire · http.ts:5 · 40 s · task 1 > http.ts:5",
      "  2. handle | pool.acquire · http.ts:5 · 40 s · task 2 > http.ts:5",
    ]);
  });

  it("put deadlocks first, and tell what awaited tasks do", () => {
    const rows = rowsFor(
      deadlocked()
        .task(20, { name: "late", wait: joins(7) })
        .build(),
    );
    assert.deepEqual(drawn(rows, 0), [
      "'ledger' | deadlock D1 · mutex · held · 1 waits, the longest 40 s",
      "'stock' | deadlock D1 · mutex · held · 1 waits, the longest 40 s",
      "reserve (task 7) | mutex.lock · 2 wait, the longest 40 s > orders.ts:41",
    ]);
    assert.ok(rows[0]?.open);
    assert.match(drawn(rows.slice(2), 1)[1] ?? "", /^ {2}waited for: reserve \| waits for mutex 'ledger'/);
  });

  it("show a part of many who wait, and a filtered part of all", () => {
    const [row] = rowsFor(pool(1500), "", { limit: 2 });
    assert.equal(row?.children?.().at(-1)?.label, "2 of 1,500 shown");
    assert.match(rowsFor(pool(5), "id:3")[0]?.description ?? "", /1 waits/);
  });

  it("say when nothing is known to wait", () => {
    const idle = new DumpBuilder().task(1, { name: "main", wait: waits() }).build();
    assert.deepEqual(drawn(rowsFor(idle)), [
      "No task is known to wait for a lock, a channel, a queue or another task",
    ]);
  });

  it("tell of a hold whose task is gone, and of one whose task is not known", () => {
    const dump = new DumpBuilder()
      .resource("semaphore", 1, { name: "slots", capacity: 2, heldBy: [{ task: 99 }, {}] })
      .task(1, { name: "next", state: "semaphore.acquire", wait: wants(1) })
      .build();
    const labels = flat(rowsFor(dump)).map(({ label }) => label);
    assert.ok(labels.includes("holds it: task 99, which has ended"), labels.join("\n"));
    assert.ok(labels.includes("holds it: an unknown task"));
  });
});
