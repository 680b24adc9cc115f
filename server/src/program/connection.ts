import type { ChildProcess } from "node:child_process";
import { API } from "typescript/unstable/sync";
import { TypeScriptUnavailable } from "./executable.ts";
import type { FilePath } from "./ids.ts";

/** What TypeScript asks about files before it looks at the disk; `undefined` sends it there. */
export interface FileOverlay {
  readFile(file: FilePath): string | undefined;
  fileExists(file: FilePath): boolean | undefined;
  directoryExists(folder: FilePath): boolean | undefined;
  getAccessibleEntries(
    folder: FilePath,
  ): { readonly files: string[]; readonly directories: string[] } | undefined;
}

/** One running TypeScript process. */
export interface Connection {
  readonly api: API;
  readonly pid: number;
  /** True while the process answers; blocks until it does or its pipe closes. */
  answers(): boolean;
  /** Ends the process; never throws, also when it is gone already. */
  end(): void;
}

// The process behind the API is private there; `contract.test.ts` fails when a new version moves it.
interface Inside {
  readonly client: {
    echo(payload: string): string;
    readonly channel: { readonly child: ChildProcess };
  };
}

/**
 * Starts TypeScript. Every file it reads is asked for through `overlay.readFile`; the other questions are asked only
 * with `everything`, because they come by the thousand (a quarter more time to open a project).
 */
export function connect(executable: string, overlay: FileOverlay, everything: boolean): Connection {
  const readFile = guarded(overlay.readFile);
  const api = new API({
    cwd: process.cwd(),
    tsserverPath: executable,
    fs: everything
      ? {
          readFile,
          fileExists: guarded(overlay.fileExists),
          directoryExists: guarded(overlay.directoryExists),
          getAccessibleEntries: guarded(overlay.getAccessibleEntries),
        }
      : { readFile },
  });
  const { client } = api as unknown as Inside;
  const { child } = client.channel;
  // A failed start is reported here too; without a listener it would end the thread.
  child.on("error", () => undefined);
  if (child.pid === undefined) {
    throw new TypeScriptUnavailable(
      `TypeScript's compiler '${executable}' can't be started; check that it may be executed.`,
    );
  }
  return {
    api,
    pid: child.pid,
    answers() {
      try {
        return client.echo("?") === "?";
      } catch {
        return false;
      }
    },
    end() {
      // SIGTERM would make it print "context canceled" into our standard error.
      child.kill("SIGKILL");
      try {
        api.close();
      } catch {
        // Closing asks the process to release its snapshots, and it is gone.
      }
    },
  };
}

/** An exception in a callback would end the process, so there is none. */
function guarded<Answer>(callback: (file: FilePath) => Answer | undefined) {
  return (file: FilePath): Answer | undefined => {
    try {
      return callback(file);
    } catch {
      return undefined;
    }
  };
}
