import type { ManifestPart } from "../../manifest.ts";

export const manifest: ManifestPart = {
  views: [
    {
      id: "unknot.waits",
      name: "Waits",
      when: "unknot.active",
      contextualTitle: "Unknot",
      place: 3,
      icon: "$(lock)",
      visibility: "collapsed",
      initialSize: 2,
    },
  ],
  viewsWelcome: [
    {
      view: "unknot.waits",
      contents:
        "What tasks of traced programs wait for stands here, with who holds it and who waits in which order.",
    },
  ],
};
