// Names that a program chose travel through tables, dumps and terminals and stay text.
import assert from "node:assert/strict";
import { readDumps } from "@unknot/dump/formats/read.ts";
import { nodes, programFolder, reading, run, runToLastDump } from "./kit.ts";

const names = [
  "\u001b[31mred\u001b[0m",
  "two\nlines",
  "tab\tand \r return",
  "\u202eright-to-left\u202c",
  `"quotes" and 'others' \\ \``,
  "task 7 [running]:",
  "__proto__",
  "constructor",
  "",
  " ",
  "\u0000\u0007\u007f\u009b31m",
  "日本語 🦀",
  "x".repeat(5000),
  "](http://example.org)",
];

const source = `const holder = {};
const never = new Promise(() => {});
${names.map((name) => `({ async [${JSON.stringify(name)}]() { await never; } })[${JSON.stringify(name)}]();`).join("\n")}
${names.map((name) => `({ ${JSON.stringify(name)}: async () => { await never; } })[${JSON.stringify(name)}]?.call?.(holder);`).join("\n")}
class Hostile { async "\\u001b]0;title\\u0007"() { await never; } }
new Hostile()["\\u001b]0;title\\u0007"]();
`;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

describe("hostile names of tasks", () => {
  const folder = programFolder({ "names.mjs": source, "a\u001b[2Jb.mjs": source });

  for (const node of nodes) {
    it(`are written as text and read back: ${node.name}`, async () => {
      const { stderr, code } = await run(folder, "names.mjs", { node });
      assert.equal(code, 0);
      assert.match(stderr, /unknot: exited with work pending/);
      assert.doesNotMatch(stderr, controls);
      const { last } = await runToLastDump(folder, "a\u001b[2Jb.mjs", { node });
      const tasks = last.dump.tasks.map((task) => task.name);
      for (const name of ["two\nlines", "\u202eright-to-left\u202c", "__proto__", "日本語 🦀"]) {
        assert.ok(tasks.includes(name), JSON.stringify(tasks));
      }
      assert.ok(reading(last.dump).task("Hostile.\u001b]0;title\u0007"));
    });
  }

  it("come unharmed through the text of a dump", async () => {
    const { last } = await runToLastDump(folder, "names.mjs");
    const { writeTaskdump } = await import("@unknot/dump/formats/taskdump-writer.ts");
    const text = [...writeTaskdump(last.dump, { mode: "full" })].join("");
    assert.doesNotMatch(text, controls);
    const { dumps, notes } = readDumps(text);
    assert.deepEqual(notes, []);
    assert.deepEqual(
      dumps[0]?.tasks.toSorted((a, b) => a.id - b.id).map((task) => task.name),
      last.dump.tasks.map((task) => task.name),
    );
  });
});
