import assert from "node:assert/strict";
import type { StackFrame } from "@unknot/protocol/stacks.ts";
import { stackTree } from "./stack-tree.ts";
import { DumpBuilder, joins, waits } from "./testing/dump-builder.ts";

function drawn(frames: readonly StackFrame[], indent = ""): readonly string[] {
  return frames.flatMap(({ name, count, own, below }) => [
    `${indent}${name} ${count}${own === count ? "" : ` (${own})`}`,
    ...drawn(below, `${indent}  `),
  ]);
}

function handlers(count: number) {
  const builder = new DumpBuilder()
    .task(1, { name: "main", entry: "main.ts:1", at: "main.ts:9", wait: joins(2) })
    .task(2, { name: "serve", entry: "serve.ts:1", at: "serve.ts:3", wait: joins(3) })
    .task(3, { name: "handle", entry: "http.ts:1", at: "http.ts:7", state: "IO wait", wait: waits(50) });
  for (let id = 4; id < 4 + count; id++)
    builder.task(id, {
      name: "tick",
      entry: "tick.ts:1",
      at: `tick.ts:${id}`,
      state: "sleep",
      wait: waits(id),
    });
  return builder.build();
}

describe("the tree of stacks", () => {
  it("puts a task below those that await it", () => {
    const tree = stackTree(handlers(2), { filter: "", most: 100 });
    assert.equal(tree.total, 5);
    assert.deepEqual(drawn(tree.frames), ["main 3 (1)", "  serve 2 (1)", "    handle 1", "tick 1", "tick 1"]);
    const [handle] = tree.frames[0]?.below[0]?.below ?? [];
    assert.deepEqual([handle?.state, handle?.maxWaitMs], ["IO wait", 50]);
    assert.equal(tree.sites[handle?.at ?? -1]?.line, 7);
  });

  it("keeps the callers of what a filter lets through", () => {
    const tree = stackTree(handlers(2), { filter: "handle", most: 100 });
    assert.deepEqual(drawn(tree.frames), ["main 1 (0)", "  serve 1 (0)", "    handle 1"]);
    assert.throws(() => stackTree(handlers(1), { filter: "wait>", most: 1 }), /needs a time/);
  });

  it("keeps the largest frames and says how many tasks it left out", () => {
    const tree = stackTree(handlers(500), { filter: "", most: 10 });
    assert.equal(drawn(tree.frames).length, 10);
    assert.equal(drawn(tree.frames)[0], "main 3 (1)");
    assert.equal(tree.leftOut, 493);
  });
});
