import type { FileFacts } from "../program/facts.ts";
import type { NodeId } from "../program/ids.ts";

// What functions conclude of one another says where things stand in the text, and every key that is typed moves all that
// stands behind it. So the places of an open file are those of a text with room around each of its statements and members:
// the room takes up what is typed, and what stands further down stays. Room is blank and within lines, so lines and
// columns are those of the real text. Nodes of syntax, which TypeScript numbers through the file, keep their numbers
// as well.

/** One file in steady places, at one of its texts. */
export interface SteadyFile {
  readonly facts: FileFacts;
  /** The text with its room, which the places are offsets of. */
  readonly text: () => string;
  /** Where an offset of the real text stands. */
  readonly place: (offset: number) => number;
  /** The place of what stands at a place of the text: in the room behind a line it is the end of that line. */
  readonly settled: (place: number) => number;
  /** TypeScript's number for a node. */
  readonly realNode: (node: NodeId) => NodeId;
  readonly steadyNode: (real: NodeId) => NodeId;
  readonly layout: Layout;
}

interface Layout {
  readonly real: string;
  /** In order; each goes on until the next begins. The newline at its end stands behind its room. */
  readonly pieces: readonly Piece[];
  /** The nodes that the facts mention, by who mentions them. */
  readonly mentions: ReadonlyMap<string, readonly NodeId[]>;
  readonly freeNode: number;
}

interface Piece {
  /** An offset of the real text. */
  readonly start: number;
  readonly place: number;
}

/** Between statements, as long as the whole text does not get too long by it. */
const mostRoom = 1024;
const mostRoomInFile = 4_000_000;
/** No mark of JavaScript or of a text that people write; blank for whoever looks what stands around something. */
const blank = "\u1680";
/** Numbers of nodes that only steady files have; real files have fewer nodes. */
const firstFreeNode = 0x1000_0000;

/** Long files stay as they are: laying them out would take longer than what it saves. */
const longestReal = 1_000_000;

/** What room can be made in. */
export function canHaveRoom(real: string): boolean {
  return real.length <= longestReal && !real.includes(blank);
}

/** What was read out of a text with room. */
export function withoutRoom(text: string): string {
  return text.replaceAll(blank, "");
}

/** Whether nothing but room is left of a line. */
export function isLineEnd(text: string, at: number): boolean {
  let next = at;
  while (text[next] === blank) next += 1;
  return text[next] === "\n" || text[next] === "\r";
}

/** Where the line ends that a newline stands behind. */
export function lineEndBefore(text: string, newline: number): number {
  let end = newline;
  while (text[end - 1] === blank) end -= 1;
  return end;
}

/** The facts and the text of a file in steady places: those of an earlier text, where there is one and room was left. */
export function steadyFile(facts: FileFacts, real: string, before: SteadyFile | undefined): SteadyFile {
  const change = before && changeOf(before.layout.real, real);
  const moved = before && change && movedPieces(before.layout.pieces, change, real);
  const pieces = moved ?? freshPieces(facts, real);
  const place = (offset: number) => placeIn(pieces, offset);
  const nodes = numberNodes(facts, before?.layout, change);
  const steadyNode = (node: NodeId) => nodes.steady.get(node) ?? ((-1 - node) as NodeId);
  let text: string | undefined;
  return {
    facts: moveFacts(facts, place, steadyNode),
    text() {
      text ??= textWithRoom(real, pieces);
      return text;
    },
    place,
    settled: (at) => settledIn(pieces, at),
    realNode: (node) => nodes.real.get(node) ?? ((-1 - node) as NodeId),
    steadyNode,
    layout: { real, pieces, mentions: nodes.mentions, freeNode: nodes.free },
  };
}

// --- places

/** What one text has in the place of what another had. */
interface Change {
  readonly start: number;
  readonly oldEnd: number;
  readonly newEnd: number;
}

function changeOf(old: string, next: string): Change {
  const most = Math.min(old.length, next.length);
  let start = 0;
  while (start < most && old.charCodeAt(start) === next.charCodeAt(start)) start += 1;
  let same = 0;
  while (
    same < most - start &&
    old.charCodeAt(old.length - 1 - same) === next.charCodeAt(next.length - 1 - same)
  ) {
    same += 1;
  }
  // A line that comes or goes begins where the line does, and not behind what it shares with the next.
  const longer = old.length > next.length ? old : next;
  let end = longer.length - same;
  if (most - start === same) {
    while (start > 0 && longer[end - 1] !== "\n" && longer[start - 1] === longer[end - 1]) {
      start -= 1;
      end -= 1;
      same += 1;
    }
  }
  return { start, oldEnd: old.length - same, newEnd: next.length - same };
}

/** What stands behind the change stays as soon as there is room enough for it; nothing when nothing would stay. */
function movedPieces(
  pieces: readonly Piece[],
  { start, oldEnd, newEnd }: Change,
  real: string,
): readonly Piece[] | undefined {
  const below: Piece[] = [];
  const above: Piece[] = [];
  for (const piece of pieces) {
    const at = piece.start + newEnd - oldEnd;
    // The newline in front of a piece stands where it did, or another has come in its place.
    if (piece.start >= oldEnd && piece.start > 0 && real[at - 1] === "\n")
      below.push({ ...piece, start: at });
    else if (piece.start <= start) above.push(piece);
  }
  const last = above.at(-1);
  if (!last) return undefined;
  const fits = below.findIndex((piece) => last.place + piece.start - last.start <= piece.place);
  if (fits < 0) return below.length > 0 ? undefined : above;
  const staying = below.slice(fits);
  // Of a piece that is gone nothing is left between its beginning and that of the next.
  return [...above.filter((piece) => piece.start < (staying[0] as Piece).start), ...staying];
}

/** Room between what is written on lines of its own: what goes on in the next line is not torn apart. */
function freshPieces(facts: FileFacts, real: string): readonly Piece[] {
  const written = [
    ...facts.functions.flatMap(({ statements }) => statements.flatMap((list) => list.of)),
    ...facts.classes.flatMap(({ members }) => members),
  ];
  const starts = new Set([0]);
  for (const { start, end } of written) {
    const line = real.lastIndexOf("\n", start - 1) + 1;
    if (start > 0 && real.slice(line, start).trim() === "") starts.add(line);
    const newline = real.indexOf("\n", end);
    if (newline >= 0 && /^[\s;]*$/.test(real.slice(end, newline))) starts.add(newline + 1);
  }
  const sorted = [...starts].sort((a, b) => a - b);
  const room = Math.min(mostRoom, Math.floor(mostRoomInFile / sorted.length));
  return sorted.map((start, index) => ({ start, place: start + room * (index + 1) }));
}

function placeIn(pieces: readonly Piece[], offset: number): number {
  const piece = pieces[lastUpTo(pieces, "start", offset)] as Piece;
  return piece.place + offset - piece.start;
}

function settledIn(pieces: readonly Piece[], place: number): number {
  const index = lastUpTo(pieces, "place", place);
  const [piece, next] = [pieces[index] as Piece, pieces[index + 1]];
  const last = next ? piece.place + next.start - piece.start - 1 : place;
  return Math.max(piece.place, Math.min(place, last));
}

function lastUpTo(pieces: readonly Piece[], by: keyof Piece, at: number): number {
  let [low, high] = [0, pieces.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((pieces[middle] as Piece)[by] <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

function textWithRoom(real: string, pieces: readonly Piece[]): string {
  let text = blank.repeat(pieces[0]?.place ?? 0);
  for (const [index, piece] of pieces.entries()) {
    const next = pieces[index + 1];
    if (!next) return text + real.slice(piece.start);
    const free = next.place - piece.place - (next.start - piece.start);
    text += `${real.slice(piece.start, next.start - 1)}${blank.repeat(free)}\n`;
  }
  return text;
}

// --- nodes

interface NumberedNodes {
  readonly steady: ReadonlyMap<NodeId, NodeId>;
  readonly real: ReadonlyMap<NodeId, NodeId>;
  readonly mentions: Layout["mentions"];
  readonly free: number;
}

/** Nodes that the same code mentions keep their numbers; others get free ones. */
function numberNodes(
  facts: FileFacts,
  before: Layout | undefined,
  change: Change | undefined,
): NumberedNodes {
  const steady = new Map<NodeId, NodeId>();
  const real = new Map<NodeId, NodeId>();
  const mentions = new Map<string, NodeId[]>();
  let free = before?.freeNode ?? firstFreeNode;
  const old = (offset: number): number | undefined => {
    if (!change || offset <= change.start) return offset;
    return offset >= change.newEnd ? offset - change.newEnd + change.oldEnd : undefined;
  };
  forEachMention(facts, ({ start, end, by, node }) => {
    const known = steady.get(node);
    const key = `${start}:${end}:${by}`;
    const mentioned = mentions.get(key) ?? [];
    mentions.set(key, mentioned);
    const [oldStart, oldEnd] = [old(start), old(end)];
    const candidate =
      oldStart === undefined || oldEnd === undefined
        ? undefined
        : before?.mentions.get(`${oldStart}:${oldEnd}:${by}`)?.[mentioned.length];
    let number = known;
    if (number === undefined) {
      number = candidate !== undefined && !real.has(candidate) ? candidate : (free++ as NodeId);
      steady.set(node, number);
      real.set(number, node);
    }
    mentioned.push(number);
  });
  return { steady, real, mentions, free };
}

interface Mention {
  readonly start: number;
  readonly end: number;
  /** What mentions it there. */
  readonly by: string;
  readonly node: NodeId;
}

function forEachMention(data: unknown, visit: (mention: Mention) => void): void {
  if (typeof data !== "object" || data === null) return;
  const one = data as Readonly<Record<string, unknown>>;
  const { start, end, node, nodes } = one;
  if (typeof start === "number" && typeof end === "number") {
    const by = String(one["op"] ?? one["kind"] ?? "");
    if (typeof node === "number") visit({ start, end, by, node: node as NodeId });
    if (Array.isArray(nodes)) {
      for (const [index, each] of nodes.entries()) visit({ start, end, by: `${by} ${index}`, node: each });
    }
  }
  for (const value of Array.isArray(data) ? data : Object.values(one)) {
    if (typeof value === "object") forEachMention(value, visit);
  }
}

// --- facts

/** Facts are plain data; the names of their fields say what is an offset and what a node. */
function moveFacts(
  facts: FileFacts,
  place: (offset: number) => number,
  node: (real: NodeId) => NodeId,
): FileFacts {
  const move = (data: unknown, field: string): unknown => {
    if (typeof data === "number") {
      if (offsets.has(field)) return place(data);
      return field === "node" || field === "nodes" ? node(data as NodeId) : data;
    }
    if (typeof data !== "object" || data === null) return data;
    if (Array.isArray(data)) return data.map((one) => move(one, field));
    const moved: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(data)) moved[name] = move(value, name);
    return moved;
  };
  return move(facts, "") as FileFacts;
}

const offsets: ReadonlySet<string> = new Set(["start", "end", "textStart", "lines"]);
