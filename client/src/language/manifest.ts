import type { ManifestPart } from "../manifest.ts";

export const manifest: ManifestPart = {
  commands: [
    { command: "unknot.restartServer", title: "Restart Language Server" },
    { command: "unknot.showOutput", title: "Show Output" },
  ],
  menus: {
    commandPalette: [
      { command: "unknot.restartServer", when: "unknot.active" },
      { command: "unknot.showOutput", when: "unknot.active" },
    ],
  },
  settings: {
    "unknot.enable": {
      type: "boolean",
      default: true,
      scope: "resource",
      markdownDescription:
        "Report races, deadlocks and leaked tasks in TypeScript and JavaScript while you type.",
    },
    "unknot.saveEnergy": {
      type: "string",
      enum: ["auto", "always", "never"],
      enumDescriptions: [
        "When the system saves energy: its low-power mode (Linux, macOS), or a battery that is nearly empty (Linux).",
        "Always.",
        "Never.",
      ],
      default: "auto",
      scope: "window",
      markdownDescription:
        "When the analysis keeps quiet: findings come two seconds after the last key, and its memory is given back after a minute without a change.",
    },
    "unknot.maxMemory": {
      type: ["number", "null"],
      default: null,
      minimum: 256,
      scope: "window",
      markdownDescription:
        "Memory in MB that the analysis may take, TypeScript's process included. When it takes more, it starts anew. No limit when not set.",
    },
  },
};
