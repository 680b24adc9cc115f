import assert from "node:assert/strict";
import { DumpBuilder, wants } from "@unknot/dump/testing/dump-builder.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { Handle } from "@unknot/protocol/handle.ts";
import { reasonsIn, signatureOf, summaryOf } from "./keeps-alive.ts";

const interval = (change: Partial<Handle> = {}): Handle => ({
  kind: "interval",
  type: "Timeout",
  detail: "every 1000 ms",
  stack: [0],
  ageMs: 61_000,
  ...change,
});
const waiting = () =>
  new DumpBuilder()
    .mutex(1, "ledger")
    .task(7, { name: "young", state: "mutex.lock", at: "orders.ts:41", wait: wants(1, "acquire", 2_000) })
    .task(6, { name: "young", state: "mutex.lock", at: "orders.ts:41", wait: wants(1, "acquire", 3_000) })
    .task(8, { name: "old", state: "mutex.lock", at: "orders.ts:44", wait: wants(1, "acquire", 9_000) })
    .task(9, { name: "busy", state: "running", at: "orders.ts:1" })
    .task(10, { name: "failed", state: "rejected", at: "orders.ts:2" })
    .task(11, { name: "library", state: "await", external: true });
const site = { file: "/app/poll.ts", line: 12, column: 3, function: "start" };

describe("what keeps a program alive", () => {
  it("are the things that are open, then the tasks that have not ended, the oldest first", () => {
    const dump: Dump = { ...waiting().build() };
    const sites = [site, ...dump.sites];
    const shift = (index: number | undefined) => (index === undefined ? {} : { at: index + 1 });
    const reasons = reasonsIn({
      ...dump,
      sites,
      tasks: dump.tasks.map((task) => ({ ...task, ...shift(task.at) })),
      handles: [
        interval(),
        interval(),
        interval({ kind: "server", detail: "port 80", stack: [], test: "serves" }),
      ],
    });
    assert.deepEqual(
      reasons.map(({ what, since, place }) => [what, since, place?.line]),
      [
        [
          "an interval (every 1000 ms) and 1 more keep it alive",
          "created at poll.ts:12 in 'start', 1 min 1 s ago",
          12,
        ],
        [
          "a server (port 80) keeps it alive",
          "created by Node or a package, 1 min 1 s ago, in the test 'serves'",
          undefined,
        ],
        ["old has not ended", "mutex.lock for 9 s at orders.ts:44", 44],
        ["2 × young have not ended", "mutex.lock for 2 s to 3 s at orders.ts:41", 41],
      ],
    );
    assert.equal(summaryOf(reasons, true), "2 things are open, 3 tasks have not ended");
    assert.equal(summaryOf(reasons.slice(1, 2), true), "1 thing is open");
    assert.equal(summaryOf(reasons.slice(2, 3), false), "what is open was not watched, 1 task has not ended");
    assert.equal(summaryOf([], true), "nothing that is seen is open");
  });

  it("comes to rest when nothing starts, moves or is opened, however much time goes by", () => {
    const dump = { ...waiting().build(), handles: [interval()] };
    const later: Dump = {
      ...dump,
      capturedAt: dump.capturedAt + 5000,
      handles: [interval({ ageMs: 66_000 })],
      tasks: dump.tasks.map((task) => ({ ...task, ageMs: task.ageMs + 5000 })),
    };
    assert.equal(signatureOf(dump), signatureOf(later));
    assert.notEqual(signatureOf(dump), signatureOf({ ...dump, handles: [] }));
    assert.notEqual(signatureOf(dump), signatureOf({ ...dump, tasks: dump.tasks.slice(1) }));
  });
});
