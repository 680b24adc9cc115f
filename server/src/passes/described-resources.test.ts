import assert from "node:assert/strict";
import path from "node:path";
import type { DescribedResource } from "@unknot/protocol/described-resource.ts";
import { analyzeProgram } from "../analysis/analyze.ts";
import { programOf } from "../analysis/testing/program-of.ts";
import { openParser, type Parser } from "../program/testing/facts-of.ts";

describe("what is known of a resource", () => {
  let parser: Parser;
  before(() => {
    parser = openParser();
  });
  after(() => parser.close());

  const resourcesIn = (
    texts: Readonly<Record<string, string>>,
    file: string,
  ): readonly DescribedResource[] => {
    const program = programOf(parser, new Map(Object.entries(texts)));
    const result = analyzeProgram(program, program.files(), { describe: true });
    assert.deepEqual(result.failures, []);
    return result.resources.get(`/program/${file}`) ?? [];
  };
  const place = ({ file, line, column, endColumn }: DescribedResource["created"]) =>
    `${path.basename(file)}:${line}:${column}-${endColumn}`;
  const told = (resource: DescribedResource | undefined) =>
    resource?.uses.map(({ role, at, function: name }) => `${role} ${place(at)} in ${name}`);

  const locks = `import { Mutex } from "async-mutex";
export const ledger = new Mutex();
export const stock: Mutex = new Mutex();
`;
  const orders = `import { ledger, stock } from "./locks.ts";
export async function reserve() {
  const release = await ledger.acquire();
  try {
    await stock.runExclusive(async () => {
      await count();
    });
  } finally {
    release();
  }
}
async function count() {}
`;

  it("has the places where a lock is acquired in any file, and the order of locks", () => {
    for (const file of ["locks.ts", "orders.ts"]) {
      const [ledger, stock, ...others] = resourcesIn({ "locks.ts": locks, "orders.ts": orders }, file);
      assert.deepEqual(others, []);
      assert.ok(ledger && stock);
      assert.deepEqual([ledger.name, ledger.kind, ledger.type], ["ledger", "mutex", "async-mutex.Mutex"]);
      assert.equal(ledger.capacity, 1);
      assert.equal(place(ledger.created), "locks.ts:2:14-32");
      assert.equal(place(stock.created), "locks.ts:3:14-38");
      assert.deepEqual([ledger.made.line, ledger.made.column], [2, 23]);
      assert.deepEqual(told(ledger), ["acquire orders.ts:3:25-39 in reserve"]);
      assert.deepEqual(told(stock), ["acquire orders.ts:5:11-29 in reserve"]);
      assert.deepEqual(
        ledger.before.map(({ name, at }) => `${name} ${at.line}`),
        ["stock 5"],
      );
      assert.deepEqual(ledger.after, []);
      assert.deepEqual(
        stock.after.map(({ name }) => name),
        ["ledger"],
      );
    }
  });

  it("has senders, receivers and closers of a channel, through functions that are handed it", () => {
    const text = `import { Chan } from "ts-chan";
async function produce(to: Chan<number>) {
  for (let n = 0; n < 3; n++) await to.send(n);
}
async function main() {
  const jobs = new Chan<number>(2);
  void produce(jobs);
  for await (const job of jobs) console.log(job);
  jobs.close();
}
void main();
`;
    const [jobs, ...others] = resourcesIn({ "a.ts": text }, "a.ts");
    assert.deepEqual(others, []);
    assert.deepEqual([jobs?.name, jobs?.kind, jobs?.capacity], ["jobs", "channel", 2]);
    assert.deepEqual(
      jobs?.uses.map(({ role, at, function: name }) => `${role} ${at.line} ${name}`),
      ["send 3 produce", "receive 8 main", "close 9 main"],
    );
  });

  it("knows the lock of a class by its field", () => {
    const text = `import { Mutex } from "async-mutex";
export class Account {
  readonly #lock = new Mutex();
  async add() { return this.#lock.runExclusive(() => 1); }
  async take() {
    await this.#lock.acquire();
    this.#lock.release();
  }
}
`;
    const [lock, ...others] = resourcesIn({ "a.ts": text }, "a.ts");
    assert.deepEqual(others, []);
    assert.equal(lock?.name, "this.#lock");
    assert.equal(lock && place(lock.created), "a.ts:3:12-29");
    assert.deepEqual(told(lock), [
      "acquire a.ts:4:24-47 in Account.add",
      "acquire a.ts:6:11-29 in Account.take",
      "release a.ts:7:5-23 in Account.take",
    ]);
  });

  it("says of a lock that leaves our sight that others may use it, and nothing unless asked", () => {
    const text = `import { Mutex } from "async-mutex";
const lock = new Mutex();
register(lock);
export const take = () => lock.acquire();
`;
    assert.equal(resourcesIn({ "a.ts": text }, "a.ts")[0]?.shared, true);
    const program = programOf(parser, new Map([["a.ts", text]]));
    assert.equal(analyzeProgram(program, program.files()).resources.size, 0);
  });
});
