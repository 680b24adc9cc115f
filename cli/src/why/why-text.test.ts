import assert from "node:assert/strict";
import { DumpBuilder } from "@unknot/dump/testing/dump-builder.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { Handle } from "@unknot/protocol/handle.ts";
import { colorsFor } from "../terminal.ts";
import { whyText } from "./why-text.ts";

const pipe: Handle = { kind: "pipe", type: "Pipe", stack: [], ageMs: 5_000 };
const text = (...handles: Handle[]) => {
  const dump: Dump = { ...new DumpBuilder().build(), handles };
  return whyText({ is: "over", dumps: [dump] }, { colors: colorsFor({}, {}), base: "/app" });
};

describe("the answer of unknot why", () => {
  it("counts what was created at one place", () => {
    assert.match(text(pipe), /\n {2}a pipe keeps it alive\n/);
    assert.match(text(pipe, pipe), /\n {2}a pipe and 1 more created there keep it alive\n/);
  });
});
