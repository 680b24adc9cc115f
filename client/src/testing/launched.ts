import type { DumpBuilder } from "@unknot/dump/testing/dump-builder.ts";
import type { Launch } from "../sessions/launches.ts";
import type { SessionSnapshot } from "../sessions/session.ts";
import { launch, snapshot } from "./sketches.ts";

/** A launch with one session, in which a program is as the dump says. */
export function launched(
  builder: DumpBuilder,
  state: SessionSnapshot["state"] = { kind: "live" },
): readonly Launch[] {
  return [launch(snapshot(builder.build(), { state }, 2))];
}
