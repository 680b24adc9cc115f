import { bundledModels } from "@unknot/models/index.ts";
import type { Model } from "@unknot/models/model.ts";
import { atVersions, type InstalledVersions } from "../models/at-versions.ts";
import { mergeModels } from "../models/merge-models.ts";
import type { FileFacts } from "../program/facts.ts";
import type { FilePath, NodeId } from "../program/ids.ts";
import type { SymbolAnswer } from "../program/program.ts";
import type { AnalyzedProgram } from "./analyzed-program.ts";
import { withKeptFunctions } from "./file-shapes.ts";
import { createMemory, type Memory } from "./memory.ts";
import { indexModels, type ModelIndex } from "./model-index.ts";
import { canHaveRoom, type SteadyFile, steadyFile, withoutRoom } from "./steady-file.ts";

/** What one analysis leaves for the next, of the same program after an edit. Findings do not depend on it. */
export interface KeptAnalysis {
  /**
   * The program in places that edits leave as they are, with functions of the time before where they are the same.
   * `files` are those that are looked at now.
   */
  steadied(program: AnalyzedProgram, files: readonly FilePath[]): SteadyProgram;
  /** What is known of models and of the solution; nothing of the time before when the models are others. */
  under(
    models: readonly Model[],
    installed: InstalledVersions,
  ): { readonly models: ModelIndex; readonly memory: Memory };
}

/** A program in steady places. */
export interface SteadyProgram extends AnalyzedProgram {
  /** The place of what stands at an offset of a text. */
  settled(file: FilePath, place: number): number;
  /** What was put together from the text of a file, as it stands there. */
  written(file: FilePath, text: string): string;
}

/** Values of earlier texts stay; when they outnumber those of the first solution so much, all are dropped. */
const maxGrowth = 3;
/** Files that are looked at by as few are open in an editor; what is open will be edited. */
const maxOpen = 40;

export function keepAnalysis(): KeptAnalysis {
  const files = new Map<FilePath, KeptFile>();
  let known: { readonly text: string; readonly models: ModelIndex } | undefined;
  let memory: Memory | undefined;
  let firstSize: number | undefined;
  return {
    steadied(program, asked) {
      const open = new Set(asked.length <= maxOpen ? asked : []);
      const steady = (file: FilePath) => files.get(file)?.steady;
      const real = (file: FilePath, nodes: readonly NodeId[]) => nodes.map(steady(file)?.realNode ?? same);
      return {
        ...program,
        settled: (file, place) => steady(file)?.settled(place) ?? place,
        written: (file, text) => (steady(file) ? withoutRoom(text) : text),
        facts(file) {
          const found = program.facts(file);
          if (!found) return undefined;
          const kept = keptFile(program, file, found, files.get(file), open.has(file));
          files.set(file, kept);
          return kept.facts;
        },
        text(file) {
          const text = program.text(file);
          return text === undefined ? undefined : (steady(file)?.text() ?? text);
        },
        symbols: (file, nodes) =>
          program.symbols(file, real(file, nodes)).map((symbol) => {
            const of = symbol.kind === "declared" ? steady(symbol.file) : undefined;
            return symbol.kind === "declared" && of ? steadySymbol(of, symbol) : symbol;
          }),
        types: (file, nodes) => program.types(file, real(file, nodes)),
        callbacks: (file, calls) => program.callbacks(file, real(file, calls)),
        typeErrors(file) {
          const of = steady(file);
          const errors = program.typeErrors(file);
          return of
            ? errors.map(({ start, end }) => ({ start: of.place(start), end: of.place(end) }))
            : errors;
        },
      };
    },
    under(own, installed) {
      const text = textOf(own, installed);
      if (known?.text !== text) {
        known = { text, models: modelsAt(own, installed) };
        memory = undefined;
      }
      if (memory && firstSize === undefined) firstSize = memory.values.size;
      if (memory && firstSize !== undefined && memory.values.size > maxGrowth * firstSize + 10_000)
        memory = undefined;
      if (!memory) {
        memory = createMemory(true);
        firstSize = undefined;
      }
      return { models: known.models, memory };
    },
  };
}

/** A file at the time of one analysis. */
interface KeptFile {
  /** What the program says of it. */
  readonly given: FileFacts;
  readonly facts: FileFacts;
  readonly steady?: SteadyFile;
  readonly wasOpen: boolean;
}

/** Files that nobody has open stay in their own places: those of a program are many. */
function keptFile(
  program: AnalyzedProgram,
  file: FilePath,
  given: FileFacts,
  before: KeptFile | undefined,
  isOpen: boolean,
): KeptFile {
  const isNew = before?.given !== given;
  if (before && !isNew && (before.wasOpen || !isOpen)) return before;
  const wasOpen = isOpen || before?.wasOpen === true;
  const text = wasOpen ? program.text(file) : undefined;
  if (text === undefined || !canHaveRoom(text)) {
    return { given, facts: withKeptFunctions(given, before?.facts), wasOpen };
  }
  const steady = steadyFile(given, text, before?.steady);
  return { given, facts: withKeptFunctions(steady.facts, before?.facts), steady, wasOpen };
}

const steadySymbols = new WeakMap<SteadyFile, WeakMap<DeclaredSymbol, DeclaredSymbol>>();
type DeclaredSymbol = Extract<SymbolAnswer, { kind: "declared" }>;

/** The same object for the same answer. */
function steadySymbol(of: SteadyFile, symbol: DeclaredSymbol): DeclaredSymbol {
  const known = steadySymbols.get(of) ?? new WeakMap<DeclaredSymbol, DeclaredSymbol>();
  steadySymbols.set(of, known);
  const found = known.get(symbol) ?? { ...symbol, node: of.steadyNode(symbol.node) };
  known.set(symbol, found);
  return found;
}

const same = (node: NodeId): NodeId => node;

let latest: { readonly text: string; readonly models: ModelIndex } | undefined;

/** The index of the bundled models and others, as they describe what is installed; made once for the same ones. */
export function modelsAt(own: readonly Model[], installed: InstalledVersions): ModelIndex {
  const text = textOf(own, installed);
  if (latest?.text !== text) {
    const models = mergeModels(atVersions(bundledModels, installed), atVersions(own, installed));
    latest = { text, models: indexModels(models) };
  }
  return latest.models;
}

function textOf(own: readonly Model[], installed: InstalledVersions): string {
  return JSON.stringify([own, [...installed]]);
}
