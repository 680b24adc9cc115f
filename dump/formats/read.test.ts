import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Dump } from "@unknot/protocol/dump.ts";
import { siteOf } from "../names.ts";
import { DumpBuilder } from "../testing/dump-builder.ts";
import { shop } from "../testing/shop.ts";
import { writeDumpJson } from "./dump-json.ts";
import { readDumps } from "./read.ts";
import { writeTaskdump } from "./taskdump-writer.ts";

const golden = (file: string) => readFileSync(new URL(`goldens/${file}`, import.meta.url), "utf8");
const textOf = (dump: Dump) => [...writeTaskdump(dump, { mode: "full" })].join("");

describe("reading dumps", () => {
  it("reads what Go prints", () => {
    const { dumps, unknown, notes } = readDumps(golden("go-1.19.txt"));
    const [dump] = dumps;
    assert.deepEqual(notes, []);
    // The message before, the stack that is not there, the exit status after.
    assert.equal(unknown, 3);
    assert.deepEqual(
      dump?.tasks.map((task) => [task.id, task.state, task.wait?.sinceMs, task.name, task.parent]),
      [
        [1, "semaphore.acquire", 240_000, "main.main", undefined],
        [6, "chan receive", 240_000, "main.worker", undefined],
        [7, "chan send", 0, "main.worker", 1],
        [8, "select (no cases)", 0, "main.forever", undefined],
        [9, "await", 0, "runtime.gopark", undefined],
        [18, "running", undefined, "", undefined],
      ],
    );
    assert.deepEqual(dump && siteOf(dump, dump.tasks[2]?.at), {
      file: "/srv/shop/pool.go",
      line: 20,
      column: 1,
      function: "main.(*Pool).Put",
    });
    assert.equal(dump && siteOf(dump, dump.tasks[2]?.created)?.file, "C:/srv/shop/main.go");
    assert.deepEqual(dump?.tasks[3]?.labels, { tenant: "acme" });
    assert.deepEqual(dump?.tasks[4]?.labels, { state: "GC worker (idle)" });
  });

  it("reads files put one after the other", () => {
    const { dumps, notes } = readDumps(textOf(shop()) + textOf(new DumpBuilder().task(1).build()));
    assert.deepEqual(
      dumps.map((dump) => dump.tasks.length),
      [10, 1],
    );
    assert.deepEqual(notes, []);
    const json = [...writeDumpJson(shop())].join("");
    assert.equal(readDumps(`[${json},${json}]`).dumps.length, 2);
  });

  it("keeps which tasks of a group are proved never to go on", () => {
    const builder = new DumpBuilder();
    for (let id = 1; id <= 10; id++) {
      builder.task(id, { name: "leak", at: "leak.ts:3", ...(id === 10 ? {} : { collected: "lost" }) });
    }
    const text = [...writeTaskdump(builder.build(), { mode: "grouped" })].join("");
    assert.match(text, /^collected 9 of 10, lost: 1-9$/m);
    const { dumps, unknown } = readDumps(text);
    assert.equal(unknown, 0);
    assert.deepEqual(
      dumps[0]?.tasks.flatMap(({ id, collected }) => (collected === "lost" ? id : [])),
      [1, 2, 3, 4, 5, 6, 7, 8, 9],
    );
  });

  it("refuses a dump of another version, and reads those beside it", () => {
    const refused =
      "This dump has format version 99, which this Unknot can't read: read it with a newer one.";
    const text = textOf(shop()).replace(/^taskdump 1/, "taskdump 99");
    const json = [...writeDumpJson(shop())].join("");
    const later = json.replace('"version":1', '"version":99');
    for (const alone of [text, later]) {
      assert.deepEqual(readDumps(alone), { dumps: [], unknown: 0, notes: [refused] });
    }
    for (const both of [text + textOf(shop()), `[${later},${json}]`]) {
      const { dumps, notes } = readDumps(both);
      assert.deepEqual([dumps.length, notes], [1, [refused]]);
    }
  });

  it("says how much of a cut dump is there", () => {
    const text = textOf(shop());
    const { dumps, notes } = readDumps(text.slice(0, text.indexOf("task 5 [")));
    assert.equal(dumps[0]?.tasks.length, 7);
    assert.deepEqual(notes, ["The dump is cut: 7 of 10 tasks are there. Take it again for the rest."]);
    // Locks are known from the tasks that wait for them, although their own blocks are gone.
    assert.deepEqual(
      dumps[0]?.resources.map(({ name, holders }) => [name, holders.map((hold) => hold.task)]),
      [
        ["ledger", [9]],
        ["stock", [7]],
        ["jobs", []],
      ],
    );
    assert.equal(dumps[0]?.problems[0]?.label, "D1");
  });

  it("reads JSON that was cut up to its last whole line", () => {
    const json = [...writeDumpJson(shop())].join("");
    const { dumps, notes } = readDumps(json.slice(0, json.indexOf('{"id":11')));
    assert.equal(dumps[0]?.tasks.length, 5);
    assert.match(notes.join(" "), /^The dump is cut: 5 tasks are there\./);
    assert.match(readDumps("{").notes.join(" "), /no dump in JSON/);
    assert.match(readDumps('{"version":1}').notes.join(" "), /'format' is not 'unknot-dump'/);
  });

  it("says when a file is no dump", () => {
    for (const text of ["", "hello\n", "a\tb\n\tc:1:2\n"]) {
      const { dumps, notes } = readDumps(text);
      assert.deepEqual(dumps, []);
      assert.match(notes.join(" "), /^This is no task dump/);
    }
  });

  it("takes Windows line ends, a byte order mark and lines that are not known", () => {
    const text = textOf(shop());
    assert.deepEqual(readDumps(`\ufeff${text.replaceAll("\n", "\r\n")}`), readDumps(text));
    const newer = readDumps(text.replace("# end", "# novel    x\n# end"));
    assert.equal(newer.dumps[0]?.tasks.length, 10);
    assert.equal(newer.unknown, 1);
  });

  it("drops what does not fit and keeps the rest", () => {
    const { dumps, unknown } = readDumps(
      JSON.stringify({
        ...shop(),
        novel: true,
        tasks: [{ id: 1, state: "await", at: 99, holding: ["x", 3], novel: 1 }, { id: "2" }, null],
      }),
    );
    assert.equal(unknown, 2);
    assert.deepEqual(dumps[0]?.tasks, [
      { id: 1, kind: "async function", name: "", state: "await", ageMs: 0, holding: [3] },
    ]);
  });

  it("is not slowed down by lines made to be slow", () => {
    const hostile = [
      `task 1 [await] {${'"\\'.repeat(20_000)}`,
      `task 1 [await] {${"a".repeat(60_000)}`,
      `task 1 [${"a ".repeat(30_000)}`,
      `${"(".repeat(60_000)}`,
      `\t${":1".repeat(30_000)}x`,
      `deadlock D1: ${"a".repeat(60_000)}`,
      `# coverage instrumented ${'"\\"'.repeat(20_000)}`,
    ];
    const started = performance.now();
    for (const line of hostile) readDumps(`taskdump 1 full\n\ntask 2 [await]:\n${line}\n\n${line}\n`);
    assert.ok(performance.now() - started < 2000);
  }).timeout(60_000);
});
