import { overview } from "@unknot/dump/overview.ts";
import { stackTree } from "@unknot/dump/stack-tree.ts";
import { listTasks } from "@unknot/dump/task-list.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { Wire } from "@unknot/protocol/wire.ts";

/** What can be asked about the tasks of a thread. */
export type Question = "dump" | "overview" | "list" | "stacks";

/** Answers questions about a thread's tasks: a connection to it, or the last dump that it left. */
export interface DumpSource {
  request<Asked extends Question>(
    question: Asked,
    params: Wire[Asked]["params"],
  ): Promise<Wire[Asked]["result"]>;
}

/** Answers from a dump. */
export function heldDump(dump: Dump): DumpSource {
  const answers: { readonly [Asked in Question]: (params: Wire[Asked]["params"]) => Wire[Asked]["result"] } =
    {
      dump: () => dump,
      overview: (params) => overview(dump, params),
      list: (params) => listTasks(dump, params),
      stacks: (params) => stackTree(dump, params),
    };
  return { request: async (question, params) => answers[question](params) };
}
