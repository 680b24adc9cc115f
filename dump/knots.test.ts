import assert from "node:assert/strict";
import type { TaskId, Wait } from "@unknot/protocol/task.ts";
import fc from "fast-check";
import { findKnots, stuckVertices } from "./knots.ts";
import { DumpBuilder, joins, races, waits, wants } from "./testing/dump-builder.ts";
import { resourceAt, waitForGraph } from "./wait-for-graph.ts";

type JoinWait = Extract<Wait, { on: "tasks" }>;

const knotsOf = (builder: DumpBuilder) => findKnots(waitForGraph(builder.build()));
const tasksOf = (builder: DumpBuilder) => knotsOf(builder).map((knot) => knot.tasks);

describe("knots", () => {
  it("finds two locks taken in opposite orders, in the order of the cycle", () => {
    const builder = new DumpBuilder()
      .task(9, { wait: wants(3) })
      .task(7, { wait: wants(4) })
      .mutex(3, "stock", 7)
      .mutex(4, "ledger", 9);
    const [knot, ...others] = knotsOf(builder);
    assert.deepEqual(others, []);
    assert.deepEqual(knot?.tasks, [7, 9]);
    assert.deepEqual(knot.resources, [4, 3]);
    assert.equal(knot.proved, true);
  });

  it("is silent about a long chain that ends in a running task", () => {
    const builder = new DumpBuilder().task(1);
    for (let id = 2; id <= 50; id++) builder.mutex(id, `lock${id}`, id - 1).task(id, { wait: wants(id) });
    assert.deepEqual(tasksOf(builder), []);
  });

  it("counts who waits behind a knot without calling them part of it", () => {
    const builder = new DumpBuilder()
      .mutex(1, "a", 1)
      .mutex(2, "b", 2)
      .task(1, { wait: wants(2) })
      .task(2, { wait: wants(1) })
      .task(3, { wait: wants(1) })
      .task(4, { wait: joins(3) })
      .task(5, { wait: races(3, 6) })
      .task(6);
    const [knot] = knotsOf(builder);
    assert.deepEqual(knot?.tasks, [1, 2]);
    assert.equal(knot.behind, 2);
  });

  it("sees a race as stuck only when every alternative is", () => {
    const cycle = new DumpBuilder().task(1, { wait: races(2, 3) }).task(2, { wait: joins(1) });
    assert.deepEqual(tasksOf(cycle.task(3)), []);
    assert.deepEqual(tasksOf(cycle.task(3, { wait: joins(1) })), [[1, 2, 3]]);
  });

  it("sees a join as stuck as soon as one of its tasks is", () => {
    const builder = new DumpBuilder()
      .task(1, { wait: joins(2, 3) })
      .task(2)
      .task(3, { wait: joins(1) });
    assert.deepEqual(tasksOf(builder), [[1, 3]]);
  });

  it("does not take a task that hangs on somebody else's knot for a knot of its own", () => {
    // 3 could go on through 1, so its cycle with 4 is only as stuck as 1 is.
    const builder = new DumpBuilder()
      .task(1, { wait: joins(2) })
      .task(2, { wait: joins(1) })
      .task(3, { wait: races(1, 4) })
      .task(4, { wait: joins(3) });
    assert.deepEqual(tasksOf(builder), [[1, 2]]);
  });

  it("knows a lock that is wanted again by its holder", () => {
    const builder = new DumpBuilder().mutex(1, "a", 5).task(5, { wait: wants(1) });
    assert.deepEqual(tasksOf(builder), [[5]]);
  });

  it("follows a scoped operation to its callback, and only there", () => {
    const builder = new DumpBuilder()
      .mutex(1, "a", 1)
      .task(1, { wait: wants(1, "scoped") })
      .task(2, { parent: 1, kind: "callback", wait: joins(3) })
      .task(3, { parent: 2, wait: wants(1) });
    assert.deepEqual(tasksOf(builder), [[1, 2, 3]]);
    // Another child of the holder waits for the lock while the callback is busy: that is no deadlock.
    const busy = new DumpBuilder()
      .mutex(1, "a", 1)
      .task(1, { wait: wants(1, "scoped") })
      .task(2, { parent: 1, kind: "callback", wait: waits() })
      .task(3, { parent: 1, wait: wants(1) });
    assert.deepEqual(tasksOf(busy), []);
  });

  describe("permits and slots", () => {
    const limiter = (capacity: number, ...jobs: number[]) =>
      new DumpBuilder().resource("queue", 1, { name: "limit", capacity, heldBy: jobs });

    it("is stuck when every slot is taken by work that waits for the limiter", () => {
      const builder = limiter(2, 1, 2)
        .task(1, { kind: "job", wait: joins(3) })
        .task(2, { kind: "job", wait: joins(4) })
        .task(3, { kind: "job", state: "queued", wait: wants(1, "submit") })
        .task(4, { kind: "job", state: "queued", wait: wants(1, "submit") });
      const [knot] = knotsOf(builder);
      assert.deepEqual(new Set(knot?.tasks), new Set([1, 2, 3, 4]));
      assert.equal(knot?.proved, true);
    });

    it("goes on while one slot is free or its holder works", () => {
      const waiting = (builder: DumpBuilder) =>
        builder
          .task(1, { kind: "job", wait: joins(3) })
          .task(3, { kind: "job", state: "queued", wait: wants(1, "submit") });
      assert.deepEqual(tasksOf(waiting(limiter(2, 1))), []);
      assert.deepEqual(tasksOf(waiting(limiter(2, 1, 2)).task(2, { wait: waits() })), []);
    });

    it("is stuck when a job waits until its own queue is idle", () => {
      assert.deepEqual(tasksOf(limiter(5, 1).task(1, { kind: "job", wait: wants(1, "waitIdle") })), [[1]]);
      assert.deepEqual(tasksOf(limiter(5, 1).task(1, { kind: "job", wait: wants(1, "waitEmpty") })), []);
    });

    it("claims semaphores by who can give back", () => {
      const semaphore = (release: "scope" | "handle" | "anyone" | undefined) =>
        knotsOf(
          new DumpBuilder()
            .resource("semaphore", 1, {
              capacity: 1,
              heldBy: [release === undefined ? { task: 1 } : { task: 1, release }],
            })
            .task(1, { wait: wants(1) }),
        ).map((knot) => knot.proved);
      assert.deepEqual(semaphore("scope"), [true]);
      assert.deepEqual(semaphore("handle"), [false]);
      assert.deepEqual(semaphore("anyone"), []);
      assert.deepEqual(semaphore(undefined), []);
    });

    it("claims locks by who can give back", () => {
      const lock = (
        release: "scope" | "task" | "handle" | "anyone",
        loop: "turning" | "ended" = "turning",
      ) => {
        const builder = new DumpBuilder()
          .resource("mutex", 1, { heldBy: [{ task: 1, release }] })
          .task(1, { wait: wants(1) });
        const dump = builder.build({ loop: { state: loop, sinceMs: 0 } });
        return findKnots(waitForGraph(dump)).map((knot) => knot.proved);
      };
      assert.deepEqual(lock("scope"), [true]);
      assert.deepEqual(lock("task"), [true]);
      assert.deepEqual(lock("anyone"), [false]);
      // A timer may have got the release function.
      assert.deepEqual(lock("handle"), []);
      assert.deepEqual(lock("handle", "ended"), [true]);
    });

    it("claims nothing over waits that end by themselves", () => {
      const wait = { ...wants(1), cancellable: true } as const;
      assert.deepEqual(tasksOf(new DumpBuilder().mutex(1, "a", 1).task(1, { wait })), []);
    });

    it("lets a failing task end a wait that fails fast", () => {
      const fails = (other: Parameters<DumpBuilder["task"]>[1]) =>
        tasksOf(
          new DumpBuilder()
            .mutex(1, "a", 1)
            .task(1, { wait: { ...(joins(2, 3) as JoinWait), failsFast: true } })
            .task(2, { wait: wants(1) })
            .task(3, other),
        );
      assert.deepEqual(fails({ state: "sleep", wait: waits() }), []);
      assert.deepEqual(fails({ wait: wants(1) }), [[1, 2, 3]]);
    });
  });

  it("lets a reader behind a waiting writer wait for every holder", () => {
    const rw = (writer: boolean) => {
      const builder = new DumpBuilder().resource("rwlock", 1, { heldBy: [1, 2] }).task(2, { wait: waits() });
      if (writer) builder.task(3, { state: "rwlock.lock", wait: wants(1) });
      return tasksOf(builder.task(1, { state: "rwlock.rlock", wait: wants(1) }));
    };
    assert.deepEqual(rw(true), [[1]]);
    assert.deepEqual(rw(false), []);
  });

  it("proves nothing from what it does not know", () => {
    const unknownHolder = new DumpBuilder().mutex(1, "a", {}).task(1, { wait: wants(1) });
    const goneHolder = new DumpBuilder().mutex(1, "a", 99).task(1, { wait: wants(1) });
    const endedHolder = new DumpBuilder()
      .mutex(1, "a", 2)
      .task(2, { state: "rejected", wait: wants(1) })
      .task(1, { wait: wants(1) });
    const inferred = new DumpBuilder()
      .mutex(1, "a", 1)
      .task(1, { wait: { on: "tasks", tasks: [2 as TaskId], need: "all", exact: false, sinceMs: 12_000 } })
      .task(2, { wait: wants(1) });
    const channel = new DumpBuilder().resource("channel", 1, {}).task(1, { wait: wants(1, "receive") });
    for (const builder of [unknownHolder, goneHolder, endedHolder, inferred, channel]) {
      assert.deepEqual(tasksOf(builder), []);
    }
  });

  it("takes 100,000 tasks in one chain or one cycle without recursion", () => {
    const size = 100_000;
    const ring = new DumpBuilder();
    for (let id = 1; id <= size; id++) ring.task(id, { wait: joins(id === size ? 1 : id + 1) });
    const [knot] = knotsOf(ring);
    assert.equal(knot?.tasks.length, size);
    assert.deepEqual(tasksOf(ring.task(size)), []);
  }).timeout(20_000);

  describe("against the definition, tried out on small systems", () => {
    const sketch = fc.oneof(
      fc.constant({ on: "nothing" } as const),
      fc.record({ on: fc.constant("lock" as const), lock: fc.nat(2) }),
      fc.record({
        on: fc.constantFrom("all" as const, "any" as const),
        tasks: fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 3 }),
      }),
      fc.constant({ on: "slot" } as const),
    );
    const system = fc.record({
      tasks: fc.array(sketch, { minLength: 1, maxLength: 6 }),
      holders: fc.tuple(fc.nat(5), fc.nat(5), fc.nat(5)),
      jobs: fc.uniqueArray(fc.nat(5), { minLength: 2, maxLength: 2 }),
    });
    type System = typeof system extends fc.Arbitrary<infer T> ? T : never;

    const build = ({ tasks, holders, jobs }: System, order: readonly number[]) => {
      const builder = new DumpBuilder();
      for (const [index, holder] of holders.entries()) builder.mutex(index, `lock${index}`, holder);
      builder.resource("queue", 9, { capacity: 2, heldBy: jobs });
      for (const index of order) {
        const task = tasks[index];
        if (task === undefined || task.on === "nothing") builder.task(index);
        else if (task.on === "lock") builder.task(index, { wait: wants(task.lock) });
        else if (task.on === "slot") builder.task(index, { wait: wants(9, "submit") });
        else builder.task(index, { wait: task.on === "all" ? joins(...task.tasks) : races(...task.tasks) });
      }
      return builder.build();
    };

    /** Which tasks can still move, by trying again and again; `free` ones are assumed to. */
    const stuckByDefinition = ({ tasks, holders, jobs }: System, free: (index: number) => boolean) => {
      const moves = new Set<number>();
      const exists = (index: number) => index < tasks.length;
      for (let changed = true; changed; ) {
        changed = false;
        for (const [index, task] of tasks.entries()) {
          const gone = (other: number) => !exists(other) || moves.has(other);
          const able =
            free(index) ||
            task.on === "nothing" ||
            (task.on === "lock" && gone(holders[task.lock] ?? 99)) ||
            (task.on === "slot" && jobs.some(gone)) ||
            (task.on === "all" && task.tasks.every(gone)) ||
            (task.on === "any" && task.tasks.some(gone));
          if (able && !moves.has(index)) {
            moves.add(index);
            changed = true;
          }
        }
      }
      return tasks.flatMap((_, index) => (moves.has(index) ? [] : [index]));
    };

    it("finds exactly the stuck tasks", () => {
      fc.assert(
        fc.property(system, (each) => {
          const graph = waitForGraph(build(each, [...each.tasks.keys()]));
          const stuck = stuckVertices(graph);
          const found = graph.dump.tasks.flatMap((task, vertex) => (stuck[vertex] === 1 ? task.id : []));
          assert.deepEqual(
            found,
            stuckByDefinition(each, () => false),
          );
        }),
        { numRuns: 2000 },
      );
    });

    it("names knots that are stuck by themselves, disjoint, and behind which everything else is stuck", () => {
      fc.assert(
        fc.property(system, (each) => {
          const knots = findKnots(waitForGraph(build(each, [...each.tasks.keys()])));
          const members = knots.flatMap((knot) => knot.tasks);
          assert.equal(new Set(members).size, members.length);
          for (const knot of knots) {
            const own = new Set<number>(knot.tasks);
            const alone = stuckByDefinition(each, (index) => !own.has(index));
            assert.deepEqual(
              alone,
              [...own].sort((a, b) => a - b),
            );
          }
          const inKnot = new Set<number>(members);
          assert.deepEqual(
            stuckByDefinition(each, (index) => inKnot.has(index)),
            [],
          );
        }),
        { numRuns: 2000 },
      );
    });

    it("does not depend on the order of the tasks", () => {
      const shuffled = system.chain((each) =>
        fc.tuple(
          fc.constant(each),
          fc.shuffledSubarray([...each.tasks.keys()], { minLength: each.tasks.length }),
        ),
      );
      fc.assert(
        fc.property(shuffled, ([each, order]) => {
          const parts = (dump: ReturnType<typeof build>) =>
            findKnots(waitForGraph(dump)).map((knot) => [...knot.tasks].sort((a, b) => a - b));
          assert.deepEqual(parts(build(each, order)), parts(build(each, [...each.tasks.keys()])));
        }),
      );
    });
  });

  it("tells a resource from a task", () => {
    const graph = waitForGraph(new DumpBuilder().task(1).mutex(2, "a").mutex(3, "b").build());
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((vertex) => resourceAt(graph, vertex)?.name),
      [undefined, "a", "a", "b", "b"],
    );
  });
});
