import { count, formatDuration } from "@unknot/dump/names.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import { problemsOf, type SessionSnapshot } from "../../sessions/session.ts";
import { timeOf } from "../tree/clock-time.ts";
import { icons } from "../tree/icons.ts";
import type { Row } from "../tree/row.ts";
import type { Scene } from "../tree/scene.ts";

/** The problems that a collection of garbage proves. */
export function causesOfLoss(session: SessionSnapshot): readonly Problem[] {
  return problemsOf(session).filter(
    ({ verdict }) => verdict === "cannot-resume" || verdict === "waits-on-dead",
  );
}

/** What came of looking for tasks that can never go on; nothing when nobody has asked for that. */
export function proofRow({ session }: Scene): Row | undefined {
  const { proof } = session;
  if (!proof) return undefined;
  const causes = causesOfLoss(session);
  const found =
    causes.length === 0
      ? "no task is proved to be lost"
      : `${count(causes.length, "cause")} of tasks that can never go on`;
  const description = `${found}, at ${timeOf(proof.at)} in ${formatDuration(proof.tookMs)}`;
  return {
    id: `${session.id} proof`,
    kind: "section",
    label: "Leak proof",
    description,
    icon: causes.length === 0 ? icons.healthy : icons.proof,
    spoken: `leak proof: ${description}`,
    session: session.id,
    tooltip: () =>
      "Garbage was collected: a task that waits and whose code went with it can never go on. Of the others nothing is proved: somebody still refers to what could let them go on.",
  };
}
