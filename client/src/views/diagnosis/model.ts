// What the Diagnosis view shows, made from launches alone: rows with their words, icons, places and children.
import { count, formatDuration, plain, shortPlace } from "@unknot/dump/names.ts";
import { formatPlace } from "@unknot/protocol/place.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import { isSure } from "@unknot/protocol/verdict.ts";
import type { Overview } from "@unknot/protocol/wire.ts";
import type { Launch } from "../../sessions/launches.ts";
import { problemsOf, type SessionSnapshot } from "../../sessions/session.ts";
import { dateOf, timeOf } from "../tree/clock-time.ts";
import { icons, type RowIcon } from "../tree/icons.ts";
import type { Row } from "../tree/row.ts";
import { type Scene, sceneOf } from "../tree/scene.ts";
import { areSeveral, baseName, inOrder, processRow, titleOf } from "../tree/session-title.ts";
import { taskRow } from "../tree/task-row.ts";
import { blockersRow, worstRow } from "./blocker-row.ts";
import { changesRow } from "./changes-row.ts";
import { costRow } from "./cost-row.ts";
import { coverageRow } from "./coverage-row.ts";
import { loopRow, standsStill } from "./loop-row.ts";
import { oldestRow } from "./oldest-row.ts";
import { proofRow } from "./proof-row.ts";
import { rateRow } from "./rate-row.ts";

/** The rows of the tree. One process needs no row of its own. `now` is in milliseconds since the epoch. */
export function rowsOf(launches: readonly Launch[], now: number = Date.now()): readonly Row[] {
  const many = areSeveral(launches);
  return launches.flatMap((launch) =>
    launch.sessions.length === 0
      ? [emptyLaunch(launch, now)]
      : inOrder(launch).flatMap((session) =>
          many
            ? [processRow(session, session.id, { children: () => sessionRows(session, now) })]
            : sessionRows(session, now),
        ),
  );
}

/** Whether rows tell how long something has been waited for, and so change by themselves. */
export function isWaiting(launches: readonly Launch[]): boolean {
  return launches.some(({ running, overdue, untraced, sessions }) =>
    sessions.length === 0
      ? running && !overdue && untraced === undefined
      : sessions.some(({ state }) => state.kind === "connecting"),
  );
}

/** Deadlocks and other sure problems of all processes: the number on the view's badge. */
export function problemCount(launches: readonly Launch[]): number {
  return launches.flatMap((launch) => launch.sessions.flatMap(problemsOf)).filter(isSure).length;
}

/** What the view's title says beside its name. */
export function summaryOf(launches: readonly Launch[]): string {
  const sessions = launches.flatMap((launch) => launch.sessions);
  const [only, ...others] = sessions;
  if (!only) return "";
  if (others.length > 0) return `${sessions.length} processes`;
  const { overview } = only;
  return [titleOf(only), ...(overview ? [count(overview.total, "task")] : [])].join(", ");
}

function emptyLaunch(launch: Launch, now: number): Row {
  const name = plain(launch.name);
  const text = (label: string, icon: RowIcon, description?: string): Row => ({
    id: `launch ${launch.id}`,
    kind: "launch",
    label,
    icon,
    spoken: description === undefined ? label : `${label}. ${description}`,
    ...(description === undefined ? {} : { description, tooltip: () => `${label}\n${description}` }),
  });
  if (launch.untraced !== undefined)
    return text(`'${name}' runs untraced`, icons.information, launch.untraced);
  if (launch.running && launch.overdue) {
    const why = "Node before 22.15, package managers, compilers and linters are not traced";
    return text(`No traced program in '${name}' so far`, icons.information, why);
  }
  if (launch.running)
    return text(`Waiting for '${name}' to start`, icons.waiting, forSeconds(launch.since, now));
  return text(`'${name}' has ended`, icons.information, "It left no tasks behind, or could not be traced");
}

/** From this time on, waiting is told. */
const tellsAfterMs = 1000;

function forSeconds(since: number, now: number): string | undefined {
  const ms = now - since;
  return ms < tellsAfterMs ? undefined : `for ${formatDuration(Math.floor(ms / 1000) * 1000)}`;
}

function sessionRows(session: SessionSnapshot, now: number): readonly Row[] {
  const { overview } = session;
  const states = stateRows(session, now);
  if (!overview) return states;
  const scene = sceneOf(session, overview);
  const problems = problemsOf(session);
  const { blockers = [] } = overview;
  const [worst] = blockers;
  const isBusy = standsStill(scene);
  const busyFirst = isBusy && problems.length === 0;
  return [
    ...states,
    ...problemRows(scene, problems),
    // Too short to be a problem yet, but more than that nothing waits.
    ...(busyFirst ? [loopRow(scene)] : []),
    ...(session.muted > 0 ? [mutedRow(session)] : []),
    // Where nothing is wrong for all that is known, what holds up the most comes nearest to an answer.
    ...(worst !== undefined && problems.length === 0 ? [worstRow(scene, worst)] : []),
    ...(problems.length > 0 || session.muted > 0 || (isBusy && overview.total === 0)
      ? []
      : [nothingFound(scene)]),
    ...(overview.total === 0 && session.state.kind === "live" && !isBusy
      ? [keptAlive(session, overview)]
      : []),
    ...(blockers.length > 0 ? [blockersRow(scene, blockers)] : []),
    ...[oldestRow(scene) ?? []].flat(),
    ...[changesRow(scene) ?? []].flat(),
    ...[proofRow(scene) ?? []].flat(),
    ...(busyFirst || isForeign(overview) ? [] : [loopRow(scene)]),
    ...[rateRow(scene) ?? []].flat(),
    ...(isForeign(overview) ? [] : [coverageRow(scene)]),
    ...[costRow(scene) ?? []].flat(),
    ...(overview.total > 0 && isCounted(overview.handles) && session.state.kind === "live"
      ? [keptAlive(session, overview)]
      : []),
  ];
}

/** Whether this was not written by a tracer of ours: Go's dumps say nothing of a loop, or of what was not seen. */
function isForeign({ process }: Overview): boolean {
  return process.node === "";
}

/** The way to what is open; where nothing waits and the program still runs, nothing else explains it. */
function keptAlive({ id: session }: SessionSnapshot, { handles }: Overview): Row {
  const label = "See what keeps it alive";
  const kinds = "timers, servers, sockets and child processes";
  const description = isCounted(handles) ? `${count(handles, "open handle")}: ${kinds}` : kinds;
  return {
    id: `${session} alive`,
    kind: "detail",
    label,
    description,
    icon: icons.handles,
    spoken: `${label}: ${description}`,
    session,
    offers: "why",
  };
}

/** A program that goes on with nothing open was counted too early, or goes on for the debugger's sake. */
function isCounted(handles: number | undefined): handles is number {
  return handles !== undefined && handles > 0;
}

/** After so long, what is tried is told. */
const triesAfterMs = 5000;

function triedRows({ id: session, process }: SessionSnapshot): readonly Row[] {
  const row = (label: string, description: string): Row => ({
    id: `${session} tried ${label}`,
    kind: "detail",
    label,
    description,
    icon: icons.detail,
    spoken: `${label}: ${description}`,
    session,
  });
  return [
    row(
      "Tried",
      "the tracer's own thread is asked through its socket; it answers also while the program is blocked",
    ),
    row("Program", `${plain(process.title)}, Node ${plain(process.node)}`),
    row("If it stays so", "start the program again: the tracer's thread may have been stopped"),
  ];
}

function stateRows(session: SessionSnapshot, now: number): readonly Row[] {
  const { state, overview, paused } = session;
  const row = (label: string, icon: RowIcon, description?: string): Row => ({
    id: `${session.id} state`,
    kind: "state",
    label,
    icon,
    spoken: description === undefined ? label : `${label}. ${description}`,
    session: session.id,
    ...(description === undefined ? {} : { description }),
  });
  const asOf = overview === undefined ? undefined : `as of ${timeOf(overview.capturedAt)}`;
  switch (state.kind) {
    case "connecting": {
      const waits = row(`Connecting to ${titleOf(session)}`, icons.waiting, forSeconds(state.since, now));
      if (now - state.since < triesAfterMs) return [{ ...waits, offers: "cancel" }];
      // VS Code would not open the same row later.
      const id = `${waits.id} tried`;
      return [{ ...waits, id, offers: "cancel", open: true, children: () => triedRows(session) }];
    }
    case "failed":
      return [{ ...row("No connection", icons.warning, plainSentence(state.why)), offers: "reconnect" }];
    case "disconnected": {
      const what = ["the process is still there", ...(asOf === undefined ? [] : [asOf])].join(", ");
      return [{ ...row("Disconnected", icons.warning, what), offers: "reconnect" }];
    }
    case "ended": {
      const code = state.exitCode === undefined ? "" : ` with code ${state.exitCode}`;
      return [row(`Ended${code}`, icons.ended, asOf ?? "no dump was taken")];
    }
    case "file": {
      const taken =
        overview === undefined || overview.capturedAt === 0 ? undefined : dateOf(overview.capturedAt);
      const part = overview?.filtered;
      const facts = [
        ...(taken === undefined ? [] : [`taken ${taken}`]),
        ...(part === undefined ? [] : [`${overview?.total ?? 0} of ${part.of} tasks: ${plain(part.by)}`]),
      ];
      return [{ ...row(plain(baseName(state.file)), icons.file, facts.join(", ")), file: state.file }];
    }
    case "live":
      if (paused) return [row("Paused by the debugger", icons.paused, asOf)];
      return overview
        ? []
        : [row(`Connected to ${titleOf(session)}`, icons.waiting, "waiting for the first dump")];
  }
}

function problemRows(scene: Scene, problems: readonly Problem[]): readonly Row[] {
  const used = new Map<string, number>();
  const hidden = problems.length - mostProblems;
  const rows = problems.slice(0, mostProblems).map((problem) => {
    const name = `${scene.session.id} problem ${problem.id} ${identityOf(problem)}`;
    const before = used.get(name) ?? 0;
    used.set(name, before + 1);
    const row = problemRow(scene, problem, before === 0 ? name : `${name} ${before}`);
    // An announced problem comes before its tasks. VS Code would not open the same row later.
    return row.children ? row : { ...row, id: `${row.id} bare` };
  });
  if (hidden <= 0) return rows;
  const label = `${count(hidden, "more problem")}`;
  const id = `${scene.session.id} problems more`;
  return [...rows, { id, kind: "detail", label, icon: icons.more, spoken: label, session: scene.session.id }];
}

function mutedRow({ id: session, muted }: SessionSnapshot): Row {
  const label = `${count(muted, "problem")} muted`;
  const description = "by a setting or by unknot.config.json";
  return {
    id: `${session} muted`,
    kind: "muted",
    label,
    description,
    icon: icons.muted,
    spoken: `${label} ${description}`,
    session,
  };
}

/** One cause can have hundreds, the gravest come first. */
const mostProblems = 25;

/** What stays the same while tasks join a problem, wherever its cycle is said to begin. */
function identityOf({ resources, tasks }: Problem): string {
  return resources.length > 0
    ? `of ${[...resources].sort((one, other) => one - other).join(" ")}`
    : `with ${tasks.length === 0 ? "" : Math.min(...tasks.slice(0, mostMembers))}`;
}

function problemRow(scene: Scene, problem: Problem, id: string): Row {
  const { session } = scene;
  const words =
    problem.verdict === "deadlock"
      ? `Deadlock${problem.label === undefined ? "" : ` ${problem.label}`}: `
      : "";
  const message = `${words}${plainSentence(problem.message)}`;
  const members = problem.tasks.flatMap((task) => scene.taskById.get(task) ?? []).slice(0, mostMembers);
  const [place] = problem.at;
  const description = [
    ...(isSure(problem) ? [] : ["not certain"]),
    ...(place === undefined ? [] : [shortPlace(place)]),
  ].join(" · ");
  return {
    id,
    kind: "problem",
    label: message,
    description,
    tooltip: () => [message, ...problem.at.map(formatPlace)].join("\n"),
    icon: isSure(problem) ? icons.error : icons.warning,
    spoken: words === "" ? `problem: ${message}` : message,
    session: session.id,
    problem,
    copied: () => [message, ...problem.at.map((one) => `  ${formatPlace(one)}`)],
    ...(place === undefined ? {} : { place }),
    ...(members.length === 0
      ? {}
      : {
          open: true,
          children: () =>
            members.map((task) =>
              taskRow(scene, task, { parent: id, flagged: problem.verdict === "deadlock" }),
            ),
        }),
  };
}

/** A deadlock of thousands shows its cycle and some others; the message has the number. */
const mostMembers = 50;

function nothingFound(scene: Scene): Row {
  const { overview } = scene;
  const { total, coverage } = overview;
  const seen = coverage.instrumented.map(plain).join(", ");
  const unseen = isForeign(overview)
    ? "the dump does not say who holds what"
    : "no library of locks, queues or channels is loaded";
  const description = seen === "" ? unseen : `in ${seen}`;
  const label = total === 0 ? "No pending tasks" : `No deadlock found among ${count(total, "task")}`;
  return {
    id: `${scene.session.id} nothing`,
    kind: "problem",
    label,
    description,
    icon: icons.information,
    spoken: `${label}, ${description}`,
    session: scene.session.id,
  };
}

/** A sentence from another process on one line. */
function plainSentence(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
