import type { Dump, Site } from "@unknot/protocol/dump.ts";
import { callersOf } from "../callers.ts";
import { lookupOf, siteOf, unprintable } from "../names.ts";

/**
 * The tasks of a dump as Go's text of its goroutine profile (`debug=1`): those with the same stack and labels together,
 * the most first. What stands for the addresses of code are numbers of places.
 */
export function writeGoroutineProfile(dump: Pick<Dump, "sites" | "tasks" | "resources">): string {
  const callers = callersOf(lookupOf(dump));
  const places = new Places();
  const records = new Map<string, { count: number; readonly text: string }>();
  for (const task of dump.tasks) {
    const frames = [
      places.of(siteOf(dump, task.at ?? task.entry), task.name),
      ...callers(task, 32).map((caller) => places.of(siteOf(dump, caller.at ?? caller.entry), caller.name)),
    ];
    const labels = { ...task.labels, state: task.state };
    const key = `@${frames.map(({ address }) => ` 0x${address.toString(16)}`).join("")}\n# labels: ${labelsText(labels)}`;
    const record = records.get(key);
    if (record === undefined) records.set(key, { count: 1, text: `${key}\n${framesText(frames)}` });
    else record.count++;
  }
  const sorted = [...records].sort(([a, one], [b, other]) => other.count - one.count || (a < b ? -1 : 1));
  const text = sorted.map(([, record]) => `${record.count} ${record.text}`).join("\n");
  return `goroutine profile: total ${dump.tasks.length}\n${text}`;
}

/** The same for what was waited (`block`) or blamed (`mutex`); a cycle is a nanosecond. */
export function writeContentionProfile(dump: Dump, profile: "block" | "mutex"): string {
  const places = new Places();
  const { waits = [], holds = [] } = dump.contention ?? {};
  const records =
    profile === "block"
      ? waits
          .filter(({ state }) => state !== "sleep")
          .map(({ stack, count, totalMs }) => ({ stack, count, ms: totalMs }))
      : holds
          .filter(({ contended }) => contended > 0)
          .map(({ stack, contended, delayMs }) => ({ stack, count: contended, ms: delayMs }));
  const text = records.map(({ stack, count, ms }) => {
    const frames = stack.map((index) => places.of(siteOf(dump, index), undefined));
    const addresses = frames.map(({ address }) => ` 0x${address.toString(16)}`).join("");
    return `${BigInt(Math.round(ms)) * 1_000_000n} ${count} @${addresses}\n${framesText(frames)}`;
  });
  return `--- ${profile === "block" ? "contention" : "mutex"}:\ncycles/second=1000000000\n${profile === "mutex" ? "sampling period=1\n" : ""}${text.join("")}`;
}

interface Place {
  /** What a return address would be: one more than what the line of the frame says. */
  readonly address: number;
  readonly text: string;
}

/** Numbers places, each name, file and line once. */
class Places {
  readonly #numbers = new Map<string, Place>();

  of(site: Site | undefined, otherwise: string | undefined): Place {
    const name = plain(site?.function || otherwise || "(anonymous)");
    const text = `${name.includes(".") ? name : `main.${name}`}+0x0\t${plain(site?.file || "unknown")}:${site?.line ?? 0}`;
    let place = this.#numbers.get(text);
    if (place === undefined) {
      place = { address: 0x1001 + this.#numbers.size * 0x10, text };
      this.#numbers.set(text, place);
    }
    return place;
  }
}

function framesText(frames: readonly Place[]): string {
  return frames.map(({ address, text }) => `#\t0x${(address - 1).toString(16)}\t${text}\n`).join("");
}

/** As Go writes them: sorted, each part quoted. */
function labelsText(labels: Readonly<Record<string, string>>): string {
  const entries = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  const quoted = (text: string) => JSON.stringify(text.replace(unprintable, "~"));
  return `{${entries.map(([key, value]) => `${quoted(key)}:${quoted(value)}`).join(", ")}}`;
}

/** Nothing in a name ends a line or a column, or looks like a part of the format. */
function plain(text: string): string {
  return text.replace(unprintable, "~").replace(/[\s@#]/gu, "~");
}
