// Which test is running, so that each task and handle can name the one that started it.
import { createRequire } from "node:module";
import { type Instrumentation, wrap } from "@unknot/models/probe.ts";
import type { TestRun as ProtocolTestRun } from "@unknot/protocol/dump.ts";

type RunState = ProtocolTestRun["state"];

/** Takes what a test runner says. Tests are expected one after the other; of several at once, the last one counts. */
export interface TestRun {
  /** The test that is running. */
  readonly test: string | undefined;
  began(test: string): void;
  /** No test is running: a run has begun (`running`), has `ended`, or nobody knows (`resting`). */
  pauses(state: RunState): void;
}

export interface TestRunOptions {
  /** Called when no test is running any more, for now. */
  readonly paused: () => void;
  /** The id of the last task that was started. */
  readonly lastId: () => number;
  readonly now: () => number;
  readonly note: (
    fact:
      | { readonly kind: "test"; readonly test: string; readonly after: number; readonly at: number }
      | {
          readonly kind: "testsPause";
          readonly state: RunState;
          readonly after: number;
          readonly at: number;
        },
  ) => void;
}

export function createTestRun({ paused, lastId, now, note }: TestRunOptions): TestRun {
  let test: string | undefined;
  return {
    get test() {
      return test;
    },
    began(name) {
      test = name;
      note({ kind: "test", test: name, after: lastId(), at: now() });
    },
    pauses(state) {
      test = undefined;
      note({ kind: "testsPause", state, after: lastId(), at: now() });
      if (state !== "running") paused();
    },
  };
}

/** What of mocha's runner is looked at. */
interface Runner {
  on(event: string, listener: (test?: { fullTitle?(): string }) => void): unknown;
}

/** Listens to mocha's own runner: its tests and their end, in each process of a parallel run. */
export function mochaInstrumentation(run: TestRun): Instrumentation {
  return {
    library: "mocha",
    exports: ["Runner"],
    patch: (bindings, probe) => {
      const runner = bindings.get("Runner") as { prototype: object } | undefined;
      if (runner === undefined) return () => {};
      return wrap(probe, runner.prototype, "run", (self) => {
        const { on } = self as Runner;
        Reflect.apply(on, self, [
          "test",
          (test?: { fullTitle?(): string }) => probe.guard(() => run.began(test?.fullTitle?.() ?? "a test")),
        ]);
        Reflect.apply(on, self, ["start", () => probe.guard(() => run.pauses("running"))]);
        Reflect.apply(on, self, ["end", () => probe.guard(() => run.pauses("ended"))]);
        return undefined;
      });
    },
  };
}

/** What of `node:test` is used. */
interface NodeTest {
  beforeEach(hook: (context: NodeTestContext) => void): void;
  afterEach(hook: () => void): void;
}

interface NodeTestContext {
  readonly name: string;
  readonly fullName?: string;
}

/**
 * Hears of the tests of `node:test` by hooks at its root. Nobody says there when there will be no further test.
 */
export function watchNodeTest(run: TestRun, ownFile: string): void {
  const { beforeEach, afterEach } = createRequire(ownFile)("node:test") as NodeTest;
  const running = new Set<string>();
  let last = "";
  beforeEach(({ name, fullName = name }) => {
    last = fullName;
    running.add(last);
    run.began(last);
  });
  afterEach(() => {
    // Of tests that run at once, any may be the one that has ended.
    running.delete(running.has(last) ? last : ([...running][0] ?? ""));
    if (running.size === 0) run.pauses("resting");
  });
}
