// V8's code of the tracer's own bundle, kept between processes: compiling it anew is a fifth of what a traced program's
// start costs. Who could write that file could run code in the program, so it lies where only this user can enter.
import path from "node:path";
import { cachedDataVersionTag } from "node:v8";
import { Script } from "node:vm";
import { lstatSync, readFileSync } from "./own-fs.ts";
import { keptCodePrefix, userId } from "./runtime-folder.ts";

/** A CommonJS bundle that is compiled here and not by Node's loader. */
export interface Bundle {
  readonly file: string;
  /** The folder that belongs to this user alone. */
  readonly runtimeFolder: string;
}

export interface LoadedBundle {
  readonly exports: unknown;
  /** Its code was not kept, or what was kept is not its code. */
  readonly isNew: boolean;
}

/** Runs a bundle, with its code as it was kept if it was. */
export function loadBundle(bundle: Bundle, require: NodeJS.Require): LoadedBundle {
  const source = readFileSync(bundle.file);
  const kept = keptCode(bundle, source);
  const script = new Script(wrapped(source), {
    filename: bundle.file,
    ...(kept === undefined ? {} : { cachedData: kept }),
  });
  const module = { exports: {} as unknown };
  type Wrapper = (
    exports: unknown,
    require: NodeJS.Require,
    module: object,
    file: string,
    folder: string,
  ) => void;
  const run = script.runInThisContext() as Wrapper;
  run(module.exports, require, module, bundle.file, path.dirname(bundle.file));
  return { exports: module.exports, isNew: kept === undefined || script.cachedDataRejected === true };
}

/** What is to be kept of a bundle, and where: its text, to be compared whole, and behind it the length of V8's code and the code. */
export function codeToKeep({ file, runtimeFolder }: Bundle): {
  readonly file: string;
  readonly content: Buffer;
} {
  const source = readFileSync(file);
  const code = new Script(wrapped(source), { filename: file }).createCachedData();
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(code.length);
  return { file: keptFile(runtimeFolder, source), content: Buffer.concat([source, bytes, code]) };
}

/** V8 compares no more of the text than its length, and takes code that is cut off; of another kind it takes none. */
function keptCode({ runtimeFolder }: Bundle, source: Buffer): Buffer | undefined {
  try {
    const file = keptFile(runtimeFolder, source);
    if (!isOurs(runtimeFolder) || !isOurs(file)) return undefined;
    const kept = readFileSync(file);
    if (!kept.subarray(0, source.length).equals(source)) return undefined;
    const code = kept.subarray(source.length + 4);
    return kept.readUInt32LE(source.length) === code.length ? code : undefined;
  } catch {
    return undefined;
  }
}

function isOurs(place: string): boolean {
  if (process.platform === "win32") return true;
  const { uid, mode } = lstatSync(place);
  return uid === userId() && (mode & 0o022) === 0;
}

/** One for each version and set of options of V8, which takes no other, and for each bundle. */
function keptFile(runtimeFolder: string, source: Buffer): string {
  return path.join(
    runtimeFolder,
    `${keptCodePrefix}${process.arch}-${cachedDataVersionTag()}-${source.length}`,
  );
}

/** As Node puts it around a CommonJS file: on its first line. */
function wrapped(source: Buffer): string {
  return `(function (exports, require, module, __filename, __dirname) { ${source.toString()}\n});`;
}
