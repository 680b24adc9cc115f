import assert from "node:assert/strict";
import { slotBytes, slots } from "./channel.ts";
import { checkEveryMs, createWatchdog } from "./watchdog.ts";

describe("watchdog", () => {
  const budgets = { openMs: 4 * checkEveryMs, questionMs: 2 * checkEveryMs, silentMs: 6 * checkEveryMs };

  /** After how many checks something is said to hang. */
  const checksUntil = (
    waiting: number,
    act: (numbers: Int32Array, check: number) => void = () => undefined,
  ) => {
    const numbers = new Int32Array(new SharedArrayBuffer(slotBytes));
    const watchdog = createWatchdog(numbers, budgets);
    numbers[slots.waiting] = waiting;
    for (let check = 1; check <= 20; check += 1) {
      act(numbers, check);
      const ailment = watchdog.check();
      if (ailment !== undefined) return [check, ailment];
    }
    return undefined;
  };

  it("gives every kind of waiting its own time", () => {
    assert.deepEqual(checksUntil(1), [5, "typescript"]);
    assert.deepEqual(checksUntil(2), [3, "typescript"]);
    assert.deepEqual(checksUntil(0), [7, "worker"]);
  });

  it("starts anew with every sign of life", () => {
    const beat = (numbers: Int32Array, check: number) => {
      if (check % 2 === 0) Atomics.add(numbers, slots.pulse, 1);
    };
    assert.equal(checksUntil(2, beat), undefined);
    assert.equal(checksUntil(0, beat), undefined);
  });
});
