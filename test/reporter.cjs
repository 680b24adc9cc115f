// mocha's spec reporter, plus `N passed, N failed, N skipped` as its last line and, in the file that
// UNKNOT_TEST_COUNTS names, the same and what failed as JSON for the script that adds up several runs.
const { appendFileSync } = require("node:fs");
const { reporters } = require("mocha");

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const failures = [];
    runner.on("fail", (test, error) => {
      failures.push({ title: test.titlePath().join(" › "), error: String(error?.stack ?? error) });
    });
    runner.once("end", () => {
      const { passes: passed, failures: failed, pending: skipped } = this.stats;
      console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
      const counts = process.env.UNKNOT_TEST_COUNTS;
      if (counts) {
        appendFileSync(counts, `${JSON.stringify({ passed, failed, skipped, failures })}\n`);
      }
    });
  }
};
