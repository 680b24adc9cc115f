import os from "node:os";
import path from "node:path";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "./own-fs.ts";
import { randomHex } from "./random.ts";

// As they are before a program or a test puts others in their place.
const { tmpdir, userInfo } = os;

/**
 * The folder in which traced threads of this user register; docs/protocol.md says how it is found. A child process whose
 * folder for temporary files is another one is told by `UNKNOT_RUNTIME_FOLDER`.
 */
export function runtimeFolderPath(env: Readonly<Record<string, unknown>> = process.env): string {
  const told = env["UNKNOT_RUNTIME_FOLDER"];
  return typeof told === "string" && told !== "" ? told : path.join(tmpdir(), `unknot-${userId()}`);
}

/** How files begin that code is kept in (`code-cache.ts`). */
export const keptCodePrefix = "code-";

/** This user. In a container he often has no name, and then Node has no other information about him. */
export function userId(): number {
  return process.geteuid?.() ?? userInfo().uid;
}

/** Makes sure that the folder is there and that only this user can enter it; throws when somebody else owns it. */
export function openRuntimeFolder(folder: string): string {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  if (process.platform === "win32") return folder;
  const stats = lstatSync(folder);
  const uid = userId();
  if (!stats.isDirectory() || stats.uid !== uid) {
    throw new Error(`'${folder}' is not a folder of this user, so no dumps are served`);
  }
  if ((stats.mode & 0o077) !== 0) chmodSync(folder, 0o700);
  return folder;
}

/** Where a thread listens. Socket paths are short: a system allows about a hundred characters. */
export function endpointFor(folder: string, pid: number, threadId: number): string {
  const name = `${pid}-${threadId}`;
  return process.platform === "win32"
    ? `\\\\.\\pipe\\unknot-${name}-${randomHex(8)}`
    : path.join(folder, `${name}.sock`);
}

/** Writes a file of the folder whole: readers never see a part of it, and nothing is left of one that can't be written. */
export function writeWhole(file: string, content: Iterable<string> | Uint8Array): void {
  const part = `${file}.${randomHex(4)}.part`;
  try {
    if (content instanceof Uint8Array) writeFileSync(part, content, { mode: 0o600 });
    else writeInPieces(part, content);
    renameSync(part, file);
  } catch (error) {
    // A disk that is full is not to stay so for our sake.
    removeFile(part);
    throw error;
  }
}

function writeInPieces(file: string, content: Iterable<string>): void {
  writeFileSync(file, "", { mode: 0o600 });
  let chunk = "";
  for (const piece of content) {
    chunk += piece;
    if (chunk.length < 1 << 20) continue;
    writeFileSync(file, chunk, { flag: "a" });
    chunk = "";
  }
  writeFileSync(file, chunk, { flag: "a" });
}

const dayMs = 24 * 3600 * 1000;

/** Removes what threads of dead processes left, except last dumps younger than a day, and code that was kept long ago. */
export function removeStale(folder: string, isAlive: (pid: number) => boolean, nowMs: number): void {
  for (const name of readdirSync(folder)) {
    const pid = Number(/^(\d+)-\d+\./.exec(name)?.[1]);
    const isCode = name.startsWith(keptCodePrefix);
    if (!isCode && (!Number.isInteger(pid) || isAlive(pid))) continue;
    const keptMs = isCode ? 30 * dayMs : name.includes(".last.json") ? dayMs : 0;
    const file = path.join(folder, name);
    try {
      if (keptMs > 0 && nowMs - lstatSync(file).mtimeMs < keptMs) continue;
      removeFile(file);
    } catch {
      // Another process is tidying up, too.
    }
  }
}

/** Removes a registration if it is still that of the thread which started then: a process id may have come back. */
export function removeOwn(file: string, startedAt: number): void {
  try {
    const { startedAt: found } = JSON.parse(readFileSync(file, "utf8")) as { startedAt?: unknown };
    if (found === startedAt) removeFile(file);
  } catch {
    // Not there any more.
  }
}

/** Removes a file, if it is there. */
export function removeFile(file: string): void {
  try {
    // `rmSync` would call other functions of Node's, which a program may have put others in the place of.
    unlinkSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
