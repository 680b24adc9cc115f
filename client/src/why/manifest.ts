import type { ManifestPart } from "../manifest.ts";

export const manifest: ManifestPart = {
  commands: [{ command: "unknot.why", title: "Why Doesn't It Exit?" }],
  menus: {
    commandPalette: [
      {
        command: "unknot.why",
        when: "unknot.active && isWorkspaceTrusted && (unknot.askable || resourceScheme == file && editorLangId =~ /^(type|java)script$/)",
      },
    ],
  },
};
