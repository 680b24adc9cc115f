import assert from "node:assert/strict";
import { DumpBuilder, waits, wants } from "@unknot/dump/testing/dump-builder.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import { deadlocked, snapshot } from "../../testing/sketches.ts";
import { layoutFrames, layoutGraph } from "./layout.ts";
import { readMessage } from "./messages.ts";
import { pictureOf } from "./picture.ts";

const pictureFor = (dump: Dump, membersPerGroup = 20) => pictureOf(snapshot(dump, {}, membersPerGroup));

function pool(builder: DumpBuilder, waiters: number): DumpBuilder {
  builder
    .resource("pool", 7, { name: "clients", capacity: 1, heldBy: [{ task: 50, site: "orders.ts:41" }] })
    .task(50, { name: "reserve", state: "IO wait", at: "orders.ts:43", wait: waits() });
  for (let id = 100; id < 100 + waiters; id++)
    builder.task(id, { name: "handle", state: "pool.acquire", at: "http.ts:5", wait: wants(7) });
  return builder;
}

describe("the picture of who waits for whom", () => {
  it("has the deadlock first, with its lines both ways, then what others wait for", () => {
    const { vertices, edges, sentences, leftOut } = pictureFor(pool(deadlocked(), 100).build());
    assert.deepEqual(
      vertices.slice(0, 4).map(({ title, deadlock }) => [title, deadlock]),
      [
        ["reserve", "D1"],
        ["charge", "D1"],
        ["'ledger'", "D1"],
        ["'stock'", "D1"],
      ],
    );
    const lines = edges.map(({ from, to, word }) => `${from} ${word} ${to}`);
    for (const line of [
      "task 7 waits for resource 1",
      "resource 1 held by task 9",
      "task 9 waits for resource 2",
      "resource 2 held by task 7",
      "resource 7 held by task 50",
      "resource 7 more waits for resource 7",
    ])
      assert.ok(lines.includes(line), `${line} in ${lines.join("; ")}`);
    assert.match(sentences[0]?.text ?? "", /^Deadlock D1: 'reserve' waits for 'ledger'/);
    assert.ok(sentences.some(({ text }) => text === "'clients' is held by reserve (task 50)."));
    assert.ok(sentences.some(({ text }) => text === "96 more wait for 'clients'."));
    assert.deepEqual(leftOut, []);
  });

  it("has no more than fits, and says what it left out", () => {
    const builder = new DumpBuilder();
    const first = 1_000;
    for (let n = 0; n < 400; n++) {
      const id = first + n;
      const wait = wants(first + ((n + 1) % 400));
      builder
        .mutex(id, `lock${id}`, id)
        .task(id, { name: `task${id}`, state: "mutex.lock", at: `a.ts:${id}`, wait });
    }
    const { vertices, edges, leftOut } = pictureFor(pool(builder, 10).build());
    assert.ok(vertices.length <= 80, `${vertices.length}`);
    assert.match(leftOut.join(", "), /more members of deadlocks/);
    const ids = new Set(vertices.map(({ id }) => id));
    for (const { from, to } of edges) assert.ok(ids.has(from) && ids.has(to));
  });

  it("names those who wait before it counts the others", () => {
    const texts = pictureFor(pool(deadlocked(), 20).build()).sentences.map(({ text }) => text);
    const more = texts.findIndex((text) => / more wait for /.test(text));
    const what = texts[more]?.split(" wait for ")[1] ?? "";
    const named = texts.flatMap((text, index) => (text.endsWith(` waits for ${what}`) ? [index] : []));
    assert.ok(more >= 0 && named.length > 0 && named.every((index) => index < more), texts.join("\n"));
  });

  it("is empty where nothing is known", () => {
    const { overview: _, ...fresh } = snapshot(new DumpBuilder().build());
    assert.deepEqual(pictureOf(fresh), { vertices: [], edges: [], sentences: [], leftOut: [] });
    assert.deepEqual(pictureFor(new DumpBuilder().build()).vertices, []);
  });

  it("says in words all that it draws, and nothing hostile", () => {
    const evil = "\u202e<img src=x>\n";
    const dump = new DumpBuilder()
      .mutex(1, evil, 1)
      .task(1, { name: evil })
      .task(2, { name: evil, state: "mutex.lock", wait: wants(1) })
      .build();
    const { vertices, edges, sentences } = pictureFor(dump);
    assert.ok(sentences.length >= edges.length && edges.length >= 2);
    for (const text of [
      ...vertices.flatMap(({ title, detail, spoken }) => [title, detail, spoken]),
      ...sentences.map((sentence) => sentence.text),
    ])
      assert.doesNotMatch(text, /[\u202e\n]/);
  });
});

describe("the layout", () => {
  it("keeps vertices apart, and parts that are not connected below one another in their order", () => {
    const { vertices, edges } = pictureFor(pool(deadlocked(), 9).build());
    const { vertices: placed, edges: lines, width, height } = layoutGraph(vertices, edges);
    assert.equal(placed.length, vertices.length);
    assert.equal(lines.length, edges.length);
    for (const [index, one] of placed.entries()) {
      assert.ok(one.x - one.width / 2 >= 0 && one.x + one.width / 2 <= width);
      assert.ok(one.y - one.height / 2 >= 0 && one.y + one.height / 2 <= height);
      for (const other of placed.slice(index + 1)) {
        const apart =
          Math.abs(one.x - other.x) >= (one.width + other.width) / 2 ||
          Math.abs(one.y - other.y) >= (one.height + other.height) / 2;
        assert.ok(apart, `${one.id} and ${other.id}`);
      }
    }
    const bottom = (ids: readonly string[]) =>
      Math.max(...placed.filter(({ id }) => ids.includes(id)).map(({ y }) => y));
    assert.ok(bottom(["task 7", "resource 1"]) < bottom(["resource 7"]), "the knot stands above the pool");
    for (const { points } of lines) assert.ok(points.length >= 2);
  });

  it("gives frames their share of the width, and those below what is left of it", () => {
    const leaf = (name: string, count: number) => ({ name, count, own: count, maxWaitMs: 0, below: [] });
    const { frames, tooNarrow } = layoutFrames([
      { name: "main", count: 750, own: 250, maxWaitMs: 0, below: [leaf("a", 499), leaf("b", 1)] },
      leaf("c", 250),
    ]);
    assert.deepEqual(
      frames.map(({ frame, depth, left, width }) => [frame.name, depth, left, width]),
      [
        ["main", 0, 0, 0.75],
        ["c", 0, 0.75, 0.25],
        ["a", 1, 0, 0.499],
      ],
    );
    assert.equal(tooNarrow, 1);
    assert.equal(frames[2]?.parent, frames[0]?.id);
    assert.deepEqual(layoutFrames([]), { frames: [], tooNarrow: 0 });
  });
});

describe("messages of the page", () => {
  it("are read only when they are some", () => {
    for (const message of [
      { kind: "ready" },
      { kind: "tab", tab: "stacks" },
      { kind: "choose", session: "s1" },
      { kind: "open", file: "/app/a.ts", line: 1, column: 2 },
    ])
      assert.deepEqual(readMessage(message), message);
    for (const other of [null, 1, {}, { kind: "quit" }, { kind: "tab", tab: "x" }, { kind: "open", file: 1 }])
      assert.equal(readMessage(other), undefined);
  });
});
