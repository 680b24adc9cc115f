import type { FilePath } from "../program/ids.ts";
import type { SymbolAnswer } from "../program/program.ts";
import type { Question } from "./evaluate.ts";
import type { FunctionKey } from "./places.ts";
import type { Summary } from "./summary.ts";

/** Asks TypeScript where names lead: one answer per node, in order. */
export type Ask = (file: FilePath, nodes: readonly Question["node"][]) => readonly SymbolAnswer[];

/** What solving asks of whoever wants it. */
export interface SolveContext {
  readonly ask: Ask;
  /** Runs something about a file; when it crashes, that is noted and `otherwise` counts. */
  readonly attempt: <T>(file: FilePath, what: string, run: () => T, otherwise: T) => T;
  /** The files aside that are wanted, asked when the program is solved; those that they load are solved, too. */
  readonly wantedAside: (program: ReadonlyMap<FunctionKey, Summary>) => readonly FilePath[];
  /** Asked while solving, which then stops with what is known by then. */
  readonly isCancelled?: () => boolean;
}
