import type { Dump } from "@unknot/protocol/dump.ts";

/** A dump that several questions are answered from, so that they speak of one moment and it is taken once. */
export interface RecentDump {
  /** Answers from a new one. */
  next<Answer>(answer: (dump: Dump) => Answer): Promise<Answer>;
  /** Answers from the last one, unless nobody has asked for it lately: then from a new one. */
  last<Answer>(answer: (dump: Dump) => Answer): Promise<Answer>;
}

export interface RecentDumpOptions {
  readonly take: () => Promise<Dump>;
  /** So long after the last answer the dump is let go: there may be a million tasks in it. */
  readonly keepMs: number;
}

export function createRecentDump({ take, keepMs }: RecentDumpOptions): RecentDump {
  let held: Promise<Dump> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let answering = 0;
  const letGo = () => {
    held = undefined;
  };
  const taken = () => {
    const dump = take();
    dump.catch(() => {
      if (held === dump) letGo();
    });
    return dump;
  };
  const answerFrom = async <Answer>(dump: Promise<Dump>, answer: (dump: Dump) => Answer) => {
    held = dump;
    answering++;
    clearTimeout(timer);
    try {
      return answer(await dump);
    } finally {
      // From when the answers are there: they may take longer than the dump is kept.
      if (--answering === 0) {
        timer = setTimeout(letGo, keepMs);
        timer.unref();
      }
    }
  };
  return {
    next: (answer) => answerFrom(taken(), answer),
    last: (answer) => answerFrom(held ?? taken(), answer),
  };
}
