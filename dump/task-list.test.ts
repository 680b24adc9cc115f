import assert from "node:assert/strict";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { TaskId } from "@unknot/protocol/task.ts";
import { groupings, type TaskListRequest, taskOrders } from "@unknot/protocol/task-list.ts";
import fc from "fast-check";
import { detect } from "./detectors/detect.ts";
import { listTasks } from "./task-list.ts";
import { DumpBuilder, joins, waits, wants } from "./testing/dump-builder.ts";
import { shop } from "./testing/shop.ts";

const everything: TaskListRequest = { filter: "", by: "stack", order: "problem", offset: 0, limit: 100 };

/** The rows as `name ×count` for groups and `#id` (`#id +children`) for tasks. */
function listed(dump = shop(), request: Partial<TaskListRequest> = {}): readonly string[] {
  return listTasks(dump, { ...everything, ...request }).rows.map((row) =>
    row.kind === "group"
      ? `${row.name} ×${row.count}`
      : `${row.context ? "(" : ""}#${row.task}${row.children > 0 ? ` +${row.children}` : ""}${row.context ? ")" : ""}`,
  );
}

/** Dumps whose tasks wait for one another, for locks and for nothing known, and were started by any other. */
const dumps: fc.Arbitrary<Dump> = fc
  .array(
    fc.record({
      name: fc.constantFrom("a", "b", "c"),
      line: fc.integer({ min: 1, max: 3 }),
      parent: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
      wait: fc.oneof(
        fc.integer({ min: 1, max: 3 }).map((lock) => wants(lock)),
        fc.integer({ min: 1, max: 12 }).map((task) => joins(task)),
        fc.integer({ min: 0, max: 99_999 }).map((ms) => waits(ms)),
      ),
    }),
    { maxLength: 12 },
  )
  .map((tasks) => {
    const builder = new DumpBuilder().mutex(1, "one", 1).mutex(2, "two", 2).mutex(3, "three");
    for (const [index, { name, line, parent, wait }] of tasks.entries()) {
      const state = wait.on === "resource" ? "mutex.lock" : "await";
      builder.task(index + 1, {
        name,
        state,
        at: `${name}.ts:${line}`,
        wait,
        ...(parent === undefined ? {} : { parent }),
      });
    }
    const dump = builder.build();
    return { ...dump, problems: detect(dump) };
  });

describe("the list of tasks", () => {
  it("has every task once, however it is grouped, ordered and paged", () => {
    const by = fc.constantFrom(...groupings, "tree" as const, "flat" as const);
    const filter = fc.constantFrom("", "name:a", "-name:a", "state:mutex", "deadlock:any");
    fc.assert(
      fc.property(
        fc.record({ dump: dumps, by, order: fc.constantFrom(...taskOrders), reverse: fc.boolean(), filter }),
        fc.integer({ min: 1, max: 5 }),
        ({ dump, ...query }, limit) => {
          const found: TaskId[] = [];
          let context = 0;
          const level = (under: TaskListRequest["under"]) => {
            for (let offset = 0; ; offset += limit) {
              const request = { ...query, offset, limit, ...(under === undefined ? {} : { under }) };
              const page = listTasks(dump, request);
              assert.ok(page.rows.length <= limit);
              for (const row of page.rows) {
                if (row.kind === "group") level({ group: row.key });
                else {
                  assert.ok(page.tasks.some(({ id }) => id === row.task));
                  if (row.context) context++;
                  else found.push(row.task);
                  if (row.children > 0) level({ task: row.task });
                }
              }
              if (offset + limit >= page.count) return;
            }
          };
          level(undefined);
          const { matching } = listTasks(dump, { ...query, offset: 0, limit: 1 });
          assert.equal(found.length, matching);
          assert.equal(new Set(found).size, found.length);
          assert.ok(query.by === "tree" || context === 0);
        },
      ),
    );
  });

  it("puts those that wait at one place together, deadlocks first", () => {
    assert.deepEqual(listed().slice(0, 3), ["#7", "#9", "consume ×5"]);
    const { total, matching, count } = listTasks(shop(), everything);
    assert.deepEqual([total, matching, count], [10, 10, listed().length]);
  });

  it("says what a filter lets through", () => {
    const page = listTasks(shop(), { ...everything, filter: 'state:"chan receive"' });
    assert.deepEqual([page.total, page.matching, page.count], [10, 5, 1]);
    assert.throws(() => listTasks(shop(), { ...everything, filter: "age>soon" }), /needs a time/);
  });

  it("groups by every column, and finds the members of each group again", () => {
    for (const by of [...groupings, "label:req"] as const) {
      const page = listTasks(shop(), { ...everything, by });
      let members = 0;
      for (const row of page.rows) {
        if (row.kind === "task") {
          members++;
          continue;
        }
        const below = listTasks(shop(), { ...everything, by, under: { group: row.key } });
        assert.equal(below.count, row.count, `${by} ${row.key}`);
        members += below.count;
      }
      assert.equal(members, 10, by);
    }
    assert.deepEqual(listed(shop(), { by: "label:req" }), ["no label 'req' ×9", "r-81 ×1"]);
    assert.deepEqual(listed(shop(), { by: "state", order: "count" })[0], "chan receive ×5");
  });

  it("orders by every column, both ways", () => {
    for (const order of taskOrders) {
      const ids = listed(shop(), { by: "flat", order });
      assert.equal(new Set(ids).size, 10, order);
      const back = listed(shop(), { by: "flat", order, reverse: true });
      assert.deepEqual([...back].sort(), [...ids].sort());
      if (order === "id") assert.deepEqual(back, ids.toReversed());
    }
    const dump = new DumpBuilder()
      .task(1, { name: "b", ageMs: 1, wait: waits(5) })
      .task(2, { name: "a", ageMs: 2, wait: waits(3) })
      .build();
    assert.deepEqual(listed(dump, { by: "flat", order: "age" }), ["#2", "#1"]);
    assert.deepEqual(listed(dump, { by: "flat", order: "wait" }), ["#1", "#2"]);
    assert.deepEqual(listed(dump, { by: "flat", order: "name" }), ["#2", "#1"]);
  });

  it("gives those who wait for a resource in the order in which they will be served", () => {
    const built = new DumpBuilder()
      .mutex(4, "ledger", 9)
      .task(9, { name: "charge" })
      .task(1, { name: "x", state: "mutex.lock", wait: wants(4) })
      .task(2, { name: "y", state: "mutex.lock", wait: wants(4) })
      .build();
    const dump = {
      ...built,
      resources: built.resources.map((each) => ({ ...each, waiters: each.waiters.toReversed() })),
    };
    const page = listTasks(dump, { ...everything, by: "waits-for", filter: "state:mutex" });
    const [row] = page.rows;
    assert.ok(row?.kind === "group" && row.resource === 4);
    assert.ok(
      page.tasks.some(({ id }) => id === 9),
      "the holder is in the page",
    );
    const waiters = { by: "waits-for", order: "queue", under: { group: row.key } } as const;
    assert.deepEqual(listed(dump, waiters), ["#2", "#1"]);
  });

  it("shows who started whom, and what a match is started by", () => {
    const dump = new DumpBuilder()
      .task(1, { name: "main", wait: joins(2, 3) })
      .task(2, { name: "left", parent: 1 })
      .task(3, { name: "right", parent: 1 })
      .task(4, { name: "leaf", parent: 3 })
      .task(5, { name: "orphan", parent: 99 })
      .build();
    const tree = { by: "tree", order: "id" } as const;
    assert.deepEqual(listed(dump, tree), ["#1 +2", "#5"]);
    assert.deepEqual(listed(dump, { ...tree, under: { task: 1 as never } }), ["#2", "#3 +1"]);
    assert.deepEqual(listed(dump, { ...tree, filter: "leaf" }), ["(#1 +1)"]);
    assert.deepEqual(listed(dump, { ...tree, filter: "leaf", under: { task: 1 as never } }), ["(#3 +1)"]);
  });

  it("is of the size of a page, whatever the number of tasks", () => {
    const builder = new DumpBuilder().mutex(1, "till", 1).task(1);
    for (let id = 2; id <= 100_000; id++) {
      builder.task(id, { name: "visit", state: "mutex.lock", at: `visit.ts:${id % 7}`, wait: wants(1) });
    }
    const built = builder.build();
    const dump = { ...built, problems: detect(built) };
    for (const by of ["stack", "flat", "tree", "waits-for"] as const) {
      const page = listTasks(dump, { ...everything, by, order: "wait", filter: "visit", limit: 50 });
      assert.equal(page.matching, 99_999, by);
      assert.ok(JSON.stringify(page).length < 100_000, `${by} ${JSON.stringify(page).length}`);
    }
    const last = listTasks(dump, { ...everything, by: "flat", order: "id", offset: 99_990, limit: 50 });
    assert.equal(last.rows.length, 10);
  }).timeout(30_000);
});
