import { formatDuration, plain } from "@unknot/dump/names.ts";
import * as vscode from "vscode";
import { chooseSession } from "./choose-session.ts";
import { messageText } from "./program-text.ts";
import { type Launches, liveSessions } from "./sessions/launches.ts";
import { causesOfLoss } from "./views/diagnosis/proof-row.ts";
import { baseName } from "./views/tree/session-title.ts";

/**
 * Collects the garbage of a traced program, which stands still for that, and tells which of its tasks went with it: these
 * can never go on.
 */
export async function proveLeaks(launches: Launches, wanted: string | undefined): Promise<void> {
  const session = await chooseSession(
    liveSessions(launches),
    wanted,
    "The process whose tasks are looked at",
  );
  if (!session) return;
  const name = plain(baseName(session.process.title));
  let tookMs: number;
  try {
    ({ tookMs } = await vscode.window.withProgress(
      {
        location: vscode.ProgressLocation.Notification,
        title: messageText(`Collecting the garbage of '${name}', which stands still for that`),
      },
      () => session.prove(),
    ));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    await vscode.window.showWarningMessage(
      messageText(`Of '${name}' nothing can be proved now: ${plain(why)}`),
    );
    return;
  }
  const show = "Show Diagnosis";
  const causes = causesOfLoss(session.snapshot());
  const took = `It took ${formatDuration(tookMs)}.`;
  const choice =
    causes.length === 0
      ? await vscode.window.showInformationMessage(
          messageText(
            `No task of '${name}' is proved to be lost: what each waits for is still within reach. ${took}`,
          ),
        )
      : await vscode.window.showWarningMessage(
          messageText(
            `${causes[0]?.message}${causes.length > 1 ? ` And ${causes.length - 1} more.` : ""} ${took}`,
          ),
          show,
        );
  if (choice === show) await vscode.commands.executeCommand("unknot.diagnosis.focus");
}
