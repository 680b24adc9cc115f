import { createRequire } from "node:module";
import path from "node:path";
import { type Instrumentation, type Wrapping, wrap } from "@unknot/models/probe.ts";
import type { TestRun } from "../test-run.ts";
import { testName } from "./test-name.ts";

/** What of Playwright Test's worker is looked at: what it tells its runner, and the test that it is in. */
interface Told {
  readonly method?: string;
  readonly params?: { readonly method?: string };
}

interface PlaywrightGlobals {
  currentTestInfo?(): { readonly titlePath?: readonly string[] } | null;
}

/** It gives nothing that could be wrapped. */
export const playwrightInstrumentation: Instrumentation = {
  library: "playwright",
  exports: [],
  patch: () => () => {},
};

/** Listens to what a worker of Playwright Test tells its runner. */
export function watchPlaywright(run: TestRun, folder: string, probe: Wrapping): void {
  // Only a process that somebody listens to.
  if (typeof process.send !== "function") return;
  wrap(probe, process, "send", (_, [told]) => {
    const { method, params } = (told ?? {}) as Told;
    if (method !== "__dispatch__") return undefined;
    if (params?.method === "testBegin") run.began(currentTest(folder));
    if (params?.method === "testEnd" || params?.method === "done") run.pauses("resting");
    return undefined;
  });
}

function currentTest(folder: string): string {
  const { cache } = createRequire(__filename);
  const places = ["lib/globals.js", "lib/common/globals.js"];
  for (const place of places) {
    const globals = cache[path.join(folder, place)]?.exports as PlaywrightGlobals | undefined;
    const titles = globals?.currentTestInfo?.()?.titlePath;
    if (titles !== undefined) return testName("", titles);
  }
  return "a test";
}
