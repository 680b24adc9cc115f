import { readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { bundledModels } from "@unknot/models/index.ts";
import type { Model } from "@unknot/models/model.ts";
import semver from "semver";
import type { FilePath } from "../program/ids.ts";
import { joinExports, type Libraries, type LibraryExports, openLibraries } from "../program/library-types.ts";
import { keyOf, slashes } from "../program/paths.ts";
import { checkModel, type ModelContradiction } from "./check-model.ts";

/** A model of the workspace, and the file it comes from. */
export interface WorkspaceModel {
  readonly file: string;
  readonly model: Model;
}

/** What came out for one model and one of its modules. */
export interface InstalledCheck {
  /** The module as a program imports it. */
  readonly module: string;
  /** Of the installed package; absent for files of the workspace. */
  readonly version?: string;
  /** The file that the model comes from; absent for those that ship with Unknot. */
  readonly file?: string;
  /** `absent`: there is no such package or file. `undeclared`: it has no declarations to compare with. */
  readonly state: "compared" | "absent" | "undeclared";
  /** The range that the model describes, when the installed version is not in it. */
  readonly describes?: string;
  readonly claims: number;
  readonly contradictions: readonly ModelContradiction[];
}

/**
 * Compares the models that ship with Unknot, and the workspace's own, with what a file in `folder` would import. Throws
 * `TypeScriptUnavailable` when there is no compiler.
 */
export function checkInstalled(folder: FilePath, own: readonly WorkspaceModel[] = []): InstalledCheck[] {
  // What comes with the language or with Node is declared by what the tests of Unknot compare it with.
  const bundled = bundledModels.filter((model) => model.versions !== undefined).map((model) => ({ model }));
  const all: readonly (Pick<WorkspaceModel, "model"> & Partial<WorkspaceModel>)[] = [...own, ...bundled];
  const pairs = all.flatMap(({ model, file }) =>
    model.modules.map((module) => ({ model, module, file, installed: installedPackage(folder, module) })),
  );
  const present = pairs.filter(({ module, installed }) => installed !== undefined || isPath(module));
  const libraries = openLibraries(folder, [...new Set(present.map(({ module }) => module))]);
  try {
    return pairs.map(({ model, module, file, installed }) => ({
      ...compared(libraries, model, module, installed),
      ...(file === undefined ? {} : { file }),
    }));
  } finally {
    libraries.close();
  }
}

function compared(
  libraries: Libraries,
  model: Model,
  module: string,
  installed: InstalledPackage | undefined,
): InstalledCheck {
  const { versions } = model;
  const version = installed?.version;
  const base = {
    module,
    ...(version === undefined ? {} : { version }),
    ...(version === undefined || versions === undefined || semver.satisfies(version, versions)
      ? {}
      : { describes: versions }),
    claims: 0,
    contradictions: [],
  };
  const exports = libraries.module(module);
  if (exports === undefined || !declares(exports, installed)) {
    return { ...base, state: version === undefined ? "absent" : "undeclared" };
  }
  const own = model.global ? joinExports([exports, libraries.globals]) : exports;
  const { claims, contradictions } = checkModel(model, own, version);
  return { ...base, state: "compared", claims, contradictions };
}

function isPath(module: string): boolean {
  return module.startsWith("./") || module.startsWith("../");
}

interface InstalledPackage {
  readonly version: string;
  /** Without links, with forward slashes. */
  readonly folder: FilePath;
}

/** The package that has a module, as Node would find it from a folder. */
function installedPackage(folder: FilePath, module: string): InstalledPackage | undefined {
  if (isPath(module)) return undefined;
  const parts = module.split("/").slice(0, module.startsWith("@") ? 2 : 1);
  for (let at = folder; ; at = path.dirname(at)) {
    const found = packageAt(path.join(at, "node_modules", ...parts));
    if (found !== undefined || path.dirname(at) === at) return found;
  }
}

function packageAt(folder: string): InstalledPackage | undefined {
  try {
    const text = readFileSync(path.join(folder, "package.json"), "utf8");
    const { version } = JSON.parse(text) as { readonly version?: unknown };
    if (typeof version !== "string") return undefined;
    return { version, folder: slashes(realpathSync(folder)) };
  } catch {
    return undefined;
  }
}

/** TypeScript looks further when a package has no declarations, and may find those of another version. */
function declares(exports: LibraryExports, installed: InstalledPackage | undefined): boolean {
  const { file } = exports;
  if (file === undefined || installed === undefined || file.includes("/node_modules/@types/")) return true;
  return keyOf(file).startsWith(keyOf(`${installed.folder}/`));
}
