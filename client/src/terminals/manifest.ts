import type { ManifestPart } from "../manifest.ts";

export const manifest: ManifestPart = {
  commands: [
    { command: "unknot.traceTerminals", title: "Trace New Terminals" },
    { command: "unknot.stopTracingTerminals", title: "Stop Tracing New Terminals" },
  ],
  menus: {
    commandPalette: [
      {
        command: "unknot.traceTerminals",
        when: "unknot.active && isWorkspaceTrusted && !unknot.tracesTerminals",
      },
      { command: "unknot.stopTracingTerminals", when: "unknot.active && unknot.tracesTerminals" },
    ],
  },
  settings: {
    "unknot.trace.terminals": {
      type: "boolean",
      default: false,
      scope: "window",
      markdownDescription:
        "Trace the Node programs that are started in new terminals, JavaScript Debug Terminals among them. Package managers, compilers and linters are left alone. Terminals that are open keep what they have.",
    },
  },
};
