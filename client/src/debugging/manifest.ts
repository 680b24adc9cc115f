import type { ManifestPart } from "../manifest.ts";

export const manifest: ManifestPart = {
  commands: [{ command: "unknot.runFile", title: "Run Current File Traced", icon: "$(debug-alt)" }],
  menus: {
    commandPalette: [{ command: "unknot.runFile", when: "unknot.active" }],
    "editor/title/run": [
      {
        command: "unknot.runFile",
        when: "resourceScheme == file && resourceLangId =~ /^(type|java)script$/",
        group: "9_unknot",
      },
    ],
  },
  settings: {
    "unknot.trace.debugSessions": {
      type: "boolean",
      default: true,
      scope: "resource",
      markdownDescription:
        "Trace the Node programs that a debug session starts, so that *Task Dump* shows their tasks. Needs Node 22.15 or newer; older ones run untraced.",
    },
    "unknot.trace.configurations": {
      type: "object",
      default: {},
      scope: "resource",
      additionalProperties: { type: "string", enum: ["always", "never"] },
      markdownDescription:
        "Launch configurations, by name, that are always or never traced, whatever `#unknot.trace.debugSessions#` says.",
    },
  },
};
