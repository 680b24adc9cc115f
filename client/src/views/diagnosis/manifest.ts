import type { ManifestPart } from "../../manifest.ts";

export const manifest: ManifestPart = {
  commands: [
    { command: "unknot.tasks.refresh", title: "Refresh Tasks", icon: "$(refresh)" },
    { command: "unknot.pauseUpdates", title: "Pause Updates of the Panel", icon: "$(debug-pause)" },
    { command: "unknot.resumeUpdates", title: "Resume Updates of the Panel", icon: "$(debug-continue)" },
    { command: "unknot.takeTaskDump", title: "Take Task Dump", icon: "$(save)" },
    { command: "unknot.tasks.compareFromNow", title: "Compare Tasks From Now On", icon: "$(diff)" },
    { command: "unknot.proveLeaks", title: "Prove Leaks Now", icon: "$(beaker)" },
    { command: "unknot.attach", title: "Attach to Traced Process", icon: "$(plug)" },
    { command: "unknot.stopConnecting", title: "Stop Connecting", icon: "$(close)" },
    { command: "unknot.connectAgain", title: "Connect Again", icon: "$(debug-restart)" },
    { command: "unknot.showTaskDump", title: "Open Task Dump", icon: "$(list-tree)" },
    { command: "unknot.tasks.closeDump", title: "Close Task Dump", icon: "$(close)" },
    { command: "unknot.problems.explain", title: "Explain Problem" },
    { command: "unknot.problems.mute", title: "Mute Problems Like This" },
    {
      command: "unknot.problems.muteInProject",
      title: "Mute Problems Like This in unknot.config.json",
    },
    { command: "unknot.problems.showMuted", title: "Show Muted Problems", icon: "$(settings-gear)" },
  ],
  menus: {
    commandPalette: [
      { command: "unknot.tasks.refresh", when: "unknot.askable" },
      { command: "unknot.pauseUpdates", when: "unknot.askable && !unknot.updatesPaused" },
      { command: "unknot.resumeUpdates", when: "unknot.updatesPaused" },
      { command: "unknot.takeTaskDump", when: "unknot.askable" },
      { command: "unknot.tasks.compareFromNow", when: "unknot.askable" },
      { command: "unknot.proveLeaks", when: "unknot.provable" },
      { command: "unknot.stopConnecting", when: "false" },
      { command: "unknot.connectAgain", when: "false" },
      { command: "unknot.tasks.closeDump", when: "false" },
      { command: "unknot.problems.explain", when: "false" },
      { command: "unknot.problems.mute", when: "false" },
      { command: "unknot.problems.muteInProject", when: "false" },
      { command: "unknot.problems.showMuted", when: "false" },
    ],
    "view/title": [
      {
        command: "unknot.takeTaskDump",
        when: "view == unknot.diagnosis && unknot.askable",
        group: "navigation@1",
      },
      {
        command: "unknot.proveLeaks",
        when: "view == unknot.diagnosis && unknot.provable",
        group: "navigation@2",
      },
      {
        command: "unknot.tasks.refresh",
        when: "view == unknot.diagnosis && unknot.askable",
        group: "navigation@3",
      },
      {
        command: "unknot.pauseUpdates",
        when: "view == unknot.diagnosis && unknot.askable && !unknot.updatesPaused",
        group: "navigation@4",
      },
      {
        command: "unknot.resumeUpdates",
        when: "view == unknot.diagnosis && unknot.updatesPaused",
        group: "navigation@4",
      },
      {
        command: "unknot.tasks.compareFromNow",
        when: "view == unknot.diagnosis && unknot.askable",
        group: "1_compare@1",
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
        when: "view == unknot.diagnosis && viewItem =~ /\\bfile\\b/",
        group: "inline",
      },
      {
        command: "unknot.stopConnecting",
        when: "view == unknot.diagnosis && viewItem =~ /\\bcancel\\b/",
        group: "inline",
      },
      {
        command: "unknot.connectAgain",
        when: "view == unknot.diagnosis && viewItem =~ /\\breconnect\\b/",
        group: "inline",
      },
      {
        command: "unknot.problems.explain",
        when: "view == unknot.diagnosis && viewItem =~ /\\bexplained\\b/",
        group: "1@4",
      },
      {
        command: "unknot.problems.mute",
        when: "view == unknot.diagnosis && viewItem =~ /\\bexplained\\b/",
        group: "3@1",
      },
      {
        command: "unknot.problems.muteInProject",
        when: "view == unknot.diagnosis && viewItem =~ /\\bplace\\b.*\\bexplained\\b/ && workspaceFolderCount > 0",
        group: "3@2",
      },
      {
        command: "unknot.problems.showMuted",
        when: "view == unknot.diagnosis && viewItem =~ /\\bmuted\\b/",
        group: "inline",
      },
    ],
  },
  keybindings: [
    {
      command: "unknot.problems.explain",
      key: "e",
      when: "focusedView == unknot.diagnosis && listFocus && !inputFocus && !treeFindOpen",
      args: "unknot.diagnosis",
    },
  ],
  views: [
    {
      id: "unknot.diagnosis",
      name: "Diagnosis",
      when: "unknot.active",
      contextualTitle: "Unknot",
      place: 1,
      icon: "$(pulse)",
      initialSize: 3,
    },
  ],
  viewsWelcome: [
    {
      view: "unknot.diagnosis",
      contents:
        "Start a Node program with the debugger to see what each of its tasks waits for, and who holds it. They stay here after it has ended.\n[Start Debugging](command:workbench.action.debug.start)\nThe file in the editor needs no launch configuration.\n[Run Current File](command:unknot.runFile)\nA program that runs already can be shown, too, if it was started by: node --import unknot/register app.js\n[Attach to Traced Process](command:unknot.attach)\nA dump in a file, also one of Go, is shown in the same way.\n[Open Task Dump](command:unknot.showTaskDump)",
      when: "unknot.tracesDebugSessions && isWorkspaceTrusted && !unknot.debugsUntracedTerminal",
    },
    {
      view: "unknot.diagnosis",
      contents:
        "The program in the JavaScript Debug Terminal is not traced: terminals are left alone unless you ask for it. Then start it again, in the terminal that opens.\n[Trace New Terminals](command:unknot.traceTerminals)\nA launch configuration, or the file in the editor, is traced without being asked for.\n[Run Current File](command:unknot.runFile)",
      when: "isWorkspaceTrusted && unknot.debugsUntracedTerminal",
    },
    {
      view: "unknot.diagnosis",
      contents:
        "Debug sessions are not traced: the setting [unknot.trace.debugSessions](command:workbench.action.openSettings?%22unknot.trace.debugSessions%22) is off.",
      when: "!unknot.tracesDebugSessions && isWorkspaceTrusted && !unknot.debugsUntracedTerminal",
    },
  ],
};
