import assert from "node:assert/strict";
import { overview } from "@unknot/dump/overview.ts";
import { DumpBuilder, waits, wants } from "@unknot/dump/testing/dump-builder.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { Launch } from "../../sessions/launches.ts";
import type { SessionSnapshot } from "../../sessions/session.ts";
import { deadlocked, drawn, flat, launch, snapshot } from "../../testing/sketches.ts";
import { linesOf, type Row } from "../tree/row.ts";
import { problemCount, rowsOf, summaryOf } from "./model.ts";

function problemRow(dump: Dump): Row {
  const [first] = rowsOf([launch(snapshot(dump))]);
  assert.equal(first?.kind, "problem");
  return first;
}

function find(rows: readonly Row[], label: string): Row {
  const found = flat(rows).find((row) => row.label === label);
  assert.ok(found, `${label} among ${flat(rows).map((row) => row.label)}`);
  return found;
}

describe("the rows of the Diagnosis view", () => {
  it("say the deadlock and its members first, then where the tasks wait, then what was not seen", () => {
    const rows = rowsOf([launch(snapshot(deadlocked().build()))]);
    assert.deepEqual(drawn(rows, 1), [
      "Deadlock D1: 'reserve' waits for 'ledger', which 'charge' holds, and 'charge' waits for 'stock', which 'reserve' holds; 1 task waits behind. | orders.ts:41 > orders.ts:41",
      "  reserve | waits for mutex 'ledger', held by charge (task 9) · orders.ts:41 · 40 s · task 7 > orders.ts:41",
      "  charge | waits for mutex 'stock', held by reserve (task 7) · billing.ts:77 · 40 s · task 9 > billing.ts:77",
      "Oldest tasks | started 1 min ago",
      "  reserve | waits for mutex 'ledger', held by charge (task 9) (deadlock D1) · orders.ts:41 · 1 min old · task 7 > orders.ts:41",
      "  charge | waits for mutex 'stock', held by reserve (task 7) (deadlock D1) · billing.ts:77 · 1 min old · task 9 > billing.ts:77",
      "Event loop | turns",
      "Coverage | 3 files traced, nothing dropped",
      "  Traced | 3 files",
      "  Library | async-mutex@0.5.0",
      "  Dropped | 0 events",
    ]);
  });

  it("tell of a task where it waits, for what, who holds that, what it holds and who created it", () => {
    const rows = rowsOf([launch(snapshot(deadlocked().build()))]);
    assert.deepEqual(drawn(find(rows, "reserve").children?.() ?? []), [
      "Awaits at | reserve · orders.ts:41 > orders.ts:41",
      "State | mutex.lock for 40 s, started 1 min ago",
      "Waits for | mutex 'ledger'",
      "Held by | charge (task 9) for 50 s · billing.ts:70 > billing.ts:70",
      "Holds | mutex 'stock' for 50 s · orders.ts:38 > orders.ts:38",
      "Created by | main (task 1) · index.ts:9 > index.ts:9",
    ]);
  });

  it("say of a file that only a part of a dump is in it, and which", () => {
    const state = { kind: "file", file: "/tmp/hung.taskdump" } as const;
    const part: Dump = { ...deadlocked().build(), filtered: { by: "state:mutex", of: 21 } };
    const row = find(rowsOf([launch(snapshot(part, { state }))]), "hung.taskdump");
    assert.match(
      row.description ?? "",
      new RegExp(`^taken .*, ${part.tasks.length} of 21 tasks: state:mutex$`),
    );
    const whole = find(rowsOf([launch(snapshot(deadlocked().build(), { state }))]), "hung.taskdump");
    assert.match(whole.description ?? "", /^taken [^,]*(, [^,]*)?$/);
  });

  it("name what holds up the most tasks, who holds it, and who waits", () => {
    const builder = new DumpBuilder()
      .resource("semaphore", 1, {
        name: "clients",
        capacity: 1,
        heldBy: [{ task: 50, site: "orders.ts:41" }],
      })
      .task(50, { name: "reserve", state: "IO wait", at: "orders.ts:43", wait: waits() });
    for (let id = 1; id <= 7; id++) {
      builder.task(id, { name: "handle", state: "pool.acquire", at: "http.ts:5", wait: wants(1) });
    }
    const rows = rowsOf([launch(snapshot(builder.build()))]);
    const row = rows.find(({ label }) => label === "Blockers");
    assert.ok(row?.open);
    assert.deepEqual(drawn([row], 2), [
      "Blockers | 1 resource or task holds others up",
      "  'clients' is held for 50 s by 'reserve' at orders.ts:41; 7 tasks wait behind > orders.ts:41",
      "    holds it: reserve | IO wait · orders.ts:43 · 40 s · task 50 > orders.ts:43",
      ...[1, 2, 3, 4].map(
        (id) => `    waits: handle | pool.acquire · http.ts:5 · 40 s · task ${id} > http.ts:5`,
      ),
      "    3 more tasks wait",
    ]);
  });

  it("answer first what holds up the most, when nothing is wrong for all that is known", () => {
    const dump = new DumpBuilder()
      .resource("pool", 1, { name: "clients", capacity: 1, heldBy: [{ task: 50, forMs: 900 }] })
      .task(50, { name: "reserve", state: "IO wait", at: "orders.ts:43", wait: waits(800) })
      .task(1, { name: "handle", state: "pool.acquire", at: "http.ts:5", wait: wants(1, "acquire", 700) })
      .build();
    assert.deepEqual(drawn(rowsOf([launch(snapshot(dump))]), 0).slice(0, 3), [
      "'clients' is held for 900 ms by 'reserve' at orders.ts:43; 1 task waits behind > orders.ts:43",
      "No deadlock found among 2 tasks | in async-mutex@0.5.0",
      "Blockers | 1 resource or task holds others up",
    ]);
  });

  it("say what came of looking for lost tasks", () => {
    const proof = { at: new Date(2026, 10, 23, 17, 14, 27).getTime(), tookMs: 80 };
    const row = (builder: DumpBuilder) =>
      drawn(rowsOf([launch(snapshot(builder.build(), { proof }))]), 0).filter((text) => /proof/.test(text));
    const waiting = { state: "event.wait", at: "jobs.ts:4" } as const;
    assert.deepEqual(row(new DumpBuilder().task(1, waiting)), [
      "Leak proof | no task is proved to be lost, at 17:14:27 in 80 ms",
    ]);
    assert.deepEqual(row(new DumpBuilder().task(1, { ...waiting, collected: "lost" })), [
      "Leak proof | 1 cause of tasks that can never go on, at 17:14:27 in 80 ms",
    ]);
  });

  it("count what is muted, and claim nothing of the rest", () => {
    const labels = (muted: number) =>
      rowsOf([launch(snapshot(new DumpBuilder().task(1).build(), { muted }))]).map(({ label }) => label);
    assert.equal(labels(2)[0], "2 problems muted");
    assert.ok(!labels(2).some((label) => label.startsWith("No deadlock")));
    assert.match(labels(0)[0] ?? "", /^No deadlock found/);
  });

  it("say what has changed since the program was healthy", () => {
    const busy = (handlers: number, idle: number) => {
      const builder = new DumpBuilder();
      for (let id = 1; id <= handlers; id++) {
        builder.task(id, { name: "handle", state: "IO wait", at: "http.ts:5", wait: waits() });
      }
      for (let id = 100; id < 100 + idle; id++)
        builder.task(id, { name: "idle", at: "i.ts:1", wait: waits() });
      return builder.build();
    };
    const then = overview(busy(2, 3), { membersPerGroup: 3 });
    const now = busy(7, 1);
    const change = { baseline: then };
    const since = (dump: Dump) =>
      rowsOf([launch(snapshot({ ...dump, capturedAt: dump.capturedAt + 1000 }, change))]).filter(
        ({ label }) => label.startsWith("Since"),
      );
    assert.deepEqual(drawn(since(now)).slice(1), [
      "  +5 handle | 2 → 7 · IO wait · http.ts:5 > http.ts:5",
      "  −2 idle | 3 → 1 · await · i.ts:1 > i.ts:1",
    ]);
    assert.equal(since(now)[0]?.description, "+3 tasks, 2 places changed");
    assert.deepEqual(since(busy(2, 3)), []);
  });

  it("lead to the await, the holder and the creator, and copy a task", () => {
    const row = find(rowsOf([launch(snapshot(deadlocked().build()))]), "reserve");
    assert.deepEqual(row.task?.holder, { file: "/app/billing.ts", line: 70, column: 3 });
    assert.deepEqual(row.task?.creator, { file: "/app/index.ts", line: 9, column: 3 });
    assert.equal(
      linesOf(row).join("\n"),
      [
        "task 7 reserve [mutex.lock (deadlock D1)]",
        "  Awaits at: reserve /app/orders.ts:41:3",
        "  State: mutex.lock for 40 s, started 1 min ago",
        "  Waits for: mutex 'ledger'",
        "  Held by: charge (task 9) for 50 s /app/billing.ts:70:3",
        "  Holds: mutex 'stock' for 50 s /app/orders.ts:38:3",
        "  Created by: main (task 1) /app/index.ts:9:3",
      ].join("\n"),
    );
  });

  it("say to a screen reader what the icons and colours say", () => {
    const rows = rowsOf([launch(snapshot(deadlocked().build()))]);
    assert.equal(
      find(rows, "reserve").spoken,
      "task 7 reserve, deadlocked in mutex.lock, waiting 40 s, waits for mutex 'ledger', held by charge (task 9)",
    );
    for (const row of flat(rows))
      assert.ok(row.spoken.length >= row.label.length || row.kind === "detail", row.label);
  });

  it("never show a zero alone", () => {
    const quiet = new DumpBuilder().task(1, { name: "main", kind: "main" }).build();
    assert.match(
      drawn(rowsOf([launch(snapshot(quiet))]))[0] ?? "",
      /^No deadlock found among 1 task \| in async-mutex@0\.5\.0/,
    );
    const bare = new DumpBuilder().build({ coverage: { ...quiet.coverage, instrumented: [] } });
    assert.match(drawn(rowsOf([launch(snapshot(bare))]))[0] ?? "", /^No pending tasks \| no library/);
    const partly = {
      instrumented: [],
      transformed: 1,
      untouched: [{ file: "/app/bundle.js", reason: "too large" }],
      blind: ["worker_threads (2)"],
      dropped: 7,
    };
    const rows = rowsOf([launch(snapshot(new DumpBuilder().build({ coverage: partly })))]);
    assert.equal(
      find(rows, "Coverage").description,
      "1 file not traced, worker_threads (2) not seen, 7 events dropped",
    );
  });

  it("name the state of the process", () => {
    const dump = new DumpBuilder().task(1).build();
    const first = (change: Partial<SessionSnapshot>) =>
      drawn(rowsOf([launch(snapshot(dump, change))]), 0)[0] ?? "";
    const { overview: _, ...fresh } = snapshot(dump);
    const connecting = (ms: number) =>
      drawn(rowsOf([launch({ ...fresh, state: { kind: "connecting", since: 1000 } })], 1000 + ms), 1);
    assert.deepEqual(connecting(900), ["Connecting to main.ts (4242)"]);
    assert.deepEqual(connecting(4900), ["Connecting to main.ts (4242) | for 4 s"]);
    assert.match(
      connecting(6000).join("\n"),
      /^Connecting to .* \| for 6 s\n {2}Tried \| .*\n {2}Program \| /,
    );
    assert.match(
      first({ state: { kind: "disconnected" } }),
      /^Disconnected \| the process is still there, as of \d\d:14:27$/,
    );
    assert.equal(
      drawn(rowsOf([launch(fresh)]))[0],
      "Connected to main.ts (4242) | waiting for the first dump",
    );
    assert.match(first({ paused: true }), /^Paused by the debugger \| as of \d\d:14:27$/);
    assert.match(first({ state: { kind: "ended", exitCode: 13 } }), /^Ended with code 13 \| as of/);
    assert.match(first({ state: { kind: "ended" } }), /^Ended \| as of/);
    assert.equal(first({ state: { kind: "failed", why: "Not\nallowed." } }), "No connection | Not allowed.");
  });

  it("say how many tasks are started, and whether events were lost", () => {
    const row = (rate: number, dropped: number) => {
      const dump = new DumpBuilder().task(1).build();
      const session = snapshot({ ...dump, coverage: { ...dump.coverage, dropped } }, { rate });
      const overview = session.overview && { ...session.overview, started: 12_345 };
      return find(rowsOf([launch({ ...session, ...(overview && { overview }) })]), "Tasks started");
    };
    assert.equal(row(1234.4, 0).description, "1,234 a second, 12,345 so far, none dropped");
    assert.equal(row(0.25, 0).description, "0.3 a second, 12,345 so far, none dropped");
    assert.equal(row(0, 7).description, "0 a second, 12,345 so far, 7 events dropped");
    assert.equal(row(0, 7).icon.name, "error");
  });

  it("estimate what tracing costs", () => {
    const text = (thread: number, beside: number) => {
      const session = snapshot(new DumpBuilder().task(1).build(), { cost: { thread, beside } });
      return find(rowsOf([launch(session)]), "Cost of tracing").description;
    };
    assert.equal(
      text(0.0004, 0.123),
      "less than 0.1 % of the program's thread, about 12 % of a core beside it",
    );
    assert.equal(text(0.0234, 0.04), "about 2.3 % of the program's thread, about 4.0 % of a core beside it");
  });

  it("offer to see what keeps a program alive, and tell how many things do", () => {
    const offer = (dump: Dump, change: Partial<SessionSnapshot>, handles?: number) => {
      const session = snapshot(dump, change);
      const overview = session.overview && { ...session.overview, ...(handles !== undefined && { handles }) };
      const rows = rowsOf([launch({ ...session, ...(overview && { overview }) })]);
      return drawn(rows.filter(({ offers }) => offers === "why"))[0];
    };
    const [none, one] = [new DumpBuilder().build(), new DumpBuilder().task(1).build()];
    const kinds = "timers, servers, sockets and child processes";
    assert.equal(offer(none, {}), `See what keeps it alive | ${kinds}`);
    assert.equal(offer(none, {}, 1), `See what keeps it alive | 1 open handle: ${kinds}`);
    assert.equal(offer(none, {}, 0), `See what keeps it alive | ${kinds}`);
    assert.equal(offer(none, { state: { kind: "ended" } }, 1), undefined);
    assert.deepEqual([offer(one, {}), offer(one, {}, 0)], [undefined, undefined]);
    assert.equal(offer(one, {}, 1200), `See what keeps it alive | 1,200 open handles: ${kinds}`);
  });

  it("blame the debugger and not the program for a loop that stands still", () => {
    const dump = new DumpBuilder()
      .task(1, { name: "spin" })
      .build({ loop: { state: "blocked", sinceMs: 4000 } });
    const running = [launch(snapshot(dump))];
    assert.match(drawn(rowsOf(running))[0] ?? "", /^The event loop has not turned for 4 s while 'spin' runs/);
    assert.equal(problemCount(running), 1);
  });

  it("begin with a loop that stands still, before that is a problem", () => {
    const blocked = { loop: { state: "blocked", sinceMs: 800 } } as const;
    const labels = (builder: DumpBuilder, change = {}) =>
      rowsOf([launch(snapshot(builder.build(blocked), change))]).map(({ label }) => label);
    const bare = labels(new DumpBuilder());
    assert.equal(bare[0], "Event loop");
    for (const idle of ["No pending tasks", "See what keeps it alive", "Event loop"])
      assert.ok(!bare.slice(1).includes(idle), idle);
    assert.deepEqual(labels(new DumpBuilder().task(1)).slice(0, 2), [
      "Event loop",
      "No deadlock found among 1 task",
    ]);
    assert.equal(labels(new DumpBuilder(), { paused: true })[1], "No pending tasks");
  });

  it("say what becomes of a launch without a process", () => {
    const row = (change: Partial<Launch>) => drawn(rowsOf([{ ...launch(), ...change }], 3500))[0];
    assert.equal(row({ since: 3000 }), "Waiting for 'Run main.ts' to start");
    assert.equal(row({ since: 1000 }), "Waiting for 'Run main.ts' to start | for 2 s");
    assert.match(
      row({ overdue: true }) ?? "",
      /^No traced program in 'Run main.ts' so far \| Node before 22.15/,
    );
    assert.equal(
      row({ running: false }),
      "'Run main.ts' has ended | It left no tasks behind, or could not be traced",
    );
    assert.equal(
      row({ untraced: "Node 20.20.2 can't be traced." }),
      "'Run main.ts' runs untraced | Node 20.20.2 can't be traced.",
    );
  });

  it("give several processes a row each", () => {
    const dump = deadlocked().build();
    const launches = [
      launch(snapshot(dump), snapshot(dump, { id: "s2", process: { ...dump.process, threadId: 3 } })),
    ];
    assert.deepEqual(drawn(rowsOf(launches), 0), [
      "main.ts (4242) | 3 tasks, 1 problem",
      "main.ts worker 3 (4242) | 3 tasks, 1 problem",
    ]);
    assert.equal(summaryOf(launches), "2 processes");
    assert.equal(summaryOf([launch(snapshot(dump))]), "main.ts (4242), 3 tasks");
    assert.equal(problemCount(launches), 2);
  });

  it("put the process with a problem first", () => {
    const well = new DumpBuilder().task(1, { name: "main", state: "IO wait", at: "index.ts:1" }).build();
    const runner = snapshot(well, { process: { ...well.process, title: "runner.js", pid: 1 } });
    assert.deepEqual(drawn(rowsOf([launch(runner, snapshot(deadlocked().build(), { id: "s2" }))]), 0), [
      "main.ts (4242) | 3 tasks, 1 problem",
      "runner.js (1) | 1 task",
    ]);
  });

  it("claim nothing of what a dump of Go does not tell, and name it after its file", () => {
    const built = new DumpBuilder()
      .task(7, { name: "main.worker", state: "chan send", at: "main.go:6" })
      .build();
    const process = { pid: 0, threadId: 0, node: "", title: "", cwd: "", upMs: 0 };
    const file = snapshot(
      { ...built, process, coverage: { ...built.coverage, instrumented: [], transformed: 0 } },
      { state: { kind: "file", file: "/tmp/go.taskdump" } },
    );
    const rows = drawn(rowsOf([launch(file)]), 0);
    assert.ok(
      rows.includes("No deadlock found among 1 task | the dump does not say who holds what"),
      rows.join("\n"),
    );
    assert.ok(!rows.some((row) => /^(Event loop|Coverage)/.test(row)), rows.join("\n"));
    assert.equal(summaryOf([launch(file)]), "go.taskdump, 1 task");
  });

  it("speak of the loop of a program that has ended as of what is past", () => {
    const loopOf = (change: Partial<SessionSnapshot>) =>
      drawn(rowsOf([launch(snapshot(deadlocked().build(), change))]), 0).find((row) =>
        row.startsWith("Event loop"),
      );
    assert.match(loopOf({}) ?? "", /\| turns/);
    assert.match(loopOf({ state: { kind: "ended" } }) ?? "", /\| turned/);
  });

  it("keep their identity from one dump to the next", () => {
    const ids = (dump: Dump) => flat(rowsOf([launch(snapshot(dump))])).map((row) => row.id);
    const now = ids(deadlocked().build());
    assert.deepEqual(ids(deadlocked().build({ capturedAt: 9 })), now);
    assert.equal(new Set(now).size, now.length);
  });

  it("keep the identity of a deadlock that more tasks wait behind", () => {
    const before = problemRow(deadlocked().build());
    const joined = deadlocked()
      .task(3, { name: "audit", state: "mutex.lock", at: "audit.ts:5", wait: wants(1) })
      .build();
    assert.notEqual(problemRow(joined).label, before.label);
    assert.equal(problemRow(joined).id, before.id);
    assert.deepEqual(
      problemRow(joined)
        .children?.()
        .slice(0, 2)
        .map((row) => row.id),
      before.children?.().map((row) => row.id),
    );
  });

  it("show hostile names as plain text of bounded length", () => {
    const evil = "\u202e$(trash)\n<img src=x onerror=alert(1)>[x](command:quit)";
    const dump = new DumpBuilder()
      .mutex(1, evil, 1)
      .task(1, {
        name: evil.repeat(50),
        state: "mutex.lock",
        at: "a.ts:1",
        wait: wants(1),
        labels: { [evil]: evil },
      })
      .build();
    for (const { label, description = "", spoken, tooltip } of flat(rowsOf([launch(snapshot(dump))]))) {
      for (const text of [label, description, spoken, ...(tooltip?.() ?? "").split("\n")]) {
        assert.doesNotMatch(text, /[\u202e\n]/);
        assert.ok(text.length < 600, text);
      }
    }
  });
});
