import type { Moment } from "@unknot/dump/diff.ts";
import { createEmitter, type Event } from "../../sessions/event.ts";
import type { SessionSnapshot } from "../../sessions/session.ts";

/** A moment of a program that the user has kept, under a name. */
export interface Snapshot {
  readonly id: string;
  readonly name: string;
  readonly process: SessionSnapshot["process"];
  readonly total: number;
  readonly moment: Moment;
  /** The whole dump; absent when there were too many tasks to keep them. */
  readonly file?: string;
}

/** One side of a comparison. */
export interface Side {
  readonly name: string;
  readonly moment: Moment;
}

/** Two moments, side by side. */
export interface Comparison {
  readonly id: string;
  readonly before: Side;
  readonly after: Side;
}

/** What the user has kept in this window. */
export interface Snapshots {
  list(): readonly Snapshot[];
  comparisons(): readonly Comparison[];
  /** Gives what had to go for it: the oldest. */
  add(snapshot: Omit<Snapshot, "id">): readonly Snapshot[];
  rename(id: string, name: string): void;
  /** A snapshot or a comparison; gives the snapshot. */
  remove(id: string): Snapshot | undefined;
  /** Puts the earlier one first, whichever is given first. */
  compare(one: Side, other: Side): void;
  readonly onChange: Event<void>;
}

/** So many are kept: a dump may have 100 MB. */
const mostSnapshots = 20;
const mostComparisons = 5;

export function createSnapshots(): Snapshots {
  const changed = createEmitter<void>();
  let snapshots: readonly Snapshot[] = [];
  let comparisons: readonly Comparison[] = [];
  let made = 0;
  const fire = () => changed.fire();
  return {
    list: () => snapshots,
    comparisons: () => comparisons,
    add(snapshot) {
      const all = [...snapshots, { ...snapshot, id: `snapshot ${++made}` }];
      snapshots = all.slice(-mostSnapshots);
      fire();
      return all.slice(0, -mostSnapshots);
    },
    rename(id, name) {
      snapshots = snapshots.map((each) => (each.id === id ? { ...each, name } : each));
      fire();
    },
    remove(id) {
      const found = snapshots.find((each) => each.id === id);
      snapshots = snapshots.filter((each) => each.id !== id);
      comparisons = comparisons.filter((each) => each.id !== id);
      fire();
      return found;
    },
    compare(one, other) {
      const [before, after] = one.moment.capturedAt <= other.moment.capturedAt ? [one, other] : [other, one];
      comparisons = [{ id: `comparison ${++made}`, before, after }, ...comparisons].slice(0, mostComparisons);
      fire();
    },
    onChange: changed.event,
  };
}
