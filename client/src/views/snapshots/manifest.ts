import type { ManifestPart } from "../../manifest.ts";

export const manifest: ManifestPart = {
  commands: [
    { command: "unknot.snapshots.take", title: "Take Snapshot", icon: "$(device-camera)" },
    { command: "unknot.snapshots.compare", title: "Compare Snapshots", icon: "$(git-compare)" },
    { command: "unknot.snapshots.rename", title: "Rename Snapshot", icon: "$(edit)" },
    { command: "unknot.snapshots.remove", title: "Remove", icon: "$(close)" },
    { command: "unknot.export", title: "Export Task Dump", icon: "$(export)" },
  ],
  menus: {
    commandPalette: [
      { command: "unknot.snapshots.take", when: "unknot.askable" },
      { command: "unknot.snapshots.compare", when: "unknot.active" },
      { command: "unknot.snapshots.rename", when: "false" },
      { command: "unknot.snapshots.remove", when: "false" },
      { command: "unknot.export", when: "unknot.active" },
    ],
    "view/title": [
      {
        command: "unknot.snapshots.take",
        when: "view == unknot.diagnosis && unknot.askable",
        group: "navigation@2",
      },
      {
        command: "unknot.snapshots.take",
        when: "view == unknot.snapshots && unknot.askable",
        group: "navigation@1",
      },
      { command: "unknot.snapshots.compare", when: "view == unknot.snapshots", group: "navigation@2" },
      { command: "unknot.export", when: "view == unknot.diagnosis && unknot.askable", group: "1_compare@2" },
    ],
    "view/item/context": [
      {
        command: "unknot.snapshots.compare",
        when: "view == unknot.snapshots && viewItem =~ /\\b(snapshot|healthy)\\b/",
        group: "inline@1",
      },
      {
        command: "unknot.export",
        when: "view == unknot.snapshots && viewItem =~ /\\bsnapshot\\b/",
        group: "inline@2",
      },
      {
        command: "unknot.snapshots.rename",
        when: "view == unknot.snapshots && viewItem =~ /\\bsnapshot\\b/",
        group: "1@1",
      },
      {
        command: "unknot.snapshots.remove",
        when: "view == unknot.snapshots && viewItem =~ /\\b(snapshot|comparison)\\b/",
        group: "inline@3",
      },
    ],
  },
  keybindings: [
    {
      command: "unknot.snapshots.rename",
      key: "f2",
      when: "focusedView == unknot.snapshots && listFocus && !inputFocus && !treeFindOpen",
      args: "unknot.snapshots",
    },
    {
      command: "unknot.snapshots.remove",
      key: "delete",
      when: "focusedView == unknot.snapshots && listFocus && !inputFocus && !treeFindOpen",
      args: "unknot.snapshots",
    },
  ],
  views: [
    {
      id: "unknot.snapshots",
      name: "Snapshots",
      when: "unknot.active",
      contextualTitle: "Unknot",
      place: 5,
      icon: "$(device-camera)",
      visibility: "collapsed",
      initialSize: 2,
    },
  ],
  viewsWelcome: [
    {
      view: "unknot.snapshots",
      contents:
        "Take a snapshot of a traced program now and one later, and see what is new, gone, grown and older.",
    },
  ],
};
