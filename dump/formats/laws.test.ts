import assert from "node:assert/strict";
import type { ContendedHold, ContendedWait } from "@unknot/protocol/contention.ts";
import type { Dump, Site } from "@unknot/protocol/dump.ts";
import { handleKinds } from "@unknot/protocol/handle.ts";
import { fates, type Task, type TaskKind, taskStates } from "@unknot/protocol/task.ts";
import { verdicts } from "@unknot/protocol/verdict.ts";
import fc from "fast-check";
import { Profile } from "pprof-format";
import { diffDumps } from "../diff.ts";
import { waitMs } from "../names.ts";
import { overview } from "../overview.ts";
import { asDump, writeDumpJson } from "./dump-json.ts";
import { writeGoroutines } from "./goroutine-text.ts";
import { encodePprof } from "./pprof.ts";
import { readDumps } from "./read.ts";
import { writeTaskdump } from "./taskdump-writer.ts";

/** Strings that try to look like a part of a format. */
const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.stringMatching(/^[\n\r\t "'\\()[\]{}:;,#<>-]{0,8}$/),
  fc.constantFrom(
    "waiting on mutex#1",
    "task 7 [running]:",
    "x in task 3, 1s ago",
    "\ttask",
    "tasks 1-3; mutex#9",
    ' -> task 7"; ',
    "__proto__",
    "(anonymous)",
    "?",
    "deadlock D1: task 1",
    "\u202e\u2028\ud800",
    "a.ts:1",
    "scoped",
    "enter",
  ),
);
const ms = fc.nat(100_000_000);
const number = fc.nat(1_000_000);

/** Dumps whose references hold together and whose strings do not. */
const anyDump: fc.Arbitrary<Dump> = fc
  .record({
    sites: fc.array(
      fc.record({
        file: hostile,
        line: number,
        column: number,
        function: fc.option(hostile, { nil: undefined }),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    tasks: fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 8 }),
    resources: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
  })
  .chain(({ sites, tasks, resources }) => {
    const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
    const site = maybe(fc.nat(sites.length - 1));
    const task = fc.integer({ min: 1, max: 30 });
    const resource = fc.constantFrom(...resources);
    const wait = fc.oneof(
      fc.record({ on: fc.constant("unknown"), sinceMs: ms }),
      fc.record({
        on: fc.constant("tasks"),
        tasks: fc.array(task, { maxLength: 4 }),
        need: fc.constantFrom("all", "any"),
        exact: fc.boolean(),
        failsFast: maybe(fc.constant(true)),
        sinceMs: ms,
        count: maybe(number),
      }),
      fc.record({
        on: fc.constant("resource"),
        resource,
        op: hostile,
        position: maybe(number),
        cancellable: maybe(fc.constant(true)),
        sinceMs: ms,
      }),
    );
    const kinds: readonly TaskKind[] = [
      "main",
      "async function",
      "async generator",
      "job",
      "timer",
      "callback",
    ];
    const taskOf = (id: number) =>
      fc.record({
        id: fc.constant(id),
        kind: fc.constantFrom(...kinds),
        name: hostile,
        state: fc.constantFrom(...taskStates),
        entry: site,
        at: site,
        parent: maybe(task),
        created: site,
        ageMs: ms,
        wait: maybe(wait),
        holding: fc.uniqueArray(resource, { maxLength: 2 }),
        labels: maybe(fc.dictionary(hostile, hostile, { minKeys: 1, maxKeys: 3 })),
        external: maybe(fc.boolean()),
        collected: maybe(fc.constantFrom(...fates)),
      });
    const hold = fc.record({
      task: maybe(task),
      forMs: ms,
      site,
      amount: fc.nat(9),
      release: maybe(fc.constantFrom("scope", "task", "handle", "anyone")),
    });
    const resourceOf = (id: number) =>
      fc.record({
        id: fc.constant(id),
        kind: fc.constantFrom("mutex", "rwlock", "channel", "queue", "pool", "semaphore"),
        name: maybe(hostile),
        type: hostile,
        created: site,
        capacity: maybe(number),
        holders: fc.array(hold, { maxLength: 3 }),
        waiters: fc.array(task, { maxLength: 4 }),
        length: maybe(number),
        closed: maybe(fc.boolean()),
      });
    const place = fc.record({ file: hostile, line: number, column: number });
    const problem = fc.record({
      id: fc.oneof(fc.constant("lock-order-inversion"), hostile),
      verdict: fc.constantFrom(...Object.keys(verdicts)),
      certainty: fc.constantFrom("proved", "observed", "may", "heuristic"),
      message: hostile,
      tasks: fc.uniqueArray(task, { maxLength: 5 }),
      resources: fc.uniqueArray(resource, { maxLength: 3 }),
      at: fc.array(place, { maxLength: 3 }),
    });
    const deadlock = fc.tuple(problem, fc.integer({ min: 1, max: 99 })).map(([each, label]) => ({
      ...each,
      verdict: "deadlock",
      label: `D${label}`,
    }));
    return fc.record({
      format: fc.constant("unknot-dump"),
      version: fc.constant(1),
      process: fc.record({
        pid: number,
        threadId: number,
        parentPid: maybe(number),
        node: hostile,
        title: hostile,
        cwd: hostile,
        upMs: ms,
        build: maybe(hostile),
        exitCode: maybe(fc.integer({ min: -1, max: 255 })),
      }),
      capturedAt: fc.nat(4_000_000_000_000),
      by: hostile,
      loop: fc.record({
        state: fc.constantFrom("turning", "blocked", "ended"),
        sinceMs: ms,
        lag: maybe(fc.record({ p99Ms: ms, maxMs: ms })),
      }),
      coverage: fc.record({
        instrumented: fc.array(hostile, { maxLength: 3 }),
        transformed: number,
        untouched: fc.array(fc.record({ file: hostile, reason: hostile }), { maxLength: 2 }),
        blind: fc.array(hostile, { maxLength: 2 }),
        dropped: number,
      }),
      filtered: maybe(fc.record({ by: hostile, of: number })),
      sites: fc.constant(sites),
      sources: maybe(
        fc.array(fc.record({ file: hostile, hash: fc.oneof(hostile, fc.constant("0123456789abcdef")) }), {
          minLength: 1,
          maxLength: 2,
        }),
      ),
      tasks: fc.tuple(...tasks.map(taskOf)),
      resources: fc.tuple(...resources.map(resourceOf)),
      problems: fc.array(fc.oneof(problem, deadlock), { maxLength: 3 }),
    });
  })
  .map((dump) => withoutUndefined(dump) as Dump);

/** The same with what its tasks have waited and held so far. */
const anyContended = anyDump.chain((dump) => {
  const site = fc.nat(dump.sites.length - 1);
  const stack = fc.array(site, { minLength: 1, maxLength: 3 });
  const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const resource = fc.record({
    kind: fc.constantFrom("mutex", "rwlock", "channel", "queue", "pool", "semaphore"),
    type: hostile,
    name: maybe(hostile),
    created: maybe(site),
  });
  const amounts = { count: number, totalMs: ms, longestMs: ms };
  const wait = fc.record({
    stack,
    state: fc.constantFrom(...taskStates),
    resource: maybe(resource),
    ...amounts,
  });
  const hold = fc.record({
    stack,
    taken: maybe(site),
    resource,
    ...amounts,
    contended: number,
    delayMs: ms,
  });
  /** A tracer has one entry for each place. */
  const entriesOf = (waits: readonly ContendedWait[]) => {
    const place = (index: number | undefined) => ({ ...dump.sites[index ?? -1], function: undefined });
    const keyOf = ({ stack: at, state, resource: about }: ContendedWait) =>
      JSON.stringify([at.map(place), state, about?.type, about && place(about.created)]);
    return [...new Map(waits.map((each) => [keyOf(each), each])).values()];
  };
  const contention = fc.record({
    forMs: ms,
    stepMs: number,
    // More than grouped text has.
    waits: fc
      .oneof(fc.array(wait, { maxLength: 3 }), fc.array(wait, { minLength: 12, maxLength: 14 }))
      .map((waits) => entriesOf(waits as readonly ContendedWait[])),
    holds: fc.array(hold, { maxLength: 3 }),
    dropped: number,
  });
  return contention.map((each) => withoutUndefined({ ...dump, contention: each }) as Dump);
});

/** A dump with handles, tests and a blocking stack, which text has only in its problems. */
const anyWatched = fc.oneof(anyDump, anyContended).chain((dump) => {
  const stack = fc.array(fc.nat(dump.sites.length - 1), { maxLength: 3 });
  const handle = fc.record(
    {
      kind: fc.constantFrom(...handleKinds),
      type: hostile,
      detail: hostile,
      stack,
      test: hostile,
      ageMs: ms,
    },
    { requiredKeys: ["kind", "type", "stack", "ageMs"] },
  );
  const testRun = fc.record(
    { state: fc.constantFrom("running", "resting", "ended"), sinceMs: ms, tests: number, test: hostile },
    { requiredKeys: ["state", "sinceMs", "tests"] },
  );
  const site = fc.nat(dump.sites.length - 1);
  const overRelease = fc.record(
    {
      resource: fc.record(
        { kind: fc.constantFrom("mutex", "semaphore"), type: hostile, name: hostile, created: site },
        { requiredKeys: ["kind", "type"] },
      ),
      outcome: fc.constantFrom("grown", "freed"),
      at: site,
      taken: site,
      capacity: number,
      free: number,
      count: number,
      sinceMs: ms,
    },
    { requiredKeys: ["resource", "outcome", "count", "sinceMs"] },
  );
  const lostUpdate = fc.record(
    { place: hostile, at: site, read: site, count: number, sinceMs: ms },
    { requiredKeys: ["place", "count", "sinceMs"] },
  );
  const failure = fc.record(
    { name: hostile, entry: site, created: site, count: number, sinceMs: ms },
    { requiredKeys: ["name", "count", "sinceMs"] },
  );
  const growth = fc.record(
    { at: site, created: site, counts: fc.array(number, { maxLength: 8 }), overMs: ms },
    { requiredKeys: ["at", "counts", "overMs"] },
  );
  const watched = {
    lostUpdates: fc.array(lostUpdate, { maxLength: 2 }),
    failures: fc.array(failure, { maxLength: 2 }),
    growth: fc.array(growth, { maxLength: 2 }),
    handles: fc.array(handle, { maxLength: 3 }),
    overReleases: fc.array(overRelease, { maxLength: 2 }),
    testRun,
    stack,
  };
  return fc.record(watched, { requiredKeys: [] }).map(
    ({ stack: blocking, ...more }): Dump => ({
      ...dump,
      ...(more as Pick<Dump, "lostUpdates" | "failures" | "growth" | "handles" | "testRun" | "overReleases">),
      loop: blocking === undefined ? dump.loop : { ...dump.loop, stack: blocking },
    }),
  );
});

/** Optional properties are absent, as in a dump of the tracer, not present with `undefined`. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, part]) =>
      part === undefined ? [] : [[key, withoutUndefined(part)]],
    ),
  );
}

/** A dump without what no format promises: the order of tasks and resources, the numbers of sites. */
function canonical(dump: Dump): unknown {
  const site = (index: number | undefined): Site | undefined =>
    index === undefined ? undefined : dump.sites[index];
  const place = (index: number | undefined) => {
    const found = site(index);
    return found && { file: found.file, line: found.line, column: found.column };
  };
  const contended = ({ stack, resource, ...each }: ContendedWait | ContendedHold) => ({
    ...each,
    stack: stack.map(site),
    ...("taken" in each ? { taken: place(each.taken) } : {}),
    resource: resource && { ...resource, created: place(resource.created) },
  });
  const byId = (a: { readonly id: number }, b: { readonly id: number }) => a.id - b.id;
  return JSON.parse(
    JSON.stringify({
      ...dump,
      sites: undefined,
      tasks: [...dump.tasks].sort(byId).map((task) => ({
        ...task,
        at: site(task.at),
        entry: site(task.entry),
        created: site(task.created),
      })),
      resources: [...dump.resources].sort(byId).map((resource) => ({
        ...resource,
        created: site(resource.created),
        holders: resource.holders.map((hold) => ({ ...hold, site: place(hold.site) })),
      })),
      contention: dump.contention && {
        ...dump.contention,
        waits: dump.contention.waits.map(contended),
        holds: dump.contention.holds.map(contended),
      },
    }),
  );
}

const text = (chunks: Iterable<string>) => [...chunks].join("");

describe("every format", () => {
  it("gives the same dump back from full text, whatever names the program chose", () => {
    fc.assert(
      fc.property(fc.oneof(anyDump, anyContended), (dump) => {
        const { dumps, unknown, notes } = readDumps(text(writeTaskdump(dump, { mode: "full" })));
        assert.deepEqual({ unknown, notes }, { unknown: 0, notes: [] });
        assert.deepEqual(dumps.map(canonical), [canonical(dump)]);
      }),
      { numRuns: 1000 },
    );
  });

  it("gives the same groups back from grouped text", () => {
    const groups = (dump: Dump) => {
      const { groups: found, sites } = overview(dump, { membersPerGroup: 100 });
      return found.map(({ state, at, entry, count, minWaitMs, maxWaitMs, members }) => ({
        state,
        at: at === undefined ? undefined : sites[at],
        entry: entry === undefined ? undefined : sites[entry],
        count,
        minWaitMs,
        maxWaitMs,
        members: [...members].sort((a, b) => a - b),
      }));
    };
    fc.assert(
      fc.property(anyDump, (dump) => {
        // The text has the time of the wait.
        const told = (task: Task): Task => ({ ...task, ageMs: waitMs(task) });
        const waiting = { ...dump, tasks: dump.tasks.map(told) };
        const { dumps, unknown, notes } = readDumps(text(writeTaskdump(waiting, { mode: "grouped" })));
        assert.deepEqual({ unknown, notes }, { unknown: 0, notes: [] });
        const order = (list: ReturnType<typeof groups>) =>
          new Set(list.map((group) => JSON.stringify(group)));
        assert.deepEqual(order(dumps.flatMap(groups)), order(groups(waiting)));
        const collected = (each: Dump) => new Map(each.tasks.map((task) => [task.id, task.collected]));
        assert.deepEqual(dumps.map(collected), [collected(waiting)]);
      }),
      { numRuns: 500 },
    );
  });

  it("gives the same dump back from JSON, with what only that has", () => {
    fc.assert(
      fc.property(anyWatched, (dump) => {
        const { dumps, unknown, notes } = readDumps(text(writeDumpJson(dump)));
        assert.deepEqual({ unknown, notes }, { unknown: 0, notes: [] });
        assert.deepEqual(dumps.map(canonical), [canonical(dump)]);
      }),
      { numRuns: 500 },
    );
  });

  it("differs in nothing from a dump of the same moment in another format", () => {
    const forms: Record<string, (dump: Dump) => Iterable<string>> = {
      grouped: (dump) => writeTaskdump(dump, { mode: "grouped" }),
      full: (dump) => writeTaskdump(dump, { mode: "full" }),
      JSON: (dump) => writeDumpJson(dump),
    };
    fc.assert(
      fc.property(fc.oneof(anyDump, anyContended), (dump) => {
        const sides = Object.entries(forms).map(([name, write]) => ({
          name,
          read: readDumps(text(write(dump))).dumps[0] ?? assert.fail(name),
        }));
        sides.push({ name: "live", read: dump });
        for (const before of sides) {
          for (const after of sides) {
            const { groups, started, ended, newProblems, goneProblems, waited } = diffDumps(
              before.read,
              after.read,
            );
            assert.deepEqual(
              { groups, started, ended, newProblems, goneProblems, waited },
              { groups: [], started: [], ended: [], newProblems: [], goneProblems: [], waited: [] },
              `from ${before.name} to ${after.name}`,
            );
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("says so when a file was cut, and keeps the tasks before the cut", () => {
    const whole = (dump: Dump) => new Map(dump.tasks.map((task) => [task.id, task.name]));
    fc.assert(
      fc.property(
        anyDump,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.boolean(),
        (dump, part, json) => {
          const full = text(json ? writeDumpJson(dump) : writeTaskdump(dump, { mode: "full" }));
          const { dumps, notes } = readDumps(full.slice(0, Math.floor(full.trimEnd().length * part)));
          assert.ok(notes.length > 0);
          for (const task of dumps.flatMap((each) => each.tasks)) {
            assert.equal(task.name, whole(dump).get(task.id));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("reads anything without an exception", () => {
    const lines = fc.array(
      fc.oneof(hostile, fc.constantFrom("taskdump 1 full", "", "\t?:0", "goroutine 1 [running]:")),
    );
    fc.assert(
      fc.property(lines, (each) => void readDumps(each.join("\n"))),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.json(), (each) => void readDumps(each)),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.object(), (each) => void asDump({ ...each, format: "unknot-dump" })),
      { numRuns: 500 },
    );
  });

  it("keeps hostile names out of the shape of goroutine text", () => {
    // The six rules of what panicparse, roumon and goroutine-inspect accept, as expressions.
    const header = /^goroutine \d+ \[[a-zA-Z. ]+( \(no cases\))?( \(deadlock\))?(, \d+ minutes)?\]:$/;
    const frame = /^(created by )?[\p{L}\p{N}_$.*/#~-]+(\(\.\.\.\)|( in goroutine \d+)?)$/u;
    const location = /^\t\S+\.go:[1-9]\d* \+0x[0-9a-f]+$/;
    fc.assert(
      fc.property(anyDump, (dump) => {
        const written = text(writeGoroutines(dump)).split("\n\n").filter(Boolean);
        const [head = ""] = dump.filtered === undefined ? [] : written;
        if (dump.filtered !== undefined) assert.match(head, /^# filtered \d+ of \d+ tasks by ".*"$/);
        const blocks = written.filter((block) => block !== head);
        assert.equal(blocks.length, dump.tasks.length);
        for (const block of blocks) {
          const [first = "", ...pairs] = block.split("\n");
          assert.match(first, header);
          assert.equal(pairs.length % 2, 0);
          for (const [index, line] of pairs.entries()) assert.match(line, index % 2 === 0 ? frame : location);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("keeps counts, times and strings in pprof", () => {
    fc.assert(
      fc.property(anyDump, (dump) => {
        const profile = Profile.decode(encodePprof(dump, { profile: "tasks" }));
        const strings = profile.stringTable.strings;
        const sums = [0n, 0n, 0n];
        for (const sample of profile.sample) {
          for (const [index, value] of sample.value.entries())
            sums[index] = (sums[index] ?? 0n) + BigInt(value);
          for (const id of sample.locationId) {
            const place = profile.location[Number(id) - 1];
            assert.ok(profile.function[Number(place?.line[0]?.functionId) - 1] !== undefined);
          }
          for (const { key, str } of sample.label)
            assert.ok(strings[Number(key)] !== undefined && strings[Number(str)] !== undefined);
        }
        const total = (of: (task: Dump["tasks"][number]) => number) =>
          dump.tasks.reduce((sum, task) => sum + of(task), 0);
        assert.deepEqual(sums, [
          BigInt(total((task) => task.ageMs)) * 1_000_000n,
          BigInt(total((task) => task.wait?.sinceMs ?? 0)) * 1_000_000n,
          BigInt(dump.tasks.length),
        ]);
        const types = profile.sampleType.map((type) => strings[Number(type.type)]);
        assert.deepEqual(types, ["age", "wait", "tasks"]);
        assert.equal(strings[Number(profile.defaultSampleType)], "tasks");
        assert.equal(strings[0], "");
      }),
      { numRuns: 300 },
    );
  });

  it("keeps what was waited and blamed in pprof, pauses and holds that delayed nobody left out", () => {
    fc.assert(
      fc.property(anyContended, (dump) => {
        const { waits = [], holds = [] } = dump.contention ?? {};
        const sums = (profile: "block" | "mutex") => {
          const { sample, stringTable, sampleType, location } = Profile.decode(
            encodePprof(dump, { profile }),
          );
          const types = sampleType.map((type) => stringTable.strings[Number(type.type)]);
          assert.deepEqual(types, ["contentions", "delay"]);
          for (const { locationId } of sample) {
            assert.ok(locationId.length > 0 && locationId.every((id) => location[Number(id) - 1]));
          }
          return [0, 1].map((index) =>
            sample.reduce((sum, { value }) => sum + BigInt(value[index] ?? 0), 0n),
          );
        };
        const total = (values: readonly number[]) => BigInt(values.reduce((sum, each) => sum + each, 0));
        const blocked = waits.filter(({ state }) => state !== "sleep");
        assert.deepEqual(sums("block"), [
          total(blocked.map(({ count }) => count)),
          total(blocked.map(({ totalMs }) => totalMs)) * 1_000_000n,
        ]);
        const blamed = holds.filter(({ contended }) => contended > 0);
        assert.deepEqual(sums("mutex"), [
          total(blamed.map(({ contended }) => contended)),
          total(blamed.map(({ delayMs }) => delayMs)) * 1_000_000n,
        ]);
      }),
      { numRuns: 300 },
    );
  });
}).timeout(60_000);
