import type { Dump } from "./dump.ts";
import type { Task } from "./task.ts";

/** One frame of the async stacks of many tasks: a task that awaits those of the frames below it. */
export interface StackFrame {
  /** The function, as a reader would name it. */
  readonly name: string;
  /** Where it is suspended, else where it begins: index into `sites`. */
  readonly at?: number;
  /** What the tasks of the frame do, when they all do the same. */
  readonly state?: Task["state"];
  /** Tasks whose stack goes through this frame, and those that end here. */
  readonly count: number;
  readonly own: number;
  /** The longest wait of a task of the frame itself. */
  readonly maxWaitMs: number;
  /** The largest first. */
  readonly below: readonly StackFrame[];
}

/** The async stacks of all tasks, put together: a size that does not grow with the tasks. */
export interface StackTree extends Pick<Dump, "sites" | "capturedAt"> {
  /** Tasks that match the filter. */
  readonly total: number;
  readonly frames: readonly StackFrame[];
  /** Tasks whose own frame was left out because it is one of too many. */
  readonly leftOut: number;
}
