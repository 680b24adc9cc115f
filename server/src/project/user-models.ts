import { existsSync, readdirSync, statSync } from "node:fs";
import { isBuiltin } from "node:module";
import type { Model } from "@unknot/models/model.ts";
import { findNodeAtLocation } from "jsonc-parser";
import { parseJson, placed } from "../models/json-shape.ts";
import { readModel } from "../models/read-model.ts";
import type { FileFacts } from "../program/facts.ts";
import type { FilePath } from "../program/ids.ts";
import { folderOf, foldersAbove, isInside, resolvePath } from "../program/paths.ts";
import type { ProjectNotice } from "../program/program.ts";
import { readText, toNotice, unreadable } from "./projects.ts";

/** Models with what was wrong on the way; a model that is wrong is left out. */
export interface UserModels {
  readonly models: readonly Model[];
  readonly notices: readonly ProjectNotice[];
  /** The model files that were read. */
  readonly read: readonly FilePath[];
}

/** The models of a project: `.unknot/models/*.json`, then the files that are listed, by name or from elsewhere. */
export function modelsOfProject(root: FilePath, listed: readonly string[]): UserModels {
  const files = [...modelFolder(root), ...listed.map((name) => resolvePath(root, name))];
  return together([...new Set(files)].map((file) => modelFile(file, root)));
}

function modelFolder(root: FilePath): readonly FilePath[] {
  const folder = `${root}/.unknot/models`;
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .sort()
      .map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}

/** The models that packages describe themselves with: the field `unknot` of their package.json. */
export function modelsOfPackages(manifests: readonly FilePath[]): UserModels {
  return together(manifests.map(packageModel));
}

/** Finds the package.json files of the packages that a program imports; keeps where they are. */
export function createManifests(): (all: readonly FileFacts[]) => readonly FilePath[] {
  const known = new Map<string, FilePath | undefined>();
  const ofFacts = new WeakMap<FileFacts, readonly FilePath[]>();
  const manifestsOf = (facts: FileFacts): readonly FilePath[] => {
    const specifiers = [
      ...facts.imports.map(({ specifier }) => specifier),
      ...facts.exports.flatMap((one) => ("specifier" in one ? [one.specifier] : [])),
    ];
    return [...new Set(specifiers.flatMap(packageName))].flatMap((name) => {
      const key = `${folderOf(facts.path)}\n${name}`;
      if (!known.has(key)) known.set(key, manifestOf(facts.path, name));
      return known.get(key) ?? [];
    });
  };
  return (all) => {
    const manifests = new Set<FilePath>();
    for (const facts of all) {
      const own = ofFacts.get(facts) ?? manifestsOf(facts);
      ofFacts.set(facts, own);
      for (const manifest of own) manifests.add(manifest);
    }
    return [...manifests].sort();
  };
}

function packageName(specifier: string): readonly string[] {
  if (/^[./#]|^[A-Za-z]+:/.test(specifier) || isBuiltin(specifier)) return [];
  const [, name] = /^(@[^/]+\/[^/]+|[^@/][^/]*)/.exec(specifier) ?? [];
  return name === undefined ? [] : [name];
}

function manifestOf(from: FilePath, name: string): FilePath | undefined {
  for (const folder of foldersAbove(from)) {
    const file = `${folder}/node_modules/${name}/package.json`;
    if (existsSync(file)) return file;
  }
  return undefined;
}

function packageModel(manifest: FilePath): UserModels {
  const text = readText(manifest);
  // Most packages have no such field, and parsing hundreds of manifests takes its time.
  if (typeof text !== "string" || !text.includes('"unknot"')) return nothing;
  const parsed = parseJson(text, { comments: false });
  if (!parsed.ok) return nothing;
  const field = findNodeAtLocation(parsed.root, ["unknot"]);
  const name: unknown = findNodeAtLocation(parsed.root, ["name"])?.value;
  if (typeof field?.value !== "string" || typeof name !== "string") return nothing;
  const folder = folderOf(manifest);
  const file = resolvePath(folder, field.value);
  if (!isInside(folder, file)) {
    const message = "A package describes itself by a file of its own: 'unknot' is a path inside the package.";
    return {
      models: [],
      notices: placed(text, [{ offset: field.offset, message }]).map((one) => toNotice(manifest, one)),
      read: [],
    };
  }
  const read = modelFile(file, folder);
  const foreign = read.models
    .flatMap(({ modules }) => modules)
    .find((module) => module !== name && !module.startsWith(`${name}/`));
  if (foreign === undefined && !read.models.some((model) => model.global)) return read;
  const message = `The model of the package '${name}' may only describe '${name}', so it is left out.`;
  return { models: [], notices: [{ file, severity: "warning", message }], read: read.read };
}

/** One model file, with modules like `./src/locks` as absolute paths: those are read below `root`. */
function modelFile(file: FilePath, root: FilePath): UserModels {
  const text = readText(file);
  if (typeof text !== "string") return { models: [], notices: [unreadable(file, text)], read: [file] };
  const read = readModel(text);
  if (!read.ok)
    return { models: [], notices: read.problems.map((problem) => toNotice(file, problem)), read: [file] };
  const { model } = read;
  const notices: ProjectNotice[] = [];
  const modules = model.modules.flatMap((module, index) => {
    if (!/^\.{0,2}\//.test(module)) return [module];
    const found = sourceOf(resolvePath(root, module));
    if (found !== undefined) return [found];
    const message = `There is no file '${module}' below '${root}': correct the path.`;
    notices.push(...placesOf(text, ["modules", index], message).map((problem) => toNotice(file, problem)));
    return [];
  });
  return { models: modules.length > 0 || model.global ? [{ ...model, modules }] : [], notices, read: [file] };
}

function placesOf(text: string, path: readonly (string | number)[], message: string) {
  const parsed = parseJson(text, { comments: false });
  const node = parsed.ok ? findNodeAtLocation(parsed.root, [...path]) : undefined;
  return placed(text, [{ offset: node?.offset ?? 0, message }]);
}

const extensions = ["", ".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs"];

/** The source that a path without an extension, with that of its output, or of a folder means. */
function sourceOf(file: FilePath): FilePath | undefined {
  const base = file.replace(/\.([cm]?)js(x?)$/, "");
  const [, kind = "", react = ""] = /\.([cm]?)js(x?)$/.exec(file) ?? [];
  const candidates = [
    ...extensions.map((extension) => `${file}${extension}`),
    ...(base === file ? [] : [`${base}.${kind}ts${react}`]),
    ...extensions.slice(1).map((extension) => `${file}/index${extension}`),
  ];
  return candidates.find((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile() === true);
}

const nothing: UserModels = { models: [], notices: [], read: [] };

export function together(all: readonly UserModels[]): UserModels {
  return {
    models: all.flatMap(({ models }) => models),
    notices: all.flatMap(({ notices }) => notices),
    read: all.flatMap(({ read }) => read),
  };
}
