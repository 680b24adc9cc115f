import assert from "node:assert/strict";
import { parseFilter } from "@unknot/dump/filter.ts";
import { DumpBuilder, waits } from "@unknot/dump/testing/dump-builder.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { TaskQuery } from "@unknot/protocol/task-list.ts";
import { deadlocked, drawn, flat, launch, loaded, snapshot } from "../../testing/sketches.ts";
import { listRoots } from "../tree/list-rows.ts";
import { linesOf, markdownOf } from "../tree/row.ts";
import { messageOf, rowsOfPage, titleOfList } from "./model.ts";
import { filterHelp } from "./query-words.ts";

const byStack: TaskQuery = { filter: "", by: "stack", order: "problem" };

const rowsFor = (dump: Dump, query: Partial<TaskQuery> = {}, options = {}) =>
  loaded(dump, { ...byStack, ...query }, rowsOfPage, options);

function crowd(count: number): Dump {
  const builder = deadlocked();
  for (let id = 10; id < 10 + count; id++)
    builder.task(id, { name: "consumer", state: "chan receive", at: "consume.ts:5", wait: waits(id * 1000) });
  return builder.build();
}

describe("the help for filters", () => {
  it("has examples that are filters", () => {
    for (const { example } of filterHelp) assert.ok(parseFilter(example).ok, example);
  });
});

describe("the rows of the Tasks view", () => {
  it("are the places where tasks wait, those in deadlocks first", () => {
    assert.deepEqual(drawn(rowsFor(crowd(3)), 0), [
      "reserve | waits for mutex 'ledger', held by charge (task 9) (deadlock D1) · orders.ts:41 · 40 s · task 7 > orders.ts:41",
      "charge | waits for mutex 'stock', held by reserve (task 7) (deadlock D1) · billing.ts:77 · 40 s · task 9 > billing.ts:77",
      "3 × consumer | chan receive · consume.ts:5 · 10 s to 12 s > consume.ts:5",
      "main | waits for 2 tasks · index.ts:30 · 40 s · task 1 > index.ts:30",
    ]);
  });

  it("tell all that is known of a task", () => {
    const main = rowsFor(crowd(0)).find(({ label }) => label === "main");
    assert.deepEqual(drawn(main?.children?.() ?? []), [
      "Awaits at | main · index.ts:30 > index.ts:30",
      "State | join for 40 s, started 1 min ago",
      "Waits for | all of reserve (task 7), charge (task 9) · orders.ts:41 > orders.ts:41",
    ]);
  });

  it("are a tree by who started whom, when asked", () => {
    assert.deepEqual(
      drawn(rowsFor(crowd(0), { by: "tree" }), 1).map((line) => line.split(" | ")[0]),
      ["main (2)", "  reserve", "  charge"],
    );
    const filtered = rowsFor(crowd(0), { by: "tree", filter: "reserve" });
    assert.deepEqual(
      filtered.map(({ label, spoken }) => [label, spoken.includes("does not match the filter itself")]),
      [["main (1) ·", true]],
    );
  });

  it("show a part of a large level, with thousands told apart, and offer the rest", () => {
    const rows = rowsFor(crowd(12_345), {}, { limit: 3 });
    const group = rows.find(({ label }) => label === "12,345 × consumer");
    assert.deepEqual(
      group?.children?.().map(({ kind, label }) => `${kind} ${label}`),
      ["task consumer", "task consumer", "task consumer", "more 3 of 12,345 shown"],
    );
    assert.equal(group?.children?.()[3]?.level, group?.below?.level);
    assert.equal(rows.at(-1)?.label, "3 of 4 shown");
  });

  it("say that nothing matches, and of how many", () => {
    assert.deepEqual(drawn(rowsFor(crowd(2000), { filter: "nowhere" })), [
      "No task matches the filter | of 2,003 tasks",
    ]);
    assert.deepEqual(drawn(rowsFor(new DumpBuilder().build())), ["No pending tasks"]);
  });

  it("say in title and message how tasks are listed", () => {
    assert.equal(titleOfList(byStack), "by where they wait");
    assert.equal(
      titleOfList({ ...byStack, by: "label:tenant", order: "wait", reverse: true }),
      "by label tenant, by wait reversed",
    );
    assert.equal(messageOf(byStack, []), undefined);
    const page = { matching: 12, total: 100_000 } as never;
    assert.equal(
      messageOf({ ...byStack, filter: "wait>30s" }, [page]),
      "Filter wait>30s: 12 of 100,000 tasks",
    );
  });

  it("have a row for each process when there are several", () => {
    const dump = crowd(1);
    assert.equal(listRoots([launch(snapshot(dump))], "tasks", byStack).kind, "list");
    const two = listRoots([launch(snapshot(dump), snapshot(dump, { id: "s2" }))], "tasks", byStack);
    assert.deepEqual(two.kind === "rows" && two.rows.map(({ below }) => below?.session), ["s1", "s2"]);
    assert.deepEqual(listRoots([launch()], "tasks", byStack), { kind: "rows", rows: [] });
  });

  it("have identities of their own that stay from one dump to the next", () => {
    const ids = (change = {}) => flat(rowsFor({ ...crowd(4), ...change })).map(({ id }) => id);
    assert.equal(new Set(ids()).size, ids().length);
    assert.deepEqual(ids({ capturedAt: 9 }), ids());
  });

  it("copy as text and as Markdown, in which names of the program stay names", () => {
    const evil = "<img src=x>[a](command:quit) *b*";
    const dump = new DumpBuilder().task(1, { name: evil, at: "a.ts:1", wait: waits() }).build();
    const [row] = rowsFor(dump);
    assert.ok(row);
    assert.equal(linesOf(row)[0], `task 1 ${evil} [await]`);
    assert.equal(
      markdownOf(row).split("\n")[0],
      "**task 1 \\<img src=x\\>\\[a\\]\\(command:quit\\) \\*b\\* \\[await\\]**",
    );
  });
});
