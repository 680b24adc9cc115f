import assert from "node:assert/strict";
import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import { insertionMark } from "./insertions.ts";
import { mapUrl, readMap } from "./source-map.ts";
import { transform } from "./transform.ts";

const source = `import { Mutex } from "async-mutex";
const lock = new Mutex();
export async function add(one: number, other: number): Promise<number> {
  const release = await lock.acquire(); release(await (async () => 1)());
  return one + other;
}
`;

describe("the map of a transformed file", () => {
  const transformed = transform({
    source,
    file: "/app/add.ts",
    typescript: true,
    kind: "module",
    firstSite: 0,
    libraries: new Set(["async-mutex"]),
    map: { file: "/app/add.ts", composed: true },
  });
  const code = transformed?.code ?? "";
  const map = new TraceMap(readMap(mapUrl(code), "/app/add.ts")?.map ?? "{}");

  it("maps the program to its own lines and columns, and of the insertions only calls around its expressions", () => {
    const lines = source.split("\n");
    let insertions = 0;
    let calls = 0;
    for (const [index, line] of code.split("\n").slice(0, lines.length).entries()) {
      let inside = false;
      let original = 0;
      for (const [column, character] of [...line].entries()) {
        const found = originalPositionFor(map, { line: index + 1, column });
        if (character === insertionMark) {
          if (!inside) insertions++;
          inside = !inside;
        }
        if (character === insertionMark || inside) {
          const from = inside ? column : line.lastIndexOf(insertionMark, column - 1);
          const start = line.lastIndexOf(insertionMark, from);
          const text = line.slice(start + 1, line.indexOf(insertionMark, start + 1));
          if (found.line === null) continue;
          calls++;
          assert.ok(/^[(*]|[(,]$/.test(text), text);
          assert.equal(found.line, index + 1);
          assert.equal(found.column, text.startsWith("*/") ? lines[index]?.indexOf("return") : original);
        } else {
          // Segments begin at words; inside a word the position is that of its beginning.
          assert.equal(found.line, index + 1);
          assert.ok(
            (found.column ?? -1) <= original &&
              lines[index]?.slice(found.column ?? 0, original).match(/^[\w$]*$|^\W*$/),
          );
          original++;
        }
      }
      assert.equal(original, lines[index]?.length);
    }
    assert.ok(insertions > 5, `${insertions} insertions`);
    assert.ok(calls > 5, `${calls} positions in calls`);
  });
});
