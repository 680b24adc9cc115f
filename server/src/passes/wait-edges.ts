import type { OperationName } from "@unknot/models/model.ts";
import type { ReportedStep } from "../analysis/analyzer.ts";
import type { ModelType } from "../analysis/model-index.ts";
import type { FunctionKey, Location } from "../analysis/places.ts";
import type { Value } from "../analysis/values.ts";

/** A lock or slot that is held, or wanted. */
export interface End {
  readonly resource: Value;
  readonly model: ModelType;
  readonly operation: string;
  /** Where it is acquired, entered or waited for. */
  readonly at: Location;
  /** The resource as written there: `this.mutex`. */
  readonly text: string;
  /** How many may hold it at once; undefined when unknown. */
  readonly capacity: number | undefined;
}

/** While `held` is held, the task waits for `wanted`. */
export interface Edge {
  readonly held: End;
  readonly wanted: End;
  readonly op: OperationName;
  /** The calls between the two, in order. */
  readonly via: readonly Location[];
  /** Where in the holding function the wait begins; what a reader would change. */
  readonly from: Location;
  readonly trace: readonly ReportedStep[];
  readonly function: FunctionKey;
  /** Other resources that are held all the while. */
  readonly gates: ReadonlySet<Value>;
  /** The held or the wanted may be another resource: `cond ? a : b`. */
  readonly ambiguous: boolean;
  /** `call`: the holder asks itself. Otherwise a task that was started before asks, or one that runs in a queue. */
  readonly asker: "call" | "started" | "queue";
  /** The call that starts or submits that task. */
  readonly task: Location | undefined;
}
