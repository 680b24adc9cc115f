import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import type * as CheckInstalled from "@unknot/server/models/check-installed.ts";
import type { InstalledCheck, WorkspaceModel } from "@unknot/server/models/check-installed.ts";
import { placeInModel, readModel } from "@unknot/server/models/read-model.ts";
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
  const checks = await checked(folder, own);
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

/** In the sources an import; in the product a bundle of its own, so that no other command reads TypeScript's API. */
const comparison = import.meta.url.endsWith(".ts")
  ? "@unknot/server/models/check-installed.ts"
  : "./models.mjs";

async function checked(folder: string, own: readonly WorkspaceModel[]): Promise<readonly InstalledCheck[]> {
  const { checkInstalled } = (await import(comparison)) as typeof CheckInstalled;
  try {
    return checkInstalled(folder, own);
  } catch (error) {
    // Of another bundle, so its class is not the one that could be imported here.
    if (error instanceof Error && error.name === "TypeScriptUnavailable") throw new CliError(error.message);
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
