import { detect } from "@unknot/dump/detectors/detect.ts";
import { overview } from "@unknot/dump/overview.ts";
import type { DumpBuilder } from "@unknot/dump/testing/dump-builder.ts";
import type { Launch } from "../sessions/launches.ts";
import type { SessionSnapshot } from "../sessions/session.ts";

/** A launch with one session, in which a program is as the dump says. */
export function launched(
  builder: DumpBuilder,
  state: SessionSnapshot["state"] = { kind: "live" },
): readonly Launch[] {
  const dump = builder.build();
  const session: SessionSnapshot = {
    id: "s",
    state,
    process: dump.process,
    overview: overview({ ...dump, problems: detect(dump) }, { membersPerGroup: 2 }),
    announced: [],
    paused: false,
  };
  return [{ id: "l", name: "Run", running: true, overdue: false, sessions: [session] }];
}
