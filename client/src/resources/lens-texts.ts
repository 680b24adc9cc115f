import { count } from "@unknot/dump/names.ts";
import type { DescribedResource, UseRole } from "@unknot/protocol/described-resource.ts";

/** Which setting decides about a resource's lens. */
export function lensSettingOf({ kind }: DescribedResource): "channels" | "locks" {
  return kind === "channel" || kind === "queue" || kind === "waitgroup" ? "channels" : "locks";
}

/** `2 senders, 1 receiver, never closed`; `acquired in 3 places, before stock`. */
export function lensText(resource: DescribedResource): string {
  const { kind, uses, after, before, shared } = resource;
  const places = (role: UseRole) => uses.filter((use) => use.role === role).length;
  const inPlaces = (what: string, number: number) => `${what} in ${count(number, "place")}`;
  switch (kind) {
    case "channel": {
      const closers = places("close");
      const closed = closers > 0 ? inPlaces("closed", closers) : shared ? [] : "never closed";
      return [count(places("send"), "sender"), count(places("receive"), "receiver"), closed]
        .flat()
        .join(", ");
    }
    case "queue":
      return [
        inPlaces("given work", places("submit")),
        ...(places("wait") > 0 ? [inPlaces("waited for", places("wait"))] : []),
      ].join(", ");
    case "waitgroup":
      return [
        inPlaces("counted up", places("add")),
        inPlaces("down", places("done")),
        inPlaces("waited for", places("wait")),
      ].join(", ");
    case "pool":
      return inPlaces("used", places("acquire") + places("use"));
    default:
      return [inPlaces("acquired", places("acquire")), ...orders(after, before)].join(", ");
  }
}

const mostNames = 3;

function orders(after: DescribedResource["after"], before: DescribedResource["before"]): readonly string[] {
  const first = [...new Set(after.map(({ name }) => name))];
  const second = [...new Set(before.map(({ name }) => name))];
  return [
    ...order(
      "after",
      first.filter((name) => !second.includes(name)),
    ),
    ...order(
      "before",
      second.filter((name) => !first.includes(name)),
    ),
    ...order(
      "before and after",
      first.filter((name) => second.includes(name)),
    ),
  ];
}

function order(word: string, names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : "";
  return [`${word} ${names.slice(0, mostNames).join(", ")}${more}`];
}
