import { spawn } from "node:child_process";
import { constants } from "node:os";
import { CliError, reasonOf } from "../cli-error.ts";

/** How a program ended: with a code, or by a signal. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Start {
  readonly node: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface Hooks {
  readonly onStart?: (pid: number) => void;
  /** Called, and waited for, before a signal that this command got is passed on. */
  readonly beforeSignal?: (signal: NodeJS.Signals) => Promise<void>;
}

/** Signals that end a program unless it wants otherwise; a program has to get them like without us. */
const passedOn: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR2", "SIGBREAK"];

/**
 * Runs a program with this command's own standard streams and resolves when it has ended. Signals are passed on. A
 * terminal sends an interrupt to every process in front of it, the program too: then it is not sent a second time.
 */
export async function runProgram({ node, args, env }: Start, hooks: Hooks = {}): Promise<Ending> {
  const child = spawn(node, [...args], { stdio: "inherit", env });
  const handlers = new Map<NodeJS.Signals, () => void>();
  const ended = new Promise<Ending>((resolve, reject) => {
    child.once("error", (error) => reject(new CliError(`'${node}' can't be started: ${reasonOf(error)}.`)));
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  for (const signal of passedOn) {
    if (!(signal in constants.signals)) continue;
    const handler = () => {
      const fromTerminal = signal === "SIGINT" && process.stdin.isTTY;
      void (async () => {
        await hooks.beforeSignal?.(signal);
        if (!fromTerminal) child.kill(signal);
      })();
    };
    process.on(signal, handler);
    handlers.set(signal, handler);
  }
  if (child.pid !== undefined) hooks.onStart?.(child.pid);
  try {
    return await ended;
  } finally {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  }
}

/** Ends this process as the program ended, so that a shell sees no difference. */
export function endLike({ code, signal }: Ending): never {
  if (signal !== null) {
    // Without a handler of ours the signal ends this process; a shell reports 128 + its number.
    process.kill(process.pid, signal);
    process.exit(128 + (constants.signals[signal] ?? 0));
  }
  process.exit(code ?? 1);
}
