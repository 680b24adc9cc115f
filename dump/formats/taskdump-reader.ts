import type {
  ContendedHold,
  ContendedResource,
  ContendedWait,
  Contention,
} from "@unknot/protocol/contention.ts";
import type {
  Coverage,
  Dump,
  Filtered,
  LoopState,
  ProcessInfo,
  Site,
  SourceFile,
} from "@unknot/protocol/dump.ts";
import type { Place } from "@unknot/protocol/place.ts";
import type { Problem } from "@unknot/protocol/problem.ts";
import type { Hold, Resource, ResourceId, ResourceKind } from "@unknot/protocol/resource.ts";
import {
  type Fate,
  fates,
  type Task,
  type TaskId,
  type TaskKind,
  type TaskState,
  taskStates,
  type Wait,
} from "@unknot/protocol/task.ts";
import { type Certainty, type Verdict, verdicts } from "@unknot/protocol/verdict.ts";
import { otherVersion, type ReadDumps, resourceKinds, taskKinds } from "./read-dumps.ts";
import {
  groupHeader,
  holdsHeader,
  pattern,
  problemHeader,
  readPlace,
  reference,
  resourceHeader,
  taskHeader,
  waitsHeader,
} from "./taskdump-lines.ts";
import { anonymous, jsonString, readNumbers, readOperation, readSeconds, unquote } from "./text.ts";

/**
 * Reads `.taskdump` text and what Go prints for all goroutines (`debug=2`, a crash), also a part of it: whatever is
 * understood is given back, the rest is counted. Never throws.
 */
export function readTaskdump(text: string): ReadDumps {
  const dumps: Dump[] = [];
  const notes: string[] = [];
  let unknown = 0;
  let reader: DumpReader | undefined;
  /** The lines are those of a dump that can't be read. */
  let isOther = false;
  const finish = () => {
    if (reader === undefined) return;
    const result = reader.finish();
    if (result.dump !== undefined) dumps.push(result.dump);
    notes.push(...result.notes);
    unknown += result.unknown;
    reader = undefined;
  };
  for (const line of linesOf(text)) {
    const magic = /^taskdump (\d+)(?: (\w+))?$/.exec(line);
    if (magic !== null) {
      finish();
      isOther = magic[1] !== "1";
      if (isOther) notes.push(otherVersion(Number(magic[1])));
      else reader = new DumpReader(true);
      continue;
    }
    if (isOther) continue;
    reader ??= new DumpReader(false);
    reader.line(line);
  }
  finish();
  if (dumps.length === 0 && notes.length === 0) {
    notes.push("This is no task dump: it has neither a 'taskdump' line nor a task or goroutine.");
  }
  return { dumps, unknown, notes };
}

function* linesOf(text: string): Generator<string, void, undefined> {
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf("\n", start);
    const stop = end === -1 ? text.length : end;
    yield text.slice(start, text[stop - 1] === "\r" ? stop - 1 : stop);
    start = stop + 1;
  }
}

const mostTasks = 10_000_000;
/** Longer lines are not ours, except lists of tasks. */
const longestLine = 65_536;
const listLine = /^(?:ids|collected|waiters|waiting on|deadlock|problem) /;

const stateWords: ReadonlySet<string> = new Set(taskStates);
/** Go's words for what has another one here; every other wait of a goroutine is an `await`. */
const goStates: Readonly<Record<string, TaskState>> = {
  "chan receive (nil chan)": "chan receive",
  "chan send (nil chan)": "chan send",
  semacquire: "semaphore.acquire",
  "sync.Mutex.Lock": "mutex.lock",
  "sync.RWMutex.RLock": "rwlock.rlock",
  "sync.RWMutex.Lock": "rwlock.lock",
  "sync.Cond.Wait": "cond.wait",
  "sync.WaitGroup.Wait": "join",
  syscall: "IO wait",
};
const kindWords: ReadonlySet<string> = new Set(resourceKinds);
const taskKindWords: ReadonlySet<string> = new Set(taskKinds);

const seconds = String.raw`([\d.]+)s`;
const nameText = String.raw`(${jsonString}|\S+)`;

const problemLine = pattern(String.raw`(${jsonString}|\S+), (\S+), (\w+): (.*)`);
const waitUnknown = pattern(`waiting on (?:a timer|I/O|something unseen) for ${seconds}`);
const waitTasks = pattern(
  String.raw`waiting on (?:task (\d+)|(all|any) of tasks ([\d, -]+|none)) for ${seconds}(?:, (\d+) in all)?(, fails fast)?(, inferred)?`,
);
const waitResource = pattern(
  String.raw`waiting on ${reference}(?: \((${jsonString}|[^)]*)\))? to (${jsonString}|\S+)(?: for ${seconds})?(?:, position (\d+) of \d+)?(, cancellable)?`,
);
const waited = pattern(`waited ${seconds} to ${seconds}`);
const holdLine = pattern(
  String.raw`held by (?:an unknown task(?:, taken by (?:${jsonString}|\S+),)?|task (\d+)) for ${seconds}(?:, amount ([\d.]+))?(?:, release (scope|task|handle|anyone))?`,
);
const collectedMembers = pattern(String.raw`collected \d+ of \d+, (\w+): ([\d, -]+)`);
const holding = pattern(`holding ${reference}(?: for ${seconds})?`);
const created = pattern(
  String.raw`created(?: by ${nameText})?(?: in task (\d+))?, ${seconds}(?: to ${seconds})? ago`,
);
const resourceCreated = pattern(`created(?: by ${nameText})?`);
const goCreated = /^created by (.+?)(?: in goroutine (\d+))?$/;
const contendedResource = pattern(String.raw`of (\w+)(?: (${jsonString}))? \((${jsonString}|[^)]*)\)`);
const contentionFacts = pattern(
  `for ${seconds}, step ${seconds}, waits (\\d+), holds (\\d+), dropped (\\d+)`,
);
const sourceEntry = pattern(String.raw`(${jsonString}|\S+) (${jsonString})`);
const filteredEntry = pattern(String.raw`\d+ of (\d+) tasks by (${jsonString})`);
const untouchedEntry = pattern(`(${jsonString}): (${jsonString})`);
const frame = /^(?:(?:async|await|for await|new) )?(.+)\((.*)\)$/;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

interface OpenTask {
  readonly kind: "task";
  readonly go: boolean;
  readonly task: Mutable<Task>;
  readonly holding: ResourceId[];
  /** A group: its members, and what they share is `task`. */
  readonly members?: TaskId[];
  /** Of the members that can never go on, where not all are told the same. */
  readonly collected?: Map<TaskId, Fate>;
  minMs?: number;
  maxMs?: number;
  minAgeMs?: number;
  frames: number;
}

interface OpenResource {
  readonly kind: "resource";
  readonly resource: Mutable<Resource>;
  readonly holders: Hold[];
  readonly waiters: TaskId[];
}

interface OpenProblem {
  readonly kind: "problem";
  readonly problem: Mutable<Problem>;
  readonly places: Place[];
  /** False until its second line is read. */
  told: boolean;
}

/** Waits or holds of one place. */
interface OpenContention {
  readonly kind: "contention";
  readonly stack: number[];
  readonly amounts: Pick<ContendedWait, "count" | "totalMs" | "longestMs">;
  /** Of waits. */
  readonly state?: TaskState;
  /** Of holds. */
  readonly delays?: Pick<ContendedHold, "contended" | "delayMs">;
  resource?: Mutable<ContendedResource>;
  taken?: number;
}

/** What the head of the file says about waits and holds. */
type ContentionHead = Pick<Required<Contention>, "forMs" | "stepMs" | "dropped" | "inAll">;

type OpenBlock = OpenTask | OpenResource | OpenProblem | OpenContention;

/** Reads one dump line by line. */
class DumpReader {
  readonly #marked: boolean;
  readonly #sites: Site[] = [];
  readonly #siteNumbers = new Map<string, number>();
  readonly #tasks = new Map<TaskId, Task>();
  readonly #resources = new Map<ResourceId, Resource>();
  /** Resources that blocks of tasks mention, for a dump that was cut before the resources. */
  readonly #mentioned = new Map<ResourceId, OpenResource>();
  readonly #problems: Problem[] = [];
  readonly #untouched: Coverage["untouched"][number][] = [];
  #process: ProcessInfo = { pid: 0, threadId: 0, node: "", title: "", cwd: "", upMs: 0 };
  #capturedAt = 0;
  #by = "file";
  #loop: LoopState = { state: "turning", sinceMs: 0 };
  #coverage: Coverage = { instrumented: [], transformed: 0, untouched: [], blind: [], dropped: 0 };
  readonly #sources: SourceFile[] = [];
  readonly #waits: ContendedWait[] = [];
  readonly #holds: ContendedHold[] = [];
  #contention: ContentionHead | undefined;
  #filtered: Filtered | undefined;
  #expected: number | undefined;
  #ended = false;
  #unknown = 0;
  #block: OpenBlock | undefined;
  /** What the place in the next line belongs to. */
  #awaitsPlace: ((place: string) => void) | undefined;

  constructor(marked: boolean) {
    this.#marked = marked;
  }

  line(line: string): void {
    if (line.startsWith("\t")) {
      const take = this.#awaitsPlace;
      this.#awaitsPlace = undefined;
      if (take === undefined) this.#unknown++;
      else take(line);
      return;
    }
    this.#awaitsPlace = undefined;
    if (line === "") {
      this.#close();
      return;
    }
    const tooLong = line.length > longestLine && !listLine.test(line);
    const block = this.#block;
    const known = !tooLong && (block === undefined ? this.#outside(line) : this.#inside(block, line));
    if (!known) this.#unknown++;
  }

  finish(): { dump?: Dump; notes: string[]; unknown: number } {
    this.#close();
    const notes: string[] = [];
    if (!this.#marked && this.#tasks.size === 0) return { notes, unknown: this.#unknown };
    if (this.#marked && !this.#ended) {
      const of = this.#expected === undefined ? "" : ` of ${this.#expected}`;
      notes.push(`The dump is cut: ${this.#tasks.size}${of} tasks are there. Take it again for the rest.`);
    }
    for (const [id, { resource, holders, waiters }] of this.#mentioned) {
      if (!this.#resources.has(id)) this.#resources.set(id, { ...resource, holders, waiters });
    }
    const dump: Dump = {
      format: "unknot-dump",
      version: 1,
      process: this.#process,
      capturedAt: this.#capturedAt,
      by: this.#by,
      loop: this.#loop,
      coverage: { ...this.#coverage, untouched: this.#untouched },
      ...(this.#filtered === undefined ? {} : { filtered: this.#filtered }),
      sites: this.#sites,
      tasks: [...this.#tasks.values()],
      resources: [...this.#resources.values()],
      problems: this.#problems,
      ...(this.#sources.length === 0 ? {} : { sources: this.#sources }),
      ...(this.#contention === undefined ? {} : { contention: this.#contended(this.#contention) }),
    };
    return { dump, notes, unknown: this.#unknown };
  }

  #outside(line: string): boolean {
    if (line.startsWith("# ")) return this.#metadata(line);
    if (line.startsWith("task ") || line.startsWith("goroutine ")) return this.#openTask(line);
    if (line.startsWith("tasks ")) return this.#openGroup(line);
    if (line.startsWith("resource ")) return this.#openResource(line);
    if (line.startsWith("waits ") || line.startsWith("holds ")) return this.#openContention(line);
    return this.#openProblem(line);
  }

  #inside(block: OpenBlock, line: string): boolean {
    switch (block.kind) {
      case "task":
        return this.#taskLine(block, line);
      case "resource":
        return this.#resourceLine(block, line);
      case "problem":
        return this.#problemLine(block, line);
      case "contention":
        return this.#contentionLine(block, line);
    }
  }

  #close(): void {
    const block = this.#block;
    this.#block = undefined;
    if (block === undefined) return;
    if (block.kind === "resource") {
      const { resource, holders, waiters } = block;
      this.#resources.set(resource.id, { ...resource, holders, waiters });
    } else if (block.kind === "contention") this.#closeContention(block);
    else if (block.kind === "problem") {
      if (block.told) this.#problems.push({ ...block.problem, at: block.places });
    } else if (block.members === undefined) {
      this.#tasks.set(block.task.id, { ...block.task, holding: block.holding });
    } else this.#closeGroup(block, block.members);
  }

  /** Members of a group share everything but their number; the first gets the longest times, the others the shortest. */
  #closeGroup({ task, collected, minMs, maxMs, minAgeMs }: OpenTask, members: readonly TaskId[]): void {
    const wait = task.wait ?? (maxMs === undefined ? undefined : { on: "unknown" as const, sinceMs: maxMs });
    for (const [index, id] of members.entries()) {
      const oldest = index === 0;
      const fate = collected?.get(id);
      this.#tasks.set(id, {
        ...task,
        id,
        ageMs: oldest ? task.ageMs : (minAgeMs ?? task.ageMs),
        ...(fate === undefined ? {} : { collected: fate }),
        ...(wait === undefined
          ? {}
          : { wait: { ...wait, sinceMs: (oldest ? maxMs : minMs) ?? wait.sinceMs } }),
      });
    }
  }

  // — Metadata

  #metadata(line: string): boolean {
    const match = /^# (\w+)\s+(.*)$/.exec(line);
    const text = match?.[2] ?? "";
    const number = (word: string) => {
      const value = new RegExp(String.raw`(?:^|, )${word} (-?[\d.]+)`).exec(text)?.[1];
      return value === undefined ? undefined : Number(value);
    };
    const string = (word: string) =>
      unquote(new RegExp(String.raw`(?:^|, )${word} (${jsonString}|[^\s,]+)`).exec(text)?.[1] ?? "");
    switch (match?.[1]) {
      case "process": {
        const parentPid = number("parent");
        const exitCode = number("exit");
        this.#process = {
          pid: number("pid") ?? 0,
          threadId: number("thread") ?? 0,
          node: string("node"),
          title: string("title"),
          cwd: string("cwd"),
          upMs: Math.round((number("up") ?? 0) * 1000),
          ...(/(?:^|, )build "/.test(text) ? { build: string("build") } : {}),
          ...(parentPid === undefined ? {} : { parentPid }),
          ...(exitCode === undefined ? {} : { exitCode }),
        };
        return true;
      }
      case "captured": {
        const [time = "", by = ""] = text.split(" by ", 2);
        const ms = Date.parse(time);
        this.#capturedAt = Number.isNaN(ms) ? 0 : ms;
        this.#by = unquote(text.slice(time.length + 4) || by);
        return true;
      }
      case "loop": {
        const loop = /^(turning|blocked|ended) for ([\d.]+)s/.exec(text);
        if (loop === null) return false;
        const lag = /, lag p99 ([\d.]+)s, max ([\d.]+)s$/.exec(text);
        this.#loop = {
          state: loop[1] as LoopState["state"],
          sinceMs: readSeconds(loop[2]),
          ...(lag === null ? {} : { lag: { p99Ms: readSeconds(lag[1]), maxMs: readSeconds(lag[2]) } }),
        };
        return true;
      }
      case "totals":
        this.#expected = number("tasks");
        return true;
      case "filtered": {
        const match = filteredEntry.exec(text);
        if (match === null) return false;
        this.#filtered = { by: unquote(match[2] ?? ""), of: Number(match[1]) };
        return true;
      }
      case "coverage": {
        const strings = (word: string) => {
          const at = text.indexOf(`, ${word} `);
          return at === -1 ? [] : readStrings(text.slice(at + word.length + 3));
        };
        this.#coverage = {
          transformed: number("transformed") ?? 0,
          dropped: number("dropped") ?? 0,
          instrumented: strings("instrumented"),
          blind: strings("blind"),
          untouched: [],
        };
        return true;
      }
      case "source": {
        const match = sourceEntry.exec(text);
        if (match === null) return false;
        this.#sources.push({ hash: unquote(match[1] ?? ""), file: unquote(match[2] ?? "") });
        return true;
      }
      case "untouched": {
        const match = untouchedEntry.exec(text);
        if (match === null) return false;
        this.#untouched.push({ file: unquote(match[1] ?? ""), reason: unquote(match[2] ?? "") });
        return true;
      }
      case "contention": {
        const match = contentionFacts.exec(text);
        if (match === null) return false;
        this.#contention = {
          forMs: readSeconds(match[1]),
          stepMs: readSeconds(match[2]),
          dropped: Number(match[5]),
          inAll: { waits: Number(match[3]), holds: Number(match[4]) },
        };
        return true;
      }
      case "end":
        this.#ended = number("tasks") === this.#tasks.size;
        return true;
      default:
        return false;
    }
  }

  // — Tasks

  #openTask(line: string): boolean {
    const match = taskHeader.exec(line);
    if (match === null) return false;
    const go = match[1] === "goroutine";
    const status = readStatus(match[3] ?? "", match[4] ?? "", go);
    const described = readLabels(match[6]);
    const id = Number(match[2]) as TaskId;
    const waitedMs = go ? Number(/, (\d+) minutes/.exec(match[5] ?? "")?.[1] ?? 0) * 60_000 : 0;
    const still = status.state === "running" || status.state === "runnable";
    this.#block = {
      kind: "task",
      go,
      task: {
        id,
        kind: described.kind ?? "async function",
        name: described.name ?? "",
        state: status.state,
        ageMs: waitedMs,
        holding: [],
        ...(described.external === undefined ? {} : { external: described.external }),
        ...(described.collected === undefined ? {} : { collected: described.collected }),
        ...withLabels(described.labels, status.word),
        ...(go && !still ? { wait: { on: "unknown" as const, sinceMs: waitedMs } } : {}),
      },
      holding: [],
      frames: 0,
    };
    return true;
  }

  #openGroup(line: string): boolean {
    const match = groupHeader.exec(line);
    if (match === null) return false;
    const status = readStatus(match[3] ?? "", match[4] ?? "", false);
    const described = readLabels(match[6]);
    this.#block = {
      kind: "task",
      go: false,
      task: {
        id: 0 as TaskId,
        kind: described.kind ?? "async function",
        name: described.name ?? "",
        state: status.state,
        ageMs: 0,
        holding: [],
        ...(described.external === undefined ? {} : { external: described.external }),
        ...(described.collected === undefined ? {} : { collected: described.collected }),
        ...withLabels(described.labels, status.word),
      },
      holding: [],
      members: [],
      collected: new Map(),
      frames: 0,
    };
    return true;
  }

  #taskLine(block: OpenTask, line: string): boolean {
    if (block.go) return this.#goroutineLine(block, line);
    if (block.members !== undefined && line.startsWith("ids ")) {
      block.members.push(...(readNumbers(line, mostTasks - this.#tasks.size) as TaskId[]));
      this.#awaitsPlace = ignore;
      return true;
    }
    if (block.collected !== undefined && line.startsWith("collected ")) {
      const match = collectedMembers.exec(line);
      const fate = fates.find((each) => each === match?.[1]);
      this.#awaitsPlace = ignore;
      if (fate === undefined) return false;
      for (const id of readNumbers(match?.[2] ?? "", mostTasks)) block.collected.set(id as TaskId, fate);
      return true;
    }
    if (line.startsWith("waiting on ")) return this.#waitLine(block, line);
    if (line.startsWith("waited ")) {
      const match = waited.exec(line);
      if (match === null) return false;
      block.minMs = readSeconds(match[1]);
      block.maxMs = readSeconds(match[2]);
      this.#awaitsPlace = ignore;
      return true;
    }
    if (line.startsWith("held by ")) return this.#mentionHold(block, line);
    if (line.startsWith("holding ")) {
      const match = holding.exec(line);
      if (match === null) return false;
      const id = Number(match[2]) as ResourceId;
      block.holding.push(id);
      const mentioned = this.#mention(match[1], id, match[3]);
      this.#awaitsPlace = (place) => {
        const site = this.#site(place, undefined);
        if (mentioned === undefined || mentioned.holders.some((hold) => hold.task === block.task.id)) return;
        mentioned.holders.push({
          task: block.task.id,
          forMs: readSeconds(match[4]),
          amount: 1,
          ...(site === undefined ? {} : { site }),
        });
      };
      return true;
    }
    if (line.startsWith("created")) {
      const match = created.exec(line);
      if (match === null) return false;
      if (match[2] !== undefined) block.task.parent = Number(match[2]) as TaskId;
      block.task.ageMs = readSeconds(match[4] ?? match[3]);
      if (match[4] !== undefined) block.minAgeMs = readSeconds(match[3]);
      this.#placeInto(match[1], (site) => {
        block.task.created = site;
      });
      return true;
    }
    if (line.startsWith("entry ")) {
      const match = readFrame(line.slice("entry ".length));
      if (match === null) return false;
      this.#placeInto(match[1], (site) => {
        block.task.entry = site;
      });
      return true;
    }
    if (line === "...additional frames elided...") {
      this.#awaitsPlace = ignore;
      return true;
    }
    const match = readFrame(line);
    if (match === null) return false;
    // Further frames are the async callers; the joins of the other tasks tell the same. No frame follows `entry`.
    const own = block.frames++ === 0 && block.task.entry === undefined;
    if (!own) this.#awaitsPlace = ignore;
    else {
      this.#placeInto(match[1], (site) => {
        block.task.at = site;
      });
    }
    return true;
  }

  #waitLine(block: OpenTask, line: string): boolean {
    const unknown = waitUnknown.exec(line);
    if (unknown !== null) {
      block.task.wait = { on: "unknown", sinceMs: readSeconds(unknown[1]) };
      this.#awaitsPlace = ignore;
      return true;
    }
    const tasks = waitTasks.exec(line);
    if (tasks !== null) {
      const ids = tasks[1] === undefined ? readNumbers(tasks[3] ?? "", mostTasks) : [Number(tasks[1])];
      block.task.wait = {
        on: "tasks",
        tasks: ids as TaskId[],
        need: tasks[2] === "any" ? "any" : "all",
        exact: tasks[7] === undefined,
        sinceMs: readSeconds(tasks[4]),
        ...(tasks[5] === undefined ? {} : { count: Number(tasks[5]) }),
        ...(tasks[6] === undefined ? {} : { failsFast: true as const }),
      };
      this.#awaitsPlace = ignore;
      return true;
    }
    const match = waitResource.exec(line);
    if (match === null) return false;
    const id = Number(match[2]) as ResourceId;
    const wait: Wait = {
      on: "resource",
      resource: id,
      op: readOperation(match[5] ?? ""),
      sinceMs: readSeconds(match[6]),
      ...(match[7] === undefined ? {} : { position: Number(match[7]) }),
      ...(match[8] === undefined ? {} : { cancellable: true as const }),
    };
    block.task.wait = wait;
    const mentioned = this.#mention(match[1], id, match[3], match[4]);
    if (wait.op !== "scoped" && block.members === undefined) mentioned?.waiters.push(block.task.id);
    this.#placeInto(undefined, (site) => {
      if (mentioned !== undefined) mentioned.resource.created ??= site;
    });
    return true;
  }

  #mentionHold(block: OpenTask, line: string): boolean {
    this.#awaitsPlace = ignore;
    if (/^held by \d+ more$/.test(line)) return true;
    const match = holdLine.exec(line);
    if (match === null) return false;
    const { wait } = block.task;
    const mentioned = wait?.on === "resource" ? this.#mentioned.get(wait.resource) : undefined;
    const task = match[1] === undefined ? undefined : Number(match[1]);
    if (mentioned === undefined || mentioned.holders.some((hold) => hold.task === task)) return true;
    this.#awaitsPlace = (place) => mentioned.holders.push(readHold(match, this.#site(place, undefined)));
    return true;
  }

  #mention(
    kind: string | undefined,
    id: ResourceId,
    name: string | undefined,
    type?: string,
  ): OpenResource | undefined {
    if (kind === undefined || !kindWords.has(kind)) return undefined;
    let mentioned = this.#mentioned.get(id);
    if (mentioned === undefined) {
      mentioned = {
        kind: "resource",
        resource: {
          id,
          kind: kind as ResourceKind,
          type: "",
          holders: [],
          waiters: [],
          ...(name === undefined ? {} : { name: unquote(name) }),
        },
        holders: [],
        waiters: [],
      };
      this.#mentioned.set(id, mentioned);
    }
    if (type !== undefined && mentioned.resource.type === "") mentioned.resource.type = unquote(type);
    return mentioned;
  }

  /** Go's frames are real stacks: the first is where the goroutine is, the last its function. */
  #goroutineLine(block: OpenTask, line: string): boolean {
    const by = goCreated.exec(line);
    if (by !== null) {
      if (by[2] !== undefined) block.task.parent = Number(by[2]) as TaskId;
      this.#placeInto(by[1], (site) => {
        block.task.created = site;
      });
      return true;
    }
    if (/^\.\.\..*elided\.\.\.$/.test(line)) return true;
    const match = readFrame(line);
    if (match === null) return false;
    const name = match[1] ?? "";
    block.task.name = name;
    this.#placeInto(name, (site) => {
      block.task.entry = site;
      if (block.frames++ === 0) block.task.at = site;
    });
    return true;
  }

  // — Resources and problems

  #openResource(line: string): boolean {
    const match = resourceHeader.exec(line);
    const kind = match?.[1];
    if (match === null || kind === undefined || !kindWords.has(kind)) return false;
    const facts = match[5] ?? "";
    const capacity = /\bheld [\d.]+ of ([\d.]+)/.exec(facts)?.[1];
    const length = /\blength ([\d.]+)/.exec(facts)?.[1];
    this.#block = {
      kind: "resource",
      resource: {
        id: Number(match[2]) as ResourceId,
        kind: kind as ResourceKind,
        type: unquote(match[4] ?? ""),
        holders: [],
        waiters: [],
        ...(match[3] === undefined ? {} : { name: unquote(match[3]) }),
        ...(capacity === undefined ? {} : { capacity: Number(capacity) }),
        ...(length === undefined ? {} : { length: Number(length) }),
        ...(/\bclosed\b/.test(facts) ? { closed: true } : /\bopen\b/.test(facts) ? { closed: false } : {}),
      },
      holders: [],
      waiters: [],
    };
    return true;
  }

  #resourceLine(block: OpenResource, line: string): boolean {
    const by = resourceCreated.exec(line);
    if (by !== null) {
      this.#placeInto(by[1], (site) => {
        block.resource.created = site;
      });
      return true;
    }
    if (line.startsWith("waiters ")) {
      block.waiters.push(...(readNumbers(line, mostTasks) as TaskId[]));
      this.#awaitsPlace = ignore;
      return true;
    }
    const match = holdLine.exec(line);
    if (match === null) return false;
    this.#awaitsPlace = (place) => block.holders.push(readHold(match, this.#site(place, undefined)));
    return true;
  }

  #openProblem(line: string): boolean {
    const match = problemHeader.exec(line);
    if (match === null) return false;
    const text = match[3] ?? "";
    const tasks: TaskId[] = [];
    const resources: ResourceId[] = [];
    let end = 0;
    let ring = false;
    for (const part of text.matchAll(problemWord)) {
      const between = text.slice(end, part.index);
      end = part.index + part[0].length;
      // A ring ends with the task it began with.
      if (ring && between.startsWith(";")) {
        tasks.pop();
        ring = false;
      }
      ring ||= between.includes("->");
      if (part[1] !== undefined) tasks.push(...(readNumbers(part[1], mostTasks) as TaskId[]));
      if (part[2] !== undefined) resources.push(Number(part[2]) as ResourceId);
    }
    if (ring) tasks.pop();
    this.#block = {
      kind: "problem",
      problem: {
        id: "deadlock",
        verdict: "deadlock",
        certainty: "may",
        message: "",
        tasks,
        resources,
        at: [],
        ...(match[1] === "deadlock" && match[2] !== undefined ? { label: match[2] } : {}),
      },
      places: [],
      told: false,
    };
    return true;
  }

  #problemLine(block: OpenProblem, line: string): boolean {
    const addPlace = (text: string) => {
      const place = readPlace(text);
      if (place !== undefined) block.places.push(place);
    };
    if (line === "see also") {
      this.#awaitsPlace = addPlace;
      return true;
    }
    const match = problemLine.exec(line);
    const [, id = "", verdict = "", certainty = "", message = ""] = match ?? [];
    if (!(verdict in verdicts) || !/^(proved|observed|may|heuristic)$/.test(certainty)) return false;
    block.problem.id = unquote(id);
    block.problem.verdict = verdict as Verdict;
    block.problem.certainty = certainty as Certainty;
    block.problem.message = unquote(message);
    block.told = true;
    this.#awaitsPlace = addPlace;
    return true;
  }

  // — Contention

  #openContention(line: string): boolean {
    const waits = waitsHeader.exec(line);
    const match = waits ?? holdsHeader.exec(line);
    if (match === null || (waits !== null && !stateWords.has(waits[4] ?? ""))) return false;
    this.#block = {
      kind: "contention",
      stack: [],
      amounts: {
        count: Number(match[1]),
        totalMs: readSeconds(match[2]),
        longestMs: readSeconds(match[3]),
      },
      ...(waits === null
        ? { delays: { contended: Number(match[4]), delayMs: readSeconds(match[5]) } }
        : { state: waits[4] as TaskState }),
    };
    return true;
  }

  #contentionLine(block: OpenContention, line: string): boolean {
    if (line === "taken") {
      this.#placeInto(undefined, (site) => {
        block.taken = site;
      });
      return true;
    }
    const about = line.startsWith("of ") ? contendedResource.exec(line) : null;
    if (about !== null) {
      if (!kindWords.has(about[1] ?? "")) return false;
      const resource: Mutable<ContendedResource> = {
        kind: about[1] as ResourceKind,
        type: unquote(about[3] ?? ""),
        ...(about[2] === undefined ? {} : { name: unquote(about[2]) }),
      };
      block.resource = resource;
      this.#placeInto(undefined, (site) => {
        resource.created = site;
      });
      return true;
    }
    const match = readFrame(line);
    if (match === null) return false;
    this.#placeInto(match[1], (site) => block.stack.push(site));
    return true;
  }

  #contended({ inAll, ...head }: ContentionHead): Contention {
    const told = { ...head, waits: this.#waits, holds: this.#holds };
    const whole = inAll.waits <= told.waits.length && inAll.holds <= told.holds.length;
    return whole ? told : { ...told, inAll };
  }

  #closeContention({ stack, amounts, state, delays, resource, taken }: OpenContention): void {
    if (stack.length === 0) return;
    if (state !== undefined) {
      this.#waits.push({ stack, state, ...amounts, ...(resource === undefined ? {} : { resource }) });
    } else if (delays !== undefined && resource !== undefined) {
      this.#holds.push({
        stack,
        resource,
        ...amounts,
        ...delays,
        ...(taken === undefined ? {} : { taken }),
      });
    }
  }

  // — Sites

  #placeInto(name: string | undefined, take: (site: number) => void): void {
    this.#awaitsPlace = (place) => {
      const site = this.#site(place, name);
      if (site !== undefined) take(site);
    };
  }

  #site(text: string, name: string | undefined): number | undefined {
    const key = `${name ?? ""}\n${text}`;
    const known = this.#siteNumbers.get(key);
    if (known !== undefined) return known;
    const place = readPlace(text);
    if (place === undefined) return undefined;
    const label = name === undefined || name === anonymous ? undefined : unquote(name);
    const number = this.#sites.push(label === undefined ? place : { ...place, function: label }) - 1;
    this.#siteNumbers.set(key, number);
    return number;
  }
}

const problemWord = new RegExp(
  String.raw`\btasks? (\d+(?:-\d+)?(?:, \d+(?:-\d+)?)*)|\b[a-z]+#(\d+)(?: ${jsonString})?`,
  "g",
);

/** The strings of a list `"a" "b"`, up to the first thing that is none. */
function readStrings(list: string): string[] {
  const next = new RegExp(String.raw`\s*(${jsonString})`, "y");
  const strings: string[] = [];
  for (let match = next.exec(list); match !== null; match = next.exec(list))
    strings.push(unquote(match[1] ?? ""));
  return strings;
}

function ignore(): void {}

/** The name in a frame; the regular expression is slow on what does not end like one. */
function readFrame(line: string): RegExpExecArray | null {
  return line.endsWith(")") ? frame.exec(line) : null;
}

function readHold(match: RegExpExecArray, site: number | undefined): Hold {
  const release = match[4] as Hold["release"];
  return {
    forMs: readSeconds(match[2]),
    amount: Number(match[3] ?? 1),
    ...(match[1] === undefined ? {} : { task: Number(match[1]) as TaskId }),
    ...(site === undefined ? {} : { site }),
    ...(release === undefined ? {} : { release }),
  };
}

/** The state in our words, and Go's own word where it has another one. */
function readStatus(
  word: string,
  flags: string,
  go: boolean,
): { readonly state: TaskState; readonly word?: string } {
  if (word === "select" && flags.startsWith(" (no cases)")) return { state: "select (no cases)" };
  if (stateWords.has(word)) return { state: word as TaskState };
  if (!go) return { state: "await", word };
  return { state: goStates[word] ?? goStates[`${word}${flags}`] ?? "await", word: `${word}${flags}` };
}

interface Described {
  readonly name?: string;
  readonly kind?: TaskKind;
  readonly external?: boolean;
  readonly collected?: Fate;
  readonly labels?: Readonly<Record<string, string>>;
}

function readLabels(text: string | undefined): Described {
  if (text === undefined) return {};
  let described: Described = {};
  const labels: [string, string][] = [];
  // Sticky: every entry begins where the last one ended, so that no text takes more than one pass.
  const entry = new RegExp(String.raw`(${jsonString}|[A-Za-z_]\w*): (${jsonString})(?:, |$)`, "y");
  for (let match = entry.exec(text); match !== null; match = entry.exec(text)) {
    const [, key = "", value = ""] = match;
    const content = unquote(value);
    if (key === "name") described = { ...described, name: content };
    else if (key === "kind" && taskKindWords.has(content)) {
      described = { ...described, kind: content as TaskKind };
    } else if (key === "external") described = { ...described, external: content === "true" };
    else if (key === "collected") {
      const collected = fates.find((each) => each === content);
      if (collected !== undefined) described = { ...described, collected };
    } else labels.push([unquote(key), content]);
  }
  return labels.length === 0 ? described : { ...described, labels: Object.fromEntries(labels) };
}

function withLabels(
  labels: Readonly<Record<string, string>> | undefined,
  state: string | undefined,
): { readonly labels?: Readonly<Record<string, string>> } {
  if (state === undefined) return labels === undefined ? {} : { labels };
  return { labels: { ...labels, state } };
}
