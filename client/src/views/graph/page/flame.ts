import { formatDuration, grouped, placeOf, plain, shortPlace, siteOf } from "@unknot/dump/names.ts";
import type { Place } from "@unknot/protocol/place.ts";
import type { StackFrame, StackTree } from "@unknot/protocol/stacks.ts";
import { layoutFrames, type PlacedFrame } from "../layout.ts";
import { element } from "./elements.ts";
import { roving } from "./focus.ts";

const rowHeight = 24;

export interface Flame {
  readonly view: HTMLElement;
  readonly focus: (id: string) => void;
  /** Frames that are too narrow to be drawn. */
  readonly tooNarrow: number;
}

/** Draws the stacks from the top down; `root` is the frame that has the whole width. */
export function drawFlame(
  tree: StackTree,
  root: StackFrame | undefined,
  actions: {
    readonly open: (place: Place) => void;
    readonly zoom: (frame: StackFrame | undefined) => void;
    readonly tell: (text: string) => void;
  },
): Flame {
  const { frames, tooNarrow } = layoutFrames(root === undefined ? tree.frames : [root]);
  const board = element("div", { class: "flame", role: "group", "aria-label": "Stacks of tasks" });
  const deepest = frames.reduce((most, { depth }) => Math.max(most, depth + 1), 0);
  board.style.height = `${deepest * rowHeight}px`;
  const buttons = new Map<string, HTMLElement>();
  const placed = new Map(frames.map((each) => [each.id, each]));
  for (const each of frames) {
    const button = frameButton(tree, each);
    buttons.set(each.id, button);
    board.append(button);
  }
  const placeOfFrame = (id: string | undefined): Place | undefined => {
    const site = siteOf(tree, placed.get(id ?? "")?.frame.at);
    return site && placeOf(site);
  };
  const idOf = (target: EventTarget | null) =>
    target instanceof Element ? target.closest<HTMLElement>("[data-id]")?.dataset["id"] : undefined;
  board.addEventListener("click", (event) => {
    // Enter is a click without a pointer, and Space never gets here.
    const id = idOf(event.target);
    const frame = placed.get(id ?? "")?.frame;
    const place = placeOfFrame(id);
    if (event.detail === 0 || event.detail > 1) {
      if (place) actions.open(place);
    } else if (frame) actions.zoom(frame);
  });
  board.addEventListener("keydown", (event) => {
    const frame = placed.get(idOf(event.target) ?? "")?.frame;
    if (event.key === " " && frame) {
      event.preventDefault();
      actions.zoom(frame);
    }
    if (event.key === "Escape" && root !== undefined) actions.zoom(undefined);
  });
  board.addEventListener("focusin", ({ target }) => {
    const each = placed.get(idOf(target) ?? "");
    if (each) actions.tell(wordsOf(tree, each.frame));
  });
  const view = element("div", { class: "scroll" }, board);
  const focus = roving(view, (from, key) => {
    const to = neighbour(frames, placed.get(from.dataset["id"] ?? ""), key);
    return to && buttons.get(to.id);
  });
  return { view, focus: (id) => focus(buttons.get(id)), tooNarrow };
}

function neighbour(
  frames: readonly PlacedFrame[],
  from: PlacedFrame | undefined,
  key: string,
): PlacedFrame | undefined {
  if (!from) return undefined;
  const row = frames.filter(({ depth }) => depth === from.depth);
  switch (key) {
    case "ArrowDown":
      return frames.find(({ parent }) => parent === from.id);
    case "ArrowUp":
      return frames.find(({ id }) => id === from.parent);
    case "ArrowRight":
      return row[row.indexOf(from) + 1];
    case "ArrowLeft":
      return row[row.indexOf(from) - 1];
    default:
      return undefined;
  }
}

function frameButton(tree: StackTree, { id, frame, depth, left, width }: PlacedFrame): HTMLElement {
  const words = wordsOf(tree, frame);
  const button = element(
    "button",
    {
      type: "button",
      class: `frame shade${depth % 3}`,
      "data-id": id,
      title: words,
      "aria-label": `${words}, press Enter to go to the line, Space to zoom`,
    },
    `${plain(frame.name)} `,
    element("span", { class: "detail" }, grouped(frame.count)),
  );
  button.style.left = `${left * 100}%`;
  button.style.width = `${width * 100}%`;
  button.style.top = `${depth * rowHeight}px`;
  return button;
}

/** A frame as a sentence of the text twin has it. */
export function wordsOf(tree: StackTree, { name, at, state, count, own, maxWaitMs }: StackFrame): string {
  const site = siteOf(tree, at);
  return [
    `${plain(name)}${site === undefined ? "" : ` at ${shortPlace(site)}`}`,
    `${grouped(count)} ${count === 1 ? "task" : "tasks"}`,
    ...(own > 0 && own < count ? [`${grouped(own)} of its own`] : []),
    ...(state === undefined ? [] : [state]),
    ...(own > 0 ? [`longest ${formatDuration(maxWaitMs)}`] : []),
  ].join(" · ");
}
