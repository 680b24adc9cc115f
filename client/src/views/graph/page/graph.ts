import { layoutGraph, type PlacedEdge } from "../layout.ts";
import type { Picture, Vertex } from "../messages.ts";
import { element, svgElement } from "./elements.ts";
import { roving } from "./focus.ts";

/** Draws the wait-for graph: buttons on lines. Right goes to what is waited for or who holds it, left the other way. */
export function drawGraph(
  { vertices, edges }: Picture,
  open: (vertex: Vertex) => void,
): { readonly view: HTMLElement; readonly focus: (id: string) => void } {
  const layout = layoutGraph(vertices, edges);
  const board = element("div", { class: "board", role: "group", "aria-label": "Wait-for graph" });
  board.style.width = `${layout.width}px`;
  board.style.height = `${layout.height}px`;
  const byId = new Map(vertices.map((vertex) => [vertex.id, vertex]));
  board.append(drawEdges(layout.width, layout.height, layout.edges, byId));

  const buttons = new Map<string, HTMLElement>();
  for (const { id, x, y, width, height } of layout.vertices) {
    const vertex = byId.get(id);
    if (!vertex) continue;
    const button = vertexButton(vertex, () => open(vertex));
    button.style.left = `${x - width / 2}px`;
    button.style.top = `${y - height / 2}px`;
    button.style.width = `${width}px`;
    button.style.height = `${height}px`;
    buttons.set(id, button);
    board.append(button);
  }

  const neighbours = (id: string, key: string): readonly string[] => {
    switch (key) {
      case "ArrowRight":
        return edges.filter(({ from }) => from === id).map(({ to }) => to);
      case "ArrowLeft":
        return edges.filter(({ to }) => to === id).map(({ from }) => from);
      case "ArrowDown":
      case "ArrowUp": {
        const column = layout.vertices.find((vertex) => vertex.id === id);
        const inColumn = layout.vertices
          .filter(({ x }) => Math.abs(x - (column?.x ?? 0)) < 1)
          .toSorted((a, b) => a.y - b.y)
          .map((vertex) => vertex.id);
        const to = inColumn[inColumn.indexOf(id) + (key === "ArrowDown" ? 1 : -1)];
        return to === undefined ? [] : [to];
      }
      default:
        return [];
    }
  };
  const view = element("div", { class: "scroll" }, board);
  const focus = roving(view, (from, key) => {
    const [to] = neighbours(from.dataset["id"] ?? "", key);
    return to === undefined ? undefined : buttons.get(to);
  });
  return { view, focus: (id) => focus(buttons.get(id)) };
}

function vertexButton(vertex: Vertex, open: () => void): HTMLElement {
  const { id, kind, title, detail, spoken, deadlock, place } = vertex;
  const button = element(
    "button",
    {
      class: `vertex ${kind}${deadlock === undefined ? "" : " deadlock"}`,
      type: "button",
      "data-id": id,
      title: place ? `${spoken}\n${place.file}:${place.line}` : spoken,
      "aria-label": place ? `${spoken}, press Enter to go to the line` : spoken,
    },
    element(
      "span",
      { class: "title" },
      ...(deadlock === undefined ? [] : [element("span", { class: "badge" }, deadlock)]),
      title,
    ),
    element("span", { class: "detail" }, detail),
  );
  button.addEventListener("click", open);
  return button;
}

function drawEdges(
  width: number,
  height: number,
  edges: readonly PlacedEdge[],
  byId: ReadonlyMap<string, Vertex>,
): SVGElement {
  const svg = svgElement("svg", { width, height, "aria-hidden": "true", focusable: "false" });
  const definitions = svgElement("defs");
  definitions.append(arrowHead("arrow"), arrowHead("knot"));
  svg.append(definitions);
  for (const { from, to, word, points } of edges) {
    const [first, ...others] = points;
    if (!first) continue;
    const inKnot =
      byId.get(from)?.deadlock !== undefined && byId.get(from)?.deadlock === byId.get(to)?.deadlock;
    svg.append(
      svgElement("path", {
        d: `M${first.x},${first.y} ${others.map(({ x, y }) => `L${x},${y}`).join(" ")}`,
        class: `edge ${word === "held by" ? "held" : "waits"}${inKnot ? " knot" : ""}`,
        "marker-end": `url(#${inKnot ? "knot" : "arrow"})`,
      }),
    );
  }
  return svg;
}

function arrowHead(id: string): SVGElement {
  const marker = svgElement("marker", {
    id,
    viewBox: "0 0 8 8",
    refX: 7,
    refY: 4,
    markerWidth: 9,
    markerHeight: 9,
    markerUnits: "userSpaceOnUse",
    orient: "auto-start-reverse",
  });
  marker.append(svgElement("path", { d: "M0,0 L8,4 L0,8 z", class: `head ${id}` }));
  return marker;
}
