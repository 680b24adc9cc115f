import { definePass, locationIn, type ProgramView, type ReportedStep } from "../analysis/analyzer.ts";
import type { Evaluation } from "../analysis/evaluate.ts";
import type { FixPlan } from "../analysis/fix-plan.ts";
import { usesIn } from "../analysis/flow.ts";
import { type FunctionKey, type Location, parseKey } from "../analysis/places.ts";
import {
  type AccessReader,
  initialStore,
  placeRead,
  placeWritten,
  type SharedPlace,
} from "../analysis/shared-places.ts";
import { awaitFirst } from "../analysis/task-fixes.ts";
import { plain } from "../analysis/values.ts";
import { walkPaths } from "../analysis/walk-paths.ts";
import type { BlockId, Instruction, Temp } from "../program/facts.ts";
import { isAwaitPoint } from "../program/instructions.ts";
import { FunctionCode } from "./function-code.ts";
import { waitedFor } from "./function-words.ts";
import { type Parallel, parallel } from "./parallel.ts";
import { mayBeCalledInTurn, mayWaitForTurn, type SureOverlap, sureOverlap } from "./sure-overlaps.ts";

// Lost updates: a shared place is read, others run during an await, and what was computed from the old value is stored
// over what they have stored. The three accesses are an unserialisable triple of read, remote write and write (Lu et
// al., "AVIO: detecting atomicity violations via access interleaving invariants", 2006).

/** A write of a shared place that is computed from what the place held before an await. */
export interface StaleWrite {
  /** As written: `account.balance`. */
  readonly place: string;
  /** What overlaps: `runs of 'book'`. */
  readonly runs: string;
  readonly write: Location;
  /** Absent where only unknown callers could let two runs overlap. */
  readonly overlap: SureOverlap | undefined;
  readonly trace: readonly ReportedStep[];
  readonly fixes: readonly FixPlan[];
}

export const staleWrites = definePass<readonly StaleWrite[]>({
  id: "stale-writes",
  run(view, resultOf) {
    const beside = () => resultOf(parallel, view.world.files[0] ?? "");
    return (file) =>
      view
        .functionsOf(file)
        .flatMap((key) => view.attempt(file, "stale writes", () => staleWritesIn(view, key, beside), []));
  },
});

const maxBlocks = 2_000;

function staleWritesIn(view: ProgramView, key: FunctionKey, beside: () => Parallel): readonly StaleWrite[] {
  const evaluation = view.solution.evaluation(key);
  if (!evaluation?.facts.async || evaluation.facts.generator) return [];
  if (evaluation.facts.imprecise !== undefined || evaluation.facts.blocks.length > maxBlocks) return [];
  const updates = updatesIn(view, evaluation);
  if (updates.length === 0) return [];
  const code = new FunctionCode(view, evaluation);
  const found = new Map<string, StaleWrite>();
  for (const update of updates) {
    const wait = waitOf(code, update);
    if (wait === undefined || found.has(`${update.write.start}`)) continue;
    const { owner } = update.place;
    if (isSerialised(beside(), code, update) || !beside().overlapsItself(key, owner)) continue;
    const contexts = beside().contexts();
    const overlap = sureOverlap(view, contexts, key, owner);
    // An object that nobody is seen to share may well be used by one task alone, like a reader of a file.
    if (overlap === undefined && (owner.kind !== "program" || mayBeCalledInTurn(view, contexts, key)))
      continue;
    found.set(`${update.write.start}`, describe(view, code, update, wait, overlap));
  }
  return withOneFixEach([...found.values()]);
}

/** All fixes of a file may be applied at once, and two for one place would give their variables one name. */
function withOneFixEach(writes: readonly StaleWrite[]): readonly StaleWrite[] {
  const places = new Set<string>();
  return writes.map((write) => {
    const isFirst = !places.has(write.place);
    places.add(write.place);
    return isFirst ? write : { ...write, fixes: [] };
  });
}

/** One lock is held from the read to the write, or one call after the other comes here. */
function isSerialised(beside: Parallel, code: FunctionCode, { read, write }: Update): boolean {
  const { key } = code.evaluation;
  if (beside.contexts().gates(key).size > 0) return true;
  const before = new Set(beside.heldAt(key, read));
  return beside.heldAt(key, write).some((lock) => before.has(lock)) || mayWaitForTurn(code, read);
}

// --- updates: writes that are computed from a read of the same place

interface Update {
  readonly place: SharedPlace;
  readonly read: Instruction;
  /** What lies between in the order of the computation, the read and the write left out. */
  readonly steps: readonly Instruction[];
  readonly write: Instruction;
}

function updatesIn(view: ProgramView, evaluation: Evaluation): readonly Update[] {
  const reader: AccessReader = { semantics: view.solution.semantics, evaluation };
  return evaluation.facts.blocks.flatMap((block, index) =>
    evaluation.reached[index]
      ? block.code.flatMap((write) => {
          const place = placeWritten(reader, write);
          const value = write.op === "store" || write.op === "set" ? write.from : undefined;
          if (!place || value === undefined) return [];
          return readsOf(reader, place.id, value, []).map(({ read, steps }) => ({
            place,
            read,
            steps,
            write,
          }));
        })
      : [],
  );
}

const maxSteps = 12;

/** The reads of a place that a value is computed from by operators alone; a plain copy puts back what was there. */
function readsOf(
  reader: AccessReader,
  place: string,
  value: Temp,
  behind: readonly Instruction[],
): readonly Pick<Update, "read" | "steps">[] {
  if (behind.length > maxSteps) return [];
  return usesIn(reader.evaluation.facts)
    .definitions(value)
    .flatMap((i) => {
      if (placeRead(reader, i)?.id === place) {
        return behind.some(computes) ? [{ read: i, steps: behind }] : [];
      }
      return partsOf(reader, i).flatMap((part) => readsOf(reader, place, part, [i, ...behind]));
    });
}

/** What an operator, a literal or a local variable takes its value from. */
function partsOf({ evaluation, semantics }: AccessReader, i: Instruction): readonly Temp[] {
  switch (i.op) {
    case "binary":
      return arithmetic.has(i.operator) ? [i.left, i.right] : [];
    case "unary":
      return /^[-+~]$/.test(i.operator) ? [i.from] : [];
    case "template":
      return i.parts;
    case "object":
      return i.parts.map((part) => part.value);
    case "array":
      return i.elements.filter((element) => element !== null);
    case "move":
    case "spread":
      return [i.from];
    case "call": {
      const callee = evaluation.values[i.callee];
      const real = callee && plain(callee);
      return real?.kind === "global" && real.path[0] === "Math" ? i.arguments : [];
    }
    case "load": {
      const { file, id } = parseKey(evaluation.key);
      const fact = semantics.world.facts(file)?.variables[i.variable];
      if (fact?.function !== id || fact.assignments > 0) return [];
      const stored = initialStore(evaluation.facts, i.variable);
      return stored === undefined ? [] : [stored];
    }
    default:
      return [];
  }
}

const arithmetic: ReadonlySet<string> = new Set([..."+-*/%&|^", "**", "<<", ">>", ">>>"]);

function computes({ op }: Instruction): boolean {
  return op !== "move" && op !== "load" && op !== "spread";
}

// --- the way from the read to the write

interface Way {
  /** So many of the steps lie behind. */
  readonly done: number;
  readonly wait: Instruction | undefined;
}

/** The first await on some path from the read to the write, if nothing on that path looks at the place again. */
function waitOf(code: FunctionCode, update: Update): Instruction | undefined {
  const { evaluation } = code;
  const { blocks } = evaluation.facts;
  const { place, read, steps, write } = update;
  const block = blocks.findIndex((one) => one.code.includes(read));
  const from = (blocks[block]?.code.indexOf(read) ?? 0) + 1;
  const branches = new Map(blocks.map((one, id) => [one.end, id as BlockId]));
  let found: Instruction | undefined;
  const step = (way: Way, i: Instruction): Way | undefined => {
    if (i === write) {
      if (way.done === steps.length) found ??= way.wait;
      return undefined;
    }
    if (i === read || code.changes(i).includes(place.id)) return undefined;
    if (way.wait !== undefined && code.reads(i).includes(place.id)) return undefined;
    const done = i === steps[way.done] ? way.done + 1 : way.done;
    return { done, wait: way.wait ?? (isAwaitPoint(i) ? i : undefined) };
  };
  const start = { block: block as BlockId, from, state: { done: 0, wait: undefined } };
  const isWhole = walkPaths<Way>(evaluation, [start], {
    step,
    keyOf: ({ done, wait }) => `${done} ${wait?.start}`,
    // Whoever looks at shared state after the await finds out whether somebody else was there.
    decided: (way, test) => {
      const looks = code.looksAt.get(branches.get(test) ?? (-1 as BlockId));
      return way.wait !== undefined && looks !== undefined && looks.size > 0 ? undefined : way;
    },
  });
  return isWhole ? found : undefined;
}

// --- words

function describe(
  view: ProgramView,
  code: FunctionCode,
  update: Update,
  wait: Instruction,
  overlap: SureOverlap | undefined,
): StaleWrite {
  const { key } = code.evaluation;
  const { place, read, write } = update;
  const { file } = parseKey(key);
  const named = view.world.function(key)?.name.split(".").at(-1);
  const runs = named ? `runs of '${named}'` : "runs of this callback";
  const waited = waitedFor(view, code, wait);
  const started: ReportedStep[] =
    overlap === undefined
      ? []
      : [
          {
            at: overlap.at,
            what: overlap.repeatedly
              ? `${runs} are started here whenever it happens`
              : `${runs} are started here side by side`,
          },
        ];
  return {
    place: place.text,
    runs,
    write: locationIn(file, write),
    overlap,
    trace: [
      ...started,
      { at: locationIn(file, read), what: `one run reads '${place.text}' here` },
      {
        at: locationIn(file, wait),
        what: `it waits${waited === undefined ? "" : ` for '${waited}'`} here, and another run stores its own '${place.text}'`,
      },
      { at: locationIn(file, write), what: "it stores what it computed from the old value" },
    ],
    fixes: waitFirst(view, code, update, wait),
  };
}

/** The update is one statement of operators around one await, which may as well come first. */
function waitFirst(
  view: ProgramView,
  { evaluation }: FunctionCode,
  { place, read, steps, write }: Update,
  wait: Instruction,
): readonly FixPlan[] {
  const { file } = parseKey(evaluation.key);
  const facts = view.world.facts(file);
  const together = evaluation.facts.blocks.some(({ code }) =>
    [read, wait, write].every((i) => code.includes(i)),
  );
  // What literals are made of may take its type from where it stands.
  const isPlain = steps.every(({ op }) => op === "binary" || op === "unary" || op === "template");
  if (!facts || !together || !isPlain || wait.op !== "await") return [];
  const fix = awaitFirst(view, facts, evaluation.facts, locationIn(file, wait), place.text);
  return fix ? [fix] : [];
}
