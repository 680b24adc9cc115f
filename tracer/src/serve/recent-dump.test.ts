import assert from "node:assert/strict";
import { setTimeout as after } from "node:timers/promises";
import { DumpBuilder } from "@unknot/dump/testing/dump-builder.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import { createRecentDump } from "./recent-dump.ts";

const when = ({ capturedAt }: Dump) => capturedAt;

describe("the recent dump", () => {
  let taken = 0;
  const take = async () => new DumpBuilder().build({ capturedAt: ++taken });
  beforeEach(() => {
    taken = 0;
  });

  it("answers what is asked together from one dump", async () => {
    const recent = createRecentDump({ take, keepMs: 60_000 });
    const first = recent.next(when);
    assert.equal(await recent.last(when), 1, "also while it is taken");
    assert.equal(await first, 1);
    assert.equal(await recent.next(when), 2);
    assert.equal(await recent.last(when), 2);
  });

  it("lets it go when nobody asks, and not while an answer takes its time", async () => {
    const recent = createRecentDump({ take, keepMs: 1 });
    const slowly = (dump: Dump) => {
      const end = performance.now() + 20;
      while (performance.now() < end);
      return when(dump);
    };
    const both = [recent.next(slowly), recent.last(slowly)];
    assert.deepEqual(await Promise.all(both), [1, 1]);
    // Due later than the timer of a millisecond, which was started before.
    await after(2);
    assert.equal(await recent.last(when), 2);
  });

  it("takes another one when one could not be taken", async () => {
    const recent = createRecentDump({
      async take() {
        if (++taken === 1) throw new Error("no memory");
        return new DumpBuilder().build();
      },
      keepMs: 60_000,
    });
    await assert.rejects(recent.next(when), /no memory/);
    await recent.last(when);
    assert.equal(taken, 2);
  });

  it("keeps it when a question makes no sense", async () => {
    const recent = createRecentDump({ take, keepMs: 60_000 });
    await recent.next(when);
    const refuse = () => {
      throw new Error("which filter?");
    };
    await assert.rejects(recent.last(refuse), /which filter/);
    assert.equal(await recent.last(when), 1);
  });
});
