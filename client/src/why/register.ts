import { setTimeout as sleep } from "node:timers/promises";
import { plain } from "@unknot/dump/names.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import * as vscode from "vscode";
import { chooseSession } from "../choose-session.ts";
import type { Debugging } from "../debugging/provider.ts";
import { runFileTraced } from "../debugging/run-file.ts";
import { startAgainTraced } from "../debugging/start-again.ts";
import { openPlace } from "../places.ts";
import { messageText } from "../program-text.ts";
import { type Launches, liveSessions } from "../sessions/launches.ts";
import type { Session } from "../sessions/session.ts";
import { type Reason, reasonsIn, signatureOf, summaryOf } from "./keeps-alive.ts";

/** Has the tracer watch what is opened, which costs a stack for each timer and socket. */
const watched = { UNKNOT_TESTS: "1" };

/** A program in which nothing has changed for so long is at rest. */
const restMs = 5000;
const lookEveryMs = 500;
const connectMs = 5000;

/**
 * *Why Doesn't It Exit?*: what is open in a traced program that runs, and which of its tasks have not ended; without
 * one, the file of the editor is started for it. Each answer leads to its line.
 */
export function registerWhy(launches: Launches, debugging: Debugging): vscode.Disposable {
  return vscode.commands.registerCommand("unknot.why", async (row?: { readonly session?: string }) => {
    const live = await connectedSessions(launches);
    const session =
      live.length > 0
        ? await chooseSession(live, row?.session, "The process that does not exit")
        : await startFile(launches);
    if (session) await answer(launches, debugging, session);
  });
}

/** The sessions that can be asked; a program that has just been started is given the time to register. */
async function connectedSessions(launches: Launches): Promise<readonly Session[]> {
  const end = performance.now() + connectMs;
  const mayCome = () => {
    const begun = launches.list().filter(({ running }) => running);
    // One that has only just begun is not among them yet.
    if (begun.length === 0) return vscode.debug.activeDebugSession !== undefined;
    return begun.some(({ overdue, untraced }) => !overdue && !untraced);
  };
  while (liveSessions(launches).length === 0 && mayCome() && performance.now() < end)
    await sleep(lookEveryMs);
  return liveSessions(launches);
}

async function answer(launches: Launches, debugging: Debugging, session: Session): Promise<void> {
  const name = plain(session.process.title.slice(session.process.title.lastIndexOf("/") + 1));
  let dump: Dump;
  try {
    dump = await session.dump("panel");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    await vscode.window.showErrorMessage(messageText(`'${name}' can't be asked: ${plain(why)}`));
    return;
  }
  const reasons = reasonsIn(dump);
  const again: Item = {
    label: "$(debug-restart) Start again and watch what is opened",
    detail: "Timers, servers and sockets are seen only when watched from the start.",
  };
  const chosen = await vscode.window.showQuickPick(
    [...(dump.handles === undefined ? [again] : []), ...reasons.map(itemOf)],
    {
      placeHolder: `'${name}' has not exited: ${summaryOf(reasons, dump.handles !== undefined)}`,
      matchOnDetail: true,
    },
  );
  if (chosen?.place) await openPlace(chosen.place);
  if (chosen !== again) return;
  const launch = launches.list().find(({ sessions }) => sessions.some(({ id }) => id === session.id));
  const debugged = launch && debugging.sessionOf(launch.id);
  if (!debugged) {
    await vscode.window.showInformationMessage(
      messageText(`'${name}' was not started here: start it with UNKNOT_TESTS=1 in its environment.`),
    );
    return;
  }
  const next = await restedSession(
    launches,
    () => startAgainTraced(debugged, watched),
    session.process.title,
  );
  if (next) await answer(launches, debugging, next);
}

interface Item extends vscode.QuickPickItem {
  readonly place?: Reason["place"];
}

function itemOf({ kind, what, since, place }: Reason): Item {
  // Quick picks turn `$(name)` into an icon.
  const text = (of: string) => of.replaceAll("$(", "$ (");
  return {
    label: `$(${kind === "handle" ? "plug" : "clock"}) ${text(what)}`,
    detail: text(since),
    ...(place === undefined ? {} : { place }),
  };
}

async function startFile(launches: Launches): Promise<Session | undefined> {
  return restedSession(launches, () => runFileTraced(undefined, watched));
}

/**
 * What a start brings, once nothing changes in it any more: of several processes the one of this title, if it is there.
 * Undefined when it has ended or the user gave up.
 */
async function restedSession(
  launches: Launches,
  start: () => Promise<unknown>,
  title?: string,
): Promise<Session | undefined> {
  const before = new Set(launches.list().map(({ id }) => id));
  if ((await start()) === false) return undefined;
  return vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: "Unknot: waiting until nothing changes in the program any more",
      cancellable: true,
    },
    async (_, token) => {
      let last: { readonly signature: string; readonly sinceMs: number } | undefined;
      while (!token.isCancellationRequested) {
        const now = performance.now();
        const begun = launches.list().filter(({ id }) => !before.has(id));
        const live = begun.flatMap(({ sessions }) => sessions.filter(({ state }) => state.kind === "live"));
        const chosen = live.find(({ process }) => process.title === title) ?? live[0];
        if (!chosen && begun.some(({ running }) => !running)) {
          void vscode.window.showInformationMessage("The program has exited by itself.");
          return undefined;
        }
        const session = chosen && launches.session(chosen.id);
        const dump = await session?.dump("panel").catch(() => undefined);
        const signature = dump && `${chosen?.id} ${signatureOf(dump)}`;
        if (signature !== undefined && signature === last?.signature) {
          if (now - last.sinceMs >= restMs) return session;
        } else last = signature === undefined ? undefined : { signature, sinceMs: now };
        await sleep(lookEveryMs);
      }
      return undefined;
    },
  );
}
