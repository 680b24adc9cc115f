// Runners end the processes of their tests by force, some of them at once: what those have left is written down while
// there is time.
import type { OpenHandle } from "./handles.ts";

export interface AfterTests {
  /** No test is running; what is open a moment later is left, unless another test begins. */
  paused(): void;
  /** Resolves when what is closing has been closed, or takes too long for that, and the rest is written down. */
  settled(): Promise<void>;
}

export interface AfterTestsOptions {
  /** What keeps the process alive now. */
  readonly open: () => readonly OpenHandle[];
  /** What is opened meanwhile is ours. */
  readonly own: <Result>(action: () => Result) => Result;
  readonly isRunning: () => boolean;
  /** Writes down what there is now. */
  readonly leave: () => void;
}

// As they are before a program or a test puts others in their place.
const { setTimeout, clearTimeout } = globalThis;

/** Shorter than what jest gives a worker to end by itself: 500 ms. */
const momentMs = 250;
const lookEveryMs = 25;

export function createAfterTests({ open, own, isRunning, leave }: AfterTestsOptions): AfterTests {
  let timer: NodeJS.Timeout | undefined;
  return {
    paused() {
      clearTimeout(timer);
      timer = own(() =>
        setTimeout(() => {
          if (!isRunning() && open().some(isTheirs)) leave();
        }, momentMs).unref(),
      );
    },
    async settled() {
      for (let waitedMs = 0; waitedMs < momentMs && open().some(isTheirs); waitedMs += lookEveryMs) {
        await new Promise((resolve) => own(() => setTimeout(resolve, lookEveryMs)));
      }
      open();
      leave();
    },
  };
}

/** What a runner opens for itself has no frame of the program and no test. */
function isTheirs({ test, stack }: OpenHandle): boolean {
  return test !== undefined || stack.some(({ file }) => !file.includes("/node_modules/"));
}
