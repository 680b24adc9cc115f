import { homedir } from "node:os";
import {
  type DescribedResource,
  type ResourcesParams,
  resourcesRequest,
} from "@unknot/protocol/described-resource.ts";
import type { Finding } from "@unknot/protocol/finding.ts";
import { type SeenProblems, seenNotification } from "@unknot/protocol/seen.ts";
import { type ServerStatus, statusNotification } from "@unknot/protocol/status.ts";
import {
  cancelCheckCommand,
  checkWorkspaceCommand,
  type WorkspaceSummary,
  writeBaselineCommand,
} from "@unknot/protocol/workspace-check.ts";
import {
  type CancellationToken,
  CodeActionKind,
  type Connection,
  type Diagnostic,
  DiagnosticSeverity,
  DidChangeConfigurationNotification,
  DidChangeWatchedFilesNotification,
  DocumentDiagnosticReportKind,
  FileChangeType,
  type InitializeParams,
  type InitializeResult,
  LSPErrorCodes,
  ResponseError,
  TextDocumentSyncKind,
  TextDocuments,
} from "vscode-languageserver";
import { TextDocument } from "vscode-languageserver-textdocument";
import { isDependency, isSource } from "../program/discovery.ts";
import { type FoldedNotice, foldedText, foldNotices, isConfiguration } from "../program/fold-notices.ts";
import type { FilePath, ProjectNotice } from "../program/program.ts";
import { linterFiles } from "../project/linters/linters.ts";
import { configName, defaultBaselineName } from "../project/read-config.ts";
import type { AnalysisChoices } from "../worker/channel.ts";
import {
  type AnalysisHost,
  type AnalysisHostOptions,
  type AnalysisReport,
  AnalysisUnavailable,
  startAnalysis,
} from "../worker/host.ts";
import { actionsFor, type ShownFinding } from "./actions.ts";
import { type ClientSupport, clientSupport, type InitializationOptions } from "./client-support.ts";
import { createConfirmations } from "./confirmations.ts";
import { toDiagnostic } from "./diagnostics.ts";
import { filePathOf, pathOf, sameFileKey, uriOf } from "./locations.ts";
import { savesEnergy } from "./power.ts";
import { resourceHover } from "./resource-hover.ts";
import { createScheduler } from "./scheduler.ts";
import { defaultSettings, readSettings, type Settings } from "./settings.ts";
import { checkWorkspace, createSentDiagnostics, nothingChecked } from "./workspace-check.ts";

/** A document that can be analysed. */
interface Tracked {
  readonly uri: string;
  readonly file: FilePath;
}

/** What was found in one version of a document. */
interface Found {
  readonly version: number;
  readonly shown: readonly ShownFinding[];
  /** What is wrong in what the document says to Unknot: in its tags. */
  readonly mistakes: readonly Diagnostic[];
  /** The locks, channels, queues and pools that it makes or uses. */
  readonly resources: readonly DescribedResource[];
  /** Grows with every run, so that a client need not be told the same twice. */
  readonly resultId: string;
}

/**
 * How long to wait after the last keystroke and after the first question, and without any change until TypeScript's
 * process is let go, and with it most of the memory.
 */
const paces = {
  usual: { quietMs: 150, askedMs: 0, idleMs: 5 * 60_000 },
  saving: { quietMs: 2000, askedMs: 2000, idleMs: 60_000 },
} as const;
/** The system's mode is looked at when there is work, and no more often than this. */
const powerEveryMs = 60_000;

const watchedFiles = [
  "**/*.{ts,tsx,mts,cts,js,jsx,mjs,cjs}",
  "**/{tsconfig,jsconfig}*.json",
  "**/package.json",
  "**/.gitignore",
  "**/node_modules/{.package-lock.json,.modules.yaml,.yarn-state.yml}",
  `**/{${[configName, defaultBaselineName, ...linterFiles].join(",")}}`,
  "**/.unknot/models/*.json",
];

/** Serves one client over `connection`. */
export function serve(connection: Connection): void {
  const documents = new TextDocuments(TextDocument);
  const tracked = new Map<string, Tracked>();
  const found = new Map<string, Found>();
  const told = new Set<string>();
  const settingsOf = new Map<string, Promise<Settings>>();
  let support: ClientSupport = clientSupport({});
  let options: InitializationOptions = {};
  let folders: readonly string[] = [];
  let sentSettings: unknown;
  let host: AnalysisHost | undefined;
  let memoryLimit: number | undefined;
  let opened: readonly FilePath[] = [];
  let runs = 0;
  let results = 0;
  let idle: NodeJS.Timeout | undefined;
  let status: ServerStatus = { state: "ready" };
  let checking: AbortController | undefined;
  /** Files besides sources that are watched one by one, because settings name them. */
  const watchedOnes = new Set<FilePath>();
  const send = (uri: string, diagnostics: readonly Diagnostic[]) =>
    handle(connection.sendDiagnostics({ uri, diagnostics: [...diagnostics] }));
  const elsewhere = createSentDiagnostics(send);
  const configurations = createSentDiagnostics(send);
  /** What the last check has found in files that were not open. */
  const checked = new Map<string, readonly Finding[]>();
  const confirmations = createConfirmations();

  let pace: (typeof paces)[keyof typeof paces] = paces.usual;
  let powerSeenAt = Number.NEGATIVE_INFINITY;

  const scheduler = createScheduler({
    run,
    quietMs: () => pace.quietMs,
    askedMs: () => pace.askedMs,
    eager: () => !support.pull && tracked.size > 0,
  });

  connection.onInitialize((params): InitializeResult => {
    support = clientSupport(params.capabilities);
    options = (params.initializationOptions ?? {}) as InitializationOptions;
    folders = workspaceFolders(params);
    return {
      serverInfo: { name: "unknot" },
      capabilities: {
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: false },
        hoverProvider: true,
        codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
        executeCommandProvider: {
          commands: [checkWorkspaceCommand, writeBaselineCommand, cancelCheckCommand],
        },
        workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
        ...(support.pull
          ? {
              diagnosticProvider: {
                identifier: "unknot",
                interFileDependencies: true,
                workspaceDiagnostics: false,
              },
            }
          : {}),
      },
    };
  });

  connection.onInitialized(() => {
    if (support.watchFiles) {
      const watchers = watchedFiles.map((globPattern) => ({ globPattern }));
      handle(connection.client.register(DidChangeWatchedFilesNotification.type, { watchers }));
    }
    if (support.configurationChanges) {
      const section = { section: "unknot" };
      handle(connection.client.register(DidChangeConfigurationNotification.type, section));
    }
    if (support.folderChanges) {
      connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
        const gone = new Set(removed.map(({ uri }) => uri));
        folders = [...folders.filter((uri) => !gone.has(uri)), ...added.map(({ uri }) => uri)];
        settingsOf.clear();
        outdate();
      });
    }
  });

  documents.onDidOpen(({ document }) => {
    const file = pathOf(document.uri, document.languageId, untitledFolder());
    if (file === undefined || !isSource(file) || isDependency(file)) return;
    tracked.set(document.uri, { uri: document.uri, file });
    host?.setBuffer(file, document.getText());
    scheduler.changed();
  });
  documents.onDidChangeContent(({ document }) => {
    const known = tracked.get(document.uri);
    if (known === undefined) return;
    host?.setBuffer(known.file, document.getText());
    scheduler.changed();
  });
  documents.onDidClose(({ document }) => {
    const known = tracked.get(document.uri);
    if (known === undefined) return;
    tracked.delete(document.uri);
    const last = found.get(document.uri);
    found.delete(document.uri);
    host?.closeBuffer(known.file);
    if (!support.pull) handle(connection.sendDiagnostics({ uri: document.uri, diagnostics: [] }));
    // A check of the workspace has shown the others; this is one of them now.
    if (last !== undefined && elsewhere.uris.size > 0) {
      checked.set(
        uriOf(known.file),
        last.shown.map(({ finding }) => finding),
      );
      elsewhere.set(uriOf(known.file), diagnosticsOf(last));
    }
    scheduler.changed();
  });

  connection.onDidChangeWatchedFiles(({ changes }) => {
    const open = new Set([...tracked.values()].map(({ file }) => sameFileKey(file)));
    const files = changes.flatMap(({ uri, type }) => {
      const file = filePathOf(uri);
      // Saving an open document changes nothing: its buffer counts.
      const isOwn = file !== undefined && open.has(sameFileKey(file)) && type === FileChangeType.Changed;
      return file === undefined || isOwn || !isOfInterest(file) ? [] : [file];
    });
    if (files.length === 0) return;
    // What a check has found there may be gone.
    for (const file of files) elsewhere.set(uriOf(file), []);
    host?.invalidate(files);
    outdate();
  });

  connection.onDidChangeConfiguration(({ settings }) => {
    sentSettings = settings;
    settingsOf.clear();
    powerSeenAt = Number.NEGATIVE_INFINITY;
    outdate();
  });

  connection.languages.diagnostics.on(async ({ textDocument, previousResultId }, token) => {
    const { uri } = textDocument;
    if (!tracked.has(uri)) return { kind: DocumentDiagnosticReportKind.Full, items: [] };
    await settled(token);
    const result = found.get(uri);
    if (result === undefined) return { kind: DocumentDiagnosticReportKind.Full, items: [] };
    // What a check has shown there stays until this answer takes its place.
    setImmediate(() => takeOver(uri));
    const { resultId } = result;
    if (resultId === previousResultId) return { kind: DocumentDiagnosticReportKind.Unchanged, resultId };
    return { kind: DocumentDiagnosticReportKind.Full, resultId, items: diagnosticsOf(result) };
  });

  connection.onHover(({ textDocument, position }) => {
    const { uri } = textDocument;
    const known = tracked.get(uri);
    const result = found.get(uri);
    // What was known of another text would stand in the wrong places.
    if (known === undefined || result?.version !== documents.get(uri)?.version) return null;
    const context = { file: known.file, position, markdown: support.markdownHovers, uriOf: clientUri };
    return resourceHover(result?.resources ?? [], context) ?? null;
  });

  connection.onRequest(resourcesRequest, async ({ textDocument }: ResourcesParams, token) => {
    if (!tracked.has(textDocument.uri)) return [];
    await settled(token);
    return found.get(textDocument.uri)?.resources ?? [];
  });

  connection.onCodeAction(({ textDocument, range, context }) => {
    const document = documents.get(textDocument.uri);
    const result = found.get(textDocument.uri);
    // Edits for another version would go to the wrong places.
    if (document === undefined || result?.version !== document.version) return [];
    if (
      context.only !== undefined &&
      !context.only.some((kind) => CodeActionKind.QuickFix.startsWith(kind))
    ) {
      return [];
    }
    return [
      ...actionsFor(result.shown, range, {
        text: document.getText(),
        uriOf: clientUri,
        versionOf: (uri) => documents.get(uri)?.version,
        versioned: support.versionedEdits,
      }),
    ];
  });

  connection.onNotification(seenNotification, ({ problems }: SeenProblems) => {
    confirmations.replace(problems);
    showAnew();
  });

  connection.onExecuteCommand(async ({ command }): Promise<WorkspaceSummary | null> => {
    switch (command) {
      case checkWorkspaceCommand:
        return checkFolders("apply");
      case writeBaselineCommand:
        return checkFolders("write");
      case cancelCheckCommand:
        checking?.abort(new Error("The check was cancelled."));
        return null;
      default:
        throw new ResponseError(LSPErrorCodes.RequestFailed, `There is no command '${command}'.`);
    }
  });

  connection.onShutdown(async () => {
    clearTimeout(idle);
    checking?.abort(new Error("The server ends."));
    scheduler.dispose();
    await host?.dispose();
  });

  documents.listen(connection);
  connection.listen();

  /** Resolves when what is found is about the documents as they are. */
  async function settled(token: CancellationToken): Promise<void> {
    const controller = new AbortController();
    const cancel = () => controller.abort(new Error("The client has cancelled."));
    if (token.isCancellationRequested) cancel();
    else token.onCancellationRequested(cancel);
    try {
      await scheduler.settled(controller.signal);
    } catch (error) {
      if (controller.signal.aborted)
        throw new ResponseError(LSPErrorCodes.RequestCancelled, messageOf(error));
      // What was shown before stays.
      throw new ResponseError(LSPErrorCodes.ServerCancelled, messageOf(error), { retriggerRequest: false });
    }
  }

  /** One run of the analysis over the open documents. Ends early, without results, when they change meanwhile. */
  async function run(signal: AbortSignal): Promise<void> {
    clearTimeout(idle);
    const versions = new Map([...tracked.keys()].map((uri) => [uri, documents.get(uri)?.version ?? 0]));
    const wanted = await Promise.all(
      [...tracked.values()].map(async (one) => ({ ...one, settings: await settingsFor(one.uri) })),
    );
    const enabled = wanted.filter(({ settings }) => settings.enable);
    if (enabled.length === 0 && host === undefined) return;
    const running = await hostFor(enabled.map(({ file }) => file));
    signal.throwIfAborted();
    const next = new Map<string, readonly ShownFinding[]>();
    setStatus({ state: "busy" });
    const progress = runs === 0 && enabled.length > 0 ? await startProgress() : undefined;
    runs += 1;
    const notices: ProjectNotice[] = [];
    const resources = new Map<string, readonly DescribedResource[]>();
    let mistakes: ReadonlyMap<string, readonly Diagnostic[]> = new Map();
    try {
      for (const group of groups(enabled)) {
        const report = await running.analyze({
          files: group.files,
          options: { ...choicesOf(group.settings, group.root), describe: true },
          signal,
          ...(progress === undefined ? {} : { onProgress: progress.report }),
        });
        collect(report, next);
        for (const [file, own] of report.resources) resources.set(sameFileKey(file), own);
        tell(report);
        notices.push(...report.notices);
        watchOthers(report.read);
      }
      mistakes = noticesByFile(notices);
      const open = new Set([...tracked.values()].map(({ file }) => uriOf(file)));
      configurations.replace(new Map([...mistakes].filter(([uri]) => !open.has(uri))));
    } catch (error) {
      if (!signal.aborted) fail(error);
      throw error;
    } finally {
      progress?.done();
    }
    signal.throwIfAborted();
    for (const { uri, file } of wanted) {
      const now = { shown: next.get(uri) ?? [], mistakes: mistakes.get(uriOf(file)) ?? [] };
      const before = found.get(uri);
      const same =
        before !== undefined &&
        JSON.stringify([before.shown, before.mistakes]) === JSON.stringify([now.shown, now.mistakes]);
      const version = versions.get(uri) ?? 0;
      const own = resources.get(sameFileKey(file)) ?? [];
      found.set(uri, { version, ...now, resources: own, resultId: same ? before.resultId : nextResultId() });
      if (!support.pull) push(uri);
    }
    idle = setTimeout(() => handle(host?.rest()), options.idleMs ?? pace.idleMs);
    idle.unref();
    handle(lookAtPower());
  }

  /** Whoever saves energy waits longer for findings. */
  async function lookAtPower(): Promise<void> {
    if (performance.now() - powerSeenAt < powerEveryMs) return;
    powerSeenAt = performance.now();
    const { saveEnergy } = await settingsFor(undefined);
    const saves = saveEnergy === "auto" ? await savesEnergy() : saveEnergy === "always";
    pace = saves ? paces.saving : paces.usual;
  }

  /** Sends what was found in a document to a client that does not ask. */
  function push(uri: string): void {
    const result = found.get(uri);
    if (result === undefined) return;
    const { version } = result;
    handle(connection.sendDiagnostics({ uri, version, diagnostics: diagnosticsOf(result) }));
    takeOver(uri);
  }

  /** An open document shows its own findings; those of a check of the workspace go. */
  function takeOver(uri: string): void {
    const known = tracked.get(uri);
    if (known === undefined) return;
    const own = uriOf(known.file);
    // What was sent for the same document is replaced already.
    if (!support.pull && own === uri) elsewhere.forget(own);
    else elsewhere.set(own, []);
  }

  /** The same findings, with what is known now of what programs have done. */
  function showAnew(): void {
    let changed = false;
    for (const [uri, before] of found) {
      const diagnostics = diagnosticsFor(before.shown.map(({ finding }) => finding));
      const shown = before.shown.map((one, index) => ({
        ...one,
        diagnostic: diagnostics[index] ?? one.diagnostic,
      }));
      if (JSON.stringify(shown) === JSON.stringify(before.shown)) continue;
      changed = true;
      found.set(uri, { ...before, shown, resultId: nextResultId() });
      if (!support.pull) push(uri);
    }
    for (const uri of [...elsewhere.uris]) {
      const findings = checked.get(uri);
      if (findings !== undefined) elsewhere.set(uri, diagnosticsFor(findings));
    }
    if (changed && support.refresh) handle(connection.languages.diagnostics.refresh());
  }

  function nextResultId(): string {
    results += 1;
    return `${results}`;
  }

  /** The host, with these files open. Starts one when there is none with the memory that is allowed now. */
  async function hostFor(files: readonly FilePath[]): Promise<AnalysisHost> {
    const { maxMemoryMb } = await settingsFor(undefined);
    if (host !== undefined && maxMemoryMb !== memoryLimit) {
      handle(host.dispose());
      host = undefined;
    }
    if (host === undefined) {
      memoryLimit = maxMemoryMb;
      host = startAnalysis({ ...hostOptions(maxMemoryMb), keepsSolution: true });
      opened = [];
      for (const { uri, file } of tracked.values()) {
        const text = documents.get(uri)?.getText();
        if (text !== undefined) host.setBuffer(file, text);
      }
    }
    if (files.join("\n") !== opened.join("\n")) host.open(files);
    opened = files;
    return host;
  }

  function hostOptions(maxMemoryMb: number | undefined): AnalysisHostOptions {
    return {
      ...(options.executable === undefined ? {} : { executable: options.executable }),
      ...(maxMemoryMb === undefined ? {} : { maxMemoryMb }),
      onTrouble(message, trouble) {
        connection.console.warn(message);
        if (trouble === "memory")
          once("memory", () => connection.window.showWarningMessage(`Unknot: ${message}`));
      },
    };
  }

  /** Looks at all folders, and shows what is found in files that are not open. A check under way is given up. */
  async function checkFolders(mode: "apply" | "write"): Promise<WorkspaceSummary> {
    checking?.abort(new Error("Another check begins."));
    const controller = new AbortController();
    checking = controller;
    const settings = await Promise.all(
      folders.map(async (uri) => ({ folder: filePathOf(uri), settings: await settingsFor(uri) })),
    );
    const progress = await startProgress("Checking the workspace", () =>
      controller.abort(new Error("The check was cancelled.")),
    );
    const { maxMemoryMb } = await settingsFor(undefined);
    try {
      const { reports, written } = await checkWorkspace(hostOptions(maxMemoryMb), {
        mode,
        folders: settings.flatMap(({ folder, settings: own }) =>
          folder !== undefined && own.enable ? [{ folder, options: choicesOf(own, folder) }] : [],
        ),
        buffers: new Map(
          [...tracked.values()].map(({ uri, file }) => [file, documents.get(uri)?.getText() ?? ""]),
        ),
        signal: controller.signal,
        onProgress: (done, total) => progress?.report(done, total),
      });
      for (const report of reports) tell(report);
      const open = new Set([...tracked.values()].map(({ file }) => sameFileKey(file)));
      const shown = new Map<string, Finding[]>();
      // What is written down is shown no more.
      for (const finding of mode === "write" ? [] : reports.flatMap(({ findings }) => findings)) {
        const { file } = finding.at;
        if (finding.severity === "hint" || open.has(sameFileKey(file))) continue;
        const uri = uriOf(file);
        shown.set(uri, [...(shown.get(uri) ?? []), finding]);
      }
      checked.clear();
      for (const [uri, findings] of shown) checked.set(uri, findings);
      elsewhere.replace(new Map([...shown].map(([uri, findings]) => [uri, diagnosticsFor(findings)])));
      if (written.length > 0) {
        host?.invalidate(written);
        outdate();
      }
      return {
        complete: true,
        files: reports.reduce((sum, { files }) => sum + files.length, 0),
        elsewhere: { findings: [...shown.values()].flat().length, files: shown.size },
        baselined: reports.flatMap(({ baselines }) => baselines).reduce((sum, { known }) => sum + known, 0),
        written,
      };
    } catch (error) {
      if (controller.signal.aborted) return nothingChecked;
      throw new ResponseError(LSPErrorCodes.RequestFailed, messageOf(error));
    } finally {
      progress?.done();
      if (checking === controller) checking = undefined;
    }
  }

  function choicesOf(settings: Settings, root: FilePath | undefined): AnalysisChoices {
    return {
      severities: settings.rules,
      models: settings.models,
      ...(settings.deferToLinter === undefined ? {} : { deferToLinter: settings.deferToLinter }),
      ...(root === undefined ? {} : { root }),
    };
  }

  /** Configurations by other names than the usual ones. */
  function watchOthers(files: readonly FilePath[]): void {
    if (!support.watchFiles || !support.relativePatterns) return;
    const usual = new RegExp(`(?:/${configName}|/${defaultBaselineName}|/\\.unknot/models/[^/]+\\.json)$`);
    const fresh = files.filter((file) => !usual.test(file) && !watchedOnes.has(file));
    if (fresh.length === 0) return;
    for (const file of fresh) watchedOnes.add(file);
    const watchers = fresh.map((file) => {
      const slash = file.lastIndexOf("/");
      return { globPattern: { baseUri: uriOf(file.slice(0, slash)), pattern: file.slice(slash + 1) } };
    });
    handle(connection.client.register(DidChangeWatchedFilesNotification.type, { watchers }));
  }

  /** As the client shows them; they are all that their files have. */
  function diagnosticsFor(findings: readonly Finding[]): readonly Diagnostic[] {
    const context = {
      uriOf: clientUri,
      supports: support.diagnostics,
      ...(options.rulePages === undefined ? {} : { rulePages: options.rulePages }),
    };
    const seen = confirmations.among(findings);
    return findings.map((finding) => toDiagnostic(finding, context, seen.get(finding)));
  }

  function collect(report: AnalysisReport, into: Map<string, readonly ShownFinding[]>): void {
    const uris = new Map([...tracked.values()].map(({ uri, file }) => [sameFileKey(file), uri]));
    const diagnostics = diagnosticsFor(report.findings);
    for (const [index, finding] of report.findings.entries()) {
      const uri = uris.get(sameFileKey(finding.at.file));
      const diagnostic = diagnostics[index];
      if (uri === undefined || diagnostic === undefined) continue;
      const commentable = report.commentable[index] ?? false;
      into.set(uri, [...(into.get(uri) ?? []), { finding, diagnostic, commentable }]);
    }
  }

  /** Says once what can't be read and what went wrong. */
  function tell(report: AnalysisReport): void {
    for (const folded of foldNotices(report.notices)) once(folded.key, () => tellNotice(folded));
    for (const { file, rule, message } of report.failures) {
      once(`${file}\n${rule}\n${message}`, () =>
        connection.console.error(`The rule '${rule}' failed on '${file}': ${message}`),
      );
    }
    const serious = report.notices.find(
      ({ severity, file }) => severity === "warning" && isConfiguration(file),
    );
    setStatus(serious === undefined ? { state: "ready" } : { state: "limited", message: serious.message });
  }

  function tellNotice(folded: FoldedNotice<ProjectNotice>): void {
    const { file, severity, at } = folded.notice;
    const message = foldedText(folded);
    // It is shown where it belongs.
    if (at !== undefined) connection.console.warn(`${file}:${at.line}:${at.column}: ${message}`);
    else if (severity === "information") connection.console.info(`${message} (${file})`);
    else if (isConfiguration(file)) connection.window.showWarningMessage(`Unknot: ${message}`);
    else connection.console.warn(`${message} (${file})`);
  }

  function fail(error: unknown): void {
    const message = messageOf(error);
    setStatus({ state: "stopped", message });
    once(message, () => {
      connection.console.error(error instanceof Error ? (error.stack ?? message) : message);
      if (error instanceof AnalysisUnavailable) {
        connection.window.showErrorMessage(`Unknot: ${message}`);
      }
    });
  }

  function once(key: string, act: () => void): void {
    if (told.has(key)) return;
    told.add(key);
    act();
  }

  function setStatus(next: ServerStatus): void {
    if (next.state === status.state && next.message === status.message) return;
    status = next;
    handle(connection.sendNotification(statusNotification, next));
  }

  /** `onCancel` makes it one that the user can end. */
  async function startProgress(message = "Opening the project", onCancel?: () => void) {
    if (!support.progress) return undefined;
    const progress = await connection.window.createWorkDoneProgress();
    progress.begin("Unknot", 0, message, onCancel !== undefined);
    if (onCancel !== undefined) progress.token.onCancellationRequested(onCancel);
    return {
      report: (done: number, total: number) =>
        progress.report(Math.floor((100 * done) / total), `${done} of ${total} files`),
      done: () => progress.done(),
    };
  }

  /** Something besides the documents changed: the client has to ask again. */
  function outdate(): void {
    scheduler.changed();
    if (support.refresh) handle(connection.languages.diagnostics.refresh());
  }

  async function settingsFor(uri: string | undefined): Promise<Settings> {
    const scope = uri === undefined ? undefined : (folderOf(uri) ?? uri);
    const key = scope ?? "";
    const known = settingsOf.get(key) ?? askSettings(scope);
    settingsOf.set(key, known);
    return known;
  }

  async function askSettings(scopeUri: string | undefined): Promise<Settings> {
    if (!support.configuration) {
      const sent = (sentSettings ?? options.settings) as { readonly unknot?: unknown } | undefined;
      return sent === undefined ? defaultSettings : readSettings(sent.unknot ?? sent);
    }
    const item = { section: "unknot", ...(scopeUri === undefined ? {} : { scopeUri }) };
    try {
      return readSettings(await connection.workspace.getConfiguration(item));
    } catch {
      return defaultSettings;
    }
  }

  /** Documents that are analysed with the same settings. */
  function groups(documentsOf: readonly (Tracked & { readonly settings: Settings })[]) {
    const byKey = new Map<string, { files: FilePath[]; settings: Settings; root: FilePath | undefined }>();
    for (const { uri, file, settings } of documentsOf) {
      const folder = folderOf(uri);
      const key = JSON.stringify([folder, settings]);
      const group = byKey.get(key) ?? { files: [], settings, root: folder && filePathOf(folder) };
      group.files.push(file);
      byKey.set(key, group);
    }
    return byKey.values();
  }

  /** The innermost workspace folder around a document. */
  function folderOf(uri: string): string | undefined {
    return folders
      .filter((folder) => uri.startsWith(folder.endsWith("/") ? folder : `${folder}/`))
      .toSorted((a, b) => b.length - a.length)[0];
  }

  function untitledFolder(): FilePath {
    const [first] = folders;
    return (first === undefined ? undefined : filePathOf(first)) ?? homedir().replaceAll("\\", "/");
  }

  function clientUri(file: FilePath): string {
    const open = [...tracked.values()].find((one) => sameFileKey(one.file) === sameFileKey(file));
    return open?.uri ?? uriOf(file);
  }

  /** Failures of messages to the client end here: it is gone or does not know them. */
  function handle(sent: Promise<unknown> | undefined): void {
    sent?.catch((error: unknown) => connection.console.debug(messageOf(error)));
  }
}

function diagnosticsOf({ shown, mistakes }: Pick<Found, "shown" | "mistakes">): Diagnostic[] {
  return [...shown.map(({ diagnostic }) => diagnostic), ...mistakes];
}

/** What is wrong in configurations and tags, for their own documents. */
function noticesByFile(notices: readonly ProjectNotice[]): ReadonlyMap<string, readonly Diagnostic[]> {
  const byFile = new Map<string, Diagnostic[]>();
  for (const { file, message, at } of notices) {
    if (at === undefined) continue;
    const start = { line: at.line - 1, character: at.column - 1 };
    const end = { line: start.line, character: start.character + 1 };
    const diagnostic = {
      range: { start, end },
      severity: DiagnosticSeverity.Warning,
      source: "unknot",
      message,
    };
    byFile.set(uriOf(file), [...(byFile.get(uriOf(file)) ?? []), diagnostic]);
  }
  return byFile;
}

function workspaceFolders(params: InitializeParams): readonly string[] {
  if (params.workspaceFolders) return params.workspaceFolders.map(({ uri }) => uri);
  return params.rootUri ? [params.rootUri] : [];
}

/** Of dependencies only the marks that a package manager leaves. */
function isOfInterest(file: FilePath): boolean {
  return !isDependency(file) || /\/node_modules\/\.[^/]+$/.test(file);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
