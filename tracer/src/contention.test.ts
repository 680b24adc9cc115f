import assert from "node:assert/strict";
import fc from "fast-check";
import { createContention, readContention } from "./contention.ts";
import {
  firstRow,
  headClock,
  rowAt,
  rowJoinerRow,
  rowJoinerSeq,
  rowParent,
  rowSeqLow,
  rowSince,
  rowSite,
  rowState,
  rowWaitRow,
  rowWaitSeq,
  rowWords,
  stateOpHolding,
  stateWaiting,
} from "./layout.ts";
import { createTables } from "./tables.ts";

function scene() {
  const tables = createTables();
  const contention = createContention(tables, { entryOf: () => undefined });
  const [rows] = tables.rows;
  assert.ok(rows);
  return {
    ...contention,
    row(row: number, words: Readonly<Record<number, number>>) {
      for (const [word, value] of Object.entries({ [rowSeqLow]: row, ...words })) {
        rows[row * rowWords + Number(word)] = value;
      }
    },
    clock(ticks: number) {
      tables.header[headClock] = ticks;
    },
    read: () => readContention(tables.contention),
  };
}

const lock = { type: 0, created: 7 };

describe("contention", () => {
  it("keeps sums by place, however large they become", () => {
    const wait = fc.record({
      site: fc.integer({ min: 1, max: 5 }),
      ticks: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
      resource: fc.option(fc.record({ type: fc.nat(2), created: fc.nat(2) }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(wait), (waits) => {
        const { row, clock, waitedFor, read } = scene();
        const sums = new Map<string, { count: number; total: number; longest: number }>();
        for (const { site, ticks, resource } of waits) {
          row(firstRow, { [rowSite]: site, [rowSince]: 0 });
          clock(ticks);
          waitedFor(firstRow, "mutex.lock", resource);
          if (ticks === 0) continue;
          const key = JSON.stringify([site, resource?.type, resource?.created ?? 0]);
          const sum = sums.get(key) ?? { count: 0, total: 0, longest: 0 };
          sums.set(key, {
            count: sum.count + 1,
            total: sum.total + ticks,
            longest: Math.max(sum.longest, ticks),
          });
        }
        const { entries, lost } = read();
        assert.equal(lost, 0);
        assert.deepEqual(
          new Map(
            entries.map(({ stack, type, created, count, total, longest }) => [
              JSON.stringify([stack[0], type, created]),
              { count, total, longest },
            ]),
          ),
          sums,
        );
      }),
    );
  });

  it("counts what finds its table full", () => {
    const { row, clock, waitedFor, read } = scene();
    clock(10);
    for (let site = 1; site <= 1030; site++) {
      row(firstRow, { [rowSite]: site, [rowSince]: 5 });
      waitedFor(firstRow, "queued", undefined);
    }
    const { entries, lost } = read();
    assert.equal(entries.length, 1024);
    assert.equal(lost, 6);
    // What has its entry goes on to be counted.
    row(firstRow, { [rowSite]: 3, [rowSince]: 5 });
    waitedFor(firstRow, "queued", undefined);
    assert.deepEqual(
      read()
        .entries.filter(({ count }) => count > 1)
        .map(({ stack, count, total }) => ({ stack, count, total })),
      [{ stack: [3], count: 2, total: 10 }],
    );
  });

  it("shows who awaits, and no more frames than there is room for when tasks await one another in a ring", () => {
    const { row, clock, waited, held, read } = scene();
    const [first, second, third] = [firstRow, firstRow + 1, firstRow + 2];
    const waits = (at: number, target: number, joiner: number) => ({
      [rowState]: stateWaiting,
      [rowAt]: at,
      [rowWaitRow]: target,
      [rowWaitSeq]: target,
      [rowJoinerRow]: joiner,
      [rowJoinerSeq]: joiner,
    });
    clock(9);
    row(first, waits(11, 0, second));
    row(second, waits(12, first, third));
    row(third, waits(13, second, second));
    waited(first, true);
    assert.deepEqual(
      read().entries.map(({ kind, state, stack, total }) => ({ kind, state, stack, total })),
      [{ kind: "wait", state: "await", stack: [11, 12, 13], total: 9 }],
    );
    // Who waits for a task is in that one's stack.
    waited(second, true);
    assert.equal(read().entries.length, 1);
    row(second, waits(12, third, third));
    row(third, waits(13, second, second));
    row(first, waits(11, 0, 0));
    const operation = firstRow + 3;
    row(operation, { [rowState]: stateOpHolding, [rowSite]: 20, [rowSince]: 1, [rowParent]: 0 });
    held(operation, lock, { mark: 30, by: third, delay: 1.5 });
    const hold = read().entries.find(({ kind }) => kind === "hold");
    assert.deepEqual(hold?.stack, [30, 12, 13, 12, 13, 12, 13, 12]);
    assert.deepEqual(
      [hold?.taken, hold?.created, hold?.count, hold?.total, hold?.contended, hold?.delay],
      [20, 7, 1, 8, 1, 1.5],
    );
  });
});
