import assert from "node:assert/strict";
import { temporaryFolder, unknot } from "./unknot.ts";

describe("unknot why", () => {
  const folder = temporaryFolder({ "no-program/readme.txt": "" });
  const why = (...words: string[]) => unknot(["why", ...words], { cwd: folder });

  it("ends with a sentence when there is nothing to start", async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [["--", "nosuchcmd"], /^unknot: 'nosuchcmd' can't be started: .*ENOENT\.\n$/],
      [["--", "./nosuch.js"], /^unknot: '\.\/nosuch\.js' can't be started/],
      [["--", "./no-program"], /^unknot: '\.\/no-program' can't be started/],
      [[], /^unknot: Say what to run: unknot why -- npm test\n$/],
    ];
    for (const [words, message] of cases) {
      const { code, stdout, stderr } = await why(...words);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, message);
    }
  });
});
