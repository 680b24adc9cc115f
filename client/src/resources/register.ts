import type { DescribedResource } from "@unknot/protocol/described-resource.ts";
import type { Span } from "@unknot/protocol/place.ts";
import * as vscode from "vscode";
import { isAnalyzed, languages } from "../language/languages.ts";
import { uriOf } from "../places.ts";
import type { Launches } from "../sessions/launches.ts";
import { lensSettingOf, lensText } from "./lens-texts.ts";
import { liveLines, liveResourcesAt, waitingText } from "./live-resources.ts";

/** Asks the language server for the resources of a document; undefined when it can't say. */
export type AskResources = (
  document: vscode.TextDocument,
  token: vscode.CancellationToken,
) => Promise<readonly DescribedResource[] | undefined>;

type Resources = (
  document: vscode.TextDocument,
  token: vscode.CancellationToken,
) => Promise<readonly DescribedResource[]>;

const drawEveryMs = 500;

const none = new vscode.CancellationTokenSource().token;

/**
 * Lenses above locks, channels, queues and pools, what running programs do with one in its hover, and *Show Channel
 * Peers*. What is known from the source alone is in the language server's own hover.
 */
export function registerResources(
  launches: Launches,
  ask: AskResources,
  onAnalyzed: vscode.Event<void>,
): vscode.Disposable {
  const selector = languages.map((language) => ({ scheme: "file", language }));
  const changed = new vscode.EventEmitter<void>();
  // A running program changes every second: only the analysis changes what the source says.
  let known = new Map<vscode.TextDocument, { version: number; resources: readonly DescribedResource[] }>();
  const resourcesOf: Resources = async (document, token) => {
    const { version } = document;
    const before = known.get(document);
    if (before?.version === version) return before.resources;
    const resources = await ask(document, token);
    if (resources) known.set(document, { version, resources });
    return resources ?? [];
  };
  let timer: NodeJS.Timeout | undefined;
  const changeSoon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      changed.fire();
    }, drawEveryMs);
  };
  const watchOrNot = () => {
    const shows = (editor: vscode.TextEditor) =>
      isAnalyzed(editor.document.languageId) && isOn("waiting", editor.document);
    launches.watch("lenses", vscode.window.visibleTextEditors.some(shows));
  };
  watchOrNot();
  return vscode.Disposable.from(
    changed,
    { dispose: () => clearTimeout(timer) },
    launches.onChange(changeSoon),
    onAnalyzed(() => {
      known = new Map();
      changeSoon();
    }),
    vscode.workspace.onDidCloseTextDocument((document) => known.delete(document)),
    vscode.window.onDidChangeVisibleTextEditors(watchOrNot),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (!event.affectsConfiguration("unknot.codeLens")) return;
      watchOrNot();
      changed.fire();
    }),
    vscode.languages.registerCodeLensProvider(selector, {
      onDidChangeCodeLenses: changed.event,
      async provideCodeLenses(document, token) {
        const resources = await resourcesOf(document, token);
        return resources.flatMap((resource) => lensesOf(launches, document, resource));
      },
    }),
    vscode.languages.registerHoverProvider(selector, {
      async provideHover(document, position, token) {
        if (!launches.list().some(({ sessions }) => sessions.some(({ state }) => state.kind === "live")))
          return;
        const resource = resourceAt(await resourcesOf(document, token), document, position);
        return resource && liveHover(launches, resource);
      },
    }),
    vscode.commands.registerTextEditorCommand("unknot.showChannelPeers", (editor, _edit, wanted?: unknown) =>
      showPeers(
        editor,
        isPosition(wanted) ? new vscode.Position(wanted.line, wanted.character) : undefined,
        resourcesOf,
      ),
    ),
  );
}

function isOn(lens: string, document: vscode.TextDocument): boolean {
  return vscode.workspace.getConfiguration("unknot.codeLens", document.uri).get(lens, true);
}

function lensesOf(
  launches: Launches,
  document: vscode.TextDocument,
  resource: DescribedResource,
): readonly vscode.CodeLens[] {
  const at = rangeIn(document, resource.created);
  if (!at) return [];
  const { line, character } = at.start;
  const lens = (title: string, command: string, ...args: readonly unknown[]) =>
    new vscode.CodeLens(at, { title, command, arguments: [...args] });
  const live = isOn("waiting", document)
    ? waitingText(liveResourcesAt(launches.list(), resource.made))
    : undefined;
  return [
    ...(isOn(lensSettingOf(resource), document)
      ? [lens(lensText(resource), "unknot.showChannelPeers", { line, character })]
      : []),
    ...(live === undefined ? [] : [lens(`$(watch) ${live}`, "unknot.tasks.focus")]),
  ];
}

function liveHover(launches: Launches, resource: DescribedResource): vscode.Hover | undefined {
  const live = liveResourcesAt(launches.list(), resource.made);
  if (live.length === 0) return undefined;
  const text = new vscode.MarkdownString();
  for (const [index, one] of live.slice(0, 5).entries()) {
    const number = live.length === 1 ? "" : ` (${index + 1} of ${live.length})`;
    // Names of the program are in it, and are text.
    text.appendText(`In the running program${number}: ${liveLines(one).join("; ")}`);
    text.appendMarkdown("\n\n");
  }
  return new vscode.Hover(text);
}

/** Shows where a channel is sent to, received from and closed; of a lock where it is acquired and released. */
async function showPeers(
  editor: vscode.TextEditor,
  wanted: vscode.Position | undefined,
  resourcesOf: Resources,
): Promise<void> {
  const { document } = editor;
  const position = wanted ?? editor.selection.active;
  const resources = await resourcesOf(document, none);
  const resource = resourceAt(resources, document, position) ?? (await choose(resources));
  if (resource === undefined) return;
  const locations = [resource.created, ...resource.uses.map(({ at }) => at)].flatMap((span) => {
    const uri = uriOf(span);
    return uri ? [new vscode.Location(uri, rangeOf(span))] : [];
  });
  await vscode.commands.executeCommand(
    "editor.action.peekLocations",
    document.uri,
    position,
    locations,
    "peek",
  );
}

async function choose(resources: readonly DescribedResource[]): Promise<DescribedResource | undefined> {
  if (resources.length === 0) {
    await vscode.window.showInformationMessage("No lock, channel, queue or pool is known in this file.");
    return undefined;
  }
  const picked = await vscode.window.showQuickPick(
    resources.map((resource) => ({
      // Quick picks turn `$(name)` into an icon.
      label: resource.name.replaceAll("$(", "$ ("),
      description: `${resource.kind}: ${lensText(resource).replaceAll("$(", "$ (")}`,
      resource,
    })),
    { placeHolder: "The channel or lock" },
  );
  return picked?.resource;
}

function resourceAt(
  resources: readonly DescribedResource[],
  document: vscode.TextDocument,
  position: vscode.Position,
): DescribedResource | undefined {
  return resources.find(({ created, uses }) =>
    [created, ...uses.map(({ at }) => at)].some((span) => rangeIn(document, span)?.contains(position)),
  );
}

/** The range of a span that is of this document. */
function rangeIn(document: vscode.TextDocument, span: Span): vscode.Range | undefined {
  return uriOf(span)?.toString() === document.uri.toString() ? rangeOf(span) : undefined;
}

function rangeOf({ line, column, endLine, endColumn }: Span): vscode.Range {
  return new vscode.Range(line - 1, column - 1, endLine - 1, endColumn - 1);
}

function isPosition(value: unknown): value is { readonly line: number; readonly character: number } {
  return (
    typeof value === "object" &&
    value !== null &&
    "line" in value &&
    "character" in value &&
    typeof value.line === "number" &&
    typeof value.character === "number"
  );
}
