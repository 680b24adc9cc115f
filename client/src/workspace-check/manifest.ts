import type { ManifestPart } from "../manifest.ts";

export const manifest: ManifestPart = {
  commands: [
    { command: "unknot.checkWorkspace", title: "Check Workspace" },
    { command: "unknot.writeBaseline", title: "Write Baseline" },
  ],
  menus: {
    commandPalette: [
      { command: "unknot.checkWorkspace", when: "unknot.active" },
      { command: "unknot.writeBaseline", when: "unknot.active" },
    ],
  },
  settings: {
    "unknot.models": {
      type: "array",
      items: { type: "string" },
      default: [],
      scope: "resource",
      markdownDescription:
        "Model files besides `.unknot/models/*.json` and those of `unknot.config.json`, relative to the folder: they describe locks, queues and other libraries of your own.",
    },
    "unknot.floatingTask.deferToLinter": {
      type: ["string", "null"],
      enum: ["auto", "always", "never", null],
      enumItemLabels: ["auto", "always", "never", "as the project says"],
      enumDescriptions: [
        "Leave floating promises to ESLint, oxlint or Biome where their configuration is known to report them.",
        "Leave floating promises to another linter everywhere.",
        "Report floating promises whatever other linters do.",
        "What `unknot.config.json` says, otherwise `auto`.",
      ],
      default: null,
      scope: "resource",
      markdownDescription:
        "Whether `floating-task` keeps quiet about what another linter reports. Comes before `unknot.config.json`.",
    },
  },
  jsonValidation: [
    { fileMatch: "unknot.config.json", url: "./media/unknot.config.schema.json" },
    { fileMatch: "**/.unknot/models/*.json", url: "./models/model.schema.json" },
  ],
};
