import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import type { RunReport } from "@unknot/protocol/report.ts";
import { isSure, type Verdict, verdicts } from "@unknot/protocol/verdict.ts";
import { root, temporaryFolder, unknot } from "../cli/unknot.ts";
import { nodes } from "../traced/kit.ts";

const folder = path.join(root, "examples");

interface Pair {
  /** The rule that finds the mistake in the source. */
  readonly rule?: string;
  /** What a run finds, the gravest first. */
  readonly problems?: readonly { readonly id: string; readonly verdict: Verdict }[];
  /** On a busy machine a second may pass while its loop starts all that it starts, and then that is told, too. */
  readonly mayBlock?: true;
}

const exitPending = { id: "exit-pending", verdict: "exit-pending" } as const;
const neverClosed = { id: "channel-never-closed", verdict: "exit-pending" } as const;

const pairs: Readonly<Record<string, Pair>> = {
  "two-locks": {
    rule: "lock-order-inversion",
    problems: [{ id: "lock-order-inversion", verdict: "deadlock" }],
  },
  "worker-pool": { rule: "channel-never-closed", problems: [neverClosed] },
  "queue-join": { problems: [neverClosed, exitPending] },
  scraper: { rule: "wait-group-misuse", problems: [neverClosed, exitPending] },
  "scraper-errors": { problems: [exitPending] },
  "select-timeout": { problems: [exitPending] },
  limiter: { rule: "queue-self-wait", problems: [{ id: "queue-self-wait", verdict: "deadlock" }] },
  "lock-after-error": {
    rule: "lock-release-not-in-finally",
    problems: [{ id: "lock-not-released", verdict: "owner-gone" }],
  },
  "pool-client": {
    rule: "pool-client-not-released",
    problems: [{ id: "pool-client-not-released", verdict: "owner-gone" }],
  },
  "blocked-loop": { problems: [{ id: "loop-blocked", verdict: "loop-blocked" }] },
  "double-init": { rule: "double-init" },
  "lost-update": {
    rule: "stale-write-after-await",
    problems: [{ id: "stale-write-after-await", verdict: "lost-update" }],
  },
  "unawaited-task": {
    rule: "floating-task",
    problems: [{ id: "floating-task", verdict: "not-awaited" }],
  },
  "many-tasks": { problems: [exitPending], mayBlock: true },
};

/** The lines that follow a comment `// Mistake: …`. */
function mistakesIn(file: string): readonly number[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line, index) => (line.includes("// Mistake:") ? index + 2 : []));
}

async function check(file: string) {
  const { stdout, stderr } = await unknot(["check", "--format", "json", "--severity", "hint", file]);
  assert.equal(stderr, "");
  const { findings } = JSON.parse(stdout) as { findings: { rule: string; line: number }[] };
  return findings;
}

describe("examples", () => {
  const reports = temporaryFolder({});

  async function run(file: string, node: string) {
    const report = path.join(reports, `${file.replaceAll("/", "-")}.json`);
    const outcome = await unknot(["run", "--report", report, "--", path.join(folder, file)], { node });
    return { ...outcome, report: JSON.parse(readFileSync(report, "utf8")) as RunReport };
  }

  const plainly = (file: string, node: string) =>
    spawnSync(node, ["--disable-warning=ExperimentalWarning", file], { encoding: "utf8" });

  it("are all tested", () => {
    assert.deepEqual(
      globSync("*/broken.ts", { cwd: folder })
        .map((file) => path.dirname(file))
        .sort(),
      Object.keys(pairs).sort(),
    );
  });

  it("compile, and list every package that they import", () => {
    const compiled = spawnSync(
      process.execPath,
      [path.join(root, "node_modules/typescript/bin/tsc"), "-p", folder],
      { encoding: "utf8" },
    );
    assert.equal(compiled.status, 0, compiled.stdout);
    const { dependencies } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
    const imported = globSync("*/*.ts", { cwd: folder }).flatMap((file) =>
      [...readFileSync(path.join(folder, file), "utf8").matchAll(/from "([^"]+)"/g)].map(
        (match) => match[1] ?? "",
      ),
    );
    const missing = imported.filter((name) => !name.startsWith("node:") && !(name in dependencies));
    assert.deepEqual(missing, []);
  });

  for (const [name, { rule, problems = [], mayBlock }] of Object.entries(pairs)) {
    describe(name, () => {
      const broken = path.join(folder, name, "broken.ts");
      const correct = path.join(folder, name, "correct.ts");
      const ofProgram = ({ problems: all }: RunReport) =>
        all.filter(({ verdict }) => mayBlock !== true || verdict !== "loop-blocked");

      if (rule !== undefined) {
        it(`is seen to be broken by check: ${rule}`, async () => {
          const findings = await check(broken);
          assert.deepEqual([...new Set(findings.map((finding) => finding.rule))], [rule]);
          const lines = mistakesIn(broken);
          const found = findings.map((finding) => finding.line);
          for (const line of lines.slice(0, 1)) assert.ok(found.includes(line), `${found} and not ${line}`);
        });
      }

      it("is not found fault with by check when it is correct", async () => {
        assert.deepEqual(await check(correct), []);
      });

      for (const node of nodes) {
        if (problems.length > 0) {
          it(`is seen to be broken by run: ${problems.map(({ verdict }) => verdict)}, ${node.name}`, async () => {
            const plain = plainly(broken, node.path);
            const { code, stdout, stderr, report } = await run(`${name}/broken.ts`, node.path);
            assert.equal(code, plain.status);
            assert.equal(stdout, plain.stdout);
            assert.deepEqual(
              ofProgram(report).map(({ id, verdict }) => ({ id, verdict })),
              problems,
            );
            assert.ok(report.problems.every(isSure));
            for (const { verdict } of problems) {
              const isTold = [verdict, verdicts[verdict]].some((name) => stderr.includes(name));
              assert.ok(isTold, `${verdict} is not told:\n${stderr}`);
            }
            const lines = mistakesIn(broken);
            for (const { at, verdict } of ofProgram(report)) {
              // What blocks a loop is seen wherever it is just then.
              const places = verdict === "loop-blocked" ? at : at.slice(0, 1);
              assert.ok(
                places.some((place) => place.file === broken && lines.includes(place.line)),
                JSON.stringify(at),
              );
            }
          });
        }

        it(`is silent about the correct twin, ${node.name}`, async () => {
          const plain = plainly(correct, node.path);
          const { code, stdout, report } = await run(`${name}/correct.ts`, node.path);
          assert.deepEqual([code, stdout], [0, plain.stdout]);
          assert.deepEqual(ofProgram(report), []);
          assert.equal(report.tasks.pending, 0);
        });
      }
    });
  }
});
