import assert from "node:assert/strict";
import type { Registration } from "@unknot/protocol/wire.ts";
import { psText } from "./ps-text.ts";

const entry = (pid: number, threadId: number, parentPid: number, startedAt: number): Registration => ({
  version: 1,
  pid,
  threadId,
  parentPid,
  startedAt,
  title: `/app/${pid}.ts`,
  cwd: "/app",
  node: "v22.0.0",
  endpoint: "",
  token: "",
});

describe("the table of traced processes", () => {
  it("puts what a process has started below it", () => {
    const text = psText(
      [entry(7, 0, 3, 50), entry(3, 2, 1, 20), entry(3, 0, 1, 10), entry(8, 0, 7, 60), entry(4, 0, 1, 30)],
      1010,
    );
    assert.equal(
      text,
      `PID  THREAD  UP      NODE     PROGRAM
3    main    1 s     v22.0.0  /app/3.ts
3    2       990 ms  v22.0.0    /app/3.ts
7    main    960 ms  v22.0.0    /app/7.ts
8    main    950 ms  v22.0.0      /app/8.ts
4    main    980 ms  v22.0.0  /app/4.ts
`,
    );
  });

  it("lists everything once, whatever process ids say that came back", () => {
    const text = psText(
      [entry(3, 0, 7, 10), entry(7, 0, 3, 50), entry(9, 4, 2, 20), entry(5, 0, 5, 1)],
      1000,
    );
    assert.deepEqual(
      text
        .trimEnd()
        .split("\n")
        .slice(1)
        .map((line) => line.slice(0, 12).trim())
        .sort(),
      ["3    main", "5    main", "7    main", "9    4"],
    );
  });
});
