import assert from "node:assert/strict";
import type { Contention } from "@unknot/protocol/contention.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import { detect } from "./detectors/detect.ts";
import { changedCounts, diffDumps, diffMoments } from "./diff.ts";
import { overview } from "./overview.ts";
import { DumpBuilder, joins, waits } from "./testing/dump-builder.ts";
import { busyShop, shop } from "./testing/shop.ts";

describe("diffDumps", () => {
  const dumpOf = (ids: readonly number[], stuck = false) => {
    const builder = new DumpBuilder();
    for (const id of ids) builder.task(id, { name: "serve", at: "s.ts:1", wait: waits(id * 1000) });
    builder
      .task(90, { at: "a.ts:1", wait: joins(91) })
      .task(91, { at: "a.ts:2", wait: stuck ? joins(90) : waits() });
    const dump = builder.build();
    return { ...dump, problems: detect(dump) };
  };
  const later = (dump: ReturnType<typeof dumpOf>, ms: number) => ({
    ...dump,
    capturedAt: dump.capturedAt + ms,
    process: { ...dump.process, upMs: dump.process.upMs + ms + 300 },
  });

  it("follows tasks of one process", () => {
    const diff = diffDumps(dumpOf([1, 2]), later(dumpOf([2, 3, 4], true), 60_000));
    assert.equal(diff.sameProcess, true);
    assert.equal(diff.elapsedMs, 60_000);
    assert.deepEqual([diff.started, diff.ended], [[3, 4], [1]]);
    assert.deepEqual(
      diff.groups.map(({ name, before, after, maxWaitMs, at }) => [name, before, after, maxWaitMs, at?.line]),
      [["serve", 2, 3, 4000, 1]],
    );
    assert.deepEqual(
      diff.newProblems.map((problem) => problem.verdict),
      ["deadlock"],
    );
    assert.deepEqual(diff.goneProblems, []);
  });

  it("compares only groups of two processes", () => {
    const other = { ...dumpOf([7]), process: { ...dumpOf([]).process, pid: 1 } };
    const diff = diffDumps(dumpOf([1, 2], true), other);
    assert.equal(diff.sameProcess, false);
    assert.deepEqual([diff.started, diff.ended], [[], []]);
    assert.deepEqual(
      diff.groups.map(({ before, after }) => [before, after]),
      [[2, 1]],
    );
    assert.equal(diff.goneProblems.length, 1);
  });

  it("finds nothing between equal dumps", () => {
    const diff = diffDumps(dumpOf([1]), dumpOf([1]));
    assert.deepEqual([diff.groups, diff.started, diff.ended, diff.newProblems], [[], [], [], []]);
  });
});

describe("changedCounts", () => {
  it("compares overviews as diffDumps compares dumps, also when tasks have got stuck since", () => {
    const at = (ids: readonly number[], stuck: boolean) => {
      const builder = new DumpBuilder();
      for (const id of ids) builder.task(id, { name: "serve", at: "s.ts:1", wait: waits(1000) });
      builder
        .task(90, { at: "a.ts:1", wait: joins(91) })
        .task(91, { at: "a.ts:2", wait: stuck ? joins(90) : waits() });
      const dump = builder.build();
      return { ...dump, problems: detect(dump) };
    };
    const [before, after] = [at([1], false), at([1, 2, 3], true)];
    const changes = changedCounts(
      overview(before, { membersPerGroup: 1 }),
      overview(after, { membersPerGroup: 1 }),
    );
    assert.deepEqual(changes, diffDumps(before, after).groups);
    assert.deepEqual(
      changes.map(({ name, before: was, after: is }) => [name, was, is]),
      [["serve", 1, 3]],
    );
  });
});

describe("diffMoments", () => {
  const at = (elapsedMs: number, sketch: (builder: DumpBuilder) => DumpBuilder) => {
    const dump = sketch(new DumpBuilder()).build();
    const later = { ...dump, capturedAt: dump.capturedAt + elapsedMs, problems: detect(dump) };
    return overview(later, { membersPerGroup: 1 });
  };
  const names = (changes: readonly { readonly name: string }[]) => changes.map(({ name }) => name);

  it("tells new places from those that are gone, have grown or shrunk, and whose wait is the same", () => {
    const before = at(0, (builder) =>
      builder
        .task(1, { name: "left", at: "left.ts:1", wait: waits(10) })
        .task(2, { name: "queue", at: "queue.ts:1", wait: waits(10) })
        .task(3, { name: "drain", at: "drain.ts:1", wait: waits(10) })
        .task(4, { name: "drain", at: "drain.ts:1", wait: waits(20) })
        .task(5, { name: "stuck", at: "stuck.ts:1", wait: waits(5000) })
        .task(6, { name: "served", at: "served.ts:1", wait: waits(5000) }),
    );
    const after = at(60_000, (builder) =>
      builder
        .task(2, { name: "queue", at: "queue.ts:1", wait: waits(10) })
        .task(12, { name: "queue", at: "queue.ts:1", wait: waits(10) })
        .task(3, { name: "drain", at: "drain.ts:1", wait: waits(10) })
        .task(5, { name: "stuck", at: "stuck.ts:1", wait: waits(65_000) })
        .task(16, { name: "served", at: "served.ts:1", wait: waits(4000) })
        .task(17, { name: "fresh", at: "fresh.ts:1", wait: waits(10) })
        .task(90, { name: "one", at: "a.ts:1", wait: joins(91) })
        .task(91, { name: "other", at: "a.ts:2", wait: joins(90) }),
    );
    const diff = diffMoments(before, after);
    assert.equal(diff.elapsedMs, 60_000);
    assert.deepEqual(names(diff.fresh).sort(), ["fresh", "one", "other"]);
    assert.deepEqual(names(diff.gone), ["left"]);
    assert.deepEqual(names(diff.grown), ["queue"]);
    assert.deepEqual(names(diff.shrunk), ["drain"]);
    assert.deepEqual(names(diff.older), ["stuck"]);
    assert.deepEqual([diff.newProblems.length, diff.goneProblems.length], [1, 0]);
  });

  it("finds nothing in one moment", () => {
    const now = at(0, (builder) => builder.task(1, { name: "a", at: "a.ts:1", wait: waits() }));
    assert.deepEqual(Object.values(diffMoments(now, now)), [0, [], [], [], [], [], [], []]);
  });
});

describe("what was waited between two dumps", () => {
  const busy = busyShop();
  const later = (more: Partial<Contention>, startedLater = 0): Dump => ({
    ...busy,
    capturedAt: busy.capturedAt + 1000,
    process: { ...busy.process, upMs: busy.process.upMs + 1000 - startedLater },
    ...(busy.contention === undefined ? {} : { contention: { ...busy.contention, ...more } }),
  });

  it("is the difference, by place, whatever numbers the places have", () => {
    const [first, second] = busy.contention?.waits ?? [];
    assert.ok(first && second);
    // What the later dump has in its first place was not known to the earlier one.
    const sites = [{ file: "/new.ts", line: 1, column: 1 }, ...busy.sites];
    const tasks = busy.tasks.map(({ at: _at, entry: _entry, created: _created, ...task }) => task);
    const waits = [
      {
        ...first,
        stack: first.stack.map((index) => index + 1),
        count: first.count + 3,
        totalMs: first.totalMs + 500,
      },
      { ...second, stack: second.stack.map((index) => index + 1) },
      { ...second, stack: [0], count: 1, totalMs: 900 },
    ];
    const { waited, stillProblems } = diffDumps(busy, { ...later({ waits }), sites, tasks });
    assert.deepEqual(
      waited.map(({ state, resource, at, count, totalMs }) => [
        state,
        resource?.name,
        at?.file,
        count,
        totalMs,
      ]),
      [
        ["await", undefined, "/new.ts", 1, 900],
        ["mutex.lock", "ledger", "/app/orders.ts", 3, 500],
      ],
    );
    assert.equal(stillProblems.length, busy.problems.length);
  });

  it("is nothing when they are of two processes", () => {
    assert.deepEqual(diffDumps(busy, later({ waits: [] }, 60_000)).waited, []);
    assert.deepEqual(diffDumps(shop(), later({}, 60_000)).waited, []);
  });
});
