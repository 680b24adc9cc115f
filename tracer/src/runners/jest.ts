import path from "node:path";
import { PerformanceObserver } from "node:perf_hooks";
import { pathToFileURL } from "node:url";
import { type Callback, type Instrumentation, ownValue, wrap } from "@unknot/models/probe.ts";
import type { MapPlace } from "../site-registry.ts";
import type { TestRun } from "../test-run.ts";
import { testName } from "./test-name.ts";

/** What of jest's events is looked at. */
interface JestEvent {
  readonly name: string;
  readonly test?: JestBlock;
  readonly describeBlock?: JestBlock;
  readonly hook?: { readonly type: string; readonly parent?: JestBlock };
}

interface JestBlock {
  readonly name: string;
  readonly parent?: JestBlock;
}

export interface JestOptions {
  /** The map of a file that is about to be evaluated, by the name that it is given. */
  readonly hasMap: (file: string, map: MapPlace) => void;
  /** Whether the end of the run matters. */
  readonly watchesTests: boolean;
}

/** Listens to what jest's environments are told, through the runtime that each file of tests has. */
export function jestInstrumentation(run: TestRun, { hasMap, watchesTests }: JestOptions): Instrumentation {
  return {
    library: "jest-runtime",
    exports: ["default"],
    patch: (bindings, probe) => {
      const Runtime = bindings.get("default") as { readonly prototype: object } | undefined;
      if (Runtime === undefined) return () => {};
      const heard = new WeakSet<object>();
      if (watchesTests) probe.guard(() => hearOfTheRun(run));
      // It is asked for parts of jest before it runs a test.
      const undo = wrap(probe, Runtime.prototype, "requireInternalModule", (self) => {
        const environment = ownValue(self, "_environment");
        if (typeof environment !== "object" || environment === null || heard.has(environment))
          return undefined;
        heard.add(environment);
        const file = ownValue(self, "_testPath");
        hear(environment, typeof file === "string" ? file : "", run, probe.guard);
        return undefined;
      });
      const maps = wrap(probe, Runtime.prototype, "transformFile", (self, [file]) => ({
        returned: () => {
          const { getSourceMaps } = self as { getSourceMaps?: () => ReadonlyMap<string, string> };
          const map = getSourceMaps?.call(self).get(String(file));
          // It is in jest's cache, and the sources in it are beside the file.
          if (map !== undefined)
            hasMap(String(file), { url: pathToFileURL(map).href, base: path.dirname(String(file)) });
        },
      }));
      return () => {
        maps();
        undo();
      };
    },
  };
}

function hear(
  environment: { handleTestEvent?: Callback },
  file: string,
  run: TestRun,
  guard: <Result>(part: () => Result) => Result | undefined,
): void {
  const { handleTestEvent } = environment;
  environment.handleTestEvent = function (this: unknown, event: JestEvent, ...rest: unknown[]): unknown {
    guard(() => hears(run, file, event));
    return handleTestEvent === undefined ? undefined : Reflect.apply(handleTestEvent, this, [event, ...rest]);
  };
}

function hears(run: TestRun, file: string, { name, test, hook, describeBlock }: JestEvent): void {
  switch (name) {
    case "test_start":
      if (test !== undefined) run.began(testName(file, titles(test)));
      break;
    case "hook_start":
      // Those around each test belong to the test.
      if (hook?.type.endsWith("All"))
        run.began(testName(file, [...titles(hook.parent ?? describeBlock), hook.type]));
      break;
    case "hook_success":
    case "hook_failure":
      if (hook?.type.endsWith("All")) run.pauses("resting");
      break;
    case "test_done":
    case "run_finish":
      run.pauses("resting");
      break;
  }
}

function titles(block: JestBlock | undefined): readonly string[] {
  const found: string[] = [];
  // The outermost block is the file.
  for (let at = block; at?.parent !== undefined; at = at.parent) found.unshift(at.name);
  return found;
}

/** The process that runs jest marks where its run begins and ends. */
function hearOfTheRun(run: TestRun): void {
  const observer = new PerformanceObserver((marks) => {
    for (const { name } of marks.getEntries()) {
      if (name === "jest/runCLI:start") run.pauses("running");
      if (name === "jest/runCLI:end") run.pauses("ended");
    }
  });
  observer.observe({ entryTypes: ["mark"] });
}
