import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { overview } from "@unknot/dump/overview.ts";
import { DumpBuilder, wants } from "@unknot/dump/testing/dump-builder.ts";
import { assertGolden } from "@unknot/dump/testing/golden.ts";
import { busyShop } from "@unknot/dump/testing/shop.ts";
import type { Registration } from "@unknot/protocol/wire.ts";
import fc from "fast-check";
import picocolors from "picocolors";
import type { Traced } from "./rows.ts";
import { screenOf } from "./screen.ts";
import { afterKey, firstState, type Key, type TopState } from "./state.ts";
import { cut, widthOf } from "./width.ts";

const registration = (pid: number, more: Partial<Registration> = {}): Registration => ({
  version: 1,
  pid,
  threadId: 0,
  parentPid: 1,
  title: "/app/main.ts",
  cwd: "/app",
  node: "v22.0.0",
  startedAt: 0,
  endpoint: "",
  token: "",
  ...more,
});
const shop: Traced = {
  registration: registration(4242),
  overview: overview(busyShop(), { membersPerGroup: 20 }),
};
const plain = picocolors.createColors(false);
const text = (traced: readonly Traced[], state: Partial<TopState> = {}) =>
  screenOf(traced, { ...firstState, ...state }, { width: 160, colors: plain, now: 90_000 }).lines.join("\n");

describe("unknot top", () => {
  it("shows processes, problems and tasks by where they wait, the most first", () => {
    const silent = { registration: registration(7, { threadId: 3 }), trouble: "Process 7 did not answer." };
    assertGolden(import.meta.url, "goldens/tasks.txt", `${text([shop, silent])}\n`);
  });

  it("sorts, filters and opens what is asked for", () => {
    const rows = (state: Partial<TopState>) =>
      text([shop], state)
        .split("\n")
        .filter((line) => /^ *\d+ {2}4242 /.test(line))
        .map((line) => line.trim().split(/ {2,}/)[4]);
    assert.deepEqual(rows({ sort: "count" }).slice(0, 1), ["consume"]);
    assert.deepEqual(rows({ sort: "wait" }).slice(0, 1), ["main"]);
    assert.deepEqual(rows({ sort: "name", reversed: true }).slice(0, 1), ["main"]);
    assert.deepEqual(rows({ filter: "state:mutex" }).sort(), ["Billing.charge", "OrderService.reserve"]);
    assert.match(text([shop], { filter: "age>x" }), /'age>' needs a time/);
    assert.match(text([shop], { filter: "name:nobody" }), /No task is as the filter wants it\./);
    const opened = screenOf(
      [shop],
      { ...firstState, filter: "name:reserve", open: true },
      { width: 120, height: 40, colors: plain, now: 0, everySeconds: 1 },
    ).lines.join("\n");
    assert.match(opened, /held by Billing\.charge \(9\) for 3 min 3 s, taken at \/app\/billing\.ts:70/);
  });

  it("shows who holds up whom, and what was waited", () => {
    const pool = new DumpBuilder()
      .resource("pool", 1, { name: "pg", capacity: 1, heldBy: [{ task: 1, forMs: 5000 }] })
      .task(1, { name: "reserve", at: "orders.ts:41" })
      .task(2, { at: "http.ts:3", wait: wants(1) })
      .task(3, { at: "http.ts:3", wait: wants(1) })
      .build();
    const traced = { registration: registration(9), overview: overview(pool, { membersPerGroup: 5 }) };
    assert.match(
      text([traced], { view: "waits" }),
      /\n +2 +9 +40 s {2}'pg' is held for 5 s by 'reserve' at orders\.ts:41; 2 tasks wait behind/,
    );
    assert.match(
      text([shop], { view: "contention" }),
      /\n3 min 2 s +310 +800 ms +4242 +delays +billing\.ts:77 +mutex ledger/,
    );
  });

  it("never writes more than fits, nor what a terminal would obey, whatever names a program has", () => {
    const name = fc.oneof(
      fc.string({ unit: "binary", maxLength: 30 }),
      fc.string({ unit: "grapheme", maxLength: 30 }),
      fc.constantFrom("\u001b[2J", "請求を処理する関数", "\r\n\u0007", "\u202etxt.exe", "👩‍👩‍👧‍👦".repeat(9)),
    );
    fc.assert(
      fc.property(
        fc.array(name, { maxLength: 8 }),
        fc.integer({ min: 12, max: 200 }),
        fc.integer({ min: 6, max: 60 }),
        fc.record({
          view: fc.constantFrom("tasks", "waits", "contention"),
          selected: fc.nat(9),
          open: fc.boolean(),
          help: fc.boolean(),
          filter: name,
        }),
        (names, width, height, chosen) => {
          const builder = new DumpBuilder().mutex(1, names[0] ?? "lock", 1).task(1, { name: names[1] ?? "" });
          for (const [index, each] of names.entries()) {
            builder.task(index + 2, { name: each, at: `a.ts:${index}`, state: "mutex.lock", wait: wants(1) });
          }
          const traced: Traced = {
            registration: registration(1, { title: names[2] ?? "" }),
            overview: overview(builder.build(), { membersPerGroup: 5 }),
          };
          const state: TopState = { ...firstState, ...chosen };
          const options = { width, height, colors: picocolors.createColors(true), now: 0, everySeconds: 1 };
          const { lines } = screenOf([traced, traced], state, options);
          assert.ok(lines.length <= height, `${lines.length} lines of ${height}`);
          for (const line of lines) {
            // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are ours
            const bare = line.replace(/\u001b\[\d+m/g, "");
            assert.equal(bare, stripVTControlCharacters(bare));
            assert.doesNotMatch(bare, /[\p{Cc}\u202a-\u202e]/u);
            assert.ok(widthOf(bare) <= width, `${widthOf(bare)} of ${width}: ${bare}`);
          }
        },
      ),
      { numRuns: 200 },
    );
  }).timeout(60_000);
});

describe("a key of unknot top", () => {
  const press = (keys: readonly (string | Key)[], from: TopState = firstState, rows = 5) =>
    keys.reduce<TopState | undefined>(
      (state, key) =>
        state &&
        afterKey(state, typeof key === "string" ? { name: key, sequence: key } : key, { rows, page: 3 }),
      from,
    );
  const typed = (words: string) => [...words].map((sequence): Key => ({ sequence }));

  it("quits", () => {
    assert.equal(press(["q"]), undefined);
    assert.equal(press([{ name: "c", ctrl: true }]), undefined);
    assert.equal(press([...typed("/"), { name: "c", ctrl: true }]), undefined);
  });

  it("moves within the rows", () => {
    assert.equal(press(["up"])?.selected, 0);
    assert.equal(press(["down", "j"])?.selected, 2);
    assert.equal(press(["pagedown", "pagedown"])?.selected, 4);
    assert.equal(press(["end", "k"])?.selected, 3);
    assert.equal(press(["down"], firstState, 0)?.selected, 0);
  });

  it("changes view, order, details and pause", () => {
    assert.deepEqual(press(["w", "s", "r", "return", "p"]), {
      ...firstState,
      view: "waits",
      sort: "wait",
      reversed: true,
      open: true,
      paused: true,
    });
    assert.equal(press(["h"])?.help, true);
    assert.deepEqual(press(["h", "q"]), firstState, "any key closes the help");
  });

  it("types a filter", () => {
    const filter = press([...typed("/"), ...typed("stote"), { name: "backspace" }, ...typed("x:q")]);
    assert.equal(filter?.typing, "stotx:q");
    assert.equal(press(["return"], filter)?.filter, "stotx:q");
    assert.equal(press(["escape"], filter)?.filter, "");
    assert.equal(press([{ sequence: "\u001b[A", name: "up" }], filter)?.typing, "stotx:q");
    assert.equal(press(["escape"], { ...firstState, filter: "x" })?.filter, "");
  });
});

describe("the width of text", () => {
  it("counts columns, and cuts between whole characters", () => {
    assert.equal(widthOf("abc"), 3);
    assert.equal(widthOf("請求"), 4);
    assert.equal(widthOf("e\u0301"), 1);
    assert.equal(cut("請求を処理", 5), "請求…");
    assert.equal(cut("請求を処理", 4), "請…");
    assert.equal(cut("abc", 3), "abc");
    assert.equal(cut("abc", 0), "");
  });
});
