import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import type { SourceFile } from "typescript/unstable/ast";
import {
  API,
  type Checker,
  type Project,
  type Snapshot,
  SymbolFlags,
  type Symbol as TsSymbol,
  type Type,
  TypeFlags,
} from "typescript/unstable/sync";
import type { FileFacts } from "./facts.ts";
import { lowerFile } from "./lowering/lower-file.ts";
import type { FilePath, Generation, NodeId, Program, SymbolAnswer, TypeAnswer } from "./program.ts";
import { nodeAt } from "./syntax.ts";

export interface ProgramOptions {
  /** TypeScript's native executable; found beside the bundle or in the installed platform package when absent. */
  readonly executable?: string;
}

/** Starts TypeScript and answers questions about its files. */
export function openProgram(options: ProgramOptions = {}): Program {
  const buffers = new Map<FilePath, string>();
  const facts = new Map<FilePath, FileFacts | undefined>();
  const questions = { symbols: 0, types: 0, trees: 0 };
  const changed = new Set<FilePath>();
  const api = new API({
    cwd: "/",
    ...(options.executable === undefined ? {} : { tsserverPath: options.executable }),
    fs: { readFile: (file) => buffers.get(file) },
  });
  let snapshot: Snapshot | undefined;
  let generation = 0;
  let configs: readonly FilePath[] = [];

  const projectOf = (file: FilePath): Project | undefined =>
    snapshot?.getProjects().find((project) => project.program.getSourceFile(file) !== undefined);

  const sourceFile = (file: FilePath): SourceFile | undefined => {
    questions.trees += 1;
    return projectOf(file)?.program.getSourceFile(file);
  };

  const swap = (params: Parameters<API["updateSnapshot"]>[0]): Generation => {
    const next = api.updateSnapshot(params);
    snapshot?.dispose();
    snapshot = next;
    facts.clear();
    changed.clear();
    generation += 1;
    return generation as Generation;
  };

  return {
    open(paths) {
      configs = paths.flatMap(configsOf);
      swap({ openProjects: [...configs] });
    },
    setBuffer(file, text) {
      buffers.set(file, text);
      changed.add(file);
    },
    closeBuffer(file) {
      buffers.delete(file);
      changed.add(file);
    },
    invalidate(paths) {
      for (const file of paths) changed.add(file);
    },
    commit: () => swap({ fileChanges: { changed: [...changed] } }),
    get generation() {
      return generation as Generation;
    },
    files: () =>
      [
        ...new Set(
          (snapshot?.getProjects() ?? []).flatMap((project) =>
            project.program
              .getSourceFileNames()
              .filter((file) => !/\/node_modules\/|\.d\.[cm]?ts$|\.json$/.test(file)),
          ),
        ),
      ].sort(),
    facts(file) {
      if (!facts.has(file)) {
        const tree = sourceFile(file);
        facts.set(file, tree && lowerFile(tree, file));
      }
      return facts.get(file);
    },
    text: (file) => sourceFile(file)?.text,
    symbols(file, nodes) {
      questions.symbols += nodes.length;
      const project = projectOf(file);
      const tree = project?.program.getSourceFile(file);
      if (!project || !tree) return nodes.map(() => ({ kind: "unknown" }));
      const present = nodes.map((id) => nodeAt(tree, id));
      const asked = present.filter((node) => node !== undefined);
      const answers = project.checker.getSymbolAtLocation(asked);
      const byNode = new Map(asked.map((node, index) => [node, answers[index]]));
      return present.map((node) =>
        answerSymbol(project.checker, node === undefined ? undefined : byNode.get(node)),
      );
    },
    types(file, nodes) {
      questions.types += nodes.length;
      const project = projectOf(file);
      const tree = project?.program.getSourceFile(file);
      if (!project || !tree) return nodes.map(() => noType);
      const present = nodes.map((id) => nodeAt(tree, id));
      const asked = present.filter((node) => node !== undefined);
      const answers = project.checker.getTypeAtLocation(asked);
      const byNode = new Map(asked.map((node, index) => [node, answers[index]]));
      return present.map((node) =>
        answerType(project.checker, node === undefined ? undefined : byNode.get(node)),
      );
    },
    resolveModule(from, specifier) {
      const project = projectOf(from);
      const tree = project?.program.getSourceFile(from);
      const literal = tree?.imports.find((node) => "text" in node && node.text === specifier);
      return literal && project?.checker.getSymbolAtLocation(literal)?.valueDeclaration?.path;
    },
    notices: () => [],
    questions,
    close() {
      snapshot?.dispose();
      snapshot = undefined;
      api.close();
    },
  };
}

const noType: TypeAnswer = { unknown: true, thenable: "never", promise: false };

function configsOf(file: FilePath): FilePath[] {
  if (!existsSync(file)) return [];
  if (!statSync(file).isDirectory()) {
    return file.endsWith(".json") ? [file] : nearestConfig(path.dirname(file));
  }
  const names = readdirSync(file, { recursive: true, encoding: "utf8" });
  const found = names
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => /(^|\/)tsconfig\.json$/.test(name) && !/(^|\/)node_modules\//.test(name));
  return found.length > 0 ? found.map((name) => `${file}/${name}`) : nearestConfig(file);
}

function nearestConfig(folder: FilePath): FilePath[] {
  for (let here = folder; ; here = path.dirname(here)) {
    const config = path.posix.join(here, "tsconfig.json");
    if (existsSync(config)) return [config];
    if (path.dirname(here) === here) return [];
  }
}

function answerSymbol(checker: Checker, found: TsSymbol | undefined): SymbolAnswer {
  if (!found) return { kind: "unknown" };
  const symbol = found.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found;
  const declaration = symbol.valueDeclaration ?? symbol.declarations[0];
  if (!declaration) return { kind: "unknown" };
  const parent = symbol.getParent();
  const owner = packageOf(declaration.path);
  return {
    kind: "declared",
    name: symbol.name,
    ...(parent && !parent.name.startsWith('"') ? { container: parent.name } : {}),
    file: declaration.path,
    node: declaration.index as NodeId,
    ...(owner === undefined ? {} : { package: owner }),
    library: isLibrary(declaration.path),
  };
}

function answerType(checker: Checker, type: Type | undefined): TypeAnswer {
  if (!type || type.isErrorType() || type.flags & (TypeFlags.Any | TypeFlags.Unknown)) return noType;
  const members = type.isUnionType() ? type.getTypes() : [type];
  const thenable = members.filter((member) => checker.getPropertyOfType(member, "then") !== undefined);
  const symbol = type.getSymbol();
  const declaration = symbol?.declarations[0];
  const owner = declaration && packageOf(declaration.path);
  return {
    unknown: false,
    thenable: thenable.length === 0 ? "never" : thenable.length === members.length ? "always" : "sometimes",
    promise:
      thenable.length > 0 &&
      thenable.every((member) => {
        const promise = member.getSymbol();
        return promise?.name === "Promise" && promise.declarations.some((one) => isLibrary(one.path));
      }),
    ...(symbol && declaration && !symbol.name.startsWith("__")
      ? {
          named: {
            name: symbol.name,
            ...(owner === undefined ? {} : { package: owner }),
            library: isLibrary(declaration.path),
          },
        }
      : {}),
  };
}

function isLibrary(file: FilePath): boolean {
  return /\/@typescript\/typescript-[^/]+\/lib\/lib\.[^/]*\.d\.ts$|\/lib\.[^/]*\.d\.ts$/.test(file);
}

function packageOf(file: FilePath): string | undefined {
  const found = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
  return found?.startsWith("@typescript/typescript-") ? undefined : found;
}
