import assert from "node:assert/strict";
import type { Problem } from "@unknot/protocol/problem.ts";
import { buildDump } from "../dump-builder.ts";
import { addFact, createFacts } from "../facts.ts";
import * as layout from "../layout.ts";
import { copyOf, createTables } from "../tables.ts";
import { createDeadlockWatch } from "./deadlock-watch.ts";

/** A process with two locks and two tasks, and a clock that is turned by hand. */
function scene() {
  const tables = createTables();
  const facts = createFacts();
  addFact(facts, { kind: "type", index: 0, type: { kind: "mutex", name: "test.Lock" } });
  let nowMs = 0;
  const [rows] = tables.rows;
  const [resources] = tables.resources;
  assert.ok(rows !== undefined && resources !== undefined);
  const put = (row: number, words: Readonly<Record<number, number>>) => {
    for (const [word, value] of Object.entries(words)) rows[row * layout.rowWords + Number(word)] = value;
    tables.header[layout.headNextRow] = Math.max(tables.header[layout.headNextRow] ?? 0, row + 1);
  };
  for (const slot of [1, 2]) {
    resources[slot * layout.resourceWords + layout.resourceIdLow] = slot;
    resources[slot * layout.resourceWords + layout.resourceCapacity] = 1;
  }
  tables.header[layout.headNextResource] = 3;
  const found: { readonly problem: Problem; readonly atMs: number }[] = [];
  const watch = createDeadlockWatch({
    tables,
    now: () => nowMs,
    take: () =>
      buildDump(copyOf(tables), facts, () => undefined, {
        process: { pid: 1, threadId: 0, node: "v22.0.0", title: "", cwd: "", upMs: nowMs },
        capturedAt: nowMs,
        ticks: Math.floor(nowMs / layout.tickMs),
        by: "test",
        loop: { state: "turning", sinceMs: 0 },
        blind: [],
      }),
    found: (problem) => found.push({ problem, atMs: nowMs }),
  });
  const since = () => Math.floor(nowMs / layout.tickMs);
  return {
    found,
    tasks: {
      sleeps: (task: number) =>
        put(task, {
          [layout.rowSeqLow]: task,
          [layout.rowState]: layout.stateWaiting,
          [layout.rowSince]: since(),
          [layout.rowWaitRow]: layout.rowTimer,
        }),
      /** `operation` is the row of what it asks for. */
      wants: (task: number, lock: number, operation: number) => {
        put(operation, {
          [layout.rowSeqLow]: operation,
          [layout.rowState]: layout.stateOpWaiting,
          [layout.rowResource]: lock,
          [layout.rowAmount]: 1,
          [layout.rowAsker]: task,
          [layout.rowParent]: task,
        });
        put(task, {
          [layout.rowSeqLow]: task,
          [layout.rowState]: layout.stateWaiting,
          [layout.rowSince]: since(),
          [layout.rowEpoch]: operation,
          [layout.rowWaitRow]: operation,
          [layout.rowWaitSeq]: operation,
        });
      },
      holds: (task: number, lock: number, operation: number) =>
        put(operation, {
          [layout.rowSeqLow]: operation,
          [layout.rowState]: layout.stateOpHolding,
          [layout.rowResource]: lock,
          [layout.rowAmount]: 1,
          [layout.rowAsker]: task,
          [layout.rowParent]: task,
          [layout.rowFlags]: layout.flagOwn,
        }),
    },
    /** Lets time pass in the worker's ticks. */
    pass(ms: number, { active = false } = {}) {
      for (const end = nowMs + ms; nowMs < end; nowMs += 20) watch.look(active, true);
    },
    now: () => nowMs,
  };
}

describe("the deadlock watch", () => {
  const [one, other] = [10, 11];
  const [lock, second] = [1, 2];

  it("names a cycle within 100 ms, whatever was going on before, and once", () => {
    for (const before of [0, 20, 1000, 3600_000]) {
      for (const active of [false, true]) {
        const { tasks, pass, found, now } = scene();
        tasks.holds(one, lock, 20);
        tasks.sleeps(one);
        tasks.holds(other, second, 21);
        tasks.wants(other, lock, 22);
        pass(before, { active });
        assert.equal(found.length, 0);
        const closed = now();
        tasks.wants(one, second, 23);
        pass(20, { active: true });
        pass(2000, { active });
        assert.deepEqual(
          found.map(({ problem }) => [problem.verdict, problem.certainty, [...problem.tasks].sort()]),
          [["deadlock", "proved", [one, other]]],
        );
        assert.ok((found[0]?.atMs ?? Number.NaN) - closed <= 100, `${found[0]?.atMs} after ${closed}`);
      }
    }
  });

  it("never takes a long wait under a lock for one", () => {
    const { tasks, pass, found } = scene();
    tasks.holds(one, lock, 20);
    tasks.sleeps(one);
    tasks.holds(other, second, 21);
    tasks.wants(other, lock, 22);
    pass(60_000);
    pass(10_000, { active: true });
    assert.equal(found.length, 0);
  });

  it("says nothing of a cycle that was only there between two looks", () => {
    const { tasks, pass, found } = scene();
    tasks.holds(one, lock, 20);
    tasks.holds(other, second, 21);
    tasks.wants(other, lock, 22);
    tasks.wants(one, second, 23);
    pass(20, { active: true });
    // The first one gave up in time and asks for something else again.
    tasks.sleeps(one);
    pass(5000);
    assert.equal(found.length, 0);
  });
});
