import assert from "node:assert/strict";
import { createLoopWatch } from "./loop-watch.ts";

const turnMs = 50;

/** A watch over a loop that turns whenever time passes, unless it stands. */
function watched() {
  let time = 1000;
  let turned = 0;
  let stands = false;
  const pass = (ms: number) => {
    for (let left = ms; left > 0; left--) {
      time++;
      if (!stands && time % turnMs === 0) turned++;
    }
  };
  const watch = createLoopWatch({
    now: () => time,
    turns: () => turned,
    turnMs,
    sleep: async (ms) => pass(ms),
  });
  return {
    watch,
    pass,
    stand(ms: number) {
      stands = true;
      pass(ms);
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
    assert.deepEqual(await watch.look(), { state: "blocked", sinceMs: 3000 });
  });

  it("knows that also when nobody has looked for a long time", async () => {
    const { watch, pass, stand } = watched();
    pass(60_000);
    stand(2000);
    assert.deepEqual(await watch.look(), { state: "blocked", sinceMs: 2000 });
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
