import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { createScheduler, type Scheduler } from "./scheduler.ts";

describe("scheduler", () => {
  let scheduler: Scheduler | undefined;
  afterEach(() => scheduler?.dispose());

  /** A scheduler whose runs end when the test says so. */
  const start = (isEager = false) => {
    const runs: { readonly signal: AbortSignal; readonly end: (error?: Error) => void }[] = [];
    const made = createScheduler({
      quietMs: () => 1,
      eager: () => isEager,
      run: (signal) =>
        new Promise((resolve, reject) => {
          runs.push({ signal, end: (error) => (error ? reject(error) : resolve()) });
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
    });
    scheduler = made;
    const run = async (index: number) => {
      while (runs[index] === undefined) await sleep(1);
      return runs[index];
    };
    return { scheduler: made, runs, run };
  };
  const never = new AbortController().signal;

  it("waits for a while with what somebody has asked for, when it is told to", async () => {
    const times: number[] = [];
    const made = createScheduler({
      quietMs: () => 1,
      askedMs: () => 40,
      eager: () => false,
      run: async () => void times.push(performance.now()),
    });
    scheduler = made;
    const asked = performance.now();
    await made.settled(never);
    // A timer may be a millisecond early.
    assert.ok((times[0] ?? 0) - asked >= 38);
  });

  it("runs once for all who wait, and not again until something changes", async () => {
    const { scheduler, runs, run } = start();
    const waiting = [scheduler.settled(never), scheduler.settled(never)];
    (await run(0)).end();
    await Promise.all([...waiting, scheduler.settled(never)]);
    assert.equal(runs.length, 1);
    scheduler.changed();
    const later = scheduler.settled(never);
    (await run(1)).end();
    await later;
  });

  it("stops a run when something changes, and lets them wait for the next", async () => {
    const { scheduler, runs, run } = start();
    const waiting = scheduler.settled(never);
    const first = await run(0);
    scheduler.changed();
    assert.ok(first.signal.aborted);
    (await run(1)).end();
    await waiting;
    assert.equal(runs.length, 2);
  });

  it("hands on an error to everybody until something changes", async () => {
    const { scheduler, runs, run } = start();
    const waiting = assert.rejects(scheduler.settled(never), /no memory/);
    (await run(0)).end(new Error("no memory"));
    await waiting;
    await assert.rejects(scheduler.settled(never), /no memory/);
    assert.equal(runs.length, 1);
    scheduler.changed();
    const later = scheduler.settled(never);
    (await run(1)).end();
    await later;
  });

  it("does nothing that nobody waits for, unless results are sent unasked", async () => {
    const lazy = start();
    lazy.scheduler.changed();
    await sleep(20);
    assert.equal(lazy.runs.length, 0);
    lazy.scheduler.dispose();
    const eager = start(true);
    eager.scheduler.changed();
    (await eager.run(0)).end();
  });

  it("lets go of those who stop waiting", async () => {
    const { scheduler, run } = start();
    const controller = new AbortController();
    const waiting = assert.rejects(scheduler.settled(controller.signal), /enough/);
    const other = scheduler.settled(never);
    await run(0);
    controller.abort(new Error("enough"));
    await waiting;
    await assert.rejects(scheduler.settled(AbortSignal.abort(new Error("too late"))), /too late/);
    (await run(0)).end();
    await other;
  });

  it("ends with everybody who waits", async () => {
    const { scheduler, run } = start();
    const waiting = assert.rejects(scheduler.settled(never));
    const { signal } = await run(0);
    scheduler.dispose();
    await waiting;
    assert.ok(signal.aborted);
  });
});
