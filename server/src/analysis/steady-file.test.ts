import assert from "node:assert/strict";
import fc from "fast-check";
import type { FileFacts, Range } from "../program/facts.ts";
import type { NodeId } from "../program/ids.ts";
import { openParser, type Parser } from "../program/testing/facts-of.ts";
import { spanOf } from "./places.ts";
import { lineEndBefore, type SteadyFile, steadyFile, withoutRoom } from "./steady-file.ts";

describe("steady places", () => {
  let parser: Parser;
  before(() => {
    parser = openParser();
  });
  after(() => parser.close());

  const line = fc.constantFrom(
    "",
    "// a comment",
    "const one = load(1);",
    "if (one) { await save(); }",
    "export async function save() {",
    "  return await load(`",
    "`);",
    "}",
    "class Store { field = 1; method() { return () => this.field; } }",
    "  call(a, b); call(c);",
    `${"x".repeat(600)};`,
  );
  const edits = fc.array(
    fc.record({ at: fc.nat(), remove: fc.nat({ max: 3 }), add: fc.array(line, { maxLength: 3 }) }),
    {
      minLength: 1,
      maxLength: 6,
    },
  );

  it("are those of the real text with room in it, whatever was edited", () => {
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 12 }),
        edits,
        fc.constantFrom("\n", "\r\n"),
        (start, changes, newline) => {
          let lines: readonly string[] = start;
          let before: SteadyFile | undefined;
          for (const change of [undefined, ...changes]) {
            if (change) lines = lines.toSpliced(change.at % (lines.length + 1), change.remove, ...change.add);
            const text = lines.join(newline);
            const facts = parser.facts(text, "file.ts");
            before = steadyFile(facts, text, before);
            check(facts, text, before);
          }
        },
      ),
      { numRuns: 150, seed: 11 },
    );
  });

  function check(
    real: FileFacts,
    text: string,
    { facts, text: padded, place, settled, realNode, steadyNode }: SteadyFile,
  ) {
    assert.equal(withoutRoom(padded()), text);
    for (let offset = 0; offset < text.length; offset += 1) {
      assert.ok(place(offset) < place(offset + 1));
      assert.equal(settled(place(offset)), place(offset));
      if (!/\s/.test(text[offset] ?? "")) assert.equal(padded()[place(offset)], text[offset]);
    }
    // A newline that is found in the text stands where the end of its line does.
    let [line, newline] = [0, padded().indexOf("\n")];
    for (; newline >= 0; newline = padded().indexOf("\n", newline + 1)) {
      line = text.indexOf("\n", line);
      assert.equal(settled(newline), place(line));
      // Nothing ends in an empty first line, which has room in front of it.
      if (line > 0) assert.equal(lineEndBefore(padded(), newline), place(line));
      line += 1;
    }
    const [here, there] = [placesIn(real), placesIn(facts)];
    assert.deepEqual(
      there.ranges.map((range) => spanOf(facts, range)),
      here.ranges.map((range) => spanOf(real, range)),
    );
    assert.deepEqual(there.nodes.map(realNode), here.nodes);
    assert.deepEqual(here.nodes.map(steadyNode), there.nodes);
    assert.equal(new Set(there.nodes).size, new Set(here.nodes).size);
  }
});

/** All ranges, and the nodes of all instructions, in order. */
function placesIn({ functions }: FileFacts): {
  readonly ranges: readonly Range[];
  readonly nodes: readonly NodeId[];
} {
  const code = functions.flatMap(({ blocks }) => blocks.flatMap((block) => block.code));
  return {
    ranges: [
      ...functions,
      ...functions.flatMap(({ statements }) => statements.flatMap(({ of }) => of)),
      ...code,
    ],
    nodes: code.flatMap((i) => ("node" in i ? [i.node] : [])),
  };
}
