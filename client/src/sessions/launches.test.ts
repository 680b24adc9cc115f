import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { detect } from "@unknot/dump/detectors/detect.ts";
import { DumpBuilder, wants } from "@unknot/dump/testing/dump-builder.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { TaskListRequest } from "@unknot/protocol/task-list.ts";
import type { Registration } from "@unknot/protocol/wire.ts";
import { startWireServer, type WireServer } from "../testing/wire-server.ts";
import type { Event } from "./event.ts";
import { createLaunches, type Launches } from "./launches.ts";
import { watchRuntimeFolder } from "./runtime-folder-watch.ts";
import { problemsOf, type SessionSnapshot } from "./session.ts";

/** The message of the problem that nobody wants to see. */
let muted: string | undefined;

/** Whether threads are still there after their connection has closed. */
let remains = false;

const options = {
  pollMs: 5,
  membersPerGroup: 2,
  mostTasks: 1000,
  healthyAfterMs: 5000,
  overdueMs: 20,
  isMuted: (problem: Problem) => problem.message === muted,
  remains: () => remains,
  log: () => {},
};

const everything: TaskListRequest = { filter: "", by: "stack", order: "problem", offset: 0, limit: 100 };

/** `count` consumers wait at one line; two tasks are deadlocked. */
function consumers(count: number): Dump {
  const builder = new DumpBuilder()
    .mutex(1, "ledger", 1)
    .mutex(2, "stock", 2)
    .task(1, { name: "reserve", state: "mutex.lock", at: "orders.ts:41", wait: wants(2) })
    .task(2, { name: "charge", state: "mutex.lock", at: "billing.ts:77", wait: wants(1) });
  for (let id = 10; id < 10 + count; id++) {
    builder.task(id, { name: "consumer", state: "chan receive", at: "consume.ts:5" });
  }
  const dump = builder.build();
  return { ...dump, problems: detect(dump) };
}

describe("launches", () => {
  const servers: WireServer[] = [];
  let launches: Launches;

  const serve = async (dump: Dump, change?: Partial<Registration>) => {
    const server = await startWireServer(dump, change);
    servers.push(server);
    return server;
  };
  const start = (id = "launch-1") => launches.start({ id, name: "Run main.ts" });
  const only = () => launches.list()[0]?.sessions[0];
  const until = (test: (session: SessionSnapshot) => boolean) =>
    waitFor(launches.onChange, () => {
      const session = only();
      return session && test(session) ? session : undefined;
    });

  beforeEach(() => {
    launches = createLaunches(options);
  });
  afterEach(async () => {
    launches.dispose();
    remains = false;
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  it("shows a process that was started elsewhere once, until it has ended and another is launched", async () => {
    const server = await serve(consumers(5), { session: undefined as never });
    launches.attach(server.registration);
    launches.attach(server.registration);
    assert.equal(launches.list().length, 1);
    await until(({ overview }) => overview !== undefined);
    start();
    assert.equal(launches.list().length, 2);
    await server.close();
    await until(({ state }) => state.kind === "ended");
    start("launch-2");
    assert.deepEqual(
      launches.list().map(({ id }) => id),
      ["launch-1", "launch-2"],
    );
  });

  it("shows the dumps of a file until it is closed, whatever is launched", async () => {
    launches.open("/tmp/hung.taskdump", [consumers(3)]);
    const session = await until(({ overview }) => overview !== undefined);
    assert.deepEqual(session.state, { kind: "file", file: "/tmp/hung.taskdump" });
    assert.equal(session.overview?.total, 5);
    assert.equal(launches.askable().length, 1);
    start();
    assert.deepEqual(
      launches.list().map(({ name }) => name),
      ["hung.taskdump", "Run main.ts"],
    );
    launches.open("/tmp/other.taskdump", [consumers(2)]);
    assert.deepEqual(
      launches.list().map(({ name }) => name),
      ["other.taskdump", "hung.taskdump", "Run main.ts"],
    );
    launches.close("/tmp/other.taskdump");
    launches.open("/tmp/hung.taskdump", [consumers(1), consumers(2)]);
    assert.equal(launches.list().length, 2);
    launches.close("launch-1");
    launches.close("/tmp/hung.taskdump");
    assert.deepEqual(
      launches.list().map(({ name }) => name),
      ["Run main.ts"],
    );
  });

  it("connects to a process of a launch and keeps its overview", async () => {
    const server = await serve(consumers(5));
    start();
    launches.register(server.registration);
    assert.equal(only()?.state.kind, "connecting");
    const session = await until(({ overview }) => overview !== undefined);
    assert.equal(session.state.kind, "live");
    assert.equal(session.overview?.total, 7);
    assert.equal(session.overview.problems[0]?.verdict, "deadlock");
  });

  it("finds the registration of a process that started before VS Code spoke of its debug session", async () => {
    const server = await serve(consumers(0));
    server.register();
    const watch = watchRuntimeFolder(server.folder, launches.register, assert.fail);
    assert.deepEqual(launches.list(), []);
    start();
    watch.rescan();
    await until(({ overview }) => overview !== undefined);
    watch.dispose();
  });

  it("finds the registration of a process that starts later", async () => {
    const server = await serve(consumers(0));
    const watch = watchRuntimeFolder(server.folder, launches.register, assert.fail);
    start();
    server.register();
    await until(({ overview }) => overview !== undefined);
    watch.dispose();
  });

  it("shows the last dump of a process that ended before anybody could connect, and removes it", async () => {
    const server = await serve(consumers(0));
    const heard: string[] = [];
    launches.onProblem(({ problem }) => heard.push(problem.id));
    const watch = watchRuntimeFolder(server.folder, launches.register, assert.fail);
    start();
    const { process, ...rest } = consumers(8);
    const file = server.leave({ ...rest, process: { ...process, exitCode: 13 } });
    const { id, state, overview } = await until((session) => session.overview !== undefined);
    assert.deepEqual(state, { kind: "ended", exitCode: 13 });
    assert.equal(overview?.total, 10);
    assert.deepEqual(heard, ["lock-order-inversion"]);
    assert.ok(!existsSync(file));
    const key = overview?.groups.find((group) => group.count === 8)?.key ?? "";
    const page = await launches.session(id)?.ask("list", { ...everything, under: { group: key }, limit: 5 });
    assert.deepEqual([page?.rows.length, page?.count], [5, 8], "its groups can still be paged through");
    assert.equal((await launches.session(id)?.dump("panel"))?.tasks.length, 10);
    watch.dispose();
  });

  it("replaces what it knew of a process by the last dump that this left", async () => {
    const server = await serve(consumers(1));
    const watch = watchRuntimeFolder(server.folder, launches.register, assert.fail);
    start();
    server.register();
    await until(({ overview }) => overview?.total === 3);
    server.end();
    await until(({ state }) => state.kind === "ended");
    server.leave(consumers(5));
    await until(({ overview }) => overview?.total === 7);
    assert.equal(launches.list()[0]?.sessions.length, 1);
    watch.dispose();
  });

  it("goes on asking a process that left a dump beforehand, and shows that one when it is ended by force", async () => {
    const server = await serve(consumers(1));
    const watch = watchRuntimeFolder(server.folder, launches.register, assert.fail);
    start();
    server.register();
    await until(({ overview }) => overview?.total === 3);
    const early = server.leave(consumers(5));
    watch.rescan();
    assert.ok(!existsSync(early), "it was taken");
    await launches.refresh();
    assert.deepEqual([only()?.state.kind, only()?.overview?.total], ["live", 3]);
    server.leave({ ...consumers(7), capturedAt: 2 });
    watch.rescan();
    server.end();
    await until(({ state, overview }) => state.kind === "ended" && overview?.total === 9);
    assert.equal(launches.askable().length, 1);
    watch.dispose();
  });

  it("prefers what a process says at its end to what it left beforehand", async () => {
    const server = await serve(consumers(1));
    const watch = watchRuntimeFolder(server.folder, launches.register, assert.fail);
    start();
    server.register();
    await until(({ overview }) => overview?.total === 3);
    server.leave(consumers(5));
    const { process, ...rest } = consumers(2);
    server.leave({ ...rest, capturedAt: 2, process: { ...process, exitCode: 1 } });
    await until(({ state, overview }) => state.kind === "ended" && overview?.total === 4);
    server.end();
    await launches.refresh();
    assert.equal(only()?.overview?.total, 4);
    watch.dispose();
  });

  it("tells a connection that broke from an end, and connects again", async () => {
    const server = await serve(consumers(1));
    start();
    launches.register(server.registration);
    const { id } = await until(({ overview }) => overview?.total === 3);
    const session = launches.session(id);
    remains = true;
    server.breakOff();
    await until(({ state }) => state.kind === "disconnected");
    assert.equal(only()?.overview?.total, 3, "what was known stays");
    session?.connectAgain();
    await until(({ state }) => state.kind === "live");
    server.breakOff();
    await until(({ state }) => state.kind === "disconnected");
    remains = false;
    await until(({ state }) => state.kind === "ended");
  });

  it("gives up connecting when it is told to, and tries again", async () => {
    const server = await serve(consumers(1));
    server.keepWaiting();
    start();
    launches.register(server.registration);
    const id = only()?.id ?? "";
    launches.session(id)?.stopConnecting();
    const { state } = only() ?? {};
    assert.ok(state?.kind === "failed" && /stopped connecting/.test(state.why));
    server.answer();
    launches.session(id)?.connectAgain();
    await until(({ overview }) => overview?.total === 3);
    launches.session(id)?.stopConnecting();
    assert.equal(only()?.state.kind, "live");
  });

  it("tells how many tasks are started, and what tracing costs", async () => {
    const server = await serve(consumers(1));
    server.told = { started: 100, cost: { threadMs: 4, besideMs: 100 }, handles: 3 };
    start();
    launches.register(server.registration);
    await until(({ overview }) => overview?.total === 3);
    assert.deepEqual([only()?.rate, only()?.cost, only()?.overview?.handles], [undefined, undefined, 3]);
    server.dump = { ...server.dump, capturedAt: server.dump.capturedAt + 2000 };
    server.told = { started: 150, cost: { threadMs: 14, besideMs: 160 } };
    await launches.refresh();
    assert.deepEqual([only()?.rate, only()?.overview?.started], [25, 150]);
    assert.deepEqual(only()?.cost, { thread: 0.005, beside: 0.03 });
  });

  it("calls a thread what it runs, also when it did not know that as it registered", async () => {
    const server = await serve(consumers(1));
    start();
    launches.register({ ...server.registration, title: "node" });
    await until(({ overview }) => overview?.total === 3);
    assert.equal(only()?.process.title, server.dump.process.title);
  });

  it("does not take the cost of a start for that of tracing", async () => {
    const server = await serve(consumers(1));
    const later = async (ms: number, besideMs: number) => {
      const { dump } = server;
      const process = { ...dump.process, upMs: dump.process.upMs + ms };
      server.dump = { ...dump, process, capturedAt: dump.capturedAt + ms };
      server.told = { cost: { threadMs: 1, besideMs } };
      await launches.refresh();
      return only()?.cost?.beside;
    };
    server.dump = { ...server.dump, process: { ...server.dump.process, upMs: 100 } };
    server.told = { cost: { threadMs: 0, besideMs: 50 } };
    start();
    launches.register(server.registration);
    await until(({ overview }) => overview?.total === 3);
    assert.equal(await later(3000, 500), undefined);
    assert.equal(await later(1000, 510), 0.01);
  });

  it("proves which tasks can never go on, or says why not", async () => {
    const server = await serve(consumers(1));
    start();
    launches.register(server.registration);
    const { id } = await until(({ overview }) => overview?.total === 3);
    const session = launches.session(id);
    server.dump = consumers(2);
    const proof = await session?.prove();
    assert.deepEqual([only()?.proof, only()?.overview?.total], [proof, 4], "the overview is a new one");
    session?.setPaused(true);
    await assert.rejects(async () => session?.prove(), /the debugger has stopped it/);
    session?.setPaused(false);
    server.beBusy();
    await assert.rejects(async () => session?.prove(), /too busy/);
    server.end();
    await until(({ state }) => state.kind === "ended");
    await assert.rejects(async () => session?.prove(), /it has ended/);
  });

  it("passes over files that are nothing of ours", async () => {
    const server = await serve(consumers(0));
    for (const [name, text] of Object.entries({
      "a.json": "{",
      "b.json": "null",
      "c.json": '{"pid":1}',
      "d.txt": "",
    })) {
      writeFileSync(path.join(server.folder, name), text);
    }
    const offered: unknown[] = [];
    watchRuntimeFolder(server.folder, (found) => offered.push(found) > 0, assert.fail).dispose();
    assert.deepEqual(offered, []);
  });

  it("leaves processes of others alone", async () => {
    const server = await serve(consumers(0), { session: "somebody else's" });
    start();
    launches.register(server.registration);
    launches.register({ ...server.registration, pid: 2, session: undefined } as unknown as Registration);
    assert.deepEqual(launches.list()[0]?.sessions, []);
    assert.equal(server.asked["hello"], undefined);
  });

  it("asks again and again only while somebody looks", async () => {
    const server = await serve(consumers(0));
    start();
    launches.register(server.registration);
    await until(({ overview }) => overview?.total === 2);
    const before = server.asked["overview"];
    server.dump = consumers(3);
    await server.announce({ ...firstProblem(server.dump), id: "news" });
    await until(({ overview }) => overview?.total === 5);
    assert.equal(server.asked["overview"], (before ?? 0) + 1, "the news was the only reason to ask");
    launches.watch("view", true);
    server.dump = consumers(4);
    await until(({ overview }) => overview?.total === 6);
  });

  it("shows a problem from the moment it is announced, once", async () => {
    const server = await serve({ ...consumers(0), problems: [] });
    const heard: string[] = [];
    launches.onProblem(({ problem }) => heard.push(problem.id));
    start();
    launches.register(server.registration);
    await until(({ overview }) => overview !== undefined);
    await server.announce(firstProblem(consumers(0)));
    const early = await until((session) => problemsOf(session).length > 0);
    assert.equal(early.overview?.problems.length, 0);
    server.dump = consumers(0);
    await launches.refresh();
    const later = await until(({ overview }) => overview?.problems.length === 1);
    assert.equal(problemsOf(later).length, 1);
    assert.deepEqual(heard, ["lock-order-inversion"]);
  });

  it("keeps the last overview of a process that ended", async () => {
    const server = await serve(consumers(1));
    start();
    launches.register(server.registration);
    await until(({ overview }) => overview !== undefined);
    server.end();
    await until(({ state }) => state.kind === "ended");
    launches.end("launch-1");
    assert.equal(only()?.overview?.total, 3);
    start("launch-2");
    assert.deepEqual(
      launches.list().map(({ id }) => id),
      ["launch-2"],
      "the next launch takes its place",
    );
  });

  it("puts a restarted program in the place of its earlier run", async () => {
    const first = await serve(consumers(1));
    start();
    launches.register(first.registration);
    await until(({ overview }) => overview !== undefined);
    first.end();
    await until(({ state }) => state.kind === "ended");
    const second = await serve(consumers(2), { startedAt: 2 });
    launches.register(second.registration);
    await until(({ overview }) => overview?.total === 4);
    assert.equal(launches.list()[0]?.sessions.length, 1);
  });

  it("shows every process and thread of a launch", async () => {
    start();
    for (const threadId of [0, 1]) {
      launches.register((await serve(consumers(0), { threadId })).registration);
    }
    await waitFor(
      launches.onChange,
      () => launches.list()[0]?.sessions.every(({ overview }) => overview) || undefined,
    );
    assert.equal(launches.list()[0]?.sessions.length, 2);
  });

  it("gets over a launch that ended before it was said to have started", () => {
    launches.end("launch-1");
    start();
    assert.equal(launches.list()[0]?.running, false);
    start("launch-2");
    assert.deepEqual(
      launches.list().map(({ id, running }) => [id, running]),
      [["launch-2", true]],
    );
  });

  it("says when a launch takes longer to be traced than a start takes", async () => {
    start();
    assert.equal(launches.list()[0]?.overdue, false);
    await waitFor(launches.onChange, () => launches.list()[0]?.overdue || undefined);
  });

  it("keeps to itself what the user has muted, and says how much that is", async () => {
    const server = await serve(consumers(0));
    muted = firstProblem(server.dump).message;
    try {
      const heard: string[] = [];
      launches.onProblem(({ problem }) => heard.push(problem.id));
      start();
      launches.register(server.registration);
      const session = await until(({ overview }) => overview !== undefined);
      assert.deepEqual([session.overview?.problems, session.muted], [[], 1]);
      await server.announce(firstProblem(server.dump));
      await launches.refresh();
      assert.deepEqual(heard, []);
      muted = undefined;
      launches.mutedOthers();
      assert.deepEqual([only()?.overview?.problems.length, only()?.muted], [1, 0]);
    } finally {
      muted = undefined;
    }
  });

  it("asks the thread for lists, and gives none of one that is gone", async () => {
    const server = await serve(consumers(8));
    start();
    launches.register(server.registration);
    const { id } = await until((session) => session.overview !== undefined);
    const list = (filter: string) => launches.session(id)?.ask("list", { ...everything, filter });
    assert.deepEqual([(await list("consumer"))?.matching, (await list("consumer"))?.total], [8, 10]);
    assert.equal(await list("age>soon"), undefined, "a filter that can't be read");
    server.end();
    await until(({ state }) => state.kind === "ended");
    assert.equal(await list("consumer"), undefined);
  });

  it("says why a process can't be watched", async () => {
    start();
    launches.register((await serve(consumers(0), { token: "wrong" })).registration);
    const refused = await until(({ state }) => state.kind === "failed");
    assert.match(refused.state.kind === "failed" ? refused.state.why : "", /refused: wrong token/);
  });

  it("says that another version of Unknot traces a process", async () => {
    start();
    launches.register({ ...(await serve(consumers(0))).registration, version: 2 as 1 });
    const other = await until(({ state }) => state.kind === "failed");
    assert.match(other.state.kind === "failed" ? other.state.why : "", /another version of Unknot/);
  });

  it("takes a process that is gone before it can be asked as ended", async () => {
    const server = await serve(consumers(0));
    await server.close();
    start();
    launches.register(server.registration);
    await until(({ state }) => state.kind === "ended");
  });

  it("takes a process that ends while it is greeted as ended", async () => {
    const server = await serve(consumers(0));
    server.hangUp();
    start();
    launches.register(server.registration);
    await until(({ state }) => state.kind === "ended" || state.kind === "failed");
    assert.equal(only()?.state.kind, "ended");
  });

  it("takes the debugger's word for a paused process", async () => {
    const server = await serve(consumers(0));
    start();
    launches.register(server.registration);
    await until(({ overview }) => overview !== undefined);
    const { pid } = server.registration;
    launches.setPaused("launch-1", { pid: pid + 1, threadId: 0 }, true);
    launches.setPaused("launch-1", { pid, threadId: 1 }, true);
    assert.equal(only()?.paused, false);
    launches.setPaused("launch-1", { pid, threadId: 0 }, true);
    assert.equal(only()?.paused, true);
  });

  it("remembers that a thread is paused which registers only afterwards", async () => {
    const server = await serve(consumers(0));
    const { pid } = server.registration;
    start();
    launches.setPaused("launch-1", { pid, threadId: 0 }, true);
    launches.setPaused("launch-1", { pid, threadId: 1 }, true);
    launches.setPaused("launch-1", { pid, threadId: 1 }, false);
    launches.register(server.registration);
    await until(({ paused }) => paused);
    launches.setPaused("launch-1", { pid, threadId: 0 }, false);
    assert.equal(only()?.paused, false);
  });

  it("does not call a loop blocked that the debugger has stopped, also when the program ends there", async () => {
    const blocked = (capturedAt: number) => {
      const dump = { ...consumers(0), capturedAt, loop: { state: "blocked", sinceMs: 5000 } as const };
      return { ...dump, problems: detect(dump) };
    };
    const isBlocked = (session: SessionSnapshot) =>
      problemsOf(session).some(({ verdict }) => verdict === "loop-blocked");
    const server = await serve(blocked(Date.now()));
    start();
    launches.register(server.registration);
    await until(isBlocked);
    const { pid } = server.registration;
    launches.setPaused("launch-1", { pid, threadId: 0 }, true);
    await until((session) => !isBlocked(session));
    launches.setPaused("launch-1", { pid, threadId: 0 }, false);
    await launches.refresh();
    assert.ok(!only() || !isBlocked(only() as SessionSnapshot), "since before the debugger let it go on");
    server.dump = blocked(Date.now() + 10_000);
    await launches.refresh();
    await until(isBlocked);
    launches.setPaused("launch-1", { pid, threadId: 0 }, true);
    await until((session) => !isBlocked(session));
    server.end();
    const ended = await until(({ state }) => state.kind === "ended");
    assert.ok(!isBlocked(ended));
  });

  it("forgets an announced problem that the next overview does not have", async () => {
    const server = await serve(new DumpBuilder().task(1, { name: "main" }).build());
    start();
    launches.register(server.registration);
    await until(({ overview }) => overview !== undefined);
    await server.announce(firstProblem(consumers(0)));
    await until((session) => problemsOf(session).length === 1);
    await until((session) => problemsOf(session).length === 0);
  });
});

function firstProblem(dump: Dump) {
  const [problem] = dump.problems;
  assert.ok(problem);
  return problem;
}

/** Resolves with the first value that `test` gives, now or after one of the events. */
function waitFor<Value>(event: Event<void>, test: () => Value | undefined): Promise<Value> {
  return new Promise((resolve) => {
    const now = test();
    if (now !== undefined) {
      resolve(now);
      return;
    }
    const waiting = event(() => {
      const value = test();
      if (value === undefined) return;
      waiting.dispose();
      resolve(value);
    });
  });
}
