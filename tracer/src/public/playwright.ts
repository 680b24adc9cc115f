// `import "unknot/playwright"` in the configuration of Playwright Test traces its tests: its workers are traced because
// the process that starts them is. `test.extend(noTasks)` fails each test that leaves tasks behind.
import "./register-here.ts";
import { expectNoTasks, forget } from "./testing.ts";

type NoTasks = (args: object, use: () => Promise<void>) => Promise<void>;

export const noTasks: { noTasks: [NoTasks, { auto: true }] } = {
  noTasks: [
    // Playwright reads from its text which fixtures it wants.
    // biome-ignore lint/correctness/noEmptyPattern: as above
    async ({}, use) => {
      forget();
      await use();
      await expectNoTasks();
    },
    { auto: true },
  ],
};
