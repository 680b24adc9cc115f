import type { ManifestPart } from "../../manifest.ts";

const here = "focusedView == unknot.tasks && listFocus && !inputFocus && !treeFindOpen";

export const manifest: ManifestPart = {
  commands: [
    { command: "unknot.tasks.refresh", title: "Refresh Tasks", icon: "$(refresh)" },
    { command: "unknot.takeTaskDump", title: "Take Task Dump", icon: "$(save)" },
    { command: "unknot.tasks.compareFromNow", title: "Compare Tasks From Now On", icon: "$(diff)" },
    { command: "unknot.attach", title: "Attach to Traced Process", icon: "$(plug)" },
    { command: "unknot.showTaskDump", title: "Open Task Dump", icon: "$(list-tree)" },
    { command: "unknot.tasks.closeDump", title: "Close Task Dump", icon: "$(close)" },
    { command: "unknot.tasks.showMore", title: "Show More Tasks" },
    { command: "unknot.tasks.goToAwait", title: "Go to Line" },
    { command: "unknot.tasks.goToHolder", title: "Go to Holder" },
    { command: "unknot.tasks.goToCreator", title: "Go to Creator" },
    { command: "unknot.tasks.copy", title: "Copy Task" },
  ],
  menus: {
    commandPalette: [
      { command: "unknot.tasks.refresh", when: "unknot.askable" },
      { command: "unknot.takeTaskDump", when: "unknot.askable" },
      { command: "unknot.tasks.compareFromNow", when: "unknot.askable" },
      { command: "unknot.tasks.closeDump", when: "false" },
      { command: "unknot.tasks.showMore", when: "false" },
      { command: "unknot.tasks.goToAwait", when: "false" },
      { command: "unknot.tasks.goToHolder", when: "false" },
      { command: "unknot.tasks.goToCreator", when: "false" },
      { command: "unknot.tasks.copy", when: "false" },
    ],
    "view/title": [
      {
        command: "unknot.takeTaskDump",
        when: "view == unknot.tasks && unknot.askable",
        group: "navigation@1",
      },
      {
        command: "unknot.tasks.refresh",
        when: "view == unknot.tasks && unknot.askable",
        group: "navigation@2",
      },
      {
        command: "unknot.tasks.compareFromNow",
        when: "view == unknot.tasks && unknot.askable",
        group: "navigation@3",
      },
    ],
    "editor/title": [
      { command: "unknot.showTaskDump", when: "resourceLangId == taskdump", group: "navigation" },
    ],
    "explorer/context": [
      { command: "unknot.showTaskDump", when: "resourceExtname == .taskdump", group: "navigation@100" },
    ],
    "view/item/context": [
      {
        command: "unknot.tasks.closeDump",
        when: "view == unknot.tasks && viewItem =~ /\\bfile\\b/",
        group: "inline",
      },
      {
        command: "unknot.tasks.goToAwait",
        when: "view == unknot.tasks && viewItem =~ /\\bplace\\b/",
        group: "1@1",
      },
      {
        command: "unknot.tasks.goToHolder",
        when: "view == unknot.tasks && viewItem =~ /\\bholder\\b/",
        group: "1@2",
      },
      {
        command: "unknot.tasks.goToCreator",
        when: "view == unknot.tasks && viewItem =~ /\\bcreator\\b/",
        group: "1@3",
      },
      {
        command: "unknot.tasks.copy",
        when: "view == unknot.tasks && viewItem =~ /\\btask\\b/",
        group: "2@1",
      },
    ],
  },
  keybindings: [
    { command: "unknot.tasks.goToHolder", key: "h", when: here },
    { command: "unknot.tasks.goToCreator", key: "c", when: here },
    { command: "unknot.takeTaskDump", key: "s", when: here },
    { command: "unknot.tasks.copy", key: "ctrl+c", mac: "cmd+c", when: here },
  ],
  views: [{ id: "unknot.tasks", name: "Task Dump", when: "unknot.active", contextualTitle: "Unknot" }],
  viewsWelcome: [
    {
      view: "unknot.tasks",
      contents:
        "Start a Node program with the debugger to see what each of its tasks waits for, and who holds it.\n[Start Debugging](command:workbench.action.debug.start)\nIts tasks stay here after it has ended.\n[Attach to Traced Process](command:unknot.attach)\n[Open Task Dump](command:unknot.showTaskDump)",
      when: "unknot.tracesDebugSessions && isWorkspaceTrusted",
    },
    {
      view: "unknot.tasks",
      contents:
        "Debug sessions are not traced: the setting [unknot.trace.debugSessions](command:workbench.action.openSettings?%22unknot.trace.debugSessions%22) is off.",
      when: "!unknot.tracesDebugSessions && isWorkspaceTrusted",
    },
  ],
};
