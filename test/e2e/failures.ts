import type { Workbench } from "./workbench.ts";

/** After each failed test of the suite: a picture of the window, and the ends of the logs. */
export function reportFailures(workbench: () => Workbench | undefined): void {
  afterEach(async function () {
    const code = workbench();
    if (!code || this.currentTest?.state !== "failed") return;
    const name = this.currentTest.title.replace(/\W+/g, "-").slice(0, 60);
    console.log(`picture: ${await code.screenshot(`failed-${name}`)}\n${code.logs(15)}`);
  });
}
