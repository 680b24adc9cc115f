import { existsSync, statSync } from "node:fs";
import path from "node:path";
import {
  type Configuration,
  configurationNames,
  looseConfiguration,
  readConfiguration,
} from "./configuration.ts";
import { discover, isDependency, isSource } from "./discovery.ts";
import type { FilePath } from "./ids.ts";
import { folderOf, foldersAbove, isInside, keyOf } from "./paths.ts";
import type { ProjectNotice } from "./program.ts";

/** An open project, as far as choosing between projects needs to know it. */
export interface OpenProject {
  readonly configuration: FilePath;
  /** The files that its configuration names, and all files it reads. */
  readonly roots: readonly FilePath[];
  readonly sources: readonly FilePath[];
}

/** What the paths that somebody asked for mean on disk. */
export interface Workspace {
  /** Configurations to open, with those they refer to. */
  readonly configurations: ReadonlyMap<FilePath, Configuration>;
  /** Every file that was read to find that out, for a watcher. */
  readonly watched: ReadonlySet<string>;
  /** The folders that were searched for sources. */
  readonly folders: readonly FilePath[];
  readonly notices: readonly ProjectNotice[];
  /** The files to analyse, given the open projects. Sorted, each once. */
  selected(projects: readonly OpenProject[]): readonly FilePath[];
}

/** A made-up configuration for files that no project reads. */
export interface LooseProject {
  readonly configuration: FilePath;
  readonly text: string;
  /** The configuration whose options it takes. */
  readonly base?: Configuration;
}

export interface WorkspaceQuestions {
  /** The names that `lib` may have. */
  readonly libraries: ReadonlySet<string>;
  /** Files that exist only as buffers. */
  readonly newFiles: readonly FilePath[];
  /** The files that a configuration names. */
  readonly namedBy: (configuration: Configuration) => readonly FilePath[];
}

/** Looks at the disk for what `roots` (files, folders, configurations) mean. Never throws. */
export function findWorkspace(roots: readonly FilePath[], questions: WorkspaceQuestions): Workspace {
  const configurations = new Map<FilePath, Configuration>();
  const known = new Map<FilePath, Configuration>();
  const notices: ProjectNotice[] = [];
  const files = new Set<FilePath>();
  const folders = new Set<FilePath>();
  const named: FilePath[] = [];

  const read = (file: FilePath): Configuration => {
    const before = known.get(file);
    if (before !== undefined) return before;
    const configuration = readConfiguration(file, questions.libraries);
    known.set(file, configuration);
    return configuration;
  };

  /** A configuration and those it refers to, transitively. */
  const closure = (file: FilePath): readonly Configuration[] => {
    const found = new Set<FilePath>([file]);
    for (const configuration of found) for (const to of read(configuration).references) found.add(to);
    return [...found].map(read);
  };

  const open = (some: readonly Configuration[]): void => {
    for (const configuration of some) configurations.set(configuration.file, configuration);
  };

  const addFolder = (folder: FilePath): void => {
    const found = discover(folder, (configuration) => read(configuration).outputs);
    notices.push(...found.notices);
    for (const one of found.folders) folders.add(one);
    const fresh = questions.newFiles.filter(
      (file) => isInside(folder, file) && isSource(file) && !isDependency(file),
    );
    for (const file of [...found.sources, ...fresh]) files.add(file);
    for (const file of found.configurations) open(closure(file));
    const above = nearestConfiguration(folder);
    if (above !== undefined && !found.configurations.some((file) => folderOf(file) === folder)) {
      open([read(above)]);
    }
  };

  /** The project of a single file is the nearest one that names it, or may read it. */
  const addFile = (file: FilePath): void => {
    files.add(file);
    let nearest: Configuration | undefined;
    for (const folder of foldersAbove(file)) {
      const candidate = configurationIn(folder);
      if (candidate === undefined) continue;
      const candidates = closure(candidate);
      nearest ??= candidates[0];
      const owner = candidates.find((configuration) =>
        questions.namedBy(configuration).some((one) => keyOf(one) === keyOf(file)),
      );
      if (owner !== undefined) {
        open([owner]);
        return;
      }
    }
    // A file may be read through an import. A solution, which names none, reads nothing.
    if (nearest !== undefined && questions.namedBy(nearest).length > 0) open([nearest]);
  };

  for (const root of roots) {
    const entry = statSync(root, { throwIfNoEntry: false });
    const say = (message: string) => notices.push({ file: root, severity: "warning", message });
    if (entry?.isDirectory()) addFolder(root);
    else if (entry === undefined && !questions.newFiles.some((file) => keyOf(file) === keyOf(root))) {
      say(`'${root}' does not exist; correct the path.`);
    } else if (root.endsWith(".json")) {
      named.push(root);
      open(closure(root));
    } else if (isSource(root)) addFile(root);
    else say(`'${root}' is neither TypeScript nor JavaScript nor a tsconfig, so it is left out.`);
  }

  return {
    configurations,
    folders: [...folders],
    watched: new Set([...known.values()].flatMap(({ chain }) => chain.map(keyOf))),
    notices: [...notices, ...[...known.values()].flatMap((configuration) => configuration.notices)],
    selected(projects) {
      const selected = new Set(files);
      for (const root of named) {
        for (const { file } of closure(root)) {
          const project = projects.find(({ configuration }) => keyOf(configuration) === keyOf(file));
          if (project === undefined) continue;
          for (const source of sourcesOf(project, (other) => read(other).outputs)) selected.add(source);
        }
      }
      return [...selected].sort();
    },
  };
}

/** What is analysed of a project that was asked for by name: what it names, and what it reads below its folder. */
function sourcesOf(
  { configuration, roots, sources }: OpenProject,
  outputs: (configuration: FilePath) => readonly FilePath[],
): readonly FilePath[] {
  const folder = folderOf(configuration);
  const below = discover(folder, outputs).sources;
  const kept = new Set(below.map(keyOf));
  return [...new Set([...roots, ...sources])].filter(
    (file) =>
      isSource(file) &&
      !isDependency(file) &&
      (isInside(folder, file) ? kept.has(keyOf(file)) : roots.includes(file)),
  );
}

/**
 * Made-up projects for files that none of `projects` reads: one for each configuration they lie below, else for each
 * of the `roots`, else for each package.
 */
export function looseProjects(
  files: readonly FilePath[],
  roots: readonly FilePath[],
  { configurations }: Workspace,
  projects: readonly OpenProject[],
  libraries: ReadonlySet<string>,
): readonly LooseProject[] {
  const read = new Set(projects.flatMap(({ sources }) => sources.map(keyOf)));
  const groups = new Map<FilePath, FilePath[]>();
  const bases = new Map<FilePath, Configuration>();
  for (const file of files) {
    if (read.has(keyOf(file))) continue;
    const base = nearestConfiguration(file);
    const folder = base === undefined ? looseFolder(file, roots) : folderOf(base);
    if (base !== undefined && !bases.has(folder)) {
      bases.set(folder, configurations.get(base) ?? readConfiguration(base, libraries));
    }
    const group = groups.get(folder);
    if (group === undefined) groups.set(folder, [file]);
    else group.push(file);
  }
  return [...groups].map(([folder, group]) => {
    const base = bases.get(folder);
    return {
      configuration: path.posix.join(folder, looseName),
      text: looseConfiguration(group, base),
      ...(base === undefined ? {} : { base }),
    };
  });
}

function looseFolder(file: FilePath, roots: readonly FilePath[]): FilePath {
  const above = [...foldersAbove(file)];
  return (
    above.find((folder) => roots.includes(folder)) ??
    above.find((folder) => existsSync(path.posix.join(folder, "package.json"))) ??
    folderOf(file)
  );
}

/** No file of that name exists; TypeScript gets its text from us. */
const looseName = "unknot-loose.tsconfig.json";

export function isLoose(configuration: FilePath): boolean {
  return configuration.endsWith(`/${looseName}`);
}

/** Everything that can be looked at: the selected files and all other sources of the projects. Sorted. */
export function allSources(
  selected: readonly FilePath[],
  projects: readonly OpenProject[],
): readonly FilePath[] {
  const sources = projects
    .flatMap(({ sources }) => sources)
    .filter((file) => isSource(file) && !isDependency(file));
  return [...new Set([...selected, ...sources])].sort();
}

/**
 * For every source the project that knows it best: one that names it before one that reads it, the nearest before one
 * further up, a real one before a made-up one.
 */
export function bestProjects(projects: readonly OpenProject[]): ReadonlyMap<string, FilePath> {
  const best = new Map<string, { readonly configuration: FilePath; readonly score: number }>();
  for (const { configuration, roots, sources } of projects) {
    const folder = folderOf(configuration);
    const names = new Set(roots);
    for (const file of sources) {
      if (isDependency(file)) continue;
      const near = isInside(folder, file) ? folder.length : 0;
      const score = near * 4 + (names.has(file) ? 1_000_000 : 0) + (isLoose(configuration) ? 0 : 2);
      const before = best.get(keyOf(file));
      if (before === undefined || before.score < score) best.set(keyOf(file), { configuration, score });
    }
  }
  return new Map([...best].map(([file, { configuration }]) => [file, configuration]));
}

function nearestConfiguration(file: FilePath): FilePath | undefined {
  for (const folder of foldersAbove(file)) {
    const found = configurationIn(folder);
    if (found !== undefined) return found;
  }
  return undefined;
}

function configurationIn(folder: FilePath): FilePath | undefined {
  return configurationNames
    .map((name) => path.posix.join(folder, name))
    .find((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
}
