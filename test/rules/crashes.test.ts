import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Fixture, readFixtures } from "./fixtures.ts";

// The rules that say "its failure ends the process", put to the test by Node itself: in each example one of the
// functions that it only declares fails, before the others have ended, and the caller catches everything.

const rules = ["task-never-awaited", "unhandled-while-awaiting", "sequential-await-of-started"];

describe("what ends the process", () => {
  const examples = readFixtures().filter((one) => one.example !== undefined && rules.includes(one.rule));
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "unknot-crashes-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const example of examples) {
    it(`${example.rule}: ${example.name}`, function () {
      this.timeout(60_000);
      const outcomes = runsOf(example, folder);
      const crashes = outcomes.filter(({ status }) => status !== 0);
      for (const { stderr } of crashes) assert.match(stderr, /failed on purpose/);
      if (example.example === "wrong") assert.ok(crashes.length > 0, "no failure ends the process");
      else
        assert.deepEqual(
          crashes.map(({ failing }) => failing),
          [],
          "a failure ends the process",
        );
    });
  }

  it("has examples of every rule", () => {
    for (const rule of rules) {
      const kinds = new Set(examples.filter((one) => one.rule === rule).map((one) => one.example));
      assert.deepEqual([...kinds].sort(), ["right", "wrong"], rule);
    }
  });
});

interface Outcome {
  /** The function that fails, and in which of its calls. */
  readonly failing: string;
  readonly status: number | null;
  readonly stderr: string;
}

/** Runs an example once for each call of each declared function that may fail. */
function runsOf({ files }: Fixture, folder: string): Outcome[] {
  const [text = ""] = files.values();
  const declared = [...text.matchAll(/^declare function (\w+)\(/gm)].map(([, name = ""]) => name);
  const exported = [...text.matchAll(/^export async function (\w+)\((\w+: ([^)]*))?\)/gm)];
  assert.ok(
    declared.length > 0 && exported.length > 0,
    "an example declares what may fail and exports what calls it",
  );
  return declared.flatMap((name) =>
    exported.flatMap(([, entry = "", , type = ""]) =>
      [1, 2].map((turn) => {
        const file = path.join(folder, "example.mts");
        const given = type.endsWith("[]") ? '["a", "b"]' : '"a"';
        writeFileSync(
          file,
          `${stubs(declared, name, turn)}\n${text}\nawait ${entry}(${given}).catch(() => {});\n`,
        );
        const { status, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8" });
        return { failing: `${name}, call ${turn}`, status, stderr };
      }),
    ),
  );
}

/** The declared functions: one fails in one of its calls at once, all others end later. */
function stubs(names: readonly string[], failing: string, turn: number): string {
  return names
    .map(
      (name) => `let ${name}Calls = 0;
globalThis.${name} = async () => {
  ${name}Calls += 1;
  if (${name === failing} && ${name}Calls === ${turn}) throw new Error("failed on purpose");
  for (let turns = 0; turns < 10; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  return "";
};`,
    )
    .join("\n");
}
