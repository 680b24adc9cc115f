import assert from "node:assert/strict";
import { headNextRow, rowState, rowWords, segmentMask, segmentRows, stateWaiting } from "./layout.ts";
import { copyOf, createTables, freshRow, type Tables } from "./tables.ts";

const noMore = Number.MAX_SAFE_INTEGER;

function begin(tables: Tables): number {
  const row = freshRow(tables, noMore, () => {});
  const segment = tables.rows[Math.floor(row / segmentRows)] as Int32Array;
  segment[(row & segmentMask) * rowWords + rowState] = stateWaiting;
  return row;
}

/** Lets something happen when the rows of a table are about to be copied, as on the thread that writes. */
function whenCopied(tables: Tables, happens: () => void): void {
  const [first] = tables.rows;
  assert.ok(first);
  first.slice = (...range) => {
    happens();
    return Int32Array.prototype.slice.apply(first, range);
  };
}

describe("a copy of the tables", () => {
  it("has the rows that were begun while it was made, as others may wait for them", () => {
    const tables = createTables();
    begin(tables);
    let row = 0;
    whenCopied(tables, () => {
      row = begin(tables);
    });
    const copy = copyOf(tables);
    assert.equal(copy.rows[0]?.[row * rowWords + rowState], stateWaiting);
    assert.equal(copy.header[headNextRow], row + 1);
  });

  it("ends where its rows do when the table has grown meanwhile", () => {
    const tables = createTables();
    whenCopied(tables, () => {
      for (let row = 0; row < segmentRows; ) row = begin(tables);
    });
    const copy = copyOf(tables);
    assert.equal(tables.rows.length, 2);
    assert.equal(copy.rows.length, 1);
    assert.equal(copy.header[headNextRow], segmentRows);
  });
});
