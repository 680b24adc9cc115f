import assert from "node:assert/strict";
import type { ContendedWait } from "@unknot/protocol/contention.ts";
import { detect } from "./detectors/detect.ts";
import { overview } from "./overview.ts";
import { DumpBuilder, joins, waits, wants } from "./testing/dump-builder.ts";
import { shop } from "./testing/shop.ts";

describe("overview", () => {
  it("puts the deadlock first, then the largest groups", () => {
    const { groups, total } = overview(shop(), { membersPerGroup: 3 });
    assert.equal(total, 10);
    assert.deepEqual(
      groups.slice(0, 3).map(({ name, count, problem, members }) => ({ name, count, problem, members })),
      [
        { name: "OrderService.reserve", count: 1, problem: "D1", members: [7] },
        { name: "Billing.charge", count: 1, problem: "D1", members: [9] },
        { name: "consume", count: 5, problem: undefined, members: [11, 12, 13] },
      ],
    );
    assert.deepEqual([groups[2]?.minWaitMs, groups[2]?.maxWaitMs], [830_000, 870_000]);
  });

  it("refers to nothing that it does not contain", () => {
    const { groups, tasks, sites, resources, problems } = overview(shop(), { membersPerGroup: 1 });
    const ids = new Set(tasks.map((task) => task.id));
    for (const id of [...groups, ...problems].flatMap((each) =>
      "members" in each ? each.members : each.tasks,
    )) {
      assert.ok(ids.has(id));
    }
    for (const task of tasks) {
      for (const index of [task.at, task.entry, task.created]) assert.ok(index === undefined || sites[index]);
      if (task.wait?.on !== "resource") continue;
      const { resource } = task.wait;
      assert.ok(resources.some((each) => each.id === resource));
    }
    const consume = groups.find((group) => group.name === "consume");
    assert.equal(sites[consume?.at ?? -1]?.file, "/app/consume.ts");
  });

  it("cuts contention to its largest entries, which refer to the overview's own places", () => {
    const dump = shop();
    const wait = (at: number, totalMs: number): ContendedWait => ({
      stack: [at, 0],
      state: "mutex.lock",
      resource: { kind: "mutex", type: "async-mutex.Mutex", created: at },
      count: 1,
      totalMs,
      longestMs: totalMs,
    });
    const last = dump.sites.length - 1;
    const { contention, sites } = overview(
      {
        ...dump,
        contention: {
          forMs: 90_000,
          stepMs: 20,
          waits: Array.from({ length: 200 }, (_, index) => wait(last, 1000 - index)),
          holds: [
            {
              stack: [last],
              taken: 1,
              resource: { kind: "mutex", type: "async-mutex.Mutex" },
              count: 3,
              totalMs: 50,
              longestMs: 20,
              contended: 2,
              delayMs: 70,
            },
          ],
          dropped: 4,
        },
      },
      { membersPerGroup: 1 },
    );
    assert.equal(contention?.waits.length, 100);
    const [first] = contention?.waits ?? [];
    assert.equal(first?.totalMs, 1000);
    assert.deepEqual(
      [...(first?.stack ?? []), first?.resource?.created ?? -1].map((index) => sites[index]),
      [last, 0, last].map((index) => dump.sites[index]),
    );
    const [hold] = contention?.holds ?? [];
    assert.deepEqual(
      [hold?.stack[0] ?? -1, hold?.taken ?? -1].map((index) => sites[index]),
      [last, 1].map((index) => dump.sites[index]),
    );
  });

  it("keeps the key of a group from dump to dump", () => {
    const dump = (extra: boolean) => {
      const builder = new DumpBuilder();
      if (extra) builder.task(1, { at: "other.ts:1", wait: waits() });
      return builder.task(2, { name: "a", at: "a.ts:1", entry: "a.ts:0", wait: waits() }).build();
    };
    const keys = (extra: boolean) =>
      overview(dump(extra), { membersPerGroup: 1 }).groups.map((group) => group.key);
    assert.ok(keys(true).includes(keys(false)[0] ?? ""));
  });

  it("joins groups whose sites are the same place under another number", () => {
    const dump = new DumpBuilder()
      .task(1, { name: "a", at: "a.ts:1", wait: waits() })
      .task(2, { name: "b", at: "a.ts:1", wait: waits() })
      .build();
    assert.deepEqual(
      overview(dump, { membersPerGroup: 5 }).groups.map((group) => [group.count, group.members]),
      [[2, [1, 2]]],
    );
  });

  it("does not grow with the tasks", () => {
    const builder = new DumpBuilder()
      .mutex(1, "ledger", 100_001)
      .task(100_001)
      .task(1, { name: "main", wait: joins(...Array.from({ length: 99_000 }, (_, index) => index + 2)) });
    for (let id = 2; id <= 100_000; id++) {
      builder.task(id, { name: "pay", at: `pay.ts:${id % 50}`, parent: 1, wait: wants(1) });
    }
    const dump = builder.build();
    const problems = detect(dump);
    const small = overview({ ...dump, problems }, { membersPerGroup: 5 });
    assert.equal(small.groups.length, 52);
    assert.ok(JSON.stringify(small).length < 300_000, `${JSON.stringify(small).length}`);
    const ledger = small.resources.find((resource) => resource.name === "ledger");
    assert.deepEqual([ledger?.waiting, ledger?.waiters.length], [99_999, 5]);
    const main = small.tasks.find((task) => task.id === 1)?.wait;
    assert.ok(main?.on === "tasks" && main.count === 99_000 && main.tasks.length === 5);
  }).timeout(20_000);
});
