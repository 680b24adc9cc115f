// That the probes notice what a model gets wrong: a lock of known behaviour, described rightly and wrongly.
import assert from "node:assert/strict";
import type { OperationModel, TypeModel } from "@unknot/models/model.ts";
import { type Job, probesOf } from "./probes.ts";

/** One holder; a second release of a hold frees the next holder's; failures reach the caller. */
class Lock {
  #held = false;
  readonly #waiters: (() => void)[] = [];

  async acquire(): Promise<() => void> {
    if (this.#held) await new Promise<void>((resolve) => this.#waiters.push(resolve));
    this.#held = true;
    return () => this.release();
  }

  release(): void {
    const next = this.#waiters.shift();
    if (next) next();
    else this.#held = false;
  }

  async run(job: Job): Promise<unknown> {
    const release = await this.acquire();
    try {
      return await job();
    } finally {
      release();
    }
  }
}

/** A channel that takes anything at any time. */
class Channel {
  readonly #values: unknown[] = [];
  #closed = false;
  #wake = Promise.withResolvers<void>();

  push(value: unknown): void {
    if (!this.#closed) this.#values.push(value);
    this.#wake.resolve();
  }

  close(): void {
    this.#closed = true;
    this.#wake.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    for (;;) {
      while (this.#values.length > 0) yield this.#values.shift();
      if (this.#closed) return;
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
    }
  }
}

const right: Readonly<Record<string, OperationModel>> = {
  acquire: {
    op: "acquire",
    await: true,
    handle: { form: "fn", double: "stealsHold" },
    alsoReleasedBy: ["release"],
  },
  release: { op: "release", unheld: "noop", double: "stealsHold" },
  run: { op: "scoped", await: true, fn: 0, onFloatReject: "unhandled" },
};
const channel: Readonly<Record<string, OperationModel>> = {
  push: { op: "trySend", value: 0, afterClose: "noop" },
  close: { op: "close", closeTwice: "noop" },
  "[Symbol.asyncIterator]": { op: "range", ends: "onClose" },
};

describe("probes", () => {
  it("agree with a right description", async () => {
    assert.deepEqual(await disagreements("mutex", 1, right, () => new Lock()), []);
    assert.deepEqual(await disagreements("channel", "Infinity", channel, () => new Channel()), []);
  });

  const wrong: readonly (readonly [what: string, capacity: number, members: typeof right])[] = [
    ["the capacity", 2, right],
    [
      "a harmless second release",
      1,
      {
        ...right,
        acquire: { ...right["acquire"], handle: { form: "fn", double: "noop" } } as OperationModel,
      },
    ],
    ["a release that throws", 1, { ...right, release: { op: "release", unheld: "throw" } }],
    ["a release that makes room", 1, { ...right, release: { op: "release", unheld: "grows" } }],
    [
      "a failure that is swallowed",
      1,
      { ...right, run: { op: "scoped", await: true, fn: 0, onFloatReject: "swallowed" } },
    ],
    ["the callback's place", 1, { ...right, run: { op: "scoped", await: true, fn: 1 } }],
    ["a waiter that is told", 1, { ...right, release: { op: "cancelWaiters" } }],
  ];
  for (const [what, capacity, members] of wrong) {
    it(`notice ${what}`, async () => {
      assert.notDeepEqual(await disagreements("mutex", capacity, members, () => new Lock()), []);
    });
  }

  it("notice what a closed channel does otherwise", async () => {
    const claims: readonly (typeof channel)[] = [
      { ...channel, push: { op: "trySend", value: 0, afterClose: "throw" } },
      { ...channel, close: { op: "close", closeTwice: "throw" } },
    ];
    for (const members of claims) {
      assert.notDeepEqual(await disagreements("channel", "Infinity", members, () => new Channel()), []);
    }
  });
});

/** The probes that fail. */
async function disagreements(
  kind: TypeModel["kind"],
  capacity: number | "Infinity",
  members: typeof right,
  make: () => unknown,
): Promise<string[]> {
  const failed: string[] = [];
  const probes = probesOf({
    kind,
    create: { new: "Lock", capacity },
    call: undefined,
    members: new Map(Object.entries(members)),
    version: "1.0.0",
    make,
  });
  assert.ok(probes.length > 0);
  for (const probe of probes) {
    try {
      await probe.run();
    } catch {
      failed.push(probe.name);
    }
  }
  return failed;
}
