import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import {
  checkInstalled,
  type InstalledCheck,
  type WorkspaceModel,
} from "@unknot/server/models/check-installed.ts";
import { placeInModel, readModel } from "@unknot/server/models/read-model.ts";
import { TypeScriptUnavailable } from "@unknot/server/program/executable.ts";
import { CliError, exitCodes } from "../cli-error.ts";
import { slashes } from "../paths.ts";
import { type Colors, colorsFor, print, printable } from "../terminal.ts";

/** Where a workspace keeps its own models. */
const ownModels = ".unknot/models";

/**
 * `unknot models check [folder]`: compares the models with the declarations of the installed libraries. Resolves to
 * the exit code: 1 when a model says what its library does not.
 */
export async function checkModels(given = "."): Promise<number> {
  const folder = slashes(path.resolve(given));
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new CliError(`There is no folder '${given}': check the path.`);
  }
  const lines: string[] = [];
  const own: WorkspaceModel[] = [];
  const colors = colorsFor(process.stdout);
  const texts = new Map<string, string>();
  for (const file of ownFiles(folder)) {
    const text = readFileSync(path.join(folder, file), "utf8");
    texts.set(file, text);
    const read = readModel(text);
    if (read.ok) own.push({ file, model: read.model });
    else lines.push(...read.problems.map((problem) => problemLine(file, problem, problem.message, colors)));
  }
  const checks = checked(folder, own);
  for (const check of checks) lines.push(...linesOf(check, texts, colors));
  const wrong = lines.length;
  for (const check of checks) {
    const note = noteOf(check);
    if (note !== undefined) lines.push(note);
  }
  lines.push(summary(checks, wrong));
  await print(`${lines.map(printable).join("\n")}\n`);
  return wrong > 0 ? exitCodes.findings : exitCodes.fine;
}

/** Relative to the folder, with forward slashes. */
function ownFiles(folder: string): string[] {
  const place = path.join(folder, ownModels);
  const names = existsSync(place) ? readdirSync(place) : [];
  return names
    .filter((name) => name.endsWith(".json"))
    .map((name) => `${ownModels}/${name}`)
    .sort();
}

function checked(folder: string, own: readonly WorkspaceModel[]): readonly InstalledCheck[] {
  try {
    return checkInstalled(folder, own);
  } catch (error) {
    if (error instanceof TypeScriptUnavailable) throw new CliError(error.message);
    throw error;
  }
}

function linesOf(check: InstalledCheck, texts: ReadonlyMap<string, string>, colors: Colors): string[] {
  const text = check.file === undefined ? undefined : texts.get(check.file);
  if (check.file === undefined || text === undefined) {
    return check.contradictions.map(
      ({ path: at, message }) => `${colors.red(nameOf(check))} ${message} ${colors.dim(`(${at.join(".")})`)}`,
    );
  }
  const { file } = check;
  if (check.state === "absent") {
    const place = placeInModel(text, ["modules"]);
    return [problemLine(file, place, `There is no module '${check.module}' here.`, colors)];
  }
  return check.contradictions.map(({ path: at, message }) =>
    problemLine(file, placeInModel(text, at), message, colors),
  );
}

function problemLine(
  file: string,
  { line, column }: { readonly line: number; readonly column: number },
  message: string,
  colors: Colors,
): string {
  return `${colors.red(`${file}:${line}:${column}`)} ${message}`;
}

/** `async-mutex 0.5.0` */
function nameOf({ module, version }: InstalledCheck): string {
  return version === undefined ? module : `${module} ${version}`;
}

function noteOf(check: InstalledCheck): string | undefined {
  if (check.state === "undeclared") return `${nameOf(check)}: no declarations, so nothing was compared`;
  if (check.state !== "compared") return undefined;
  const range = check.describes === undefined ? "" : `, but the model describes ${check.describes}`;
  return check.contradictions.length > 0
    ? undefined
    : `${nameOf(check)}: ${check.claims} claims hold${range}`;
}

function summary(checks: readonly InstalledCheck[], wrong: number): string {
  const compared = checks.filter(({ state }) => state === "compared").length;
  const absent = checks.filter(({ state, file }) => state === "absent" && file === undefined).length;
  const counted = `${count(compared, "library", "libraries")} compared, ${absent} described but not installed`;
  return wrong === 0 ? `${counted}.` : `${counted}; ${count(wrong, "problem", "problems")}.`;
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
