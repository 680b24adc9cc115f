import { count, plain } from "@unknot/dump/names.ts";
import type { Coverage } from "@unknot/protocol/dump.ts";
import type { Place } from "@unknot/protocol/place.ts";
import { icons } from "../tree/icons.ts";
import type { Row } from "../tree/row.ts";
import type { Scene } from "../tree/scene.ts";

/** What the tracer saw and what it did not. */
export function coverageRow({ session, overview: { coverage } }: Scene): Row {
  const parts = [
    ...(coverage.untouched.length > 0 ? [`${count(coverage.untouched.length, "file")} not traced`] : []),
    ...coverage.blind.map((part) => `${plain(part)} not seen`),
    ...(coverage.dropped > 0 ? [`${count(coverage.dropped, "event")} dropped`] : []),
  ];
  const description =
    parts.length > 0 ? parts.join(", ") : `${count(coverage.transformed, "file")} traced, nothing dropped`;
  return {
    id: `${session.id} coverage`,
    kind: "section",
    label: "Coverage",
    description,
    icon: parts.length > 0 ? icons.warning : icons.coverage,
    spoken: `coverage: ${description}`,
    session: session.id,
    children: () => coverageRows(session.id, coverage),
  };
}

function coverageRows(session: string, coverage: Coverage): readonly Row[] {
  const row = (label: string, description: string, place?: Place): Row => ({
    id: `${session} coverage ${label} ${description}`,
    kind: "detail",
    label,
    description,
    icon: icons.detail,
    spoken: `${label}: ${description}`,
    session,
    ...(place === undefined ? {} : { place, tooltip: () => place.file }),
  });
  return [
    row("Traced", `${count(coverage.transformed, "file")}`),
    ...coverage.instrumented.map((library) => row("Library", plain(library))),
    ...coverage.untouched.map(({ file, reason }) =>
      row("Not traced", `${plain(file)}: ${plain(reason)}`, { file, line: 1, column: 1 }),
    ),
    ...coverage.blind.map((part) => row("Not seen", plain(part))),
    row("Dropped", count(coverage.dropped, "event")),
  ];
}
