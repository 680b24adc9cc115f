// What the modules that a program imports (`unknot`, `unknot/testing`) ask of the tracer in their thread.
import { detect } from "@unknot/dump/detectors/detect.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import { nowMs, ticksAt } from "./clock.ts";
import { buildDump } from "./dump-builder.ts";
import type { Fact, Facts, Labels } from "./facts.ts";
import { headSeqHigh, headSeqLow, rowSeqLow } from "./layout.ts";
import { createPlaces } from "./places.ts";
import type { Core } from "./runtime.ts";
import type { StaticProcessInfo } from "./serve/messages.ts";
import type { Tables } from "./tables.ts";

export interface TracerApi {
  readonly version: 1;
  /** Labels the task that is running, and with it what it starts; nothing outside of tasks. */
  label(labels: Labels): void;
  /** The id of the last task that was started. */
  lastId(): number;
  /** The id of the task that is running; undefined outside of tasks. */
  runningTask(): number | undefined;
  /** The tasks of this thread now, with problems. */
  dump(by: string): Dump;
}

export interface ApiOptions {
  readonly core: Core;
  readonly facts: Facts;
  readonly tables: Tables;
  readonly process: StaticProcessInfo;
  readonly note: (fact: Fact) => void;
  readonly guard: <Result>(part: () => Result) => Result | undefined;
  readonly lastId: () => number;
}

export function createApi(options: ApiOptions): TracerApi {
  const { core, facts, tables, note, guard, lastId } = options;
  const places = createPlaces(facts.files);
  const running = (): number | undefined => {
    const row = core.asker(false);
    return row === 0 ? undefined : fullId(core.get(row, rowSeqLow), lastId());
  };
  return Object.freeze({
    version: 1,
    label(labels: Labels) {
      guard(() => {
        const id = running();
        if (id === undefined) return;
        const clean = Object.fromEntries(
          Object.entries(labels)
            .slice(0, mostLabels)
            .map(([name, value]) => [name.slice(0, longestLabel), String(value).slice(0, longestLabel)]),
        );
        note({ kind: "labels", id, labels: { ...facts.labels.get(id), ...clean } });
      });
    },
    lastId,
    runningTask: () => guard(running),
    dump(by: string) {
      const capturedAt = nowMs();
      const built = buildDump(tables, facts, places, {
        process: { ...options.process, upMs: Math.round(capturedAt - core.startMs) },
        capturedAt,
        ticks: ticksAt(capturedAt, core.startMs),
        by,
        loop: { state: "turning", sinceMs: 0 },
        blind: [],
      });
      return { ...built, problems: detect(built) };
    },
  });
}

const mostLabels = 16;
const longestLabel = 200;

/** The id that was given last: of a task or an operation. */
export function lastIdOf(header: Int32Array): number {
  return (header[headSeqHigh] as number) * 2 ** 32 + ((header[headSeqLow] as number) >>> 0);
}

/** The id with this low word that was given last. */
function fullId(low: number, last: number): number {
  const id = Math.floor(last / 2 ** 32) * 2 ** 32 + (low >>> 0);
  return id > last ? id - 2 ** 32 : id;
}
