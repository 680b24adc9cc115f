import type { Program } from "../program/program.ts";

/** What the analysis asks of a program. */
export type AnalyzedProgram = Pick<
  Program,
  | "files"
  | "facts"
  | "text"
  | "symbols"
  | "types"
  | "callbacks"
  | "typeErrors"
  | "resolveModule"
  | "resolutions"
>;
