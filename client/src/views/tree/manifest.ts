import type { KeyEntry, ManifestPart } from "../../manifest.ts";

const views = ["diagnosis", "tasks", "waits", "contention", "snapshots"] as const;

/** The same key on the selected row of each of the panel's trees. */
function onEachTree(
  command: string,
  key: string,
  { mac, when }: Pick<KeyEntry, "mac" | "when"> = {},
): readonly KeyEntry[] {
  return views.map((view) => ({
    command,
    key,
    ...(mac === undefined ? {} : { mac }),
    when: [
      `focusedView == unknot.${view} && listFocus && !inputFocus && !treeFindOpen`,
      ...(when === undefined ? [] : [when]),
    ].join(" && "),
    args: `unknot.${view}`,
  }));
}

const anyTree = "view =~ /^unknot\\./";

export const manifest: ManifestPart = {
  commands: [
    { command: "unknot.tasks.goToAwait", title: "Go to Line" },
    { command: "unknot.tasks.goToHolder", title: "Go to Holder" },
    { command: "unknot.tasks.goToCreator", title: "Go to Creator" },
    { command: "unknot.tasks.copy", title: "Copy as Text" },
    { command: "unknot.tasks.copyMarkdown", title: "Copy as Markdown" },
  ],
  menus: {
    commandPalette: [
      { command: "unknot.tasks.goToAwait", when: "false" },
      { command: "unknot.tasks.goToHolder", when: "false" },
      { command: "unknot.tasks.goToCreator", when: "false" },
      { command: "unknot.tasks.copy", when: "false" },
      { command: "unknot.tasks.copyMarkdown", when: "false" },
    ],
    "view/item/context": [
      {
        command: "unknot.tasks.goToAwait",
        when: `${anyTree} && viewItem =~ /\\bplace\\b/`,
        group: "1@1",
      },
      {
        command: "unknot.tasks.goToHolder",
        when: `${anyTree} && viewItem =~ /\\bholder\\b/`,
        group: "1@2",
      },
      {
        command: "unknot.tasks.goToCreator",
        when: `${anyTree} && viewItem =~ /\\bcreator\\b/`,
        group: "1@3",
      },
      { command: "unknot.tasks.copy", when: anyTree, group: "2@1" },
      { command: "unknot.tasks.copyMarkdown", when: anyTree, group: "2@2" },
    ],
  },
  keybindings: [
    ...onEachTree("unknot.tasks.goToHolder", "h"),
    ...onEachTree("unknot.tasks.goToCreator", "c"),
    ...onEachTree("unknot.tasks.copy", "ctrl+c", { mac: "cmd+c" }),
    ...onEachTree("unknot.takeTaskDump", "s"),
    ...onEachTree("unknot.tasks.filter", "/"),
    ...onEachTree("unknot.tasks.groupBy", "g"),
    ...onEachTree("unknot.waits.focus", "w"),
    ...onEachTree("unknot.diagnosis.focus", "d"),
    ...onEachTree("unknot.pauseUpdates", "p", { when: "!unknot.updatesPaused" }),
    ...onEachTree("unknot.resumeUpdates", "p", { when: "unknot.updatesPaused" }),
  ],
};
