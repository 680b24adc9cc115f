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
    "unknot.maxMemory": {
      type: "number",
      minimum: 256,
      scope: "window",
      markdownDescription:
        "Memory in MB that the analysis may take, TypeScript's process included. When it takes more, it starts anew. No limit when not set.",
    },
  },
};
