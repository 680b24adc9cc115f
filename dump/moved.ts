import type { Dump } from "@unknot/protocol/dump.ts";
import type { Place } from "@unknot/protocol/place.ts";

/** Files below `from` are below `to` where the dump is read. */
export interface Move {
  readonly from: string;
  readonly to: string;
}

/** `/srv/app=/home/me/app`; undefined when it is not of this form. */
export function parseMove(text: string): Move | undefined {
  const at = text.indexOf("=");
  const from = withoutEnd(text.slice(0, at));
  const to = withoutEnd(text.slice(at + 1));
  return at <= 0 || to === "" ? undefined : { from, to };
}

/** A dump with its files where they are here; of several moves the first that fits counts. */
export function movePaths(dump: Dump, moves: readonly Move[]): Dump {
  if (moves.length === 0) return dump;
  const moved = (file: string): string => movedFile(file, moves);
  const place = <At extends Place>(at: At): At => ({ ...at, file: moved(at.file) });
  return {
    ...dump,
    process: { ...dump.process, title: moved(dump.process.title), cwd: moved(dump.process.cwd) },
    coverage: {
      ...dump.coverage,
      untouched: dump.coverage.untouched.map((each) => ({ ...each, file: moved(each.file) })),
    },
    sites: dump.sites.map(place),
    problems: dump.problems.map((problem) => ({ ...problem, at: problem.at.map(place) })),
    ...(dump.sources === undefined
      ? {}
      : { sources: dump.sources.map((each) => ({ ...each, file: moved(each.file) })) }),
  };
}

function movedFile(file: string, moves: readonly Move[]): string {
  for (const { from, to } of moves) {
    if (file === from) return to;
    if (file.startsWith(from === "/" ? from : `${from}/`)) {
      return `${to}/${file.slice(from.length).replace(/^\//, "")}`;
    }
  }
  return file;
}

/** Paths of dumps have forward slashes, whatever the system. */
function withoutEnd(folder: string): string {
  const slashed =
    /^[A-Za-z]:\\|\\/.test(folder) && !folder.includes("/") ? folder.replaceAll("\\", "/") : folder;
  return slashed.length > 1 ? slashed.replace(/\/+$/, "") || "/" : slashed;
}
