import assert from "node:assert/strict";
import * as layout from "../layout.ts";
import { createTables } from "../tables.ts";
import { createGrowthWatch, isGrowing } from "./growth-watch.ts";

const stepMs = 10_000;

/** Tasks that come and go while a clock is turned by hand. */
function scene() {
  const tables = createTables();
  const rows = tables.rows[0] as Int32Array;
  let nowMs = 0;
  let next = layout.firstRow;
  const ticksAt = (ms: number) => Math.floor(ms / layout.tickMs);
  const watch = createGrowthWatch({ tables, now: () => nowMs, ticksAt, everyMs: stepMs });
  const set = (row: number, word: number, value: number) => {
    rows[row * layout.rowWords + word] = value;
  };
  const free: number[] = [];
  return {
    come(tasks: number, words: Readonly<Record<number, number>> = {}): number[] {
      return Array.from({ length: tasks }, () => {
        const row = free.pop() ?? next++;
        tables.header[layout.headNextRow] = next;
        set(row, layout.rowSeqLow, row);
        set(row, layout.rowAt, 7);
        set(row, layout.rowCreated, 3);
        set(row, layout.rowWaitRow, 0);
        set(row, layout.rowJoinerRow, 0);
        set(row, layout.rowSince, ticksAt(nowMs));
        for (const [word, value] of Object.entries(words)) set(row, Number(word), value);
        set(row, layout.rowState, words[layout.rowState] ?? layout.stateWaiting);
        return row;
      });
    },
    go(leaving: readonly number[]) {
      for (const row of leaving) set(row, layout.rowState, layout.stateFree);
      free.push(...leaving);
    },
    /** In each of so many seconds, `each` happens. */
    pass(seconds: number, each: (second: number) => void = () => {}) {
      for (let second = 0; second < seconds; second++) {
        nowMs += 1000;
        each(second);
        watch.look();
      }
    },
    found: () => watch.growing().map(({ at, created }) => [at, created]),
    watch,
  };
}

describe("the watch over places where ever more tasks wait", () => {
  it("tells of tasks that come all the time and never go, and of how many there were", () => {
    const { come, pass, found, watch } = scene();
    pass(69, () => come(2));
    assert.deepEqual(found(), [], "one count is missing");
    pass(31, () => come(2));
    assert.deepEqual(found(), [[7, 3]]);
    const [place] = watch.growing();
    assert.equal(place?.overMs, 60_000);
    assert.deepEqual([place?.counts.length, place?.counts.at(-1)], [7, 180]);
  });

  it("tells of a backlog that is worked off too slowly", () => {
    const { come, go, pass, found } = scene();
    const waiting: number[] = [];
    pass(120, () => {
      waiting.push(...come(10));
      go(waiting.splice(0, 4));
    });
    assert.deepEqual(found(), [[7, 3]]);
  });

  it("finds out slowly where only some tasks a minute stay", () => {
    const { come, pass, found } = scene();
    pass(45 * 60, (second) => second % 20 === 0 && come(1));
    assert.deepEqual(found(), [[7, 3]]);
  });

  it("says nothing of a steady load, however long each request takes", () => {
    for (const lastsSeconds of [1, 15, 70]) {
      const { come, go, pass, found } = scene();
      const waiting: number[][] = [];
      pass(1200, (second) => {
        // More in one minute than in the next one.
        waiting.push(come(Math.floor(second / 60) % 2 === 0 ? 12 : 9));
        if (waiting.length > lastsSeconds) go(waiting.shift() ?? []);
        if (second > lastsSeconds + 70) assert.deepEqual(found(), [], `${lastsSeconds} s, second ${second}`);
      });
    }
  });

  it("says nothing of a pool that warms up and of a batch that is started at once", () => {
    const pool = scene();
    pool.pass(300, (second) => second < 50 && pool.come(1));
    assert.deepEqual(pool.found(), []);

    const batch = scene();
    const jobs = batch.come(5000);
    batch.pass(200, () => {
      batch.go(jobs.splice(0, 20));
      assert.deepEqual(batch.found(), []);
    });
  });

  it("forgets a place that grows no more", () => {
    const { come, pass, found } = scene();
    pass(100, () => come(2));
    assert.deepEqual(found(), [[7, 3]]);
    pass(40);
    assert.deepEqual(found(), []);
  });

  it("leaves out what a timer, another process or a combination of promises is waited for with", () => {
    const { come, pass, found } = scene();
    const [operation = 0] = come(1, {
      [layout.rowState]: layout.stateOpWaiting,
      [layout.rowOperation]: layout.operations.indexOf("io"),
    });
    const [join = 0] = come(1, { [layout.rowState]: layout.stateJoinAll });
    pass(120, () => {
      come(2, { [layout.rowWaitRow]: layout.rowTimer });
      come(2, { [layout.rowWaitRow]: layout.rowNever, [layout.rowAt]: 8 });
      come(2, { [layout.rowWaitRow]: operation, [layout.rowWaitSeq]: operation, [layout.rowAt]: 9 });
      come(2, { [layout.rowJoinerRow]: join, [layout.rowJoinerSeq]: join, [layout.rowAt]: 10 });
      come(2, { [layout.rowFlags]: layout.flagCollected, [layout.rowAt]: 11 });
    });
    assert.deepEqual(found(), []);
  });

  it("wants every count to rise, by sixty in all, and no slower in the end", () => {
    assert.equal(isGrowing([0, 10, 20, 30, 40, 50, 60]), true);
    assert.equal(isGrowing([0, 10, 20, 30, 40, 50, 59]), false);
    assert.equal(isGrowing([0, 10, 20, 30, 40, 40, 60]), false);
    assert.equal(isGrowing([0, 10, 20, 30, 29, 50, 60]), false);
    assert.equal(isGrowing([100, 110, 120, 130, 140, 150, 199]), false);
    assert.equal(isGrowing([0, 50, 80, 90, 95, 98, 99]), false);
  });
});
