import assert from "node:assert/strict";
import { shop } from "@unknot/dump/testing/shop.ts";
import type { Dump, TestRun } from "@unknot/protocol/dump.ts";
import { judge, type Look } from "./judge.ts";

const patience = { overMs: 1000, restingMs: 5000, quietMs: 10_000 };
const turning = { state: "turning", sinceMs: 0 } as const;
const dump = (testRun?: Omit<TestRun, "tests">, more: Partial<Dump> = {}): Dump => ({
  ...shop(),
  loop: turning,
  ...(testRun === undefined ? {} : { testRun: { tests: 3, ...testRun } }),
  ...more,
});
const look = (dumps: readonly Dump[], nowMs: number, before?: Look) => judge(dumps, nowMs, before, patience);

describe("how a command stands that was asked why", () => {
  it("is over when its runner has ended and its process has not", () => {
    assert.equal(look([dump({ state: "ended", sinceMs: 999 })], 0).standing.is, "going");
    assert.equal(look([dump({ state: "ended", sinceMs: 1000 })], 0).standing.is, "over");
    // Of several processes with tests, all have to be done; one without tests is not asked.
    const done = dump({ state: "ended", sinceMs: 5000 });
    assert.equal(look([done, dump({ state: "running", sinceMs: 1 })], 0).standing.is, "going");
    const { standing } = look([dump(), done], 0);
    assert.deepEqual(standing, { is: "over", dumps: [done] });
  });

  it("is over after a long rest in which nothing has changed, when the runner does not say", () => {
    const resting = dump({ state: "resting", sinceMs: 60_000 });
    const first = look([resting], 100);
    assert.equal(first.standing.is, "going");
    assert.equal(look([resting], 5099, first.look).standing.is, "going");
    assert.equal(look([resting], 5100, first.look).standing.is, "over");
    const moved = dump({ state: "resting", sinceMs: 60_000 }, { tasks: resting.tasks.slice(1) });
    assert.equal(look([moved], 5100, first.look).standing.is, "going");
  });

  it("is quiet when nothing has changed for long: something still may", () => {
    const running = dump({ state: "running", sinceMs: 0 });
    const first = look([running], 0);
    const older = {
      ...running,
      tasks: running.tasks.map((task) => ({ ...task, ageMs: task.ageMs + 10_000 })),
    };
    assert.equal(look([older], 9999, first.look).standing.is, "going");
    const { standing } = look([older], 10_000, first.look);
    assert.deepEqual([standing.is, standing.is === "quiet" && standing.quietMs], ["quiet", 10_000]);
  });

  it("goes on while its loop is blocked, and before anything is seen", () => {
    const blocked = dump({ state: "ended", sinceMs: 9000 }, { loop: { state: "blocked", sinceMs: 9000 } });
    assert.equal(look([blocked], 0).standing.is, "going");
    assert.equal(look([], 1e9, { signature: "[]", sinceMs: 0 }).standing.is, "going");
  });
});
