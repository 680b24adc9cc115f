import assert from "node:assert/strict";
import { setTimeout as after } from "node:timers/promises";
import { DumpBuilder } from "@unknot/dump/testing/dump-builder.ts";
import { createRecentDump } from "./recent-dump.ts";

describe("the recent dump", () => {
  it("answers what is asked together from one dump", async () => {
    let taken = 0;
    const recent = createRecentDump({
      take: async () => new DumpBuilder().build({ capturedAt: ++taken }),
      keepMs: 60_000,
    });
    const first = recent.next();
    assert.equal((await recent.last()).capturedAt, 1, "also while it is taken");
    assert.equal(await recent.last(), await first);
    assert.equal((await recent.next()).capturedAt, 2);
    assert.equal((await recent.last()).capturedAt, 2);
  });

  it("lets it go when nobody asks", async () => {
    let taken = 0;
    const recent = createRecentDump({
      take: async () => new DumpBuilder().build({ capturedAt: ++taken }),
      keepMs: 1,
    });
    await recent.next();
    // Due later than the one of a millisecond, which was started before.
    await after(2);
    assert.equal((await recent.last()).capturedAt, 2);
  });

  it("takes another one when one could not be taken", async () => {
    let taken = 0;
    const recent = createRecentDump({
      take: async () => {
        if (++taken === 1) throw new Error("no memory");
        return new DumpBuilder().build();
      },
      keepMs: 60_000,
    });
    await assert.rejects(recent.next(), /no memory/);
    await recent.last();
    assert.equal(taken, 2);
  });
});
