import assert from "node:assert/strict";
import { analyzeProgram } from "../analysis/analyze.ts";
import { programOf } from "../analysis/testing/program-of.ts";
import { openParser, type Parser } from "../program/testing/facts-of.ts";

// The promise of a client is in a property of what `acquire` gives, and not what it gives.
describe("a pool of tarn", () => {
  let parser: Parser;
  before(() => {
    parser = openParser();
  });
  after(() => parser.close());

  const found = (body: string): readonly string[] => {
    const text = `import { Pool } from "tarn";
const pool = new Pool({ create, destroy, min: 0, max: 4 });
export async function run(isEmpty) {
${body}
}
`;
    const program = programOf(parser, new Map([["pool.js", text]]));
    const result = analyzeProgram(program, program.files());
    assert.deepEqual(result.failures, []);
    return result.findings.map(({ rule, at }) => `${rule}:${at.line}`);
  };

  it("gives a client that has to be released", () => {
    assert.deepEqual(
      found(`  const client = await pool.acquire().promise;
  if (isEmpty) return;
  pool.release(client);`),
      ["pool-client-not-released:4"],
    );
    assert.deepEqual(
      found(`  const request = pool.acquire();
  const client = await request.promise;
  await client.query("select 1");
  pool.release(client);`),
      ["pool-client-not-released:4"],
    );
  });

  it("is content when it is released in finally, under whatever name", () => {
    assert.deepEqual(
      found(`  const { promise } = pool.acquire();
  const client = await promise;
  try {
    await client.query("select 1");
  } finally {
    pool.release(client);
  }`),
      [],
    );
  });

  it("may be empty for who holds one and asks for another", () => {
    assert.deepEqual(
      found(`  const client = await pool.acquire().promise;
  try {
    const other = await pool.acquire().promise;
    pool.release(other);
  } finally {
    pool.release(client);
  }`),
      ["nested-pool-checkout:6"],
    );
  });
});
