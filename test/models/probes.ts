// What a model says about nesting, capacity, double releases and closed channels, asked of the real library. A probe
// knows the words of the models and no library.
import assert from "node:assert/strict";
import type {
  CreateModel,
  GuardedOutcome,
  HandleModel,
  OperationModel,
  TypeModel,
} from "@unknot/models/model.ts";
import semver from "semver";

/** A type of a library, with the members it inherits and a way to make one. */
export interface Subject {
  readonly kind: TypeModel["kind"];
  /** What fails may have been tried again and again before. */
  readonly givesUp?: boolean;
  readonly create: CreateModel;
  readonly call: OperationModel | undefined;
  readonly members: ReadonlyMap<string, OperationModel>;
  /** Of the library. */
  readonly version: string;
  /** Makes one with room for so many; undefined: as it is made without arguments. */
  make(capacity: number | undefined): unknown;
}

export interface Probe {
  readonly name: string;
  run(): Promise<void>;
}

/** Everything about a type that can be asked without a server. */
export function probesOf(subject: Subject): Probe[] {
  const operations = [...(subject.call ? [["()", subject.call] as const] : []), ...subject.members];
  return operations.flatMap(([name, operation]) =>
    asksOf(subject, name, operation).map(([what, run]) => ({ name: `${name}: ${what}`, run })),
  );
}

type Ask = readonly [what: string, run: () => Promise<void>];

function asksOf(subject: Subject, name: string, operation: OperationModel): readonly Ask[] {
  const { kind } = subject;
  switch (operation.op) {
    case "acquire":
      return operation.handle && kind !== "stream"
        ? acquireAsks(subject, name, operation, operation.handle)
        : [];
    case "release":
      return releaseAsks(subject, name, operation);
    case "scoped":
    case "submit":
    case "use":
      return operation.fn === undefined
        ? workerAsks(subject, name, operation)
        : taskAsks(subject, name, operation);
    case "waitIdle":
      return operation.insideOwnTask === "hang"
        ? [["hangs in a task of its own", () => idleInTask(subject, name)]]
        : [];
    case "clear":
      return operation.dropped !== undefined && entryOf(subject)
        ? [["what becomes of those who wait", () => cleared(subject, name, operation)]]
        : [];
    case "cancelWaiters":
      return [["those who wait are told", () => cancelled(subject, name)]];
    case "close":
      return kind === "channel" ? closeAsks(subject, name, operation) : [];
    case "done":
      return [["the last one lets the waiter go on", () => waitGroup(subject, name)]];
    default:
      return [];
  }
}

// --- locks and pools

function acquireAsks(subject: Subject, name: string, operation: OperationModel, handle: HandleModel): Ask[] {
  const others = operation.mode === "read";
  const room = others ? 1 : roomOf(subject);
  const asks: Ask[] = [
    [
      others ? "readers share, a writer waits for them" : `${room} may hold it, one more waits`,
      async () => {
        const object = subject.make(room);
        const held = await hold(subject, object, name, room);
        const next = watch(ask(subject, object, others ? writerOf(subject) : name));
        assert.equal(await stateOf(next), "pending", "one more than its capacity gets in");
        if (others) {
          // A second reader gets in unless a writer is waiting already.
          const shared = subject.make(room);
          await hold(subject, shared, name, 2);
        }
        await release(object, handle, held[0]);
        assert.equal(await stateOf(next), "fulfilled", "releasing does not let the waiter in");
      },
    ],
  ];
  if (handle.double !== undefined && !others) {
    asks.push([
      `released twice: ${handle.double}`,
      () => releasedTwice(subject, name, handle, handle.double),
    ]);
  }
  for (const also of operation.alsoReleasedBy ?? []) {
    if (!subject.members.has(also)) continue;
    asks.push([
      `also released by ${also}`,
      async () => {
        const object = subject.make(room);
        const [first] = await hold(subject, object, name, room);
        const next = watch(ask(subject, object, name));
        assert.equal(await stateOf(next), "pending");
        await invoke(object, also, handle.form === "object" ? [first] : []);
        assert.equal(await stateOf(next), "fulfilled");
      },
    ]);
  }
  return asks;
}

function writerOf(subject: Subject): string {
  const found = [...subject.members].find(([, one]) => one.op === "acquire" && one.mode === "write");
  assert.ok(found, "no member acquires for writing");
  return found[0];
}

async function releasedTwice(
  subject: Subject,
  name: string,
  handle: HandleModel,
  outcome: HandleModel["double"],
): Promise<void> {
  const room = roomOf(subject);
  const object = subject.make(room);
  const held = await hold(subject, object, name, room);
  const waiting = watch(ask(subject, object, name));
  assert.equal(await stateOf(waiting), "pending");
  const later = watch(ask(subject, object, name));
  await release(object, handle, held[0]);
  switch (outcome) {
    case "noop":
      assert.equal(await stateOf(waiting), "fulfilled");
      await release(object, handle, held[0]);
      assert.equal(await stateOf(later), "pending", "the second release lets another one in");
      return;
    case "grows":
    case "stealsHold":
      assert.equal(await stateOf(waiting), "fulfilled");
      await release(object, handle, held[0]);
      assert.equal(await stateOf(later), "fulfilled", "the second release changes nothing");
      return;
    case "throw":
    case "reject":
      assert.equal(await outcomeOf(() => release(object, handle, held[0]), subject.givesUp), outcome);
      return;
    default:
      assert.fail(`no probe knows '${outcome}'`);
  }
}

function releaseAsks(subject: Subject, name: string, operation: OperationModel): readonly Ask[] {
  const acquire = [...subject.members].find(([, one]) => one.op === "acquire" && one.mode !== "read");
  if (!acquire) return [];
  const [acquireName, { handle }] = acquire;
  const asks: Ask[] = [];
  const { unheld, double } = operation;
  const form = handle?.form === "resource" || handle?.form === "object" ? "resource" : "self";
  const args = form === "resource" ? [{}] : [];
  if (unheld !== undefined) {
    asks.push([
      `nothing is held: ${unheld}`,
      async () => {
        const room = roomOf(subject);
        const object = subject.make(room);
        const outcome = await outcomeOf(() => invoke(object, name, args));
        assert.equal(outcome, unheld === "grows" ? "noop" : unheld);
        if (outcome !== "noop") return;
        await hold(subject, object, acquireName, room);
        const next = watch(ask(subject, object, acquireName));
        assert.equal(await stateOf(next), unheld === "grows" ? "fulfilled" : "pending");
      },
    ]);
  }
  if (double !== undefined && handle !== undefined) {
    asks.push([
      `released twice: ${double}`,
      () => releasedTwice(subject, acquireName, { form, release: [name] }, double),
    ]);
  }
  return asks;
}

/** As many holders as there is room for. */
async function hold(subject: Subject, object: unknown, name: string, count: number): Promise<unknown[]> {
  const held: unknown[] = [];
  for (let index = 0; index < count; index += 1) {
    const acquired = watch(ask(subject, object, name));
    assert.equal(await stateOf(acquired), "fulfilled", `holder ${index + 1} of ${count} does not get in`);
    held.push(acquired.value);
  }
  return held;
}

/** Acquires: gives the promise to wait for. */
function ask(subject: Subject, object: unknown, name: string): unknown {
  const given = invoke(object, name, []);
  const inside = subject.members.get(name)?.promiseIn;
  return inside === undefined ? given : (given as Readonly<Record<string, unknown>>)[inside];
}

function release(object: unknown, handle: HandleModel, acquired: unknown): unknown {
  const [member = ""] = handle.release ?? [];
  switch (handle.form) {
    case "fn":
      return (acquired as () => unknown)();
    case "tuple":
      return (acquired as readonly (() => unknown)[])[handle.index ?? 0]?.();
    case "object":
      return invoke(acquired, member, []);
    case "self":
      return invoke(object, member, []);
    case "resource":
      return invoke(object, member, [acquired]);
    case "callback":
      throw new Error("a callback's parameter is called by the callback");
  }
}

// --- callbacks that run under a lock, or in a slot

function taskAsks(subject: Subject, name: string, operation: OperationModel): Ask[] {
  // What gives no promise says nothing of how its callback ends.
  return operation.await
    ? [...outcomeAsks(subject, name, operation), ...roomAsks(subject, name, operation)]
    : roomAsks(subject, name, operation).slice(0, 1);
}

function outcomeAsks(subject: Subject, name: string, operation: OperationModel): Ask[] {
  const asks: Ask[] = [
    [
      "runs the callback and gives its result",
      async () => {
        const object = subject.make(roomOf(subject));
        const done = watch(submit(object, name, operation, async () => "result"));
        assert.equal(await stateOf(done), "fulfilled");
        assert.equal(done.value, "result");
      },
    ],
    [
      "a failed callback gives its place back",
      async () => {
        const object = subject.make(roomOf(subject));
        const failed = watch(submit(object, name, operation, () => Promise.reject(new Error("on purpose"))));
        assert.equal(await stateOf(failed), "rejected");
        const next = watch(submit(object, name, operation, async () => "result"));
        assert.equal(await stateOf(next), "fulfilled");
      },
    ],
  ];
  if (operation.onFloatReject !== undefined) {
    asks.push([
      `a failure that nobody looks at: ${operation.onFloatReject}`,
      async () => {
        const object = subject.make(roomOf(subject));
        const unhandled = await unhandledDuring(() =>
          submit(object, name, operation, () => Promise.reject(new Error("on purpose"))),
        );
        assert.equal(unhandled > 0, operation.onFloatReject === "unhandled");
      },
    ]);
  }
  return asks;
}

/** That so many run at once, and that each waits for what it submits itself. */
function roomAsks(subject: Subject, name: string, operation: OperationModel): Ask[] {
  if (!capacityIsKnown(subject) || operation.mode === "read") return [];
  const room = roomOf(subject);
  return [
    [
      `${room} run at once, one more waits`,
      async () => {
        const object = subject.make(room);
        const gates = Array.from({ length: room + 1 }, () => Promise.withResolvers<void>());
        const started: number[] = [];
        for (const [index, gate] of gates.entries()) {
          watch(
            submit(object, name, operation, () => {
              started.push(index);
              return gate.promise;
            }),
          );
        }
        await turns();
        assert.equal(started.length, room);
        gates[0]?.resolve();
        await turns();
        assert.equal(started.length, room + 1);
        // What still runs may keep a timer.
        for (const gate of gates) gate.resolve();
      },
    ],
    [
      "waits for ever inside itself, when all places are taken",
      async () => {
        const object = subject.make(1);
        const outer = watch(
          submit(object, name, operation, () => submit(object, name, operation, async () => "inner")),
        );
        assert.equal(await stateOf(outer), "pending");
      },
    ],
  ];
}

/** Submitted data goes to the worker that was given at the creation. */
function workerAsks(subject: Subject, name: string, operation: OperationModel): Ask[] {
  if (subject.create.worker === undefined || operation.onFloatReject === undefined) return [];
  return [
    [
      `a failure that nobody looks at: ${operation.onFloatReject}`,
      async () => {
        const object = subject.make(1);
        const unhandled = await unhandledDuring(() => invoke(object, name, [failing]));
        assert.equal(unhandled > 0, operation.onFloatReject === "unhandled");
      },
    ],
    [
      "gives what the worker gives, and waits for ever inside it",
      async () => {
        const object = subject.make(1);
        const done = watch(invoke(object, name, [() => "result"]));
        assert.equal(await stateOf(done), "fulfilled");
        assert.equal(done.value, "result");
        const outer = watch(invoke(object, name, [() => invoke(object, name, [() => "inner"])]));
        assert.equal(await stateOf(outer), "pending");
      },
    ],
  ];
}

/** What a worker is given: something to run. */
export type Job = () => unknown;

const failing: Job = () => Promise.reject(new Error("on purpose"));

function submit(object: unknown, name: string, operation: OperationModel, task: Job): unknown {
  const args: unknown[] = [];
  if (operation.key !== undefined) args[operation.key] = "key";
  args[operation.fn ?? 0] = task;
  return invoke(object, name, args);
}

/** How tasks get in: the first member, or the call, that runs one in a slot. */
function entryOf(subject: Subject): ((object: unknown, task: Job) => unknown) | undefined {
  const all = [...(subject.call ? [["()", subject.call] as const] : []), ...subject.members];
  const found = all.find(([, one]) => one.op === "submit" || one.op === "scoped");
  if (!found) return undefined;
  const [name, operation] = found;
  return operation.fn === undefined
    ? (object, task) => invoke(object, name, [task])
    : (object, task) => submit(object, name, operation, task);
}

async function idleInTask(subject: Subject, name: string): Promise<void> {
  const enter = entryOf(subject);
  assert.ok(enter, "nothing submits");
  const object = subject.make(1);
  let idle: Watched | undefined;
  watch(
    enter(object, () => {
      idle = watch(invoke(object, name, []));
      return idle.promise;
    }),
  );
  await turns();
  assert.equal(idle && (await stateOf(idle)), "pending");
}

async function cleared(subject: Subject, name: string, operation: OperationModel): Promise<void> {
  const enter = entryOf(subject);
  assert.ok(enter, "nothing submits");
  const object = subject.make(1);
  const gate = Promise.withResolvers<void>();
  watch(enter(object, () => gate.promise));
  const dropped = watch(enter(object, async () => "dropped"));
  assert.equal(await stateOf(dropped), "pending");
  await invoke(object, name, []);
  gate.resolve();
  const { dropped: told } = operation;
  const expected = typeof told === "string" ? told : told?.find((one) => applies(subject, one.when))?.then;
  assert.equal(await stateOf(dropped), expected === "reject" ? "rejected" : "pending");
}

/** No option is given by a probe. */
function applies(subject: Subject, guard: GuardedOutcome["when"]): boolean {
  if (guard?.create !== undefined) return false;
  return guard?.version === undefined || semver.satisfies(subject.version, guard.version);
}

async function cancelled(subject: Subject, name: string): Promise<void> {
  const acquire = [...subject.members].find(([, one]) => one.op === "acquire");
  assert.ok(acquire);
  const room = roomOf(subject);
  const object = subject.make(room);
  await hold(subject, object, acquire[0], room);
  const waiting = watch(ask(subject, object, acquire[0]));
  assert.equal(await stateOf(waiting), "pending");
  await invoke(object, name, []);
  assert.equal(await stateOf(waiting), "rejected");
}

// --- channels and wait groups

function closeAsks(subject: Subject, name: string, operation: OperationModel): Ask[] {
  const member = (op: OperationModel["op"]) => [...subject.members].find(([, one]) => one.op === op);
  const send = member("send") ?? member("trySend");
  const asks: Ask[] = [];
  const { closeTwice } = operation;
  if (closeTwice !== undefined) {
    asks.push([
      `closed twice: ${closeTwice}`,
      async () => {
        const object = subject.make(1);
        await invoke(object, name, []);
        const outcome = await outcomeOf(() => invoke(object, name, []));
        assert.equal(outcome, closeTwice);
      },
    ]);
  }
  if (send?.[1].afterClose !== undefined) {
    const [sendName, { afterClose }] = send;
    asks.push([
      `${sendName} after it: ${afterClose}`,
      async () => {
        const object = subject.make(1);
        await invoke(object, name, []);
        const outcome = await outcomeOf(() => invoke(object, sendName, ["value"]));
        assert.equal(outcome, afterClose);
      },
    ]);
  }
  const range = member("range");
  if (range?.[1].ends === "onClose" && send) {
    asks.push([
      "ends a loop over it",
      async () => {
        const object = subject.make(2);
        const seen: unknown[] = [];
        const loop = watch(
          (async () => {
            for await (const value of object as AsyncIterable<unknown>) seen.push(value);
          })(),
        );
        await invoke(object, send[0], ["value"]);
        assert.equal(await stateOf(loop), "pending", "the loop ends without a close");
        await invoke(object, name, []);
        assert.equal(await stateOf(loop), "fulfilled", "closing does not end the loop");
        assert.deepEqual(seen.flat(), ["value"]);
      },
    ]);
  }
  return asks;
}

async function waitGroup(subject: Subject, done: string): Promise<void> {
  const name = (op: OperationModel["op"]) => [...subject.members].find(([, one]) => one.op === op)?.[0] ?? "";
  const object = subject.make(undefined);
  invoke(object, name("add"), [2]);
  const waiting = watch(invoke(object, name("wait"), []));
  invoke(object, done, []);
  assert.equal(await stateOf(waiting), "pending");
  invoke(object, done, []);
  assert.equal(await stateOf(waiting), "fulfilled");
  if (subject.members.get(done)?.unheld === "throw") assert.throws(() => invoke(object, done, []));
}

// --- asking

/** How many the probes make room for: two, where the number can be chosen. */
function roomOf(subject: Subject): number {
  const { capacity } = subject.create;
  if (typeof capacity === "number") return capacity;
  return 2;
}

function capacityIsKnown(subject: Subject): boolean {
  return subject.create.capacity !== undefined && subject.create.capacity !== "Infinity";
}

/** Calls a member, or the object itself for `()`. */
function invoke(object: unknown, name: string, args: readonly unknown[]): unknown {
  const of = object as Readonly<Record<string, unknown>>;
  const called = name === "()" ? object : of[name];
  assert.ok(typeof called === "function", `'${name}' is no function`);
  return Reflect.apply(called, object, args);
}

interface Watched {
  readonly promise: Promise<unknown>;
  state: "pending" | "fulfilled" | "rejected";
  value: unknown;
}

function watch(given: unknown): Watched {
  const watched: Watched = { promise: Promise.resolve(given), state: "pending", value: undefined };
  watched.promise.then(
    (value) => Object.assign(watched, { state: "fulfilled", value }),
    (reason: unknown) => Object.assign(watched, { state: "rejected", value: reason }),
  );
  return watched;
}

/** What has become of it after some turns of the event loop; a promise that can settle needs one or two. */
async function stateOf(watched: Watched): Promise<Watched["state"]> {
  for (let turn = 0; turn < 8 && watched.state === "pending"; turn += 1) await oneTurn();
  return watched.state;
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 8; turn += 1) await oneTurn();
}

/** Through the phase of timers and the one of immediates. */
async function oneTurn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
  await new Promise((resolve) => setImmediate(resolve));
}

/** In the words of the models; what gives something else than false is `noop`. What `ends` is waited for. */
async function outcomeOf(
  act: () => unknown,
  ends = false,
): Promise<"noop" | "false" | "throw" | "reject" | "hang"> {
  let given: unknown;
  try {
    given = act();
  } catch {
    return "throw";
  }
  const watched = watch(given);
  if (ends) await watched.promise.catch(() => {});
  switch (await stateOf(watched)) {
    case "pending":
      return "hang";
    case "rejected":
      return "reject";
    case "fulfilled":
      return watched.value === false ? "false" : "noop";
  }
}

/** Rejections that reach the process; the test runner's own listeners are put aside meanwhile. */
async function unhandledDuring(act: () => unknown): Promise<number> {
  const listeners = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  let count = 0;
  const listen = () => {
    count += 1;
  };
  process.on("unhandledRejection", listen);
  try {
    act();
    await turns();
  } finally {
    process.off("unhandledRejection", listen);
    for (const listener of listeners) process.on("unhandledRejection", listener);
  }
  return count;
}
