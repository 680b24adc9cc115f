import type { ManifestPart } from "../../manifest.ts";

export const manifest: ManifestPart = {
  commands: [
    { command: "unknot.showGraph", title: "Show Wait-For Graph", icon: "$(type-hierarchy)" },
    { command: "unknot.showStacks", title: "Show Stacks of Tasks", icon: "$(flame)" },
  ],
  menus: {
    commandPalette: [
      { command: "unknot.showGraph", when: "unknot.active" },
      { command: "unknot.showStacks", when: "unknot.active" },
    ],
    "view/title": [
      { command: "unknot.showGraph", when: "view == unknot.diagnosis", group: "navigation@5" },
      { command: "unknot.showGraph", when: "view == unknot.waits", group: "navigation@5" },
      { command: "unknot.showStacks", when: "view == unknot.tasks", group: "navigation@5" },
    ],
  },
};
