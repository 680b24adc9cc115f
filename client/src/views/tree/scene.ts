import { type Lookup, lookupOf, type Snapshot } from "@unknot/dump/names.ts";
import type { Overview } from "@unknot/protocol/wire.ts";
import type { SessionSnapshot } from "../../sessions/session.ts";

/** What rows of one session look up: its overview, and the tasks they speak of. */
export interface Scene extends Lookup {
  readonly session: SessionSnapshot;
  readonly overview: Overview;
}

/** `snapshot`: tasks that were asked for besides those of the overview. */
export function sceneOf(session: SessionSnapshot, overview: Overview, snapshot: Snapshot = overview): Scene {
  return { session, overview, ...lookupOf(snapshot) };
}
