import type { ManifestPart } from "../manifest.ts";

export const manifest: ManifestPart = {
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
