import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { type Fixture, readFixtures } from "./fixtures.ts";
import { createWorkspace } from "./workspace.ts";

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

  it("what is reported in generated functions ends the process", function () {
    this.timeout(120_000);
    const functions = fc.sample(bodies, { numRuns: 150, seed: 11 });
    const text = functions.map(
      (body, index) => `export async function f${index}(p: boolean, q: boolean) {\n${body}}`,
    );
    const declared = `declare function start(name: string): Promise<void>;
declare function pause(): Promise<void>;
declare function keep(task: Promise<void>): void;
`;
    const source = declared + text.join("\n");
    const crashes = new Set(crashesOf(source, functions.length, folder));
    const workspace = createWorkspace();
    workspace.write("main.ts", source);
    const findings = workspace.analyze().findings.get("main.ts") ?? [];
    workspace.remove();
    const lines = source.split("\n");
    const reported = findings.flatMap(({ rule, at }) => {
      const name = /start\("(\w+)"\)/.exec(lines[at.line - 1] ?? "")?.[1];
      const index = lines.slice(0, at.line).filter((line) => line.startsWith("export")).length - 1;
      return rules.includes(rule) && name !== undefined ? [`f${index} ${name}`] : [];
    });
    assert.ok(reported.length > 50, `only ${reported.length} findings`);
    for (const key of reported) {
      assert.ok(
        crashes.has(key),
        `${key} is reported, and no failure of it ends the process:\n${text[Number(/\d+/.exec(key)?.[0])]}`,
      );
    }
  });

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

/** Bodies of functions that start tasks, wait, and look at some of them, on paths that two conditions choose. */
const bodies = fc
  .array(
    fc.record({
      do: fc.constantFrom("start", "start", "pause", "await", "await", "catch", "keep", "all", "return"),
      on: fc.nat(2),
      when: fc.constantFrom("", "", "p", "!p", "q"),
    }),
    { minLength: 3, maxLength: 8 },
  )
  .map((steps) => {
    const tasks: string[] = [];
    return steps
      .map((step) => {
        const task = tasks[step.on % Math.max(1, tasks.length)];
        if (step.do === "start" && tasks.length < 3) {
          const name = ["a", "b", "c"][tasks.length] ?? "a";
          tasks.push(name);
          return `  const ${name} = start("${name}");\n`;
        }
        const statement = task === undefined ? "await pause();" : statementOn(step.do, task, tasks);
        return `  ${step.when === "" || step.do === "return" ? "" : `if (${step.when}) `}${statement}\n`;
      })
      .join("");
  });

function statementOn(what: string, task: string, tasks: readonly string[]): string {
  switch (what) {
    case "await":
      return `await ${task};`;
    case "catch":
      return `${task}.catch(() => {});`;
    case "keep":
      return `keep(${task});`;
    case "all":
      return `await Promise.all([${tasks.join(", ")}]);`;
    case "return":
      return `if (p && q) return ${task};`;
    default:
      return "await pause();";
  }
}

/** For each function and task, whether its failure ends the process for some choice of conditions: `f3 a`. */
function crashesOf(source: string, count: number, folder: string): string[] {
  const file = path.join(folder, "generated.mts");
  writeFileSync(
    file,
    `let failing = "";
const turns = async (count) => { for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve)); };
globalThis.start = async (name) => { if (name === failing) throw new Error(name); await turns(3); };
globalThis.pause = () => turns(3);
globalThis.keep = (task) => { task.catch(() => {}); };
const crashes = new Set();
let current = "";
process.on("unhandledRejection", () => crashes.add(current));
${source}
for (const [index, run] of [${Array.from({ length: count }, (_, index) => `f${index}`).join(", ")}].entries()) {
  for (failing of ["a", "b", "c"]) {
    for (const [p, q] of [[false, false], [false, true], [true, false], [true, true]]) {
      current = \`f\${index} \${failing}\`;
      await run(p, q).catch(() => {});
      await turns(5);
    }
  }
}
console.log(JSON.stringify([...crashes]));
`,
  );
  const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8" });
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout) as string[];
}
