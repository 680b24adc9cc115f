import assert from "node:assert/strict";
import { detect } from "./detectors/detect.ts";
import { changedCounts, diffDumps } from "./diff.ts";
import { overview } from "./overview.ts";
import { DumpBuilder, joins, waits } from "./testing/dump-builder.ts";

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
