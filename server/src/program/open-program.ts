import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { SourceFile } from "typescript/unstable/ast";
import type { Project, Snapshot } from "typescript/unstable/sync";
import { type Answers, createAnswers, unknownSymbol, unknownType } from "./answers.ts";
import { declaredNodes, declaredSurface } from "./declared-surface.ts";
import { isSource } from "./discovery.ts";
import { findExecutable, libraryNames, TypeScriptUnavailable } from "./executable.ts";
import type { FileFacts } from "./facts.ts";
import { lowerFile } from "./lowering/lower-file.ts";
import { createOverlay } from "./overlay.ts";
import { folderOf, ignoresCase, keyOf, resolvePath, slashes } from "./paths.ts";
import type {
  CallbackAnswer,
  FilePath,
  Generation,
  NodeId,
  Program,
  ProjectNotice,
  SymbolAnswer,
  TypeAnswer,
} from "./program.ts";
import { QuestionCrashed, type RequestWatch, startSession } from "./session.ts";
import { startsInCode } from "./syntax.ts";
import {
  allSources,
  bestProjects,
  findWorkspace,
  looseProjects,
  type OpenProject,
  type Workspace,
} from "./workspace.ts";

export interface ProgramOptions {
  /** TypeScript's native executable; found beside the bundle or in the installed platform package when absent. */
  readonly executable?: string;
  /** Larger sources are left out, with a notice. */
  readonly maxFileBytes?: number;
  /** Told when TypeScript's process can't be kept running; every question throws then, until something changes. */
  readonly onUnavailable?: (error: TypeScriptUnavailable) => void;
  /** Told about everything that blocks on TypeScript's process. */
  readonly watch?: Partial<RequestWatch>;
}

const defaultMaxFileBytes = 4 * 1024 * 1024;
/** Syntax trees of this many characters are kept on our side before all are dropped. */
const maxTreeCharacters = 4 * 1024 * 1024;

/**
 * Prepares to answer questions about files; TypeScript starts with the first. Throws `TypeScriptUnavailable` when it
 * is not installed, and any method does when its process can't be kept running.
 */
export function openProgram(options: ProgramOptions = {}): Program {
  const executable = findExecutable(options.executable);
  const libraryFolder = folderOf(slashes(executable));
  const libraries = libraryNames(executable);
  const overlay = createOverlay(options.maxFileBytes ?? defaultMaxFileBytes);
  const notices = noticeList();
  const facts = new Map<string, FileFacts | undefined>();
  const asked = new Map<string, Asked>();
  /** What other files may know of a file. */
  const surfaces = new Map<string, string | undefined>();
  /** Files that have changed since answers about others were last looked through, with what was known of them then. */
  const edited = new Map<string, Edited>();
  /** Where the imports of a file lead. What leads somewhere does so until a file comes or goes. */
  const modules = new Map<string, Map<string, FilePath | undefined>>();
  let resolutions = 0;
  /** Files whose questions end TypeScript's process, until their text changes. */
  const crashing = new Set<string>();
  const pending = new Set<FilePath>();
  const questions = { symbols: 0, types: 0, trees: 0 };
  let roots: readonly FilePath[] = [];
  let workspace: Workspace | undefined;
  let selected: readonly FilePath[] = [];
  let files: readonly FilePath[] = [];
  let best: ReadonlyMap<string, FilePath> = new Map();
  let loose: readonly FilePath[] = [];
  let generation = 0;
  let treeCharacters = 0;

  const session = startSession({
    executable,
    overlay,
    watch: { begin: ignore, end: ignore, stopped: ignore, ...options.watch },
    onUnavailable: (error) => options.onUnavailable?.(error),
    quarantine: (opens) => quarantineCulprit(opens),
    onUnopenable: (configuration) =>
      notices.add({
        file: configuration,
        severity: "warning",
        message: `TypeScript's process ends when it opens '${configuration}', so its files are left out; leave out the last change there.`,
      }),
  });

  /** A file that ends the process while it is parsed is among those read last; each is tried alone. */
  const quarantineCulprit = (opens: (configuration: FilePath) => boolean): boolean => {
    const suspects = [...new Set(overlay.lastRead())].slice(0, 16);
    for (const suspect of suspects) {
      const trial = resolvePath(folderOf(suspect), "unknot-trial.tsconfig.json");
      const text = { compilerOptions: { allowJs: true, noResolve: true, types: [] }, files: [suspect] };
      overlay.setConfiguration(trial, JSON.stringify(text));
      const works = opens(trial);
      overlay.setConfiguration(trial, undefined);
      if (works) continue;
      overlay.quarantine(suspect);
      notices.add({
        file: suspect,
        severity: "warning",
        message: `TypeScript's process ends when it reads '${suspect}', so the file is left out until it changes.`,
      });
      return true;
    }
    return false;
  };

  // What belongs to one snapshot, made anew when there is another one.
  let view: View | undefined;
  const viewOf = (snapshot: Snapshot): View => {
    if (view?.epoch !== session.epoch) view = createView(snapshot, session.epoch, libraryFolder, best);
    return view;
  };

  const inProject = <Answer>(
    file: FilePath,
    question: (project: Project, tree: SourceFile, answers: Answers) => Answer,
  ): Answer | undefined => {
    if (crashing.has(keyOf(file))) return undefined;
    try {
      return session.ask((snapshot) => {
        const { answers, projectOf } = viewOf(snapshot);
        const project = projectOf(file);
        const tree = project?.program.getSourceFile(file);
        return project && tree && question(project, tree, answers);
      });
    } catch (error) {
      if (!(error instanceof QuestionCrashed)) throw error;
      crashing.add(keyOf(file));
      notices.add({
        file,
        severity: "warning",
        message: `TypeScript's process ends at questions about '${path.basename(file)}', so its types are unknown until it changes.`,
      });
      return undefined;
    }
  };

  /** Opens what the roots mean now and closes the rest. */
  const reopen = (changes: Changes) => {
    const opened = workspace === undefined ? [] : [...workspace.configurations.keys()];
    if (overlay.newFiles().length > 0) session.overlayEverything();
    const named = new Map<FilePath, readonly FilePath[]>();
    /** Configurations whose text for TypeScript is another one than before. */
    const mendedNow: FilePath[] = [];
    const next = findWorkspace(roots, {
      libraries,
      newFiles: overlay.newFiles(),
      namedBy: ({ file, mended }) => {
        const before = named.get(file);
        if (before !== undefined) return before;
        if (overlay.setConfiguration(file, mended)) mendedNow.push(file);
        const names = session.ask((_, api) => api.parseConfigFile(file).fileNames);
        named.set(file, names);
        return names;
      },
    });
    workspace = next;
    const wanted = [...next.configurations.keys()];
    for (const { file, mended } of next.configurations.values()) {
      if (overlay.setConfiguration(file, mended)) mendedNow.push(file);
    }
    session.update({
      ...changes,
      open: wanted,
      close: opened.filter((configuration) => !next.configurations.has(configuration)),
      changed: [...changes.changed, ...mendedNow],
    });
    const real = openProjects((configuration) => next.configurations.has(configuration));
    selected = next.selected(real);
    const looseNow = looseProjects(selected, roots, next, real, libraries);
    const looseNames = looseNow.map(({ configuration }) => configuration);
    const changedTexts = looseNow.flatMap(({ configuration, text, base }) => [
      ...(overlay.setConfiguration(configuration, text) ? [configuration] : []),
      ...(base && overlay.setConfiguration(base.file, base.mended) ? [base.file] : []),
    ]);
    const closed = loose.filter((configuration) => !looseNames.includes(configuration));
    if (changedTexts.length + closed.length > 0) {
      session.update({ open: looseNames, close: closed, changed: changedTexts });
    }
    for (const configuration of closed) overlay.setConfiguration(configuration, undefined);
    loose = looseNames;
    const projects = [...real, ...openProjects((configuration) => looseNames.includes(configuration))];
    best = bestProjects(projects);
    files = allSources(selected, projects);
    view = undefined;
    modules.clear();
    resolutions += 1;
    asked.clear();
    edited.clear();
    // A file that was in no project may be in one now.
    for (const [key, described] of facts) if (described === undefined) facts.delete(key);
    notices.replace(next.notices);
    for (const [file, bytes] of overlay.oversized) notices.add(tooLarge(file, bytes));
  };

  const openProjects = (filter: (configuration: FilePath) => boolean): readonly OpenProject[] =>
    session.ask((snapshot) =>
      snapshot
        .getProjects()
        .filter(({ configFileName }) => filter(configFileName))
        .map((project) => ({
          configuration: project.configFileName,
          roots: project.rootFiles,
          sources: project.program.getSourceFileNames(),
        })),
    );

  const importedFiles = (project: Project, tree: SourceFile): Map<string, FilePath | undefined> => {
    const literals = tree.imports.filter((node) => "text" in node);
    const found = project.checker.getSymbolAtLocation(literals);
    return new Map(
      literals.map((literal, index) => {
        const file = found[index]?.valueDeclaration?.path;
        return [String((literal as { text?: unknown }).text), file && (view?.spelled(file) ?? file)];
      }),
    );
  };

  const forget = (file: FilePath): void => {
    facts.delete(keyOf(file));
    modules.delete(keyOf(file));
    crashing.delete(keyOf(file));
    overlay.release(file);
  };

  /** What is pending becomes part of a new generation. */
  const take = (): Changes & { readonly structural: boolean } => {
    session.forgive();
    generation += 1;
    const taken = [...pending];
    pending.clear();
    const wasModule = taken.every((file) => facts.get(keyOf(file))?.module === true);
    for (const file of taken) {
      const key = keyOf(file);
      asked.delete(key);
      if (!edited.has(key)) edited.set(key, { file, surface: surfaces.get(key), facts: facts.get(key) });
      forget(file);
    }
    notices.remove(taken);
    if (taken.some(changesPackages)) {
      // TypeScript keeps what it knows of packages and configurations over any update.
      session.rest();
    }
    const states = taken.map((file) => ({ file, state: stateOf(file) }));
    const those = (state: FileState) => states.filter((one) => one.state === state).map(({ file }) => file);
    const [changed, created, deleted] = [those("changed"), those("created"), those("deleted")];
    const structural = created.length + deleted.length > 0 || taken.some(isConfiguration);
    if (structural || !wasModule || taken.some(changesPackages)) {
      asked.clear();
      edited.clear();
      // A file that was no module may be one now.
      resolutions += 1;
      for (const known of modules.values()) {
        for (const [specifier, file] of known) if (file === undefined) known.delete(specifier);
      }
    }
    return { changed, created, deleted, structural };
  };

  const describe = (file: FilePath): FileFacts | undefined => {
    if (overlay.quarantined.has(file)) return undefined;
    questions.trees += 1;
    const tree = inProject(file, (_, found) => found);
    if (tree === undefined) {
      if (!crashing.has(keyOf(file)) && selected.includes(file)) notices.add(unreadable(file));
      return undefined;
    }
    const { text } = tree;
    treeCharacters += text.length;
    const described = isReadable(file, text) ? lower(tree, file) : undefined;
    surfaces.set(keyOf(file), described && declaredSurface(described, text));
    if (treeCharacters > maxTreeCharacters) {
      session.ask((_, api) => api.clearSourceFileCache());
      treeCharacters = 0;
    }
    return described;
  };

  const isReadable = (file: FilePath, text: string): boolean => {
    if (isBinary(text)) {
      notices.add({
        file,
        severity: "warning",
        message: `'${path.basename(file)}' is not text, so it is left out.`,
      });
      return false;
    }
    return !isMinified(file, text) && !overlay.oversized.has(file);
  };

  const lower = (tree: SourceFile, file: FilePath): FileFacts | undefined => {
    try {
      return lowerFile(tree, file);
    } catch (error) {
      notices.add({
        file,
        severity: "warning",
        message: `'${path.basename(file)}' can't be analysed (${error instanceof Error ? error.message : String(error)}); please report this.`,
      });
      return undefined;
    }
  };

  /**
   * Answers about a file hang on its text and on what the files declare that it imports, directly or through others.
   * Where a declaration stands in a file that has changed follows from where it stood, when the file declares the same.
   */
  const dropAnswers = (): void => {
    if (edited.size === 0) return;
    const open: FilePath[] = [];
    let isSeenByAll = false;
    const moved = new Map<string, ReadonlyMap<NodeId, NodeId>>();
    const movedSymbol = (symbol: DeclaredSymbol): SymbolAnswer | undefined => {
      const key = keyOf(symbol.file);
      if (!edited.has(key)) return symbol;
      const node = moved.get(key)?.get(symbol.node);
      return node === undefined ? undefined : node === symbol.node ? symbol : { ...symbol, node };
    };
    for (const [key, { file, surface, facts: before }] of edited) {
      const described = describedOf(file);
      const now = surfaces.get(key);
      if (surface === now && before && described) moved.set(key, pairedNodes(before, described));
      isSeenByAll ||= surface === undefined || now === undefined;
      if (surface !== now) open.push(file);
    }
    if (isSeenByAll) asked.clear();
    const reached = new Set(open.map(keyOf));
    const importers = open.length > 0 && asked.size > 0 ? importersOf(asked.keys()) : new Map();
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      for (const importer of importers.get(keyOf(file)) ?? []) {
        if (reached.has(importer)) continue;
        reached.add(importer);
        open.push(importer);
      }
    }
    for (const key of reached) asked.delete(key);
    // Many names lead to one answer, and paths are long.
    const again = new Map<SymbolAnswer, SymbolAnswer | undefined>();
    for (const { symbols } of asked.values()) {
      for (const [node, symbol] of symbols) {
        if (symbol.kind !== "declared") continue;
        if (!again.has(symbol)) again.set(symbol, movedSymbol(symbol));
        const found = again.get(symbol);
        if (found === undefined) symbols.delete(node);
        else if (found !== symbol) symbols.set(node, found);
      }
    }
    edited.clear();
  };

  /** By the key of what is imported. */
  const importersOf = (others: Iterable<string>): ReadonlyMap<string, readonly string[]> => {
    const found = new Map<string, string[]>();
    const own = new Map(files.map((file) => [keyOf(file), file]));
    for (const key of new Set([...own.keys(), ...others])) {
      for (const target of modulesOf(own.get(key) ?? key).values()) {
        if (target === undefined) continue;
        const known = found.get(keyOf(target));
        if (known) known.push(key);
        else found.set(keyOf(target), [key]);
      }
    }
    return found;
  };

  const modulesOf = (from: FilePath): Map<string, FilePath | undefined> => {
    const key = keyOf(from);
    const known = modules.get(key);
    if (known) return known;
    const all = inProject(from, (project, tree) => importedFiles(project, tree));
    // There may be an answer the next time.
    if (!all) resolutions += 1;
    modules.set(key, all ?? new Map());
    return all ?? new Map();
  };

  const describedOf = (file: FilePath): FileFacts | undefined => {
    const key = keyOf(file);
    if (!facts.has(key)) facts.set(key, describe(file));
    return facts.get(key);
  };

  /** Answers from before, and the rest in one batch; the unknown answer where TypeScript has none. */
  const answer = <One>(
    kind: keyof Asked,
    file: FilePath,
    nodes: readonly NodeId[],
    unknown: One,
    ask: (nodes: readonly NodeId[]) => readonly One[] | undefined,
  ): readonly One[] => {
    if (!facts.has(keyOf(file))) {
      throw new Error(
        `Ask for the facts of '${file}' first: ids of an earlier text would be answered silently.`,
      );
    }
    dropAnswers();
    const known = knownAnswers<One>(asked, kind, file);
    const missing = [...new Set(nodes.filter((node) => !known.has(node)))];
    if (missing.length > 0) {
      questions[kind === "symbols" ? kind : "types"] += missing.length;
      const found = askInParts(missing, ask);
      for (const [index, node] of missing.entries()) known.set(node, found[index] ?? unknown);
    }
    return nodes.map((node) => known.get(node) ?? unknown);
  };

  return {
    open(paths) {
      roots = paths.map((file) => resolvePath(slashes(process.cwd()), file));
      reopen(take());
    },
    setBuffer(file, text) {
      // An editor opens files that have changed on disk without anybody telling us.
      const isKnown = overlay.isBuffer(file) || overlay.isUpToDate(file);
      if (!isKnown || currentText(overlay, file) !== text) pending.add(file);
      overlay.setBuffer(file, text);
    },
    closeBuffer(file) {
      const before = currentText(overlay, file);
      overlay.closeBuffer(file);
      if (currentText(overlay, file) !== before) pending.add(file);
    },
    invalidate(paths) {
      for (const file of paths) if (!overlay.isBuffer(file)) pending.add(file);
    },
    commit() {
      if (pending.size === 0) return generation as Generation;
      const changes = take();
      if (changes.structural) reopen(changes);
      else session.update(changes);
      return generation as Generation;
    },
    get generation() {
      return generation as Generation;
    },
    files: () => files,
    selected: () => selected,
    facts: describedOf,
    startsInCode: (file, line) => inProject(file, (_, tree) => startsInCode(tree, line)) ?? false,
    text: (file) => inProject(file, (_, tree) => tree.text),
    symbols: (file, nodes) =>
      answer<SymbolAnswer>("symbols", file, nodes, unknownSymbol, (missing) =>
        inProject(file, (project, tree, answers) => answers.symbols(project, tree, missing)),
      ),
    types: (file, nodes) =>
      answer<TypeAnswer>("types", file, nodes, unknownType, (missing) =>
        inProject(file, (project, tree, answers) => answers.types(project, tree, missing)),
      ),
    typeErrors: (file) =>
      inProject(file, ({ program }) =>
        program.getSemanticDiagnostics(file).map(({ pos, end }) => ({ start: pos, end })),
      ) ?? [],
    callbacks: (file, calls) =>
      answer<readonly CallbackAnswer[]>("callbacks", file, calls, [], (missing) =>
        inProject(file, (project, tree, answers) => answers.callbacks(project, tree, missing)),
      ),
    resolveModule(from, specifier) {
      const known = modulesOf(from);
      if (known.has(specifier)) return known.get(specifier);
      // What was undefined is looked for again.
      modules.delete(keyOf(from));
      return modulesOf(from).get(specifier);
    },
    get resolutions() {
      return resolutions;
    },
    notices: () => notices.all(),
    inputs: () => ({
      files: [
        executable,
        ...(workspace?.watched ?? []),
        ...session.ask((snapshot) =>
          snapshot.getProjects().flatMap(({ program }) => program.getSourceFileNames()),
        ),
      ],
      folders: workspace?.folders ?? [],
    }),
    syntaxErrors() {
      const first = session.ask((snapshot) => firstSyntaxErrors(snapshot));
      return selected.flatMap((file) => {
        const error = first.get(keyOf(file));
        return error === undefined || overlay.quarantined.has(file) ? [] : [unparsable(file, error)];
      });
    },
    questions,
    rest: () => session.rest(),
    close: () => session.rest(),
  };

  function stateOf(file: FilePath): FileState {
    if (!overlay.isBuffer(file) && !existsSync(file)) return "deleted";
    return isSource(file) && !best.has(keyOf(file)) ? "created" : "changed";
  }

  function isConfiguration(file: FilePath): boolean {
    return (
      workspace?.watched.has(keyOf(file)) === true ||
      /(?:^|\/)(?:[tj]sconfig(?:\.[^/]*)?\.json|\.gitignore)$/.test(file)
    );
  }
}

function ignore(): void {}

/** An installation or a changed package.json may change what every import means. */
function changesPackages(file: FilePath): boolean {
  return /\/(?:package\.json|node_modules(?:\/\.package-lock\.json|\/\.modules\.yaml|\/\.yarn-state\.yml)?)$/.test(
    file,
  );
}

type FileState = "changed" | "created" | "deleted";

interface Changes {
  readonly changed: readonly FilePath[];
  readonly created: readonly FilePath[];
  readonly deleted: readonly FilePath[];
}

interface View {
  readonly epoch: number;
  readonly answers: Answers;
  /** The project that knows a file best; for a file of a dependency the first that reads it. */
  readonly projectOf: (file: FilePath) => Project | undefined;
  /** A path from TypeScript as the file system spells it. */
  readonly spelled: (file: FilePath) => FilePath;
}

function createView(
  snapshot: Snapshot,
  epoch: number,
  libraryFolder: FilePath,
  best: ReadonlyMap<string, FilePath>,
): View {
  const projects = new Map(snapshot.getProjects().map((project) => [project.configFileName, project]));
  const found = new Map<string, Project | undefined>();
  let names: ReadonlyMap<string, FilePath> | undefined;
  const spelled = (file: FilePath): FilePath => {
    if (!ignoresCase) return file;
    names ??= new Map(
      [...projects.values()].flatMap(({ program }) =>
        program.getSourceFileNames().map((name) => [keyOf(name), name] as const),
      ),
    );
    return names.get(keyOf(file)) ?? file;
  };
  return {
    epoch,
    spelled,
    answers: createAnswers(libraryFolder, spelled),
    projectOf(file) {
      const key = keyOf(file);
      const before = found.get(key);
      if (before !== undefined) return before;
      const favourite = projects.get(best.get(key) ?? "");
      const others = [...projects.values()].filter((project) => project !== favourite);
      const project = [...(favourite ? [favourite] : []), ...others].find(
        ({ program }) => program.getSourceFile(file) !== undefined,
      );
      found.set(key, project);
      return project;
    },
  };
}

type DeclaredSymbol = Extract<SymbolAnswer, { kind: "declared" }>;

/** A file as it was before it changed. */
interface Edited {
  readonly file: FilePath;
  readonly surface: string | undefined;
  readonly facts: FileFacts | undefined;
}

/** The declarations of a file by where they stood before an edit that left all of them. */
function pairedNodes(before: FileFacts, now: FileFacts): ReadonlyMap<NodeId, NodeId> {
  const [old, next] = [declaredNodes(before), declaredNodes(now)];
  return old.length === next.length
    ? new Map(old.map((node, index) => [node, next[index] as NodeId]))
    : new Map();
}

/** Answers of one generation. */
interface Asked {
  readonly symbols: Map<NodeId, SymbolAnswer>;
  readonly types: Map<NodeId, TypeAnswer>;
  readonly callbacks: Map<NodeId, readonly CallbackAnswer[]>;
}

function knownAnswers<One>(asked: Map<string, Asked>, kind: keyof Asked, file: FilePath): Map<NodeId, One> {
  const before = asked.get(keyOf(file)) ?? {
    symbols: new Map(),
    types: new Map(),
    callbacks: new Map(),
  };
  asked.set(keyOf(file), before);
  // The kind and the type of the answers go together; TypeScript can't see it through the key.
  return before[kind] as unknown as Map<NodeId, One>;
}

/** Asks at once, and one by one when TypeScript answers a batch with an error: one node spoils a batch. */
function askInParts<One>(
  nodes: readonly NodeId[],
  ask: (nodes: readonly NodeId[]) => readonly One[] | undefined,
): readonly (One | undefined)[] {
  const attempt = (some: readonly NodeId[]): readonly One[] | undefined => {
    try {
      return ask(some) ?? [];
    } catch (error) {
      if (error instanceof TypeScriptUnavailable) throw error;
      return undefined;
    }
  };
  return attempt(nodes) ?? nodes.map((node) => attempt([node])?.[0]);
}

function noticeList() {
  let ofWorkspace: readonly ProjectNotice[] = [];
  const ofFiles = new Map<string, ProjectNotice>();
  return {
    add: (notice: ProjectNotice): void => void ofFiles.set(`${notice.file}\n${notice.message}`, notice),
    /** A base says the same for each configuration that extends it. */
    replace: (notices: readonly ProjectNotice[]): void => {
      const distinct = new Map(
        notices.map((notice) => [`${notice.file}\n${notice.message}\n${JSON.stringify(notice.at)}`, notice]),
      );
      ofWorkspace = [...distinct.values()];
    },
    remove: (files: readonly FilePath[]): void => {
      for (const [key, { file }] of ofFiles) if (files.includes(file)) ofFiles.delete(key);
    },
    all: (): readonly ProjectNotice[] => [...ofWorkspace, ...ofFiles.values()],
  };
}

function tooLarge(file: FilePath, bytes: number): ProjectNotice {
  const size = (bytes / 1024 / 1024).toFixed(1);
  return {
    file,
    severity: "warning",
    message: `'${path.basename(file)}' is too large (${size} MB), so it is left out.`,
  };
}

function unreadable(file: FilePath): ProjectNotice {
  return {
    file,
    severity: "warning",
    message: `'${path.basename(file)}' can't be read, so it is left out; check its permissions.`,
  };
}

interface FirstError {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** The first syntax error of every file that has one, by key. */
function firstSyntaxErrors(snapshot: Snapshot): ReadonlyMap<string, FirstError> {
  const found = new Map<string, FirstError>();
  for (const { program } of snapshot.getProjects()) {
    for (const { fileName, pos, text } of program.getSyntacticDiagnostics()) {
      if (fileName === undefined || found.has(keyOf(fileName))) continue;
      const source = program.getSourceFile(fileName)?.text ?? "";
      if (isBinary(source)) continue;
      const before = source.slice(0, pos);
      const line = before.split("\n").length;
      const column = before.length - before.lastIndexOf("\n");
      found.set(keyOf(fileName), { line, column, message: text });
    }
  }
  return found;
}

function unparsable(file: FilePath, { line, column, message }: FirstError): ProjectNotice {
  const reason = message.replace(/\.$/, "");
  return {
    file,
    severity: "warning",
    message: `'${path.basename(file)}' does not parse at ${line}:${column} (${reason}), so only part of it is checked; correct it there.`,
  };
}

function isBinary(text: string): boolean {
  return text.slice(0, 4096).includes("\0");
}

/** A bundle that nobody edits: JavaScript with lines of many hundred characters. */
function isMinified(file: FilePath, text: string): boolean {
  if (!/\.[cm]?jsx?$/.test(file) || text.length < 20_000) return false;
  return text.length / text.split("\n").length > 500;
}

function currentText(overlay: ReturnType<typeof createOverlay>, file: FilePath): string | undefined {
  const buffer = overlay.isBuffer(file) ? overlay.readFile(file) : undefined;
  if (buffer !== undefined) return buffer;
  try {
    return isSource(file) ? readFileSync(file, "utf8").replace(/^\uFEFF/, "") : undefined;
  } catch {
    return undefined;
  }
}
