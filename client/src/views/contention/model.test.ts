import assert from "node:assert/strict";
import { DumpBuilder } from "@unknot/dump/testing/dump-builder.ts";
import type { Contention } from "@unknot/protocol/contention.ts";
import { drawn, launch, snapshot } from "../../testing/sketches.ts";
import { rowsOf } from "./model.ts";

const sites = [
  { file: "/app/orders.ts", line: 41, column: 3, function: "reserve" },
  { file: "/app/http.ts", line: 5, column: 3, function: "handle" },
  { file: "/app/billing.ts", line: 90, column: 3, function: "charge" },
  { file: "/app/locks.ts", line: 3, column: 3 },
];
const ledger = { kind: "mutex", type: "async-mutex.Mutex", name: "ledger", created: 3 } as const;

function rowsFor(contention: Partial<Contention> | undefined) {
  const full = { forMs: 100_000, stepMs: 20, waits: [], holds: [], dropped: 0, ...contention };
  const dump = new DumpBuilder().build({ sites, ...(contention === undefined ? {} : { contention: full }) });
  return rowsOf([launch(snapshot(dump))]);
}

describe("the rows of the Contention view", () => {
  it("name who held what others waited for, and where was waited", () => {
    const rows = rowsFor({
      holds: [
        {
          stack: [2, 1],
          taken: 0,
          resource: ledger,
          count: 4000,
          totalMs: 9000,
          longestMs: 400,
          contended: 300,
          delayMs: 12_400,
        },
        { stack: [2], resource: ledger, count: 5, totalMs: 100, longestMs: 40, contended: 0, delayMs: 0 },
      ],
      waits: [
        {
          stack: [0, 1],
          state: "mutex.lock",
          resource: ledger,
          count: 4000,
          totalMs: 150_000,
          longestMs: 800,
        },
      ],
    });
    assert.deepEqual(drawn(rows), [
      "Held while others waited | 1 place in 1 min 40 s, measured in steps of 20 ms",
      "  mutex 'ledger', taken by 'reserve' | others waited 12.4 s · for 300 of 4,000 holds · longest 400 ms · orders.ts:41 > orders.ts:41",
      "    Taken at | reserve · orders.ts:41 > orders.ts:41",
      "    Given back at | charge · billing.ts:90 > billing.ts:90",
      "    Awaited at | handle · http.ts:5 > http.ts:5",
      "    Created at | locks.ts:3 > locks.ts:3",
      "Waited in sum | 1 place in 1 min 40 s, measured in steps of 20 ms",
      "  'reserve' for mutex 'ledger' | 2 min 30 s in sum · mutex.lock 4,000 × · longest 800 ms · 1.5 at a time · orders.ts:41 > orders.ts:41",
      "    Waited at | reserve · orders.ts:41 > orders.ts:41",
      "    Awaited at | handle · http.ts:5 > http.ts:5",
      "    Created at | locks.ts:3 > locks.ts:3",
    ]);
  });

  it("say what was not measured", () => {
    assert.deepEqual(drawn(rowsFor(undefined)), [
      "What was waited for in the past is not known | the program's tracer is older",
    ]);
    assert.deepEqual(drawn(rowsFor({ dropped: 1200 })), [
      "1,200 waits and holds did not fit and are left out",
      "Held while others waited | nowhere in 1 min 40 s, measured in steps of 20 ms",
      "Waited in sum | nowhere in 1 min 40 s, measured in steps of 20 ms",
    ]);
  });
});
