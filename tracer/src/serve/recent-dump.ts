import type { Dump } from "@unknot/protocol/dump.ts";

/** A dump that several questions are answered from, so that they speak of one moment and it is taken once. */
export interface RecentDump {
  /** Takes a new one. */
  next(): Promise<Dump>;
  /** The last one, unless nobody has asked for it lately: then a new one. */
  last(): Promise<Dump>;
}

export interface RecentDumpOptions {
  readonly take: () => Promise<Dump>;
  /** So long after the last question the dump is let go: there may be a million tasks in it. */
  readonly keepMs: number;
}

export function createRecentDump({ take, keepMs }: RecentDumpOptions): RecentDump {
  let held: Promise<Dump> | undefined;
  let timer: NodeJS.Timeout | undefined;
  const keep = (dump: Promise<Dump>): Promise<Dump> => {
    held = dump;
    clearTimeout(timer);
    timer = undefined;
    const letGo = () => {
      if (held !== dump) return;
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (held === dump) held = undefined;
      }, keepMs);
      timer.unref();
    };
    // From when it is there: taking it may last longer than it is kept.
    dump.then(letGo, () => {
      if (held === dump) held = undefined;
    });
    return dump;
  };
  return {
    next: () => keep(take()),
    last: () => keep(held ?? take()),
  };
}
