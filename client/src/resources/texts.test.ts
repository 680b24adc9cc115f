import assert from "node:assert/strict";
import { DumpBuilder, wants } from "@unknot/dump/testing/dump-builder.ts";
import type { DescribedResource, UseRole } from "@unknot/protocol/described-resource.ts";
import { launched } from "../testing/launched.ts";
import { lensText } from "./lens-texts.ts";
import { liveLines, liveResourcesAt, waitingText } from "./live-resources.ts";

const span = (line: number) => ({ file: "/app/a.ts", line, column: 3, endLine: line, endColumn: 9 });
const resource = (
  kind: DescribedResource["kind"],
  roles: readonly UseRole[],
  change: Partial<DescribedResource> = {},
): DescribedResource => ({
  kind,
  name: "it",
  type: "some.Type",
  created: span(1),
  made: { file: "/app/a.ts", line: 1, column: 8 },
  uses: roles.map((role, index) => ({ role, at: span(2 + index) })),
  after: [],
  before: [],
  shared: false,
  ...change,
});

describe("the lens above a resource", () => {
  it("counts what is done to it", () => {
    const cases: readonly (readonly [DescribedResource, string])[] = [
      [resource("channel", ["send", "send", "receive", "close"]), "2 senders, 1 receiver, closed in 1 place"],
      [resource("channel", ["send"]), "1 sender, 0 receivers, never closed"],
      [resource("channel", ["send"], { shared: true }), "1 sender, 0 receivers"],
      [resource("queue", ["submit"]), "given work in 1 place"],
      [resource("queue", ["submit", "wait"]), "given work in 1 place, waited for in 1 place"],
      [
        resource("waitgroup", ["add", "done", "done", "wait"]),
        "counted up in 1 place, down in 2 places, waited for in 1 place",
      ],
      [resource("pool", ["acquire", "use", "release"]), "used in 2 places"],
      [resource("mutex", ["acquire", "release"]), "acquired in 1 place"],
    ];
    for (const [one, text] of cases) assert.equal(lensText(one), text);
  });

  it("tells the order of locks, each name once and not all of many", () => {
    const other = (name: string, line = 1) => ({ name, at: span(line) });
    const after = [other("stock", 1), other("stock", 9)];
    assert.equal(lensText(resource("mutex", ["acquire"], { after })), "acquired in 1 place, after stock");
    assert.equal(
      lensText(resource("mutex", ["acquire"], { after, before: [other("stock"), other("audit")] })),
      "acquired in 1 place, before audit, before and after stock",
    );
    const before = ["a", "b", "c", "d", "e"].map((name) => other(name));
    assert.equal(
      lensText(resource("semaphore", [], { before })),
      "acquired in 0 places, before a, b, c and 2 more",
    );
  });
});

describe("what a running program does with a resource", () => {
  const made = { file: "/app/locks.ts", line: 13, column: 3 };
  const builder = () =>
    new DumpBuilder()
      .resource("mutex", 1, {
        name: "ledger",
        created: "locks.ts:13",
        heldBy: [{ task: 9, forMs: 60_000, release: "task" }],
      })
      .resource("mutex", 2, { name: "stock", created: "locks.ts:14", heldBy: [9] })
      .resource("channel", 3, { name: "jobs", created: "jobs.ts:2", capacity: 2, length: 1 })
      .task(7, { name: "reserve", state: "mutex.lock", at: "orders.ts:41", wait: wants(1) })
      .task(8, { name: "refund", state: "mutex.lock", at: "orders.ts:44", wait: wants(1, "acquire", 12_000) })
      .task(9, { name: "charge", state: "sleep", at: "billing.ts:70", wait: { on: "unknown", sinceMs: 5 } })
      .task(10, { name: "send", state: "chan send", at: "jobs.ts:9", wait: wants(3, "send", 3_000) });

  it("is found by the place where it was made", () => {
    const live = liveResourcesAt(launched(builder()), made);
    assert.equal(waitingText(live), "2 tasks wait for it, the oldest for 40 s");
    assert.deepEqual(live.map(liveLines), [
      ["held by charge for 1 min", "2 tasks wait for it, the oldest for 40 s"],
    ]);
    assert.deepEqual(liveResourcesAt(launched(builder()), { ...made, line: 12 }), []);
    // On a line with one resource the column does not matter, which source maps may get wrong.
    assert.equal(liveResourcesAt(launched(builder()), { ...made, column: 30 }).length, 1);
  });

  it("is told of a channel, too, and only while the program lives", () => {
    const jobs = { file: "/app/jobs.ts", line: 2, column: 3 };
    const live = liveResourcesAt(launched(builder()), jobs);
    assert.deepEqual(live.map(liveLines), [["1 item in it, room for 2", "1 task waits for it, for 3 s"]]);
    assert.deepEqual(liveResourcesAt(launched(builder(), { kind: "ended" }), jobs), []);
  });

  it("says that nobody waits, and names of the program are no lines", () => {
    const hostile = new DumpBuilder()
      .resource("semaphore", 1, { created: "locks.ts:13", capacity: 3, heldBy: [5, 6] })
      .task(5, { name: "a\nb", state: "running" })
      .task(6, { name: "other", state: "mutex.lock", wait: wants(2) })
      .resource("mutex", 2, { heldBy: [5] });
    const [live] = liveResourcesAt(launched(hostile), made);
    assert.ok(live);
    const [held, waiting] = liveLines(live);
    assert.match(held ?? "", /^held by .*\(2 of 3\)$/);
    assert.ok(!held?.includes("\n"));
    assert.equal(waiting, "nobody waits for it");
    assert.equal(waitingText([live]), undefined);
  });
});
