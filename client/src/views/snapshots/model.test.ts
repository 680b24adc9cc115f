import assert from "node:assert/strict";
import { DumpBuilder, waits } from "@unknot/dump/testing/dump-builder.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { Launch } from "../../sessions/launches.ts";
import { momentOf } from "../../sessions/session.ts";
import { deadlocked, drawn, flat, launch, snapshot } from "../../testing/sketches.ts";
import { linesOf } from "../tree/row.ts";
import { rowsOf, sidesOf } from "./model.ts";
import { createSnapshots, type Snapshots } from "./snapshots.ts";

function busy(handlers: number, capturedAt: number): Dump {
  const builder = new DumpBuilder();
  for (let id = 1; id <= handlers; id++)
    builder.task(id, { name: "handle", state: "IO wait", at: "http.ts:5", wait: waits(10) });
  return builder.build({ capturedAt });
}

function keep(snapshots: Snapshots, name: string, dump: Dump, file?: string) {
  const { overview, process } = snapshot(dump);
  assert.ok(overview);
  return snapshots.add({
    name,
    process,
    total: overview.total,
    moment: momentOf(overview),
    ...(file === undefined ? {} : { file }),
  });
}

describe("the rows of the Snapshots view", () => {
  const none: readonly Launch[] = [];

  it("are what was kept, and what has changed between two of them", () => {
    const snapshots = createSnapshots();
    keep(snapshots, "calm", busy(2, 1000), "/tmp/calm.json");
    keep(snapshots, "rush", busy(1500, 61_000));
    const [calm, rush] = sidesOf(none, snapshots);
    assert.ok(calm && rush);
    // The earlier one comes first, in whatever order they are chosen.
    snapshots.compare(rush, calm);
    const [comparison, ...kept] = rowsOf(none, snapshots);
    assert.ok(comparison);
    assert.deepEqual(drawn([comparison]), [
      "calm → rush | 1 min apart · 1 place grown",
      "  Grown | 1",
      "    2 → 1,500 × handle | IO wait · http.ts:5 · longest 10 ms > http.ts:5",
    ]);
    assert.deepEqual(linesOf(comparison).slice(1), [
      "Grown:",
      "  2 → 1,500 × handle · IO wait · http.ts:5 · longest 10 ms",
    ]);
    assert.deepEqual(
      kept.map(({ label, description = "" }) => [label, /groups only$/.test(description)]),
      [
        ["calm", false],
        ["rush", true],
      ],
    );
    snapshots.remove(comparison.id);
    assert.equal(rowsOf(none, snapshots).length, 2);
  });

  it("have the healthy moment by itself, and the program as it is now to compare with", () => {
    const dump = deadlocked().build({ capturedAt: 90_000 });
    const { overview } = snapshot(busy(3, 30_000));
    assert.ok(overview);
    const launches = [launch(snapshot(dump, { baseline: momentOf(overview) }))];
    const snapshots = createSnapshots();
    assert.match(drawn(rowsOf(launches, snapshots))[0] ?? "", /^Healthy, kept by itself \| 3 tasks · /);
    const [now, healthy] = sidesOf(launches, snapshots);
    assert.deepEqual([now?.name, healthy?.name], ["now", "healthy"]);
    assert.ok(now && healthy);
    snapshots.compare(now, healthy);
    const [comparison] = rowsOf(launches, snapshots);
    assert.match(comparison?.description ?? "", /1 new problem · 3 places new · 1 place gone$/);
    const rows = flat(comparison ? [comparison] : []);
    assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length);
    for (const row of rows) assert.ok(row.spoken.length > 0);
  });

  it("are as many as fit, the oldest go first", () => {
    const snapshots = createSnapshots();
    const gone = Array.from({ length: 22 }, (_, index) => keep(snapshots, `${index}`, busy(1, index))).flat();
    assert.deepEqual(
      gone.map(({ name }) => name),
      ["0", "1"],
    );
    const [first] = snapshots.list();
    snapshots.rename(first?.id ?? "", "renamed");
    assert.equal(snapshots.list()[0]?.name, "renamed");
    assert.equal(snapshots.list().length, 20);
  });
});
