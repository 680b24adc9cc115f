/** A plugin for vitest's configuration: the tests run traced, and each that leaves tasks behind fails. */
export declare function unknot(): {
  readonly name: string;
  config(): { test: { setupFiles: string[] } };
};
