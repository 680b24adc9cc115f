import type { ManifestPart } from "../../manifest.ts";

export const manifest: ManifestPart = {
  commands: [
    { command: "unknot.tasks.filter", title: "Filter Tasks", icon: "$(filter)" },
    { command: "unknot.tasks.clearFilter", title: "Clear Filter of Tasks", icon: "$(clear-all)" },
    { command: "unknot.tasks.groupBy", title: "Group Tasks By", icon: "$(group-by-ref-type)" },
    { command: "unknot.tasks.sortBy", title: "Sort Tasks By", icon: "$(sort-precedence)" },
    { command: "unknot.tasks.showMore", title: "Show More Tasks" },
  ],
  menus: {
    commandPalette: [
      { command: "unknot.tasks.filter", when: "unknot.active" },
      { command: "unknot.tasks.clearFilter", when: "unknot.filtered" },
      { command: "unknot.tasks.groupBy", when: "unknot.active" },
      { command: "unknot.tasks.sortBy", when: "unknot.active" },
      { command: "unknot.tasks.showMore", when: "false" },
    ],
    "view/title": [
      {
        command: "unknot.tasks.clearFilter",
        when: "view == unknot.tasks && unknot.filtered",
        group: "navigation@1",
      },
      { command: "unknot.tasks.filter", when: "view == unknot.tasks", group: "navigation@2" },
      { command: "unknot.tasks.groupBy", when: "view == unknot.tasks", group: "navigation@3" },
      { command: "unknot.tasks.sortBy", when: "view == unknot.tasks", group: "navigation@4" },
      {
        command: "unknot.tasks.clearFilter",
        when: "view == unknot.waits && unknot.filtered",
        group: "navigation@1",
      },
      { command: "unknot.tasks.filter", when: "view == unknot.waits", group: "navigation@2" },
    ],
  },
  views: [
    {
      id: "unknot.tasks",
      name: "Tasks",
      when: "unknot.active",
      contextualTitle: "Unknot",
      place: 2,
      icon: "$(list-tree)",
      initialSize: 3,
    },
  ],
  viewsWelcome: [
    {
      view: "unknot.tasks",
      contents: "The tasks of traced programs stand here: all of them, by where they wait.",
    },
  ],
};
