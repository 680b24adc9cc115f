import type { Dump } from "@unknot/protocol/dump.ts";
import { detect } from "../detectors/detect.ts";
import { DumpBuilder, joins, waits, wants } from "./dump-builder.ts";

/** A shop with a deadlock over two locks, idle consumers of a channel and a failure nobody looked at. */
export function shop(): Dump {
  const builder = new DumpBuilder()
    .mutex(3, "stock", { task: 7, forMs: 182_900, site: "orders.ts:38:9", release: "task" })
    .mutex(4, "ledger", { task: 9, forMs: 183_100, site: "billing.ts:70:11", release: "task" })
    .resource("channel", 1, { name: "jobs", type: "ts-chan.Chan", created: "index.ts:11:16", length: 0 })
    .task(1, { name: "main", kind: "main", at: "index.ts:30:9", ageMs: 912_400, wait: waits(900_000) })
    .task(5, {
      name: "handle",
      at: "http.ts:20:5",
      created: "http.ts:11:3",
      parent: 1,
      ageMs: 183_300,
      labels: { req: "r-81", name: "the program's own" },
      wait: joins(7),
    })
    .task(7, {
      name: "OrderService.reserve",
      state: "mutex.lock",
      at: "orders.ts:41:17",
      entry: "orders.ts:36:3",
      created: "http.ts:20:11",
      parent: 5,
      ageMs: 183_000,
      wait: { ...wants(4, "acquire", 182_412), position: 1 } as ReturnType<typeof wants>,
    })
    .task(9, {
      name: "Billing.charge",
      state: "mutex.lock",
      at: "billing.ts:77:15",
      entry: "billing.ts:66:3",
      created: "http.ts:24:11",
      parent: 5,
      ageMs: 183_200,
      wait: { ...wants(3, "acquire", 182_300), position: 1 } as ReturnType<typeof wants>,
    })
    .task(611, { name: "audit", state: "rejected", at: "audit.ts:8:3", created: "http.ts:24:5", parent: 5 });
  for (let id = 11; id <= 15; id++) {
    builder.task(id, {
      name: "consume",
      state: "chan receive",
      at: "consume.ts:5:20",
      entry: "consume.ts:3:1",
      created: "index.ts:12:5",
      parent: 1,
      ageMs: 900_000 - id,
      wait: wants(1, "receive", 720_000 + 10_000 * id),
    });
  }
  const dump = builder.build();
  return { ...dump, problems: detect(dump) };
}

/** The same after some hours, with what its tasks have waited and held so far. */
export function busyShop(): Dump {
  const dump = shop();
  const at = (file: string, line: number) =>
    dump.sites.findIndex((site) => site.file.endsWith(`/${file}`) && site.line === line);
  const ledger = { kind: "mutex", type: "async-mutex.Mutex", name: "ledger" } as const;
  return {
    ...dump,
    contention: {
      forMs: 7_200_000,
      stepMs: 20,
      waits: [
        {
          stack: [at("orders.ts", 41), at("http.ts", 20)],
          state: "mutex.lock",
          resource: ledger,
          count: 340,
          totalMs: 182_412,
          longestMs: 1240,
        },
        { stack: [at("audit.ts", 8)], state: "await", count: 12, totalMs: 24_000, longestMs: 6000 },
      ],
      holds: [
        {
          stack: [at("billing.ts", 77), at("http.ts", 20)],
          taken: at("billing.ts", 70),
          resource: { ...ledger, created: at("index.ts", 11) },
          count: 360,
          totalMs: 90_000,
          longestMs: 800,
          contended: 310,
          delayMs: 182_400,
        },
      ],
      dropped: 0,
    },
  };
}
