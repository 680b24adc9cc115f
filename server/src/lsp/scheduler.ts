/** Turns changes and questions into runs of the analysis: never two at once, none for a state that has passed. */
export interface Scheduler {
  /** Something changed: what was found is out of date, and a run under way is of no use. */
  changed(): void;
  /** Resolves when a run for the state of that moment or a later one is over; rejects with its error. */
  settled(signal: AbortSignal): Promise<void>;
  dispose(): void;
}

export interface SchedulerOptions {
  /** Analyses the current state. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** After a change, how long nothing else has to change before a run starts. */
  readonly quietMs: () => number;
  /** How long somebody who asks waits for others to ask, too, or for another change; not at all when absent. */
  readonly askedMs?: () => number;
  /** True when results are wanted although nobody asked: they are sent to the client. */
  readonly eager: () => boolean;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const outdated = new Error("The text has changed meanwhile.");

export function createScheduler({ run, quietMs, askedMs = () => 0, eager }: SchedulerOptions): Scheduler {
  const waiters = new Set<Waiter>();
  /** How the run for the current state ended. */
  let outcome: { readonly error?: unknown } | undefined;
  let timer: NodeJS.Timeout | undefined;
  let running: AbortController | undefined;

  const plan = (delayMs: number): void => {
    if (running !== undefined || outcome !== undefined || (waiters.size === 0 && !eager())) return;
    clearTimeout(timer);
    timer = setTimeout(() => void start(), delayMs);
  };

  const start = async (): Promise<void> => {
    const controller = new AbortController();
    timer = undefined;
    running = controller;
    try {
      await run(controller.signal);
      if (!controller.signal.aborted) finish({});
    } catch (error) {
      // Another try would fail in the same way, so it waits for a change.
      if (!controller.signal.aborted) finish({ error });
    } finally {
      running = undefined;
      plan(quietMs());
    }
  };

  const finish = (how: { readonly error?: unknown }): void => {
    outcome = how;
    for (const { resolve, reject } of waiters) {
      if ("error" in how) reject(how.error);
      else resolve();
    }
    waiters.clear();
  };

  return {
    changed() {
      outcome = undefined;
      running?.abort(outdated);
      plan(quietMs());
    },
    settled(signal) {
      if (outcome !== undefined) {
        return "error" in outcome ? Promise.reject(outcome.error) : Promise.resolve();
      }
      if (signal.aborted) return Promise.reject(signal.reason);
      return new Promise((resolve, reject) => {
        const waiter: Waiter = { resolve, reject };
        waiters.add(waiter);
        signal.addEventListener(
          "abort",
          () => {
            waiters.delete(waiter);
            reject(signal.reason);
          },
          { once: true },
        );
        if (timer === undefined) plan(askedMs());
      });
    },
    dispose() {
      clearTimeout(timer);
      running?.abort(outdated);
      finish({ error: outdated });
    },
  };
}
