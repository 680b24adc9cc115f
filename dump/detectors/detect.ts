import type { Dump } from "@unknot/protocol/dump.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { Certainty, Verdict } from "@unknot/protocol/verdict.ts";
import { findKnots, stuckBehind, stuckVertices } from "../knots.ts";
import { lookupOf } from "../names.ts";
import { taskAt, waitForGraph } from "../wait-for-graph.ts";
import { cannotResume } from "./cannot-resume/detector.ts";
import { deadlock } from "./deadlock/detector.ts";
import type { Detector, Scene } from "./detector.ts";
import { exitPending } from "./exit-pending/detector.ts";
import { keepsAlive } from "./keeps-alive/detector.ts";
import { longWait } from "./long-wait/detector.ts";
import { loopBlocked } from "./loop-blocked/detector.ts";
import { lostUpdate } from "./lost-update/detector.ts";
import { notAwaited } from "./not-awaited/detector.ts";
import { overRelease } from "./over-release/detector.ts";
import { ownerGone } from "./owner-gone/detector.ts";
import { poolExhausted } from "./pool-exhausted/detector.ts";
import { waitsOnDead } from "./waits-on-dead/detector.ts";

export const detectors: readonly Detector[] = [
  cannotResume,
  deadlock,
  exitPending,
  keepsAlive,
  longWait,
  lostUpdate,
  loopBlocked,
  notAwaited,
  overRelease,
  ownerGone,
  poolExhausted,
  waitsOnDead,
];

/**
 * The problems of a dump, the gravest first: sure before unsure, then by verdict, then by how many tasks they concern.
 * Deadlocks get the labels `D1`, `D2`, … in the order of their smallest task. What `dump.problems` says is not read.
 */
export function detect(dump: Dump): Problem[] {
  const scene = sceneOf(dump);
  const problems = detectors.flatMap((detector) => detector.detect(scene));
  return labelled(problems).sort(
    (a, b) =>
      certaintyRank[a.certainty] - certaintyRank[b.certainty] ||
      verdictRank.indexOf(a.verdict) - verdictRank.indexOf(b.verdict) ||
      b.tasks.length - a.tasks.length ||
      (a.tasks[0] ?? 0) - (b.tasks[0] ?? 0),
  );
}

const certaintyRank: Readonly<Record<Certainty, number>> = { proved: 0, observed: 0, may: 1, heuristic: 2 };

const verdictRank: readonly Verdict[] = [
  "deadlock",
  "owner-gone",
  "over-release",
  "lost-update",
  "pool-exhausted",
  "loop-blocked",
  "exit-pending",
  "waits-on-dead",
  "cannot-resume",
  "not-awaited",
  "keeps-alive",
  "long-wait",
];

function sceneOf(dump: Dump): Scene {
  const graph = waitForGraph(dump);
  const knots = findKnots(graph);
  return {
    ...lookupOf(dump),
    dump,
    graph,
    knots,
    knotted: new Set(knots.flatMap((knot) => knot.tasks)),
    stuck: stuckVertices(graph),
    stuckForGood: dump.tasks.some(({ collected }) => collected !== undefined)
      ? stuckBehind(graph, (vertex) => taskAt(graph, vertex)?.collected !== undefined)
      : new Uint8Array(graph.vertices),
  };
}

function labelled(problems: readonly Problem[]): Problem[] {
  const deadlocks = problems
    .filter((problem) => problem.verdict === "deadlock")
    .sort((a, b) => (a.tasks[0] ?? 0) - (b.tasks[0] ?? 0));
  const labels = new Map(deadlocks.map((problem, index) => [problem, `D${index + 1}`]));
  return problems.map((problem) => {
    const label = labels.get(problem);
    return label === undefined ? problem : { ...problem, label };
  });
}
