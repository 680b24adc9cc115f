import assert from "node:assert/strict";
import { createLoopWatch } from "./loop-watch.ts";

const turnMs = 50;

/** A watch over a loop that turns whenever so much time passes, unless it stands; a sleep of the watch takes so long. */
function watched(everyMs = turnMs, leastSleepMs = 0) {
  let time = 1000;
  let turned = 0;
  let stands = false;
  const pass = (ms: number) => {
    for (let left = ms; left > 0; left--) {
      time++;
      if (!stands && time % everyMs === 0) turned++;
    }
  };
  const watch = createLoopWatch({
    now: () => time,
    turns: () => turned,
    turnMs,
    sleep: async (ms) => pass(Math.max(ms, leastSleepMs)),
  });
  return {
    watch,
    pass,
    stand(ms: number) {
      stands = true;
      pass(ms);
    },
    /** Neither the loop nor the watch runs. */
    starve(ms: number) {
      time += ms;
    },
    turnAgain() {
      stands = false;
    },
  };
}

describe("the watch over the event loop", () => {
  it("waits for the next turn before it says that the loop turns", async () => {
    const { watch, stand, pass } = watched();
    pass(500);
    watch.sample();
    stand(10);
    assert.equal((await watch.look()).state, "blocked");
  });

  it("says since when the loop stands", async () => {
    const { watch, pass, stand } = watched();
    pass(500);
    watch.sample();
    stand(3000);
    // Nobody looked meanwhile, so it is watched first.
    assert.deepEqual(await watch.look(), { state: "blocked", sinceMs: 3150 });
  });

  it("knows that also when nobody has looked for a long time", async () => {
    const { watch, pass, stand } = watched();
    pass(60_000);
    stand(2000);
    assert.deepEqual(await watch.look(), { state: "blocked", sinceMs: 2150 });
  });

  it("says so at once of a loop that it has watched", async () => {
    const { watch, pass, stand } = watched();
    pass(500);
    watch.sample();
    for (let ms = 0; ms < 3000; ms += 50) {
      stand(50);
      watch.sample();
    }
    assert.equal(watch.standsFor(), 3000);
    assert.deepEqual(await watch.look(), { state: "blocked", sinceMs: 3000 });
  });

  it("does not take for a stand what turns lack that came late one by one", async () => {
    const { watch, pass } = watched(turnMs + 1);
    pass(60_000);
    watch.sample();
    assert.equal(watch.standsFor(), 0);
    pass(60_000);
    assert.equal((await watch.look()).state, "turning");
  });

  it("does not take for a stand that the whole process was not given the processor", async () => {
    const { watch, pass, starve } = watched();
    pass(500);
    watch.sample();
    starve(700);
    assert.equal((await watch.look()).state, "turning");
  });

  it("ends when it is hardly given the processor itself", async () => {
    const { watch, stand } = watched(turnMs, 150);
    stand(1000);
    assert.equal((await watch.look()).state, "blocked");
  });

  it("counts from the last stand", async () => {
    const { watch, pass, stand, turnAgain } = watched();
    stand(1000);
    turnAgain();
    pass(turnMs);
    watch.sample();
    pass(400);
    assert.deepEqual(await watch.look(), { state: "turning", sinceMs: 450 });
  });

  it("takes no sleep of its own for a stand of the loop", async () => {
    const { watch, pass } = watched();
    pass(60_000);
    assert.deepEqual(await watch.look(), { state: "turning", sinceMs: 60_050 });
  });
});
