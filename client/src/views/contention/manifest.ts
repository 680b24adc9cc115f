import type { ManifestPart } from "../../manifest.ts";

export const manifest: ManifestPart = {
  views: [
    {
      id: "unknot.contention",
      name: "Contention",
      when: "unknot.active",
      contextualTitle: "Unknot",
      place: 4,
      icon: "$(flame)",
      visibility: "collapsed",
      initialSize: 2,
    },
  ],
  viewsWelcome: [
    {
      view: "unknot.contention",
      contents:
        "Where traced programs have waited the longest in sum stands here, and whose holds the others waited for.",
    },
  ],
};
