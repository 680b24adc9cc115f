import type { DescribedResource, DescribedUse, UseRole } from "@unknot/protocol/described-resource.ts";
import { useRoles } from "@unknot/protocol/described-resource.ts";
import type { Place, Span } from "@unknot/protocol/place.ts";
import type { Hover, Position } from "vscode-languageserver";
import type { FilePath } from "../program/program.ts";
import { rangeOf, sameFileKey } from "./locations.ts";

export interface HoverContext {
  readonly file: FilePath;
  readonly position: Position;
  /** The client shows Markdown; otherwise plain text. */
  readonly markdown: boolean;
  readonly uriOf: (file: FilePath) => string;
}

/** What is known of the resource that is made or used at a position. */
export function resourceHover(
  resources: readonly DescribedResource[],
  context: HoverContext,
): Hover | undefined {
  for (const resource of resources) {
    const at = [resource.created, ...resource.uses.map((use) => use.at)].find((span) => isAt(span, context));
    if (!at) continue;
    const kind = context.markdown ? "markdown" : "plaintext";
    return { contents: { kind, value: textOf(resource, context) }, range: rangeOf(at) };
  }
  return undefined;
}

function isAt(span: Span, { file, position }: HoverContext): boolean {
  const { start, end } = rangeOf(span);
  return (
    sameFileKey(span.file) === sameFileKey(file) &&
    start.line === position.line &&
    start.character <= position.character &&
    position.character <= end.character
  );
}

/** Of more places the number is told. */
const mostPlaces = 8;

const did: Readonly<Record<UseRole, string>> = {
  acquire: "acquired",
  release: "released",
  send: "sent to",
  receive: "received from",
  close: "closed",
  submit: "given work",
  use: "used",
  add: "counted up",
  done: "counted down",
  wait: "waited for",
};

const words: Readonly<Record<DescribedResource["kind"], string>> = {
  mutex: "lock",
  rwlock: "reader-writer lock",
  semaphore: "semaphore",
  channel: "channel",
  queue: "queue",
  pool: "pool",
  waitgroup: "wait group",
};

function textOf(resource: DescribedResource, context: HoverContext): string {
  const { kind, name, type, capacity, created, uses, after, before, shared } = resource;
  const room = capacity === undefined || kind === "mutex" ? "" : `, ${capacityText(kind, capacity)}`;
  const place = (at: Place) => placeText(at, context);
  const listed = (role: UseRole) => {
    const some = uses.filter((use) => use.role === role);
    return some.length === 0 ? [] : [`${did[role]} ${placesText(some, context)}`];
  };
  const missing =
    kind === "channel" && !shared && !uses.some(({ role }) => role === "close") ? ["never closed"] : [];
  const order = [
    ...after.map((other) => `taken while ${code(other.name, context)} is held: ${place(other.at)}`),
    ...before.map((other) => `held while ${code(other.name, context)} is taken: ${place(other.at)}`),
  ];
  const lines = [
    ...useRoles.flatMap(listed),
    ...missing,
    ...order.slice(0, mostPlaces),
    ...(order.length > mostPlaces ? [`and ${order.length - mostPlaces} more orders`] : []),
    ...(shared ? ["code that the analysis does not see may use it, too"] : []),
  ];
  const title = `${words[kind]} ${code(name, context)} (${plain(type, context)}${room}), made at ${place(created)}`;
  return [title, "", ...lines.map((line) => `- ${line}`)].join("\n");
}

function capacityText(kind: DescribedResource["kind"], capacity: number): string {
  if (kind === "channel") return `room for ${capacity}`;
  if (kind === "pool") return `${capacity} clients`;
  return `${capacity} at a time`;
}

function placesText(uses: readonly DescribedUse[], context: HoverContext): string {
  const shown = uses.slice(0, mostPlaces).map(({ at, function: name }) => {
    const inside = name === undefined ? "" : ` in ${code(name, context)}`;
    return `${placeText(at, context)}${inside}`;
  });
  const more = uses.length > mostPlaces ? [`${uses.length - mostPlaces} more places`] : [];
  return `at ${[...shown, ...more].join(", ")}`;
}

function placeText({ file, line, column }: Place, context: HoverContext): string {
  const short = `${file.slice(file.lastIndexOf("/") + 1)}:${line}`;
  return context.markdown ? `[${plain(short, context)}](${context.uriOf(file)}#L${line},${column})` : short;
}

/** Names come from the program: nothing in them is Markdown. */
function plain(text: string, { markdown }: HoverContext): string {
  return markdown ? text.replace(/[\\`*_{}[\]()#+\-!<>|~]/g, "\\$&") : text;
}

function code(name: string, { markdown }: HoverContext): string {
  return markdown ? `\`${name.replaceAll("`", "'")}\`` : `'${name}'`;
}
