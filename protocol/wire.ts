import type { Contention } from "./contention.ts";
import type { Coverage, Dump, Filtered, LoopState, ProcessInfo, Site } from "./dump.ts";
import type { Problem } from "./problem.ts";
import type { Resource } from "./resource.ts";
import type { StackTree } from "./stacks.ts";
import type { Task } from "./task.ts";
import type { TaskListRequest, TaskPage } from "./task-list.ts";

/**
 * How a traced process is reached: JSON-RPC 2.0 (vscode-jsonrpc framing) over a Unix socket or a Windows named pipe
 * that the tracer's worker serves, also while the main thread is blocked or paused. docs/protocol.md describes it.
 */
export const wireVersion = 1;

/**
 * The name of the tracer's worker thread. Debuggers make a new worker wait for them; a worker of this name has to end
 * that wait by itself, because the extension keeps the debugger away from it.
 */
export const tracerWorkerName = "Unknot tracer";

/** The file through which the editor has the tracer loaded: NODE_OPTIONS names it. */
export const editorPreload = "unknot-shim.cjs";

/**
 * What a traced thread writes into the runtime folder as `<pid>-<threadId>.json` when it starts to serve. The folder
 * and the file are for its own user only.
 */
export interface Registration {
  readonly version: typeof wireVersion;
  readonly pid: number;
  readonly threadId: number;
  readonly parentPid: number;
  readonly title: string;
  readonly cwd: string;
  readonly node: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Path of the socket or name of the pipe. */
  readonly endpoint: string;
  /** Proves that the client could read this file; the first request carries it. */
  readonly token: string;
  /** Where it answers as Go's `/debug/pprof/` does, for this machine alone: only when it was asked to. */
  readonly pprof?: string;
  /** The debug session that started the program: `UNKNOT_SESSION`, inherited by child processes. */
  readonly session?: string;
}

/**
 * What a traced thread with a `session` leaves in the runtime folder as `<pid>-<threadId>.last.json` (written whole,
 * then renamed) when it ends with tasks pending or problems, and with `UNKNOT_LAST_DUMP=always` in any case: nobody can
 * ask it any more, and a short program may end before anybody could. Whoever the session belongs to reads the file and
 * removes it.
 */
export interface LastDump {
  readonly version: typeof wireVersion;
  /** As in the thread's registration, if it had the time to write one. */
  readonly startedAt: number;
  readonly session: string;
  /** Tasks started in all. */
  readonly started?: number;
  /** With problems, and with the exit code if it is known. */
  readonly dump: Dump;
}

/** Tasks that wait at the same place for the same kind of thing. */
export interface TaskGroup {
  /** Stable across dumps of one process: what the members have in common. */
  readonly key: string;
  readonly count: number;
  readonly state: Task["state"];
  /** Index into `sites`: where they wait, and where their function is. */
  readonly at?: number;
  readonly entry?: number;
  readonly name: string;
  readonly minWaitMs: number;
  readonly maxWaitMs: number;
  /** Label of the deadlock that members are part of: `D1`. */
  readonly problem?: string;
  /** Some members, those in problems first. */
  readonly members: readonly Task["id"][];
}

/** Something that holds tasks up, whether or not it will ever let them go on. */
export interface Blocker {
  /** A resource that they wait for, or a task that several await. */
  readonly of: { readonly resource: Resource["id"] } | { readonly task: Task["id"] };
  /** Tasks that wait for it. */
  readonly waiting: number;
  /** The first of these, in the order in which it will let them go on. */
  readonly first: readonly Task["id"][];
  /** Tasks that wait for it, for whom one of these holds up, and so on. */
  readonly heldUp: number;
  /** The longest of their waits, in milliseconds. */
  readonly longestMs: number;
}

/** What tracing has cost since the thread started, in milliseconds of a processor. */
interface TracingCost {
  /** What the traced thread has spent for it, estimated from how many tasks and operations there were. */
  readonly threadMs: number;
  /** What the tracer's own thread has worked beside it, answers to questions included. */
  readonly besideMs: number;
}

/** A dump reduced to groups, with the tasks that groups and problems name: its size does not grow with the tasks. */
export interface Overview {
  readonly process: ProcessInfo;
  readonly capturedAt: number;
  readonly loop: LoopState;
  readonly coverage: Coverage;
  /** Live tasks in all. */
  readonly total: number;
  /** Of a file with a part of a dump. */
  readonly filtered?: Filtered;
  /** Tasks started so far; only there when the thread itself was asked. Absent from an older tracer. */
  readonly started?: number;
  /** As `started`. */
  readonly cost?: TracingCost;
  /**
   * How many timers, servers, sockets and the like keep the thread alive, as it has counted them since somebody asks;
   * absent before it has. Under a debugger it counts only when a task goes on.
   */
  readonly handles?: number;
  readonly groups: readonly TaskGroup[];
  readonly problems: readonly Problem[];
  /** What holds up the most tasks, the worst first, deadlocks left out. Absent from an older tracer. */
  readonly blockers?: readonly Blocker[];
  /** The tasks that have lived longest, the oldest first; main modules and packages left out. Absent from an older tracer. */
  readonly oldest?: readonly Task["id"][];
  readonly sites: readonly Site[];
  readonly tasks: readonly Task[];
  readonly resources: readonly Resource[];
  /** The largest entries of the dump's. */
  readonly contention?: Contention;
}

/** The requests and notifications of the wire; the key is the JSON-RPC method. */
export interface Wire {
  /** First on every connection. */
  readonly hello: {
    readonly params: { readonly version: number; readonly token: string };
    readonly result: ProcessInfo;
  };
  readonly dump: { readonly params: { readonly by: string }; readonly result: Dump };
  readonly overview: { readonly params: { readonly membersPerGroup: number }; readonly result: Overview };
  /** A part of the list of tasks at the moment of the last overview, if that is not long ago. */
  readonly list: { readonly params: TaskListRequest; readonly result: TaskPage };
  /** The async stacks of the tasks that match a filter, at most so many frames, at the same moment. */
  readonly stacks: {
    readonly params: { readonly filter: string; readonly most: number };
    readonly result: StackTree;
  };
  /**
   * Collects garbage in the traced thread, which stands still for that long, and looks which of its tasks went with it:
   * dumps tell them from then on (`Task.collected`). Not done when the thread does not come to it within seconds.
   */
  readonly prove: { readonly params: object; readonly result: { readonly done: boolean } };
  /** Sent by the traced process, at once, when a detector proves something new. */
  readonly problem: { readonly params: Problem; readonly result: undefined };
}
