import type { FileFacts, Range } from "./facts.ts";
import type { FilePath, Generation, NodeId } from "./ids.ts";

export type { FilePath, Generation, NodeId };

/** Where a name leads, aliases and re-exports followed. */
export type SymbolAnswer =
  /** Nothing is known: no types installed, `any`, or no such name. */
  | { readonly kind: "unknown" }
  | {
      readonly kind: "declared";
      /** The declared name (`acquire`, `default` for an anonymous default export, `*` for a module). */
      readonly name: string;
      /** The class, interface or namespace that declares it. */
      readonly container?: string;
      /** The ambient module that declares it, without `node:`: `timers/promises`. */
      readonly module?: string;
      readonly file: FilePath;
      readonly node: NodeId;
      /**
       * The npm package that owns the file: `async-mutex`; for a file of `@types/x` the package `x` it describes (`node`
       * for Node's own modules). Absent for files of the project.
       */
      readonly package?: string;
      /** True for TypeScript's own `lib.*.d.ts`. */
      readonly library: boolean;
    };

/** What the type of an expression says about promises. */
export interface TypeAnswer {
  /** No information: `any`, an error type, a missing declaration. */
  readonly unknown: boolean;
  /** Every member of the union has a callable `then`, one has, or none has. */
  readonly thenable: "always" | "sometimes" | "never";
  /** The thenable members are the library's `Promise`, and not a lazy or foreign thenable. */
  readonly promise: boolean;
  /** Name and owner of the type's symbol when it is a named class or interface. */
  readonly named?: { readonly name: string; readonly package?: string; readonly library: boolean };
}

/** What becomes of the result of a function that a call is given, by the type of the parameter. */
export interface CallbackAnswer {
  /**
   * `dropped`: the parameter's type says `void`, in every overload. `awaited`: some overload takes a promise. `unknown`:
   * anything else - a result of any type, no function, no types.
   */
  readonly result: "dropped" | "awaited" | "unknown";
  /** What the call gives is what the function gives, as far as type parameters say: `withSpan(() => load())`. */
  readonly isPassedOn: boolean;
  /** The npm package that declares the called function, and its installed major version. */
  readonly package?: { readonly name: string; readonly major?: number };
  /** It is declared by TypeScript's own `lib.*.d.ts`. */
  readonly library: boolean;
}

/** A problem with the project itself, told once: a broken tsconfig, a missing base, a file that can't be read. */
export interface ProjectNotice {
  readonly file: FilePath;
  /** `warning`: results may be missing. `information`: read differently than it stands there, nothing is lost. */
  readonly severity: "warning" | "information";
  /** One sentence that names the remedy. */
  readonly message: string;
  /** Where in the file, from 1, when it is about one place. */
  readonly at?: { readonly line: number; readonly column: number };
}

/**
 * The only way to TypeScript. Synchronous: it runs on a thread of its own (see `server/src/worker`). Every answer
 * belongs to the generation of the last `commit`.
 */
export interface Program {
  /**
   * Opens what `paths` name (a file, a folder or a tsconfig). Folders are searched for tsconfig files; files outside
   * any of them go to an inferred project. Replaces what was open before.
   */
  open(paths: readonly FilePath[]): void;
  /** Text of an unsaved buffer; takes effect with the next `commit`. */
  setBuffer(path: FilePath, text: string): void;
  closeBuffer(path: FilePath): void;
  /** Files changed on disk, seen by a watcher. */
  invalidate(paths: readonly FilePath[]): void;
  /**
   * Takes in what changed. When something did, earlier ids and answers are void and the generation grows by one. A
   * question about a file throws until its facts were asked for in their new state.
   */
  commit(): Generation;
  readonly generation: Generation;
  /** Sources of the opened projects, without declarations and dependencies: what can be looked at. Sorted. */
  files(): readonly FilePath[];
  /** The files among them that the opened paths mean: where findings are wanted. Sorted. */
  selected(): readonly FilePath[];
  /** Facts of one file of the program, also of one in a dependency; undefined when there is none or it can't be read. */
  facts(path: FilePath): FileFacts | undefined;
  /** False where a line (from 1) starts inside a string, a template or the text of JSX. */
  startsInCode(path: FilePath, line: number): boolean;
  /** The text that `facts` describes. */
  text(path: FilePath): string | undefined;
  /** Where the names at these nodes lead. One answer per node, in order; asks in one batch. */
  symbols(path: FilePath, nodes: readonly NodeId[]): readonly SymbolAnswer[];
  /** The types of these expressions. One answer per node, in order; asks in one batch. */
  types(path: FilePath, nodes: readonly NodeId[]): readonly TypeAnswer[];
  /** Where TypeScript itself reports an error of types. It checks the whole file for that, so ask for few. */
  typeErrors(path: FilePath): readonly Range[];
  /** What these calls and constructions do with what each of their arguments returns; asks once per call. */
  callbacks(path: FilePath, calls: readonly NodeId[]): readonly (readonly CallbackAnswer[])[];
  /** The file a module specifier of `from` means, when it is a file of the program. */
  resolveModule(from: FilePath, specifier: string): FilePath | undefined;
  /** Grows when specifiers of files that have not changed may mean other files than before. */
  readonly resolutions: number;
  notices(): readonly ProjectNotice[];
  /** Every file on disk that TypeScript or the search for projects has read, and the folders that were searched. */
  inputs(): { readonly files: readonly FilePath[]; readonly folders: readonly FilePath[] };
  /** One notice for each selected file that does not parse, with its first error. */
  syntaxErrors(): readonly ProjectNotice[];
  /** Questions asked of TypeScript since the start, by kind, for `--stats` and tests. */
  readonly questions: { readonly symbols: number; readonly types: number; readonly trees: number };
  /** Lets go of TypeScript's process and its memory; the next question starts it again. */
  rest(): void;
  close(): void;
}
