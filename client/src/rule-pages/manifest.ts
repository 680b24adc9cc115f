import type { ManifestPart } from "../manifest.ts";

export const manifest: ManifestPart = {
  commands: [{ command: "unknot.explain", title: "Explain Rule" }],
  menus: { commandPalette: [{ command: "unknot.explain", when: "unknot.active" }] },
  settingDefaults: {
    // A page is opened to be read.
    "workbench.editorAssociations": { "unknot-rule:/**": "vscode.markdown.preview.editor" },
  },
};
