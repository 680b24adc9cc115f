import type { ClientCapabilities } from "vscode-languageserver";

/** What a client starts the server with, besides the settings. */
export interface InitializationOptions {
  /** The settings of a client that can't be asked for them. */
  readonly settings?: unknown;
  /** Where the rules' pages are: a rule's id is appended. */
  readonly rulePages?: string;
  /** TypeScript's native compiler, when it is not the one that comes with the server. */
  readonly executable?: string;
  /** Without any change for so long, TypeScript's process is let go. */
  readonly idleMs?: number;
}

export interface ClientSupport {
  /** The client asks for diagnostics; otherwise they are sent. */
  readonly pull: boolean;
  readonly refresh: boolean;
  readonly configuration: boolean;
  readonly configurationChanges: boolean;
  readonly folderChanges: boolean;
  readonly watchFiles: boolean;
  /** Watchers may name a folder and a pattern below it. */
  readonly relativePatterns: boolean;
  readonly progress: boolean;
  readonly markdownHovers: boolean;
  /** Edits may name the version they are for. */
  readonly versionedEdits: boolean;
  readonly diagnostics: { readonly related: boolean; readonly link: boolean; readonly tags: boolean };
}

export function clientSupport({ textDocument, workspace, window }: ClientCapabilities): ClientSupport {
  // A client may say it once for both ways of diagnostics or for one of them.
  const shown = { ...textDocument?.publishDiagnostics, ...textDocument?.diagnostic };
  return {
    pull: textDocument?.diagnostic !== undefined,
    refresh: workspace?.diagnostics?.refreshSupport ?? false,
    configuration: workspace?.configuration ?? false,
    configurationChanges: workspace?.didChangeConfiguration?.dynamicRegistration ?? false,
    folderChanges: workspace?.workspaceFolders ?? false,
    watchFiles: workspace?.didChangeWatchedFiles?.dynamicRegistration ?? false,
    relativePatterns: workspace?.didChangeWatchedFiles?.relativePatternSupport ?? false,
    markdownHovers: textDocument?.hover?.contentFormat?.includes("markdown") ?? false,
    progress: window?.workDoneProgress ?? false,
    versionedEdits: workspace?.workspaceEdit?.documentChanges ?? false,
    diagnostics: {
      related: shown.relatedInformation ?? false,
      link: shown.codeDescriptionSupport ?? false,
      tags: shown.tagSupport !== undefined,
    },
  };
}
