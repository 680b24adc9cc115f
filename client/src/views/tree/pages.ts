import type { TaskListRequest, TaskPage } from "@unknot/protocol/task-list.ts";
import type { Launches } from "../../sessions/launches.ts";
import type { Below } from "./row.ts";

/** So many rows of a level are shown first, and so many more each time. */
const pageSize = 200;
/** More than these nobody reads: a filter finds them. */
const mostRows = 5000;

/** The parts of lists that trees show. A list is asked for once per overview, however often a tree is drawn. */
export interface Pages {
  /** What the thread says; what it said last when it can no longer be asked. */
  page(below: Below, capturedAt: number): Promise<TaskPage | undefined>;
  /** From now on the level has more rows. */
  showMore(level: string): void;
  /** Forgets the sessions that are no longer there. */
  keepOnly(isThere: (session: string) => boolean): void;
}

interface Known {
  readonly capturedAt: number;
  readonly request: string;
  readonly page: Promise<TaskPage | undefined>;
  /** What was there before. */
  readonly last: TaskPage | undefined;
}

export function createPages(launches: Pick<Launches, "session">): Pages {
  const bySession = new Map<string, Map<string, Known>>();
  const limits = new Map<string, number>();

  const ask = async (session: string, request: TaskListRequest, last: TaskPage | undefined) =>
    (await launches.session(session)?.ask("list", request)) ?? last;

  return {
    async page({ session, level, request: asked }, capturedAt) {
      const levels = bySession.get(session) ?? new Map<string, Known>();
      bySession.set(session, levels);
      const known = levels.get(level);
      const full = { ...asked, offset: 0, limit: limits.get(level) ?? pageSize };
      const request = JSON.stringify(full);
      if (known?.request === request && known.capturedAt === capturedAt) return known.page;
      // Another filter's rows would be wrong, an older moment's are only old.
      const last = known?.request === request ? known.last : undefined;
      const page = ask(session, full, last);
      levels.set(level, { capturedAt, request, page, last });
      const answer = await page;
      if (levels.get(level)?.page === page) levels.set(level, { capturedAt, request, page, last: answer });
      return answer;
    },
    showMore(level) {
      limits.set(level, Math.min((limits.get(level) ?? pageSize) + pageSize, mostRows));
    },
    keepOnly(isThere) {
      for (const id of bySession.keys()) {
        if (isThere(id)) continue;
        for (const level of bySession.get(id)?.keys() ?? []) limits.delete(level);
        bySession.delete(id);
      }
    },
  };
}
