import assert from "node:assert/strict";
import fc from "fast-check";
import { detect } from "../detectors/detect.ts";
import { busyShop, shop } from "../testing/shop.ts";
import { writeGoroutines } from "./goroutine-text.ts";
import { outlineOf, referenceAt } from "./taskdump-outline.ts";
import { writeTaskdump } from "./taskdump-writer.ts";

const dump = { ...shop(), problems: detect(shop()) };
const text = (mode: "full" | "grouped") => [...writeTaskdump(dump, { mode })].join("");

describe("the outline of a dump's text", () => {
  it("has a block for every task, resource and problem", () => {
    const { blocks } = outlineOf(text("full"));
    const kinds = (kind: string) => blocks.filter((block) => block.kind === kind);
    assert.equal(kinds("task").length, dump.tasks.length);
    assert.equal(kinds("resource").length, dump.resources.length);
    assert.equal(kinds("problem").length, dump.problems.length);
    const reserve = blocks.find(({ reference }) => reference === "task 7");
    assert.equal(reserve?.name, "OrderService.reserve");
    assert.equal(reserve?.detail, "task 7 [mutex.lock (deadlock D1)]");
    const lines = text("full").split("\n");
    for (const { start, end } of blocks) {
      assert.equal(lines[start - 1], "");
      assert.notEqual(lines[end], "");
      assert.equal(lines[end + 1], "");
    }
  });

  it("has the groups of a grouped dump", () => {
    const groups = outlineOf(text("grouped")).blocks.filter(({ kind }) => kind === "group");
    assert.deepEqual(groups.find(({ name }) => name === "consume")?.detail, "5 tasks [chan receive]");
  });

  it("has the places where tasks waited and held", () => {
    const { blocks } = outlineOf([...writeTaskdump(busyShop(), { mode: "full" })].join(""));
    assert.deepEqual(
      blocks.filter(({ kind }) => kind === "contention").map(({ name, detail }) => `${name}: ${detail}`),
      [
        "OrderService.reserve: waits 340 for 182.412s, longest 1.24s [mutex.lock]",
        "audit: waits 12 for 24s, longest 6s [await]",
        "Billing.charge: holds 360 for 90s, longest 0.8s, 310 delayed others for 182.4s",
      ],
    );
  });

  it("finds every place where it stands", () => {
    const lines = text("full").split("\n");
    const { places } = outlineOf(text("full"));
    assert.ok(places.length > dump.tasks.length);
    for (const { line, from, to, place } of places) {
      assert.equal(lines[line]?.slice(from, to), `${place.file}:${place.line}:${place.column}`);
    }
  });

  it("reads what Go prints", () => {
    const go = "goroutine 7 [chan send, 4 minutes]:\nmain.worker(0x0?, 0x3)\n\t/path/main.go:6 +0x36\n";
    const { blocks, places } = outlineOf(go);
    assert.deepEqual(blocks, [
      {
        kind: "task",
        name: "main.worker",
        detail: "goroutine 7 [chan send]",
        reference: "goroutine 7",
        start: 0,
        end: 2,
      },
    ]);
    assert.deepEqual(places, [
      { line: 2, from: 1, to: 16, place: { file: "/path/main.go", line: 6, column: 1 } },
    ]);
    assert.equal(outlineOf([...writeGoroutines(dump)].join("")).blocks.length, dump.tasks.length);
  });

  it("tells what a word refers to", () => {
    const line = 'deadlock D1: task 7 -> mutex#4 "ledger" -> task 9';
    assert.equal(referenceAt(line, line.indexOf("7")), "task 7");
    assert.equal(referenceAt(line, line.indexOf("#")), "mutex#4");
    assert.equal(referenceAt(line, 10), "D1");
    assert.equal(referenceAt(line, line.indexOf("->")), undefined);
  });

  it("takes any text", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom(...text("full").split("\n")))), (lines) => {
        const { blocks, places } = outlineOf(lines.join("\n"));
        for (const { start, end } of blocks)
          assert.ok(start <= end && end < lines.join("\n").split("\n").length);
        for (const { from, to } of places) assert.ok(from < to);
      }),
    );
  });
});
