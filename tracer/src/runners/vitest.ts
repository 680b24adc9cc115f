import {
  type Callback,
  type Instrumentation,
  ownValue,
  type Probe,
  wrap,
  wrapFunction,
} from "@unknot/models/probe.ts";
import type { MapPlace } from "../site-registry.ts";
import type { TestRun } from "../test-run.ts";
import { testName } from "./test-name.ts";

/** What of vitest's tests and suites is looked at. */
interface VitestTask {
  readonly type: string;
  readonly name: string;
  readonly suite?: VitestTask;
  readonly file?: { readonly filepath?: string; readonly name?: string };
}

export interface VitestOptions {
  readonly hasMap: (file: string, map: MapPlace) => void;
  /** Resolves when what is closing has been closed. */
  readonly settled: () => Promise<void>;
}

/** Listens to the runner that each of vitest's workers has, and to the run in its main process. */
export function vitestInstrumentation(
  library: string,
  run: TestRun,
  options: VitestOptions,
): Instrumentation {
  return {
    library,
    exports: ["startTests", "VitestModuleEvaluator", "createVitest"],
    patch: (bindings, probe) => {
      const startTests = bindings.get("startTests");
      if (typeof startTests === "function") {
        bindings.replace("startTests", observed(startTests as Callback, probe, run, options));
      }
      const evaluator = bindings.get("VitestModuleEvaluator") as { readonly prototype: object } | undefined;
      if (evaluator !== undefined) hearOfMaps(evaluator.prototype, probe, options);
      const createVitest = bindings.get("createVitest");
      if (typeof createVitest === "function") {
        bindings.replace("createVitest", watchRun(createVitest as Callback, probe, run));
      }
      return () => {};
    },
  };
}

function observed(startTests: Callback, probe: Probe, run: TestRun, options: VitestOptions): Callback {
  return wrapFunction(probe, startTests, (_, [, runner]) => {
    if (typeof runner === "object" && runner !== null)
      hear(runner as Record<string, unknown>, probe, run, options);
    return undefined;
  });
}

const heard = new WeakSet<object>();

function hear(runner: Record<string, unknown>, probe: Probe, run: TestRun, { settled }: VitestOptions): void {
  if (heard.has(runner)) return;
  heard.add(runner);
  const on = (name: string, hears: (task: VitestTask) => void, after?: () => Promise<void>) => {
    const { [name]: old } = runner;
    runner[name] = function (this: unknown, ...args: unknown[]): unknown {
      probe.guard(() => hears(args[0] as VitestTask));
      const result: unknown = typeof old === "function" ? Reflect.apply(old, this, args) : undefined;
      // No async function: it would be seen in the stack traces of tests.
      return after === undefined ? result : Promise.resolve(result).then(after);
    };
  };
  on("onBeforeTryTask", (test) => run.began(testName(fileOf(test), titles(test))));
  on("onAfterRunTask", () => run.pauses("resting"));
  // It is waited for, and the last that happens before the process may be ended.
  on("onAfterRunFiles", () => run.pauses("resting"), settled);
  // The hooks around all tests of a suite run inside of it, and outside of its tests.
  on("onBeforeRunSuite", (suite) => run.began(testName(fileOf(suite), [...titles(suite), "beforeAll"])));
}

function fileOf({ file, ...task }: VitestTask): string {
  return file?.filepath ?? file?.name ?? (task.type === "suite" ? task.name : "");
}

function titles(task: VitestTask): readonly string[] {
  const found: string[] = [];
  for (let at: VitestTask | undefined = task; at !== undefined; at = at.suite) {
    // The outermost one is the file.
    if (at.file === (at as unknown)) break;
    found.unshift(at.name);
  }
  return found;
}

/** Modules come with their maps beside their code. */
function hearOfMaps(prototype: object, probe: Probe, { hasMap }: VitestOptions): void {
  wrap(probe, prototype, "runInlinedModule", (_, [, , module]) => {
    const id = ownValue(module, "id");
    const map = ownValue(ownValue(module, "meta"), "sourceMap");
    if (typeof id !== "string" || typeof map !== "string") return undefined;
    hasMap(id, { url: `data:application/json;base64,${Buffer.from(map).toString("base64")}` });
    return undefined;
  });
}

interface Vitest {
  close(): Promise<void>;
}

/** The main process has no tests; they are over when it has closed its workers and server. */
function watchRun(createVitest: Callback, probe: Probe, run: TestRun): Callback {
  return wrapFunction(probe, createVitest, () => ({
    returned: (result) => {
      run.pauses("running");
      void (result as Promise<Vitest>).then(
        (vitest) => {
          const { close } = vitest;
          vitest.close = wrapFunction(probe, close, () => ({
            returned: (closed) => {
              const ended = () => run.pauses("ended");
              void (closed as Promise<void>).then(ended, ended);
            },
          }));
        },
        () => {},
      );
    },
  }));
}
