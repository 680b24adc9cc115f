import type { ManifestPart } from "../manifest.ts";

const inEditor =
  "unknot.active && isWorkspaceTrusted && resourceScheme == file && editorLangId =~ /^(type|java)script$/";

export const manifest: ManifestPart = {
  commands: [
    { command: "unknot.runFile", title: "Run Current File Traced", icon: "$(debug-alt)" },
    { command: "unknot.chooseTracing", title: "Trace This Launch Configuration…" },
  ],
  menus: {
    commandPalette: [
      { command: "unknot.runFile", when: inEditor },
      { command: "unknot.chooseTracing", when: "unknot.debugsNode" },
    ],
    "editor/title/run": [
      {
        command: "unknot.runFile",
        when: "isWorkspaceTrusted && resourceScheme == file && resourceLangId =~ /^(type|java)script$/",
        group: "9_unknot",
      },
    ],
  },
  viewsWelcome: [
    {
      view: "unknot.diagnosis",
      contents:
        "This workspace is not trusted, so its programs are neither started nor traced here: they are code that somebody else may have written.\n[Manage Workspace Trust](command:workbench.trust.manage)\nWarnings in the editor work: the analyzer reads the files and runs nothing of them.\n[Open Task Dump](command:unknot.showTaskDump)",
      when: "!isWorkspaceTrusted",
    },
  ],
  settings: {
    "unknot.trace.debugSessions": {
      type: "boolean",
      default: true,
      scope: "resource",
      markdownDescription:
        "Trace the Node programs that a debug session starts, so that the panel *Unknot* shows their tasks. Needs Node 22.15 or newer; older ones run untraced.",
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
