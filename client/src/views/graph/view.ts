import { randomBytes } from "node:crypto";
import { grouped } from "@unknot/dump/names.ts";
import * as vscode from "vscode";
import { openPlace } from "../../places.ts";
import { timeOf } from "../tree/clock-time.ts";
import { titleOf } from "../tree/session-title.ts";
import type { ViewContext } from "../view-context.ts";
import { readMessage, type Subject, type Tab, type ToPage } from "./messages.ts";
import { pageHtml } from "./page-html.ts";
import { pictureOf } from "./picture.ts";

const viewType = "unknot.graph";

/** Faster than this nobody reads. */
const drawEveryMs = 500;
/** More frames can neither be drawn in time nor read. */
const mostFrames = 1500;

/** Registers the commands that show the wait-for graph and the stacks, in one page beside the editor. */
export function register({ launches, query, extension }: ViewContext): vscode.Disposable {
  let page: Page | undefined;
  const show = (tab: Tab, session?: string) => {
    page ??= createPage();
    page.show(tab, session);
  };

  interface Page {
    show(tab: Tab, session: string | undefined): void;
    readonly panel: vscode.WebviewPanel;
  }

  const createPage = (): Page => {
    const folder = vscode.Uri.joinPath(extension, "dist", "extension", "page");
    const panel = vscode.window.createWebviewPanel(viewType, "Wait-For Graph", vscode.ViewColumn.Beside, {
      enableScripts: true,
      enableCommandUris: false,
      enableForms: false,
      localResourceRoots: [folder],
    });
    panel.webview.html = htmlOf(panel.webview, folder);
    let tab: Tab = "graph";
    let chosen: string | undefined;
    let ready = false;

    const send = async () => {
      if (!ready || !panel.visible) return;
      const sessions = launches
        .list()
        .flatMap((launch) => launch.sessions)
        .filter(({ overview }) => overview);
      if (!sessions.some(({ id }) => id === chosen)) chosen = sessions[0]?.id;
      const { filter } = query.current;
      const stacks =
        tab === "stacks" && chosen !== undefined
          ? await launches.session(chosen)?.ask("stacks", { filter, most: mostFrames })
          : undefined;
      const subjects = sessions.map((session): Subject => {
        const { overview } = session;
        const shown = session.id === chosen;
        return {
          session: session.id,
          title: titleOf(session),
          asOf: `${grouped(overview?.total ?? 0)} tasks at ${timeOf(overview?.capturedAt ?? 0)}`,
          tasks: overview?.total ?? 0,
          picture: shown ? pictureOf(session) : { vertices: [], edges: [], sentences: [], leftOut: [] },
          ...(shown && stacks ? { stacks } : {}),
        };
      });
      const message: ToPage = { kind: "show", tab, subjects, chosen, filter };
      await panel.webview.postMessage(message);
    };
    let timer: NodeJS.Timeout | undefined;
    const sendSoon = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void send();
      }, drawEveryMs);
    };
    const look = () => {
      launches.watch("graph", panel.visible);
      sendSoon();
    };
    const setTab = (next: Tab) => {
      tab = next;
      panel.title = tab === "graph" ? "Wait-For Graph" : "Stacks of Tasks";
      void send();
    };
    const parts = vscode.Disposable.from(
      launches.onChange(sendSoon),
      query.onChange(sendSoon),
      panel.onDidChangeViewState(look),
      panel.webview.onDidReceiveMessage((value: unknown) => {
        const message = readMessage(value);
        switch (message?.kind) {
          case "ready":
            ready = true;
            void send();
            break;
          case "tab":
            setTab(message.tab);
            break;
          case "choose":
            chosen = message.session;
            void send();
            break;
          case "open":
            // Beside the page, which is not to be covered.
            void openPlace(
              message,
              panel.viewColumn === vscode.ViewColumn.One ? vscode.ViewColumn.Beside : vscode.ViewColumn.One,
            );
            break;
        }
      }),
    );
    panel.onDidDispose(() => {
      clearTimeout(timer);
      launches.watch("graph", false);
      parts.dispose();
      page = undefined;
    });
    look();
    return {
      panel,
      show(next, session) {
        chosen = session ?? chosen;
        panel.reveal(undefined, false);
        setTab(next);
      },
    };
  };

  const sessionOf = (row: unknown) =>
    typeof row === "object" && row !== null && "session" in row && typeof row.session === "string"
      ? row.session
      : undefined;
  return vscode.Disposable.from(
    { dispose: () => page?.panel.dispose() },
    vscode.commands.registerCommand("unknot.showGraph", (row: unknown) => show("graph", sessionOf(row))),
    vscode.commands.registerCommand("unknot.showStacks", (row: unknown) => show("stacks", sessionOf(row))),
  );
}

function htmlOf(webview: vscode.Webview, folder: vscode.Uri): string {
  return pageHtml({
    script: String(webview.asWebviewUri(vscode.Uri.joinPath(folder, "graph.js"))),
    style: String(webview.asWebviewUri(vscode.Uri.joinPath(folder, "page.css"))),
    styleSource: webview.cspSource,
    nonce: randomBytes(18).toString("base64url"),
  });
}
