import assert from "node:assert/strict";
import fc from "fast-check";
import { positionsOf } from "./positions.ts";
import { programs } from "./testing/programs.ts";
import { insertionMark, withoutInsertions } from "./transform/insertions.ts";
import { transform } from "./transform/transform.ts";

const runs = Number(process.env["UNKNOT_RUNS"] ?? 60);

describe("positions of code that runs with insertions", () => {
  const transformed = (source: string) =>
    transform({
      source,
      file: "/program.js",
      typescript: false,
      kind: "commonjs",
      firstSite: 1,
      libraries: new Set(),
    })?.code ?? source;

  it("are those of the same character of the source", () => {
    fc.assert(
      fc.property(programs, fc.integer({ min: -30, max: 30 }), (source, firstColumn) => {
        const code = transformed(source);
        const positions = positionsOf({ code, firstColumn });
        const lines = source.split("\n");
        let inside = false;
        let [line, column, at] = [1, 1, 0];
        for (let offset = 0; offset < code.length; offset++) {
          const character = code[offset] ?? "";
          if (character === insertionMark) inside = !inside;
          const isOurs = inside || character === insertionMark;
          if (!isOurs) {
            assert.equal(positions.offset(offset), at);
            assert.equal(source[at], character);
            const added = line === 1 ? firstColumn : 0;
            const shown = positions.column(line, column + added) - added;
            if (character !== "\n") assert.equal(lines[line - 1]?.[shown - 1], character);
            at++;
          } else if (character !== insertionMark) assert.ok(positions.isInserted(offset));
          if (character === "\n") [line, column] = [line + 1, 1];
          else column++;
        }
        assert.equal(positions.text(0, source.length), withoutInsertions(code));
      }),
      { numRuns: runs },
    );
  });

  it("says of code without insertions what it is told", () => {
    const positions = positionsOf({ code: "a;\nb;", firstColumn: 0 });
    assert.deepEqual([positions.column(2, 1), positions.column(9, 4), positions.offset(3)], [1, 4, 3]);
  });
});
