import { placeOf, shortPlace, siteOf } from "@unknot/dump/names.ts";
import type { Place } from "@unknot/protocol/place.ts";
import type { StackFrame, StackTree } from "@unknot/protocol/stacks.ts";
import type { Picture } from "../messages.ts";
import { element } from "./elements.ts";
import { wordsOf } from "./flame.ts";

/** The graph in sentences, each with its line. */
export function graphInWords({ sentences }: Picture, open: (place: Place) => void): HTMLElement {
  return element(
    "ul",
    { class: "twin" },
    ...sentences.map(({ text, place }) => element("li", {}, text, ...link(place, open))),
  );
}

/** The stacks as lists within lists. */
export function stacksInWords(tree: StackTree, open: (place: Place) => void): HTMLElement {
  const list = (frames: readonly StackFrame[]): HTMLElement =>
    element(
      "ul",
      { class: "twin" },
      ...frames.map((frame) => {
        const site = siteOf(tree, frame.at);
        return element(
          "li",
          {},
          wordsOf(tree, frame),
          ...link(site && placeOf(site), open),
          ...(frame.below.length > 0 ? [list(frame.below)] : []),
        );
      }),
    );
  return list(tree.frames);
}

function link(place: Place | undefined, open: (place: Place) => void): readonly (Node | string)[] {
  if (!place) return [];
  const button = element("button", { type: "button", class: "link" }, shortPlace(place));
  button.addEventListener("click", () => open(place));
  return [" ", button];
}
