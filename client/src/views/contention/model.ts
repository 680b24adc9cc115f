// What the Contention view shows: whose holds others have waited for, and where tasks have waited the longest in sum.
import {
  count,
  formatDuration,
  grouped,
  placeOf,
  plain,
  quoted,
  shortPlace,
  siteOf,
} from "@unknot/dump/names.ts";
import type {
  ContendedHold,
  ContendedResource,
  ContendedWait,
  Contention,
} from "@unknot/protocol/contention.ts";
import type { Site } from "@unknot/protocol/dump.ts";
import { formatPlace } from "@unknot/protocol/place.ts";
import type { Overview } from "@unknot/protocol/wire.ts";
import type { Launch } from "../../sessions/launches.ts";
import type { SessionSnapshot } from "../../sessions/session.ts";
import { iconOf, icons, kindIcon } from "../tree/icons.ts";
import type { Row } from "../tree/row.ts";
import { areSeveral, inOrder, processRow } from "../tree/session-title.ts";

export function rowsOf(launches: readonly Launch[]): readonly Row[] {
  const sessions = launches.flatMap((launch) => inOrder(launch).filter(({ overview }) => overview));
  return sessions.flatMap((session) =>
    areSeveral(launches)
      ? [processRow(session, `${session.id} contention`, { children: () => sessionRows(session) })]
      : sessionRows(session),
  );
}

function sessionRows(session: SessionSnapshot): readonly Row[] {
  const { overview } = session;
  if (!overview) return [];
  const { contention } = overview;
  if (contention === undefined) {
    const label = "What was waited for in the past is not known";
    const description =
      session.state.kind === "file" ? "the file does not tell" : "the program's tracer is older";
    return [plainRow(session, "unknown", label, description)];
  }
  const { holds, waits, forMs, stepMs, dropped } = contention;
  const blamed = holds.filter(({ delayMs }) => delayMs > 0);
  const measured = `in ${formatDuration(forMs)}, measured in steps of ${formatDuration(stepMs)}`;
  return [
    ...(dropped > 0
      ? [
          {
            ...plainRow(
              session,
              "dropped",
              `${count(dropped, "wait or hold", "waits and holds")} did not fit and ${dropped === 1 ? "is" : "are"} left out`,
            ),
            icon: icons.warning,
          },
        ]
      : []),
    section(session, "holds", "Held while others waited", blamed.length, measured, () =>
      blamed.map((hold, index) => holdRow(session, overview, hold, index)),
    ),
    section(session, "waits", "Waited in sum", waits.length, measured, () =>
      waits.map((wait, index) => waitRow(session, overview, contention, wait, index)),
    ),
  ];
}

function section(
  { id, ...session }: SessionSnapshot,
  name: string,
  label: string,
  places: number,
  measured: string,
  children: () => readonly Row[],
): Row {
  const description = places === 0 ? `nowhere ${measured}` : `${count(places, "place")} ${measured}`;
  return {
    id: `${id} contention ${name}`,
    kind: "section",
    label,
    description,
    icon: name === "holds" ? icons.blockers : icons.oldest,
    spoken: `${label}, ${description}`,
    session: id,
    ...(places === 0 ? {} : { open: session.state.kind !== "connecting", children }),
  };
}

function holdRow(session: SessionSnapshot, overview: Overview, hold: ContendedHold, index: number): Row {
  const { resource, taken, stack, delayMs, contended, count: holds, longestMs } = hold;
  const takenAt = siteOf(overview, taken);
  const given = siteOf(overview, stack[0]);
  const site = takenAt ?? given;
  const label = `${resourceText(overview, resource)}${site === undefined ? "" : `, taken by ${functionOf(site)}`}`;
  const description = [
    `others waited ${formatDuration(delayMs)}`,
    `for ${grouped(contended)} of ${count(holds, "hold")}`,
    `longest ${formatDuration(longestMs)}`,
    ...(site === undefined ? [] : [shortPlace(site)]),
  ].join(" · ");
  return {
    ...placed(session, `hold ${index}`, label, description, site),
    icon: kindIcon(resource.kind),
    children: () => [
      ...(takenAt === undefined ? [] : [frameRow(session, `hold ${index} taken`, "Taken at", takenAt)]),
      ...frames(session, overview, `hold ${index}`, "Given back at", stack),
      ...createdRow(session, overview, `hold ${index}`, resource),
    ],
  };
}

function waitRow(
  session: SessionSnapshot,
  overview: Overview,
  { forMs }: Contention,
  wait: ContendedWait,
  index: number,
): Row {
  const { state, resource, stack, count: waits, totalMs, longestMs } = wait;
  const site = siteOf(overview, stack[0]);
  const what = resource === undefined ? "" : ` for ${resourceText(overview, resource)}`;
  const label = `${site === undefined ? "somewhere" : functionOf(site)}${what}`;
  const description = [
    `${formatDuration(totalMs)} in sum`,
    `${state} ${grouped(waits)} ×`,
    `longest ${formatDuration(longestMs)}`,
    // Of many tasks that wait at once the sum is longer than the time they had.
    ...(forMs > 0 ? [`${(totalMs / forMs).toFixed(1)} at a time`] : []),
    ...(site === undefined ? [] : [shortPlace(site)]),
  ].join(" · ");
  return {
    ...placed(session, `wait ${index}`, label, description, site),
    icon: iconOf(state, false),
    children: () => [
      ...frames(session, overview, `wait ${index}`, "Waited at", stack),
      ...(resource === undefined ? [] : createdRow(session, overview, `wait ${index}`, resource)),
    ],
  };
}

function resourceText(overview: Overview, { kind, name, created }: ContendedResource): string {
  if (name !== undefined) return `${kind} ${quoted(name)}`;
  const site = siteOf(overview, created);
  return site === undefined ? `a ${kind}` : `the ${kind} created at ${shortPlace(site)}`;
}

function functionOf(site: Site): string {
  return site.function === undefined ? shortPlace(site) : quoted(site.function);
}

function frames(
  session: SessionSnapshot,
  overview: Overview,
  id: string,
  first: string,
  stack: readonly number[],
): readonly Row[] {
  return stack.flatMap((index, depth) => {
    const site = siteOf(overview, index);
    return site === undefined
      ? []
      : [frameRow(session, `${id} ${depth}`, depth === 0 ? first : "Awaited at", site)];
  });
}

function createdRow(
  session: SessionSnapshot,
  overview: Overview,
  id: string,
  { created }: ContendedResource,
): readonly Row[] {
  const site = siteOf(overview, created);
  return site === undefined ? [] : [frameRow(session, `${id} created`, "Created at", site)];
}

function frameRow(session: SessionSnapshot, id: string, label: string, site: Site): Row {
  const description = [...(site.function === undefined ? [] : [plain(site.function)]), shortPlace(site)].join(
    " · ",
  );
  return { ...placed(session, id, label, description, site), icon: { name: "debug-stackframe" } };
}

function placed(
  session: SessionSnapshot,
  id: string,
  label: string,
  description: string,
  site: Site | undefined,
): Row {
  return {
    ...plainRow(session, id, label, description),
    ...(site === undefined
      ? {}
      : {
          place: placeOf(site),
          tooltip: () => `${label}\n${description}\n${formatPlace(placeOf(site))}`,
        }),
  };
}

function plainRow({ id: session }: SessionSnapshot, id: string, label: string, description?: string): Row {
  return {
    id: `${session} contention ${id}`,
    kind: "detail",
    label,
    icon: icons.information,
    spoken: description === undefined ? label : `${label}, ${description}`,
    session,
    ...(description === undefined ? {} : { description }),
  };
}
