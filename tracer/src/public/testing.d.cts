/** Tasks were left behind. */
export declare class LeftTasksError extends Error {
  readonly name: "LeftTasksError";
  /** One sentence each: its name, what it waits for, where it waits and where it was started. */
  readonly tasks: readonly string[];
  constructor(tasks: readonly string[]);
}

export interface ExpectNoTasksOptions {
  /** Milliseconds that tasks may take to end by themselves; 1000 if not given. */
  readonly within?: number;
}

/**
 * Rejects with a `LeftTasksError` when tasks are left that were started since the last call, or since this module was
 * loaded: async functions that have not returned, jobs that wait in a queue. For the end of a test:
 * `afterEach(() => expectNoTasks())`. The function that calls it does not count. Rejects when the tests run untraced.
 */
export declare function expectNoTasks(options?: ExpectNoTasksOptions): Promise<void>;
