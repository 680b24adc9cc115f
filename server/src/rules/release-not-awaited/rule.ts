import { defineRule } from "../../analysis/analyzer.ts";
import { droppedReleases } from "../../passes/dropped-releases.ts";

export const releaseNotAwaited = defineRule({
  id: "release-not-awaited",
  title: "Nothing waits for a release that takes time",
  severity: "warning",
  requires: [droppedReleases],
  run(pass) {
    for (const { resource, at, trace, fixes } of pass.resultOf(droppedReleases)) {
      pass.report({
        at,
        message: `Nothing waits for the release of '${resource}', so its failure ends the process.`,
        trace,
        fixes,
      });
    }
  },
});
