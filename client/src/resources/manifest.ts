import type { ManifestPart } from "../manifest.ts";

const lens = (what: string) => ({
  type: "boolean",
  default: true,
  scope: "resource",
  markdownDescription: what,
});

const inSource = "unknot.active && resourceScheme == file && editorLangId =~ /^(type|java)script(react)?$/";

export const manifest: ManifestPart = {
  commands: [{ command: "unknot.showChannelPeers", title: "Show Channel Peers" }],
  menus: {
    commandPalette: [{ command: "unknot.showChannelPeers", when: inSource }],
  },
  settings: {
    "unknot.codeLens.channels": lens(
      "Above a channel or queue: how many places send, receive and close, or give it work.",
    ),
    "unknot.codeLens.locks": lens(
      "Above a lock or pool: where it is acquired, and in what order with others.",
    ),
    "unknot.codeLens.waiting": lens(
      "Above a lock, channel, queue or pool of a traced program that runs: how many tasks wait for it, and for how long.",
    ),
  },
};
