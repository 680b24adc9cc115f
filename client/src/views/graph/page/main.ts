// The page of the wait-for graph and of the stacks. It only draws what it is told; see messages.ts.
import { count, grouped, siteOf } from "@unknot/dump/names.ts";
import type { Place } from "@unknot/protocol/place.ts";
import type { StackFrame, StackTree } from "@unknot/protocol/stacks.ts";
import type { FromPage, Subject, Tab, ToPage } from "../messages.ts";
import { element } from "./elements.ts";
import { drawFlame } from "./flame.ts";
import { drawGraph } from "./graph.ts";
import { graphInWords, stacksInWords } from "./twin.ts";

declare function acquireVsCodeApi(): { postMessage(message: FromPage): void };

const host = acquireVsCodeApi();
const say = (message: FromPage) => host.postMessage(message);
const open = ({ file, line, column }: Place) => say({ kind: "open", file, line, column });

let told: ToPage | undefined;
let asText = false;
/** The frame that has the whole width, by what it is: the next tree has frames of its own. */
let zoomed: StackFrame | undefined;

const tabs = {
  graph: tabButton("graph", "Wait-For Graph"),
  stacks: tabButton("stacks", "Stacks"),
} as const;
const chooser = element("select", { "aria-label": "Process" });
chooser.addEventListener("change", () => say({ kind: "choose", session: chooser.value }));
const textToggle = element("button", { type: "button", class: "toggle", "aria-pressed": "false" }, "As Text");
textToggle.addEventListener("click", () => {
  asText = !asText;
  textToggle.setAttribute("aria-pressed", String(asText));
  draw();
});
const whole = element("button", { type: "button", class: "toggle" }, "Show All Stacks");
whole.addEventListener("click", () => zoomTo(undefined));
const note = element("p", { class: "note" });
const status = element("p", { class: "status", role: "status" });
const body = element("main", { id: "body", role: "tabpanel" });
const tablist = element("div", { role: "tablist", "aria-label": "View" }, tabs.graph, tabs.stacks);
tablist.addEventListener("keydown", ({ key }) => {
  if (key !== "ArrowLeft" && key !== "ArrowRight") return;
  const other = told?.tab === "graph" ? "stacks" : "graph";
  tabs[other].focus();
  say({ kind: "tab", tab: other });
});
document.body.append(element("header", {}, tablist, chooser, textToggle, whole), note, body, status);

function tabButton(tab: Tab, title: string): HTMLElement {
  const button = element(
    "button",
    { type: "button", role: "tab", "aria-controls": "body", id: `tab-${tab}` },
    title,
  );
  button.addEventListener("click", () => say({ kind: "tab", tab }));
  return button;
}

function zoomTo(frame: StackFrame | undefined): void {
  zoomed = frame;
  draw();
  if (frame) body.querySelector<HTMLElement>("[data-id]")?.focus();
}

let drawn = "";
window.addEventListener("message", ({ data }: MessageEvent<ToPage>) => {
  if (data?.kind !== "show") return;
  const before = told;
  told = data;
  if (before?.chosen !== data.chosen || before?.filter !== data.filter) zoomed = undefined;
  const earlier = before && subjectOf(before)?.stacks;
  const stacks = subject()?.stacks;
  if (zoomed && earlier && stacks) zoomed = findAgain(stacks, stacks.frames, identity(earlier, zoomed));
  draw();
});

function subject(): Subject | undefined {
  return told && subjectOf(told);
}

function subjectOf({ subjects, chosen }: ToPage): Subject | undefined {
  return subjects.find(({ session }) => session === chosen) ?? subjects[0];
}

/** A frame as it is found again in another tree, whose sites have other numbers. */
function identity(tree: StackTree, { name, at }: StackFrame): string {
  const site = siteOf(tree, at);
  return JSON.stringify([name, site?.file, site?.line, site?.column]);
}

function findAgain(tree: StackTree, frames: readonly StackFrame[], wanted: string): StackFrame | undefined {
  for (const frame of frames) {
    const found = identity(tree, frame) === wanted ? frame : findAgain(tree, frame.below, wanted);
    if (found) return found;
  }
  return undefined;
}

function draw(): void {
  if (!told) return;
  const { tab, subjects, filter } = told;
  const shown = subject();
  for (const [name, button] of Object.entries(tabs)) {
    button.setAttribute("aria-selected", String(name === tab));
    button.tabIndex = name === tab ? 0 : -1;
  }
  body.setAttribute("aria-labelledby", `tab-${tab}`);
  chooser.hidden = subjects.length < 2;
  // An open list of processes would close.
  const offered = JSON.stringify(subjects.map(({ session, title }) => [session, title]));
  if (chooser.dataset["offered"] !== offered) {
    chooser.dataset["offered"] = offered;
    chooser.replaceChildren(
      ...subjects.map(({ session, title }) => element("option", { value: session }, title)),
    );
  }
  chooser.value = shown?.session ?? "";
  whole.hidden = tab !== "stacks" || zoomed === undefined || asText;
  if (!shown) {
    showNothing("No traced program is there: start one with the debugger.");
    return;
  }
  const [notes, view, focus] = tab === "graph" ? graphView(shown) : stacksView(shown, filter);
  note.textContent = [shown.asOf, ...notes].join(" · ");
  const next = JSON.stringify([tab, asText, zoomed, tab === "graph" ? shown.picture : shown.stacks]);
  if (next === drawn) return;
  drawn = next;
  const active = document.activeElement;
  const id = active instanceof HTMLElement && body.contains(active) ? active.dataset["id"] : undefined;
  const { scrollLeft = 0, scrollTop = 0 } = body.querySelector(".scroll") ?? {};
  body.replaceChildren(view);
  body.querySelector(".scroll")?.scrollTo(scrollLeft, scrollTop);
  if (id !== undefined) focus?.(id);
}

function showNothing(text: string): void {
  note.textContent = text;
  body.replaceChildren();
  status.textContent = "";
  drawn = "";
}

type Drawn = readonly [notes: readonly string[], view: HTMLElement, focus?: (id: string) => void];

function graphView({ picture, tasks }: Subject): Drawn {
  const { vertices, leftOut } = picture;
  if (vertices.length === 0) {
    const nothing = `Nothing is known to hold up another task, among ${count(tasks, "task")}.`;
    return [[], element("p", { class: "nothing" }, nothing)];
  }
  const hidden = leftOut.length > 0 ? [`left out: ${leftOut.join(", ")}`] : [];
  if (asText) return [hidden, graphInWords(picture, open)];
  const notes = ["who waits stands left of what it waits for, and that left of who holds it", ...hidden];
  const { view, focus } = drawGraph(picture, ({ place }) => place && open(place));
  return [notes, view, focus];
}

function stacksView({ stacks }: Subject, filter: string): Drawn {
  if (!stacks) return [["asking for the stacks…"], element("p", { class: "nothing" }, "")];
  const filtered = filter === "" ? [] : [`filter ${filter}`];
  if (stacks.frames.length === 0)
    return [
      filtered,
      element("p", { class: "nothing" }, filter === "" ? "No pending tasks." : "No task matches the filter."),
    ];
  const leftOut = stacks.leftOut > 0 ? [`left out: ${count(stacks.leftOut, "task")} in smaller frames`] : [];
  const total =
    filter === ""
      ? "each task below those that await it"
      : `${count(stacks.total, "task")} below those that await them`;
  if (asText) return [[total, ...filtered, ...leftOut], stacksInWords(stacks, open)];
  const { view, focus, tooNarrow } = drawFlame(stacks, zoomed, {
    open,
    zoom: zoomTo,
    tell(text) {
      status.textContent = text;
    },
  });
  const narrow = tooNarrow > 0 ? [`${grouped(tooNarrow)} frames are too narrow to be drawn: zoom in`] : [];
  return [[total, ...filtered, ...leftOut, ...narrow], view, focus];
}

say({ kind: "ready" });
