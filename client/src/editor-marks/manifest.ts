import type { ManifestPart } from "../manifest.ts";

export const manifest: ManifestPart = {
  settings: {
    "unknot.showWaitingTasks": {
      type: "boolean",
      default: true,
      scope: "window",
      markdownDescription:
        "While a traced program runs, write behind each line how many tasks wait there, and mark those that are part of a deadlock.",
    },
  },
};
