/**
 * A fixture for Playwright Test that fails each test that leaves tasks behind: `test.extend(noTasks)`. The tests have to
 * run traced: import this module in `playwright.config.ts`, too.
 */
export declare const noTasks: {
  noTasks: [(args: object, use: () => Promise<void>) => Promise<void>, { auto: true }];
};
