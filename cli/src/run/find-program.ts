import { accessSync, constants, existsSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { CliError } from "../cli-error.ts";

/** What Node is started with, after its own options. */
export interface Program {
  /** Options for Node that stood before the file: `node --inspect app.js`. */
  readonly nodeOptions: readonly string[];
  readonly file: string;
  readonly args: readonly string[];
}

/**
 * The program that the words after `--` mean: a JavaScript or TypeScript file, `node` with options and a file, or a
 * command that a package of the project installed. Throws a CliError when there is none.
 */
export function findProgram(words: readonly string[], folder: string): Program {
  const [first, ...rest] = words;
  if (first === undefined) {
    throw new CliError("Say what to run: unknot run -- program.ts");
  }
  if (/^node(\.exe)?$/.test(path.basename(first)) && !isFile(path.resolve(folder, first))) {
    const at = rest.findIndex(
      (word, index) => !word.startsWith("-") && !takesValue.has(rest[index - 1] ?? ""),
    );
    const file = at === -1 ? undefined : rest[at];
    if (file === undefined)
      throw new CliError("Say which file Node shall run: unknot run -- node program.js");
    return { ...findProgram([file], folder), nodeOptions: rest.slice(0, at), args: rest.slice(at + 1) };
  }
  const file = fileOf(path.resolve(folder, first)) ?? installedCommand(first, folder);
  if (file === undefined) {
    throw new CliError(
      `There is no program '${first}': name a JavaScript or TypeScript file, or a command that a package of this project or the system has installed.`,
    );
  }
  return { nodeOptions: [], file, args: rest };
}

/** The command of the system that the words mean when they mean nothing of the project: `npx`, `npm`, `sh`. */
export function findCommand(
  [first]: readonly string[],
  folder: string,
  { PATH = "" }: NodeJS.ProcessEnv = process.env,
): string | undefined {
  if (first === undefined || !/^[\w@.+-]+$/.test(first) || /^node(\.exe)?$/.test(first)) return undefined;
  if (fileOf(path.resolve(folder, first)) ?? installedCommand(first, folder)) return undefined;
  // Without a shell Windows starts nothing else.
  const name = process.platform === "win32" && path.extname(first) !== ".exe" ? `${first}.exe` : first;
  return PATH.split(path.delimiter)
    .filter((each) => path.isAbsolute(each))
    .map((each) => path.join(each, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return isFile(file);
  } catch {
    return false;
  }
}

/** Options of Node whose value is a word of its own. */
const takesValue: ReadonlySet<string> = new Set([
  "-r",
  "--require",
  "--import",
  "--loader",
  "--experimental-loader",
  "-C",
  "--conditions",
  "--env-file",
  "--title",
]);

/** As Node finds the file that it is started with. */
function fileOf(named: string): string | undefined {
  const candidates = ["", ".js", ".json", ".node", "/index.js"].map((end) => named + end);
  return candidates.find(isFile) ?? (existsSync(path.join(named, "package.json")) ? named : undefined);
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

/** A script in `node_modules/.bin` of the folder or one above it. */
function installedCommand(name: string, folder: string): string | undefined {
  if (!/^[\w@.-]+$/.test(name)) return undefined;
  for (let at = folder; ; at = path.dirname(at)) {
    const link = path.join(at, "node_modules", ".bin", name);
    const file = existsSync(link) ? realpathSync(link) : undefined;
    if (file !== undefined && /\.[cm]?[jt]s$/.test(file)) return file;
    if (at === path.dirname(at)) return undefined;
  }
}
