/** Something the user can mend: printed as one sentence, without a stack. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, { exitCode = exitCodes.couldNotRun }: { readonly exitCode?: number } = {}) {
    super(message);
    this.name = "CliError";
    this.exitCode = exitCode;
  }
}

export const exitCodes = {
  fine: 0,
  findings: 1,
  couldNotRun: 2,
  /** `unknot run --fail-on-problem` found one; the number of Go's race detector. */
  problem: 66,
} as const;

/** The sentence of an error that was not foreseen. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
