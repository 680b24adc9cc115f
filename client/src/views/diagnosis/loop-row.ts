import { formatDuration } from "@unknot/dump/names.ts";
import type { LoopState } from "@unknot/protocol/dump.ts";
import { icons } from "../tree/icons.ts";
import type { Row } from "../tree/row.ts";
import type { Scene } from "../tree/scene.ts";

/** Whether the program's own code keeps the loop from turning; a program that ended keeps nothing. */
export function standsStill({ session: { state, paused }, overview: { loop } }: Scene): boolean {
  return loop.state === "blocked" && !paused && state.kind !== "ended" && state.kind !== "file";
}

/** Whether the event loop turns, and how late its turns were. */
export function loopRow(scene: Scene): Row {
  const {
    session,
    overview: { loop },
  } = scene;
  const isOver = session.state.kind === "ended" || session.state.kind === "file";
  const description = [stateText(loop, session.paused, isOver), ...lagText(loop)].join(", ");
  return {
    id: `${session.id} loop`,
    kind: "section",
    label: "Event loop",
    description,
    icon: standsStill(scene) ? icons.warning : icons.turning,
    spoken: `event loop ${description}`,
    session: session.id,
  };
}

function stateText({ state, sinceMs }: LoopState, paused: boolean, isOver: boolean): string {
  switch (state) {
    case "turning":
      return paused ? "stopped by the debugger" : isOver ? "turned" : "turns";
    case "blocked":
      if (paused) return "stopped by the debugger";
      return `${isOver ? "had" : "has"} not turned for ${formatDuration(sinceMs)}`;
    case "ended":
      return "ran empty: nothing is left that could wake a task";
  }
}

function lagText({ lag }: LoopState): readonly string[] {
  return lag === undefined
    ? []
    : [`99 of 100 turns at most ${formatDuration(lag.p99Ms)} late, at worst ${formatDuration(lag.maxMs)}`];
}
