import { membersOf, overview } from "@unknot/dump/overview.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { Wire } from "@unknot/protocol/wire.ts";

/** What can be asked about the tasks of a thread. */
export type Question = "dump" | "overview" | "members";

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
      members: (params) => membersOf(dump, params),
    };
  return { request: async (question, params) => answers[question](params) };
}
