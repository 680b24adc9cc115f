import { existsSync } from "node:fs";
import { getNodeValue } from "jsonc-parser";
import type { LinterTopic, OtherLinter } from "../../analysis/analyzer.ts";
import { parseJson } from "../../models/json-shape.ts";
import type { FilePath } from "../../program/ids.ts";
import { folderOf, foldersAbove } from "../../program/paths.ts";
import { readText } from "../projects.ts";
import { objectOf } from "../read-config.ts";
import { biomeConfig } from "./biome.ts";
import { eslintFlatConfig } from "./eslint-flat.ts";
import { eslintrcConfig, type ReadSettings } from "./eslint-legacy.ts";
import { isTypeAware, oxlintConfig } from "./oxlint.ts";
import { type LinterConfig, lintRules, silent } from "./verdict.ts";

type Settings = Readonly<Record<string, unknown>>;

const flatNames = ["js", "mjs", "cjs", "ts", "mts", "cts"].map((kind) => `eslint.config.${kind}`);
const eslintrcNames = [
  ".eslintrc.js",
  ".eslintrc.cjs",
  ".eslintrc.yaml",
  ".eslintrc.yml",
  ".eslintrc.json",
  ".eslintrc",
];
const oxlintNames = [".oxlintrc.json", ".oxlintrc.jsonc"];
const biomeNames = ["biome.json", "biome.jsonc", ".biome.json", ".biome.jsonc"];

/** Everything that a verdict may rest on, for a watcher. */
export const linterFiles = [...flatNames, ...eslintrcNames, ...oxlintNames, ...biomeNames];

/**
 * Which linter of the project already reports such mistakes in a file, as far as its configuration can be known
 * without running it. Keeps what it has read.
 */
export function createLinters(): (file: FilePath, about: LinterTopic) => OtherLinter | undefined {
  const byFolder = new Map<FilePath, Found>();
  const readBefore = new Map<FilePath, Settings | undefined>();
  const read: ReadSettings = (from) => {
    if (!readBefore.has(from)) readBefore.set(from, settingsIn(from));
    return readBefore.get(from);
  };
  return (file, about) => {
    const rule = lintRules[about];
    const folder = folderOf(file);
    const known = byFolder.get(folder) ?? find(file, read);
    byFolder.set(folder, known);
    if (known.eslint.verdict(file, rule) === "reports") return { name: "ESLint", sees: "types" };
    if (known.oxlint.verdict(file, rule) === "reports") return { name: "oxlint", sees: "types" };
    return known.biome.verdict(file, rule) === "reports" ? { name: "Biome", sees: "program" } : undefined;
  };
}

interface Found {
  readonly eslint: LinterConfig;
  readonly oxlint: LinterConfig;
  readonly biome: LinterConfig;
}

/** The configurations that hold in the folder of a file, up to the repository's own folder. */
function find(file: FilePath, read: ReadSettings): Found {
  const folders: FilePath[] = [];
  for (const folder of foldersAbove(file)) {
    folders.push(folder);
    if (existsSync(`${folder}/.git`)) break;
  }
  const all = (names: readonly string[]) =>
    folders.flatMap((folder) => {
      const name = names.find((one) => existsSync(`${folder}/${one}`));
      return name === undefined ? [] : [`${folder}/${name}`];
    });
  return { eslint: eslintOf(all, folders, read), oxlint: oxlintOf(all, read), biome: biomeOf(all, read) };
}

type Finder = (names: readonly string[]) => readonly FilePath[];

/** Where there is a flat configuration ESLint reads no other. */
function eslintOf(all: Finder, folders: readonly FilePath[], read: ReadSettings): LinterConfig {
  const [flat] = all(flatNames);
  if (flat !== undefined) {
    const text = readText(flat);
    return typeof text === "string" ? eslintFlatConfig(flat, text) : silent;
  }
  const files: { file: FilePath; settings: Settings | undefined }[] = [];
  for (const folder of folders) {
    const name = eslintrcNames.find((one) => existsSync(`${folder}/${one}`));
    const manifest = objectOf(read(`${folder}/package.json`));
    if (name !== undefined) files.push({ file: `${folder}/${name}`, settings: read(`${folder}/${name}`) });
    else if (manifest["eslintConfig"] !== undefined)
      files.push({ file: `${folder}/package.json`, settings: objectOf(manifest["eslintConfig"]) });
    if (files.at(-1)?.settings?.["root"] === true) break;
  }
  return files.length === 0 ? silent : eslintrcConfig(files, read);
}

function oxlintOf(all: Finder, read: ReadSettings): LinterConfig {
  const files = all(oxlintNames);
  const [nearest] = files;
  const [manifest] = all(["package.json"]).slice(-1);
  const root = files.at(-1);
  if (nearest === undefined || root === undefined) return silent;
  return oxlintConfig(
    nearest,
    read,
    isTypeAware(read(root), manifest === undefined ? undefined : read(manifest)),
  );
}

function biomeOf(all: Finder, read: ReadSettings): LinterConfig {
  const files = all(biomeNames);
  const [nearest] = files;
  return nearest === undefined ? silent : biomeConfig(nearest, read, files.at(-1));
}

/** The object in a JSON file; undefined for any other file, and for one that is not there or broken. */
function settingsIn(file: FilePath): Settings | undefined {
  if (!/(?:\.jsonc?|\.eslintrc)$/.test(file)) return undefined;
  const text = readText(file);
  if (typeof text !== "string") return undefined;
  const parsed = parseJson(text, { comments: true });
  return parsed.ok ? objectOf(getNodeValue(parsed.root)) : undefined;
}
