import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import type { TestRun } from "@unknot/protocol/dump.ts";
import type { Handle } from "@unknot/protocol/handle.ts";
import type { OverRelease } from "@unknot/protocol/over-release.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { Wait } from "@unknot/protocol/task.ts";
import { DumpBuilder, joins, races, waits, wants } from "../testing/dump-builder.ts";
import { detect, detectors } from "./detect.ts";

const brief = (problem: Problem | undefined) => problem && [problem.id, problem.verdict, problem.certainty];
const places = (problem: Problem | undefined) => problem?.at.map((at) => `${at.file}:${at.line}`);

describe("detect", () => {
  it("runs every detector that has a folder", () => {
    const folders = readdirSync(new URL(".", import.meta.url), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
    assert.deepEqual(folders.sort(), detectors.map((detector) => detector.id).sort());
  });

  it("puts what is sure before what is not, and labels deadlocks in the order of their tasks", () => {
    const dump = new DumpBuilder()
      .task(1, { name: "late", state: "rejected", created: "a.ts:1" })
      .mutex(1, "slow", { task: 2, forMs: 40_000 })
      .task(2, { wait: waits() })
      .task(3, { wait: wants(1) })
      .task(8, { at: "b.ts:8", wait: joins(9) })
      .task(9, { at: "b.ts:9", wait: joins(8) })
      .task(4, { at: "c.ts:4", wait: joins(5) })
      .task(5, { at: "c.ts:5", wait: joins(4) })
      .build();
    assert.deepEqual(
      detect(dump).map((problem) => [problem.verdict, problem.label, problem.tasks[0]]),
      [
        ["deadlock", "D1", 4],
        ["deadlock", "D2", 8],
        ["not-awaited", undefined, 1],
        ["long-wait", undefined, 2],
      ],
    );
  });

  it("says nothing about a healthy program", () => {
    const dump = new DumpBuilder()
      .mutex(1, "ledger", { task: 1, forMs: 12_000 })
      .resource("channel", 2, { name: "jobs" })
      .resource("queue", 3, { name: "limit", capacity: 1, heldBy: [1] })
      .task(1, { state: "sleep", wait: waits(12_000) })
      .task(2, { state: "mutex.lock", wait: wants(1, "acquire", 12_000) })
      .task(3, { state: "chan receive", wait: wants(2, "receive", 900_000) })
      .task(4, { kind: "job", state: "queued", wait: wants(3, "submit", 900_000) })
      .task(5, { state: "fulfilled" })
      .build();
    assert.deepEqual(detect(dump), []);
  });
});

describe("deadlock", () => {
  it("names both locks, both tasks and both lines of an inversion", () => {
    const [problem] = detect(
      new DumpBuilder()
        .mutex(3, "stock", { task: 7, site: "orders.ts:38" })
        .mutex(4, "ledger", { task: 9, site: "billing.ts:70" })
        .task(7, { name: "reserve", at: "orders.ts:41", wait: wants(4) })
        .task(9, { name: "charge", at: "billing.ts:77", wait: wants(3) })
        .task(10, { wait: wants(3) })
        .build(),
    );
    assert.deepEqual(brief(problem), ["lock-order-inversion", "deadlock", "proved"]);
    assert.equal(
      problem?.message,
      "'reserve' waits for 'ledger', which 'charge' holds, and 'charge' waits for 'stock', which 'reserve' holds; 1 task waits behind.",
    );
    assert.deepEqual(problem.tasks, [7, 9]);
    assert.deepEqual(problem.resources, [4, 3]);
    assert.deepEqual(places(problem), [
      "/app/orders.ts:41",
      "/app/billing.ts:77",
      "/app/billing.ts:70",
      "/app/orders.ts:38",
    ]);
  });

  it("tells tasks of the same name apart", () => {
    const [problem] = detect(
      new DumpBuilder()
        .mutex(1, "a", 1)
        .mutex(2, "b", 2)
        .task(1, { name: "transfer", wait: wants(2) })
        .task(2, { name: "transfer", wait: wants(1) })
        .build(),
    );
    assert.match(
      problem?.message ?? "",
      /^'transfer' \(task 1\) waits for 'b', which 'transfer' \(task 2\) holds/,
    );
  });

  it("tells re-entry from waiting for somebody who needs the lock", () => {
    const held = (forMs: number) =>
      detect(
        new DumpBuilder()
          .mutex(1, "ledger", { task: 1, forMs })
          .task(1, { name: "outer", wait: joins(2) })
          .task(2, { name: "inner", parent: 1, ageMs: 10_000, wait: wants(1) })
          .build(),
      ).map((problem) => problem.id);
    assert.deepEqual(held(20_000), ["lock-reentry"]);
    assert.deepEqual(held(5_000), ["await-needs-held-lock"]);
    const [own] = detect(
      new DumpBuilder()
        .mutex(1, "ledger", 1)
        .task(1, { name: "update", wait: wants(1) })
        .build(),
    );
    assert.equal(own?.message, "'update' waits for 'ledger', which it already holds.");
    assert.equal(own.id, "lock-reentry");
  });

  it("knows a limiter and a pool that wait for themselves", () => {
    const crawl = new DumpBuilder()
      .resource("queue", 1, { name: "limit", capacity: 1, heldBy: [2] })
      .task(2, { name: "crawl", kind: "job", created: "crawl.ts:20", wait: joins(3) })
      .task(3, { name: "crawl", at: "crawl.ts:12", wait: joins(4) })
      .task(4, {
        name: "fetch",
        kind: "job",
        created: "crawl.ts:12",
        state: "queued",
        wait: wants(1, "submit"),
      });
    const [slot] = detect(crawl.build());
    assert.deepEqual(brief(slot), ["queue-self-wait", "deadlock", "proved"]);
    assert.equal(
      slot?.message,
      "The only slot of 'limit' is taken by 'crawl', which waits for another one of 'limit'.",
    );
    assert.equal(places(slot)?.[0], "/app/crawl.ts:12");
    const pool = new DumpBuilder().resource("pool", 1, { name: "pg", capacity: 2, heldBy: [1, 2] });
    const [client] = detect(
      pool
        .task(1, { wait: wants(1) })
        .task(2, { wait: wants(1) })
        .build(),
    );
    assert.deepEqual(brief(client), ["nested-pool-checkout", "deadlock", "may"]);
    assert.equal(
      client?.message,
      "All 2 clients of 'pg' are held by tasks that wait for another one of 'pg', which may never end.",
    );
  });

  it("reports the same mistake of many requests once", () => {
    const builder = new DumpBuilder();
    for (let request = 0; request < 300; request++) {
      const [a, b] = [2 * request + 1, 2 * request + 2];
      builder
        .resource("mutex", a, { created: "locks.ts:1", capacity: 1, heldBy: [request % 2 === 0 ? a : b] })
        .resource("mutex", b, { created: "locks.ts:2", capacity: 1, heldBy: [request % 2 === 0 ? b : a] });
      // Half of them started the other way round.
      const [first, second] = request % 2 === 0 ? [a, b] : [b, a];
      builder
        .task(first, { name: "x", at: "x.ts:1", wait: wants(b) })
        .task(second, { name: "y", at: "y.ts:1", wait: wants(a) });
    }
    const problems = detect(builder.build());
    assert.equal(problems.length, 1);
    assert.match(problems[0]?.message ?? "", /; 299 more deadlocks like this\.$/);
    assert.equal(problems[0]?.tasks.length, 600);
  });

  it("keeps hostile names harmless and short", () => {
    const name = `x\u202e\n${"y".repeat(500)}`;
    const [problem] = detect(
      new DumpBuilder()
        .mutex(1, name, 1)
        .task(1, { name, wait: wants(1) })
        .build(),
    );
    assert.doesNotMatch(problem?.message ?? "", /[\n\u202e]/);
    assert.ok((problem?.message.length ?? 999) < 250);
  });
});

describe("exit-pending", () => {
  const ended = { loop: { state: "ended", sinceMs: 0 } } as const;

  it("names where the waiting begins and counts who waits behind", () => {
    const builder = new DumpBuilder()
      .resource("channel", 1, { name: "results", closed: false })
      .task(1, { name: "main", kind: "main", wait: joins(2) })
      .task(2, { name: "collect", at: "pool.ts:20", state: "chan receive", wait: wants(1, "receive") });
    assert.deepEqual(detect(builder.build()), []);
    const [problem, ...others] = detect(builder.build(ended));
    assert.deepEqual(others, []);
    assert.deepEqual(brief(problem), ["channel-never-closed", "exit-pending", "proved"]);
    assert.equal(
      problem?.message,
      "The program ran out of work while 'collect' waits at pool.ts:20 to receive from 'results', which is never closed; 1 task waits behind.",
    );
    assert.deepEqual(places(problem), ["/app/pool.ts:20"]);
  });

  it("makes one problem of a hundred thousand tasks at one place", () => {
    const builder = new DumpBuilder();
    for (let id = 1; id <= 100_000; id++) builder.task(id, { name: "wait", at: "w.ts:3", wait: waits() });
    const problems = detect(builder.build(ended));
    assert.equal(problems.length, 1);
    assert.match(
      problems[0]?.message ?? "",
      /while 100,000 tasks in 'wait' wait at w\.ts:3 for something that never happens/,
    );
    assert.equal(problems[0]?.tasks.length, 1000);
  }).timeout(20_000);

  it("leaves out what was parked on purpose, packages, and who waits for those", () => {
    const builder = new DumpBuilder()
      .resource("timer", 1, {})
      .task(1, { state: "sleep", wait: waits() })
      .task(2, { wait: wants(1, "wait") })
      .task(3, { wait: joins(1, 2) })
      .task(4, { external: true, wait: waits() })
      .task(5, { state: "IO wait", wait: waits() })
      .task(6, { state: "runnable" });
    assert.deepEqual(detect(builder.build(ended)), []);
  });

  it("reports the program's task that waits for one of a package", () => {
    const builder = new DumpBuilder()
      .task(1, { name: "load", at: "load.ts:4", wait: joins(2) })
      .task(2, { external: true, wait: waits() });
    assert.deepEqual(
      detect(builder.build(ended)).map((problem) => problem.tasks),
      [[1]],
    );
  });

  it("leaves a deadlock to the deadlock", () => {
    const builder = new DumpBuilder()
      .mutex(1, "a", 1)
      .task(1, { wait: wants(1) })
      .task(2, { wait: wants(1) });
    assert.deepEqual(
      detect(builder.build(ended)).map((problem) => problem.verdict),
      ["deadlock"],
    );
  });
});

describe("owner-gone", () => {
  const lost = (sinceMs: number) =>
    new DumpBuilder()
      .mutex(1, "ledger", { task: 99, site: "accounts.ts:12" })
      .task(2, { name: "refund", at: "accounts.ts:30", wait: wants(1, "acquire", sinceMs) });

  it("names the lock, where it was taken and who waits", () => {
    const [problem, ...others] = detect(lost(5_000).build());
    assert.deepEqual(others, []);
    assert.deepEqual(brief(problem), ["lock-not-released", "owner-gone", "observed"]);
    assert.equal(
      problem?.message,
      "'ledger' was taken at accounts.ts:12 by 'hold', which has ended without giving it back; 'refund' waits for it.",
    );
    assert.deepEqual(places(problem), ["/app/accounts.ts:12", "/app/accounts.ts:30"]);
  });

  it("is sure when nobody but the holder could give back", () => {
    const held = new DumpBuilder()
      .mutex(1, "ledger", { task: 99, release: "task" })
      .task(2, { wait: wants(1, "acquire", 5_000) });
    assert.deepEqual(
      detect(held.build()).map(({ verdict, certainty }) => [verdict, certainty]),
      [["owner-gone", "proved"]],
    );
  });

  it("is patient while the program runs and sure when it has ended", () => {
    assert.deepEqual(detect(lost(999).build()), []);
    assert.equal(detect(lost(1000).build()).length, 1);
    const [problem, ...others] = detect(lost(1).build({ loop: { state: "ended", sinceMs: 0 } }));
    assert.deepEqual(others, []);
    assert.equal(problem?.certainty, "proved");
  });

  it("does not trust a table that dropped tasks", () => {
    const dump = lost(5_000).build();
    assert.deepEqual(detect({ ...dump, coverage: { ...dump.coverage, dropped: 1 } }), []);
  });
});

describe("owner-gone of a holder that can never go on", () => {
  const lost = (release: "scope" | "task" | "handle") =>
    new DumpBuilder()
      .mutex(1, "ledger", { task: 1, site: "accounts.ts:12", release })
      .task(1, { name: "charge", wait: waits(), collected: "lost" })
      .task(2, { name: "refund", at: "accounts.ts:30", wait: wants(1, "acquire", 5) })
      .build();

  it("is proved at once where nobody else can give back", () => {
    for (const release of ["scope", "task"] as const) {
      const problem = detect(lost(release)).find(({ verdict }) => verdict === "owner-gone");
      assert.deepEqual(brief(problem), ["lock-not-released", "owner-gone", "proved"]);
      assert.equal(
        problem?.message,
        "'ledger' was taken at accounts.ts:12 by 'charge', which can never go on to give it back; 'refund' waits for it.",
      );
    }
    assert.deepEqual(
      detect(lost("handle")).map(({ verdict }) => verdict),
      ["cannot-resume"],
    );
  });

  it("counts who waits for what others could give back, too", () => {
    assert.match(detect(lost("handle"))[0]?.message ?? "", /'charge' waits .*; 1 task waits behind\.$/);
  });
});

describe("cannot-resume", () => {
  it("names where the waiting begins, once for tasks that do the same, and counts who waits behind", () => {
    const builder = new DumpBuilder();
    for (const id of [1, 2, 3]) {
      builder
        .resource("channel", id, { name: "results", created: "pool.ts:3" })
        .task(id, {
          name: "show",
          at: "pool.ts:20",
          state: "chan receive",
          wait: wants(id, "receive"),
          collected: "lost",
        })
        .task(id + 10, { name: "main", at: "pool.ts:30", wait: joins(id), collected: "lost" });
    }
    const [problem, ...others] = detect(builder.build());
    assert.deepEqual(others, []);
    assert.deepEqual(brief(problem), ["channel-never-closed", "cannot-resume", "proved"]);
    assert.equal(
      problem?.message,
      "Nothing that is left can end this wait: 3 tasks in 'show' wait at pool.ts:20 to receive from 'results', which is never closed; 3 tasks wait behind.",
    );
    assert.deepEqual(problem.tasks, [1, 2, 3]);
    assert.deepEqual(problem.resources, [1, 2, 3]);
  });

  it("is silent about what was given up on purpose, unless that holds something", () => {
    const builder = new DumpBuilder()
      .task(1, { wait: joins(2), collected: "raced" })
      .task(2, { wait: waits(), collected: "lost" })
      .task(3, { wait: waits(), collected: "parked" })
      .task(4, { wait: joins(3), collected: "lost" })
      .task(5, { external: true, wait: waits(), collected: "lost" });
    assert.deepEqual(detect(builder.build()), []);
    // Somebody else waits for what the loser of a race waited for.
    builder.task(6, { wait: joins(2), collected: "lost" });
    assert.deepEqual(
      detect(builder.build()).map(({ tasks }) => tasks),
      [[2]],
    );
    const holds = new DumpBuilder()
      .mutex(1, "ledger", { task: 1, release: "handle" })
      .task(1, { wait: waits(), collected: "raced" });
    assert.deepEqual(
      detect(holds.build()).map(({ verdict, tasks }) => [verdict, tasks]),
      [["cannot-resume", [1]]],
    );
  });

  it("leaves to others what a deadlock or the end of the program explains", () => {
    const ring = new DumpBuilder()
      .task(1, { wait: joins(2), collected: "lost" })
      .task(2, { wait: joins(1), collected: "lost" })
      .task(3, { wait: joins(1), collected: "lost" });
    assert.deepEqual(
      detect(ring.build()).map(({ verdict }) => verdict),
      ["deadlock"],
    );
    const ended = new DumpBuilder().task(1, { wait: waits(), collected: "lost" });
    assert.deepEqual(
      detect(ended.build({ loop: { state: "ended", sinceMs: 0 } })).map(({ verdict }) => verdict),
      ["exit-pending"],
    );
  });
});

describe("waits-on-dead", () => {
  const dead = () =>
    new DumpBuilder().task(1, { name: "load", at: "load.ts:9", wait: waits(), collected: "lost" });
  const onlyWaits = (builder: DumpBuilder) =>
    detect(builder.build()).filter(({ verdict }) => verdict === "waits-on-dead");

  it("names who waits and for whom, and counts who waits behind", () => {
    const [problem, ...others] = onlyWaits(
      dead()
        .task(2, { name: "start", at: "main.ts:4", wait: joins(1) })
        .task(3, { wait: joins(2) }),
    );
    assert.deepEqual(others, []);
    assert.deepEqual(brief(problem), ["waits-on-dead", "waits-on-dead", "proved"]);
    assert.equal(
      problem?.message,
      "'start' waits at main.ts:4 for 'load', which can never go on from load.ts:9; 1 task waits behind.",
    );
    assert.deepEqual(places(problem), ["/app/main.ts:4", "/app/load.ts:9"]);
  });

  const joinsOf = (...tasks: number[]) => joins(...tasks) as Extract<Wait, { on: "tasks" }>;

  it("needs every way on to be closed", () => {
    const open = dead()
      .task(2, { wait: races(1, 3) })
      .task(3, { wait: waits() })
      .task(4, { wait: { ...joinsOf(1, 3), failsFast: true } })
      .task(5, { wait: { ...joinsOf(1), exact: false } });
    assert.deepEqual(onlyWaits(open), []);
    const closed = dead()
      .task(2, { wait: races(1) })
      .task(6, { wait: joins(1, 7) })
      .task(7, { wait: waits() });
    assert.deepEqual(
      onlyWaits(closed).map(({ tasks }) => tasks),
      [[2, 6]],
    );
  });

  it("is silent about who waits for what is parked on purpose", () => {
    const serves = new DumpBuilder()
      .task(1, { name: "serve", wait: waits(), collected: "parked" })
      .task(2, { name: "start", wait: joins(1), collected: "lost" })
      .task(3, { name: "main", wait: joins(2) })
      .task(4, { wait: joins(3) });
    assert.deepEqual(detect(serves.build()), []);
  });
});

describe("not-awaited", () => {
  it("groups failures by where they were started", () => {
    const builder = new DumpBuilder();
    for (let id = 1; id <= 3; id++)
      builder.task(id, { name: "audit", state: "rejected", at: "a.ts:8", created: "h.ts:24" });
    builder.task(4, { state: "rejected", external: true });
    const [problem, ...others] = detect(builder.build());
    assert.deepEqual(others, []);
    assert.deepEqual(brief(problem), ["floating-task", "not-awaited", "observed"]);
    assert.equal(problem?.message, "'audit' failed 3 times and nothing awaits it.");
    assert.deepEqual(places(problem), ["/app/h.ts:24", "/app/a.ts:8"]);
  });

  it("tells of those that are not there any more, at the line that started them", () => {
    const sites = [
      { file: "/app/a.ts", line: 3, column: 1, function: "audit" },
      { file: "/app/h.ts", line: 24, column: 5, function: "handle" },
    ];
    const failures = [{ name: "audit", entry: 0, created: 1, count: 2, sinceMs: 30 }];
    const [problem, ...others] = detect({ ...new DumpBuilder().build(), sites, failures });
    assert.deepEqual(others, []);
    assert.deepEqual(brief(problem), ["floating-task", "not-awaited", "observed"]);
    assert.equal(problem?.message, "'audit' failed 2 times and nothing awaits it.");
    assert.deepEqual(places(problem), ["/app/h.ts:24", "/app/a.ts:3"]);
  });
});

describe("lost-update", () => {
  it("says who read what where, and stored it where", () => {
    const sites = [
      { file: "/app/a.ts", line: 8, column: 3, function: "book" },
      { file: "/app/a.ts", line: 6, column: 18, function: "book" },
    ];
    const lost = (read: number, count: number) =>
      detect({
        ...new DumpBuilder().build(),
        sites,
        lostUpdates: [{ place: "this.balance", at: 0, read, count, sinceMs: 5 }],
      });
    const [problem, ...others] = lost(1, 3);
    assert.deepEqual(others, []);
    assert.deepEqual(brief(problem), ["stale-write-after-await", "lost-update", "observed"]);
    assert.equal(
      problem?.message,
      "'book' read 'this.balance' at a.ts:6, before it waited, and stored a value based on that at a.ts:8; what had been stored meanwhile is lost (3 times).",
    );
    assert.deepEqual(places(problem), ["/app/a.ts:8", "/app/a.ts:6"]);
    assert.match(
      lost(0, 1)[0]?.message ?? "",
      /^'book' read 'this\.balance' before it waited, .* is lost\.$/,
    );
  });
});

describe("loop-blocked", () => {
  it("names what runs, from one second on", () => {
    const builder = new DumpBuilder().task(1, { name: "crunch", at: "c.ts:9" }).task(2, { wait: waits() });
    const blocked = (sinceMs: number) => detect(builder.build({ loop: { state: "blocked", sinceMs } }));
    assert.deepEqual(blocked(999), []);
    assert.equal(
      blocked(4200)[0]?.message,
      "The event loop has not turned for 4.2 s while 'crunch' runs at c.ts:9.",
    );
  });
});

describe("loop-blocked with a stack", () => {
  it("names and leads to the innermost function of the program, and shows all frames", () => {
    const sites = [
      { file: "node:fs", line: 448, column: 20, function: "readFileSync" },
      { file: "/app/crunch.ts", line: 3, column: 5, function: "load" },
      { file: "/app/main.ts", line: 7, column: 1 },
    ];
    const [problem] = detect(
      new DumpBuilder().build({ sites, loop: { state: "blocked", sinceMs: 4200, stack: [0, 1, 2] } }),
    );
    assert.equal(
      problem?.message,
      "The event loop has not turned for 4.2 s while 'load' runs at crunch.ts:3.",
    );
    assert.deepEqual(places(problem), ["/app/crunch.ts:3", "node:fs:448", "/app/main.ts:7"]);
  });
});

describe("keeps-alive", () => {
  const sites = [
    { file: "/app/poll.ts", line: 3, column: 5, function: "poll" },
    { file: "/app/poll.test.ts", line: 9, column: 1 },
  ];
  const interval: Handle = {
    kind: "interval",
    type: "Timeout",
    detail: "every 1000 ms",
    stack: [0, 1],
    test: "polls",
    ageMs: 2000,
  };
  const found = (state: TestRun["state"], sinceMs: number, handles: readonly Handle[] = [interval]) =>
    detect(new DumpBuilder().build({ sites, handles, testRun: { state, sinceMs, tests: 3 } }));

  it("names what is open when the tests have run, with its creation and its test", () => {
    const [problem, ...others] = found("ended", 500);
    assert.deepEqual(others, []);
    assert.deepEqual(brief(problem), ["keeps-alive", "keeps-alive", "observed"]);
    assert.equal(
      problem?.message,
      "An interval (every 1000 ms), created at poll.ts:3 in the test 'polls', keeps the process alive although its tests have run.",
    );
    assert.deepEqual(places(problem), ["/app/poll.ts:3", "/app/poll.test.ts:9"]);
  });

  it("is silent while tests run or the runner may still be ending, and guesses where it does not say", () => {
    assert.deepEqual([found("running", 60_000), found("ended", 499), found("resting", 4999)], [[], [], []]);
    assert.equal(found("resting", 5000)[0]?.certainty, "heuristic");
    assert.deepEqual(detect(new DumpBuilder().build({ sites, handles: [interval] })), []);
  });

  it("names what one line opened many times once", () => {
    const [problem, ...others] = found("ended", 500, [
      interval,
      interval,
      { ...interval, detail: "every 5 ms" },
    ]);
    assert.deepEqual(others, []);
    assert.match(problem?.message ?? "", /although its tests have run \(and 2 more from there\)\.$/);
    const bare = found("ended", 500, [{ kind: "other", type: "X", stack: [], ageMs: 1 }]);
    assert.equal(bare[0]?.message, "A handle of type X keeps the process alive although its tests have run.");
  });
});

describe("long-wait", () => {
  const slow = (forMs: number, sinceMs: number) =>
    detect(
      new DumpBuilder()
        .mutex(1, "ledger", { task: 1, forMs, site: "a.ts:3" })
        .task(1, { name: "charge", at: "a.ts:5", wait: waits() })
        .task(2, { wait: wants(1, "acquire", sinceMs) })
        .build(),
    );

  it("guesses from half a minute on", () => {
    assert.deepEqual(slow(29_999, 60_000), []);
    assert.deepEqual(slow(60_000, 29_999), []);
    const [problem] = slow(31_000, 30_000);
    assert.deepEqual(brief(problem), ["long-wait", "long-wait", "heuristic"]);
    assert.equal(
      problem?.message,
      "'charge' has held 'ledger' for 31 s; 1 task waits for it, the longest for 30 s.",
    );
  });
});

describe("long-wait of ever more tasks", () => {
  const growing = (dump: DumpBuilder, counts: readonly number[]) => {
    const built = dump.build();
    const at = built.sites.findIndex(({ file, line }) => file === "/app/a.ts" && line === 5);
    const created = built.sites.findIndex(({ file, line }) => file === "/app/a.ts" && line === 20);
    return detect({ ...built, growth: [{ at, created, counts, overMs: 60_000 }] });
  };
  const consumer = { name: "consume", at: "a.ts:5", created: "a.ts:20" };

  it("says how many there are, where they come from and how many there were", () => {
    const dump = new DumpBuilder().resource("channel", 1, { name: "jobs" });
    for (let id = 1; id <= 90; id++) dump.task(id, { ...consumer, wait: wants(1, "receive", 40_000) });
    const [problem, ...others] = growing(dump.task(91, { at: "a.ts:9", wait: waits() }), [20, 85]);
    assert.deepEqual(others, []);
    assert.deepEqual(brief(problem), ["long-wait", "long-wait", "heuristic"]);
    assert.equal(
      problem?.message,
      "90 tasks in 'consume' wait at a.ts:5 for 'jobs', started at a.ts:20; there were 20 of them 1 min before, and ever more come than go on.",
    );
    assert.deepEqual(
      [problem.tasks.length, problem.resources, places(problem)],
      [90, [1], ["/app/a.ts:5", "/app/a.ts:20"]],
    );
  });

  it("leaves the word to what explains it", () => {
    const held = new DumpBuilder()
      .mutex(1, "ledger", { task: 99, site: "a.ts:3", release: "task" })
      .task(2, { ...consumer, wait: wants(1, "acquire", 40_000) });
    assert.deepEqual(
      growing(held, [1, 90]).map(({ verdict }) => verdict),
      ["owner-gone"],
    );
    const behind = new DumpBuilder()
      .task(1, { ...consumer, wait: joins(2) })
      .task(2, { at: "a.ts:9", wait: waits() });
    assert.deepEqual(growing(behind, [1, 90]), []);
  });

  it("comes after a lock whose holder is gone", () => {
    const dump = new DumpBuilder()
      .mutex(1, "ledger", { task: 99, site: "a.ts:3", release: "task" })
      .task(1, { at: "b.ts:1", wait: wants(1, "acquire", 40_000) })
      .task(2, { ...consumer, wait: waits() });
    assert.deepEqual(
      growing(dump, [1, 90]).map(({ verdict }) => verdict),
      ["owner-gone", "long-wait"],
    );
  });
});

describe("over-release", () => {
  const site = (line: number, name?: string) => ({
    file: "/app/jobs.ts",
    line,
    column: 5,
    ...(name === undefined ? {} : { function: name }),
  });
  const sites = [site(3), site(12, "download"), site(30, "audit")];
  const released = (more: Partial<OverRelease>) =>
    detect({
      ...new DumpBuilder().build(),
      sites,
      overReleases: [
        {
          resource: { kind: "semaphore", type: "async-sema.Sema", name: "downloads", created: 0 },
          outcome: "grown",
          at: 1,
          capacity: 3,
          free: 4,
          count: 1,
          sinceMs: 100,
          ...more,
        },
      ],
    });

  it("tells of permits that became more, and where", () => {
    const [problem, ...others] = released({});
    assert.deepEqual(others, []);
    assert.deepEqual(brief(problem), ["lock-over-release", "over-release", "proved"]);
    assert.equal(
      problem?.message,
      "'downloads' was given back by 'download' at jobs.ts:12 without being held, and now 4 permits of 3 are free.",
    );
    assert.deepEqual(places(problem), ["/app/jobs.ts:12", "/app/jobs.ts:3"]);
  });

  it("tells whose hold was ended", () => {
    const [problem] = released({
      resource: { kind: "mutex", type: "await-lock.AwaitLock", created: 0 },
      outcome: "freed",
      taken: 2,
      count: 7,
    });
    assert.equal(
      problem?.message,
      "The lock created at jobs.ts:3 was given back twice by 'download' at jobs.ts:12 (7 times); the second time ended the hold of 'audit', which had taken it at jobs.ts:30.",
    );
    assert.deepEqual(places(problem), ["/app/jobs.ts:12", "/app/jobs.ts:30", "/app/jobs.ts:3"]);
  });
});

describe("pool-exhausted", () => {
  const busy = (forMs: number, waitMs: number) =>
    new DumpBuilder()
      .resource("pool", 1, {
        name: "pg",
        type: "pg-pool",
        capacity: 2,
        heldBy: [
          { task: 1, forMs: forMs - 1000, site: "db.ts:10" },
          { task: 2, forMs, site: "db.ts:20" },
        ],
      })
      .task(1, { name: "list", at: "list.ts:5", wait: waits() })
      .task(2, { name: "reserve", at: "orders.ts:41", wait: waits() })
      .task(3, { name: "handle", at: "http.ts:7", wait: wants(1, "acquire", waitMs) })
      .task(4, { name: "handle", at: "http.ts:7", wait: wants(1, "acquire", waitMs - 500) });

  it("names who holds the clients, the longest first", () => {
    const [problem, ...others] = detect(busy(840_000, 4200).build());
    assert.deepEqual(others, []);
    assert.deepEqual(brief(problem), ["pool-exhausted", "pool-exhausted", "observed"]);
    assert.equal(
      problem?.message,
      "All 2 clients of 'pg' are taken, the longest for 14 min by 'reserve' (db.ts:20); 2 tasks wait for one, the longest for 4.2 s.",
    );
    assert.deepEqual(problem?.tasks, [2, 1, 3, 4]);
    assert.deepEqual(places(problem)?.slice(0, 2), ["/app/orders.ts:41", "/app/list.ts:5"]);
  });

  it("is silent while waits are short and while something is free", () => {
    assert.deepEqual(detect(busy(840_000, 900).build()), []);
    const free = new DumpBuilder()
      .resource("pool", 1, { name: "pg", capacity: 3, heldBy: [1, 2] })
      .task(1, { wait: waits() })
      .task(2, { wait: waits() })
      .task(3, { wait: wants(1, "acquire", 5000) })
      .build();
    assert.deepEqual(detect(free), []);
  });

  it("leaves to others what a deadlock or a holder that is gone explains", () => {
    const nested = new DumpBuilder()
      .resource("pool", 1, { name: "pg", capacity: 2, heldBy: [1, 2] })
      .task(1, { wait: wants(1, "acquire", 5000) })
      .task(2, { wait: wants(1, "acquire", 5000) })
      .build();
    assert.deepEqual(
      detect(nested).map(({ verdict }) => verdict),
      ["deadlock"],
    );
    const gone = new DumpBuilder()
      .resource("pool", 1, { name: "pg", capacity: 1, heldBy: [9] })
      .task(3, { wait: wants(1, "acquire", 5000) })
      .build();
    assert.deepEqual(
      detect(gone).map(({ verdict }) => verdict),
      ["owner-gone"],
    );
  });
});
